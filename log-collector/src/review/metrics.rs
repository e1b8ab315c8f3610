//! What is counted of reviews. The queue's gauges are read by the watch; verdicts are counted as
//! they are committed.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tracing::warn;

use crate::review::VerdictKind;
use crate::store::review_stats::ReviewBacklog;

/// Policies with a label of their own. A file has at most 500, few of which ask for people.
const POLICIES_MAX: usize = 100;

/// The label of a verdict on a decision that no policy asked a review of.
const NO_POLICY: &str = "(none)";

/// The label of every policy beyond [`POLICIES_MAX`].
const OTHER_POLICY: &str = "(other)";

/// Everything that is counted.
#[derive(Default)]
pub struct ReviewMetrics {
    /// Reviews without a verdict.
    pub open: Gauge,
    /// Those that are older than they should get.
    pub overdue: Gauge,
    /// Age of the oldest.
    pub oldest_seconds: Gauge<f64, AtomicU64>,
    verdicts: Family<VerdictLabels, Counter>,
    policies: Mutex<BTreeSet<String>>,
}

/// By what verdicts are told apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct VerdictLabels {
    policy: String,
    verdict: &'static str,
}

// === impl ReviewMetrics ===

impl ReviewMetrics {
    /// Names them.
    pub fn register(&self, r: &mut Registry) {
        r.register("reviews_open", "Reviews without a verdict", self.open.clone());
        r.register("reviews_overdue", "Open reviews past their age", self.overdue.clone());
        r.register(
            "reviews_oldest_seconds",
            "Age of the oldest open review",
            self.oldest_seconds.clone(),
        );
        r.register("review_verdicts", "Verdicts put on record", self.verdicts.clone());
    }

    /// Shows the queue; says once that reviews are overdue, until none is.
    pub fn show(&self, backlog: &ReviewBacklog) {
        self.open.set(backlog.open);
        self.oldest_seconds.set(backlog.oldest_seconds);
        if self.overdue.set(backlog.overdue) == 0 && backlog.overdue > 0 {
            let overdue = backlog.overdue;
            warn!(overdue, "{overdue} reviews are older than REVIEW_MAX_AGE");
        }
    }

    /// Counts a verdict once for each policy that asked for it.
    pub fn count_verdict(&self, policies: Option<Vec<String>>, verdict: VerdictKind) {
        let policies = policies.unwrap_or_else(|| vec![NO_POLICY.to_owned()]);
        for policy in policies {
            let labels = VerdictLabels { policy: self.label(policy), verdict: verdict.as_str() };
            self.verdicts.get_or_create(&labels).inc();
        }
    }

    /// The policy, or a word for all that came too late for a label.
    fn label(&self, policy: String) -> String {
        let mut known = self.policies.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(&policy) {
            return policy;
        }
        if known.len() >= POLICIES_MAX {
            return OTHER_POLICY.to_owned();
        }
        known.insert(policy.clone());
        policy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_have_a_bounded_number_of_labels() {
        let metrics = ReviewMetrics::default();
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        for n in 0..POLICIES_MAX + 5 {
            metrics.count_verdict(Some(vec![format!("policy_{n}")]), VerdictKind::Approved);
        }
        metrics.count_verdict(Some(vec!["policy_0".to_owned()]), VerdictKind::Approved);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("review_verdicts_total{"));
        assert_eq!(lines.count(), POLICIES_MAX + 1);
        let value = |policy: &str| {
            let label = format!("policy=\"{policy}\"");
            let line = text.lines().find(|line| line.contains(&label)).unwrap();
            line.rsplit(' ').next().unwrap().to_owned()
        };
        assert_eq!((value("(other)"), value("policy_0")), ("5".to_owned(), "2".to_owned()));
    }
}
