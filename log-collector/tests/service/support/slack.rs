//! A stand-in for Slack's incoming webhooks that is as strict as the real one: refuses blocks over
//! its limits and, where asked, more than one message a second. Scripted answers come first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::Value;

/// The stand-in.
pub struct Slack {
    pub url: String,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    script: VecDeque<(u16, Option<u64>, &'static str)>,
    taken: Vec<Value>,
    tries: Vec<Instant>,
    last_taken: Option<Instant>,
}

type Reply = (StatusCode, [(&'static str, String); 1], &'static str);

impl Slack {
    /// Answers as scripted (status, Retry-After, body), then as Slack would.
    pub async fn start(script: &[(u16, Option<u64>, &'static str)]) -> Slack {
        let seen = Seen { script: script.iter().copied().collect(), ..Seen::default() };
        let state = Arc::new(Mutex::new(seen));
        let router = Router::new().route("/services/T/B/X", post(answer)).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/services/T/B/X", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Slack { url, state }
    }

    pub fn taken(&self) -> Vec<Value> {
        self.state.lock().unwrap().taken.clone()
    }

    pub fn tries(&self) -> Vec<Instant> {
        self.state.lock().unwrap().tries.clone()
    }
}

async fn answer(State(state): State<Arc<Mutex<Seen>>>, body: Bytes) -> Reply {
    let mut seen = state.lock().unwrap();
    seen.tries.push(Instant::now());
    if let Some((status, after, text)) = seen.script.pop_front() {
        return reply(status, after, text);
    }
    let Some(message) = serde_json::from_slice(&body).ok().filter(fits) else {
        return reply(400, None, "invalid_payload");
    };
    if seen.last_taken.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
        return reply(429, Some(1), "rate_limited");
    }
    seen.last_taken = Some(Instant::now());
    seen.taken.push(message);
    reply(200, None, "ok")
}

fn reply(status: u16, after: Option<u64>, text: &'static str) -> Reply {
    let (name, value) = match after {
        Some(seconds) => ("retry-after", seconds.to_string()),
        None => ("x-slack-unique-id", "1".to_owned()),
    };
    (StatusCode::from_u16(status).unwrap(), [(name, value)], text)
}

/// Slack's limits: 50 blocks, 3,000 characters a section, 10 context elements, about 13,000 in all.
pub fn fits(message: &Value) -> bool {
    let no_blocks = Vec::new();
    let blocks = message["blocks"].as_array().unwrap_or(&no_blocks);
    let texts = blocks.iter().flat_map(|block| {
        let elements = block["elements"].as_array().cloned().unwrap_or_default();
        elements.into_iter().chain([block["text"].clone()])
    });
    let lengths: Vec<_> =
        texts.filter_map(|text| Some(text["text"].as_str()?.chars().count())).collect();
    message["text"].as_str().is_some_and(|text| !text.is_empty() && text.chars().count() <= 40_000)
        && blocks.len() <= 50
        && blocks.iter().all(|b| b["elements"].as_array().is_none_or(|e| e.len() <= 10))
        && lengths.iter().all(|length| *length <= 3_000)
        && lengths.iter().sum::<usize>() <= 13_000
}
