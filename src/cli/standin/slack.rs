//! Slack's incoming webhook: its limits, its rate, its plain text answers. It shows no messages to
//! anybody; it keeps them.
//!
//! Limits are those of Slack's block kit reference and of its own client library.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::{Server, lock};

/// One message a second a webhook.
const PERIOD: Duration = Duration::from_secs(1);
const BLOCKS_MAX: usize = 50;
const TEXT_CHARACTERS_MAX: usize = 40_000;
/// All texts of all blocks; undocumented, reported as `msg_blocks_too_long`.
const BLOCKS_CHARACTERS_MAX: usize = 13_200;

/// The running stand-in.
#[derive(Debug)]
pub struct Slack {
    server: Server,
    shared: Arc<Mutex<Inbox>>,
}

/// A message that Slack would have shown.
#[derive(Debug, Clone)]
pub struct SlackMessage {
    /// When it came.
    pub at: SystemTime,
    /// As it came.
    pub payload: Value,
}

#[derive(Debug, Default)]
struct Inbox {
    messages: Vec<SlackMessage>,
    refused: Vec<&'static str>,
    last: Option<Instant>,
}

impl Slack {
    /// Starts on a free port.
    pub fn start() -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(Inbox::default()));
        let router = Router::new().fallback(receive).with_state(shared.clone());
        Ok(Self { server: Server::start(router)?, shared })
    }

    /// The webhook's address.
    pub fn url(&self) -> String {
        format!("http://{}/services/T00000000/B00000000/standin", self.server.address)
    }

    /// What was accepted so far.
    pub fn messages(&self) -> Vec<SlackMessage> {
        lock(&self.shared).messages.clone()
    }

    /// Why messages were refused so far.
    pub fn refused(&self) -> Vec<&'static str> {
        lock(&self.shared).refused.clone()
    }
}

impl SlackMessage {
    /// The text that a notification shows.
    pub fn text(&self) -> &str {
        self.payload.get("text").and_then(Value::as_str).unwrap_or_default()
    }
}

async fn receive(
    State(shared): State<Arc<Mutex<Inbox>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut inbox = lock(&shared);
    let now = Instant::now();
    if inbox.last.is_some_and(|last| now.duration_since(last) < PERIOD) {
        inbox.refused.push("rate_limited");
        let wait = [(header::RETRY_AFTER, "1")];
        return (StatusCode::TOO_MANY_REQUESTS, wait, "rate_limited").into_response();
    }
    let json = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let payload = match json.is_some_and(|value| value.starts_with("application/json")) {
        true => serde_json::from_slice::<Value>(&body).map_err(|_| "invalid_payload"),
        false => Err("invalid_payload"),
    };
    match payload.and_then(|payload| judge(&payload).map(|()| payload)) {
        Ok(payload) => {
            inbox.last = Some(now);
            inbox.messages.push(SlackMessage { at: SystemTime::now(), payload });
            (StatusCode::OK, "ok").into_response()
        }
        Err(why) => {
            inbox.refused.push(why);
            (StatusCode::BAD_REQUEST, why).into_response()
        }
    }
}

fn judge(payload: &Value) -> Result<(), &'static str> {
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
        Some("context") => list("elements").is_some_and(|elements| elements.len() <= 10),
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payloads_are_judged_by_the_limits_of_the_real_one() {
        let section = |text: String| json!({"type":"section","text":{"type":"mrkdwn","text":text}});
        let cases = [
            ("text", json!({"text": "hello"}), Ok(())),
            ("nothing", json!({}), Err("no_text")),
            ("no object", json!([]), Err("invalid_payload")),
            ("section", json!({"blocks": [section("x".repeat(3000))]}), Ok(())),
            ("long section", json!({"blocks": [section("x".repeat(3001))]}), Err("invalid_blocks")),
            ("51 blocks", json!({"blocks": vec![section("x".into()); 51]}), Err("invalid_blocks")),
            (
                "long in all",
                json!({"blocks": vec![section("x".repeat(2900)); 5]}),
                Err("msg_blocks_too_long"),
            ),
            ("unknown block", json!({"blocks": [{"type": "poem"}]}), Err("invalid_blocks")),
        ];
        for (name, payload, expected) in cases {
            assert_eq!(judge(&payload), expected, "{name}");
        }
    }
}
