//! What Slack is told: pure functions of what the message holds. Sends nothing. Of a decision at
//! most 200 characters of the redacted summary, never anything else of prompt or answer; of a day
//! counts, and the newest checkpoint, so that one more place keeps it.
//!
//! Slack allows 3,000 characters a section, 50 blocks and about 13,000 characters a message. Every
//! text of others is cut before it is escaped, which makes at most 5 characters of 1; the bounds
//! here keep the longest message below 11,000 characters in at most 14 blocks.

use std::time::Duration;

use governance_filter::record::{Outcome, Triggered};
use serde_json::{Value, json};

use crate::notify::alert::{asking, policies};
use crate::notify::target::{Content, Message};
use crate::store::messages::{Digest, Group};
use crate::store::summaries::DayCounts;

/// The seed's own bound.
pub const SUMMARY_CHARS_MAX: usize = 200;

/// Model, caller and policy names are others' text.
pub const NAME_CHARS_MAX: usize = 80;

/// More names than this say no more.
const NAMES_MAX: usize = 3;

/// In a digest, where there is a line for each group.
const GROUP_NAME_CHARS_MAX: usize = 48;

/// Lines of a section: each has two names, a count and some words.
const SECTION_GROUPS_MAX: usize = 5;

/// Ids that a digest shows.
const IDS_SHOWN: usize = 10;

/// A checkpoint without other signatures has about 200; escaped, a section holds it.
const CHECKPOINT_CHARS_MAX: usize = 2_000;

/// Slack's own bound of a button's URL.
const BUTTON_URL_CHARS_MAX: usize = 3_000;

/// Ten links fit a section.
const LINK_CHARS_MAX: usize = 200;

/// The incoming webhook's JSON.
pub fn message(message: &Message<'_>) -> Value {
    match &message.content {
        Content::Decision { outcome, summary } => decision(message, outcome, summary.as_deref()),
        Content::Digest(told) => digest(message, told),
        Content::Day { day, counts, checkpoint } => {
            let text = day_text(day, counts, checkpoint.as_deref());
            json!({ "text": text, "blocks": [section(&text)] })
        }
        Content::Test => {
            let text = "🔔 A test: this collector can reach this channel. Nothing happened.";
            json!({ "text": text, "blocks": [section(text)] })
        }
    }
}

fn decision(message: &Message<'_>, outcome: &Outcome, summary: Option<&str>) -> Value {
    let headline = headline(outcome);
    let excerpt = match summary.map(|text| escaped_line(text, SUMMARY_CHARS_MAX)) {
        Some(text) if !text.is_empty() => format!(": {text}"),
        _ => String::new(),
    };
    let id = escaped_line(&outcome.decision_id, NAME_CHARS_MAX);
    let text = format!("{headline}{excerpt}\nDecision ID: {id}");
    let mut blocks = vec![section(&text), context(outcome)];
    blocks.extend(button("Open the decision", message.decision_url(&outcome.decision_id)));
    json!({ "text": text, "blocks": blocks })
}

/// Counts by policy and model, the first ids, and where the others are found.
fn digest(message: &Message<'_>, digest: &Digest) -> Value {
    let span = digest.last.duration_since(digest.first).unwrap_or_default();
    let headline =
        format!("🔍 {} decisions flagged for review in {}", digest.count, in_words(span));
    let mut lines: Vec<_> = digest.groups.iter().map(group_line).collect();
    let named: i64 = digest.groups.iter().map(|group| group.count).sum();
    if digest.count > named {
        let groups = digest.groups_total - i64::try_from(digest.groups.len()).unwrap_or(0);
        lines.push(format!("• {} × {groups} other combinations", digest.count - named));
    }
    let link = |id: &String| {
        let url = message.decision_url(id).map(|url| escape(&url));
        let url = url.filter(|url| url.chars().count() <= LINK_CHARS_MAX);
        url.map_or_else(|| format!("`{id}`"), |url| format!("<{url}|{id}>"))
    };
    let ids: Vec<_> = digest.ids.iter().take(IDS_SHOWN).map(link).collect();
    let more = digest.count - i64::try_from(ids.len()).unwrap_or(0);
    let more = if more > 0 { format!("\nand {more} more. ") } else { "\n".to_owned() };
    let list = format!("{}{more}All of them: `{}`", ids.join("\n"), message.list_command());
    let mut blocks = vec![section(&format!("*{headline}*"))];
    blocks.extend(lines.chunks(SECTION_GROUPS_MAX).map(|lines| section(&lines.join("\n"))));
    blocks.push(section(&list));
    blocks.extend(button("Open reviews", message.reviews_url()));
    json!({ "text": headline, "blocks": blocks })
}

fn group_line(group: &Group) -> String {
    if group.policies.is_empty() {
        return format!("• {} × a record that cannot be read", group.count);
    }
    let policies = group.policies.iter().map(String::as_str);
    let model = escaped_line(&group.model, GROUP_NAME_CHARS_MAX);
    // One policy is named; the decision names them all.
    let policies = names(policies, 1, GROUP_NAME_CHARS_MAX);
    format!("• {} × {policies} on {model}", group.count)
}

