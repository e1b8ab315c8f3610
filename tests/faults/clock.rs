//! A collector whose clock jumps. Ids are made by the gateway, order by the ledger: neither may
//! care.

use crate::ledger::Tally;
use crate::rig::Rig;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::{Fault, POLICY, under_load};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

pub const FAULTS: &[Fault] = &[Fault {
    name: "clock",
    title: "collector: clock an hour ahead, back, an hour behind, back",
    run: jumps,
}];

/// A round ends with the jump: the clock stays wrong while the next calls are made.
fn jumps(fault: &Fault) -> Tally {
    let offset = std::env::temp_dir().join(format!("governance-offset-{}", std::process::id()));
    let set = |seconds: i64| {
        let next = offset.with_extension("next");
        std::fs::write(&next, format!("{seconds:+}\n")).expect("the clock is set");
        std::fs::rename(next, &offset).expect("the clock is set");
    };
    set(0);
    // Its clock of the day alone: an hour never passes at once for what counts seconds.
    let lines = format!(
        "export LD_PRELOAD={} FAKETIME_TIMESTAMP_FILE={} FAKETIME_NO_CACHE=1\n\
         export FAKETIME_DONT_FAKE_MONOTONIC=1",
        library().display(),
        offset.display()
    );
    let mut rig = Rig::start_with(fault.name, POLICY, &lines);
    let tally = under_load(fault, &mut rig.stack, &rig.upstream, |stack, load| {
        let round = |seconds: &i64| {
            set(*seconds);
            let end = Instant::now();
            eventually("the collector to go by the other clock", PATIENCE, || {
                (ahead(stack) - seconds).abs().le(&60).then_some(())
            });
            load.last(Duration::from_secs(4));
            load.recovered(end);
            end
        };
        [3600, 0, -3600, 0].iter().map(round).collect()
    });
    let _ = std::fs::remove_file(offset);
    tally
}

/// How far the collector's clock is ahead, by the last line that it logged.
fn ahead(stack: &Stack) -> i64 {
    let log = std::fs::read_to_string(stack.folder().join("data/log/collector.log"));
    let log = log.expect("the collector's log");
    let time = |line: &str| humantime::parse_rfc3339(line.split_whitespace().next()?).ok();
    let last = log.lines().rev().find_map(time).expect("a line with its time");
    let seconds = |time: SystemTime| {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).expect("a clock after 1970");
        i64::try_from(since.as_secs()).expect("a clock of our time")
    };
    seconds(last) - seconds(SystemTime::now())
}

fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut found = folders.map(|one| one.path().join("faketime/libfaketime.so.1"));
    let found = found.find(|path| path.is_file());
    found.expect("libfaketime is missing: install it with `apt install faketime`")
}
