//! Counters and gauges of the spool. All stay at 0 where it is off.

use std::sync::atomic::AtomicU64;
use std::time::{SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::spool::Stats;

/// What the spool counts.
#[derive(Default)]
pub struct SpoolMetrics {
    /// 1 while lines go to the spool.
    pub active: Gauge,
    /// Lines that wait in it.
    pub lines: Gauge,
    /// Bytes that wait in it.
    pub bytes: Gauge,
    /// Age of the oldest line.
    pub oldest_seconds: Gauge<f64, AtomicU64>,
    /// Lines moved to Postgres.
    pub drained: Counter,
}

// === impl SpoolMetrics ===

impl SpoolMetrics {
    /// Names them.
    pub fn register(&self, r: &mut Registry) {
        r.register("spool_active", "1 while lines go to the spool", self.active.clone());
        r.register("spool_lines", "Lines waiting in the spool", self.lines.clone());
        r.register("spool_bytes", "Bytes waiting in the spool", self.bytes.clone());
        r.register(
            "spool_oldest_seconds",
            "Age of the oldest line in the spool",
            self.oldest_seconds.clone(),
        );
        r.register("spool_drained", "Lines moved from the spool to Postgres", self.drained.clone());
    }

    /// Shows what waits.
    pub fn show(&self, stats: &Stats) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let since = stats.oldest_unix_ms.map(std::time::Duration::from_millis);
        let age = since.map(|since| now.saturating_sub(since)).unwrap_or_default();
        self.lines.set(i64::try_from(stats.lines).unwrap_or(i64::MAX));
        self.bytes.set(i64::try_from(stats.bytes).unwrap_or(i64::MAX));
        self.oldest_seconds.set(age.as_secs_f64());
    }
}
