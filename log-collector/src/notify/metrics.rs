//! Counts of the alerts, by target.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

/// What is counted of alerts.
pub struct NotifyMetrics {
    /// Attempts to send, by what came of them.
    pub attempts: Family<AttemptLabels, Counter>,
    /// Messages that were taken, by what they told.
    pub messages: Family<MessageLabels, Counter>,
    /// From the commit of a decision until a target took its message.
    pub delivery_seconds: Family<TargetLabels, Histogram>,
    /// 1 while a target refuses and is left alone.
    pub disabled: Family<TargetLabels, Gauge>,
}

/// Labels of [`NotifyMetrics::attempts`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    /// Where to.
    pub target: &'static str,
    /// From a closed set.
    pub reason: &'static str,
}

/// Labels of [`NotifyMetrics::messages`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct MessageLabels {
    /// Where to.
    pub target: &'static str,
    /// `decision`, `digest` or `summary`.
    pub kind: &'static str,
}

/// One label, `target`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TargetLabels {
    /// Where to.
    pub target: &'static str,
}

// === impl NotifyMetrics ===

impl Default for NotifyMetrics {
    fn default() -> NotifyMetrics {
        // 1/8 s to over an hour: at once, in a digest, or after an outage.
        let seconds = || Histogram::new(exponential_buckets(0.125, 2.0, 16));
        NotifyMetrics {
            attempts: Family::default(),
            messages: Family::default(),
            delivery_seconds: Family::new_with_constructor(seconds),
            disabled: Family::default(),
        }
    }
}

impl NotifyMetrics {
    /// Names them.
    pub fn register(&self, registry: &mut Registry) {
        let r = registry.sub_registry_with_prefix("notify");
        r.register("attempts", "Attempts to send a message", self.attempts.clone());
        r.register("messages", "Messages that were taken", self.messages.clone());
        r.register(
            "delivery_seconds",
            "Time from the commit of a decision to the delivery of its message",
            self.delivery_seconds.clone(),
        );
        r.register("disabled", "1 while a target is left alone", self.disabled.clone());
    }
}
