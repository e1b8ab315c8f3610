//! What the promise is worth when things die: real processes killed, stopped and reconfigured in
//! the middle of a load, and what clients got held against what is in Postgres.
//!
//! Needs `make build` and `make tools`; `cargo test --test envoy_faults -- --nocapture` prints the
//! table. `make chaos` is the long version.

#![cfg(not(target_family = "wasm"))]
// Tests fail by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

#[allow(dead_code)] // Shared with other suites.
mod support {
    pub mod client;
    pub mod processes;
    pub mod proxy;
    pub mod stack;
    pub mod upstream;
}
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/load.rs"]
mod load;
#[allow(dead_code)] // Shared with `chaos.rs`.
#[path = "faults/rig.rs"]
mod rig;

use ledger::{HEAD, tally};
use load::{Load, Sent, held};
use rig::Rig;
use serde_json::Value;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};
use support::processes::{descendants, gone};
use support::proxy::{Link, Proxy};
use support::stack::{PATIENCE, Stack, eventually, signal};
use support::upstream::{ANSWER, Upstream};

/// The policies that this project began with: no pins, no log probabilities, so that a body
/// reaches the provider byte for byte and can be joined by its hash.
const POLICY: &str = r#"policies:
- name: high_risk_review
  trigger: "category in ['healthcare', 'financial', 'pii']"
  action: route_to_human_review
- name: confidence_gate
  trigger: "confidence < 0.75"
  action: flag_for_review
- name: approved_models
  allowed: ["gpt-4o-2025-12-17", "claude-sonnet-4-6"]
"#;
const ALLOW: &str = "record:\n  on_failure: allow\n";
const CLIENTS: usize = 8;

static MACHINE: RwLock<()> = RwLock::new(());

/// A test with a load has the machine to itself: bounds of two seconds are real here.
fn alone() -> RwLockWriteGuard<'static, ()> {
    MACHINE.write().unwrap_or_else(PoisonError::into_inner)
}

/// A test that mostly waits shares the machine with its like.
fn beside_others() -> RwLockReadGuard<'static, ()> {
    MACHINE.read().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn delivered_is_committed_and_no_provider_call_lacks_an_intent_whatever_is_killed() {
    const KILLS: usize = 3;
    let _alone = alone();
    let upstream = Upstream::start();
    let mut stack = Stack::start("kills", POLICY, &upstream.url);
    stack.keep_commit_times();
    let mut tallies = Vec::new();
    println!("{HEAD}");
    for part in ["collector", "postgres", "envoy"] {
        let load = Load::start(part, &stack.gateway(), CLIENTS);
        for _ in 0..KILLS {
            load.more(100);
            stack.kill(part);
        }
        load.more(100);
        let fault = format!("kill -9 {part} x{KILLS}");
        let tally = tally(&fault, &load.end(), &[], &stack, &upstream);
        println!("{tally}");
        tallies.push((part, tally));
    }
    for (part, tally) in tallies {
        assert!(tally.delivered >= 100, "{part}: {tally}");
        assert_eq!(tally.violations(), 0, "{part}: {tally}");
        // Only a gateway that dies leaves intents open, at most one a client and kill.
        let open_max = if part == "envoy" { KILLS * CLIENTS } else { 0 };
        assert!(tally.open <= open_max, "{part}: {tally}");
    }
}

