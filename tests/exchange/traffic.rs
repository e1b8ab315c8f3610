//! Traffic beyond one chat API: models in paths, signed requests, answers that come later, and
//! what is known of a request that cannot be read.

use super::*;

const PINNED: &str = "
policies:
- {name: models, allowed: [\"amazon.nova-lite-v1:0\", \"gpt-4o-2025-12-17\"], action: deny}
models:
  pins: {nova: \"amazon.nova-lite-v1:0\", gpt-4o: gpt-4o-2025-12-17}
";
const CONVERSE: &str = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
const SIGNATURE: &str = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/bedrock/\
                         aws4_request, SignedHeaders=accept-encoding;host;x-amz-date, \
                         Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";

fn converse<'a>(model: &mut Model, path: &str, more: &[(&'a str, &'a str)]) {
    let mut headers = vec![(":method", "POST"), (":path", path), ("content-type", JSON)];
    headers.extend_from_slice(more);
    model.request_headers(&headers).request_body(CONVERSE.as_bytes(), End::OfStream);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pin_is_kept_in_the_path_where_the_model_stands_there() {
    let mut model = Model::new(PINNED);
    converse(&mut model, "/model/nova/converse", &[("authorization", "Bearer key")]);
    assert_eq!(
        model.header(Side::Request, ":path"),
        Some("/model/amazon.nova-lite-v1%3A0/converse")
    );
    model.ack(Kind::Intent);
    assert_eq!(model.provider_got().as_deref(), Some(CONVERSE), "the body as it came");
    let intent = model.line(Kind::Intent)["record"].clone();
    assert_eq!(intent["requested_model"], "nova");
    assert_eq!(intent["model"], "amazon.nova-lite-v1:0");
    assert_eq!(intent["provider"], "aws.bedrock");
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_signed_request_is_refused_where_a_pin_would_break_its_signature() {
    let mut model = Model::new(PINNED);
    converse(&mut model, "/model/nova/converse", &[("authorization", SIGNATURE)]);
    assert_eq!(model.lines.len(), 1, "only the refusal is recorded");
    model.ack(Kind::Outcome);
    let reply = model.reply.as_ref().expect("a refusal");
    assert_eq!(reply.status, 403);
    assert!(reply.headers.contains(&("x-amzn-errortype", "AccessDeniedException".to_owned())));
    let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
    let message = body["message"].as_str().expect("a message");
    assert!(message.contains("AWS signature") && message.contains(ID), "{message}");
    assert!(message.contains("`amazon.nova-lite-v1:0`"), "{message}");
    assert_eq!(model.provider_got(), None);
    assert_eq!(model.outcome()["outcome"], "denied");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_signed_request_goes_up_as_it_came() {
    let mut model = Model::new(PINNED);
    let path = "/model/amazon.nova-lite-v1%3A0/converse";
    converse(&mut model, path, &[("authorization", SIGNATURE), ("accept-encoding", "gzip")]);
    model.ack(Kind::Intent);
    assert_eq!(model.provider_got().as_deref(), Some(CONVERSE));
    let touched: Vec<_> =
        model.headers.iter().filter(|(side, ..)| *side == Side::Request).collect();
    assert!(touched.is_empty(), "the signature covers accept-encoding: {touched:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_unsigned_request_asks_for_no_coding() {
    let mut model = Model::new(PINNED);
    let path = "/model/amazon.nova-lite-v1%3A0/converse?X-Amz-Signature=";
    converse(&mut model, path, &[("accept-encoding", "gzip")]);
    let removed = (Side::Request, "accept-encoding", None);
    assert!(model.headers.contains(&removed), "a presigned URL covers its own headers only");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_answer_that_comes_later_is_recorded_when_it_is_fetched() {
    let asked = r#"{"model":"gpt-4o-2025-12-17","input":"hi","background":true}"#;
    let mut model = Model::new(PINNED);
    model.post("/v1/responses", asked).ack(Kind::Intent);
    let queued = r#"{"id":"resp_1","object":"response","status":"queued","output":[],
                     "model":"gpt-4o-2025-12-17","error":null}"#;
    model.answer(200, queued);
    assert_eq!(model.outcome()["unread"], "deferred");

    let mut model = Model::new(PINNED);
    let headers = [(":method", "GET"), (":path", "/v1/responses/resp_1")];
    model.request_head(&headers, End::OfStream);
    assert_eq!(model.provider_got(), None, "the answer is governed like any other");
    model.ack(Kind::Intent);
    let done = r#"{"id":"resp_1","object":"response","status":"completed",
        "model":"gpt-4o-mini-2024-07-18","error":null,"output":[{"type":"message",
        "content":[{"type":"output_text","text":"Hi.","annotations":[]}]}],"usage":null}"#;
    model.answer(200, done);
    assert_eq!(model.outcome()["unread"], "deferred", "its request is another decision's");
    assert_eq!(model.outcome()["served_model"], "gpt-4o-mini-2024-07-18");
    assert_eq!(model.outcome()["outcome"], "denied", "the served model is not approved");
}

#[wasm_bindgen_test(unsupported = test)]
fn an_answer_that_is_stopped_is_governed_as_far_as_it_came() {
    let mut model = Model::new(PINNED);
    model.post("/v1/responses/resp_1/cancel", "").ack(Kind::Intent);
    let stopped = r#"{"id":"resp_1","object":"response","status":"cancelled","error":null,
        "model":"gpt-4o-mini-2024-07-18","output":[{"type":"message",
        "content":[{"type":"output_text","text":"Hi.","annotations":[]}]}]}"#;
    model.answer(200, stopped);
    assert_eq!(model.outcome()["served_model"], "gpt-4o-mini-2024-07-18");
    assert_eq!(model.outcome()["outcome"], "denied", "the served model is not approved");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_job_whose_input_is_not_read_is_what_unreadable_says() {
    for (more, outcome) in [("", Some("denied")), ("unreadable: flag\n", None)] {
        let mut model = Model::new(&format!("{PINNED}{more}"));
        model.post("/v1/batches", r#"{"input_file_id":"file-1"}"#);
        match outcome {
            Some(outcome) => assert_eq!(model.outcome()["outcome"], outcome),
            None => {
                model.ack(Kind::Intent).answer(200, "{}");
                assert_eq!(model.outcome()["outcome"], "completed");
                assert_eq!(model.outcome()["actions"], json!(["flag_for_review"]));
            }
        }
        assert_eq!(model.outcome()["unread"], "deferred");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_upgrade_is_recorded_with_the_model_that_its_query_names() {
    let mut model = Model::new("policies: []\nunreadable: flag\n");
    let headers = [
        (":method", "GET"),
        (":path", "/v1/realtime?model=gpt-realtime-2025-08-28"),
        ("upgrade", "websocket"),
        ("authorization", "Bearer key"),
    ];
    model.request_headers(&headers).ack(Kind::Intent);
    model.answer_headers(101, &[("upgrade", "websocket")], End::Open).ack(Kind::Outcome);
    let outcome = model.outcome();
    assert_eq!(outcome["requested_model"], "gpt-realtime-2025-08-28");
    assert_eq!((&outcome["unread"], &outcome["status"]), (&json!("upgrade"), &json!(101)));
    assert!(outcome["caller"].as_str().expect("a caller").starts_with("key:"));
}

#[wasm_bindgen_test(unsupported = test)]
fn categories_are_found_in_all_that_the_client_is_told() {
    let message = |member: &str, text: Value| {
        let mut message = json!({"content": null});
        message[member] = text;
        json!({"choices": [{"index": 0, "message": message}]}).to_string()
    };
    let call = json!([{"id": "a", "type": "function", "function": {"name": "pay",
        "arguments": "{\"to\":\"ann@example.com\"}"}}]);
    for answer in [
        message("content", json!("To ann@example.com.")),
        message("reasoning_content", json!("To ann@example.com?")),
        message("refusal", json!("Not to ann@example.com.")),
        message("tool_calls", call),
    ] {
        let mut model = Model::new("policies: []\n");
        model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent).answer(200, &answer);
        assert_eq!(model.outcome()["categories"], json!(["pii"]), "{answer}");
        assert_eq!(model.outcome()["unread"], Value::Null, "{answer}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_question_that_carries_a_body_or_another_method_does_not_pass() {
    let cases: [(&str, &str, Option<&str>, End, bool); 8] = [
        ("OPTIONS", CHAT, None, End::OfStream, true),
        ("OPTIONS", CHAT, None, End::Open, false),
        ("OPTIONS", CHAT, Some("x-http-method-override"), End::OfStream, false),
        ("OPTIONS", "/v1/models", Some("x-method-override"), End::OfStream, false),
        ("GET", "/v1/models", Some("x-http-method"), End::OfStream, false),
        ("GET", "/v1/models", None, End::OfStream, true),
        ("GET", "/v1/batches", Some("x-http-method-override"), End::OfStream, false),
        ("POST", "/v1/tokenize", Some("x-http-method-override"), End::OfStream, true),
    ];
    for (method, path, header, end, passes) in cases {
        let mut model = Model::new("policies: []\nunreadable: deny\n");
        let mut headers = vec![(":method", method), (":path", path), ("content-type", JSON)];
        headers.extend(header.map(|name| (name, "POST")));
        model.request_head(&headers, end);
        if end == End::Open {
            model.request_body(ask("gpt-4o-2025-12-17").as_bytes(), End::OfStream);
        }
        let passed = model.counts.contains(&Counter::Passed);
        assert_eq!(passed, passes, "{method} {path} {header:?} {end:?}");
        if !passes {
            assert_eq!(model.outcome()["unread"], "unknown_content", "{method} {path} {header:?}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn images_are_counted_and_not_read() {
    let image = format!("data:image/png;base64,{}", "aW1h".repeat(1000));
    let body = json!({"model": "gpt-4o-2025-12-17", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is it?"},
        {"type": "image_url", "image_url": {"url": image}},
    ]}]});
    let mut model = Model::new(PINNED);
    model.post(CHAT, &body.to_string()).ack(Kind::Intent).answer(200, &chat("A cat."));
    assert_eq!(model.outcome()["media_parts"], 1);
    assert_eq!(model.outcome()["unread"], Value::Null);

    let text =
        json!({"model": "gpt-4o-2025-12-17", "messages": [{"role": "user", "content": image}]});
    let policy = "policies: [{name: gate, trigger: \"prompt.contains('cat')\", action: deny}]\n";
    let mut model = Model::new(policy);
    model.post(CHAT, &text.to_string()).ack(Kind::Outcome);
    assert_eq!(model.outcome()["media_parts"], 1);
    assert_eq!(model.outcome()["unread"], "truncated", "it stands where text is");
    assert_eq!(model.outcome()["triggered"][0]["failure"], "truncated");
    assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(403));
}

#[wasm_bindgen_test(unsupported = test)]
fn bedrock_counts_tokens_in_headers_where_the_body_does_not() {
    let headers = [
        ("content-type", JSON),
        ("x-amzn-bedrock-input-token-count", "18"),
        ("x-amzn-bedrock-output-token-count", "3"),
    ];
    let mistral = r#"{"outputs":[{"text":"Hi."}]}"#;
    let claude = r#"{"content":[],"usage":{"input_tokens":9,"output_tokens":2}}"#;
    let invoke = "/model/m/invoke";
    let prompt = r#"{"model":"m","prompt":"hi","messages":[]}"#;
    for (path, answer, counted) in [
        (invoke, mistral, json!([18, 3])),
        (invoke, claude, json!([9, 2])),
        (CHAT, r#"{"choices":[]}"#, json!([null, null])),
    ] {
        let mut model = Model::new("policies: []\n");
        model.post(path, prompt).ack(Kind::Intent).answer_headers(200, &headers, End::Open);
        model.answer_body(answer.as_bytes(), End::OfStream);
        let outcome = model.outcome();
        assert_eq!(json!([outcome["input_tokens"], outcome["output_tokens"]]), counted, "{path}");
    }
}
