//! Commits entries, and where the database refuses the data, finds the one line that is to blame,
//! so that it never touches its neighbours. Answers nobody.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use governance_filter::record::AckStatus;
use tokio::sync::watch;
use tracing::error;

use crate::error::StoreError;
use crate::ingest::line::{Entry, Reason};
use crate::metrics::Metrics;
use crate::store::Store;

/// What the writer and the spool's drain share.
#[derive(Clone)]
pub struct Committer {
    /// Where entries go.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Told of each commit, for the alerts it may hold.
    pub committed: Arc<watch::Sender<()>>,
}

/// The database failed for a reason that is not the data.
pub struct Failed {
    /// What it said.
    pub failure: StoreError,
    /// How many entries, from the first on, were settled before.
    pub settled: usize,
}

// === impl Committer ===

impl Committer {
    /// Commits entries and settles each by its index, in order. Where the database refuses the
    /// data, halves them until the one line that is to blame stands alone.
    pub async fn commit(
        &self,
        entries: &[&Entry],
        mut settle: impl FnMut(usize, AckStatus),
    ) -> Result<(), Failed> {
        let mut parts: Vec<Range<usize>> = Vec::from([Range { start: 0, end: entries.len() }]);
        while let Some(range) = parts.pop() {
            let failed = |failure| Failed { failure, settled: range.start };
            let part = entries.get(range.clone()).unwrap_or_default();
            let started = Instant::now();
            match self.store.commit(part).await {
                Ok(statuses) => {
                    self.metrics.commit_seconds.observe(started.elapsed().as_secs_f64());
                    self.metrics.batch_lines.observe(part.len() as f64);
                    self.metrics.batches.inc();
                    for (at, status) in range.clone().zip(statuses) {
                        settle(at, status);
                    }
                    self.committed.send_replace(());
                }
                Err(StoreError::Data { .. }) if part.len() > 1 => {
                    let middle = range.start + part.len() / 2;
                    parts.extend([middle..range.end, range.start..middle]);
                }
                Err(StoreError::Data { code }) => {
                    let Some(entry) = part.first() else { continue };
                    let id = &entry.decision_id;
                    error!(decision.id = %id, sqlstate = code.code(),
                        "the database refused a line of decision {id}");
                    self.store.quarantine(entry, Reason::Database).await.map_err(failed)?;
                    settle(range.start, AckStatus::Rejected);
                }
                Err(failure) => return Err(failed(failure)),
            }
        }
        Ok(())
    }
}
