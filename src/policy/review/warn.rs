//! What looks like a mistake in a policy that loads: entries that change nothing, come too late or
//! speak of models that nobody approves. The file gives the places, the policy the meaning.

use std::borrow::Cow;
use std::collections::HashSet;

use super::{ApprovedModel, NEVER_ASKED, constant, written};
use crate::llm::pinning::{Pinning, normalise};
use crate::policy::compile::place;
use crate::policy::error::{At, Problems, UnknownConfidence, WarningKind};
use crate::policy::expression::{Expression, normalised};
use crate::policy::schema::{Entry, File, Listed, Pin};
use crate::policy::variable::{Phase, Variable};
use crate::policy::{
    Action, ConfidenceSource, Floating, Mode, OnError, OnFailure, Policy, Rule, Streams,
};

/// Everything that should be looked at.
pub fn all(policy: &Policy, file: &File, problems: &mut Problems) {
    let approved = policy.approved_models();
    let lists = Lists::of(policy);
    shadowed(policy, file, problems);
    for (rule, entry) in policy.rules.iter().zip(&file.entries) {
        reads_nothing(policy, rule, entry, problems);
        if policy.streams == Streams::Pass {
            late_denial(rule, entry, problems);
        }
        no_confidence(rule, entry, &approved, problems);
        unknown_names(policy, entry, problems);
        written::check(policy, rule, entry, problems);
        split(rule, entry, problems);
        if let Some(at) = entry.idle_ttl {
            problems.warn(at, &WarningKind::NothingHeld);
        }
    }
    lists.nothing_in_common(file, problems);
    for pin in &file.pins {
        check_pin(policy, &lists, pin, problems);
    }
    logprobs(policy, &lists, &file.request_logprobs, problems);
    if let Some(at) = file.until_at.filter(|_| policy.record.on_failure == OnFailure::Deny) {
        problems.warn(at, &WarningKind::NothingToEnd);
    }
}

/// The policies on approved models, each with its models' names as they are compared.
struct Lists<'a>(Vec<(&'a Rule, HashSet<Cow<'a, str>>)>);

/// Policies that change nothing: whenever one fires, another has fired that does as much or more.
fn shadowed(policy: &Policy, file: &File, problems: &mut Problems) {
    let trigger = |entry: &Entry| entry.trigger.as_ref().map(|source| normalised(&source.text));
    let triggers: Vec<_> = file.entries.iter().map(trigger).collect();
    let all = || policy.rules.iter().zip(&file.entries).zip(&triggers).enumerate();
    for (index, ((rule, entry), trigger)) in all() {
        if trigger.is_none() {
            continue;
        }
        let other = all().find(|(other_index, ((other, _), other_trigger))| {
            let as_strong_and_first = rule.strength() == other.strength() && *other_index < index;
            (rule.strength() < other.strength() || as_strong_and_first)
                && (other.mode == Mode::Enforce || rule.mode == Mode::Observe)
                && (other.fires_on_error(Phase::Request) || !rule.fires_on_error(Phase::Request))
                && *other_trigger == trigger
        });
        let Some((_, ((other, other_entry), _))) = other else { continue };
        let kind = WarningKind::Shadowed {
            policy: rule.name.clone(),
            by: other.name.clone(),
            line: other_entry.at.line,
            stronger: (rule.strength() < other.strength()).then(|| other.in_words()),
        };
        problems.warn(entry.at, &kind);
    }
}

fn reads_nothing(policy: &Policy, rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let Some(trigger) = rule.trigger().filter(|trigger| trigger.variables().is_empty()) else {
        return;
    };
    let kind =
        WarningKind::Constant { policy: rule.name.clone(), fires: constant(policy, trigger) };
    problems.warn(trigger_at(entry, problems), &kind);
}

fn late_denial(rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let Some(trigger) = rule.trigger().filter(|_| rule.denies()) else { return };
    let mut variables = trigger.variables().iter();
    if let Some(late) = variables.find(|variable| variable.phase() == Phase::Answer) {
        let (policy, variable) = (rule.name.clone(), late.as_str());
        problems.warn(entry.action_at, &WarningKind::LateDenial { policy, variable });
    }
}

/// A part of the condition that the request settles, beside one that waits for the answer.
fn split(rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let late = |trigger: &&Expression| rule.denies() && trigger.phase() == Phase::Answer;
    let Some((trigger, source)) = rule.trigger().filter(late).zip(entry.trigger.as_ref()) else {
        return;
    };
    let by_request = |(_, part): &(usize, Expression)| {
        part.phase() == Phase::Request && !part.variables().is_empty()
    };
    if let Some((offset, _)) = trigger.alternatives().into_iter().find(by_request) {
        let kind = WarningKind::DeniesTooLate { policy: rule.name.clone() };
        problems.warn(place::locate(source, offset, problems), &kind);
    }
}

