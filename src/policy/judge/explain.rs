//! Why a policy did what it did: each trigger's parts and the values that it read. Its results are
//! the verdict's own; texts are redacted and cut, for they are shown to people.

use super::scope::Scope;
use super::{added_categories, evaluate};
use crate::detect;
use crate::facts::{AnswerFacts, RequestFacts, first_characters};
use crate::policy::expression::{Expression, Fact, Outcome};
use crate::policy::names::Asked;
use crate::policy::variable::{Phase, Variable};
use crate::policy::{Policy, Rule, Verdict, When};
use crate::record::Triggered;

/// Longest value shown, in characters.
const VALUE_CHARACTERS_MAX: usize = 160;

/// Most items of a list or map shown.
const ITEMS_MAX: usize = 20;

/// What one policy made of one phase of an exchange.
#[derive(Debug, PartialEq)]
pub struct Explanation {
    /// The policy's name, or `models.pins`, `models.floating`.
    pub policy: String,
    /// Where its condition stands in governance.yml, from 1; `None` for what is no policy.
    pub line: Option<usize>,
    /// What the record says of it; `None` where it did not fire.
    pub triggered: Option<Triggered>,
    /// Its condition as written, or the key that takes its place.
    pub condition: String,
    /// The condition's parts between `&&` or `||`, where it has several, and what each came to.
    pub parts: Vec<(String, String)>,
    /// What it read, by name, redacted.
    pub values: Vec<(String, String)>,
}

/// Every policy that is judged on the request.
pub fn request(policy: &Policy, request: &RequestFacts) -> Vec<Explanation> {
    let verdict = policy.judge_request(request);
    let scope = Scope::request(policy, request);
    let mut told = built_in(policy, request, &verdict);
    for rule in &policy.rules {
        told.extend(match &rule.when {
            When::Trigger(trigger) if trigger.phase() == Phase::Request => {
                Some(of_trigger(rule, trigger, &scope, &verdict))
            }
            When::Trigger(_) => None,
            When::NotAllowed(models) => {
                let values = policy.names.all_asked(request).map(of_asked).collect();
                Some(of_allowed(rule, models, values, &verdict))
            }
        });
    }
    told
}

/// Every policy that is judged on the answer.
pub fn answer(
    policy: &Policy,
    request: &RequestFacts,
    answer: &AnswerFacts,
    answer_categories: &[String],
) -> Vec<Explanation> {
    let verdict = policy.judge_answer(request, answer, answer_categories);
    let added = added_categories(request, answer_categories);
    let confidence = policy.confidence(answer).map(|confidence| confidence.value);
    let scope = Scope::answer(policy, request, answer, confidence, &added);
    let bare_error = answer.is_bare_error();
    let mut told = Vec::new();
    for rule in &policy.rules {
        let fired = verdict.triggered.iter().any(|one| one.policy == rule.name);
        told.extend(match &rule.when {
            // As the verdict has it: there is no answer to read.
            When::NotAllowed(_) if bare_error => None,
            When::Trigger(trigger) if bare_error && trigger.reads_answer_body() => None,
            When::Trigger(trigger) if trigger.phase() == Phase::Answer || fired => {
                Some(of_trigger(rule, trigger, &scope, &verdict))
            }
            When::Trigger(_) => None,
            When::NotAllowed(models) => {
                let served = answer.served_model.as_deref();
                let served = served.map_or_else(|| "unknown".to_owned(), quoted);
                let values = vec![("served_model".to_owned(), served)];
                Some(of_allowed(rule, models, values, &verdict))
            }
        });
    }
    told
}

/// What fired without being a policy.
fn built_in(policy: &Policy, request: &RequestFacts, verdict: &Verdict) -> Vec<Explanation> {
    let is_rule = |one: &&Triggered| policy.rules.iter().any(|rule| rule.name == one.policy);
    let others = verdict.triggered.iter().filter(|one| !is_rule(one));
    let explained = others.map(|one| {
        let mut values = Vec::new();
        if one.policy == "models.pins"
            && let Some(requested) = &request.requested_model
        {
            values.push(("requested_model".to_owned(), quoted(requested)));
        }
        values.extend(policy.names.all_asked(request).map(of_asked));
        if let Some(promise) = policy.judge_asked(request) {
            let promise = format!("{} by {}", promise.pinning.as_str(), promise.rule);
            values.push(("naming".to_owned(), promise));
        }
        Explanation {
            policy: one.policy.clone(),
            line: None,
            triggered: Some(one.clone()),
            condition: format!("`{}`", one.policy),
            parts: Vec::new(),
            values,
        }
    });
    explained.collect()
}