fn day_text(day: &str, counts: &DayCounts, checkpoint: Option<&str>) -> String {
    let total: i64 = counts.outcomes.values().sum();
    let outcomes: Vec<_> =
        counts.outcomes.iter().map(|(outcome, count)| format!("{outcome}: {count}")).collect();
    let outcomes =
        if outcomes.is_empty() { String::new() } else { format!(" ({})", outcomes.join(", ")) };
    let checkpoint = checkpoint.map(escape).filter(|n| n.chars().count() <= CHECKPOINT_CHARS_MAX);
    let ledger = match checkpoint {
        Some(note) => format!("Newest ledger checkpoint, to be kept:\n```{note}```"),
        None => "The ledger has no checkpoint that this collector could publish.".to_owned(),
    };
    format!(
        "📒 {day} (UTC): {total} decisions{outcomes}\n\
         Flagged for review: {} · Quarantined lines: {}\n{ledger}",
        counts.flagged, counts.quarantined
    )
}

fn headline(outcome: &Outcome) -> String {
    let asking = asking(outcome);
    let routed: Vec<_> = asking.iter().filter(|t| t.action == "route_to_human_review").collect();
    if let Some(first) = routed.first() {
        let failed = failure_note(first);
        let names = names(routed.iter().map(|t| t.policy.as_str()), NAMES_MAX, NAME_CHARS_MAX);
        return format!("🧑‍⚖️ Routed to human review by policy {names}{failed}");
    }
    // A record names its policies but not their triggers; a gate on confidence says so by name.
    let gate = asking.iter().find(|t| t.result == "fired" && t.policy.contains("confidence"));
    if let (Some(_), Some(confidence)) = (gate, outcome.confidence) {
        return format!("🔍 Low-confidence output ({})", rounded(confidence));
    }
    let failed = asking.first().map(|first| failure_note(first)).unwrap_or_default();
    let names = names(asking.iter().map(|t| t.policy.as_str()), NAMES_MAX, NAME_CHARS_MAX);
    format!("🔍 Flagged for review by policy {names}{failed}")
}

fn failure_note(triggered: &Triggered) -> &'static str {
    if triggered.result == "fired" { "" } else { " (it could not be evaluated)" }
}

/// Three decimals are enough for a person; the record has all of them.
fn rounded(confidence: f64) -> f64 {
    (confidence * 1000.0).round() / 1000.0
}

/// A block of its own, one element for each fact.
fn context(outcome: &Outcome) -> Value {
    let policies = policies(outcome);
    let listed = |all: &[String]| names(all.iter().map(String::as_str), NAMES_MAX, NAME_CHARS_MAX);
    let mut facts = vec![
        format!("Model: {}", escaped_line(&outcome.model, NAME_CHARS_MAX)),
        format!("Policies: {}", listed(&policies)),
        format!("Outcome: {}", outcome.outcome.as_str()),
    ];
    if let Some(confidence) = outcome.confidence {
        let source = outcome.confidence_source.as_deref().unwrap_or("source not recorded");
        let source = escaped_line(source, NAME_CHARS_MAX);
        facts.push(format!("Confidence: {} ({source})", rounded(confidence)));
    }
    if !outcome.categories.is_empty() {
        facts.push(format!("Categories: {}", listed(&outcome.categories)));
    }
    if let Some(caller) = &outcome.caller {
        facts.push(format!("Caller: {}", escaped_line(caller, NAME_CHARS_MAX)));
    }
    let elements: Vec<_> = facts.iter().map(|fact| mrkdwn(fact)).collect();
    json!({ "type": "context", "elements": elements })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// `verbatim`: nothing in a model's words becomes a link or a mention.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

/// With a `url` alone a button needs no app that answers it.
fn button(label: &str, url: Option<String>) -> Option<Value> {
    let url = url.filter(|url| url.chars().count() <= BUTTON_URL_CHARS_MAX)?;
    let label = json!({ "type": "plain_text", "text": label });
    Some(json!({
        "type": "actions",
        "elements": [{ "type": "button", "text": label, "url": url }],
    }))
}

/// `5 min`, as one says it; what took no time took a second.
fn in_words(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{} s", seconds.max(1)),
        seconds @ 120..7_200 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h", (seconds + 1_800) / 3_600),
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>, max: usize, chars_max: usize) -> String {
    let all: Vec<_> = names.collect();
    let shown: Vec<_> = all.iter().take(max).map(|name| escaped_line(name, chars_max)).collect();
    let more = all.len().saturating_sub(max);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{tail}", shown.join(", "))
}

/// Cut, and on one line: line breaks and control characters go, so that no text can pass for
/// another line of the message.
pub fn one_line(text: &str, chars_max: usize) -> String {
    let kept: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .take(chars_max)
        .collect();
    kept.trim().to_owned()
}

fn escaped_line(text: &str, chars_max: usize) -> String {
    escape(&one_line(text, chars_max))
}

/// Slack asks for these three to be escaped and no other.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests;
