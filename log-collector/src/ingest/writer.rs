//! Group commit: one transaction in flight; what arrives meanwhile is the next batch. No timer,
//! so a lone line waits for nothing. Does no SQL itself.
//!
//! Where two batches wait, a second writer commits beside the first, for between two of its
//! transactions Postgres would have nothing to do. They meet as replicas do: whoever inserts a
//! known id waits for the other's commit, and then judges what is there.
//!
//! With a spool, lines go there while the database fails, and as long as others wait in it: so
//! their order is kept, and a repeat meets the line that waits.

use std::collections::HashSet;
use std::sync::Arc;

use governance_filter::record::AckStatus;
use tracing::{error, info, warn};

use crate::error::StoreError;
use crate::ingest::commit::{Committer, Failed};
use crate::ingest::decision_log::DecisionLog;
use crate::ingest::line::{Content, Entry};
use crate::ingest::queue::{Job, Queue, Taker, Unavailable};
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::spool::{Spool, SpoolError};

/// A commit of 256 rows costs little more than one of 64; more only adds latency.
pub const BATCH_LINES_MAX: usize = 256;

/// Keeps a batch of large records from stalling the small ones behind it.
pub const BATCH_BYTES_MAX: usize = 4 << 20;

/// Commits lines.
pub struct Writer {
    /// Where lines come from.
    pub queue: Arc<Queue>,
    /// Where they go.
    pub committer: Committer,
    /// Where they go while the database fails.
    pub spool: Option<Arc<Spool>>,
    /// Told when a commit fails.
    pub readiness: Arc<Readiness>,
    /// Where decisions are printed.
    pub decisions: Arc<DecisionLog>,
    /// Which of the two it is.
    pub taker: Taker,
}

/// What the last commit said of the database; a change is logged, repeats are not.
#[derive(Clone, Copy, PartialEq)]
enum Database {
    Up,
    Down,
}

// === impl Writer ===

impl Writer {
    /// Runs until the queue is closed and empty, or the spool fails.
    pub async fn run(self) -> Result<(), SpoolError> {
        let mut database = Database::Up;
        while let Some(batch) = self.queue.take(BATCH_LINES_MAX, BATCH_BYTES_MAX, self.taker).await
        {
            for round in rounds(batch) {
                match self.put(round, database).await {
                    Ok(found) => database = found,
                    Err(failure) => {
                        self.queue.close();
                        self.answer_unavailable(&self.queue.drain());
                        return Err(failure);
                    }
                }
            }
        }
        Ok(())
    }

    /// Puts a round where it is durable, and answers it.
    async fn put(&self, round: Vec<Job>, before: Database) -> Result<Database, SpoolError> {
        if let Some(spool) = &self.spool
            && !self.may_commit(spool).await
        {
            if before == Database::Up {
                warn!("the database is away, lines go to the spool");
            }
            self.put_aside(spool, round).await?;
            return Ok(Database::Down);
        }
        let entries: Vec<&Entry> = round.iter().map(|job| &job.entry).collect();
        let settle = |at: usize, status| {
            if let Some(job) = round.get(at) {
                self.settle(job, status);
            }
        };
        let Err(Failed { failure, settled }) = self.committer.commit(&entries, settle).await else {
            if before == Database::Down {
                info!("the database commits again");
            }
            return Ok(Database::Up);
        };
        self.readiness.down();
        let rest: Vec<Job> = round.into_iter().skip(settled).collect();
        match &self.spool {
            Some(spool) => {
                if before == Database::Up {
                    error!("commit failed, lines go to the spool until it works again: {failure}");
                }
                self.put_aside(spool, rest).await?;
            }
            None => self.give_up(&rest, &failure, before),
        }
        Ok(Database::Down)
    }

    /// Whether lines can go to the database without overtaking others.
    async fn may_commit(&self, spool: &Spool) -> bool {
        let takes_all = || spool.takes_all(&self.readiness);
        !takes_all() || (spool.is_emptied_soon().await && !takes_all())
    }

    /// Puts jobs into the spool. What finds no room is answered 503.
    async fn put_aside(&self, spool: &Arc<Spool>, jobs: Vec<Job>) -> Result<(), SpoolError> {
        let (jobs, appended) = spool.append_jobs(jobs).await?;
        self.metrics().spool.show(&spool.stats());
        match appended {
            Ok(appended) => {
                self.metrics().quarantine_dropped.inc_by(appended.dropped);
                for (job, status) in jobs.iter().zip(appended.statuses) {
                    self.settle(job, status);
                }
                Ok(())
            }
            Err(SpoolError::Full) => {
                self.readiness.restart();
                for job in &jobs {
                    job.settle(Err(Unavailable::SpoolFull));
                }
                Ok(())
            }
            Err(failure) => {
                self.answer_unavailable(&jobs);
                Err(failure)
            }
        }
    }

    /// Answers everyone who waits: holding them for another attempt would let a database that
    /// hangs hold the queue.
    fn give_up(&self, rest: &[Job], failure: &StoreError, before: Database) {
        if before == Database::Up {
            error!("commit failed, answering 503 until it works again: {failure}");
        }
        self.answer_unavailable(rest);
        self.answer_unavailable(&self.queue.drain());
    }

    fn answer_unavailable(&self, jobs: &[Job]) {
        for job in jobs {
            job.settle(Err(Unavailable::Database));
        }
    }

    fn settle(&self, job: &Job, status: AckStatus) {
        let entry = &job.entry;
        self.metrics().count_line(entry.kind, status);
        log_refusal(entry, status, self.metrics());
        if let Content::Outcome(outcome, ..) = &entry.content
            && matches!(status, AckStatus::Committed | AckStatus::Spooled)
        {
            self.decisions.print(decision_line(outcome));
        }
        job.settle(Ok(status));
    }

    fn metrics(&self) -> &Metrics {
        &self.committer.metrics
    }
}

/// Says that a line was not taken as a record.
pub fn log_refusal(entry: &Entry, status: AckStatus, metrics: &Metrics) {
    let id = &entry.decision_id;
    match (&entry.content, status) {
        (_, AckStatus::Quarantined) => {
            metrics.digest_conflicts.inc();
            error!(decision.id = %id, digest = %entry.digest,
                "decision {id} came again with another digest: quarantined");
        }
        (Content::Refused(refused), _) => {
            let reason = refused.reason.as_str();
            warn!(decision.id = %id, reason, "rejected a line: bad {reason}");
        }
        _ => {}
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
pub fn rounds(batch: Vec<Job>) -> Vec<Vec<Job>> {
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
