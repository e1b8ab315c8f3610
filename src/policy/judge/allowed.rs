//! Approved models: whether a name is one of them, and what a caller is told where it is not.
//! Compares names by the providers' own normalisation; knows no provider itself.

use super::refusal as message_of;
use crate::facts::AnswerFacts;
use crate::llm::pinning::{normalise, without_version};
use crate::policy::expression::{Failure, Outcome};
use crate::policy::{Policy, Rule, When};

/// Longest model name that a refusal repeats, in characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// Most approved models that a refusal names.
const NAMED_MAX: usize = 20;

/// A request must name an approved model.
pub fn requested(models: &[String], model: Option<&str>) -> Outcome {
    let listed = |model: &str| models.iter().any(|name| normalise(name) == normalise(model));
    if model.is_some_and(listed) { Outcome::NotFired } else { Outcome::Fired }
}

/// An answer may name the approved model with or without its date: providers answer an alias with
/// the dated name, gateways the reverse. Two different dates do not pass. An answer that names no
/// model passes, unless it could not be read whole.
pub fn served(models: &[String], answer: &AnswerFacts) -> Outcome {
    let served = answer.served_model.as_deref().filter(|name| !name.is_empty());
    let Some(served) = served.map(normalise) else {
        let unknown = answer.incomplete;
        return if unknown { Outcome::Failed(Failure::Truncated) } else { Outcome::NotFired };
    };
    let listed = models.iter().map(|name| normalise(name)).any(|name| {
        // `claude-3-opus-latest` is answered with the date of the day.
        let alias = name.strip_suffix("-latest").unwrap_or(&name);
        name == served || alias == without_version(&served) || without_version(&name) == served
    });
    if listed { Outcome::NotFired } else { Outcome::Fired }
}

/// What a caller is told whose model is not approved.
pub fn refusal(rule: &Rule, models: &[String], model: Option<&str>) -> String {
    if rule.message.is_some() {
        return message_of(rule);
    }
    let (policy, approved) = (&rule.name, approved(models.iter()));
    match model {
        Some(model) => {
            let model = printable(model);
            format!("model `{model}` is not approved by policy `{policy}`; approved: {approved}")
        }
        None => format!(
            "the request names no model, and policy `{policy}` approves only some; \
             approved: {approved}"
        ),
    }
}

/// What a caller is told whose answer came from a model that is not approved.
pub fn served_refusal(rule: &Rule, models: &[String], served: Option<&str>) -> String {
    if rule.message.is_some() {
        return message_of(rule);
    }
    let served = printable(served.unwrap_or_default());
    let (policy, approved) = (&rule.name, approved(models.iter()));
    format!(
        "the answer came from model `{served}`, which is not approved by policy `{policy}`; \
         approved: {approved}"
    )
}

/// What a caller is told who named a model that the provider may repoint.
pub fn floating_refusal(policy: &Policy, model: &str) -> String {
    let models: Vec<&String> = policy
        .rules
        .iter()
        .filter_map(|rule| match &rule.when {
            When::NotAllowed(models) => Some(models),
            When::Trigger(_) => None,
        })
        .flatten()
        .collect();
    let model = printable(model);
    let instead = if models.is_empty() {
        "name a pinned version".to_owned()
    } else {
        format!("approved: {}", approved(models.into_iter()))
    };
    format!(
        "model `{model}` is refused by policy `models.floating`, because its provider may repoint \
         the name; {instead}"
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
