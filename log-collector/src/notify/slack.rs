//! Slack's incoming webhook: one POST, and what its answer means. Keeps no state and retries
//! nothing; the URL, which alone lets one post, stays in here.

use std::time::Duration;

use reqwest::{Client, Url, header, redirect};
use serde_json::Value;

use crate::config::Webhook;
use crate::error::StartError;

/// Slack answers in well under a second; a lease lasts far longer than this.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than an operator would leave it: a larger Retry-After is a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Slack's error words are short.
const ANSWER_BYTES_MAX: usize = 256;

/// Words that speak of the message alone; the webhook is fine.
const MESSAGE_ERRORS: [&str; 4] =
    ["invalid_payload", "invalid_blocks", "msg_blocks_too_long", "no_text"];

/// Posts to one webhook.
pub struct Slack {
    client: Client,
    url: Url,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Ok(u16),
    /// To be tried again; no sooner than this where Slack says so.
    Again {
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// From a closed set.
        error: &'static str,
        /// Retry-After.
        after: Option<Duration>,
    },
    /// This message will never be taken.
    BadMessage(u16),
    /// Nothing will be taken here.
    BadTarget(u16),
}

// === impl Slack ===

impl Slack {
    /// Sets up the client.
    pub fn new(webhook: Webhook) -> Result<Slack, StartError> {
        // The first caller in the process wins, and all choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        Ok(Slack { client: client.map_err(|_| StartError::Client)?, url: webhook.0 })
    }

    /// Posts a message.
    pub async fn post(&self, message: &Value) -> Answer {
        let request = self
            .client
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .body(message.to_string());
        match request.send().await {
            Ok(mut response) => {
                let status = response.status().as_u16();
                let after = response.headers().get(header::RETRY_AFTER);
                let after = after.and_then(|value| value.to_str().ok()?.trim().parse().ok());
                let first = response.chunk().await.ok().flatten().unwrap_or_default();
                let start = first.get(..ANSWER_BYTES_MAX).unwrap_or(&first);
                classify(status, after, &String::from_utf8_lossy(start))
            }
            Err(error) if error.is_timeout() => {
                Answer::Again { status: None, error: "timeout", after: None }
            }
            Err(_) => Answer::Again { status: None, error: "connection", after: None },
        }
    }
}

/// What an HTTP answer means.
fn classify(status: u16, after_seconds: Option<u64>, body: &str) -> Answer {
    match status {
        200..=299 => Answer::Ok(status),
        429 => Answer::Again {
            status: Some(status),
            error: "rate_limited",
            after: after_seconds.map(|s| Duration::from_secs(s).min(RETRY_AFTER_MAX)),
        },
        408 | 500.. => Answer::Again { status: Some(status), error: "server_error", after: None },
        400 if MESSAGE_ERRORS.iter().any(|word| body.trim_start().starts_with(word)) => {
            Answer::BadMessage(status)
        }
        _ => Answer::BadTarget(status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_message_errors_leave_the_target_alone() {
        assert_eq!(classify(200, None, "ok"), Answer::Ok(200));
        assert_eq!(classify(400, None, "invalid_payload"), Answer::BadMessage(400));
        assert_eq!(classify(400, None, "no_team"), Answer::BadTarget(400));
        assert_eq!(classify(404, None, "no_service"), Answer::BadTarget(404));
        assert_eq!(classify(302, None, ""), Answer::BadTarget(302));
    }

    #[test]
    fn retry_after_is_honoured_within_reason() {
        let answer = |seconds| classify(429, Some(seconds), "rate_limited");
        let again = |after| Answer::Again { status: Some(429), error: "rate_limited", after };
        assert_eq!(answer(30), again(Some(Duration::from_secs(30))));
        assert_eq!(answer(u64::MAX), again(Some(RETRY_AFTER_MAX)));
        assert_eq!(classify(429, None, ""), again(None));
    }
}
