//! A collector with a spool, and no Postgres: nobody is refused, and nothing acked is missing.

use crate::ledger::Tally;
use crate::load::Load;
use crate::rig::Rig;
use crate::support::client::get;
use crate::support::proxy::Link;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::{Fault, LASTS, POLICY, under_load};
use std::time::Instant;

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "spool-down-postgres",
        title: "Postgres: down, 8 s, spool on, 2 times",
        run: |fault| outages(fault, |_, load| load.last(LASTS)),
    },
    Fault {
        name: "spool-kill-collector",
        title: "collector: kill -9 with a filled spool, Postgres down, 2 times",
        run: |fault| outages(fault, killed),
    },
];

/// Beside the script, and with the time limit that docs/spool.md advises.
const SPOOL: &str = "spool=${0%/*}/spool\nmkdir -p \"$spool\"\n\
                     set -- \"$@\" --spool \"$spool\" --commit-timeout 1s";

/// A round ends when Postgres is there again.
fn outages(fault: &Fault, work: fn(&mut Stack, &Load)) -> Tally {
    let mut rig = Rig::start_with(fault.name, POLICY, SPOOL);
    let proxy = rig.postgres.clone();
    let tally = under_load(fault, &mut rig.stack, &rig.upstream, |stack, load| {
        let round = |_| {
            load.more(100);
            let before = marked(stack);
            proxy.set(Link::Down);
            let first = eventually("a line in the spool", PATIENCE, || {
                Some(gauge(stack, "lines")).filter(|lines| *lines > 0)
            });
            work(stack, load);
            let last = gauge(stack, "lines");
            proxy.set(Link::Up);
            let end = Instant::now();
            load.recovered(end);
            eventually("the spool to be empty", PATIENCE, || {
                (gauge(stack, "lines") == 0 && gauge(stack, "active") == 0).then_some(())
            });
            // The first may stem from a commit that broke half way and arrived all the same.
            let (marked, spooled) = (marked(stack) - before, last - first);
            assert!(
                0 < spooled && spooled <= marked,
                "{spooled} lines, {marked} rows of the spool"
            );
            end
        };
        (0..2).map(round).collect()
    });
    assert_eq!((tally.refused, tally.broken), (0, 0), "{tally}");
    tally
}

/// What was spooled before the kill still is after it: Postgres is down all the while.
fn killed(stack: &mut Stack, load: &Load) {
    load.more(200);
    let before = gauge(stack, "lines");
    stack.kill("collector");
    let after = gauge(stack, "lines");
    assert!(0 < before && before <= after, "{before} lines before the kill, {after} after it");
    load.more(200);
}

/// Rows that say of themselves that they came through the spool.
fn marked(stack: &Stack) -> u64 {
    let tables = ["ai_decision_intents", "ai_decisions", "ai_deliveries"];
    let of = |table: &str| {
        let query = format!("SELECT count(*) AS n FROM {table} WHERE spooled_at IS NOT NULL");
        stack.rows(&query).first().and_then(|row| row["n"].as_u64()).expect("a count")
    };
    tables.into_iter().map(of).sum()
}

/// One of the spool's metrics.
fn gauge(stack: &Stack, name: &str) -> u64 {
    let name = format!("collector_spool_{name} ");
    eventually("the collector's metrics", PATIENCE, || {
        let metrics = get(&stack.address("collector"), "/metrics");
        metrics.lines().find_map(|line| line.strip_prefix(&name)?.parse().ok())
    })
}
