//! One stack under the shipped policy before the odd provider, what is asked of it, and the proof
//! that it came through unharmed.

use crate::provider;
use crate::support::client::{self, Reply};
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::Upstream;
use serde_json::Value;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The policy as it is shipped.
const POLICY: &str = include_str!("../../governance.yml");
pub const CHAT: &str = "/v1/chat/completions";
pub const MESSAGES: &str = "/v1/messages";

/// One stack at a time: two would wait for each other's processors, and holds have deadlines.
static TURN: Mutex<()> = Mutex::new(());

/// Far less than a request waits behind a VM that trapped, and enough for a busy machine.
const AT_ONCE: Duration = Duration::from_secs(5);

/// A stack, its provider, and what Envoy was when it started.
pub struct Rig {
    pub stack: Stack,
    pub upstream: Upstream,
    pub gateway: String,
    envoy: i64,
    _turn: MutexGuard<'static, ()>,
}

/// A request in the making.
pub struct Request<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub headers: Vec<(&'a str, &'a [u8])>,
    pub body: &'a [u8],
}

/// A chat request of the approved model.
pub fn hello(model: &str) -> String {
    format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":"hello"}}]}}"#)
}

/// POST of JSON.
pub fn post<'a>(path: &'a str, body: &'a [u8]) -> Request<'a> {
    Request { method: "POST", path, headers: vec![("content-type", b"application/json")], body }
}

/// A body as chunks of at most `size` bytes, without the last chunk's end.
pub fn chunks(body: &[u8], size: usize) -> Vec<u8> {
    let mut wire = Vec::with_capacity(body.len() + body.len() / size * 16 + 16);
    for chunk in body.chunks(size) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n");
    wire
}

// === impl Request ===

impl<'a> Request<'a> {
    /// With one more header.
    pub fn with(mut self, name: &'a str, value: &'a [u8]) -> Request<'a> {
        self.headers.push((name, value));
        self
    }

    /// On the wire with its length announced; `id` is its `x-request-id`.
    pub fn wire(&self, id: &str) -> Vec<u8> {
        let length = format!("content-length: {}\r\n\r\n", self.body.len());
        [self.head(id), length.into_bytes(), self.body.to_vec()].concat()
    }

    /// The same in chunks.
    pub fn chunked(&self, id: &str) -> Vec<u8> {
        let coding = b"transfer-encoding: chunked\r\n\r\n".to_vec();
        [self.head(id), coding, chunks(self.body, 1 << 20), b"\r\n".to_vec()].concat()
    }

    /// Request line and headers, without the empty line.
    pub fn head(&self, id: &str) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\nhost: gateway\r\n", self.method, self.path);
        head.push_str(&format!("x-request-id: {id}\r\nconnection: close\r\n"));
        let mut head = head.into_bytes();
        for (name, value) in &self.headers {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        head
    }
}

// === impl Rig ===

impl Rig {
    pub fn start(name: &str) -> Rig {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let upstream = Upstream::start_with(provider::answer);
        let mut stack = Stack::start(name, POLICY, &upstream.url);
        let (gateway, envoy) = (stack.gateway(), stack.pid("envoy"));
        Rig { stack, upstream, gateway, envoy, _turn: turn }
    }

    pub fn send(&self, wire: &[u8]) -> Reply {
        client::send(&self.gateway, wire)
    }

    /// The one row of a request, once it is there.
    pub fn row(&self, request_id: &str) -> Value {
        eventually(&format!("the row of `{request_id}`"), PATIENCE, || {
            let mut rows = self.rows(request_id);
            assert!(rows.len() < 2, "`{request_id}` has several rows: {rows:?}");
            rows.pop()
        })
    }

    /// All rows of a request that are there now.
    pub fn rows(&self, request_id: &str) -> Vec<Value> {
        let columns = "decision_id, model, outcome, status, unread, input_hash, caller, \
                       categories, trace_id, confidence::float8 AS confidence, output_summary";
        self.stack
            .rows(&format!("SELECT {columns} FROM ai_decisions WHERE request_id = '{request_id}'"))
    }

    /// Calls that the provider saw of a request.
    pub fn calls(&self, request_id: &str) -> usize {
        self.upstream.count(|call| call.header("x-request-id") == Some(request_id))
    }

    /// Every call that reached the provider has a row, but for those that are no inference.
    pub fn assert_nothing_passed_unrecorded(&self) {
        let rows = self.stack.rows("SELECT request_id FROM ai_decisions");
        for call in self.upstream.calls() {
            let inference = call.target.starts_with("POST ");
            let id = call.header("x-request-id").unwrap_or_default();
            let recorded = rows.iter().filter(|row| row["request_id"] == id).count();
            assert_eq!(recorded, usize::from(inference), "rows of {} `{id}`", call.target);
        }
    }

    /// The same Envoy runs, no VM was started again, no call to the host failed, and every worker
    /// answers at once.
    pub fn assert_unharmed(&mut self) {
        let before = self.served();
        assert!(!before.is_empty(), "the workers are counted");
        let mut number = 0;
        eventually("every worker to answer", PATIENCE, || {
            let began = Instant::now();
            let reply = self.send(&post(CHAT, hello("gpt-4o").as_bytes()).wire("after"));
            assert_eq!(reply.status, 200, "request {number} after everything else: {reply:?}");
            assert!(began.elapsed() < AT_ONCE, "request {number} waited {:?}", began.elapsed());
            number += 1;
            let now = self.served();
            before.iter().zip(&now).all(|(before, now)| now > before).then_some(())
        });
        let admin = self.stack.address("envoy_admin");
        let reloads = client::get(&admin, "/stats?filter=vm_reload");
        assert!(reloads.contains("vm_reload_success: 0"), "a VM trapped: {reloads}");
        assert!(reloads.lines().all(|line| line.ends_with(": 0")), "a VM trapped: {reloads}");
        let log = self.stack.folder().join("data/log/envoy.log");
        let log = std::fs::read_to_string(log).expect("Envoy has a log");
        assert!(!log.contains("wasm"), "Envoy complains of the filter: {log}");
        assert_eq!(self.stack.pid("envoy"), self.envoy, "Envoy was started again");
        assert_eq!(self.stack.counter("host_errors_total"), 0, "a call to the host failed");
    }

    /// Connections taken so far by each worker.
    fn served(&self) -> Vec<u64> {
        let admin = self.stack.address("envoy_admin");
        let stats = client::get(&admin, "/stats?filter=worker_[0-9]*.downstream_cx_total");
        stats.lines().filter_map(|line| line.rsplit_once(": ")?.1.trim().parse().ok()).collect()
    }

    /// Most memory that Envoy had, in MiB.
    pub fn envoy_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.envoy));
        let status = status.unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
        kib.unwrap_or(0) >> 10
    }
}

/// What differs from what was expected, for a report of all of it at once.
pub fn differs(problems: &mut Vec<String>, what: &str, found: &Value, expected: &Value) {
    if found != expected {
        problems.push(format!("{what}: expected {expected}, found {found}"));
    }
}
