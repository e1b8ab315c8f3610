//! A provider of many APIs that answers from recordings, each in its own framing, an event a
//! write. It remembers what it saw, and refuses a request whose AWS signature does not hold.

use super::recordings::{self, Recording};
use super::sigv4;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

/// Time between two events of a stream: what comes at once would be held with the last of them.
const PACE: Duration = Duration::from_millis(2);

/// The provider; dropped, it is gone.
pub struct Replay {
    pub url: String,
    shared: Arc<Shared>,
    _runtime: Runtime,
}

/// A request as the provider saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Path and query, as they stood on the wire.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// Whether its AWS signature holds; None: it has none.
    pub signature: Option<Result<(), String>>,
}

struct Shared {
    recordings: Vec<Recording>,
    seen: Mutex<Vec<Seen>>,
    /// Statuses of the next answers, before any recording.
    failures: Mutex<VecDeque<u16>>,
}

// === impl Replay ===

impl Replay {
    /// Listens on a free port.
    pub fn start() -> Replay {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let shared = Arc::new(Shared {
            recordings: recordings::all(),
            seen: Mutex::default(),
            failures: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(shared.clone());
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            axum::serve(listener, router).await
        });
        Replay { url, shared, _runtime: runtime }
    }

    /// Every request so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no thread panicked").clone()
    }

    /// Answers the next requests with these statuses.
    pub fn fail_with(&self, statuses: &[u16]) {
        self.shared.failures.lock().expect("no thread panicked").extend(statuses);
    }
}

// === impl Seen ===

impl Seen {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body that ends");
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let text = |value: &axum::http::HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> =
        head.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
    let method = head.method.as_str();
    let received = sigv4::Received { method, target: &target, headers: &headers, body: &body };
    let signature = sigv4::verify(&received);
    let request = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let fits = shared.recordings.iter().filter(|recording| recording.answers(&target, &request));
    let recording = fits.max_by_key(|recording| recording.demands());
    let failure = shared.failures.lock().expect("no thread panicked").pop_front();
    let refused = signature.clone().and_then(Result::err);
    let seen = Seen { target, headers, body: body.to_vec(), signature };
    shared.seen.lock().expect("no thread panicked").push(seen);
    match (refused, failure, recording) {
        (Some(why), _, _) => refusal(403, "InvalidSignatureException", &why),
        (None, Some(status), _) => refusal(status, "InternalServerException", "try again"),
        (None, None, Some(recording)) => replayed(recording),
        (None, None, None) => refusal(404, "ResourceNotFoundException", "no recording fits"),
    }
}

fn replayed(recording: &Recording) -> Response {
    let mut response = Response::builder().status(recording.response.status);
    for (name, value) in &recording.response.headers {
        response = response.header(name, value);
    }
    let mut pieces = VecDeque::from(recording.response.pieces());
    let body = match pieces.len() {
        1 => Body::from(pieces.remove(0).unwrap_or_default()),
        _ => Body::from_stream(futures_util::stream::unfold(pieces, |mut rest| async move {
            let piece = rest.pop_front()?;
            tokio::time::sleep(PACE).await;
            Some((Ok::<_, Infallible>(Bytes::from(piece)), rest))
        })),
    };
    response.body(body).expect("recorded headers")
}

fn refusal(status: u16, kind: &str, message: &str) -> Response {
    let body = json!({"message": message, "error": {"message": message, "code": status}});
    Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("x-amzn-errortype", kind)
        .body(Body::from(body.to_string()))
        .expect("a response")
}
