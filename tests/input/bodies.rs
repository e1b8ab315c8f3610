//! Bodies of any size: a large one passes whole, one over the limit is refused with its record,
//! and many at once reach the budget and not the VM's memory.

use crate::rig::{CHAT, MESSAGES, Rig, differs, post};
use crate::support::client::{self, Reply};
use governance_filter::record::sha256_hex;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::net::Shutdown;
use std::sync::Barrier;
use std::time::Instant;

const LARGE: usize = 20_000_000;
/// Over the 30 MiB that are read and under the 32 MiB that Envoy buffers.
const TOO_LARGE: usize = 31 << 20;
const CLIENTS: usize = 64;

#[test]
fn a_large_body_passes_whole_or_is_refused_with_its_record() {
    let mut rig = Rig::start("large-bodies");
    let mut problems = Vec::new();
    large_prompts_pass(&rig, &mut problems);
    too_large_bodies_are_refused(&rig, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    println!("Envoy's memory after single large bodies: {} MiB at most", rig.envoy_memory());
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

#[test]
fn many_large_bodies_at_once_reach_the_budget_and_no_vm_traps() {
    let mut rig = Rig::start("many-bodies");
    let body = prompt("claude-sonnet-4-6", LARGE);
    let hash = sha256_hex(body.as_bytes());
    let began = Instant::now();
    let replies = all_at_once(&rig, body.as_bytes());
    let took = began.elapsed();
    let mut counts: BTreeMap<(u16, String), usize> = BTreeMap::new();
    for (number, reply) in replies.iter().enumerate() {
        let row = rig.row(&format!("many-{number}"));
        let outcome = row["outcome"].as_str().unwrap_or_default().to_owned();
        assert_eq!(row["decision_id"], reply.decision_id(), "client {number}");
        let calls = rig.calls(&format!("many-{number}"));
        match (reply.status, outcome.as_str()) {
            (200, "completed") => assert_eq!((&row["input_hash"], calls), (&json!(hash), 1)),
            (503, "denied") => {
                assert_eq!((&row["unread"], calls), (&json!("input_incomplete"), 0));
                assert_eq!(error_kind(reply), "api_error", "client {number}");
            }
            // A busy worker may not hear of the intent's commit in time.
            (503, "uncommitted_refused") => assert_eq!(calls, 0, "client {number}"),
            unexpected => panic!("client {number}: {unexpected:?}: {}", reply.text()),
        }
        *counts.entry((reply.status, outcome)).or_default() += 1;
    }
    println!("{CLIENTS} bodies of 20 MB at once, in {took:.1?}: {counts:?}");
    println!("Envoy's memory: {} MiB at most", rig.envoy_memory());
    let refused = counts.get(&(503, "denied".to_owned())).copied().unwrap_or(0);
    assert!(refused > 0, "the budget was reached");
    assert!(counts.contains_key(&(200, "completed".to_owned())), "within the budget all is well");
    assert_eq!(rig.stack.counter("requests_over_budget_total"), refused as u64);
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

fn large_prompts_pass(rig: &Rig, problems: &mut Vec<String>) {
    let claude = prompt("claude-sonnet-4-6", LARGE);
    let pinned = prompt("gpt-4o", LARGE);
    let rewritten =
        pinned.replacen("gpt-4o", "gpt-4o-2025-12-17", 1).replacen('{', r#"{"logprobs":true,"#, 1);
    let (hash, pinned_hash) = (sha256_hex(claude.as_bytes()), sha256_hex(pinned.as_bytes()));
    let cases = [
        ("large", MESSAGES, &claude, &claude, &hash, false),
        ("large-in-chunks", MESSAGES, &claude, &claude, &hash, true),
        ("large-and-pinned", CHAT, &pinned, &rewritten, &pinned_hash, true),
    ];
    for (id, path, sent, arrives, hash, in_chunks) in cases {
        let script: &[u8] = if path == MESSAGES { b"claude" } else { b"" };
        let request = post(path, sent.as_bytes()).with("x-script", script);
        let reply = rig.send(&if in_chunks { request.chunked(id) } else { request.wire(id) });
        differs(problems, &format!("{id}: status"), &json!(reply.status), &json!(200));
        let row = rig.row(id);
        differs(problems, &format!("{id}: input_hash"), &row["input_hash"], &json!(hash));
        differs(problems, &format!("{id}: unread"), &row["unread"], &json!("truncated"));
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!("completed"));
        let call = rig.upstream.latest().expect("the provider was called");
        let whole = call.body == arrives.as_bytes();
        differs(problems, &format!("{id}: byte for byte"), &json!(whole), &json!(true));
    }
}

fn too_large_bodies_are_refused(rig: &Rig, problems: &mut Vec<String>) {
    let body = prompt("claude-sonnet-4-6", TOO_LARGE);
    for (id, path, in_chunks) in [
        ("too-large", MESSAGES, false),
        ("too-large-in-chunks", MESSAGES, true),
        ("too-large-chat", CHAT, false),
        ("too-large-on-an-unknown-path", "/v1/unheard_of", true),
    ] {
        let request = post(path, body.as_bytes());
        let reply = rig.send(&if in_chunks { request.chunked(id) } else { request.wire(id) });
        differs(problems, &format!("{id}: status"), &json!(reply.status), &json!(413));
        let kind = if path == MESSAGES { "request_too_large" } else { "invalid_request_error" };
        differs(problems, &format!("{id}: {}", reply.text()), &error_kind(&reply), &json!(kind));
        let row = rig.row(id);
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!("denied"));
        let unread = json!("input_incomplete");
        differs(problems, &format!("{id}: unread"), &row["unread"], &unread);
        let named = json!(reply.header("x-decision-id"));
        differs(problems, &format!("{id}: decision"), &named, &row["decision_id"]);
        differs(problems, &format!("{id}: calls"), &json!(rig.calls(id)), &json!(0));
    }
}

/// Every client sends all but the last byte, waits until all have, and sends that: whatever is
/// not refused by then is in the gateway at the same time.
fn all_at_once(rig: &Rig, body: &[u8]) -> Vec<Reply> {
    let barrier = Barrier::new(CLIENTS);
    let one = |number: usize| {
        let request = post(MESSAGES, body).with("x-script", b"claude");
        let wire = request.wire(&format!("many-{number}"));
        let (last, first) = wire.split_last().expect("not empty");
        let mut sending = client::connect(&rig.gateway).expect("a connection");
        let reading = sending.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            let reply = scope.spawn(|| client::read(reading));
            let _ = sending.write_all(first);
            barrier.wait();
            let _ = sending.write_all(&[*last]);
            let reply = reply.join().expect("no panic");
            let _ = sending.shutdown(Shutdown::Both);
            reply
        })
    };
    std::thread::scope(|scope| {
        let one = &one;
        let clients: Vec<_> = (0..CLIENTS).map(|number| scope.spawn(move || one(number))).collect();
        clients.into_iter().map(|client| client.join().expect("no panic")).collect()
    })
}

/// A prompt such that the body has so many bytes.
fn prompt(model: &str, bytes: usize) -> String {
    let frame = format!(r#"{{"model":"{model}","messages":[{{"role":"user","content":""}}]}}"#);
    let text = "a word ".repeat(bytes / 7 + 1);
    let text = &text[..bytes - frame.len()];
    frame.replacen(r#""content":"""#, &format!(r#""content":"{text}""#), 1)
}

fn error_kind(reply: &Reply) -> Value {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    body["error"]["type"].clone()
}
