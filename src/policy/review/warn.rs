//! What looks like a mistake in a policy that loads: entries that change nothing, come too late or
//! speak of models that nobody approves. The file gives the places, the policy the meaning.

use super::{ApprovedModel, NEVER_ASKED, constant};
use crate::llm::pinning::Pinning;
use crate::policy::compile::place;
use crate::policy::error::{At, Problems, UnknownConfidence, WarningKind};
use crate::policy::expression::normalised;
use crate::policy::judge::allowed;
use crate::policy::schema::{Entry, File, Listed, Pin};
use crate::policy::variable::{Phase, Variable};
use crate::policy::{Action, Asked, ConfidenceSource, Floating, OnError, OnFailure, Policy, Rule};

/// Everything that should be looked at. `holds_streams`: no byte of a stream leaves before the
/// whole answer is judged.
pub fn all(policy: &Policy, file: &File, holds_streams: bool, problems: &mut Problems) {
    let approved = policy.approved_models();
    for (index, (rule, entry)) in policy.rules.iter().zip(&file.entries).enumerate() {
        shadowed(index, policy, file, problems);
        reads_nothing(rule, entry, problems);
        if !holds_streams {
            late_denial(rule, entry, problems);
        }
        no_confidence(rule, entry, &approved, problems);
        unknown_names(policy, entry, problems);
    }
    for pin in &file.pins {
        check_pin(policy, pin, problems);
    }
    logprobs(policy, &file.request_logprobs, problems);
    if let Some(at) = file.until_at.filter(|_| policy.record.on_failure == OnFailure::Deny) {
        problems.warn(at, &WarningKind::NothingToEnd);
    }
}

/// Whenever the policy fires, another has fired that does as much or more.
fn shadowed(index: usize, policy: &Policy, file: &File, problems: &mut Problems) {
    let own = policy.rules.get(index).zip(file.entries.get(index));
    let Some((rule, entry)) = own else { return };
    let text = |entry: &Entry| entry.trigger.as_ref().map(|source| normalised(&source.text));
    let Some(trigger) = text(entry) else { return };
    let mut others = policy.rules.iter().zip(&file.entries).enumerate();
    let other = others.find(|(other_index, (other, other_entry))| {
        let as_strong_and_first = rule.action == other.action && *other_index < index;
        (rule.action < other.action || as_strong_and_first)
            && (other.fires_on_error() || !rule.fires_on_error())
            && text(other_entry).as_ref() == Some(&trigger)
    });
    let Some((_, (other, other_entry))) = other else { return };
    let kind = WarningKind::Shadowed {
        policy: rule.name.clone(),
        by: other.name.clone(),
        line: other_entry.at.line,
        stronger: (rule.action < other.action).then(|| other.action.as_str()),
    };
    problems.warn(entry.at, &kind);
}

fn reads_nothing(rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let Some(trigger) = rule.trigger().filter(|trigger| trigger.variables().is_empty()) else {
        return;
    };
    let kind = WarningKind::Constant { policy: rule.name.clone(), fires: constant(trigger) };
    problems.warn(trigger_at(entry, problems), &kind);
}

fn late_denial(rule: &Rule, entry: &Entry, problems: &mut Problems) {
    let Some(trigger) = rule.trigger().filter(|_| rule.action == Action::Deny) else { return };
    let mut variables = trigger.variables().iter();
    if let Some(late) = variables.find(|variable| variable.phase() == Phase::Answer) {
        let (policy, variable) = (rule.name.clone(), late.as_str());
        problems.warn(entry.action_at, &WarningKind::LateDenial { policy, variable });
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
    let effect = match (rule.action == Action::Deny, trigger.variables().len()) {
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
        if policy.judge_name(name, None).pinning == Pinning::Unknown {
            let (policy, model) = (entry.name.clone(), name.clone());
            problems.warn(*at, &WarningKind::UnknownName { policy, model, floating });
        }
    }
}

fn check_pin(policy: &Policy, pin: &Pin, problems: &mut Problems) {
    let Pin { alias, target, at } = pin;
    if alias.is_empty() || alias.trim() != alias || alias.contains(char::is_control) {
        let alias = alias.replace(char::is_control, " ");
        problems.warn(*at, &WarningKind::UnaskableAlias { alias });
    }
    // What a deployment is pinned to is a deployment.
    let model = policy.deployed(target).unwrap_or(target);
    let refuses = |rule: &&Rule| rule.action == Action::Deny && !approves(rule, model);
    let mut lists = policy.rules.iter().filter(|rule| rule.allowed().is_some());
    if let Some(rule) = lists.find(refuses) {
        let (alias, target, policy) = (alias.clone(), target.clone(), rule.name.clone());
        problems.warn(*at, &WarningKind::PinRefused { alias, target, policy });
    }
}

fn logprobs(policy: &Policy, listed: &[Listed], problems: &mut Problems) {
    let read = policy.confidence_from.contains(&ConfidenceSource::Logprobs);
    if let Some(first) = listed.first().filter(|_| !read) {
        problems.warn(first.at, &WarningKind::LogprobsUnread);
        return;
    }
    let approves_some = policy.rules.iter().any(|rule| rule.allowed().is_some());
    for Listed { name, at } in listed {
        let model = name.clone();
        let kind = if let Some(target) = policy.pin(name) {
            WarningKind::LogprobsOfAlias { alias: model, target: target.to_owned() }
        } else if approves_some && !policy.rules.iter().any(|rule| approves(rule, name)) {
            WarningKind::LogprobsUnapproved { model }
        } else if NEVER_ASKED.contains(&policy.judge_name(name, None).provider) {
            WarningKind::LogprobsUnasked { model }
        } else {
            continue;
        };
        problems.warn(*at, &kind);
    }
}

/// The policy lists the model.
fn approves(rule: &Rule, model: &str) -> bool {
    rule.allowed().is_some_and(|models| allowed::lists(models, Some(Asked::Model(model))))
}

/// Where a trigger begins.
fn trigger_at(entry: &Entry, problems: &Problems) -> At {
    entry.trigger.as_ref().map_or(entry.at, |source| place::locate(source, 0, problems))
}
