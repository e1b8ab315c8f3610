//! The filter's metrics by their Prometheus names. Counts what the pure core reports.

use super::host::{self, Metric, MetricKind};
use crate::exchange::Counter;
use crate::outbox::Counts;
use std::cell::Cell;

const COUNTERS: [Counter; 10] = [
    Counter::Governed,
    Counter::Passed,
    Counter::Denied,
    Counter::Held,
    Counter::IntentUncommitted,
    Counter::Withheld,
    Counter::ReleasedUncommitted,
    Counter::DenialUncommitted,
    Counter::OverBudget,
    Counter::HoldBroken,
];

/// The metrics of one root context.
pub struct Metrics {
    exchange: Vec<(Counter, Metric)>,
    committed: Option<Metric>,
    refused: Option<Metric>,
    dropped: Option<Metric>,
    calls_failed: Option<Metric>,
    expired: Option<Metric>,
    host_errors: Option<Metric>,
    outbox_lines: Option<Metric>,
    /// This VM's share of the gauge.
    lines_published: Cell<i64>,
}

// === impl Metrics ===

impl Metrics {
    /// Defines them. One that the host refuses is left out; traffic matters more.
    pub fn define() -> Metrics {
        let counter = |name: &str| {
            host::define_metric(MetricKind::Counter, &format!("governance_{name}")).ok()
        };
        let lines = "governance_outbox_lines";
        Metrics {
            exchange: COUNTERS
                .into_iter()
                .filter_map(|one| Some((one, counter(one.name())?)))
                .collect(),
            committed: counter("records_committed_total"),
            refused: counter("records_refused_total"),
            dropped: counter("records_dropped_total"),
            calls_failed: counter("collector_calls_failed_total"),
            expired: counter("holds_expired_total"),
            host_errors: counter("host_errors_total"),
            outbox_lines: host::define_metric(MetricKind::Gauge, lines).ok(),
            lines_published: Cell::new(0),
        }
    }

    /// Counts one event of an exchange.
    pub fn count(&self, counter: Counter) {
        if let Some((_, metric)) = self.exchange.iter().find(|(one, _)| *one == counter) {
            host::increment(*metric, 1);
        }
    }

    /// Counts a host call that failed.
    pub fn host_error(&self) {
        add(self.host_errors, 1);
    }

    /// Takes over what the outbox counted.
    pub fn outbox(&self, counts: Counts, lines: usize) {
        add(self.committed, counts.committed);
        add(self.refused, counts.refused);
        add(self.dropped, counts.dropped);
        add(self.calls_failed, counts.calls_failed);
        add(self.expired, counts.expired);
        if let Some(gauge) = self.outbox_lines {
            let lines = i64::try_from(lines).unwrap_or(i64::MAX);
            host::adjust(gauge, lines - self.lines_published.replace(lines));
        }
    }
}

fn add(metric: Option<Metric>, by: u64) {
    if let Some(metric) = metric {
        host::increment(metric, by);
    }
}
