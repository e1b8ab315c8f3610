//! What a client gets through the gateway is what it gets without one, and each call has its row.

use crate::scene::{SDKS, Scene, Sdk};
use crate::support::client::{self, post_with};
use crate::support::clients::{decision_id, header};
use crate::support::recordings::Recording;
use governance_filter::record::sha256_hex;
use serde_json::{Value, json};

#[test]
fn answers_are_those_of_the_provider_and_each_has_its_row() {
    let mut scene = Scene::set("providers-answers", "");
    let gateway = scene.stack.gateway_url();
    let provider = scene.provider.url.clone();
    for sdk in &SDKS {
        for name in sdk.recordings {
            let case = format!("{} {name}", sdk.name);
            let recording = scene.recording(name);
            let direct = scene.clients.make(&scene.call(&provider, sdk.name, name));
            is_as_recorded(&direct, &recording, &case);
            let seen = scene.clients.make(&scene.call(&gateway, sdk.name, name));
            for key in ["raised", "status", "text", "tools", "events", "vector", "input_hash"] {
                assert_eq!(seen[key], direct[key], "{case}: {key} of {seen}");
            }
            let row = scene.stack.decision(decision_id(&seen));
            assert_eq!(row["input_hash"], seen["input_hash"], "{case}: {row}");
            assert_eq!(row["policy_version"], header(&seen, "x-policy-version"), "{case}");
            is_recorded(&row, sdk, &recording, &case);
        }
    }
    the_json_array_reaches_a_plain_client_as_it_is(&scene);
    assert_eq!(scene.stack.counter("host_errors_total"), 0, "no call to Envoy failed");
}

/// Without `alt=sse` Gemini streams one JSON array; no official Python client asks for that.
fn the_json_array_reaches_a_plain_client_as_it_is(scene: &Scene) {
    let recording = scene.recording("gemini-array");
    let path = format!("/v1beta/models/{}:streamGenerateContent", recording.model);
    let body = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}).to_string();
    let headers = [("content-type", "application/json"), ("x-goog-api-key", "replay")];
    let request = post_with(&path, &headers, body.as_bytes());
    let reply = client::send(&scene.stack.gateway(), &request);
    assert!(reply.complete, "{reply:?}");
    assert_eq!(reply.text().into_bytes(), recording.response.pieces().concat());
    let row = scene.stack.decision(reply.decision_id());
    is_recorded(&row, &SDKS[0], &recording, "gemini-array");
}

/// The client understood the provider: what follows compares more than nothing with nothing.
fn is_as_recorded(direct: &Value, recording: &Recording, case: &str) {
    assert_eq!(direct["raised"], Value::Null, "{case}: {direct}");
    let expect = &recording.expect;
    assert_eq!(direct["text"], expect.output_text.clone().unwrap_or_default(), "{case}: {direct}");
    assert_eq!(with_arguments(&direct["tools"]), with_arguments(&expect.tool_calls), "{case}");
}

/// A tool without arguments is called with an empty object, or with no text.
fn with_arguments(calls: &Value) -> Value {
    let mut calls = calls.clone();
    for call in calls.as_array_mut().into_iter().flatten() {
        if call["arguments"] == "" {
            call["arguments"] = json!({});
        }
    }
    calls
}

fn is_recorded(row: &Value, sdk: &Sdk, recording: &Recording, case: &str) {
    let expect = &recording.expect;
    let streams = recording.name.contains("stream") || recording.name.contains("array");
    // Some send no key: nobody signs these calls of boto3, and Ollama knows no keys.
    let caller = match sdk.name {
        "converse" | "invoke" | "ollama" => "ip:127.0.0.1".to_owned(),
        _ => format!("key:{}", sha256_hex(b"replay").get(..16).expect("hex")),
    };
    let expected = json!({
        "caller": caller,
        "outcome": "completed",
        "unread": null,
        "status": 200,
        "provider": sdk.provider,
        "operation": sdk.operation,
        "requested_model": recording.model,
        "model": recording.model,
        "served_model": expect.served_model,
        "stream": streams,
        "finish_reason": expect.finish_reason,
        "input_tokens": expect.input_tokens,
        "output_tokens": expect.output_tokens,
        "attempts": 1,
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&row[key], value, "{case}: {key} of {row}");
    }
    let text = expect.output_text.as_deref().unwrap_or_default();
    let summary = row["output_summary"].as_str().unwrap_or_default();
    let start: String = text.chars().take(200).collect();
    assert!(summary.starts_with(&start), "{case}: summary of {row}");
}
