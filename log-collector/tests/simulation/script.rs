//! What client and provider of one exchange say, cut into pieces anywhere.

use std::collections::VecDeque;

use governance_filter::exchange::End;
use serde_json::json;

use crate::random::Random;

pub const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const APPROVED: &str = "gpt-4o-2025-12-17";

/// The policies that gateways run.
pub const POLICIES: [&str; 3] = [
    "policies:\n- name: approved\n  allowed: ['gpt-4o-2025-12-17']\n",
    "policies:\n- name: approved\n  allowed: ['gpt-4o-2025-12-17']\nrecord:\n  on_failure: allow\n",
    "policies:\n- name: unsure\n  trigger: \"confidence < 0.75\"\n  action: deny\nstreams: hold\n",
];

/// The event that ends a stream.
pub const TERMINAL: &str = "data: [DONE]";

/// One exchange, as client and provider would have it.
pub struct Script {
    pub path: &'static str,
    pub request: VecDeque<(Vec<u8>, End)>,
    pub status: u16,
    pub content_type: &'static str,
    pub answer: VecDeque<(Vec<u8>, End)>,
}

// === impl Script ===

impl Script {
    pub fn draw(random: &mut Random) -> Script {
        let model = if random.one_in(8) { "gpt-5" } else { APPROVED };
        let streamed = random.one_in(2);
        let ask = json!({"model": model, "stream": streamed,
            "messages": [{"role": "user", "content": "hi"}]});
        let status = if random.one_in(10) { 500 } else { 200 };
        let answer = match (status, streamed) {
            (500, _) => r#"{"error":{"message":"overloaded"}}"#.to_owned(),
            (_, true) => stream(random.one_in(10)),
            (_, false) => plain(),
        };
        Script {
            path: if random.one_in(30) { "/v1/models" } else { "/v1/chat/completions" },
            request: pieces(random, ask.to_string().as_bytes()),
            status,
            content_type: if streamed && status == 200 { SSE } else { JSON },
            answer: pieces(random, answer.as_bytes()),
        }
    }

    pub fn is_stream(&self) -> bool {
        self.content_type == SSE
    }
}

/// A body in pieces; its end comes with the last one or on an empty frame of its own.
fn pieces(random: &mut Random, body: &[u8]) -> VecDeque<(Vec<u8>, End)> {
    let mut pieces: VecDeque<_> =
        random.pieces(body).into_iter().map(|piece| (piece, End::Open)).collect();
    match pieces.back_mut() {
        Some(last) if random.one_in(2) => last.1 = End::OfStream,
        _ => pieces.push_back((Vec::new(), End::OfStream)),
    }
    pieces
}

fn plain() -> String {
    json!({
        "model": APPROVED,
        "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hello."}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
    })
    .to_string()
}

/// A stream; where it is cut its terminal event is missing.
fn stream(cut: bool) -> String {
    let chunk = |delta: serde_json::Value, finish: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        format!("data: {}\n\n", json!({"model": APPROVED, "choices": [choice]}))
    };
    let text = chunk(json!({"role": "assistant", "content": "Hello."}), None);
    let end = chunk(json!({}), Some("stop"));
    if cut { text } else { format!("{text}{end}{TERMINAL}\n\n") }
}
