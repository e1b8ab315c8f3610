//! Slack's incoming webhook.

use reqwest::{Client, Url, header};

use crate::config::Webhook;
use crate::error::StartError;
use crate::notify::render;
use crate::notify::target::{Answer, Message, client, post};

/// Words that speak of the message alone; the webhook is fine.
const MESSAGE_ERRORS: [&str; 5] =
    ["invalid_payload", "invalid_blocks", "msg_blocks_too_long", "msg_too_long", "no_text"];

/// Posts to one channel.
pub struct Slack {
    client: Client,
    url: Url,
}

// === impl Slack ===

impl Slack {
    /// Sets up the client.
    pub fn new(webhook: Webhook) -> Result<Slack, StartError> {
        Ok(Slack { client: client()?, url: webhook.0 })
    }

    /// Sends a message once.
    pub async fn send(&self, message: &Message<'_>) -> Answer {
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(render::message(message).to_string());
        post(request, &MESSAGE_ERRORS).await
    }
}
