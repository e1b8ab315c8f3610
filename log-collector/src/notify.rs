//! The loop that empties the outbox into Slack. Delivery is at least once: a crash between Slack's
//! 200 and the mark sends again once the lease has run out. Nothing here touches recording.
//!
//! The rate is per process; with several replicas Slack's own 429 keeps them apart.

pub mod render;
pub mod slack;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::error::StoreError;
use crate::ledger::publisher::Published;
use crate::metrics::{Metrics, ReasonLabels};
use crate::notify::slack::{Answer, Slack};
use crate::store::Store;
use crate::store::outbox::{Claim, Sent, Subject};

/// The outbox's word for Slack.
pub const SLACK: &str = "slack";

/// Slack takes about one message a second per webhook; a little more keeps network jitter out.
const PACE: Duration = Duration::from_millis(1_100);

/// First and longest pause after a failure.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Finds what another process left behind; commits of this one wake the loop at once.
const POLL: Duration = Duration::from_secs(5);

/// How often is looked whether a day is over whose summary nobody made.
const SUMMARY_POLL: Duration = Duration::from_secs(60);

/// Sends alerts to one target, and once a day what happened the day before.
pub struct Alerts {
    /// Where they wait.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Where they go.
    pub slack: Slack,
    /// The newest checkpoint, which a summary carries out of the database.
    pub published: Published,
    /// Woken after commits.
    pub committed: Arc<Notify>,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

/// How the loop goes on after an attempt.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    After(Duration),
    Disabled,
}

// === impl Alerts ===

impl Alerts {
    /// Runs until told to stop, or until the target refuses for good.
    pub async fn run(mut self) {
        let mut failures = 0;
        let mut revived = false;
        let mut summary_at = Instant::now();
        while !*self.stop.borrow() {
            if !revived {
                revived = self.store.revive_alerts(SLACK).await.is_ok();
            }
            if Instant::now() >= summary_at && self.store.enqueue_summary(SLACK).await.is_ok() {
                summary_at = Instant::now() + SUMMARY_POLL;
            }
            let next = match self.store.claim_alert(SLACK).await {
                Ok(Some(claim)) => self.attempt(&claim, &mut failures).await,
                Ok(None) => {
                    self.idle().await;
                    continue;
                }
                // The writer says loudly what is wrong with the database.
                Err(_) => Next::After(POLL),
            };
            match next {
                Next::After(pause) => {
                    // From now, not from the attempt: Retry-After counts from the answer.
                    self.pause(Instant::now() + pause).await;
                }
                Next::Disabled => {
                    self.metrics.slack_disabled.set(1);
                    return;
                }
            }
        }
    }

    async fn attempt(&self, claim: &Claim, failures: &mut u32) -> Next {
        let subject = &claim.subject;
        let message = match self.message(subject).await {
            Ok(Some(message)) => message,
            Ok(None) => {
                error!(message.id = claim.id, "no readable record for {subject}");
                self.settle(claim, Sent::Failed { status: None, error: "record_unreadable" }).await;
                return Next::After(Duration::ZERO);
            }
            // The lease runs out, and the message is another's to make.
            Err(failure) => {
                warn!(message.id = claim.id, "could not read what {subject} tells: {failure}");
                return Next::After(POLL);
            }
        };
        let answer = self.slack.post(&message).await;
        self.count(answer);
        match answer {
            Answer::Ok(status) => {
                *failures = 0;
                self.settle(claim, Sent::Delivered { status }).await;
                Next::After(PACE)
            }
            Answer::Again { status, error, after } => {
                let pause = after.unwrap_or_else(|| backoff(*failures)).max(PACE);
                if *failures == 0 {
                    warn!(
                        message.id = claim.id,
                        status, error, "Slack did not take {subject}, trying again"
                    );
                }
                *failures = failures.saturating_add(1);
                let after_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
                self.settle(claim, Sent::Again { status, error, after_ms }).await;
                Next::After(pause)
            }
            Answer::BadMessage(status) => {
                error!(message.id = claim.id, status, "Slack refused {subject}");
                let sent = Sent::Failed { status: Some(status), error: "message_refused" };
                self.settle(claim, sent).await;
                Next::After(PACE)
            }
            Answer::BadTarget(status) => {
                error!(
                    message.id = claim.id,
                    status,
                    "Slack refused the webhook with {status}: alerts are off until a restart, \
                     decisions are recorded as before"
                );
                let sent = Sent::Failed { status: Some(status), error: "target_refused" };
                self.settle(claim, sent).await;
                Next::Disabled
            }
        }
    }

    /// `None` where there is no record that could be told of.
    async fn message(&self, subject: &Subject) -> Result<Option<Value>, StoreError> {
        match subject {
            Subject::Decision { outcome, summary, .. } => {
                Ok(outcome.as_ref().map(|outcome| render::message(outcome, summary.as_deref())))
            }
            Subject::Day(day) => {
                let counts = self.store.count_day(day).await?;
                Ok(Some(render::day(day, &counts, self.published.note().as_deref())))
            }
        }
    }

    /// A mark that cannot be written leaves the lease to run out; the message is sent again.
    async fn settle(&self, claim: &Claim, sent: Sent<'_>) {
        let subject = &claim.subject;
        if self.store.settle_alert(claim.id, sent).await.is_err() {
            warn!(message.id = claim.id, "could not mark {subject}");
        } else if matches!(sent, Sent::Delivered { .. }) {
            info!(message.id = claim.id, "told Slack {subject}");
        }
    }

    fn count(&self, answer: Answer) {
        let reason = match answer {
            Answer::Ok(_) => "ok",
            Answer::Again { error, .. } => error,
            Answer::BadMessage(_) => "message_refused",
            Answer::BadTarget(_) => "target_refused",
        };
        self.metrics.slack_sends.get_or_create(&ReasonLabels { reason }).inc();
    }

    async fn idle(&mut self) {
        tokio::select! {
            () = self.committed.notified() => {}
            () = tokio::time::sleep(POLL) => {}
            _ = self.stop.changed() => {}
        }
    }

    async fn pause(&mut self, until: Instant) {
        tokio::select! {
            () = tokio::time::sleep_until(until) => {}
            _ = self.stop.changed() => {}
        }
    }
}

/// Doubles from the first to the longest pause.
fn backoff(failures: u32) -> Duration {
    let (first, longest) = BACKOFF;
    first.saturating_mul(2_u32.saturating_pow(failures)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_five_minutes() {
        let seconds: Vec<u64> = (0..12).map(|failures| backoff(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff(u32::MAX).as_secs(), 300);
    }
}
