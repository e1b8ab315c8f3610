//! Group commit: one task, one transaction in flight; what arrives meanwhile is the next batch. No
//! timer, so a lone line waits for nothing. Does no SQL itself.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use governance_filter::record::AckStatus;
use tokio::sync::Notify;
use tracing::{error, info, warn};

use crate::error::StoreError;
use crate::ingest::decision_log::DecisionLog;
use crate::ingest::line::{Content, Reason};
use crate::ingest::queue::{Job, Queue, Unavailable};
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::store::Store;

/// Two of the filter's batches: where more wait, one commit for them costs less than one each.
const BATCH_LINES_MAX: usize = 512;

/// Keeps a batch of large records from stalling the small ones behind it.
const BATCH_BYTES_MAX: usize = 4 << 20;

/// The one task that commits lines.
pub struct Writer {
    /// Where lines come from.
    pub queue: Arc<Queue>,
    /// Where they go.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Told when a commit fails.
    pub readiness: Arc<Readiness>,
    /// Woken after each commit, for the alerts it may hold.
    pub committed: Arc<Notify>,
    /// Where decisions are printed.
    pub decisions: DecisionLog,
}

/// What the last commit said of the database; a change is logged, repeats are not.
#[derive(Clone, Copy, PartialEq)]
enum Database {
    Up,
    Down,
}

// === impl Writer ===

impl Writer {
    /// Runs until the queue is closed and empty.
    pub async fn run(self) {
        let mut database = Database::Up;
        while let Some(batch) = self.queue.take(BATCH_LINES_MAX, BATCH_BYTES_MAX).await {
            for round in rounds(batch) {
                let found = self.commit(&round, database).await;
                if found == Database::Up && database == Database::Down {
                    info!("the database commits again");
                }
                database = found;
            }
        }
    }

    /// Commits a round. Where the database refuses the data, halves it until the one line that is
    /// to blame stands alone.
    async fn commit(&self, round: &[Job], before: Database) -> Database {
        let mut parts = vec![round];
        while let Some(part) = parts.pop() {
            let started = Instant::now();
            let entries: Vec<_> = part.iter().map(|job| &job.entry).collect();
            match self.store.commit(&entries).await {
                Ok(statuses) => {
                    self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
                    self.metrics.batch_lines.observe(part.len() as f64);
                    self.metrics.batches.inc();
                    for (job, status) in part.iter().zip(statuses) {
                        self.settle(job, status);
                    }
                    self.committed.notify_one();
                }
                Err(StoreError::Data { .. }) if part.len() > 1 => {
                    let (left, right) = part.split_at(part.len() / 2);
                    parts.extend([right, left]);
                }
                Err(StoreError::Data { code }) => {
                    let Some(job) = part.first() else { continue };
                    let id = &job.entry.decision_id;
                    error!(decision.id = %id, sqlstate = code.code(),
                        "the database refused a line of decision {id}");
                    match self.store.quarantine(&job.entry, Reason::Database).await {
                        Ok(()) => self.settle(job, AckStatus::Rejected),
                        Err(failure) => return self.give_up(part, &parts, &failure, before),
                    }
                }
                Err(failure) => return self.give_up(part, &parts, &failure, before),
            }
        }
        Database::Up
    }

    /// Answers everyone who waits: holding them for another attempt would let a database that
    /// hangs hold the queue.
    fn give_up(
        &self,
        part: &[Job],
        parts: &[&[Job]],
        failure: &StoreError,
        before: Database,
    ) -> Database {
        if before == Database::Up {
            error!("commit failed, answering 503 until it works again: {failure}");
        }
        self.readiness.down();
        for job in part.iter().chain(parts.iter().copied().flatten()) {
            job.settle(Err(Unavailable));
        }
        for job in self.queue.drain() {
            job.settle(Err(Unavailable));
        }
        Database::Down
    }

    fn settle(&self, job: &Job, status: AckStatus) {
        let entry = &job.entry;
        let id = &entry.decision_id;
        self.metrics.count_line(entry.kind, status);
        match (&entry.content, status) {
            (_, AckStatus::Quarantined) => {
                self.metrics.digest_conflicts.inc();
                error!(decision.id = %id, digest = %entry.digest,
                    "decision {id} came again with another digest: quarantined");
            }
            (Content::Refused(refused), _) => {
                let reason = refused.reason.as_str();
                warn!(decision.id = %id, reason, "rejected a line: bad {reason}");
            }
            (Content::Outcome(outcome, ..), AckStatus::Committed) => {
                self.decisions.print(decision_line(outcome));
            }
            _ => {}
        }
        job.settle(Ok(status));
    }
}

/// The one line a decision leaves on the terminal. No text of prompt or answer.
fn decision_line(outcome: &governance_filter::record::Outcome) -> String {
    let id = &outcome.decision_id;
    let model: String = outcome.model.chars().take(100).collect();
    let word = outcome.outcome.as_str();
    let mut text = format!("{id} {model} {word}");
    if !outcome.actions.is_empty() {
        text.push_str(&format!(" actions={}", outcome.actions.join(",")));
    }
    if let Some(confidence) = outcome.confidence {
        text.push_str(&format!(" confidence={confidence}"));
    }
    if let Some(status) = outcome.status {
        text.push_str(&format!(" status={status}"));
    }
    // Others' text in here must not start a line of its own.
    text.replace(char::is_control, "")
}

/// A batch can hold the same decision's line twice. The repeat waits for the next transaction,
/// where it meets the first one's row and is judged like any other repeat.
fn rounds(batch: Vec<Job>) -> Vec<Vec<Job>> {
    let mut rounds = Vec::new();
    let mut rest = batch;
    while !rest.is_empty() {
        let mut seen = HashSet::new();
        let (mut round, later): (Vec<Job>, Vec<Job>) = rest.into_iter().partition(|job| {
            job.entry.kind.is_none() || seen.insert((job.entry.kind, job.entry.decision_id.clone()))
        });
        // Replicas that insert the same ids in the same order cannot deadlock.
        round.sort_by(|a, b| a.entry.decision_id.cmp(&b.entry.decision_id));
        rounds.push(round);
        rest = later;
    }
    rounds
}
