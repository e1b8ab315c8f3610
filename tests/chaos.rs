//! Every fault under load, through the real Envoy: what clients received and what the provider saw,
//! held against what is in Postgres. Prints the table of docs/faults.md and ends non-zero where a
//! zero is not zero. Run by `make chaos`, or `make chaos FAULT=partition` for some of it.

#![cfg(not(target_family = "wasm"))]
// A fault that shows something fails by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

#[allow(dead_code)] // Shared with other suites.
mod support {
    pub mod client;
    pub mod processes;
    pub mod proxy;
    pub mod stack;
    pub mod upstream;
}
#[path = "faults/clock.rs"]
mod clock;
#[path = "faults/database.rs"]
mod database;
#[path = "faults/disk.rs"]
mod disk;
#[path = "faults/kills.rs"]
mod kills;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/links.rs"]
mod links;
#[allow(dead_code)] // Shared with `envoy_faults.rs`.
#[path = "faults/load.rs"]
mod load;
#[allow(dead_code)] // Shared with `envoy_faults.rs`.
#[path = "faults/rig.rs"]
mod rig;
#[path = "faults/rollout.rs"]
mod rollout;
#[path = "faults/spool.rs"]
mod spool;
#[path = "faults/verdict.rs"]
mod verdict;

use ledger::{HEAD, Tally, tally};
use load::Load;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use support::stack::Stack;
use support::upstream::Upstream;

/// No pins and no log probabilities, so that a body reaches the provider byte for byte.
const POLICY: &str = "policies:
- name: approved_models
  allowed: [gpt-4o-2025-12-17]
";
const CLIENTS: usize = 8;
/// How long a fault lasts: longer than a commit may take, in the filter (2 s) and in the collector
/// (5 s).
const LASTS: Duration = Duration::from_secs(8);

/// One row of the table.
struct Fault {
    /// What `FAULT=` is looked for in.
    name: &'static str,
    title: &'static str,
    run: fn(&Fault) -> Tally,
}

fn main() -> ExitCode {
    let wanted = std::env::args().nth(1).unwrap_or_default();
    let groups = [kills::FAULTS, links::FAULTS, database::FAULTS, disk::FAULTS];
    let groups = groups.into_iter().chain([clock::FAULTS, rollout::FAULTS, spool::FAULTS]);
    let faults: Vec<&Fault> = groups.flatten().collect();
    let chosen: Vec<&&Fault> = faults.iter().filter(|one| one.name.contains(&wanted)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = faults.iter().map(|one| one.name).collect();
        eprintln!("no fault is named `{wanted}`; there are: {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let (mut rows, mut failed) = (Vec::new(), 0);
    for (index, fault) in chosen.iter().enumerate() {
        eprintln!("==> chaos: {} ({} of {})", fault.title, index + 1, chosen.len());
        let started = Instant::now();
        let row = match catch_unwind(AssertUnwindSafe(|| (fault.run)(fault))) {
            Ok(tally) => {
                failed += usize::from(tally.violations() > 0);
                tally.to_string()
            }
            Err(cause) => {
                failed += 1;
                let text = cause.downcast_ref::<String>().map(String::as_str);
                let text = text.or_else(|| cause.downcast_ref::<&str>().copied());
                let line = text.unwrap_or("").lines().next().unwrap_or("").to_owned();
                format!("| {} | FAILED: {line} |", fault.title)
            }
        };
        eprintln!("    {row}  ({:.0} s)", started.elapsed().as_secs_f64());
        rows.push(row);
    }
    println!("{HEAD}");
    rows.iter().for_each(|row| println!("{row}"));
    if failed > 0 {
        eprintln!("{failed} of {} faults failed", rows.len());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// Clients at work before, during and after a fault, which answers when each of its rounds ended;
/// then the books.
fn under_load(
    fault: &Fault,
    stack: &mut Stack,
    upstream: &Upstream,
    work: impl FnOnce(&mut Stack, &Load) -> Vec<Instant>,
) -> Tally {
    let load = Load::start(fault.name, &stack.gateway(), CLIENTS);
    load.more(100);
    let ends = work(stack, &load);
    load.more(100);
    let tally = tally(fault.title, &load.end(), &ends, stack, upstream);
    verdict::verdict(stack);
    tally
}
