//! Counters and gauges for `/metrics`. Names and labels only; who counts what is up to the callers.

use std::sync::atomic::AtomicU64;

use governance_filter::record::{AckStatus, Kind};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

use crate::notify::metrics::NotifyMetrics;
use crate::review::metrics::ReviewMetrics;
use crate::spool::metrics::SpoolMetrics;

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    /// Lines answered, by kind and status.
    pub lines: Family<LineLabels, Counter>,
    /// Same id, another digest: should stay at 0.
    pub digest_conflicts: Counter,
    /// Refused lines that the quarantine had no room for.
    pub quarantine_dropped: Counter,
    /// Requests answered 503, by reason.
    pub refused: Family<ReasonLabels, Counter>,
    /// Held calls whose intents were acked without a verdict, by reason.
    pub holds_unanswered: Family<ReasonLabels, Counter>,
    /// Transactions committed.
    pub batches: Counter,
    /// Lines of one transaction.
    pub batch_lines: Histogram,
    /// Time of one transaction, begin to commit.
    pub commit_seconds: Histogram,
    /// Lines waiting for a commit.
    pub queue_lines: Gauge,
    /// Bytes waiting for a commit.
    pub queue_bytes: Gauge,
    /// Intents without outcome that the last look found.
    pub intents_open: Gauge,
    /// Intents closed as `unknown`.
    pub closed_unknown: Counter,
    /// Alerts not yet delivered.
    pub outbox_pending: Gauge,
    /// Age of the oldest of them.
    pub outbox_oldest_seconds: Gauge<f64, AtomicU64>,
    /// Alerts given up.
    pub outbox_failed: Gauge,
    /// How alerts leave.
    pub notify: NotifyMetrics,
    /// Rows in the default partitions: should stay at 0.
    pub default_rows: Gauge,
    /// 1 while ready.
    pub ready: Gauge,
    /// Records without an index.
    pub ledger_pending: Gauge,
    /// Leaves of the tree.
    pub ledger_size: Gauge,
    /// Leaves under the newest checkpoint that was published here.
    pub checkpoint_size: Gauge,
    /// Age of the oldest record that is under no published checkpoint.
    pub unpublished_seconds: Gauge<f64, AtomicU64>,
    /// 1 while another key is registered than this replica's.
    pub ledger_key_mismatch: Gauge,
    /// 1 while the tree does not begin with what was published.
    pub ledger_forked: Gauge,
    /// Time of one turn of the sequencer.
    pub sequencing_seconds: Histogram,
    /// What waits on this collector's own disk.
    pub spool: SpoolMetrics,
    /// What waits for people.
    pub reviews: ReviewMetrics,
}

/// Labels of [`Metrics::lines`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LineLabels {
    kind: &'static str,
    status: &'static str,
}

/// One label, `reason`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// From a closed set.
    pub reason: &'static str,
}

// === impl Metrics ===

impl Default for Metrics {
    fn default() -> Metrics {
        // 250 µs to 8 s: an fsync on a good disk up to the statement timeout.
        let commit_seconds = Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let sequencing_seconds = Histogram::new(exponential_buckets(0.000_25, 2.0, 16));
        let batch_lines = Histogram::new(exponential_buckets(1.0, 2.0, 9));
        let mut metrics = Metrics {
            registry: Registry::with_prefix("collector"),
            lines: Family::default(),
            digest_conflicts: Counter::default(),
            quarantine_dropped: Counter::default(),
            refused: Family::default(),
            holds_unanswered: Family::default(),
            batches: Counter::default(),
            batch_lines,
            commit_seconds,
            queue_lines: Gauge::default(),
            queue_bytes: Gauge::default(),
            intents_open: Gauge::default(),
            closed_unknown: Counter::default(),
            outbox_pending: Gauge::default(),
            outbox_oldest_seconds: Gauge::default(),
            outbox_failed: Gauge::default(),
            notify: NotifyMetrics::default(),
            default_rows: Gauge::default(),
            ready: Gauge::default(),
            ledger_pending: Gauge::default(),
            ledger_size: Gauge::default(),
            checkpoint_size: Gauge::default(),
            unpublished_seconds: Gauge::default(),
            ledger_key_mismatch: Gauge::default(),
            ledger_forked: Gauge::default(),
            sequencing_seconds,
            spool: SpoolMetrics::default(),
            reviews: ReviewMetrics::default(),
        };
        metrics.register();
        metrics.register_ledger();
        metrics
    }
}

