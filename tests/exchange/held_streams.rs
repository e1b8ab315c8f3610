//! `streams: hold`: a streamed answer is judged and recorded before any of it leaves.

use super::*;

const HOLD: &str = "streams: hold\n";
const DENY: &str = "streams: hold
policies: [{name: no_greetings, trigger: \"output.startsWith('H')\", action: deny}]
";

/// A streamed answer in pieces, its end not yet there.
fn streamed(policy: &str, stream: &[u8], piece: usize) -> Model {
    let mut model = Model::new(policy);
    model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer_headers(200, &[("content-type", SSE)], End::Open);
    for chunk in stream.chunks(piece) {
        model.answer_body(chunk, End::Open);
    }
    model
}

#[wasm_bindgen_test(unsupported = test)]
fn nothing_of_a_held_stream_leaves_before_its_outcome() {
    let stream = chat_stream();
    for piece in [1, 7, 64, stream.len()] {
        let mut model = streamed(HOLD, stream.as_bytes(), piece);
        assert_eq!(model.client_got(), None, "pieces of {piece}");
        model.answer_body(b"", End::OfStream);
        assert_eq!(model.client_got(), None, "pieces of {piece}: judged, not committed");
        let outcome = model.outcome();
        assert_eq!((&outcome["outcome"], &outcome["stream"]), (&json!("completed"), &json!(true)));
        assert_eq!(outcome["unread"], Value::Null);
        model.ack(Kind::Outcome);
        assert_eq!(model.client_got().as_deref(), Some(stream.as_str()), "pieces of {piece}");
        assert!(model.client_got_end(), "pieces of {piece}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_held_stream_is_refused_like_a_plain_answer() {
    let mut model = streamed(DENY, chat_stream().as_bytes(), 64);
    model.answer_body(b"", End::OfStream).ack(Kind::Outcome);
    let reply = model.reply.clone().expect("a refusal");
    assert_eq!(reply.status, 403);
    assert!(reply.headers.contains(&("content-type", JSON.to_owned())));
    assert!(reply.headers.contains(&("x-should-retry", "false".to_owned())));
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let message = body["error"]["message"].as_str().expect("a message");
    assert!(message.contains("no_greetings") && message.contains(ID), "{message}");
    assert_eq!(model.client_got(), None);
    assert_eq!(model.outcome()["outcome"], "denied");
    assert!(!model.reset);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_held_stream_names_what_fired_in_its_headers() {
    let policy = "streams: hold
policies: [{name: marks, trigger: \"output == 'Héllo'\", action: log}]
";
    let mut model = streamed(policy, chat_stream().as_bytes(), 64);
    model.answer_body(b"", End::OfStream).ack(Kind::Outcome);
    assert_eq!(model.header(Side::Response, "x-decision-flags"), Some("marks"));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_held_stream_without_commit_is_withheld_with_a_status() {
    let mut model = streamed(HOLD, chat_stream().as_bytes(), 64);
    model.answer_body(b"", End::OfStream).commit(Kind::Outcome, Commit::Expired);
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(503));
    assert_eq!(model.client_got(), None);
    assert_eq!(model.line(Kind::Delivery)["record"]["delivery"], "withheld");
}

#[wasm_bindgen_test(unsupported = test)]
fn logprobs_that_nobody_asked_for_are_taken_out_of_a_held_stream() {
    let policy = format!("{HOLD}confidence: {{request_logprobs: [gpt-4o-2025-12-17]}}\n");
    let logprobs = json!({"content": [{"token": "H", "logprob": -0.5}]});
    let choice = json!({"index": 0, "delta": {"content": "H"}, "logprobs": logprobs,
        "finish_reason": "stop"});
    let chunk = json!({"model": "gpt-4o-2025-12-17", "choices": [choice]});
    let stream = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let mut model = streamed(&policy, stream.as_bytes(), 20);
    model.answer_body(b"", End::OfStream).ack(Kind::Outcome);
    let got = model.client_got().expect("an answer");
    assert!(!got.contains("-0.5") && got.ends_with("data: [DONE]\n\n"), "{got}");
    let length = got.len().to_string();
    assert_eq!(model.header(Side::Response, "content-length"), Some(length.as_str()));
    assert_eq!(model.outcome()["confidence_source"], "logprobs");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_held_stream_beyond_the_budget_is_unknown_and_fails_closed() {
    for (policy, denied) in [(HOLD, false), (DENY, true)] {
        let mut model = Model::with_budget(policy, 4096);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let pad = format!(": {}\n\n", "x".repeat(8192));
        model.answer_body(pad.as_bytes(), End::Open);
        model.answer_body(chat_stream().as_bytes(), End::OfStream);
        assert_eq!(model.client_got(), None);
        assert_eq!(model.outcome()["unread"], "truncated");
        model.ack(Kind::Outcome);
        assert_eq!(model.reply.is_some(), denied);
        assert_eq!(model.client_got_end(), !denied);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_client_that_leaves_a_held_stream_is_recorded() {
    let mut model = streamed(HOLD, b"data: {\"choices\":[]}\n\n", 64);
    model.done(Ending::ClientLeft);
    assert_eq!(model.outcome()["outcome"], "aborted");
}
