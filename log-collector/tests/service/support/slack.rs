//! A stand-in for Slack's incoming webhooks that is as strict as the real one: refuses what is over
//! its limits, another content type, and more than one message a second. Scripted answers come
//! first.

// One judge for this stand-in and the one of `governance demo`.
#[path = "../../../../src/cli/standin/slack/limits.rs"]
mod limits;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
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
    refused: Vec<&'static str>,
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

    /// Why messages were refused, other than by the script.
    pub fn refused(&self) -> Vec<&'static str> {
        self.state.lock().unwrap().refused.clone()
    }

    pub fn tries(&self) -> Vec<Instant> {
        self.state.lock().unwrap().tries.clone()
    }
}

async fn answer(State(state): State<Arc<Mutex<Seen>>>, headers: HeaderMap, body: Bytes) -> Reply {
    let mut seen = state.lock().unwrap();
    seen.tries.push(Instant::now());
    if let Some((status, after, text)) = seen.script.pop_front() {
        return reply(status, after, text);
    }
    let is_json = headers["content-type"] == "application/json";
    let message: Option<Value> = serde_json::from_slice(&body).ok().filter(|_| is_json);
    let judged = message.ok_or("invalid_payload");
    let message = match judged.and_then(|message| limits::judge(&message).map(|()| message)) {
        Ok(message) => message,
        Err(why) => {
            seen.refused.push(why);
            return reply(400, None, why);
        }
    };
    if seen.last_taken.is_some_and(|last| last.elapsed() < Duration::from_secs(1)) {
        seen.refused.push("rate_limited");
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
