//! A webhook for programs: CloudEvents 1.0 in structured mode, signed as Standard Webhooks 1.0.0
//! asks. Tells no more of an answer than Slack is told.

use std::time::SystemTime;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use governance_filter::record::{Outcome, rfc3339};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, header};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::clock::unix_ms;
use crate::config::{SigningKey, WebhookConfig};
use crate::error::StartError;
use crate::notify::alert;
use crate::notify::render::{NAME_CHARS_MAX, SUMMARY_CHARS_MAX, one_line};
use crate::notify::target::{Answer, Content, Message, client, post};
use crate::store::messages::Digest;

/// What the events' types begin with.
const TYPE: &str = "governance";

/// Posts to one receiver.
pub struct SignedWebhook {
    client: Client,
    config: WebhookConfig,
}

// === impl SignedWebhook ===

impl SignedWebhook {
    /// Sets up the client.
    pub fn new(config: WebhookConfig) -> Result<SignedWebhook, StartError> {
        Ok(SignedWebhook { client: client()?, config })
    }

    /// Sends a message once. Its id is that of every attempt, its time and signature are not.
    pub async fn send(&self, message: &Message<'_>) -> Answer {
        let body = event(message).to_string();
        let seconds = unix_ms() / 1_000;
        let signature = signature(&self.config.keys, message.id, seconds, &body);
        let request = self
            .client
            .post(self.config.url.0.clone())
            .header(header::CONTENT_TYPE, "application/cloudevents+json")
            .header("webhook-id", message.id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", signature)
            .body(body);
        post(request, &[]).await
    }
}

/// One signature for each key, so that a receiver may change its own in its own time.
fn signature(keys: &[SigningKey], id: &str, seconds: u64, body: &str) -> String {
    let sign = |key: &SigningKey| {
        // HMAC takes a key of any length.
        let mut hmac = Hmac::<Sha256>::new_from_slice(key.bytes()).ok()?;
        hmac.update(format!("{id}.{seconds}.{body}").as_bytes());
        Some(format!("v1,{}", STANDARD.encode(hmac.finalize().into_bytes())))
    };
    keys.iter().filter_map(sign).collect::<Vec<_>>().join(" ")
}

/// The event. The same bytes for every attempt, unless what it tells of was erased in between.
fn event(message: &Message<'_>) -> Value {
    let (kind, subject, time, data) = match &message.content {
        Content::Decision { outcome, summary } => (
            "decision.flagged",
            one_line(&outcome.decision_id, NAME_CHARS_MAX),
            outcome.created_at.clone(),
            decision(message, outcome, summary.as_deref()),
        ),
        Content::Digest(told) => {
            ("decision.digest", message.id.to_owned(), time(told.last), digest(message, told))
        }
        Content::Day { day, counts, checkpoint } => {
            let data = json!({
                "day": day,
                "outcomes": counts.outcomes,
                "flagged": counts.flagged,
                "quarantined": counts.quarantined,
                "checkpoint": checkpoint,
            });
            ("ledger.summary", day.clone(), rfc3339(unix_ms()), data)
        }
        Content::Test => ("test", message.id.to_owned(), rfc3339(unix_ms()), json!({})),
    };
    json!({
        "specversion": "1.0",
        "id": message.id,
        "source": message.public_url.unwrap_or("/log-collector"),
        "type": format!("{TYPE}.{kind}"),
        "subject": subject,
        "time": time,
        "datacontenttype": "application/json",
        "data": data,
    })
}

fn decision(message: &Message<'_>, outcome: &Outcome, summary: Option<&str>) -> Value {
    json!({
        "decision_id": outcome.decision_id,
        "policies": policies(&alert::policies(outcome)),
        "outcome": outcome.outcome.as_str(),
        "model": one_line(&outcome.model, NAME_CHARS_MAX),
        "confidence": outcome.confidence,
        "confidence_source": outcome.confidence_source,
        "caller": outcome.caller.as_ref().map(|caller| one_line(caller, NAME_CHARS_MAX)),
        "review": outcome.review,
        "summary": summary.map(|summary| one_line(summary, SUMMARY_CHARS_MAX)),
        "url": message.decision_url(&outcome.decision_id),
    })
}

fn digest(message: &Message<'_>, digest: &Digest) -> Value {
    let group = |group: &crate::store::messages::Group| {
        json!({
            "count": group.count,
            "policies": policies(&group.policies),
            "model": one_line(&group.model, NAME_CHARS_MAX),
        })
    };
    json!({
        "count": digest.count,
        "first_at": time(digest.first),
        "last_at": time(digest.last),
        "groups": digest.groups.iter().map(group).collect::<Vec<_>>(),
        "groups_total": digest.groups_total,
        "decision_ids": digest.ids,
        "list": message.list_command(),
        "url": message.reviews_url(),
    })
}

/// As many as anybody reads.
fn policies(names: &[String]) -> Vec<String> {
    const POLICIES_MAX: usize = 20;
    names.iter().take(POLICIES_MAX).map(|name| one_line(name, NAME_CHARS_MAX)).collect()
}

fn time(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    rfc3339(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests;
