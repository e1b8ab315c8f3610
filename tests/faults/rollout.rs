//! What an operator does on a working day: several collectors, a new policy, a new binary.

use crate::ledger::Tally;
use crate::load::Load;
use crate::rig::{Rig, free_address, put_program};
use crate::support::proxy::Link;
use crate::support::stack::{PATIENCE, Stack, eventually, signal};
use crate::{Fault, LASTS, POLICY, under_load};
use serde_json::Value;
use std::fs::File;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

pub const FAULTS: &[Fault] = &[
    Fault {
        name: "replicas-kill",
        title: "2 collectors: kill -9 of one, then of the other, 5 times each",
        run: kills,
    },
    Fault {
        name: "replicas-race",
        title: "2 collectors: RST in place of an ack, repeats to the other, 8 s, 2 times",
        run: races,
    },
    Fault {
        name: "rollout",
        title: "new policy, Envoy restarted, collector upgraded, 3 times",
        run: rollout,
    },
];

/// Another collector beside the one that `governance up` looks after.
struct Replica {
    process: Child,
    address: SocketAddr,
}

/// A round ends with the signal.
fn kills(fault: &Fault) -> Tally {
    let mut rig = Rig::start(fault.name, POLICY);
    let mut second = Replica::join(&rig);
    let proxy = rig.collector.clone();
    let (script, state) = (rig.script.clone(), state(&rig.stack));
    under_load(fault, &mut rig.stack, &rig.upstream, |stack, load| {
        let mut ends = Vec::new();
        for _ in 0..5 {
            ends.push(ended(load, || stack.restart("collector", "KILL")));
            ends.push(ended(load, || {
                let _ = second.process.kill();
                let _ = second.process.wait();
                second.process = start(&script, &state, second.address);
            }));
            spread(&proxy);
        }
        ends
    })
}

/// A round ends when acks arrive again.
fn races(fault: &Fault) -> Tally {
    let mut rig = Rig::start(fault.name, POLICY);
    let _second = Replica::join(&rig);
    let proxy = rig.collector.clone();
    let tally = under_load(fault, &mut rig.stack, &rig.upstream, |_, load| {
        let round = |_| {
            load.more(100);
            proxy.set(Link::ResetAnswer);
            load.last(LASTS);
            proxy.set(Link::Up);
            let end = Instant::now();
            load.recovered(end);
            end
        };
        (0..2).map(round).collect()
    });
    let repeats = rig.stack.counter("collector_calls_failed_total");
    assert!(repeats > 0, "no call to a collector failed: nothing was repeated");
    tally
}

/// A round ends when the last of the three is done.
fn rollout(fault: &Fault) -> Tally {
    let mut rig = Rig::start(fault.name, POLICY);
    let folder = rig.folder().to_owned();
    let old = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/log-collector");
    let binaries: Vec<PathBuf> = (1..=3).map(|n| folder.join(format!("collector-{n}"))).collect();
    for binary in &binaries {
        std::fs::copy(old, binary).expect("a copy of the collector");
    }
    under_load(fault, &mut rig.stack, &rig.upstream, |stack, load| {
        let round = |binary: &PathBuf| {
            load.last(Duration::from_millis(5_500));
            let in_force = |stack: &Stack| stack.printed().matches(" in force").count();
            let before = in_force(stack);
            stack.put_policy(&format!("{POLICY}# for {}\n", binary.display()));
            eventually("the policy in force", PATIENCE, || {
                (in_force(stack) > before).then_some(())
            });
            stack.restart("envoy", "TERM");
            put_program(&folder, binary);
            stack.restart("collector", "TERM");
            let end = Instant::now();
            let running = std::fs::read_link(format!("/proc/{}/exe", stack.pid("collector")));
            assert_eq!(running.ok().as_ref(), Some(binary));
            load.recovered(end);
            end
        };
        binaries.iter().map(round).collect()
    })
}

/// When `end` began, once calls are delivered again and what ended may end again.
fn ended(load: &Load, end: impl FnOnce()) -> Instant {
    load.more(100);
    let began = Instant::now();
    end();
    load.recovered(began);
    load.last(Duration::from_millis(2_500));
    began
}

/// Envoy keeps a connection for each of its workers: made anew, they go to different collectors.
fn spread(proxy: &crate::support::proxy::Proxy) {
    proxy.set(Link::Down);
    proxy.set(Link::Up);
}

// === impl Replica ===

impl Replica {
    /// Starts one, and has Envoy go to both.
    fn join(rig: &Rig) -> Replica {
        let address = free_address();
        let process = start(&rig.script, &state(&rig.stack), address);
        rig.replicas.lock().unwrap_or_else(PoisonError::into_inner).push(address);
        spread(&rig.collector);
        Replica { process, address }
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        signal(i64::from(self.process.id()), "TERM");
        let _ = self.process.wait();
    }
}

fn state(stack: &Stack) -> Value {
    let path = stack.folder().join("data/state.json");
    let text = std::fs::read_to_string(path).expect("state.json");
    serde_json::from_str(&text).expect("JSON")
}

/// With the very login and token that `governance up` gives its own.
fn start(script: &PathBuf, state: &Value, address: SocketAddr) -> Child {
    let logins = state["logins"].as_object().expect("logins");
    let (database, login) = logins.iter().next().expect("a login");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (user, password) = (text(&login["app_user"]), text(&login["app_password"]));
    let log = File::create(script.with_extension("second.log")).expect("a log file");
    let process = Command::new(script)
        .arg("serve")
        .env("REPLICA", address.to_string())
        .env("DATABASE_URL", format!("postgres://{user}:{password}@{database}"))
        .env("GOVERNANCE_TOKEN", text(&state["token"]))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the second collector starts");
    eventually("the second collector to be ready", PATIENCE, || {
        let ready = crate::support::client::get(&address.to_string(), "/readyz");
        (!ready.is_empty()).then_some(())
    });
    process
}