/// Where `on_error` says outright what an unknown confidence counts as, it is meant.
fn no_confidence(rule: &Rule, entry: &Entry, approved: &[ApprovedModel], problems: &mut Problems) {
    let Some(trigger) = rule.trigger().filter(|trigger| trigger.reads(Variable::Confidence)) else {
        return;
    };
    if rule.on_error != OnError::Default {
        return;
    }
    let effect = match (rule.denies(), trigger.variables().len()) {
        (false, 1) => UnknownConfidence::Passes,
        (false, _) => UnknownConfidence::PassesByIt,
        (true, 1) => UnknownConfidence::Refuses,
        (true, _) => UnknownConfidence::RefusesByIt,
    };
    // Models of which the same is to be said share a sentence.
    let mut told: Vec<(&[&'static str], Vec<String>)> = Vec::new();
    for model in approved.iter().filter(|model| model.certain.is_empty()) {
        let name = model.name.to_owned();
        match told.iter_mut().find(|(unless, _)| *unless == model.possible) {
            Some((_, models)) => models.push(name),
            None => told.push((&model.possible, vec![name])),
        }
    }
    for (unless, models) in told {
        let kind = WarningKind::NoConfidence {
            policy: rule.name.clone(),
            models,
            effect,
            unless: unless.to_vec(),
            can_list: unless.contains(&ConfidenceSource::Logprobs.as_str()),
        };
        problems.warn(trigger_at(entry, problems), &kind);
    }
}

/// Approved models of which nobody says whether they can change.
fn unknown_names(policy: &Policy, entry: &Entry, problems: &mut Problems) {
    let floating = match policy.floating {
        Floating::Deny => "deny",
        Floating::Flag => "flag",
        Floating::Allow => return,
    };
    for Listed { name, at } in entry.allowed.iter().flatten() {
        let unknown = policy.judge_name(name, None).pinning == Pinning::Unknown;
        // Of a pattern there is more to be said.
        if unknown && written::mark(name).is_none() {
            let (policy, model) = (entry.name.clone(), name.clone());
            problems.warn(*at, &WarningKind::UnknownName { policy, model, floating });
        }
    }
}

fn check_pin(policy: &Policy, lists: &Lists, pin: &Pin, problems: &mut Problems) {
    let Pin { alias, target, at } = pin;
    if alias.is_empty() || alias.trim() != alias || alias.contains(char::is_control) {
        let alias = alias.replace(char::is_control, " ");
        problems.warn(*at, &WarningKind::UnaskableAlias { alias });
    }
    // What a deployment is pinned to is a deployment.
    let model = policy.deployed(target).unwrap_or(target);
    if let Some(rule) = lists.refuses(model) {
        let (alias, target, policy) = (alias.clone(), target.clone(), rule.name.clone());
        problems.warn(*at, &WarningKind::PinRefused { alias, target, policy });
    }
}

fn logprobs(policy: &Policy, lists: &Lists, listed: &[Listed], problems: &mut Problems) {
    let read = policy.confidence_from.contains(&ConfidenceSource::Logprobs);
    if let Some(first) = listed.first().filter(|_| !read) {
        problems.warn(first.at, &WarningKind::LogprobsUnread);
        return;
    }
    for Listed { name, at } in listed {
        let model = name.clone();
        let kind = if let Some(target) = policy.pin(name) {
            WarningKind::LogprobsOfAlias { alias: model, target: target.to_owned() }
        } else if !lists.approve(name) {
            WarningKind::LogprobsUnapproved { model }
        } else if NEVER_ASKED.contains(&policy.judge_name(name, None).provider) {
            WarningKind::LogprobsUnasked { model }
        } else {
            continue;
        };
        problems.warn(*at, &kind);
    }
}

/// Where a trigger begins.
fn trigger_at(entry: &Entry, problems: &Problems) -> At {
    entry.trigger.as_ref().map_or(entry.at, |source| place::locate(source, 0, problems))
}

// === impl Rule ===

impl Rule {
    /// A hold stands between a refusal and a plain review.
    fn strength(&self) -> (Action, bool) {
        (self.action, self.hold_ttl_s.is_some())
    }

    fn in_words(&self) -> &'static str {
        match self.strength() {
            (_, true) => "`hold: true`",
            (Action::Deny, false) => "action `deny`",
            (Action::RouteToHumanReview, false) => "action `route_to_human_review`",
            (Action::FlagForReview, false) => "action `flag_for_review`",
            (Action::Log, false) => "action `log`",
        }
    }
}

// === impl Lists ===

impl<'a> Lists<'a> {
    fn of(policy: &'a Policy) -> Self {
        let names = |models: &'a Vec<String>| models.iter().map(|name| normalise(name)).collect();
        let lists = policy.rules.iter().filter_map(|rule| Some((rule, names(rule.allowed()?))));
        Lists(lists.collect())
    }

    /// The first policy that refuses the model, for it does not list it.
    fn refuses(&self, model: &str) -> Option<&'a Rule> {
        let model = normalise(model);
        let refuses = |(rule, models): &&(&Rule, HashSet<Cow<str>>)| {
            rule.denies() && !models.contains(&model)
        };
        self.0.iter().find(refuses).map(|(rule, _)| *rule)
    }

    /// Two lists that refuse each what the other approves.
    fn nothing_in_common(&self, file: &File, problems: &mut Problems) {
        let denying = || self.0.iter().filter(|(rule, _)| rule.denies());
        for (index, (rule, models)) in denying().enumerate() {
            let apart = |(_, others): &&(&Rule, HashSet<Cow<str>>)| others.is_disjoint(models);
            let Some((other, _)) = denying().take(index).find(apart) else { continue };
            let at = |rule: &Rule| file.entries.iter().find(|entry| entry.name == rule.name);
            let (Some(entry), Some(first)) = (at(rule), at(other)) else { continue };
            let kind = WarningKind::NothingInCommon {
                policy: rule.name.clone(),
                other: other.name.clone(),
                line: first.at.line,
            };
            problems.warn(entry.at, &kind);
        }
    }

    /// Some policy lists the model, or none lists any.
    fn approve(&self, model: &str) -> bool {
        let model = normalise(model);
        self.0.is_empty() || self.0.iter().any(|(_, models)| models.contains(&model))
    }
}
