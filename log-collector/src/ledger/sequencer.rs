//! The loop that gives committed records their place in the tree, has its head signed, and brings
//! signed heads out of the database. Every replica runs it; the lock of the head lets one work at
//! a time, whichever comes first. Nothing here touches recording: a ledger that stands still is
//! seen in its metrics, and decisions are committed as before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::note::SignerKey;
use super::publisher::{Publication, Publisher};
use super::tree::Frontier;
use crate::error::StoreError;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::ledger::{RUNS_MAX, Turn, Turned};

/// Between two looks: long enough to gather, short beside the interval of checkpoints.
const PAUSE: Duration = Duration::from_millis(200);

/// Gives records their place until told to stop.
pub struct Sequencer {
    /// Where they are.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Signs checkpoints; a replica without it only publishes what others signed.
    pub key: Option<SignerKey>,
    /// The shortest time between two checkpoints.
    pub interval: Duration,
    /// Where checkpoints go.
    pub publisher: Publisher,
    /// Turns true when the service stops.
    pub stop: watch::Receiver<bool>,
}

/// Why nothing is sequenced here; a change is logged, repeats are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Working,
    Unregistered,
    OtherKey,
    Forked,
    Failing,
}

// === impl Sequencer ===

impl Sequencer {
    /// Runs until told to stop, then takes a last turn, so that what was committed is sequenced.
    pub async fn run(mut self) {
        if self.key.is_none() {
            info!("no LEDGER_KEY_FILE: this replica records and leaves checkpoints to others");
        }
        let (mut state, mut left) = (State::Working, None);
        let mut runs_max = RUNS_MAX;
        loop {
            let stopping = *self.stop.borrow();
            // What is out comes first: nothing may be signed that contradicts it.
            let now = match self.publisher.publish(&self.store).await {
                Ok(Publication::Forked { size }) => self.forked(state, size),
                Ok(Publication::Current | Publication::Stuck) => {
                    self.turns(state, &mut left, &mut runs_max).await
                }
                Err(failure) => self.failing(state, &failure),
            };
            self.show(state, now);
            state = now;
            if state != State::Working {
                // Whatever stopped it, the tree is looked at closely before it goes on.
                left = None;
            }
            if stopping {
                let _ = self.publisher.publish(&self.store).await;
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    /// Takes turns until nothing waits. One that a slow database did not end in time is tried again
    /// with half as much to do, so that it ends some day.
    async fn turns(
        &self,
        before: State,
        left: &mut Option<Frontier>,
        runs_max: &mut usize,
    ) -> State {
        let Some(key) = &self.key else { return State::Working };
        loop {
            let started = Instant::now();
            let turn = Turn {
                key,
                published: self.publisher.newest(),
                left: left.as_ref(),
                interval: self.interval,
                runs_max: *runs_max,
            };
            match self.store.take_turn(&turn).await {
                Ok(Turned::Sequenced { tree, more }) => {
                    self.metrics.sequencing_seconds.observe(started.elapsed().as_secs_f64());
                    *left = Some(tree);
                    *runs_max = RUNS_MAX.min(*runs_max * 2);
                    if !more || *self.stop.borrow() {
                        return State::Working;
                    }
                }
                Ok(Turned::Idle) => return State::Working,
                Ok(Turned::Elsewhere) => return before,
                Ok(Turned::Unregistered) => return State::Unregistered,
                Ok(Turned::OtherKey) => return State::OtherKey,
                Ok(Turned::Forked { size }) => return self.forked(before, size),
                Err(failure) => {
                    *runs_max = (*runs_max / 2).max(1);
                    return self.failing(before, &failure);
                }
            }
        }
    }

    fn show(&self, before: State, now: State) {
        self.metrics.ledger_key_mismatch.set(i64::from(now == State::OtherKey));
        self.metrics.ledger_forked.set(i64::from(now == State::Forked));
        let Some(key) = self.key.as_ref().filter(|_| before != now) else { return };
        match now {
            State::Working => info!("the ledger is sequenced again"),
            State::Unregistered => warn!(
                "no key is registered, so nothing is sequenced; as the database's owner run: \
                 log-collector migrate --ledger-public-key '{}'",
                key.verifier()
            ),
            State::OtherKey => error!(
                "another ledger key is registered than the one of LEDGER_KEY_FILE, `{}`: this \
                 replica does not sequence",
                key.verifier()
            ),
            State::Forked | State::Failing => {}
        }
    }

    fn forked(&self, before: State, size: u64) -> State {
        if before != State::Forked {
            let published = self.publisher.newest().map_or(0, |newest| newest.size);
            error!(
                tree.size = size,
                published.size = published,
                "the tree of {size} leaves does not begin with the published checkpoint of \
                 {published}: records were removed or changed, or a backup was restored; nothing \
                 is signed until someone has looked (docs/ledger.md)"
            );
        }
        State::Forked
    }

    fn failing(&self, before: State, failure: &StoreError) -> State {
        if before != State::Failing {
            warn!("the ledger stands still until it works again: {failure}");
        }
        State::Failing
    }
}
