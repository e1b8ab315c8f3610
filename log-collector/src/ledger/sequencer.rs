//! The loop that gives committed records their place in the tree, has its head signed, and brings
//! signed heads out of the database. Every replica runs it; the lock of the head lets one work at
//! a time, whichever comes first. Nothing here touches recording: a ledger that stands still is
//! seen in its metrics, and decisions are committed as before.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tracing::{error, info, warn};

use super::note::SignerKey;
use super::publisher::Publisher;
use super::tree::Frontier;
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::ledger::{Turn, Turned};

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
        loop {
            let stopping = *self.stop.borrow();
            state = self.turns(state, &mut left).await;
            self.publisher.publish(&self.store).await;
            if stopping {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(PAUSE) => {}
                _ = self.stop.changed() => {}
            }
        }
    }

    /// Takes turns until nothing waits.
    async fn turns(&self, before: State, left: &mut Option<Frontier>) -> State {
        let Some(key) = &self.key else { return before };
        loop {
            let started = Instant::now();
            let turn = Turn {
                key,
                published: self.publisher.newest(),
                left: left.as_ref(),
                interval: self.interval,
            };
            let turned = self.store.take_turn(&turn).await;
            let mut more = false;
            let now = match turned {
                Ok(Turned::Idle | Turned::Elsewhere) => before,
                Ok(Turned::Unregistered) => State::Unregistered,
                Ok(Turned::OtherKey) => State::OtherKey,
                Ok(Turned::Forked { size }) => {
                    self.say_forked(before, size);
                    State::Forked
                }
                Ok(Turned::Sequenced { tree, more: waiting }) => {
                    self.metrics.sequencing_seconds.observe(started.elapsed().as_secs_f64());
                    *left = Some(tree);
                    more = waiting;
                    State::Working
                }
                Err(failure) => {
                    if before != State::Failing {
                        warn!("the ledger is not sequenced until it works again: {failure}");
                    }
                    *left = None;
                    State::Failing
                }
            };
            self.show(before, now, key);
            if !more || *self.stop.borrow() {
                return now;
            }
        }
    }

    fn show(&self, before: State, now: State, key: &SignerKey) {
        self.metrics.ledger_key_mismatch.set(i64::from(now == State::OtherKey));
        self.metrics.ledger_forked.set(i64::from(now == State::Forked));
        if before == now {
            return;
        }
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
                key.verifier().name()
            ),
            State::Forked | State::Failing => {}
        }
    }

    fn say_forked(&self, before: State, size: u64) {
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
    }
}
