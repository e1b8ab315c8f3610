//! The query columns of a record: one deterministic function per table, from the record alone, so
//! that anyone can derive them again and compare. What a column cannot hold is made harmless here
//! (NUL characters removed, numbers out of range left out); the exact bytes are in `record`.

use governance_filter::record::{Delivery, Intent, Outcome};
use serde_json::{Map, Value};

use crate::ingest::line::Summary;

/// A column's value as Postgres reads it from text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name in the table.
    pub name: &'static str,
    /// Its type, which the text is cast to.
    pub cast: &'static str,
    /// `None` is NULL.
    pub value: Option<String>,
}

/// `ai_decisions`, but for record, digest and salt.
pub fn decision(o: &Outcome, summary: Option<&Summary>) -> Vec<Column> {
    vec![
        text("decision_id", Some(&o.decision_id)),
        text("model", Some(&o.model)),
        text("input_hash", Some(&o.input_hash)),
        text("output_summary", summary.and_then(|summary| summary.output.as_deref())),
        column("confidence", "numeric", o.confidence.map(|value| value.to_string())),
        text("policy_version", Some(&o.policy_version)),
        column("created_at", "timestamptz", Some(o.created_at.clone())),
        text("requested_model", o.requested_model.as_deref()),
        text("served_model", o.served_model.as_deref()),
        text("provider", Some(&o.provider)),
        text("operation", Some(&o.operation)),
        column("stream", "boolean", Some(o.stream.to_string())),
        column("status", "int", o.status.map(|value| value.to_string())),
        text("outcome", Some(o.outcome.as_str())),
        column("categories", "text[]", Some(array(&o.categories))),
        column("actions", "text[]", Some(array(&o.actions))),
        column("triggered", "jsonb", Some(json(&serde_json::to_value(&o.triggered).ok()))),
        column("input_bytes", "bigint", bigint(Some(o.input_bytes))),
        column("input_tokens", "bigint", bigint(o.input_tokens)),
        column("output_tokens", "bigint", bigint(o.output_tokens)),
        column("usage", "jsonb", o.usage.as_ref().map(|usage| json(&Some(usage.clone())))),
        text("finish_reason", o.finish_reason.as_deref()),
        text("system_fingerprint", o.system_fingerprint.as_deref()),
        column("refusal", "boolean", Some(o.refusal.to_string())),
        column("tool_names", "text[]", Some(array(&o.tool_names))),
        text("confidence_source", o.confidence_source.as_deref()),
        text("caller", o.caller.as_deref()),
        text("route", o.route.as_deref()),
        text("gateway", Some(&o.gateway)),
        text("trace_id", o.trace_id.as_deref()),
        text("request_id", o.request_id.as_deref()),
        column("requested_at", "timestamptz", Some(o.requested_at.clone())),
        column("latency_ms", "bigint", bigint(o.latency_ms)),
        column("first_byte_ms", "bigint", bigint(o.first_byte_ms)),
        text("unread", o.unread.as_deref()),
        text("hold_mode", Some(&o.hold_mode)),
        column("media_parts", "bigint", bigint(o.media_parts)),
        column("attempts", "bigint", bigint(o.attempts)),
        text("pinning", o.pinning.as_deref()),
        text("pinning_rule", o.pinning_rule.as_deref()),
        text("input_summary", summary.and_then(|summary| summary.input.as_deref())),
    ]
}

/// `ai_late_outcomes`, but for record, digest and salt.
pub fn late_outcome(o: &Outcome, summary: Option<&Summary>) -> Vec<Column> {
    vec![
        text("decision_id", Some(&o.decision_id)),
        text("outcome", Some(o.outcome.as_str())),
        text("policy_version", Some(&o.policy_version)),
        column("created_at", "timestamptz", Some(o.created_at.clone())),
        text("output_summary", summary.and_then(|summary| summary.output.as_deref())),
        text("input_summary", summary.and_then(|summary| summary.input.as_deref())),
    ]
}

/// `ai_decision_intents`, but for record and digest.
pub fn intent(i: &Intent) -> Vec<Column> {
    vec![
        text("decision_id", Some(&i.decision_id)),
        text("model", Some(&i.model)),
        text("input_hash", Some(&i.input_hash)),
        text("policy_version", Some(&i.policy_version)),
        column("created_at", "timestamptz", Some(i.created_at.clone())),
        text("requested_model", i.requested_model.as_deref()),
        text("provider", Some(&i.provider)),
        text("operation", Some(&i.operation)),
        column("stream", "boolean", Some(i.stream.to_string())),
        text("caller", i.caller.as_deref()),
        text("gateway", Some(&i.gateway)),
    ]
}

/// `ai_deliveries`, but for record and digest.
pub fn delivery(d: &Delivery) -> Vec<Column> {
    let word = serde_json::to_value(d.delivery).ok();
    vec![
        text("decision_id", Some(&d.decision_id)),
        text("delivery", word.as_ref().and_then(Value::as_str)),
        text("policy_version", Some(&d.policy_version)),
        column("created_at", "timestamptz", Some(d.created_at.clone())),
    ]
}

fn column(name: &'static str, cast: &'static str, value: Option<String>) -> Column {
    Column { name, cast, value }
}

fn text(name: &'static str, value: Option<&str>) -> Column {
    column(name, "text", value.map(without_nul))
}

/// Postgres's text holds every character but this one.
fn without_nul(text: &str) -> String {
    text.replace('\0', "")
}

fn bigint(value: Option<u64>) -> Option<String> {
    value.and_then(|value| i64::try_from(value).ok()).map(|value| value.to_string())
}

/// An array literal, every element quoted.
fn array(elements: &[String]) -> String {
    let quoted = elements.iter().map(|element| {
        let escaped = without_nul(element).replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

fn json(value: &Option<Value>) -> String {
    value.clone().map_or(Value::Null, clean).to_string()
}

fn clean(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(without_nul(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(key, value)| (without_nul(&key), clean(value)))
                .collect::<Map<_, _>>(),
        ),
        other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
    }
}
