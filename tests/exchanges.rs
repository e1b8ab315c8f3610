//! Life of an exchange, driven event by event through a model of Envoy. The same functions run
//! natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[path = "exchange/actions.rs"]
mod actions;
#[path = "exchange/callers.rs"]
mod callers;
#[path = "exchange/categories.rs"]
mod categories;
#[path = "exchange/codings.rs"]
mod codings;
#[path = "exchange/held_streams.rs"]
mod held_streams;
#[path = "exchange/holds.rs"]
mod holds;
#[path = "exchange/keyed_hashes.rs"]
mod keyed_hashes;
#[path = "exchange/limits.rs"]
mod limits;
#[path = "exchange/refusals.rs"]
mod refusals;
#[path = "exchange/request_facts.rs"]
mod request_facts;
#[path = "exchange/schedules.rs"]
mod schedules;
#[path = "exchange/streams.rs"]
mod streams;
#[path = "exchange/summaries.rs"]
mod summaries;
#[path = "exchange/traffic.rs"]
mod traffic;
#[path = "exchange/unread_events.rs"]
mod unread_events;
mod support {
    pub mod brotli;
    pub mod model;
}

use governance_filter::exchange::{
    Commit, Counter, Effect, End, Ending, Event, Origin, RequestHead, Side,
};
use governance_filter::record::{Kind, sha256_hex};
use serde_json::{Value, json};
use support::brotli;
use support::model::{ID, JSON, Model, SSE};
use wasm_bindgen_test::wasm_bindgen_test;

const SHIPPED: &str = include_str!("../governance.yml");
const SEED: &str = r#"
policies:
- name: high_risk_review
  trigger: "category in ['healthcare', 'financial', 'pii']"
  action: route_to_human_review
- name: confidence_gate
  trigger: "confidence < 0.75"
  action: flag_for_review
- name: approved_models
  allowed:
  - "gpt-4o-2025-12-17"
  - "claude-sonnet-4-6"
"#;
const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

fn ask(model: &str) -> String {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]}).to_string()
}

fn ask_stream(model: &str) -> String {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hi"}]})
        .to_string()
}

fn chat(text: &str) -> String {
    json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": "gpt-4o-2025-12-17",
        "choices": [{"index": 0, "finish_reason": "stop", "logprobs": null,
            "message": {"role": "assistant", "content": text}}],
        "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
        "system_fingerprint": "fp_abc"
    })
    .to_string()
}

fn chat_stream() -> String {
    let chunk = |delta: Value, finish: Value| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
        let chunk = json!({"model": "gpt-4o-2025-12-17", "choices": [choice]});
        format!("data: {chunk}\n\n")
    };
    let begin = chunk(json!({"role": "assistant", "content": "Hé"}), Value::Null);
    let middle = chunk(json!({"content": "llo"}), Value::Null);
    let end = chunk(json!({}), json!("stop"));
    format!("{begin}{middle}{end}data: [DONE]\n\n")
}

