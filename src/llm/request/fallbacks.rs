//! Models that a request names beside the one it asks: gateways ask them where that one fails, or
//! choose among all.
//!
//! - <https://openrouter.ai/docs/features/model-routing>: `models`, names in order
//! - <https://docs.litellm.ai/docs/proxy/reliability>: `fallbacks`, names, or objects with `model`;
//!   a router's own are objects of a model and the names in its place

use serde_json::Value;

use super::super::json;

/// Keys of such models.
pub(super) const KEYS: [&str; 7] = [
    "models",
    "fallbacks",
    "fallback_models",
    "context_window_fallbacks",
    "content_policy_fallbacks",
    "default_fallbacks",
    "fallback",
];

/// Most models that are read of one request. OpenRouter takes three.
const MODELS_MAX: usize = 16;

/// What stands under such a key: one, or a list.
pub(super) fn items(raw: &str) -> Vec<&str> {
    match raw.as_bytes().first() {
        Some(b'[') => json::items(raw).unwrap_or_default(),
        _ => vec![raw],
    }
}

/// It is a request of its own to a model, whatever stands beside the model's name.
pub(super) fn is_request(item: &str) -> bool {
    serde_json::from_str::<Value>(item).is_ok_and(|item| item.get("model").is_some())
}

/// Adds the models that `raw`, the value of such a key, names. False where there is something else
/// in it, or there are more.
pub(super) fn read(raw: &str, models: &mut Vec<String>) -> bool {
    items(raw).into_iter().all(|item| match serde_json::from_str(item) {
        Ok(Value::Null) => true,
        Ok(Value::String(name)) => add(name, models),
        Ok(Value::Object(object)) => match object.get("model") {
            Some(Value::String(name)) => add(name.clone(), models),
            Some(_) => false,
            None => routed(object, models),
        },
        _ => false,
    })
}

/// `{"gpt-4o": ["claude-sonnet-4-5"]}`: which models stand in for which.
fn routed(object: serde_json::Map<String, Value>, models: &mut Vec<String>) -> bool {
    object.into_iter().all(|(_, names)| match names {
        Value::Array(names) => names.into_iter().all(|name| match name {
            Value::String(name) => add(name, models),
            _ => false,
        }),
        _ => false,
    })
}

fn add(name: String, models: &mut Vec<String>) -> bool {
    if models.contains(&name) {
        return true;
    }
    let room = models.len() < MODELS_MAX;
    if room {
        models.push(name);
    }
    room
}
