//! A deterministic simulation.

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
/// What a usual run must have seen.
const EVENTS: [&str; 0] = [
];
const FLAWS: [(Flaw, &[&str]); 8] = [
    (Flaw::AcksBeforeCommit, &[""]),
    (Flaw::ForgetsLateOutcomes, &[""]),
    (Flaw::ClosesEarly, &[""]),
    (Flaw::CloserOverwrites, &[""]),
    (Flaw::SequencesUncommitted, &[""]),
    (Flaw::SequencesByWatermark, &[""]),
    (Flaw::SequencesUnlocked, &[""]),
    (Flaw::PublishesBeforeCommit, &[""]),
];

/// Mistakes that a collector or a sequencer could make. Each must be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    AcksBeforeCommit,
    ForgetsLateOutcomes,
    ClosesEarly,
    CloserOverwrites,
    SequencesUncommitted,
    SequencesByWatermark,
    SequencesUnlocked,
    PublishesBeforeCommit,
}

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
        Ok(tally) if number("SEED").is_none() => {
            let never: Vec<_> = EVENTS.iter().filter(|event| !tally.contains_key(*event)).collect();
            assert!(never.is_empty(), "never happened, so nothing was shown of it: {never:?}");
        }
        Ok(_) => {}
        Err((seed, text)) => panic!(
            "{text}\nagain: SEED={seed} cargo test -p log-collector --test simulation"
        ),
    }
}

#[test]
fn every_flaw_is_found() {
    let setting = Setting::default();
    for (flaw, signs) in FLAWS {
        let found = (1..=FLAW_SEEDS).find_map(|seed| run(seed, Some(flaw), false, &setting).err());
        let (seed, text) = found.unwrap_or_else(|| panic!("{flaw:?} was not found"));
        eprintln!("FLAW {flaw:?}: seed {seed}: {text}");
        assert!(signs.iter().any(|sign| text.contains(sign)), "{flaw:?}, seed {seed}: {text}");
    }
}