#[wasm_bindgen_test(unsupported = test)]
fn a_plain_call_is_framed_by_two_commits() {
    let mut model = Model::new(SEED);
    let body = ask("gpt-4o-2025-12-17");
    model.post(CHAT, &body);
    assert_eq!(model.provider_got(), None, "held until the intent's ack");
    model.ack(Kind::Intent);
    assert_eq!(model.provider_got().as_deref(), Some(body.as_str()), "as the client sent it");
    model.answer(200, &chat("Hello."));
    assert_eq!(model.client_got(), None, "held until the outcome's ack");
    model.ack(Kind::Outcome);
    assert_eq!(model.client_got().as_deref(), Some(chat("Hello.").as_str()), "byte for byte");
    assert_eq!(model.header(Side::Response, "x-decision-id"), Some(ID));

    let intent = &model.line(Kind::Intent)["record"];
    assert_eq!(intent["input_hash"], sha256_hex(body.as_bytes()));
    let outcome = model.outcome();
    assert_eq!(outcome["outcome"], "completed");
    assert_eq!(outcome["served_model"], "gpt-4o-2025-12-17");
    assert_eq!((&outcome["input_tokens"], &outcome["output_tokens"]), (&json!(9), &json!(4)));
    assert_eq!(outcome["system_fingerprint"], "fp_abc");
    assert_eq!(model.line(Kind::Outcome)["output_summary"], "Hello.");
    model.done(Ending::Complete);
    assert_eq!(model.lines.len(), 2, "one intent, one outcome");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_unapproved_model_never_reaches_the_provider() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-3.5-turbo-0125"));
    assert_eq!(model.reply, None, "the refusal waits for its own record");
    model.ack(Kind::Outcome);
    let reply = model.reply.clone().expect("a refusal");
    assert_eq!(reply.status, 403);
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let message = body["error"]["message"].as_str().expect("a message");
    for part in ["approved_models", "gpt-4o-2025-12-17", "claude-sonnet-4-6", ID] {
        assert!(message.contains(part), "`{part}` in: {message}");
    }
    assert_eq!(model.provider_got(), None);
    assert_eq!(model.outcome()["outcome"], "denied");
    assert_eq!(model.outcome()["actions"], json!(["deny"]));
    assert!(model.lines.iter().all(|line| line.kind != Kind::Intent), "no intent was needed");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_refusal_goes_out_when_its_record_cannot_be_committed() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-3.5-turbo-0125")).commit(Kind::Outcome, Commit::Expired);
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(403));
    assert!(model.counts.contains(&Counter::DenialUncommitted));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_floating_alias_is_pinned_flagged_and_answered() {
    let mut model = Model::new(SHIPPED);
    let body = ask("gpt-4o");
    model.post(CHAT, &body).ack(Kind::Intent);
    let sent: Value = serde_json::from_str(&model.provider_got().expect("sent")).expect("JSON");
    assert_eq!(sent["model"], "gpt-4o-2025-12-17");
    assert_eq!(sent["logprobs"], true, "asked for on the app's behalf");
    let length = model.provider_got().expect("sent").len().to_string();
    assert_eq!(model.header(Side::Request, "content-length"), Some(length.as_str()));

    let mut answer: Value = serde_json::from_str(&chat("Hello.")).expect("JSON");
    answer["choices"][0]["logprobs"] = json!({"content": [{"token": "Hello", "logprob": -0.1}]});
    model.answer(200, &answer.to_string()).ack(Kind::Outcome);
    let got: Value = serde_json::from_str(&model.client_got().expect("answer")).expect("JSON");
    assert_eq!(got["choices"][0]["logprobs"], Value::Null, "stripped again");
    assert_eq!(model.header(Side::Response, "x-decision-flags"), Some("models.pins"));
    let outcome = model.outcome();
    assert_eq!(outcome["requested_model"], "gpt-4o");
    assert_eq!(outcome["model"], "gpt-4o-2025-12-17");
    assert_eq!(outcome["confidence_source"], "logprobs");
    assert_eq!(outcome["input_hash"], sha256_hex(body.as_bytes()), "what the client sent");
}

#[wasm_bindgen_test(unsupported = test)]
fn low_confidence_trips_the_wire() {
    let mut model = Model::new(SHIPPED);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    let mut answer: Value = serde_json::from_str(&chat("Perhaps.")).expect("JSON");
    answer["choices"][0]["logprobs"] = json!({"content": [{"token": "P", "logprob": -1.0}]});
    model.answer(200, &answer.to_string()).ack(Kind::Outcome);
    assert_eq!(model.outcome()["actions"], json!(["flag_for_review"]));
    assert_eq!(model.outcome()["triggered"][0]["policy"], "confidence_gate");
    assert_eq!(model.header(Side::Response, "x-decision-flags"), Some("confidence_gate"));
}

#[wasm_bindgen_test(unsupported = test)]
fn unknown_confidence_is_recorded_as_failed_and_not_as_fine() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer(200, &chat("Hello."));
    let triggered = &model.outcome()["triggered"][0];
    assert_eq!(triggered["policy"], "confidence_gate");
    assert_eq!((&triggered["result"], &triggered["enforced"]), (&json!("failed"), &json!(false)));
}

