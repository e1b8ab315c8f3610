//! Is the collector ready, and since when without a break? Also keeps partitions ahead and the
//! gauges that need a look at the database.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{info, warn};

use crate::ledger::publisher::Published;
use crate::metrics::Metrics;
use crate::spool::Spool;
use crate::store::{Store, migrate};

/// How often the database is asked.
const INTERVAL: Duration = Duration::from_secs(1);

/// How many of these until the gauges are read again.
const GAUGES_EVERY: u64 = 10;

/// How many of these until partitions are made: two months ahead, an hour is nothing.
const PARTITIONS_EVERY: u64 = 3_600;

/// Since when the collector has been ready without a break; shared by those who notice a break.
#[derive(Default)]
pub struct Readiness(Mutex<Option<Instant>>);

/// Asks the database until told to stop.
pub struct Watch {
    /// What is asked.
    pub store: Arc<Store>,
    /// Where gauges go.
    pub metrics: Arc<Metrics>,
    /// Where the answer goes.
    pub readiness: Arc<Readiness>,
    /// How far the ledger has left the database.
    pub published: Published,
    /// What makes up for a database that is away.
    pub spool: Option<Arc<Spool>>,
    /// How old a review may get.
    pub review_max_age: Duration,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

// === impl Readiness ===

impl Readiness {
    /// Ready for this long; `None` while not.
    pub fn age(&self) -> Option<Duration> {
        self.lock().map(|since| since.elapsed())
    }

    /// The database answers as it should.
    pub fn up(&self) {
        self.lock().get_or_insert_with(Instant::now);
    }

    /// It does not.
    pub fn down(&self) {
        *self.lock() = None;
    }

    /// Senders were turned away: still ready, but the time starts again.
    pub fn restart(&self) {
        if let Some(since) = self.lock().as_mut() {
            *since = Instant::now();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Watch ===

impl Watch {
    /// Runs until told to stop.
    pub async fn run(mut self) {
        let mut round: u64 = 0;
        while !*self.stop.borrow() {
            self.look(round).await;
            round += 1;
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    async fn look(&self, round: u64) {
        let health = self.store.health().await;
        let fine = matches!(&health, Ok(health)
            if health.schema >= migrate::VERSION && health.partitions_ahead);
        if fine {
            self.readiness.up();
        } else {
            self.readiness.down();
        }
        let spooling = self.spool.as_ref().is_some_and(|spool| spool.has_room());
        self.metrics.ready.set(i64::from(fine || spooling));
        let Ok(health) = health else { return };
        if round.is_multiple_of(PARTITIONS_EVERY) || !health.partitions_ahead {
            match self.store.make_partitions().await {
                Ok(0) => {}
                Ok(count) => info!(count, "made {count} partitions"),
                Err(failure) => warn!("could not make partitions: {failure}"),
            }
        }
        if round.is_multiple_of(GAUGES_EVERY) {
            self.read_gauges().await;
        }
    }

    async fn read_gauges(&self) {
        if let Ok(rows) = self.store.default_rows().await
            && self.metrics.default_rows.set(rows) == 0
            && rows > 0
        {
            warn!(rows, "{rows} rows fell outside every monthly partition");
        }
        if let Ok(backlog) = self.store.backlog().await {
            self.metrics.outbox_pending.set(backlog.pending);
            self.metrics.outbox_failed.set(backlog.failed);
            self.metrics.outbox_oldest_seconds.set(backlog.oldest_seconds);
        }
        if let Ok(lag) = self.store.ledger_lag(self.published.size()).await {
            self.metrics.ledger_pending.set(lag.pending);
            self.metrics.ledger_size.set(lag.size);
            self.metrics.unpublished_seconds.set(lag.oldest_seconds);
        }
        if let Ok(backlog) = self.store.review_backlog(self.review_max_age).await {
            self.metrics.reviews.show(&backlog);
        }
    }
}
