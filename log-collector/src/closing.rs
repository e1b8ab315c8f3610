//! Closes intents without an outcome as `unknown`: the gateway died, and no call stays without an
//! end. Only time in which senders could get through counts: an intent is closed once it was
//! committed `close_after` ago *and* this collector has been ready for that long without a break.
//! So after a start or an outage nothing is closed for the whole of `close_after`, in which every
//! gateway that still holds an outcome has had time to send it. Nor while lines wait in the spool,
//! for an outcome may be among them. One that comes later yet goes to `ai_late_outcomes`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use governance_filter::record::{FORMAT, Intent, Outcome, OutcomeKind, rfc3339};
use tokio::sync::watch;
use tracing::{error, warn};

use crate::clock::unix_ms;
use crate::error::StoreError;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::spool::Spool;
use crate::store::Store;
use crate::store::intents::{Closing, id_from};

/// How often open intents are looked for, at most; with a short `close_after` more often.
const INTERVAL_MAX: Duration = Duration::from_secs(30);

/// A pass looks at ids no older than this before `close_after`; a full one is made at start, after
/// every break of readiness and each day, for ids made by a clock that was further off.
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
    /// Where an outcome may still be.
    pub spool: Option<Arc<Spool>>,
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
        let mut last_full: Option<Instant> = None;
        // What is older was looked at by a pass, so the count of open intents starts here. It stays
        // where it is while no pass can be made.
        let mut passed = self.window();
        while !*self.stop.borrow() {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                _ = self.stop.changed() => continue,
            }
            if let Ok(open) = self.store.open_intent_count(&passed).await {
                self.metrics.intents_open.set(open);
            }
            let Some(ready) = self.readiness.age().filter(|age| *age >= self.close_after) else {
                continue;
            };
            if self.spool.as_ref().is_some_and(|spool| !spool.stats().is_empty()) {
                continue;
            }
            let (began, window) = (Instant::now(), self.window());
            let full = full_is_due(last_full.map(|at| at.elapsed()), ready);
            let from = if full { String::new() } else { window.clone() };
            if self.pass(from).await {
                passed = window;
                last_full = if full { Some(began) } else { last_full };
            }
        }
    }

    /// Closes everything that is due from an id on. False where it did not come to the end, because
    /// the database failed or the service stops; the next pass begins again.
    async fn pass(&self, mut from: String) -> bool {
        while !*self.stop.borrow() {
            let Ok(page) = self.store.due_intents(self.close_after, &from).await else {
                return false;
            };
            let Some(last) = page.last else { return true };
            from = last;
            let now = unix_ms();
            let closings: Vec<_> = page.due.iter().filter_map(|i| closing(i, now)).collect();
            if closings.is_empty() {
                continue;
            }
            let Some(closed) = self.close(&closings).await else { return false };
            for id in &closed {
                self.metrics.closed_unknown.inc();
                warn!(decision.id = %id, "closed decision {id} as unknown: no outcome came");
            }
        }
        false
    }

    /// Closes a page; where the database refuses one of it, each on its own. `None` where it is
    /// away.
    async fn close(&self, closings: &[Closing]) -> Option<Vec<String>> {
        match self.store.close(closings).await {
            Ok(closed) => Some(closed),
            Err(StoreError::Data { code }) if closings.len() == 1 => {
                let id = closings.first().map_or("", |closing| &closing.outcome.decision_id);
                error!(decision.id = %id, sqlstate = code.code(),
                    "the database refuses to close decision {id}: it stays open");
                Some(Vec::new())
            }
            Err(StoreError::Data { .. }) => {
                let mut closed = Vec::new();
                for closing in closings.chunks(1) {
                    closed.extend(Box::pin(self.close(closing)).await?);
                }
                Some(closed)
            }
            Err(_) => None,
        }
    }

    fn window(&self) -> String {
        let back = u64::try_from(self.close_after.as_millis()).unwrap_or(u64::MAX);
        id_from(unix_ms().saturating_sub(back).saturating_sub(WINDOW_MS))
    }
}

/// Passes stop while the collector is not ready, and so may fall behind by more than a window.
/// `last_full` is how long ago the last full one began, `ready` since when there was no break.
fn full_is_due(last_full: Option<Duration>, ready: Duration) -> bool {
    last_full.is_none_or(|ago| ago >= FULL_EVERY || ago > ready)
}

fn closing(intent: &Intent, now_unix_ms: u64) -> Option<Closing> {
    let outcome = unknown(intent, now_unix_ms);
    let record = serde_json::to_vec(&outcome).ok()?;
    Some(Closing { outcome, record })
}

/// The record of a decision of which only the intent is known.
pub fn unknown(intent: &Intent, now_unix_ms: u64) -> Outcome {
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
        media_parts: None,
        attempts: None,
        pinning: None,
        pinning_rule: None,
        output_summary_digest: None,
        input_summary_digest: None,
        review: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_pass_is_due_at_start_after_a_break_and_each_day() {
        let (hour, day) = (Duration::from_secs(3_600), Duration::from_secs(86_400));
        for (case, last_full, ready, due) in [
            ("start", None, 2 * hour, true),
            ("since a full one nothing broke", Some(hour), 2 * hour, false),
            ("broke since", Some(3 * hour), 2 * hour, true),
            ("a day", Some(day), 2 * day, true),
        ] {
            assert_eq!(full_is_due(last_full, ready), due, "{case}");
        }
    }
}
