//! The query columns of a record: one deterministic function per table, from the record alone, so
//! that anyone can derive them again and compare. What a column cannot hold is made harmless here
//! (NUL characters removed, numbers out of range left out); the exact bytes are in `record`.

use std::borrow::Cow;

use governance_filter::record::{Delivery, DeliveryKind, Intent, Outcome};
use serde_json::{Map, Value as Json};

use crate::ingest::line::Summary;

/// A column of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Column<'a> {
    /// Its name in the table.
    pub name: &'static str,
    /// Its type, which the text is cast to.
    pub cast: &'static str,
    /// What stands in it.
    pub value: Value<'a>,
}

/// What a record says of a column, yet to be made harmless where that is needed.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// Text, without its NUL characters.
    Text(&'a str),
    /// Texts, likewise.
    Texts(&'a [String]),
    /// A truth.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number, in the fewest digits that tell it from its neighbours.
    Number(f64),
    /// A time as RFC 3339.
    Time(&'a str),
    /// JSON, its texts without NUL characters.
    Json(Cow<'a, Json>),
}

/// A column as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its name in the table.
    pub name: &'static str,
    /// Its type, which the text is cast to.
    pub cast: &'static str,
    /// `None` is NULL.
    pub value: Option<String>,
}

// === impl Value ===

impl Value<'_> {
    /// As Postgres reads it from text; `None` is NULL.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Value::Null => None,
            Value::Text(text) => Some(without_nul(text)),
            Value::Texts(texts) => Some(Cow::Owned(array(texts))),
            Value::Bool(value) => Some(Cow::Borrowed(if *value { "true" } else { "false" })),
            Value::Int(value) => Some(Cow::Owned(value.to_string())),
            Value::Number(value) => Some(Cow::Owned(value.to_string())),
            Value::Time(text) => Some(Cow::Borrowed(text)),
            Value::Json(value) => Some(Cow::Owned(clean(value.as_ref().clone()).to_string())),
        }
    }
}

/// A row's columns as they are sent.
pub fn cells(columns: &[Column<'_>]) -> Vec<Cell> {
    let value = |column: &Column<'_>| column.value.text().map(Cow::into_owned);
    let cell =
        |column: &Column<'_>| Cell { name: column.name, cast: column.cast, value: value(column) };
    columns.iter().map(cell).collect()
}

/// `ai_decisions`, but for record, digest and salt.
pub fn decision<'a>(o: &'a Outcome, summary: Option<&'a Summary>) -> [Column<'a>; 43] {
    [
        text("decision_id", Some(&o.decision_id)),
        text("model", Some(&o.model)),
        text("input_hash", Some(&o.input_hash)),
        text("output_summary", summary.and_then(|summary| summary.output.as_deref())),
        column("confidence", "numeric", o.confidence.map(Value::Number)),
        text("policy_version", Some(&o.policy_version)),
        column("created_at", "timestamptz", Some(Value::Time(&o.created_at))),
        text("requested_model", o.requested_model.as_deref()),
        text("served_model", o.served_model.as_deref()),
        text("provider", Some(&o.provider)),
        text("operation", Some(&o.operation)),
        column("stream", "boolean", Some(Value::Bool(o.stream))),
        column("status", "int", o.status.map(|status| Value::Int(i64::from(status)))),
        text("outcome", Some(o.outcome.as_str())),
        column("categories", "text[]", Some(Value::Texts(&o.categories))),
        column("actions", "text[]", Some(Value::Texts(&o.actions))),
        column("triggered", "jsonb", Some(Value::Json(Cow::Owned(triggered(o))))),
        column("input_bytes", "bigint", bigint(Some(o.input_bytes))),
        column("input_tokens", "bigint", bigint(o.input_tokens)),
        column("output_tokens", "bigint", bigint(o.output_tokens)),
        column("usage", "jsonb", o.usage.as_ref().map(|usage| Value::Json(Cow::Borrowed(usage)))),
        text("finish_reason", o.finish_reason.as_deref()),
        text("system_fingerprint", o.system_fingerprint.as_deref()),
        column("refusal", "boolean", Some(Value::Bool(o.refusal))),
        column("tool_names", "text[]", Some(Value::Texts(&o.tool_names))),
        text("confidence_source", o.confidence_source.as_deref()),
        text("caller", o.caller.as_deref()),
        text("route", o.route.as_deref()),
        text("gateway", Some(&o.gateway)),
        // No record has one yet, and so no row may.
        text("shadow_of", None),
        text("trace_id", o.trace_id.as_deref()),
        text("request_id", o.request_id.as_deref()),
        column("requested_at", "timestamptz", Some(Value::Time(&o.requested_at))),
        column("latency_ms", "bigint", bigint(o.latency_ms)),
        column("first_byte_ms", "bigint", bigint(o.first_byte_ms)),
        text("unread", o.unread.as_deref()),
        text("hold_mode", Some(&o.hold_mode)),
        column("media_parts", "bigint", bigint(o.media_parts)),
        column("attempts", "bigint", bigint(o.attempts)),
        text("pinning", o.pinning.as_deref()),
        text("pinning_rule", o.pinning_rule.as_deref()),
        text("input_summary", summary.and_then(|summary| summary.input.as_deref())),
        text("review", o.review.as_deref()),
    ]
}

