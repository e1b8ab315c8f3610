//! The loops that empty the outbox into its targets, one each. Delivery is at least once: a crash
//! between a target's 200 and the mark sends the same message again once the lease has run out.
//! Nothing here touches recording.

pub mod alert;
pub mod command;
pub mod metrics;
pub mod render;
pub mod slack;
pub mod target;
pub mod webhook;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{error, info, warn};

use crate::error::StoreError;
use crate::ledger::publisher::Published;
use crate::metrics::Metrics;
use crate::notify::metrics::{AttemptLabels, MessageLabels, TargetLabels};
use crate::notify::target::{Answer, Content, Message, Target};
use crate::store::Store;
use crate::store::outbox::{Claim, Sent, Subject, Turn};

/// Slack takes about one message a second per webhook; a little more keeps network jitter out.
const PACE: Duration = Duration::from_millis(1_100);

/// First and longest pause after a failure.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(300));

/// Finds what another process left behind; commits of this one wake the loop at once, and so does
/// the end of a window.
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
    pub target: Target,
    /// How long further decisions of a key wait after a message about it.
    pub window: Duration,
    /// Where people reach this service.
    pub public_url: Option<String>,
    /// The newest checkpoint, which a summary carries out of the database.
    pub published: Published,
    /// Told of commits.
    pub committed: watch::Receiver<()>,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

// === impl Alerts ===

impl Alerts {
    /// Runs until told to stop.
    pub async fn run(mut self) {
        let name = self.target.name();
        let disabled =
            self.metrics.notify.disabled.get_or_create_owned(&TargetLabels { target: name });
        let mut revived = false;
        let mut summary_at = Instant::now();
        while !*self.stop.borrow() {
            if !revived {
                revived = self.store.revive_alerts(name).await.is_ok();
            }
            if Instant::now() >= summary_at && self.store.enqueue_summary(name).await.is_ok() {
                summary_at = Instant::now() + SUMMARY_POLL;
            }
            // What is committed from here on is seen by the claim, or ends the pause.
            self.committed.mark_unchanged();
            let turn = self.store.claim_alert(name, PACE, self.window).await;
            if let Ok(turn) = &turn {
                disabled.set(i64::from(matches!(turn, Turn::Disabled)));
            }
            match turn {
                Ok(Turn::Message(claim)) => self.attempt(&claim).await,
                Ok(Turn::Busy(pause)) => self.pause(pause).await,
                Ok(Turn::Idle(due)) => {
                    self.idle(due.map_or(POLL, |due| due.clamp(PACE, POLL))).await
                }
                // The writer says loudly what is wrong with the database.
                Ok(Turn::Disabled) | Err(_) => self.pause(POLL).await,
            }
        }
    }

    async fn attempt(&self, claim: &Claim) {
        let (name, subject, id) = (self.target.name(), &claim.subject, &claim.message_id);
        let content = match self.content(claim).await {
            Ok(Some(content)) => content,
            Ok(None) => {
                error!(message.id = id, "no readable record for {subject}");
                let error = "record_unreadable";
                let sent = Sent::Failed { status: None, error, disable: false };
                return self.settle(claim, sent, Duration::ZERO).await;
            }
            // The lease runs out, and the message is another's to send.
            Err(failure) => {
                return warn!(message.id = id, "could not read {subject}: {failure}");
            }
        };
        let message = Message { id, public_url: self.public_url.as_deref(), content };
        let answer = self.target.send(&message).await;
        let labels = AttemptLabels { target: name, reason: answer.reason() };
        self.metrics.notify.attempts.get_or_create(&labels).inc();
        match answer {
            Answer::Ok(status) => self.settle(claim, Sent::Delivered { status }, PACE).await,
            Answer::Again { status, error, after } => {
                let pause = after.unwrap_or_else(|| backoff(claim.attempts)).max(PACE);
                if claim.attempts == 1 {
                    warn!(
                        message.id = id,
                        status, error, "{name} did not take {subject}, trying again"
                    );
                }
                self.settle(claim, Sent::Again { status, error }, pause).await;
            }
            Answer::BadMessage(status) => {
                error!(message.id = id, status, "{name} refused {subject}");
                let (status, error) = (Some(status), answer.reason());
                self.settle(claim, Sent::Failed { status, error, disable: false }, PACE).await;
            }
            Answer::BadTarget(status) => {
                error!(
                    message.id = id,
                    status,
                    "{name} refused with {status} whatever comes: its alerts are off until a \
                     restart, decisions are recorded as before"
                );
                let (status, error) = (Some(status), answer.reason());
                self.settle(claim, Sent::Failed { status, error, disable: true }, PACE).await;
            }
        }
    }

    /// `None` where there is no record that could be told of.
    async fn content(&self, claim: &Claim) -> Result<Option<Content>, StoreError> {
        Ok(match &claim.subject {
            Subject::Decision(id) => {
                let told = self.store.told(id).await?;
                let summary = told.summary;
                told.outcome.map(|outcome| Content::Decision { outcome, summary })
            }
            Subject::Digest(_) => {
                let digest = self.store.digest(self.target.name(), &claim.message_id).await?;
                Some(Content::Digest(digest))
            }
            Subject::Day(day) => {
                let counts = self.store.count_day(day).await?;
                let (day, checkpoint) = (day.clone(), self.published.note());
                let checkpoint = checkpoint.map(|note| note.to_string());
                Some(Content::Day { day, counts, checkpoint })
            }
        })
    }

    /// A mark that cannot be written leaves the lease to run out; the message is sent again.
    async fn settle(&self, claim: &Claim, sent: Sent<'_>, pause: Duration) {
        let (target, subject, id) = (self.target.name(), &claim.subject, &claim.message_id);
        let Ok(waited) = self.store.settle_alert(target, id, sent, pause).await else {
            return warn!(message.id = id, "could not mark {subject}");
        };
        if !matches!(sent, Sent::Delivered { .. }) {
            return;
        }
        info!(message.id = id, "told {target} {subject}");
        let kind = match subject {
            Subject::Decision(_) => "decision",
            Subject::Digest(_) => "digest",
            Subject::Day(_) => "summary",
        };
        let notify = &self.metrics.notify;
        notify.messages.get_or_create(&MessageLabels { target, kind }).inc();
        let seconds = notify.delivery_seconds.get_or_create_owned(&TargetLabels { target });
        for decision in waited {
            seconds.observe(decision);
        }
    }

    async fn idle(&mut self, poll: Duration) {
        tokio::select! {
            // An error means that the sender is gone, and the service stops.
            Ok(()) = self.committed.changed() => {}
            () = tokio::time::sleep(poll) => {}
            _ = self.stop.changed() => {}
        }
    }

    async fn pause(&mut self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = self.stop.changed() => {}
        }
    }
}

/// Doubles from the first to the longest pause.
fn backoff(attempts: i32) -> Duration {
    let (first, longest) = BACKOFF;
    let failures = u32::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    first.saturating_mul(2_u32.saturating_pow(failures)).min(longest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_five_minutes() {
        let seconds: Vec<u64> = (1..13).map(|attempts| backoff(attempts).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        assert_eq!(backoff(i32::MAX).as_secs(), 300);
    }
}