fn of_trigger(rule: &Rule, trigger: &Expression, scope: &Scope, verdict: &Verdict) -> Explanation {
    let parts = trigger.parts().into_iter().map(|part| {
        let result = match evaluate(&part, scope) {
            Outcome::Fired => "true".to_owned(),
            Outcome::NotFired => "false".to_owned(),
            Outcome::Failed(failure) => failure.kind(),
        };
        (part.source().to_owned(), result)
    });
    let values = trigger.variables().iter().map(|variable| of_variable(*variable, trigger, scope));
    Explanation {
        policy: rule.name.clone(),
        line: Some(rule.line),
        triggered: taken(rule, verdict),
        condition: trigger.source().to_owned(),
        parts: parts.collect(),
        values: values.collect(),
    }
}

fn of_allowed(
    rule: &Rule,
    models: &[String],
    mut values: Vec<(String, String)>,
    verdict: &Verdict,
) -> Explanation {
    let listed: Vec<Fact> = models.iter().map(|model| Fact::Text(model)).collect();
    values.push(("allowed".to_owned(), written(&Fact::List(listed))));
    Explanation {
        policy: rule.name.clone(),
        line: Some(rule.line),
        triggered: taken(rule, verdict),
        condition: "none of `allowed`".to_owned(),
        parts: Vec::new(),
        values,
    }
}

fn taken(rule: &Rule, verdict: &Verdict) -> Option<Triggered> {
    verdict.triggered.iter().find(|one| one.policy == rule.name).cloned()
}

fn of_asked(asked: Option<Asked>) -> (String, String) {
    let value = match asked {
        Some(Asked::Model(model)) => quoted(model),
        Some(Asked::Deployed { deployment, model }) => {
            format!("{}, the deployment {}", quoted(model), quoted(deployment))
        }
        Some(Asked::Unmapped { deployment }) => {
            format!("unknown, the deployment {}", quoted(deployment))
        }
        None => "unknown".to_owned(),
    };
    ("model".to_owned(), value)
}

fn of_variable(variable: Variable, trigger: &Expression, scope: &Scope) -> (String, String) {
    let name = variable.as_str().to_owned();
    let cut = if scope.cut(variable) { " (not whole)" } else { "" };
    let value = match variable {
        Variable::Category => {
            let each: Vec<String> = scope.each_category().into_iter().map(quoted).collect();
            each.join(", then ")
        }
        _ => match scope.fact(variable, "") {
            Some(fact) if variable == Variable::Request => written(&named_headers(fact, trigger)),
            Some(fact) => written(&fact),
            None => "unknown".to_owned(),
        },
    };
    (name, format!("{value}{cut}"))
}

/// Without the headers that the trigger does not name: one may be somebody's key by another name.
fn named_headers<'a>(request: Fact<'a>, trigger: &Expression) -> Fact<'a> {
    let Fact::Map(entries) = request else { return request };
    let fields = entries.into_iter().map(|(name, fact)| match fact {
        Fact::Map(headers) => {
            let named = headers.into_iter().filter(|(name, _)| trigger.spells(name));
            (name, Fact::Map(named.collect()))
        }
        fact => (name, fact),
    });
    Fact::Map(fields.collect())
}

/// A value as it would be written in a trigger.
fn written(fact: &Fact) -> String {
    match fact {
        Fact::Text(text) => quoted(text),
        Fact::Int(number) => number.to_string(),
        Fact::Double(number) => format!("{number:?}"),
        Fact::Bool(is) => is.to_string(),
        Fact::List(items) => {
            let shown = items.iter().take(ITEMS_MAX).map(written);
            format!("[{}]", joined(shown, items.len()))
        }
        Fact::Map(entries) => {
            let shown = entries.iter().take(ITEMS_MAX);
            let shown = shown.map(|(name, fact)| format!("{name}: {}", written(fact)));
            format!("{{{}}}", joined(shown, entries.len()))
        }
    }
}

fn joined(shown: impl Iterator<Item = String>, all: usize) -> String {
    let mut shown: Vec<String> = shown.collect();
    if shown.len() < all {
        shown.push(format!("… {} more", all - shown.len()));
    }
    shown.join(", ")
}

/// A text on one line, without what must not be shown.
fn quoted(text: &str) -> String {
    // Redaction looks beyond the cut, so that a find across it is still found.
    let window = first_characters(text, VALUE_CHARACTERS_MAX * 8);
    let redacted = detect::redact(window, &detect::Kind::ALL);
    let shown = first_characters(&redacted, VALUE_CHARACTERS_MAX);
    let more = if shown.len() < redacted.len() || window.len() < text.len() {
        format!("… ({} characters)", text.chars().count())
    } else {
        String::new()
    };
    let plain: String = shown.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    format!("'{plain}'{more}")
}
