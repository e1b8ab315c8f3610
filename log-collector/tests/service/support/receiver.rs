//! A stand-in for a receiver of signed webhooks: checks every signature, as Standard Webhooks asks,
//! and keeps the events. Scripted statuses come first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use log_collector::config::{SigningKey, Webhook, WebhookConfig};
use serde_json::Value;
use sha2::Sha256;

pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The stand-in.
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    script: VecDeque<u16>,
    tried: Vec<String>,
    taken: Vec<Value>,
}

impl Receiver {
    /// Answers as scripted, then 204.
    pub async fn start(script: &[u16]) -> Receiver {
        let seen = Seen { script: script.iter().copied().collect(), ..Seen::default() };
        let state = Arc::new(Mutex::new(seen));
        let router = Router::new().fallback(answer).with_state(state.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Receiver { url, state }
    }

    pub fn config(&self) -> WebhookConfig {
        let url = Webhook::parse_any(&self.url).unwrap();
        WebhookConfig { url, keys: SigningKey::parse_all(SECRET).unwrap() }
    }

    pub fn taken(&self) -> Vec<Value> {
        self.state.lock().unwrap().taken.clone()
    }

    /// The `webhook-id` of every attempt.
    pub fn tried(&self) -> Vec<String> {
        self.state.lock().unwrap().tried.clone()
    }
}

async fn answer(
    State(state): State<Arc<Mutex<Seen>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let mut seen = state.lock().unwrap();
    let header = |name: &str| headers[name].to_str().unwrap();
    let (id, time) = (header("webhook-id"), header("webhook-timestamp"));
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut hmac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    hmac.update(format!("{id}.{time}.").as_bytes());
    hmac.update(&body);
    let signature = format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes()));
    let event: Value = serde_json::from_slice(&body).unwrap();
    let good = header("webhook-signature") == signature
        && header("content-type") == "application/cloudevents+json"
        && event["id"] == id;
    if !good {
        return StatusCode::UNAUTHORIZED;
    }
    seen.tried.push(id.to_owned());
    if let Some(status) = seen.script.pop_front() {
        return StatusCode::from_u16(status).unwrap();
    }
    seen.taken.push(event);
    StatusCode::NO_CONTENT
}
