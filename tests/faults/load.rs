//! Clients that keep calling, plain and streamed in turn, each call with a body of its own. Notes
//! what every call brought back; judges nothing.

use crate::support::client::{self, Reply};
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::Upstream;
use governance_filter::record::sha256_hex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The terminal event of a stream.
const END: &str = "data: [DONE]";

/// Longest wait for a call to be delivered once a fault is over.
const RECOVERY: Duration = Duration::from_secs(90);

/// A bound on each client's calls, far above what any test waits for.
const CALLS_MAX: usize = 20_000;

/// A call and what it brought back.
pub struct Sent {
    /// Its `x-test-id`.
    pub id: String,
    /// SHA-256 of the body, which no other call has.
    pub input_hash: String,
    /// A stream was asked for.
    pub stream: bool,
    /// When it was sent.
    pub began: Instant,
    /// What came back.
    pub reply: Reply,
}

/// Clients at work.
pub struct Load {
    progress: Arc<Progress>,
    clients: Vec<JoinHandle<Vec<Sent>>>,
}

#[derive(Default)]
struct Progress {
    ended: AtomicBool,
    back: AtomicUsize,
    /// When the latest of the delivered calls was sent.
    delivered: Mutex<Option<Instant>>,
}

// === impl Load ===

impl Load {
    /// Starts this many clients; their calls' ids begin with `name`.
    pub fn start(name: &str, gateway: &str, clients: usize) -> Load {
        let progress = Arc::<Progress>::default();
        let client = |client: usize| {
            let progress = Arc::clone(&progress);
            let (name, gateway) = (format!("{name}-{client}"), gateway.to_owned());
            std::thread::spawn(move || call_until(&name, &gateway, &progress))
        };
        let clients = (0..clients).map(client).collect();
        Load { progress, clients }
    }

    /// Waits until so many more calls came back.
    pub fn more(&self, calls: usize) {
        let enough = self.progress.back.load(Ordering::Relaxed) + calls;
        eventually(&format!("{calls} more calls"), PATIENCE, || {
            (self.progress.back.load(Ordering::Relaxed) >= enough).then_some(())
        });
    }

    /// Goes on for so long: how long a fault lasts is part of what it is.
    pub fn last(&self, duration: Duration) {
        let until = Instant::now() + duration;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
    }

    /// Waits until a call that was sent after `since` is delivered.
    pub fn recovered(&self, since: Instant) {
        eventually("a call to be delivered again", RECOVERY, || {
            self.progress.delivered().is_some_and(|began| began > since).then_some(())
        });
    }

    /// Lets every client end its last call.
    pub fn end(self) -> Vec<Sent> {
        self.progress.ended.store(true, Ordering::Relaxed);
        self.clients.into_iter().flat_map(|one| one.join().expect("a client ends")).collect()
    }
}

// === impl Progress ===

impl Progress {
    fn note(&self, sent: &Sent) {
        self.back.fetch_add(1, Ordering::Relaxed);
        if sent.delivered() {
            let mut latest = self.delivered.lock().unwrap_or_else(PoisonError::into_inner);
            *latest = (*latest).max(Some(sent.began));
        }
    }

    fn delivered(&self) -> Option<Instant> {
        *self.delivered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Sent ===

impl Sent {
    /// Sends one call; `more` are headers beside the usual ones.
    pub fn call(gateway: &str, id: &str, stream: bool, more: &[(&str, &str)]) -> Sent {
        let body = body(id, stream);
        let input_hash = sha256_hex(body.as_bytes());
        let began = Instant::now();
        let reply = client::send(gateway, &request(id, &body, more));
        Sent { id: id.to_owned(), input_hash, stream, began, reply }
    }

    /// The client got what only a committed decision may give it: a byte of a plain answer, the
    /// end of a streamed one.
    pub fn delivered(&self) -> bool {
        let ended = !self.stream || self.reply.text().contains(END);
        self.reply.status == 200 && ended
    }

    /// When it got that.
    pub fn delivered_at(&self) -> Option<Instant> {
        let first = self.reply.reads.first().map(|(at, _)| *at);
        let at = if self.stream { self.reply.seen_at(END.as_bytes()) } else { first };
        at.filter(|_| self.delivered())
    }

    /// An answer in full, or a refusal in full; else the connection broke.
    pub fn whole(&self) -> bool {
        self.reply.status != 0 && self.reply.complete
    }
}

/// A call that the provider has seen and answers only when it is let go.
pub fn held(
    stack: &Stack,
    upstream: &Upstream,
    id: &'static str,
    stream: bool,
) -> std::thread::JoinHandle<Sent> {
    let gateway = stack.gateway();
    let hold = [("x-script", "hold")];
    let call = std::thread::spawn(move || Sent::call(&gateway, id, stream, &hold));
    eventually("the provider to be called", PATIENCE, || {
        (!upstream.calls_of(id).is_empty()).then_some(())
    });
    call
}

fn call_until(name: &str, gateway: &str, progress: &Progress) -> Vec<Sent> {
    let mut all = Vec::new();
    while !progress.ended.load(Ordering::Relaxed) && all.len() < CALLS_MAX {
        let call = all.len();
        let sent = Sent::call(gateway, &format!("{name}-{call}"), call % 2 == 1, &[]);
        if sent.reply.status == 0 {
            // Nobody is there: a real client would wait too.
            std::thread::park_timeout(Duration::from_millis(50));
        }
        progress.note(&sent);
        all.push(sent);
    }
    all
}

fn body(id: &str, stream: bool) -> String {
    let message = format!(r#"{{"role":"user","content":"Call {id}"}}"#);
    format!(r#"{{"model":"gpt-4o-2025-12-17","stream":{stream},"messages":[{message}]}}"#)
}

fn request(id: &str, body: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut headers = vec![("content-type", "application/json"), ("x-test-id", id)];
    headers.extend(more);
    client::post_with("/v1/chat/completions", &headers, body.as_bytes())
}
