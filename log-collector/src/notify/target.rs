//! Where messages go: one POST each, and what its answer means. Keeps no state and retries nothing;
//! URLs, which alone may let one post, stay in here.

use std::time::Duration;

use governance_filter::record::Outcome;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use reqwest::{Client, RequestBuilder, header, redirect};

use crate::config::Targets;
use crate::error::StartError;
use crate::notify::slack::Slack;
use crate::notify::webhook::SignedWebhook;
use crate::store::messages::Digest;
use crate::store::summaries::DayCounts;

/// A target answers in well under a second; a lease lasts far longer than this.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Longer than an operator would leave it: a larger Retry-After is a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3_600);

/// Error words are short.
const ANSWER_BYTES_MAX: usize = 256;

/// The outbox's word for Slack.
pub const SLACK: &str = "slack";

/// And for the signed webhook.
pub const WEBHOOK: &str = "webhook";

/// One that is configured.
pub enum Target {
    /// A channel.
    Slack(Slack),
    /// A program.
    Webhook(SignedWebhook),
}

/// What is sent.
#[derive(Debug)]
pub struct Message<'a> {
    /// The same for every attempt.
    pub id: &'a str,
    /// Where people reach this service.
    pub public_url: Option<&'a str>,
    /// What it tells.
    pub content: Content,
}

/// What a message tells.
#[derive(Debug)]
pub enum Content {
    /// A decision that asks for a human.
    Decision {
        /// Its record.
        outcome: Box<Outcome>,
        /// The redacted summary, if it is still there.
        summary: Option<String>,
    },
    /// Many of them.
    Digest(Digest),
    /// What happened on a day.
    Day {
        /// `2026-03-15`.
        day: String,
        /// How much of it.
        counts: DayCounts,
        /// To be kept.
        checkpoint: Option<String>,
    },
    /// Nothing happened: an operator tries the way.
    Test,
}

/// What an attempt came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Taken.
    Ok(u16),
    /// To be tried again; no sooner than this where the target says so.
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

// === impl Target ===

impl Target {
    /// Each that is configured.
    pub fn all(targets: Targets) -> Result<Vec<Target>, StartError> {
        let slack = targets.slack.map(|url| Slack::new(url).map(Target::Slack));
        let webhook = targets.webhook.map(|it| SignedWebhook::new(it).map(Target::Webhook));
        slack.into_iter().chain(webhook).collect()
    }

    /// Its word in the outbox, labels and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Target::Slack(_) => SLACK,
            Target::Webhook(_) => WEBHOOK,
        }
    }

    /// Sends a message once.
    pub async fn send(&self, message: &Message<'_>) -> Answer {
        match self {
            Target::Slack(slack) => slack.send(message).await,
            Target::Webhook(webhook) => webhook.send(message).await,
        }
    }
}

// === impl Message ===

impl Message<'_> {
    /// Where people see a decision; ids are hex digits.
    pub fn decision_url(&self, id: &str) -> Option<String> {
        self.public_url.map(|url| format!("{url}/decisions/{id}"))
    }

    /// Where people see what is open.
    pub fn reviews_url(&self) -> Option<String> {
        self.public_url.map(|url| format!("{url}/reviews"))
    }

    /// What prints every decision that it tells of.
    pub fn list_command(&self) -> String {
        format!("log-collector notify status {}", self.id)
    }
}

// === impl Answer ===

impl Answer {
    /// In one word, from a closed set.
    pub fn reason(self) -> &'static str {
        match self {
            Answer::Ok(_) => "ok",
            Answer::Again { error, .. } => error,
            Answer::BadMessage(_) => "message_refused",
            Answer::BadTarget(_) => "target_refused",
        }
    }

    /// HTTP status, where there was an answer.
    pub fn status(self) -> Option<u16> {
        match self {
            Answer::Ok(status) | Answer::BadMessage(status) | Answer::BadTarget(status) => {
                Some(status)
            }
            Answer::Again { status, .. } => status,
        }
    }
}

/// What a target's requests are made with.
pub(super) fn client() -> Result<Client, StartError> {
    // The first caller in the process wins, and all choose the same.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
    client.map_err(|_| StartError::Client)
}

/// Sends, and judges the answer. `message_errors` are the starts of a 400's body that speak of the
/// message alone.
pub(super) async fn post(request: RequestBuilder, message_errors: &[&str]) -> Answer {
    match request.send().await {
        Ok(mut response) => {
            let status = response.status().as_u16();
            let after = response.headers().get(header::RETRY_AFTER);
            let after = after.and_then(|value| retry_after(value.to_str().ok()?, Timestamp::now()));
            let first = response.chunk().await.ok().flatten().unwrap_or_default();
            let start = first.get(..ANSWER_BYTES_MAX).unwrap_or(&first);
            let body = String::from_utf8_lossy(start);
            let of_message = message_errors.iter().any(|word| body.trim_start().starts_with(word));
            classify(status, after, of_message)
        }
        Err(error) if error.is_timeout() => {
            Answer::Again { status: None, error: "timeout", after: None }
        }
        Err(_) => Answer::Again { status: None, error: "connection", after: None },
    }
}

/// What an HTTP answer means.
fn classify(status: u16, after: Option<Duration>, of_message: bool) -> Answer {
    let again = |error| Answer::Again { status: Some(status), error, after };
    match status {
        200..=299 => Answer::Ok(status),
        429 => again("rate_limited"),
        408 | 500.. => again("server_error"),
        400 if of_message => Answer::BadMessage(status),
        _ => Answer::BadTarget(status),
    }
}

/// Seconds, or a date.
fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    let after = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTimeParser::new().parse_timestamp(text).ok()?;
            Duration::try_from(date.duration_since(now)).unwrap_or_default()
        }
    };
    Some(after.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_message_errors_leave_the_target_alone() {
        assert_eq!(classify(200, None, false), Answer::Ok(200));
        assert_eq!(classify(400, None, true), Answer::BadMessage(400));
        assert_eq!(classify(400, None, false), Answer::BadTarget(400));
        assert_eq!(classify(404, None, true), Answer::BadTarget(404));
        assert_eq!(classify(410, None, false), Answer::BadTarget(410));
        assert_eq!(classify(302, None, false), Answer::BadTarget(302));
        let again = |status, error| Answer::Again { status: Some(status), error, after: None };
        assert_eq!(classify(408, None, false), again(408, "server_error"));
        assert_eq!(classify(429, None, false), again(429, "rate_limited"));
        assert_eq!(classify(503, None, false), again(503, "server_error"));
    }

    #[test]
    fn retry_after_is_read_in_both_forms_and_honoured_within_reason() {
        let now: Timestamp = "2026-03-15T10:00:00Z".parse().unwrap();
        let seconds = |text: &str| retry_after(text, now).map(|after| after.as_secs());
        assert_eq!(seconds("30"), Some(30));
        assert_eq!(seconds(&u64::MAX.to_string()), Some(3_600));
        assert_eq!(seconds("Sun, 15 Mar 2026 10:01:00 GMT"), Some(60));
        assert_eq!(seconds("Sun, 15 Mar 2026 09:00:00 GMT"), Some(0), "it is over");
        assert_eq!(seconds("soon"), None);
    }
}
