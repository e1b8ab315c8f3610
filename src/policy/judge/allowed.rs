//! Approved models: whether a name is one of them, and what a caller is told where it is not.
//! Compares names by the providers' own normalisation; knows no provider itself.

use super::refusal as message_of;
use crate::facts::AnswerFacts;
use crate::llm::pinning::{normalise, without_version};
use crate::policy::expression::{Failure, Outcome};
use crate::policy::{Asked, Mode, Policy, Rule, When};

/// Longest model name that a refusal repeats, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// Most approved models that a refusal names.
const NAMED_MAX: usize = 20;

/// What is asked is an approved model; a deployment is the model that it is mapped to.
pub fn lists(models: &[String], asked: Option<Asked>) -> bool {
    let model = match asked {
        Some(Asked::Model(model) | Asked::Deployed { model, .. }) => normalise(model),
        Some(Asked::Unmapped { .. }) | None => return false,
    };
    models.iter().any(|name| normalise(name) == model)
}

/// An answer may name the approved model with or without its date: providers answer an alias with
/// the dated name, gateways the reverse. Two different dates do not pass. A deployment must also
/// be what it is mapped to. An answer that names no model passes, unless it could not be read
/// whole.
pub fn served(models: &[String], asked: Option<Asked>, answer: &AnswerFacts) -> Outcome {
    let Some(served) = named(answer) else {
        let unknown = answer.incomplete;
        return if unknown { Outcome::Failed(Failure::Truncated) } else { Outcome::NotFired };
    };
    let listed = models.iter().any(|name| alike(name, served));
    if listed && !is_another(asked, served) { Outcome::NotFired } else { Outcome::Fired }
}

/// The model that the answer names.
fn named(answer: &AnswerFacts) -> Option<&str> {
    answer.served_model.as_deref().filter(|name| !name.is_empty())
}

/// `served` is `listed`, or one of the two is the other with a date or a version.
fn alike(listed: &str, served: &str) -> bool {
    let (listed, served) = (normalise(listed), normalise(served));
    // `claude-3-opus-latest` is answered with the date of the day.
    let alias = listed.strip_suffix("-latest").unwrap_or(&listed);
    listed == served || alias == without_version(&served) || without_version(&listed) == served
}

/// A deployment turned out to be another model than `models.deployments` says.
fn is_another(asked: Option<Asked>, served: &str) -> bool {
    matches!(asked, Some(Asked::Deployed { model, .. }) if !alike(model, served))
}

/// What a caller is told whose model is not approved.
pub fn refusal(rule: &Rule, models: &[String], asked: Option<Asked>) -> String {
    if rule.message.is_some() {
        return message_of(rule);
    }
    let (policy, approved) = (&rule.name, approved(models.iter()));
    match asked {
        Some(Asked::Model(model)) => {
            let model = printable(model);
            format!("model `{model}` is not approved by policy `{policy}`; approved: {approved}")
        }
        Some(Asked::Deployed { deployment, model }) => {
            let deployment = printable(deployment);
            format!(
                "deployment `{deployment}` is model `{model}`, which is not approved by policy \
                 `{policy}`; approved: {approved}"
            )
        }
        Some(Asked::Unmapped { deployment }) => {
            let deployment = printable(deployment);
            format!(
                "deployment `{deployment}` is not approved by policy `{policy}`, because \
                 `models.deployments` does not say which model it is; approved: {approved}"
            )
        }
        None => format!(
            "the request names no model, and policy `{policy}` approves only some; \
             approved: {approved}"
        ),
    }
}

/// What a caller is told whose answer came from a model that is not approved.
pub fn served_refusal(
    rule: &Rule,
    models: &[String],
    asked: Option<Asked>,
    answer: &AnswerFacts,
) -> String {
    if rule.message.is_some() {
        return message_of(rule);
    }
    let name = named(answer).unwrap_or_default();
    let (policy, served) = (&rule.name, printable(name));
    match asked {
        Some(Asked::Deployed { deployment, model }) if !alike(model, name) => {
            let deployment = printable(deployment);
            format!(
                "the answer of deployment `{deployment}` came from model `{served}`, but \
                 `models.deployments` says `{model}`; refused by policy `{policy}`"
            )
        }
        _ => format!(
            "the answer came from model `{served}`, which is not approved by policy `{policy}`; \
             approved: {}",
            approved(models.iter())
        ),
    }
}

/// What a caller is told who named a model that the provider may repoint.
pub fn floating_refusal(policy: &Policy, asked: Asked) -> String {
    let models: Vec<&String> = policy
        .rules
        .iter()
        .filter(|rule| rule.mode == Mode::Enforce)
        .filter_map(|rule| match &rule.when {
            When::NotAllowed(models) => Some(models),
            When::Trigger(_) => None,
        })
        .flatten()
        .collect();
    let who = match asked {
        Asked::Model(model) => format!("model `{}`", printable(model)),
        Asked::Deployed { deployment, model } => {
            format!("deployment `{}` (model `{model}`)", printable(deployment))
        }
        Asked::Unmapped { deployment } => format!("deployment `{}`", printable(deployment)),
    };
    let instead = if models.is_empty() {
        "name a pinned version".to_owned()
    } else {
        format!("approved: {}", approved(models.into_iter()))
    };
    format!(
        "{who} is refused by policy `models.floating`, because its provider may repoint the name; \
         {instead}"
    )
}

fn approved<'a>(models: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = models.len().saturating_sub(NAMED_MAX);
    let names: Vec<&str> = models.take(NAMED_MAX).map(String::as_str).collect();
    let mut text = names.join(", ");
    if more > 0 {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

/// A name from outside, fit for one line of a message.
fn printable(name: &str) -> String {
    let mut printable = name.chars().filter(|c| !c.is_control());
    let mut text: String = printable.by_ref().take(NAME_CHARACTERS_MAX).collect();
    if printable.next().is_some() {
        text.push('…');
    }
    text
}