impl Metrics {
    /// The Prometheus text.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode(&mut text, &self.registry);
        text
    }

    /// Counts one answered line.
    pub fn count_line(&self, kind: Option<Kind>, status: AckStatus) {
        let labels = LineLabels { kind: kind_word(kind), status: status_word(status) };
        self.lines.get_or_create(&labels).inc();
    }

    fn register(&mut self) {
        let r = &mut self.registry;
        r.register("lines", "Lines answered", self.lines.clone());
        r.register(
            "digest_conflicts",
            "Lines with a known id and another digest",
            self.digest_conflicts.clone(),
        );
        r.register(
            "quarantine_dropped",
            "Refused lines that the quarantine had no room for",
            self.quarantine_dropped.clone(),
        );
        r.register("requests_refused", "Requests answered 503", self.refused.clone());
        r.register(
            "holds_unanswered",
            "Held calls acked without a verdict",
            self.holds_unanswered.clone(),
        );
        r.register("batches", "Transactions committed", self.batches.clone());
        r.register("batch_lines", "Lines of a transaction", self.batch_lines.clone());
        r.register("commit_seconds", "Time of a transaction", self.commit_seconds.clone());
        r.register("queue_lines", "Lines waiting for a commit", self.queue_lines.clone());
        r.register("queue_bytes", "Bytes waiting for a commit", self.queue_bytes.clone());
        r.register("intents_open", "Intents without an outcome", self.intents_open.clone());
        r.register(
            "intents_closed_unknown",
            "Intents closed as unknown",
            self.closed_unknown.clone(),
        );
        r.register("outbox_pending", "Alerts not yet delivered", self.outbox_pending.clone());
        r.register(
            "outbox_oldest_seconds",
            "Age of the oldest alert not yet delivered",
            self.outbox_oldest_seconds.clone(),
        );
        r.register("outbox_failed", "Alerts given up", self.outbox_failed.clone());
        self.notify.register(r);
        r.register(
            "default_partition_rows",
            "Rows outside every monthly partition",
            self.default_rows.clone(),
        );
        r.register("ready", "1 while ready", self.ready.clone());
        self.spool.register(r);
        self.reviews.register(r);
    }

    fn register_ledger(&mut self) {
        let r = self.registry.sub_registry_with_prefix("ledger");
        r.register("pending", "Records without an index", self.ledger_pending.clone());
        r.register("leaves", "Leaves of the tree", self.ledger_size.clone());
        r.register(
            "checkpoint_leaves",
            "Leaves under the newest published checkpoint",
            self.checkpoint_size.clone(),
        );
        r.register(
            "unpublished_seconds",
            "Age of the oldest record under no published checkpoint",
            self.unpublished_seconds.clone(),
        );
        r.register(
            "key_mismatch",
            "1 while another key is registered than this replica's",
            self.ledger_key_mismatch.clone(),
        );
        r.register(
            "forked",
            "1 while the tree does not begin with the published checkpoint",
            self.ledger_forked.clone(),
        );
        r.register(
            "sequencing_seconds",
            "Time of a turn of the sequencer",
            self.sequencing_seconds.clone(),
        );
    }
}

/// The word for a kind.
pub fn kind_word(kind: Option<Kind>) -> &'static str {
    match kind {
        Some(Kind::Intent) => "intent",
        Some(Kind::Outcome) => "outcome",
        Some(Kind::Delivery) => "delivery",
        None => "unreadable",
    }
}

fn status_word(status: AckStatus) -> &'static str {
    match status {
        AckStatus::Committed => "committed",
        AckStatus::Duplicate => "duplicate",
        AckStatus::Spooled => "spooled",
        AckStatus::Rejected => "rejected",
        AckStatus::Quarantined => "quarantined",
        AckStatus::UnknownPolicy => "unknown_policy",
    }
}