#[test]
fn delivered_is_committed_whatever_happens_on_the_way_to_the_row() {
    const SHORT: Duration = Duration::from_millis(1_000);
    /// Longer than a hold lasts.
    const LONG: Duration = Duration::from_millis(2_500);
    let _alone = alone();
    let mut rig = Rig::start("links", POLICY);
    let load = Load::start("links", &rig.stack.gateway(), CLIENTS);
    let mut ends = Vec::new();
    let mut over = || {
        let end = Instant::now();
        load.recovered(end);
        load.more(20);
        ends.push(end);
    };
    let broken = |proxy: &Proxy, link: Link, lasts: Duration| {
        load.more(20);
        proxy.set(link);
        load.last(lasts);
        proxy.set(Link::Up);
    };
    let resets = rig.collector.resets();
    broken(&rig.collector, Link::ResetRequest, SHORT);
    assert!(rig.collector.resets() > resets, "no request was read and reset");
    over();
    broken(&rig.collector, Link::Partition, LONG);
    over();
    let resets = rig.postgres.resets();
    broken(&rig.postgres, Link::ResetAnswer, SHORT);
    assert!(rig.postgres.resets() > resets, "no answer of Postgres was lost");
    over();
    let lock = rig.stack.lock("public.ai_decisions");
    load.last(LONG);
    drop(lock);
    over();
    rig.stack.restart("collector", "TERM");
    over();
    // A session that dies takes the server with it, and `up` starts that again.
    let server = rig.stack.pid("postgres");
    signal(descendants(server)[0], "KILL");
    eventually("another server", PATIENCE, || (rig.stack.pid("postgres") != server).then_some(()));
    over();
    let faults = "links reset and cut, table locked, collector stopped, session killed";
    let tally = tally(faults, &load.end(), &ends, &rig.stack, &rig.upstream);
    println!("{HEAD}\n{tally}");
    assert_eq!((tally.violations(), tally.open, tally.broken), (0, 0, 0), "{tally}");
    // Holds that could not be kept were refused: the faults were felt.
    assert!(tally.delivered >= 100 && tally.refused > 0, "{tally}");
}

#[test]
fn intent_whose_gateway_died_is_closed_as_unknown() {
    let _shared = beside_others();
    let upstream = Upstream::start();
    let close_soon = [("CLOSE_AFTER", "2s")];
    let mut stack = Stack::start_in("orphan", POLICY, &upstream.url, &[], &close_soon);
    let call = held(&stack, &upstream, "orphan", false);
    stack.kill("envoy");
    let call = call.join().expect("the client ends");
    assert!(!call.whole(), "{:?}", call.reply);
    let row = row_of(&stack, &call, "unknown");
    assert_eq!(row["unread"], "outcome_missing");
    assert_eq!(row["status"], Value::Null);
    assert!(ledger::open_intents(&stack, &[call]).is_empty());
}

#[test]
fn sigterm_lets_calls_in_flight_end_and_leaves_no_process() {
    let _alone = alone();
    let upstream = Upstream::start();
    let mut stack = Stack::start("sigterm", POLICY, &upstream.url);
    let load = Load::start("sigterm", &stack.gateway(), 4);
    let calls = ["a", "b", "c", "d"].map(|id| held(&stack, &upstream, id, id > "b"));
    load.more(50);
    let processes = descendants(stack.up_pid());
    assert!(processes.len() > 3, "{processes:?}");

    signal(stack.up_pid(), "TERM");
    eventually("the stop to be under way", PATIENCE, || {
        stack.printed().contains("stopping: letting running requests end").then_some(())
    });
    for id in ["a", "b", "c", "d"] {
        upstream.let_go(id);
    }
    for call in calls {
        let call = call.join().expect("the client ends");
        assert!(call.delivered(), "{}: {:?}", call.id, call.reply);
    }
    let status = stack.wait();
    assert!(status.success(), "{status}\n{}", stack.printed());
    let load = load.end();
    let paid = |one: &&Sent| !upstream.calls_of(&one.id).is_empty();
    for one in load.iter().filter(paid) {
        assert!(one.delivered(), "{}: the provider answered in vain: {:?}", one.id, one.reply);
    }
    gone(&processes);
}

#[test]
fn kill_of_governance_up_leaves_no_process() {
    let _alone = alone();
    let upstream = Upstream::start();
    let mut stack = Stack::start("sigkill", POLICY, &upstream.url);
    let load = Load::start("sigkill", &stack.gateway(), 4);
    load.more(50);
    let processes = descendants(stack.up_pid());
    assert!(processes.len() > 3, "{processes:?}");
    signal(stack.up_pid(), "KILL");
    assert!(!stack.wait().success());
    gone(&processes);
    load.end();
}

