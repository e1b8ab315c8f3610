//! From the file as written to a [`Policy`]: compiles triggers and checks what entries mean to
//! each other. Collects every problem; reads no YAML.

mod budget;
pub mod place;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::error::{EntryProblem, ProblemKind, Problems};
use super::expression::{Expression, Functions};
use super::glob::{Glob, GlobError};
use super::names::{NameRule, Names};
use super::schema::{Entry, File, Listed, ModelRule, Pin};
use super::{Action, Floating, Mode, OnError, Phase, Policy, Rule, Unreadable, When};
use crate::llm::pinning::Pinning;
use crate::record::sha256_hex;
use budget::Budget;

/// The policy, unless there is no file to compile. Whether it may be used is up to `problems`.
pub fn compile(text: &str, file: Option<File>, problems: &mut Problems) -> Option<Policy> {
    let file = file?;
    let mut rules = Vec::with_capacity(file.entries.len());
    let functions = Functions::new();
    let mut budget = Budget::default();
    let mut lines: HashMap<String, usize> = HashMap::new();
    let names =
        Names { rules: name_rules(&file.model_rules, problems), deployments: file.deployments };
    for entry in file.entries {
        check_name(&entry, &mut lines, problems);
        if file.floating == Floating::Deny {
            check_allowed(&entry, &names, problems);
        }
        rules.extend(rule(entry, &functions, &mut budget, problems));
    }
    let pins = pins(&file.pins, file.floating, &names, problems);
    let stops = |rule: &Rule| rule.denies() || rule.holds(Phase::Request).is_some();
    let stops = file.floating == Floating::Deny || rules.iter().any(stops);
    let default = if stops { Unreadable::Deny } else { Unreadable::Flag };
    Some(Policy {
        version: format!("sha256:{}", sha256_hex(text.as_bytes())),
        label: file.label,
        rules,
        floating: file.floating,
        pins,
        names: Arc::new(names),
        categories: file.categories,
        confidence_from: file.confidence_from,
        request_logprobs: file.request_logprobs.into_iter().map(|listed| listed.name).collect(),
        record: file.record,
        streams: file.streams,
        unreadable: file.unreadable.unwrap_or(default),
    })
}

/// A name that is approved and refused at once.
fn check_allowed(entry: &Entry, names: &Names, problems: &mut Problems) {
    for Listed { name, at } in entry.allowed.iter().flatten() {
        if names.judge(name, None).pinning == Pinning::Floating {
            let problem = EntryProblem::ApprovedFloating { model: name.clone() };
            problems.add(*at, ProblemKind::Policy { policy: entry.name.clone(), problem });
        }
    }
}

fn check_name(entry: &Entry, names: &mut HashMap<String, usize>, problems: &mut Problems) {
    if entry.name.is_empty() {
        return;
    }
    // `x-decision-flags` lists names between commas.
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-.".contains(letter);
    if !entry.name.chars().all(plain) {
        let policy = entry.name.replace(|letter| !plain(letter), "?");
        let problem = EntryProblem::NameCharacters;
        problems.add(entry.at, ProblemKind::Policy { policy, problem });
        return;
    }
    let problem = if Policy::BUILT_IN_NAMES.contains(&entry.name.as_str()) {
        EntryProblem::ReservedName
    } else if let Some(first_line) = names.insert(entry.name.clone(), entry.at.line) {
        EntryProblem::DuplicateName { first_line }
    } else {
        return;
    };
    problems.add(entry.at, ProblemKind::Policy { policy: entry.name.clone(), problem });
}

/// The policy's own naming rules whose patterns are patterns.
fn name_rules(rules: &[ModelRule], problems: &mut Problems) -> Vec<NameRule> {
    let mut compiled = Vec::with_capacity(rules.len());
    for (index, rule) in rules.iter().enumerate() {
        match Glob::new(&rule.pattern.text) {
            Ok(pattern) => compiled.push(NameRule {
                name: format!("models.rules[{index}]"),
                line: rule.pattern.at.line,
                pattern,
                class: rule.class,
            }),
            Err(GlobError { offset, problem }) => {
                let at = place::locate(&rule.pattern, offset, problems);
                problems.add(at, ProblemKind::Pattern { key: "match", problem });
            }
        }
    }
    compiled
}

/// The pins that lead to a name which is no alias itself.
fn pins(
    pins: &[Pin],
    floating: Floating,
    names: &Names,
    problems: &mut Problems,
) -> BTreeMap<String, String> {
    let mut kept = BTreeMap::new();
    let aliases: HashSet<&str> = pins.iter().map(|pin| pin.alias.as_str()).collect();
    for pin in pins {
        let (alias, target) = (pin.alias.clone(), pin.target.clone());
        // What a deployment is pinned to is a deployment.
        let model = names.deployments.get(&target).unwrap_or(&target);
        let floats = names.judge(model, None).pinning == Pinning::Floating;
        if aliases.contains(target.as_str()) {
            problems.add(pin.at, ProblemKind::PinToAlias { alias, target });
        } else if floating == Floating::Deny && floats {
            problems.add(pin.at, ProblemKind::PinToFloating { alias, target });
        } else {
            kept.insert(alias, target);
        }
    }
    kept
}

/// What is held waits for a person before the provider is called.
fn check_hold(entry: &Entry, when: &When, problems: &mut Problems) {
    let Some(at) = entry.hold else { return };
    let problem = match when {
        When::Trigger(trigger) if trigger.phase() == Phase::Answer => EntryProblem::HoldsAnswer,
        _ if entry.action != Some(Action::RouteToHumanReview) => {
            let because = "only `action: route_to_human_review` can hold";
            EntryProblem::Idle { key: "hold", because }
        }
        _ => return,
    };
    problems.add(at, ProblemKind::Policy { policy: entry.name.clone(), problem });
}

/// The entry's rule; `None` where its condition is missing or wrong, which is then noted.
fn rule(
    entry: Entry,
    functions: &Functions,
    budget: &mut Budget,
    problems: &mut Problems,
) -> Option<Rule> {
    let line = entry.trigger.as_ref().map_or(entry.at.line, |source| source.at.line);
    let when = match (&entry.trigger, &entry.allowed) {
        (Some(source), _) if !budget.takes_source(source, problems) => return None,
        (Some(source), _) => match Expression::compile(&source.text, functions) {
            Ok(trigger) => {
                budget.take_patterns(&trigger, source, problems);
                When::Trigger(trigger)
            }
            Err(found) => {
                for (offset, problem) in found {
                    let at = place::locate(source, offset, problems);
                    let policy = entry.name.clone();
                    problems.add(at, ProblemKind::Trigger { policy, problem });
                }
                return None;
            }
        },
        (None, Some(models)) => {
            When::NotAllowed(models.iter().map(|listed| listed.name.clone()).collect())
        }
        (None, None) => return None,
    };
    check_hold(&entry, &when, problems);
    Some(Rule {
        name: entry.name,
        line,
        when,
        // Only `allowed` may leave its action out, and then denies.
        action: entry.action.unwrap_or(Action::Deny),
        hold_ttl_s: entry.hold.map(|_| entry.hold_ttl_s),
        mode: entry.mode.unwrap_or(Mode::Enforce),
        on_error: entry.on_error.unwrap_or(OnError::Default),
        message: entry.message,
    })
}
