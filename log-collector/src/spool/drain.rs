//! Moves what waits in the spool to Postgres: policies, refused lines, then lines in the order in
//! which they came. Taken out only after Postgres' commit, so a crash between the two makes a
//! repeat, which Postgres knows by its digest.

use std::sync::Arc;
use std::time::Duration;

use governance_filter::record::AckStatus;
use tokio::sync::watch;
use tracing::{error, info, warn};

use crate::error::{StartError, StoreError};
use crate::ingest::commit::Committer;
use crate::ingest::line::Entry;
use crate::ingest::writer::{BATCH_BYTES_MAX, BATCH_LINES_MAX, log_refusal};
use crate::readiness::Readiness;
use crate::spool::Spool;

/// How long a database that failed is left alone.
const RETRY: Duration = Duration::from_secs(1);

/// The one task that empties the spool.
pub struct Drain {
    /// Where lines wait.
    pub spool: Arc<Spool>,
    /// Where they go.
    pub committer: Committer,
    /// Whether the database answers.
    pub readiness: Arc<Readiness>,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

/// What a step did.
enum Step {
    /// Something left the spool.
    Moved,
    /// Nothing waits.
    Idle,
    /// The database failed; everything stays.
    Failing(StoreError),
}

// === impl Drain ===

impl Drain {
    /// Runs until told to stop. Ends early where the spool fails, or the database turns out to be
    /// one that could lose or change what is committed.
    pub async fn run(mut self) -> Result<(), StartError> {
        let (mut failing, mut waited) = (false, false);
        while !*self.stop.borrow() {
            let step = self.step().await?;
            self.spool.stepped(!matches!(step, Step::Failing(_)));
            let metrics = &self.committer.metrics.spool;
            metrics.show(&self.spool.stats());
            metrics.active.set(i64::from(self.spool.takes_all(&self.readiness)));
            match step {
                Step::Moved => {
                    (failing, waited) = (false, true);
                    continue;
                }
                Step::Idle if waited => {
                    info!("the spool is empty: everything in it is in Postgres");
                    (failing, waited) = (false, false);
                }
                Step::Failing(failure) if !failing => {
                    warn!("lines wait in the spool: {failure}");
                    (failing, waited) = (true, true);
                }
                Step::Idle | Step::Failing(_) => {}
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY) => {}
                () = self.spool.filled.notified(), if !failing => {}
                _ = self.stop.changed() => {}
            }
        }
        Ok(())
    }

    async fn step(&self) -> Result<Step, StartError> {
        if self.spool.is_broken() {
            // Says so in the words of redb, whoever was told first.
            self.spool.blocking(|spool| spool.remove_lines(&[])).await?;
        }
        if self.spool.is_distrustful() {
            match self.committer.store.check().await {
                Ok(()) => self.spool.trust_database(),
                Err(StartError::Store { source, .. }) => return Ok(Step::Failing(source)),
                Err(refusal) => return Err(refusal),
            }
        }
        let stats = self.spool.stats();
        if stats.announcements > 0 {
            self.announce().await
        } else if stats.refused > 0 {
            self.move_refused().await
        } else if stats.lines > 0 {
            self.move_lines().await
        } else {
            Ok(Step::Idle)
        }
    }

    async fn announce(&self) -> Result<Step, StartError> {
        let Some((number, policy)) = self.spool.blocking(Spool::first_announcement).await? else {
            return Ok(Step::Idle);
        };
        match self.committer.store.put_policy(&policy.policy()).await {
            Ok(()) => {}
            Err(StoreError::Data { code }) => {
                error!(sqlstate = code.code(), "the database refused policy {}", policy.version);
            }
            Err(failure) => return Ok(Step::Failing(failure)),
        }
        self.spool.blocking(move |spool| spool.remove_announcement(number)).await?;
        Ok(Step::Moved)
    }

    async fn move_refused(&self) -> Result<Step, StartError> {
        let entries = self.spool.blocking(|spool| spool.first_refused(BATCH_LINES_MAX)).await?;
        let all: Vec<&Entry> = entries.iter().collect();
        if let Err(failed) = self.committer.commit(&all, |_, _| {}).await {
            return Ok(Step::Failing(failed.failure));
        }
        self.spool.blocking(move |spool| spool.remove_refused(&entries)).await?;
        Ok(Step::Moved)
    }

    async fn move_lines(&self) -> Result<Step, StartError> {
        let read = |spool: &Spool| spool.first_lines(BATCH_LINES_MAX, BATCH_BYTES_MAX);
        let lines = self.spool.blocking(read).await?;
        let mut entries: Vec<&Entry> = lines.iter().map(|line| &line.entry).collect();
        // As the writer sorts them. No two have the same kind and id.
        entries.sort_by(|a, b| a.decision_id.cmp(&b.decision_id));
        let mut statuses = Vec::with_capacity(entries.len());
        let committed = self.committer.commit(&entries, |_, status| statuses.push(status)).await;
        if let Err(failed) = committed {
            return Ok(Step::Failing(failed.failure));
        }
        if statuses.contains(&AckStatus::UnknownPolicy) {
            // It was restored from a backup that is older than the policy.
            warn!("the database lacks a policy of a line in the spool: telling it of all");
            self.spool.blocking(Spool::announce_all).await?;
            return Ok(Step::Moved);
        }
        for (entry, status) in entries.iter().zip(statuses) {
            log_refusal(entry, status, &self.committer.metrics);
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        self.spool.blocking(move |spool| spool.remove_lines(&lines)).await?;
        self.committer.metrics.spool.drained.inc_by(count);
        Ok(Step::Moved)
    }
}
