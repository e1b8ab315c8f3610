//! Bodies in brotli and zstandard, whole and sound, through the real Envoy: read in both directions,
//! passed as they came where nothing is changed.

use crate::rig::{CHAT, Rig, hello, post};
use governance_filter::record::sha256_hex;
use serde_json::{Value, json};

const REQUESTS: [(&str, &[u8]); 2] = [
    ("br", include_bytes!("../fixtures/codings/request.br")),
    ("zstd", include_bytes!("../fixtures/codings/request.zst")),
];
/// Streams of a chat, by the provider's script.
pub const STREAMS: [(&str, &[u8]); 2] = [
    ("stream-br", include_bytes!("../fixtures/codings/stream.br")),
    ("stream-zstd", include_bytes!("../fixtures/codings/stream.zst")),
];

#[test]
fn sound_bodies_in_every_coding_are_read_in_both_directions() {
    let mut rig = Rig::start("codings");
    for (coding, body) in REQUESTS {
        a_coded_request_is_read_and_pinned(&rig, coding, body);
    }
    for (script, body) in STREAMS {
        a_coded_stream_is_read_and_passed_as_it_came(&rig, script, body);
    }
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

fn a_coded_request_is_read_and_pinned(rig: &Rig, coding: &str, body: &[u8]) {
    let id = format!("request-{coding}");
    let request = post(CHAT, body).with("content-encoding", coding.as_bytes());
    let reply = rig.send(&request.wire(&id));
    assert_eq!(reply.status, 200, "{id}: {}", reply.text());
    let row = rig.row(&id);
    assert_eq!(row["input_hash"], sha256_hex(body), "{id}: what came is hashed");
    assert_eq!((&row["outcome"], &row["unread"]), (&json!("completed"), &Value::Null), "{id}");
    assert_eq!(row["model"], "gpt-4o-2025-12-17", "{id}");
    assert_eq!(row["categories"], json!(["pii"]), "{id}: its text was read");
    let call = rig.upstream.latest().expect("the provider was called");
    assert_eq!(call.header("content-encoding"), None, "{id}: what is rewritten is plain");
    let sent: Value = serde_json::from_slice(&call.body).expect("JSON");
    assert_eq!(sent["model"], "gpt-4o-2025-12-17", "{id}");
}

fn a_coded_stream_is_read_and_passed_as_it_came(rig: &Rig, script: &str, body: &[u8]) {
    // Approved, and no log probabilities are asked of it: nothing is taken out of the answer.
    let asked = hello("claude-sonnet-4-6");
    let request = post(CHAT, asked.as_bytes()).with("x-script", script.as_bytes());
    let reply = rig.send(&request.wire(script));
    assert_eq!((reply.status, reply.complete), (200, true), "{script}: {}", reply.text());
    assert!(reply.body == body, "{script}: byte for byte");
    let coding = script.trim_start_matches("stream-");
    assert_eq!(reply.header("content-encoding"), Some(coding), "{script}");
    let row = rig.row(script);
    assert_eq!((&row["outcome"], &row["unread"]), (&json!("completed"), &Value::Null), "{script}");
    let summary = row["output_summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("Grüße, 世界 and more."), "{script}: {summary}");
}
