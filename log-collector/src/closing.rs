//! Closes intents without an outcome as `unknown`: the gateway died, and no call stays without an
//! end. Only time in which senders could get through counts: an intent is closed once it was
//! committed `close_after` ago *and* this collector has been ready for that long without a break.
//! So after a start or an outage nothing is closed for the whole of `close_after`, in which every
//! gateway that still holds an outcome has had time to send it. One that comes later yet goes to
//! `ai_late_outcomes`.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use governance_filter::record::{FORMAT, Intent, Outcome, OutcomeKind, rfc3339};
use tokio::sync::watch;
use tracing::warn;

use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::store::Store;
use crate::store::intents::{Closing, id_from};

/// How often open intents are looked for, at most; with a short `close_after` more often.
const INTERVAL_MAX: Duration = Duration::from_secs(30);

/// Intents closed in one transaction.
const BATCH: i64 = 256;

/// A pass looks at ids no older than this before `close_after`; a full one is made at start and
/// each day, for ids made by a clock that was further off.
const WINDOW_MS: u64 = 2 * 3_600_000;

/// One full pass a day.
const FULL_EVERY: Duration = Duration::from_secs(86_400);

/// Looks for open intents until told to stop.
pub struct Closer {
    /// Where they are.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Since when outcomes could come in.
    pub readiness: Arc<Readiness>,
    /// Age at which an intent is closed.
    pub close_after: Duration,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

// === impl Closer ===

impl Closer {
    /// Runs until told to stop.
    pub async fn run(mut self) {
        let interval = (self.close_after / 4).clamp(Duration::from_millis(50), INTERVAL_MAX);
        let mut full_at = tokio::time::Instant::now();
        while !*self.stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = self.stop.changed() => continue,
            }
            let window = self.window();
            if let Ok(open) = self.store.open_intent_count(&window).await {
                self.metrics.intents_open.set(open);
            }
            let full = tokio::time::Instant::now() >= full_at;
            let from = if full { String::new() } else { window };
            if self.readiness.age().is_some_and(|age| age >= self.close_after)
                && self.pass(from).await
                && full
            {
                full_at = tokio::time::Instant::now() + FULL_EVERY;
            }
        }
    }

    /// Closes everything that is due from an id on. False where the database failed; the next
    /// pass begins again.
    async fn pass(&self, mut from: String) -> bool {
        loop {
            let Ok(intents) = self.store.open_intents(self.close_after, &from, BATCH).await else {
                return false;
            };
            let Some(last) = intents.last() else { return true };
            // `~` sorts after every hex digit: the next page starts behind this id.
            from = format!("{}~", last.decision_id);
            let now = unix_ms();
            let closings: Vec<_> = intents.iter().filter_map(|i| closing(i, now)).collect();
            let Ok(closed) = self.store.close(&closings).await else { return false };
            for id in &closed {
                self.metrics.closed_unknown.inc();
                warn!(decision.id = %id, "closed decision {id} as unknown: no outcome came");
            }
        }
    }

    fn window(&self) -> String {
        let back = u64::try_from(self.close_after.as_millis()).unwrap_or(u64::MAX);
        id_from(unix_ms().saturating_sub(back).saturating_sub(WINDOW_MS))
    }
}

fn closing(intent: &Intent, now_unix_ms: u64) -> Option<Closing> {
    let outcome = unknown(intent, now_unix_ms);
    let record = serde_json::to_vec(&outcome).ok()?;
    Some(Closing { outcome, record })
}

/// The record of a decision of which only the intent is known.
fn unknown(intent: &Intent, now_unix_ms: u64) -> Outcome {
    Outcome {
        v: FORMAT,
        decision_id: intent.decision_id.clone(),
        created_at: rfc3339(now_unix_ms),
        requested_at: intent.created_at.clone(),
        policy_version: intent.policy_version.clone(),
        model: intent.model.clone(),
        requested_model: intent.requested_model.clone(),
        served_model: None,
        provider: intent.provider.clone(),
        operation: intent.operation.clone(),
        stream: intent.stream,
        status: None,
        outcome: OutcomeKind::Unknown,
        categories: Vec::new(),
        actions: Vec::new(),
        triggered: Vec::new(),
        input_hash: intent.input_hash.clone(),
        input_bytes: 0,
        input_tokens: None,
        output_tokens: None,
        usage: None,
        finish_reason: None,
        system_fingerprint: None,
        refusal: false,
        tool_names: Vec::new(),
        confidence: None,
        confidence_source: None,
        caller: intent.caller.clone(),
        route: None,
        gateway: intent.gateway.clone(),
        trace_id: None,
        request_id: None,
        latency_ms: None,
        first_byte_ms: None,
        unread: Some("outcome_missing".to_owned()),
        hold_mode: "unknown".to_owned(),
        output_summary_digest: None,
    }
}

fn unix_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
