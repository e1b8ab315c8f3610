//! Life of an exchange, driven event by event through a model of Envoy. The same functions run
//! natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

mod support {
    pub mod model;
}

use governance_filter::exchange::{Commit, Counter, End, Ending, Event, Side};
use governance_filter::record::{Kind, sha256_hex};
use serde_json::{Value, json};
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
fn a_stream_flows_and_its_terminal_event_waits_at_every_split() {
    let stream = chat_stream();
    let terminal = stream.find("data: [DONE]").expect("it has one");
    for cut in 0..=stream.len() {
        let mut model = Model::new(SEED);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let (first, second) = stream.as_bytes().split_at(cut);
        model.answer_body(first, End::Open).answer_body(second, End::Open);
        let got = model.client_got().expect("headers");
        assert!(!got.contains("[DONE]"), "cut at {cut}: the terminal event before its ack");
        if cut <= terminal && first.ends_with(b"\n\n") {
            assert_eq!(got.as_bytes(), first, "cut at {cut}: whole events flow at once");
        }
        assert_eq!(model.outcome()["outcome"], "completed", "cut at {cut}");
        assert_eq!(model.line(Kind::Outcome)["output_summary"], "Héllo", "cut at {cut}");
        model.ack(Kind::Outcome).answer_body(b"", End::OfStream);
        assert_eq!(model.client_got().as_deref(), Some(stream.as_str()), "cut at {cut}");
        assert!(model.client_got_end(), "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_uncommitted_stream_ends_in_an_error_event_at_every_split() {
    let stream = chat_stream();
    for cut in 0..=stream.len() {
        let mut model = Model::new(SEED);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let (first, second) = stream.as_bytes().split_at(cut);
        model.answer_body(first, End::Open).answer_body(second, End::Open);
        model.commit(Kind::Outcome, Commit::Expired).answer_body(b"", End::OfStream);
        let got = model.client_got().expect("headers");
        assert!(!got.contains("[DONE]"), "cut at {cut}");
        let last = got.trim_end().rsplit("\n\n").next().expect("an event");
        let error: Value = serde_json::from_str(last.trim_start_matches("data: ")).expect("JSON");
        assert!(error["error"]["message"].as_str().is_some_and(|m| m.contains(ID)), "cut at {cut}");
        assert_eq!(model.line(Kind::Delivery)["record"]["delivery"], "withheld");
    }
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
fn what_cannot_be_read_is_refused_with_its_reason() {
    let deep = format!(r#"{{"messages":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let twice = r#"{"model":"gpt-4o-2025-12-17","model":"gpt-3.5-turbo","messages":[]}"#;
    let cases: [(&str, &str, &str); 7] = [
        (CHAT, "{\"model\":", "malformed_json"),
        (CHAT, "", "no_body"),
        (CHAT, "[1,2,3]", "unknown_shape"),
        (CHAT, &deep, "too_deep"),
        (CHAT, twice, "duplicate_key"),
        ("/v1/responses", "{}", "unknown_path"),
        ("/admin/shutdown", "{}", "unknown_path"),
    ];
    for (path, body, reason) in cases {
        let mut model = Model::new(SEED);
        model.post(path, body);
        assert_eq!(model.outcome()["unread"], reason, "{path} {reason}");
        model.ack(Kind::Outcome);
        assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(403), "{reason}");
        assert_eq!(model.provider_got(), None, "{reason}");
        assert_eq!(model.outcome()["input_hash"], sha256_hex(body.as_bytes()), "{reason}");
        assert_eq!(model.outcome()["model"], "unknown", "{reason}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_key_that_stands_twice_is_refused_also_where_envoy_joined_it() {
    let cases: [(&[&str], bool); 6] = [
        (&["Bearer a", "Bearer b"], true),
        (&["Bearer a,Bearer b"], true),
        (&["bearer a, b"], true),
        (&["Custom a,Basic b"], true),
        (&["AWS4-HMAC-SHA256 Credential=a, Signature=b"], false),
        (&["Bearer a"], false),
    ];
    for (values, refused) in cases {
        let mut model = Model::new(SEED);
        let mut headers = vec![(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
        headers.extend(values.iter().map(|value| ("authorization", *value)));
        model.request_headers(&headers);
        let body = r#"{"model":"gpt-4o-2025-12-17","messages":[]}"#;
        model.request_body(body.as_bytes(), End::OfStream);
        let denied = model.lines.iter().any(|line| line.kind == Kind::Outcome);
        assert_eq!(denied, refused, "{values:?}");
        if refused {
            assert_eq!(model.outcome()["unread"], "duplicate_header", "{values:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_compressed_stream_is_read_alike_however_it_is_cut() {
    let request = r#"{"model":"claude-sonnet-4-6","stream":true,"messages":[]}"#;
    let stop = r#"{"type":"message_stop"}"#;
    let text = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}"#;
    let stream = format!("data: {text}\n\ndata: {stop}\n\n");
    let mut wire = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut wire, stream.as_bytes()).expect("writing to memory");
    let wire = wire.finish().expect("writing to memory");
    for cut in 1..wire.len() {
        let mut model = Model::new(SEED);
        model.post("/v1/messages", request).ack(Kind::Intent);
        let headers = [("content-type", SSE), ("content-encoding", "gzip")];
        model.answer_headers(200, &headers, End::Open);
        model.answer_body(&wire[..cut], End::Open).answer_body(&wire[cut..], End::OfStream);
        assert_eq!(model.outcome()["outcome"], "completed", "cut at {cut}");
        assert_eq!(model.outcome()["unread"], Value::Null, "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn unreadable_allow_passes_with_a_record() {
    let mut model = Model::new("policies: []\nunreadable: allow\n");
    model.post("/v1/responses", "{}").ack(Kind::Intent);
    assert_eq!(model.provider_got().as_deref(), Some("{}"));
    model.answer(200, "{\"a\":1}");
    assert_eq!(model.client_got(), None);
    model.ack(Kind::Outcome);
    assert_eq!(model.client_got().as_deref(), Some("{\"a\":1}"));
    assert_eq!(model.outcome()["unread"], "unknown_path");
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_no_inference_passes_untouched_and_counted() {
    let mut model = Model::new(SEED);
    model.request_head(&[(":method", "GET"), (":path", "/v1/models")], End::OfStream);
    assert!(model.provider_got().is_some());
    model.answer(200, "{}").done(Ending::Complete);
    assert_eq!(model.client_got().as_deref(), Some("{}"));
    assert!(model.lines.is_empty(), "no row");
    assert_eq!(model.counts, [Counter::Passed]);
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

#[wasm_bindgen_test(unsupported = test)]
fn envoys_own_refusals_are_recorded() {
    let mut model = Model::new(SEED);
    model.request_headers(&[(":method", "POST"), (":path", CHAT), ("content-type", JSON)]);
    model.request_body(b"{\"model\":", End::Open);
    model.answer_head(413, &[], End::OfStream, true);
    assert_eq!(model.outcome()["outcome"], "denied");
    assert_eq!(model.outcome()["unread"], "input_incomplete");
    assert_eq!(model.outcome()["status"], 413);

    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer_head(503, &[], End::OfStream, true).done(Ending::Complete);
    assert_eq!(model.outcome()["outcome"], "upstream_error");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_body_over_the_limit_or_the_budget_is_refused_with_a_record() {
    let post = [(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
    let mut model = Model::new(SEED);
    let announced = [post.as_slice(), &[("content-length", "99999999")]].concat();
    model.request_headers(&announced).ack(Kind::Outcome);
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(413));
    assert_eq!(model.outcome()["unread"], "input_incomplete");

    let mut model = Model::with_budget(SEED, 1000);
    model.request_headers(&post).request_body(&[b' '; 1001], End::Open).ack(Kind::Outcome);
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(503));
    assert_eq!(model.outcome()["outcome"], "denied");
    assert!(model.counts.contains(&Counter::OverBudget));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_gateway_that_does_not_hold_headers_is_found_out() {
    let mut model = Model::new(SEED);
    let headers =
        [(":method", "POST"), (":path", CHAT), ("content-type", JSON), ("content-length", "9")];
    model.request_headers(&headers);
    model.on(Event::HoldBroken);
    model.ack(Kind::Outcome);
    let reply = model.reply.clone().expect("a refusal");
    assert_eq!(reply.status, 503);
    assert!(String::from_utf8_lossy(&reply.body).contains("allow_on_headers_stop_iteration"));
}

/// Random schedules: acks late, doubled, refused or never; either side dying at any moment;
/// chunks cut anywhere. The model asserts the invariants at every step.
#[wasm_bindgen_test(unsupported = test)]
fn no_schedule_breaks_an_invariant() {
    for seed in 1..=4000_u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut model = Model::new(if random.below(4) == 0 { SHIPPED } else { SEED });
        let streamed = random.below(2) == 0;
        let request =
            if streamed { ask_stream("gpt-4o-2025-12-17") } else { ask("gpt-4o-2025-12-17") };
        let answer = if streamed { chat_stream() } else { chat("Hello.") };
        run(&mut model, &mut random, request.as_bytes(), answer.as_bytes(), streamed);
        let outcomes = model.lines.iter().filter(|line| line.kind == Kind::Outcome).count();
        assert_eq!(outcomes, 1, "seed {seed}: exactly one outcome");
    }
}

fn run(model: &mut Model, random: &mut Random, request: &[u8], answer: &[u8], streamed: bool) {
    model.request_headers(&[(":method", "POST"), (":path", CHAT), ("content-type", JSON)]);
    for (chunk, end) in random.pieces(request) {
        if random.below(40) == 0 {
            model.done(Ending::ClientLeft);
            return;
        }
        model.request_body(chunk, end);
    }
    random.settle(model, Kind::Intent);
    if model.provider_got().is_some() && model.reply.is_none() {
        let content_type = if streamed { SSE } else { JSON };
        model.answer_headers(200, &[("content-type", content_type)], End::Open);
        for (chunk, end) in random.pieces(answer) {
            if random.below(30) == 0 {
                let endings = [Ending::ClientLeft, Ending::UpstreamFailed];
                model.done(endings[random.below(2)]);
                return;
            }
            model.answer_body(chunk, end);
            if model.waiting.contains(&Kind::Outcome) && random.below(2) == 0 {
                random.settle(model, Kind::Outcome);
            }
        }
        random.settle(model, Kind::Outcome);
    }
    model.done(Ending::Complete);
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    /// A body in pieces; the end comes with the last one or on an empty frame of its own.
    fn pieces<'a>(&mut self, body: &'a [u8]) -> Vec<(&'a [u8], End)> {
        let mut pieces = Vec::new();
        let mut rest = body;
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(1 + self.below(rest.len()));
            pieces.push((piece, End::Open));
            rest = more;
        }
        match pieces.last_mut() {
            Some(last) if self.below(2) == 0 => last.1 = End::OfStream,
            _ => pieces.push((&[], End::OfStream)),
        }
        pieces
    }

    fn settle(&mut self, model: &mut Model, kind: Kind) {
        if !model.waiting.contains(&kind) {
            return;
        }
        match self.below(8) {
            0 => model.commit(kind, Commit::Expired),
            1 => model.commit(kind, Commit::Refused),
            2 => model.commit(kind, Commit::Expired).ack(kind),
            3 => model.ack(kind).ack(kind),
            _ => model.ack(kind),
        };
    }
}
