//! Parts that die, at once or when they are asked to.

use crate::ledger::Tally;
use crate::rig::free_address;
use crate::support::stack::Stack;
use crate::support::upstream::Upstream;
use crate::{Fault, POLICY, under_load};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault { name: "kill-collector", title: "collector: kill -9, 20 times", run: collector },
    Fault { name: "kill-postgres", title: "Postgres: kill -9, 20 times", run: postgres },
    Fault { name: "kill-envoy", title: "Envoy: kill -9, 20 times", run: envoy },
    Fault { name: "term-collector", title: "collector: SIGTERM, 5 times", run: term_collector },
    Fault { name: "term-all", title: "the whole: SIGTERM with drain, 2 times", run: term_all },
];

const KILLS: usize = 20;
/// `governance up` starts a part at once that has run for 5 s, and later what ends sooner.
const APART: Duration = Duration::from_millis(5_500);

fn collector(fault: &Fault) -> Tally {
    restarts(fault, "collector", "KILL", KILLS)
}

fn postgres(fault: &Fault) -> Tally {
    restarts(fault, "postgres", "KILL", KILLS)
}

fn envoy(fault: &Fault) -> Tally {
    restarts(fault, "envoy", "KILL", KILLS)
}

fn term_collector(fault: &Fault) -> Tally {
    restarts(fault, "collector", "TERM", 5)
}

/// A round ends with the signal: from there on it is the stack's own time.
fn restarts(fault: &Fault, part: &str, signal: &str, times: usize) -> Tally {
    let upstream = Upstream::start();
    let mut stack = Stack::start(fault.name, POLICY, &upstream.url);
    stack.keep_commit_times();
    under_load(fault, &mut stack, &upstream, |stack, load| {
        let round = |_| {
            load.last(APART);
            let end = Instant::now();
            stack.restart(part, signal);
            load.recovered(end);
            end
        };
        (0..times).map(round).collect()
    })
}

/// A round ends when everything has stopped and is started again.
fn term_all(fault: &Fault) -> Tally {
    let upstream = Upstream::start();
    let listen = free_address().to_string();
    let arguments = ["--listen", listen.as_str()];
    let mut stack = Stack::start_with(fault.name, POLICY, &upstream.url, &arguments);
    stack.keep_commit_times();
    under_load(fault, &mut stack, &upstream, |stack, load| {
        let round = |_| {
            load.more(100);
            let status = stack.stop();
            assert!(status.success(), "{status}\n{}", stack.printed());
            let end = Instant::now();
            stack.start_again();
            load.recovered(end);
            end
        };
        (0..2).map(round).collect()
    })
}
