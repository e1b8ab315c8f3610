//! Answers intents that ask whether a held call may go on. Their lines are durable by then, and so
//! are their neighbours', whose acks do not depend on what becomes of this: an intent without an
//! answer is acked without a verdict, which its gateway takes for a no.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use governance_filter::record::AckStatus;
use tracing::{error, info};

use crate::ingest::line::{Content, Entry};
use crate::ingest::queue::Settled;
use crate::metrics::{Metrics, ReasonLabels};
use crate::store::Store;
use crate::store::holds::{Answer, Ask};

/// Looks answers up.
pub struct Holds {
    store: Arc<Store>,
    metrics: Arc<Metrics>,
    /// The last look-up failed, which was said.
    failing: AtomicBool,
}

/// The asks of one request, by their lines.
pub type Asks = Vec<(usize, Ask)>;

/// Those of a request's lines that ask.
pub fn asks<'a>(entries: impl Iterator<Item = &'a Entry>) -> Asks {
    let ask = |(at, entry): (usize, &Entry)| {
        let Content::Intent(intent, _) = &entry.content else { return None };
        let hold = intent.hold.as_ref()?;
        let ask = Ask {
            decision_id: entry.decision_id.clone(),
            digest: entry.digest.clone(),
            policies: hold.policies.clone(),
            ttl_s: hold.ttl_s,
        };
        Some((at, ask))
    };
    entries.enumerate().filter_map(ask).collect()
}

// === impl Holds ===

impl Holds {
    /// With the database.
    pub fn new(store: Arc<Store>, metrics: Arc<Metrics>) -> Holds {
        Holds { store, metrics, failing: AtomicBool::new(false) }
    }

    /// The answers to those whose intents are in Postgres, by their lines.
    pub async fn answer(&self, asks: Asks, settled: &[Option<Settled>]) -> HashMap<usize, Answer> {
        let is = |at: usize, wanted: &[AckStatus]| {
            let status = settled.get(at).copied().flatten().and_then(Settled::ok);
            status.is_some_and(|status| wanted.contains(&status))
        };
        let spooled = asks.iter().filter(|(at, _)| is(*at, &[AckStatus::Spooled])).count();
        self.count("spooled", spooled);
        let there = [AckStatus::Committed, AckStatus::Duplicate];
        let (lines, asks): (Vec<usize>, Vec<Ask>) =
            asks.into_iter().filter(|(at, _)| is(*at, &there)).unzip();
        if asks.is_empty() {
            return HashMap::new();
        }
        match self.store.answer_holds(&asks).await {
            Ok(answers) => {
                if self.failing.swap(false, Ordering::Relaxed) {
                    info!("held calls are answered again");
                }
                let answered = lines.into_iter().zip(answers);
                answered.filter_map(|(at, answer)| Some((at, answer?))).collect()
            }
            Err(failure) => {
                self.count("database", asks.len());
                if !self.failing.swap(true, Ordering::Relaxed) {
                    error!("held calls get no answer, and so are refused: {failure}");
                }
                HashMap::new()
            }
        }
    }

    fn count(&self, reason: &'static str, asks: usize) {
        if asks > 0 {
            let asks = u64::try_from(asks).unwrap_or(u64::MAX);
            self.metrics.holds_unanswered.get_or_create(&ReasonLabels { reason }).inc_by(asks);
        }
    }
}
