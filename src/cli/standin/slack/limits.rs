//! What Slack refuses of a message, and in which words. The collector's tests judge by these, too.
//!
//! Limits are those of Slack's block kit reference and of its own client library.

use serde_json::Value;

/// Blocks of a message.
const BLOCKS_MAX: usize = 50;
/// The text that a notification shows.
const TEXT_CHARACTERS_MAX: usize = 40_000;
/// All texts of all blocks; undocumented, reported as `msg_blocks_too_long`.
const BLOCKS_CHARACTERS_MAX: usize = 13_200;

/// `Err` is the plain text of a 400.
pub(super) fn judge(payload: &Value) -> Result<(), &'static str> {
    if !payload.is_object() {
        return Err("invalid_payload");
    }
    let blocks = payload.get("blocks").map(|blocks| blocks.as_array().ok_or("invalid_blocks"));
    let blocks = blocks.transpose()?;
    let text = payload.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() && blocks.is_none_or(Vec::is_empty) {
        return Err("no_text");
    }
    if text.chars().count() > TEXT_CHARACTERS_MAX {
        return Err("msg_too_long");
    }
    let Some(blocks) = blocks else { return Ok(()) };
    if blocks.len() > BLOCKS_MAX || !blocks.iter().all(is_valid) {
        return Err("invalid_blocks");
    }
    match blocks.iter().map(characters).sum::<usize>() > BLOCKS_CHARACTERS_MAX {
        true => Err("msg_blocks_too_long"),
        false => Ok(()),
    }
}

fn is_valid(block: &Value) -> bool {
    let list = |name: &str| block.get(name).and_then(Value::as_array);
    let text = block.get("text");
    match block.get("type").and_then(Value::as_str) {
        Some("section") => {
            let fields = list("fields");
            let fields_fit = fields.is_none_or(|fields| {
                fields.len() <= 10 && fields.iter().all(|field| fits(Some(field), 2000))
            });
            fields_fit && (text.is_none() && fields.is_some() || fits(text, 3000))
        }
        Some("header") => fits(text, 150),
        Some("markdown") => {
            text.and_then(Value::as_str).is_some_and(|text| text.chars().count() <= 12_000)
        }
        Some("context") => list("elements").is_some_and(|elements| {
            elements.len() <= 10 && elements.iter().all(|element| fits(Some(element), 3000))
        }),
        Some("actions") => list("elements")
            .is_some_and(|elements| elements.len() <= 25 && elements.iter().all(is_valid_button)),
        Some("divider" | "image" | "rich_text") => true,
        Some(_) | None => false,
    }
}

fn is_valid_button(button: &Value) -> bool {
    let short = |name: &str, max: usize| {
        let value = button.get(name).and_then(Value::as_str);
        value.is_none_or(|value| value.chars().count() <= max)
    };
    fits(button.get("text"), 75) && short("value", 2000) && short("url", 3000)
}

/// A text object: `{"type": "plain_text" | "mrkdwn", "text": …}`, not empty.
fn fits(object: Option<&Value>, max: usize) -> bool {
    let Some(object) = object else { return false };
    let kind = object.get("type").and_then(Value::as_str);
    let text = object.get("text").and_then(Value::as_str).unwrap_or_default();
    matches!(kind, Some("plain_text" | "mrkdwn")) && (1..=max).contains(&text.chars().count())
}

fn characters(value: &Value) -> usize {
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, value)| match (key.as_str(), value) {
                ("text", Value::String(text)) => text.chars().count(),
                _ => characters(value),
            })
            .sum(),
        Value::Array(list) => list.iter().map(characters).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
