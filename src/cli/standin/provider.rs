//! A provider that answers OpenAI chat completions and Anthropic messages from recordings, plain
//! and streamed. It knows no keys and no limits, and thinks of nothing.

use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::recordings::{self, Asked, Recording};
use super::{Server, lock};

/// More than any request of a test; a body over it is answered 413.
const BODY_BYTES_MAX: usize = 64 << 20;

/// The running stand-in.
#[derive(Debug)]
pub struct Provider {
    server: Server,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
}

/// A request as it reached the provider.
#[derive(Debug, Clone)]
pub struct SeenRequest {
    /// When it had arrived whole.
    pub at: SystemTime,
    /// `POST`.
    pub method: String,
    /// With the query.
    pub path: String,
    /// In the order in which they came; a value that is no text is empty.
    pub headers: Vec<(String, String)>,
    /// As it came.
    pub body: Vec<u8>,
}

#[derive(Debug)]
struct Shared {
    recordings: Vec<Recording>,
    seen: Arc<Mutex<Vec<SeenRequest>>>,
    pace: Duration,
    answers: AtomicU64,
}

impl Provider {
    /// Starts on a free port; `pace` lies between two events of a stream.
    pub fn start(pace: Duration) -> io::Result<Self> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new(Shared {
            recordings: recordings::all(),
            seen: seen.clone(),
            pace,
            answers: AtomicU64::new(1),
        });
        let router = Router::new().fallback(answer).with_state(shared);
        Ok(Self { server: Server::start(router)?, seen })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<SeenRequest> {
        lock(&self.seen).clone()
    }
}

impl SeenRequest {
    /// A header's first value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, BODY_BYTES_MAX).await else {
        return error(413, "openai", "invalid_request_error", "the request is too large");
    };
    lock(&shared.seen).push(seen(&parts, &body));
    let provider = match parts.uri.path() {
        "/v1/chat/completions" => "openai",
        "/v1/messages" => "anthropic",
        "/v1/models" => return models(),
        _ => return error(404, "openai", "invalid_request_error", "unknown request URL"),
    };
    let Some(asked) = Asked::parse(provider, &body) else {
        return error(400, provider, "invalid_request_error", "`model` and `messages` are needed");
    };
    match recordings::find(&shared.recordings, &asked) {
        Some(recording) => replay(recording, &asked, &shared),
        None => error(404, provider, "not_found_error", "no recording fits this request"),
    }
}

fn replay(recording: &Recording, asked: &Asked, shared: &Shared) -> Response {
    let number = shared.answers.fetch_add(1, Ordering::Relaxed);
    let mut pieces = recording.pieces(asked);
    let body = match pieces.len() {
        1 => Body::from(pieces.pop().unwrap_or_default()),
        _ => paced(pieces, shared.pace),
    };
    let mut builder = Response::builder().status(recording.response.status);
    for (name, value) in &recording.response.headers {
        builder = builder.header(name, value);
    }
    // OpenAI's name and Anthropic's for the same thing.
    for name in ["x-request-id", "request-id"] {
        builder = builder.header(name, format!("req_replay{number:06}"));
    }
    builder.body(body).unwrap_or_else(|_| Response::new(Body::empty()))
}

fn paced(pieces: Vec<String>, pace: Duration) -> Body {
    Body::from_stream(futures_util::stream::unfold(
        pieces.into_iter(),
        move |mut rest| async move {
            let piece = rest.next()?;
            if !pace.is_zero() {
                tokio::time::sleep(pace).await;
            }
            Some((Ok::<_, Infallible>(Bytes::from(piece)), rest))
        },
    ))
}

fn models() -> Response {
    let list = json!({"object": "list", "data": [
        {"id": "gpt-4o-2025-12-17", "object": "model", "created": 1765929600, "owned_by": "system"},
    ]});
    ([(CONTENT_TYPE, "application/json")], list.to_string()).into_response()
}

fn error(status: u16, provider: &str, kind: &str, message: &str) -> Response {
    let body = match provider {
        "anthropic" => json!({"type": "error", "error": {"type": kind, "message": message}}),
        _ => json!({"error": {"message": message, "type": kind, "param": null, "code": null}}),
    };
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    response.body(Body::from(body.to_string())).unwrap_or_else(|_| Response::new(Body::empty()))
}

fn seen(parts: &Parts, body: &[u8]) -> SeenRequest {
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    SeenRequest {
        at: SystemTime::now(),
        method: parts.method.to_string(),
        path: parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        headers: parts.headers.iter().map(|(name, v)| (name.to_string(), text(v))).collect(),
        body: body.to_vec(),
    }
}
