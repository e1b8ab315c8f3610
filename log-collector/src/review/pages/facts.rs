//! What a record says, in the words that triggers use for it.

use governance_filter::record::Outcome;
use maud::{Markup, html};
use serde_json::Value;

use super::layout::recorded_time;
use super::list::none_or;

/// The value of a variable as the record keeps it. Texts of a call are never part of one.
pub fn value(outcome: &Outcome, variable: &str) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "not stated".to_owned());
    match variable {
        "model" => outcome.model.clone(),
        "requested_model" => text(&outcome.requested_model),
        "served_model" => text(&outcome.served_model),
        "model_pinned" => text(&outcome.pinning),
        "provider" => outcome.provider.clone(),
        "operation" => outcome.operation.clone(),
        "category" | "categories" => none_or(&outcome.categories),
        "caller" => text(&outcome.caller),
        "route" => text(&outcome.route),
        "gateway" => outcome.gateway.clone(),
        "now" => outcome.requested_at.clone(),
        "confidence" => confidence(outcome),
        "system_fingerprint" => text(&outcome.system_fingerprint),
        "finish_reason" => text(&outcome.finish_reason),
        "refusal" => outcome.refusal.to_string(),
        "tool_calls" => none_or(&outcome.tool_names),
        "usage" => outcome.usage.as_ref().map_or("not stated".to_owned(), Value::to_string),
        "status" => number(outcome.status.map(u64::from)),
        "latency_ms" => number(outcome.latency_ms),
        _ => "not kept in the record".to_owned(),
    }
}

/// The record's fields for people.
pub fn render(outcome: &Outcome) -> Markup {
    let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    let tokens =
        format!("{} in, {} out", number(outcome.input_tokens), number(outcome.output_tokens));
    let latency = outcome.latency_ms.map_or("not called".to_owned(), |ms| format!("{ms} ms"));
    let rows = [
        ("Caller", text(&outcome.caller)),
        ("Model", outcome.model.clone()),
        ("Requested model", text(&outcome.requested_model)),
        ("Served model", text(&outcome.served_model)),
        ("Pinning", text(&outcome.pinning)),
        ("Provider", format!("{}, {}", outcome.provider, outcome.operation)),
        ("Categories", none_or(&outcome.categories)),
        ("Confidence", confidence(outcome)),
        ("Actions", none_or(&outcome.actions)),
        ("Status", number(outcome.status.map(u64::from))),
        ("Finish reason", text(&outcome.finish_reason)),
        ("Refused by the model", if outcome.refusal { "yes" } else { "no" }.to_owned()),
        ("Streamed", if outcome.stream { "yes" } else { "no" }.to_owned()),
        ("Tokens", tokens),
        ("Latency", latency),
        ("Tools", none_or(&outcome.tool_names)),
        ("Input", format!("{} bytes", outcome.input_bytes)),
        ("Input hash", outcome.input_hash.clone()),
        ("Not read", text(&outcome.unread)),
        ("Gateway", outcome.gateway.clone()),
        ("Route", text(&outcome.route)),
        ("Trace", text(&outcome.trace_id)),
        ("Request id", text(&outcome.request_id)),
    ];
    html! {
        dl.facts {
            div { dt { "Requested" } dd { (recorded_time(&outcome.requested_at)) } }
            div { dt { "Recorded" } dd { (recorded_time(&outcome.created_at)) } }
            @for (name, value) in rows { div { dt { (name) } dd { (value) } } }
        }
    }
}

fn confidence(outcome: &Outcome) -> String {
    match (outcome.confidence, &outcome.confidence_source) {
        (Some(value), Some(source)) => format!("{value} (from {source})"),
        (Some(value), None) => value.to_string(),
        (None, _) => "not stated".to_owned(),
    }
}

fn number(number: Option<u64>) -> String {
    number.map_or("–".to_owned(), |number| number.to_string())
}
