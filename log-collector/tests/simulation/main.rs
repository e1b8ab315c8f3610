//! Whole worlds, one a seed: gateways with their exchanges and outboxes, a network, collectors, a
//! database, sequencers, and a storm that picks what happens next. Nothing in a world has a clock,
//! a thread or a random number of its own, so a seed is a schedule, and one that fails fails again:
//!
//! ```text
//! SEED=123 cargo test -p log-collector --test simulation       # tells every event
//! SEEDS=100000 cargo test -p log-collector --test simulation   # a longer run
//! ```
//!
//! The product's own: `Exchange`, `Outbox`, `parse_batch`, `Queue`, `rounds`, `unknown`, and the
//! ledger's tree. Models: Envoy around a stream (`stream`), the root (`gateway`), the network
//! (`network`), the collector's process (`collector`), Postgres as committed rows (`database`),
//! replicas of a sequencer (`sequencer`). `weather` is how much goes wrong in a seed, `disaster`
//! what dies. Promises are asserted where they could be broken: at a byte that leaves (`stream`),
//! an ack that is believed (`gateway`), an index that is given (`database`), a checkpoint that
//! leaves (`sequencer`), a decision that is closed (`world`), and once all has drained (`audit`).
//!
//! Not simulated: SQL and its locks, but for the head's; HTTP; the host calls of a root; alerts; the
//! closer's window (every pass here is a full one); a collector that lies about the very bytes. Rows
//! that a restored backup lacks are exempt, and so are checkpoints published of them.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

mod audit;
mod collector;
mod database;
mod disaster;
mod gateway;
mod journal;
mod network;
mod random;
mod script;
mod sequencer;
mod stream;
mod weather;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use journal::{Journal, Tally};
use world::{Setting, World};

/// Seeds of a usual run.
const SEEDS: u64 = 2_000;
/// Seeds within which a flaw is found.
const FLAW_SEEDS: u64 = 500;
/// Mistakes that a collector or a sequencer could make. Each must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// A collector acks what it has only taken in.
    AcksBeforeCommit,
    /// It acks a late outcome and keeps none.
    ForgetsLateOutcomes,
    /// It closes intents without having been ready for long enough.
    ClosesEarly,
    /// It closes a decision whose outcome came meanwhile.
    CloserOverwrites,
    /// A sequencer reads what is not committed.
    SequencesUncommitted,
    /// It goes by the highest pending id it saw.
    SequencesByWatermark,
    /// It does not wait for the head's lock.
    SequencesUnlocked,
    /// It publishes a checkpoint before the commit of its leaves.
    PublishesBeforeCommit,
}

/// By what each is found.
const FLAWS: [(Flaw, &[&str]); 8] = [
    (Flaw::AcksBeforeCommit, &["an ack was believed of what is not committed"]),
    (Flaw::ForgetsLateOutcomes, &["lost without a reason", "an ack was believed"]),
    (Flaw::ClosesEarly, &["closed while its"]),
    (Flaw::CloserOverwrites, &["an index before its record", "two leaves", "an ack was believed"]),
    (Flaw::SequencesUncommitted, &["an index before its record"]),
    (Flaw::SequencesByWatermark, &["records that never get an index"]),
    (Flaw::SequencesUnlocked, &["two leaves"]),
    (Flaw::PublishesBeforeCommit, &["is no beginning of"]),
];

/// What a usual run must have seen, or it shows nothing of it.
const EVENTS: [&str; 35] = [
    "Envoy refuses by itself",
    "acks doubled",
    "acks shuffled",
    "answer cut",
    "answer lost",
    "answer of another call",
    "answer of wrong digests",
    "answer released",
    "answer replaced",
    "answers_withheld_total",
    "backup restored",
    "call cut",
    "call doubled",
    "call lost",
    "call misrouted",
    "client left",
    "closed unknown",
    "collector died",
    "commit fails",
    "commit stalls",
    "commit unheard",
    "foreign key missing",
    "gateway died",
    "head is locked",
    "hold expired",
    "horizon",
    "host call failed",
    "intents_uncommitted_total",
    "late outcome",
    "line duplicate",
    "policy unknown",
    "provider died",
    "refused alone",
    "released_uncommitted_total",
    "wall clock leaps",
];

/// A seed that failed, and what it said.
type Failure = (u64, String);

/// Runs one seed to its end.
fn run(seed: u64, flaw: Option<Flaw>, tells: bool, setting: &Setting) -> Result<Tally, Failure> {
    let ended = catch_unwind(AssertUnwindSafe(|| {
        let mut world = World::new(seed, flaw, setting, Journal::new(tells));
        world.storm();
        world.settle();
        world.journal.tally()
    }));
    ended.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        (seed, text.unwrap_or_default())
    })
}

/// Runs seeds on every core; stops at the first that fails.
fn run_all(last: u64) -> Result<Tally, Failure> {
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get() as u64);
    let work = |first: u64| -> Result<Tally, Failure> {
        let setting = Setting::default();
        let mut tally = Tally::new();
        for seed in (first..=last).step_by(threads as usize) {
            for (event, times) in run(seed, None, false, &setting)? {
                *tally.entry(event).or_default() += times;
            }
        }
        Ok(tally)
    };
    thread::scope(|scope| {
        let runs: Vec<_> = (1..=threads).map(|first| scope.spawn(move || work(first))).collect();
        let mut all = Tally::new();
        let mut failure: Option<Failure> = None;
        for run in runs {
            match run.join().expect("a thread's end") {
                Ok(tally) => tally.into_iter().for_each(|(event, times)| {
                    *all.entry(event).or_default() += times;
                }),
                Err(found) => failure = Some(failure.map_or(found.clone(), |old| old.min(found))),
            }
        }
        failure.map_or(Ok(all), Err)
    })
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, found `{text}`")))
}

#[test]
fn no_schedule_breaks_a_promise() {
    let result = match number("SEED") {
        Some(seed) => run(seed, None, true, &Setting::default()),
        None => run_all(number("SEEDS").unwrap_or(SEEDS)),
    };
    match result {
        Ok(tally) if number("SEED").is_none() && number("SEEDS").is_none_or(|n| n >= SEEDS) => {
            let never: Vec<_> = EVENTS.iter().filter(|event| !tally.contains_key(*event)).collect();
            assert!(never.is_empty(), "never happened, so nothing was shown of it: {never:?}");
        }
        Ok(_) => {}
        Err((seed, text)) => {
            panic!("{text}\nagain: SEED={seed} cargo test -p log-collector --test simulation")
        }
    }
}

#[test]
fn every_flaw_is_found() {
    let setting = Setting::default();
    for (flaw, signs) in FLAWS {
        let found = (1..=FLAW_SEEDS).find_map(|seed| run(seed, Some(flaw), false, &setting).err());
        let (seed, text) = found.unwrap_or_else(|| panic!("{flaw:?} was not found"));
        assert!(signs.iter().any(|sign| text.contains(sign)), "{flaw:?}, seed {seed}: {text}");
    }
}
