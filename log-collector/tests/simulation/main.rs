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
use std::rc::Rc;
use std::sync::Arc;

use governance_filter::policy::Policy;
use log_collector::metrics::Metrics;

use journal::{Journal, Tally};
use script::POLICIES;
use world::World;

/// Seeds of a usual run.
const SEEDS: u64 = 4_000;

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

/// Runs seeds until one fails; tells which, and what it said.
fn run(seeds: impl Iterator<Item = u64>, flaw: Option<Flaw>, tells: bool) -> Result<Tally, (u64, String)> {
    let policies = POLICIES.map(|text| Rc::new(Policy::parse(text).expect("a policy")));
    let metrics = Arc::new(Metrics::default());
    let mut tally = Tally::new();
    for seed in seeds {
        let mut world = World::new(seed, flaw, &policies, &metrics, Journal::new(tells));
        let ended = catch_unwind(AssertUnwindSafe(|| {
            world.storm();
            world.settle();
        }));
        if let Err(panic) = ended {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            return Err((seed, text.unwrap_or_default()));
        }
        for (event, times) in world.journal.tally() {
            *tally.entry(event).or_default() += times;
        }
    }
    Ok(tally)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}: expected a number, found `{text}`")))
}

#[test]
fn no_schedule_breaks_a_promise() {
    let one = number("SEED");
    let seeds = match one {
        Some(seed) => seed..seed + 1,
        None => 1..number("SEEDS").unwrap_or(SEEDS) + 1,
    };
    let start = std::time::Instant::now();
    let result = run(seeds, None, one.is_some());
    eprintln!("{:?}", start.elapsed());
    match result {
        Ok(tally) => eprintln!("{tally:#?}"),
        Err((seed, text)) => panic!(
            "{text}\nagain: SEED={seed} cargo test -p log-collector --test simulation"
        ),
    }
}
