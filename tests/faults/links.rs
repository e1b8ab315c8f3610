//! The two links of a decision: Envoy to the collector, the collector to Postgres.

use crate::ledger::Tally;
use crate::rig::Rig;
use crate::support::proxy::Link::{Delay, Partition, ResetAnswer, ResetRequest, Slow};
use crate::support::proxy::{Link, Proxy};
use crate::{Fault, LASTS, POLICY, under_load};
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "partition-collector",
        title: "Envoy to collector: partition, 8 s, 2 times",
        run: |fault| envoy_link(fault, Partition),
    },
    Fault {
        name: "reset-request-collector",
        title: "Envoy to collector: RST once a request was read, 8 s, 2 times",
        run: |fault| envoy_link(fault, ResetRequest),
    },
    Fault {
        name: "reset-ack-collector",
        title: "Envoy to collector: RST in place of an ack, 8 s, 2 times",
        run: |fault| envoy_link(fault, ResetAnswer),
    },
    Fault {
        name: "slow-collector",
        title: "Envoy to collector: 1 byte/s, 8 s, 2 times",
        run: |fault| envoy_link(fault, Slow),
    },
    Fault {
        name: "delay-collector",
        title: "Envoy to collector: 5 s late each way, 8 s, 2 times",
        run: |fault| envoy_link(fault, Delay(LATE)),
    },
    Fault {
        name: "half-open-collector",
        title: "Envoy to collector: connections half-open, 2 times",
        run: |fault| forgotten(fault, |rig| &rig.collector),
    },
    Fault {
        name: "partition-postgres",
        title: "collector to Postgres: partition, 8 s, 2 times",
        run: |fault| postgres_link(fault, Partition),
    },
    Fault {
        name: "reset-request-postgres",
        title: "collector to Postgres: RST once a request was read, 8 s, 2 times",
        run: |fault| postgres_link(fault, ResetRequest),
    },
    Fault {
        name: "reset-ack-postgres",
        title: "collector to Postgres: RST in place of an answer, 8 s, 2 times",
        run: |fault| postgres_link(fault, ResetAnswer),
    },
    Fault {
        name: "slow-postgres-link",
        title: "collector to Postgres: 1 byte/s, 8 s, 2 times",
        run: |fault| postgres_link(fault, Slow),
    },
    Fault {
        name: "delay-postgres",
        title: "collector to Postgres: 5 s late each way, 8 s, 2 times",
        run: |fault| postgres_link(fault, Delay(LATE)),
    },
    Fault {
        name: "half-open-postgres",
        title: "collector to Postgres: connections half-open, 2 times",
        run: |fault| forgotten(fault, |rig| &rig.postgres),
    },
];

const LATE: Duration = Duration::from_secs(5);
const ROUNDS: usize = 2;

fn envoy_link(fault: &Fault, link: Link) -> Tally {
    broken(fault, link, |rig| &rig.collector)
}

fn postgres_link(fault: &Fault, link: Link) -> Tally {
    broken(fault, link, |rig| &rig.postgres)
}

/// A round ends when the link is up again.
pub fn broken(fault: &Fault, link: Link, which: fn(&Rig) -> &Proxy) -> Tally {
    let mut rig = Rig::start(fault.name, POLICY);
    let proxy = which(&rig).clone();
    under_load(fault, &mut rig.stack, &rig.upstream, |_, load| {
        let round = |_| {
            load.more(100);
            let resets = proxy.resets();
            proxy.set(link);
            load.last(LASTS);
            proxy.set(Link::Up);
            let end = Instant::now();
            let reset = proxy.resets() > resets;
            assert_eq!(reset, matches!(link, ResetRequest | ResetAnswer | Link::Down), "{link:?}");
            load.recovered(end);
            end
        };
        (0..ROUNDS).map(round).collect()
    })
}

/// A round ends as it begins: new connections work at once, and the old ones never again.
fn forgotten(fault: &Fault, which: fn(&Rig) -> &Proxy) -> Tally {
    let mut rig = Rig::start(fault.name, POLICY);
    let proxy = which(&rig).clone();
    under_load(fault, &mut rig.stack, &rig.upstream, |_, load| {
        let round = |_| {
            load.more(100);
            proxy.forget();
            let end = Instant::now();
            load.recovered(end);
            end
        };
        (0..ROUNDS).map(round).collect()
    })
}
