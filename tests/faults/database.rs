//! A Postgres that is there and does not get on, and one that is not there.

use crate::ledger::Tally;
use crate::links::broken;
use crate::load::Load;
use crate::support::processes::descendants;
use crate::support::proxy::Link;
use crate::support::stack::{Stack, signal};
use crate::support::upstream::Upstream;
use crate::{Fault, LASTS, POLICY, under_load};
use std::time::Instant;

pub const FAULTS: &[Fault] = &[
    Fault { name: "down-postgres", title: "Postgres: down, 8 s, 2 times", run: down },
    Fault {
        name: "slow-postgres",
        title: "Postgres: 3 s for each insert, 8 s, 2 times",
        run: slow,
    },
    Fault { name: "locked-postgres", title: "Postgres: table locked, 8 s, 2 times", run: locked },
    Fault { name: "stop-postgres", title: "Postgres: SIGSTOP, 8 s, 2 times", run: stopped },
    Fault { name: "stop-collector", title: "collector: SIGSTOP, 8 s, 2 times", run: collector },
];

/// What makes each insert slow.
const SLOW: &str = "
    CREATE OR REPLACE FUNCTION public.be_slow() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN PERFORM pg_sleep(3); RETURN NULL; END $$;
    CREATE TRIGGER be_slow BEFORE INSERT ON public.ai_decision_intents
        FOR EACH STATEMENT EXECUTE FUNCTION public.be_slow()";

/// A server that takes no connection; `governance up` would start one that has ended.
fn down(fault: &Fault) -> Tally {
    broken(fault, Link::Down, |rig| &rig.postgres)
}

fn slow(fault: &Fault) -> Tally {
    rounds(fault, |stack, load| {
        stack.database().batch_execute(SLOW).expect("the trigger is made");
        load.last(LASTS);
        let gone = "DROP TRIGGER be_slow ON public.ai_decision_intents";
        stack.database().batch_execute(gone).expect("the trigger is dropped");
    })
}

fn locked(fault: &Fault) -> Tally {
    rounds(fault, |stack, load| {
        let _lock = stack.lock("public.ai_decisions");
        load.last(LASTS);
    })
}

fn stopped(fault: &Fault) -> Tally {
    rounds(fault, |stack, load| {
        let server = stack.pid("postgres");
        // The server first, so that it starts nobody who is not stopped.
        signal(server, "STOP");
        let sessions = descendants(server);
        sessions.iter().for_each(|one| signal(*one, "STOP"));
        load.last(LASTS);
        sessions.iter().chain([&server]).for_each(|one| signal(*one, "CONT"));
    })
}

fn collector(fault: &Fault) -> Tally {
    rounds(fault, |stack, load| {
        let collector = stack.pid("collector");
        signal(collector, "STOP");
        load.last(LASTS);
        signal(collector, "CONT");
    })
}

/// Two rounds, each of which ends when its work is done.
fn rounds(fault: &Fault, work: fn(&mut Stack, &Load)) -> Tally {
    let upstream = Upstream::start();
    let mut stack = Stack::start(fault.name, POLICY, &upstream.url);
    stack.keep_commit_times();
    under_load(fault, &mut stack, &upstream, |stack, load| {
        let round = |_| {
            load.more(100);
            work(stack, load);
            let end = Instant::now();
            load.recovered(end);
            end
        };
        (0..2).map(round).collect()
    })
}
