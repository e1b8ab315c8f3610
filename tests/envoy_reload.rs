//! A policy that changes while calls are made: none fails, each is judged whole by the text it began
//! with, and a broken text changes nothing, whichever way it comes. Real Envoy.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod stack;
    pub mod upstream;
}
#[allow(dead_code)] // Shared with `envoy_faults.rs`.
#[path = "faults/load.rs"]
mod load;

use governance_filter::record::sha256_hex;
use load::{Load, Sent, held};
use serde_json::Value;
use std::collections::HashMap;
use std::time::Instant;
use support::client;
use support::stack::{PATIENCE, Stack, eventually};
use support::upstream::Upstream;

const POLICY: &str = "policies:
- name: approved_models
  allowed: [gpt-4o-2025-12-17]
";
/// Refuses every answer.
const STRICT: &str = "policies:
- name: approved_models
  allowed: [gpt-4o-2025-12-17]
- name: nothing_passes
  trigger: status == 200
  action: deny
";
const BROKEN: &str = "policies:\n- name: broken\n  trigger: \"confidense < 0.75\"\n";
const CLIENTS: usize = 8;

#[test]
fn policy_edited_under_load_fails_no_request_and_a_broken_one_changes_nothing() {
    const EDITS: usize = 3;
    let upstream = Upstream::start();
    let stack = Stack::start("reload", POLICY, &upstream.url);
    let load = Load::start("reload", &stack.gateway(), CLIENTS);
    let announced = |count: usize| {
        eventually(&format!("policy {count} in force"), PATIENCE, || {
            let versions = versions_announced(&stack.printed());
            (versions.len() == count).then_some(versions)
        })
    };
    for edit in 1..=EDITS {
        load.more(50);
        let edited = Instant::now();
        stack.put_policy(&format!("{POLICY}# edition {edit}\n"));
        announced(1 + edit);
        println!("edit {edit} in force after {:.1} s", edited.elapsed().as_secs_f64());
    }
    load.more(50);
    stack.put_policy(BROKEN);
    let refused = format!("refused; policy {} stays in force", announced(1 + EDITS)[EDITS]);
    eventually("the broken policy to be refused", PATIENCE, || {
        stack.printed().contains(&refused).then_some(())
    });
    assert!(stack.printed().contains("governance.yml:3:13: "), "{}", stack.printed());
    load.more(50);
    let sent = load.end();

    let versions = announced(1 + EDITS);
    let query = "SELECT decision_id, policy_version FROM ai_decisions WHERE outcome = 'completed'";
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let rows = stack.rows(query);
    let rows: HashMap<String, String> =
        rows.iter().map(|row| (text(row, "decision_id"), text(row, "policy_version"))).collect();
    let mut calls_under = vec![0; versions.len()];
    for one in &sent {
        assert!(one.delivered(), "{}: {:?}", one.id, one.reply);
        let seen = one.reply.header("x-policy-version").expect("a version");
        let row = rows.get(one.reply.decision_id()).map(String::as_str);
        assert_eq!(row, Some(seen), "{}", one.id);
        let known = versions.iter().position(|version| version == seen);
        calls_under[known.unwrap_or_else(|| panic!("{seen} was never announced"))] += 1;
    }
    println!("calls under each policy: {calls_under:?}");
    assert!(calls_under.iter().all(|calls| *calls > 0), "{calls_under:?}");
}

#[test]
fn a_call_under_way_is_judged_by_the_policy_it_began_with() {
    let upstream = Upstream::start();
    let stack = Stack::start("under-way", POLICY, &upstream.url);
    let calls = [("plain", false), ("stream", true)]
        .map(|(id, stream)| held(&stack, &upstream, id, stream));
    stack.put_policy(STRICT);
    let strict = version(STRICT);
    eventually("the strict policy in force", PATIENCE, || {
        versions_announced(&stack.printed()).contains(&strict).then_some(())
    });
    // Each worker has the new text once a call that begins now is refused by it.
    eventually("calls that begin now to be refused", PATIENCE, || {
        let probes = (0..8)
            .map(|probe| Sent::call(&stack.gateway(), &format!("probe-{probe}"), false, &[]).reply);
        let strictly = |reply: &client::Reply| {
            reply.status == 403 && reply.header("x-policy-version") == Some(&strict)
        };
        probes.into_iter().all(|reply| strictly(&reply)).then_some(())
    });
    for id in ["plain", "stream"] {
        upstream.let_go(id);
    }
    for call in calls {
        let sent = call.join().expect("the call ends");
        assert!(sent.delivered(), "{}: {:?}", sent.id, sent.reply);
        assert_eq!(sent.reply.header("x-policy-version"), Some(version(POLICY).as_str()));
        let row = stack.decision(sent.reply.decision_id());
        assert_eq!(row["policy_version"], version(POLICY), "{}", sent.id);
        assert_eq!(row["triggered"], serde_json::json!([]), "{}", sent.id);
    }
}

/// What a control plane pushes passes no command line first.
#[test]
fn a_broken_policy_pushed_to_envoy_is_refused_and_counted() {
    let upstream = Upstream::start();
    let stack = Stack::start("pushed", POLICY, &upstream.url);
    let file = stack.folder().join("data/ecds.json");
    let resource = std::fs::read_to_string(&file).expect("the filter's resource");
    let quoted = |text: &str| {
        // A text within the JSON of the settings, which is a text itself.
        let once = serde_json::to_string(text).expect("JSON");
        let twice = serde_json::to_string(&once).expect("JSON");
        twice.trim_matches('"').to_owned()
    };
    let broken = resource.replace(&quoted(POLICY), &quoted(BROKEN));
    assert_ne!(broken, resource, "the policy was found in it");
    let next = file.with_extension("next");
    std::fs::write(&next, broken).expect("the resource is written");
    std::fs::rename(next, file).expect("the resource is replaced");
    let counted = || {
        let stats = client::get(&stack.address("envoy_admin"), "/stats?filter=config_fail");
        let value = stats.lines().find_map(|line| {
            line.strip_prefix("extension_config_discovery.http_filter.governance.config_fail: ")
        });
        value.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0)
    };
    eventually("the refusal to be counted", PATIENCE, || (counted() > 0).then_some(()));
    let sent = Sent::call(&stack.gateway(), "after", false, &[]);
    assert!(sent.delivered(), "{:?}", sent.reply);
    assert_eq!(sent.reply.header("x-policy-version"), Some(version(POLICY).as_str()));
    let log = std::fs::read_to_string(stack.folder().join("data/log/envoy.log"));
    let log = log.expect("Envoy's log");
    assert!(log.contains("governance.yml:3:13: "), "the log says where it is wrong");
}

fn version(policy: &str) -> String {
    format!("sha256:{}", sha256_hex(policy.as_bytes()))
}

fn versions_announced(printed: &str) -> Vec<String> {
    let lines = printed.lines().filter_map(|line| line.trim().strip_suffix(" in force"));
    let versions = lines.filter_map(|line| line.strip_prefix("policy sha256:"));
    versions.map(|version| format!("sha256:{version}")).collect()
}