#[test]
fn silent_collector_under_deny_withholds_and_says_whether_to_retry() {
    let _shared = beside_others();
    let upstream = Upstream::start();
    let mut stack = Stack::start("deny", POLICY, &upstream.url);
    let plain = held(&stack, &upstream, "plain", false);
    let stream = held(&stack, &upstream, "stream", true);
    let collector = stack.pid("collector");
    signal(collector, "STOP");
    upstream.let_go("plain");
    upstream.let_go("stream");
    let late = Sent::call(&stack.gateway(), "late", false, &[]);
    let (plain, stream) = (plain.join().expect("ends"), stream.join().expect("ends"));
    signal(collector, "CONT");

    // Never at the provider: try again.
    assert_eq!((late.reply.status, late.reply.header("retry-after")), (503, Some("1")));
    assert_eq!(late.reply.header("x-should-retry"), None);
    assert!(upstream.calls_of("late").is_empty());
    // Answered and paid for: do not.
    assert_eq!((plain.reply.status, plain.reply.header("x-should-retry")), (503, Some("false")));
    assert_eq!(plain.reply.header("retry-after"), None);
    assert!(!plain.reply.text().contains(ANSWER), "{:?}", plain.reply);
    // Everything but the end passed; the error stands in the end's place.
    assert!(stream.reply.complete && !stream.delivered(), "{:?}", stream.reply);
    let text = stream.reply.text();
    let last = text.lines().rev().find_map(|line| line.strip_prefix("data: ")).expect("an event");
    let error: Value = serde_json::from_str(last).expect("JSON");
    assert_eq!(error["error"]["decision_id"], stream.reply.decision_id(), "{error}");

    row_of(&stack, &late, "uncommitted_refused");
    for call in [&plain, &stream] {
        row_of(&stack, call, "completed");
        delivery(&stack, call, "withheld");
    }
    assert_eq!(stack.counter("answers_withheld_total"), 2);
    assert_eq!(stack.counter("intents_uncommitted_total"), 1);
}

#[test]
fn silent_collector_under_allow_releases_counts_and_records_later() {
    let _shared = beside_others();
    let upstream = Upstream::start();
    let policy = format!("{POLICY}{ALLOW}");
    let mut stack = Stack::start("allow", &policy, &upstream.url);
    let held = held(&stack, &upstream, "held", false);
    let collector = stack.pid("collector");
    signal(collector, "STOP");
    upstream.let_go("held");
    let gateway = stack.gateway();
    let whole = std::thread::spawn(move || Sent::call(&gateway, "whole", true, &[]));
    let (held, whole) = (held.join().expect("ends"), whole.join().expect("ends"));
    signal(collector, "CONT");
    for call in [&held, &whole] {
        assert!(call.delivered(), "{}: {:?}", call.id, call.reply);
        row_of(&stack, call, "completed");
        delivery(&stack, call, "released_uncommitted");
    }
    // One outcome of the first call; intent and outcome of the second.
    assert_eq!(stack.counter("released_uncommitted_total"), 3);
    assert!(ledger::open_intents(&stack, &[held, whole]).is_empty());
}

/// The row of a call, once it is there.
fn row_of(stack: &Stack, call: &Sent, outcome: &str) -> Value {
    let hash = &call.input_hash;
    let query = format!("SELECT * FROM ai_decisions WHERE input_hash = '{hash}'");
    let row = eventually(&format!("the row of {}", call.id), PATIENCE, || stack.rows(&query).pop());
    assert_eq!(row["outcome"], outcome, "{}: {row}", call.id);
    row
}

fn delivery(stack: &Stack, call: &Sent, expected: &str) {
    let id = call.reply.decision_id();
    let query = format!("SELECT delivery FROM ai_deliveries WHERE decision_id = '{id}'");
    let row = eventually(&format!("the delivery of {id}"), PATIENCE, || stack.rows(&query).pop());
    assert_eq!(row["delivery"], expected, "{}", call.id);
}