/// `ai_late_outcomes`, but for record, digest and salt.
pub fn late_outcome<'a>(o: &'a Outcome, summary: Option<&'a Summary>) -> [Column<'a>; 6] {
    [
        text("decision_id", Some(&o.decision_id)),
        text("outcome", Some(o.outcome.as_str())),
        text("policy_version", Some(&o.policy_version)),
        column("created_at", "timestamptz", Some(Value::Time(&o.created_at))),
        text("output_summary", summary.and_then(|summary| summary.output.as_deref())),
        text("input_summary", summary.and_then(|summary| summary.input.as_deref())),
    ]
}

/// `ai_decision_intents`, but for record and digest.
pub fn intent(i: &Intent) -> [Column<'_>; 11] {
    [
        text("decision_id", Some(&i.decision_id)),
        text("model", Some(&i.model)),
        text("input_hash", Some(&i.input_hash)),
        text("policy_version", Some(&i.policy_version)),
        column("created_at", "timestamptz", Some(Value::Time(&i.created_at))),
        text("requested_model", i.requested_model.as_deref()),
        text("provider", Some(&i.provider)),
        text("operation", Some(&i.operation)),
        column("stream", "boolean", Some(Value::Bool(i.stream))),
        text("caller", i.caller.as_deref()),
        text("gateway", Some(&i.gateway)),
    ]
}

/// `ai_deliveries`, but for record and digest.
pub fn delivery(d: &Delivery) -> [Column<'_>; 4] {
    let word = match d.delivery {
        DeliveryKind::Withheld => "withheld",
        DeliveryKind::ReleasedUncommitted => "released_uncommitted",
    };
    [
        text("decision_id", Some(&d.decision_id)),
        text("delivery", Some(word)),
        text("policy_version", Some(&d.policy_version)),
        column("created_at", "timestamptz", Some(Value::Time(&d.created_at))),
    ]
}

fn column<'a>(name: &'static str, cast: &'static str, value: Option<Value<'a>>) -> Column<'a> {
    Column { name, cast, value: value.unwrap_or(Value::Null) }
}

fn text<'a>(name: &'static str, value: Option<&'a str>) -> Column<'a> {
    column(name, "text", value.map(Value::Text))
}

/// Postgres's text holds every character but this one.
pub fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "")) } else { Cow::Borrowed(text) }
}

fn bigint(value: Option<u64>) -> Option<Value<'static>> {
    value.and_then(|value| i64::try_from(value).ok()).map(Value::Int)
}

fn triggered(o: &Outcome) -> Json {
    serde_json::to_value(&o.triggered).unwrap_or_default()
}

/// An array literal, every element quoted.
pub fn array(elements: &[String]) -> String {
    let quoted = elements.iter().map(|element| {
        let escaped = without_nul(element).replace('\\', r"\\").replace('"', "\\\"");
        format!("\"{escaped}\"")
    });
    format!("{{{}}}", quoted.collect::<Vec<_>>().join(","))
}

/// JSON whose texts Postgres can hold.
pub fn clean(value: Json) -> Json {
    match value {
        Json::String(text) => Json::String(without_nul(&text).into_owned()),
        Json::Array(items) => Json::Array(items.into_iter().map(clean).collect()),
        Json::Object(fields) => Json::Object(
            fields
                .into_iter()
                .map(|(key, value)| (without_nul(&key).into_owned(), clean(value)))
                .collect::<Map<_, _>>(),
        ),
        other @ (Json::Null | Json::Bool(_) | Json::Number(_)) => other,
    }
}