#[wasm_bindgen_test(unsupported = test)]
fn personal_data_is_routed_to_review_and_redacted_in_the_summary() {
    let mut model = Model::new(SEED);
    let body = json!({"model": "claude-sonnet-4-6", "max_tokens": 9,
        "messages": [{"role": "user", "content": "Mail ann@example.com her results"}]});
    model.post(MESSAGES, &body.to_string()).ack(Kind::Intent);
    let answer = json!({"type": "message", "model": "claude-sonnet-4-6", "stop_reason": "end_turn",
        "content": [{"type": "text", "text": "Sent to ann@example.com."}],
        "usage": {"input_tokens": 3, "output_tokens": 2}});
    model.answer(200, &answer.to_string()).ack(Kind::Outcome);
    assert_eq!(model.outcome()["categories"], json!(["pii"]));
    assert_eq!(model.outcome()["actions"], json!(["route_to_human_review"]));
    assert_eq!(model.line(Kind::Outcome)["output_summary"], "Sent to [email].");
    assert!(model.client_got().expect("answer").contains("ann@example.com"), "untouched");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_header_can_add_a_category_and_never_remove_one() {
    let mut model = Model::new(SEED);
    let headers = [
        (":method", "POST"),
        (":path", CHAT),
        ("content-type", JSON),
        ("x-ai-category", "general, financial"),
    ];
    let body = ask("gpt-4o-2025-12-17").replace("hi", "mail bob@example.com");
    model.request_headers(&headers).request_body(body.as_bytes(), End::OfStream);
    model.ack(Kind::Intent).answer(200, &chat("ok"));
    assert_eq!(model.outcome()["categories"], json!(["pii", "financial", "general"]));
}

#[wasm_bindgen_test(unsupported = test)]
fn no_intent_no_call() {
    for commit in [Commit::Expired, Commit::Refused] {
        let mut model = Model::new(SEED);
        model.post(CHAT, &ask("gpt-4o-2025-12-17")).commit(Kind::Intent, commit);
        let reply = model.reply.clone().expect("a refusal");
        assert_eq!(reply.status, 503);
        assert!(reply.headers.contains(&("retry-after", "1".to_owned())));
        assert_eq!(model.provider_got(), None);
        assert_eq!(model.outcome()["outcome"], "uncommitted_refused");
        model.ack(Kind::Intent).done(Ending::Complete);
        assert_eq!(model.provider_got(), None, "a late ack changes nothing");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn no_outcome_no_answer_and_no_paid_retry() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer(200, &chat("Hello.")).commit(Kind::Outcome, Commit::Expired);
    let reply = model.reply.clone().expect("a refusal");
    assert_eq!(reply.status, 503);
    assert!(reply.headers.contains(&("x-should-retry", "false".to_owned())));
    assert_eq!(model.client_got(), None);
    assert_eq!(model.outcome()["outcome"], "completed", "it speaks of the provider");
    assert_eq!(model.line(Kind::Delivery)["record"]["delivery"], "withheld");
}

#[wasm_bindgen_test(unsupported = test)]
fn on_failure_allow_releases_and_says_so() {
    let policy = format!("{SEED}record: {{on_failure: allow}}\n");
    let mut model = Model::new(&policy);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).commit(Kind::Intent, Commit::Expired);
    assert!(model.provider_got().is_some());
    model.answer(200, &chat("Hello.")).commit(Kind::Outcome, Commit::Expired);
    assert_eq!(model.client_got().as_deref(), Some(chat("Hello.").as_str()));
    assert_eq!(model.line(Kind::Delivery)["record"]["delivery"], "released_uncommitted");
    let released = |counter: &&Counter| **counter == Counter::ReleasedUncommitted;
    assert_eq!(model.counts.iter().filter(released).count(), 2, "both are counted");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_served_model_that_is_not_approved_is_withheld() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer(200, &chat("Hi").replace("gpt-4o-2025-12-17", "gpt-3.5-turbo-0125"));
    model.ack(Kind::Outcome);
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(403));
    assert_eq!(model.client_got(), None);
    assert_eq!(model.outcome()["outcome"], "denied");
    assert_eq!(model.outcome()["served_model"], "gpt-3.5-turbo-0125");
}

#[wasm_bindgen_test(unsupported = test)]
fn every_early_end_leaves_exactly_one_outcome() {
    type Step = fn(&mut Model);
    let steps: [Step; 5] = [
        |model| {
            let post = [(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
            model.request_headers(&post);
        },
        |model| {
            let body = ask_stream("gpt-4o-2025-12-17");
            model.request_body(body.as_bytes(), End::OfStream);
        },
        |model| {
            model.ack(Kind::Intent);
        },
        |model| {
            model.answer_headers(200, &[("content-type", SSE)], End::Open);
        },
        |model| {
            model.answer_body(b"data: {\"choices\":[]}\n\n", End::Open);
        },
    ];
    let cases = [
        (Ending::ClientLeft, ["aborted", "aborted", "aborted", "aborted", "aborted"]),
        (Ending::UpstreamFailed, ["aborted", "upstream_error", "upstream_error", "cut", "cut"]),
    ];
    for (ending, expected) in cases {
        for (taken, outcome) in expected.iter().enumerate() {
            let mut model = Model::new(SEED);
            steps.iter().take(taken + 1).for_each(|step| step(&mut model));
            model.done(ending).done(ending);
            assert_eq!(model.outcome()["outcome"], *outcome, "{ending:?} after step {taken}");
        }
    }
}
