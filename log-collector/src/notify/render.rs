//! What Slack is told of a decision: a pure function of its record and redacted summary. Sends
//! nothing. At most 200 characters of the summary, never anything else of prompt or answer. Of a
//! day it is told counts, and the newest checkpoint, so that one more place keeps it.

use governance_filter::record::{Outcome, Triggered};
use serde_json::{Value, json};

use crate::store::summaries::DayCounts;

/// The seed's own bound.
const SUMMARY_CHARS_MAX: usize = 200;

/// Model, caller and policy names are others' text. Slack allows 3,000 characters a section and
/// about 13,000 a message; escaping makes at most 5 of 1, which with these bounds stays below.
const NAME_CHARS_MAX: usize = 80;

/// More names than this say no more.
const NAMES_MAX: usize = 3;

/// A section takes 3,000 characters; a checkpoint without other signatures has about 200.
const CHECKPOINT_CHARS_MAX: usize = 2_000;

/// Does this decision ask for a human? A pin that was applied is no reason to call one.
pub fn alerts(outcome: &Outcome) -> bool {
    outcome.triggered.iter().any(asks_for_human)
}

/// The incoming webhook's JSON.
pub fn message(outcome: &Outcome, summary: Option<&str>) -> Value {
    let headline = headline(outcome);
    let excerpt = match summary.map(|text| one_line(text, SUMMARY_CHARS_MAX)) {
        Some(text) if !text.is_empty() => format!(": {text}"),
        _ => String::new(),
    };
    let id = one_line(&outcome.decision_id, NAME_CHARS_MAX);
    let text = format!("{headline}{excerpt}\nDecision ID: {id}");
    let context = context(outcome);
    // `verbatim`: nothing in a model's words becomes a link or a mention.
    json!({
        "text": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}},
            {"type": "context", "elements": [
                {"type": "mrkdwn", "text": context, "verbatim": true},
            ]},
        ],
    })
}

/// The webhook's JSON of a day, `2026-03-15`.
pub fn day(day: &str, counts: &DayCounts, checkpoint: Option<&str>) -> Value {
    let total: i64 = counts.outcomes.values().sum();
    let outcomes: Vec<_> =
        counts.outcomes.iter().map(|(outcome, count)| format!("{outcome}: {count}")).collect();
    let outcomes =
        if outcomes.is_empty() { String::new() } else { format!(" ({})", outcomes.join(", ")) };
    let checkpoint = checkpoint.filter(|note| note.chars().count() <= CHECKPOINT_CHARS_MAX);
    let ledger = match checkpoint {
        Some(note) => format!("Newest ledger checkpoint, to be kept:\n```{}```", escape(note)),
        None => "The ledger has no checkpoint that this collector could publish.".to_owned(),
    };
    let text = format!(
        "📒 {day} (UTC): {total} decisions{outcomes}\n\
         Flagged for review: {} · Quarantined lines: {}\n{ledger}",
        counts.flagged, counts.quarantined
    );
    json!({
        "text": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}},
        ],
    })
}

fn asks_for_human(triggered: &Triggered) -> bool {
    triggered.enforced
        && matches!(triggered.action.as_str(), "flag_for_review" | "route_to_human_review")
        && triggered.policy != "models.pins"
}

fn headline(outcome: &Outcome) -> String {
    let asking: Vec<_> = outcome.triggered.iter().filter(|t| asks_for_human(t)).collect();
    let routed: Vec<_> = asking.iter().filter(|t| t.action == "route_to_human_review").collect();
    if let Some(first) = routed.first() {
        let failed = failure_note(first);
        return format!(
            "🧑‍⚖️ Routed to human review by policy {}{failed}",
            names(routed.iter().map(|t| t.policy.as_str()))
        );
    }
    // A record names its policies but not their triggers; a gate on confidence says so by name.
    let gate = asking.iter().find(|t| t.result == "fired" && t.policy.contains("confidence"));
    if let (Some(_), Some(confidence)) = (gate, outcome.confidence) {
        // Three decimals are enough for a person; the record has all of them.
        let rounded = (confidence * 1000.0).round() / 1000.0;
        return format!("🔍 Low-confidence output ({rounded})");
    }
    let failed = asking.first().map(|first| failure_note(first)).unwrap_or_default();
    format!(
        "🔍 Flagged for review by policy {}{failed}",
        names(asking.iter().map(|t| t.policy.as_str()))
    )
}

fn failure_note(triggered: &Triggered) -> &'static str {
    if triggered.result == "fired" { "" } else { " (it could not be evaluated)" }
}

fn context(outcome: &Outcome) -> String {
    let policies =
        names(outcome.triggered.iter().filter(|t| asks_for_human(t)).map(|t| t.policy.as_str()));
    let mut text = format!(
        "Model: {} · Policies: {policies} · Outcome: {}",
        one_line(&outcome.model, NAME_CHARS_MAX),
        outcome.outcome.as_str()
    );
    if !outcome.categories.is_empty() {
        let categories = names(outcome.categories.iter().map(String::as_str));
        text.push_str(&format!(" · Categories: {categories}"));
    }
    if let Some(caller) = &outcome.caller {
        text.push_str(&format!(" · Caller: {}", one_line(caller, NAME_CHARS_MAX)));
    }
    text
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<_> = names.map(|name| one_line(name, NAME_CHARS_MAX)).collect();
    let shown: Vec<_> = all.iter().take(NAMES_MAX).map(String::as_str).collect();
    let more = all.len().saturating_sub(NAMES_MAX);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

/// Cut, then escaped: line breaks and control characters go, so that no text can pass for another
/// line of the message; of the rest Slack asks for these three to be escaped and no other.
fn one_line(text: &str, chars_max: usize) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(chars_max)
        .collect();
    escape(kept.trim())
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
