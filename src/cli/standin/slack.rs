//! Slack's incoming webhook: its limits, its rate, its plain text answers. It shows no messages to
//! anybody; it keeps them.

mod limits;

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
    match payload.and_then(|payload| limits::judge(&payload).map(|()| payload)) {
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

#[cfg(test)]
mod tests {
    use super::limits::judge;
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
            (
                "long fact",
                json!({"blocks": [{"type": "context", "elements": [
                    {"type": "mrkdwn", "text": "x".repeat(3001)},
                ]}]}),
                Err("invalid_blocks"),
            ),
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
