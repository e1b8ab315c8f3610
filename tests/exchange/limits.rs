//! What is refused or passed without being read: bad input, limits, other traffic.

use super::*;

#[wasm_bindgen_test(unsupported = test)]
fn what_cannot_be_read_is_refused_with_its_reason() {
    let deep = format!(r#"{{"messages":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let twice = r#"{"model":"gpt-4o-2025-12-17","model":"gpt-3.5-turbo","messages":[]}"#;
    let shouted = r#"{"model":"gpt-4o-2025-12-17","MODEL":"gpt-3.5-turbo","messages":[]}"#;
    let cases: [(&str, &str, &str); 8] = [
        (CHAT, shouted, "duplicate_key"),
        (CHAT, "{\"model\":", "malformed_json"),
        (CHAT, "", "no_body"),
        (CHAT, "[1,2,3]", "unknown_shape"),
        (CHAT, &deep, "too_deep"),
        (CHAT, twice, "duplicate_key"),
        ("/v1/unheard_of", "{}", "unknown_path"),
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
fn a_request_unreadable_by_its_head_is_recorded_and_refused_by_its_path() {
    let azure = "/openai/deployments/prod/chat/completions";
    for (path, header, reason, provider, deployed, refused) in [
        ("/v2/chat", ("content-type", "text/plain"), "unknown_content", "cohere", None, "/message"),
        ("/v2/chat", ("content-encoding", "a, b"), "encoding", "cohere", None, "/message"),
        (
            azure,
            ("api-key", "b"),
            "duplicate_header",
            "azure.ai.openai",
            Some("prod"),
            "/error/code",
        ),
        ("/v1/complete", ("x", "y"), "unknown_content", "anthropic", None, "/error/type"),
    ] {
        let mut model = Model::new(SEED);
        let mut headers = vec![(":method", "POST"), (":path", path), ("api-key", "a"), header];
        if header.0 != "content-type" && header.0 != "x" {
            headers.push(("content-type", JSON));
        }
        model.request_headers(&headers).request_body(b"{}", End::OfStream);
        let outcome = model.outcome();
        assert_eq!(outcome["unread"], reason, "{path}");
        assert_eq!(outcome["provider"], provider, "{path} {reason}");
        assert_ne!(outcome["operation"], "unknown", "{path} {reason}");
        assert_eq!(outcome["model"], deployed.unwrap_or("unknown"), "{path} {reason}");
        model.ack(Kind::Outcome);
        let body = model.reply.clone().expect("a refusal").body;
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert!(body.pointer(refused).is_some(), "{path} {reason}: {body}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn unreadable_allow_passes_with_a_record() {
    let mut model = Model::new("policies: []\nunreadable: allow\n");
    model.post("/v1/unheard_of", "{}").ack(Kind::Intent);
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

    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-3.5-turbo-0125")).answer_head(408, &[], End::OfStream, true);
    assert_eq!(model.header(Side::Response, "x-decision-id"), Some(ID));
    model.ack(Kind::Outcome).done(Ending::Complete);
    assert_eq!(model.reply, None, "Envoy has answered while the refusal waited for its ack");
    assert_eq!(model.outcome()["outcome"], "denied");
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

#[wasm_bindgen_test(unsupported = test)]
fn an_answer_that_was_not_read_does_not_pass_a_policy_that_would_refuse_it() {
    let policy = "policies:\n- {name: secret, trigger: \"output.contains('S')\", action: deny}\n";
    type Step = fn(&mut Model);
    let unread: [(&str, Step); 3] = [
        ("encoding", |model| {
            let headers = [("content-type", JSON), ("content-encoding", "br")];
            model.answer_headers(200, &headers, End::Open).answer_body(b"\x0b", End::OfStream);
        }),
        ("malformed_json", |model| {
            model.answer(200, "{\"choices\":[");
        }),
        ("truncated", |model| {
            let body = " ".repeat(5000);
            model.answer(200, &body);
        }),
    ];
    for (reason, answer) in unread {
        let mut model = Model::with_budget(policy, 4000);
        model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
        answer(&mut model);
        assert_eq!(model.outcome()["unread"], reason);
        model.ack(Kind::Outcome);
        assert_eq!(model.reply.as_ref().map(|reply| reply.status), Some(403), "{reason}");
        assert_eq!(model.client_got(), None, "{reason}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_answer_from_within_the_chain_is_held_like_a_provider_s() {
    let mut model = Model::new("policies: []\n");
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer_head(200, &[("content-type", JSON)], End::Open, true);
    model.answer_body(chat("From a cache.").as_bytes(), End::OfStream);
    assert_eq!(model.client_got(), None);
    model.ack(Kind::Outcome);
    assert!(model.client_got().is_some());
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_prompt_that_was_not_read_whole_does_not_pass_a_policy_on_its_categories() {
    let long = format!("{} mail ann@example.com", "word ".repeat(1 << 18));
    for prompt in [json!(long), json!([[1, 2, 3]])] {
        let body = json!({"model": "m", "prompt": prompt}).to_string();
        let policy = "policies:\n- {name: p, trigger: \"category == 'pii'\", action: deny}\n";
        let mut model = Model::new(policy);
        model.post("/v1/completions", &body);
        let outcome = model.outcome();
        assert_eq!(outcome["unread"], "truncated");
        assert_eq!(outcome["triggered"][0]["failure"], "truncated");
        assert_eq!(outcome["outcome"], "denied");

        // What is judged with the answer knows it as well, though the prompt itself is not kept.
        let trigger = "status == 200 && category == 'pii'";
        let policy = format!("policies:\n- {{name: p, trigger: \"{trigger}\", action: deny}}\n");
        let mut model = Model::new(&policy);
        model.post("/v1/completions", &body).ack(Kind::Intent);
        model.answer(200, r#"{"model":"m","choices":[{"text":"ok"}]}"#).ack(Kind::Outcome);
        assert_eq!(model.outcome()["outcome"], "denied");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_request_that_cannot_be_rewritten_goes_nowhere() {
    let policy = "policies: []\nmodels: {pins: {m: m-001}}\n";
    let chat = r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#;
    let contents = r#"{"contents":[{"parts":[{"text":"hi"}]}]}"#;
    type Fails = fn(&Effect) -> bool;
    let cases: [(&str, &str, Fails); 3] = [
        (CHAT, chat, |effect| matches!(effect, Effect::RequestBody(_))),
        (CHAT, chat, |effect| matches!(effect, Effect::RequestHeader("content-length", _))),
        ("/v1beta/models/m:generateContent", contents, |effect| {
            matches!(effect, Effect::RequestHeader(":path", _))
        }),
    ];
    for (path, body, fails) in cases {
        let mut model = Model::new(policy);
        model.fails = fails;
        model.post(path, body);
        assert!(model.reset, "{path}");
        model.ack(Kind::Intent).done(Ending::Complete);
        assert_eq!(model.provider_got(), None, "{path}");
        assert_eq!(model.line(Kind::Intent)["record"]["model"], "m-001", "{path}");
        assert_eq!(model.outcome()["outcome"], "aborted", "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_an_answer_that_cannot_be_replaced_is_cut_and_its_outcome_kept() {
    let mut model = Model::new(SHIPPED);
    model.fails = |effect| matches!(effect, Effect::ResponseBody(_));
    model.post(CHAT, &ask("gpt-4o-2025-12-17")).ack(Kind::Intent);
    let mut answer: Value = serde_json::from_str(&chat("Hello.")).expect("JSON");
    answer["choices"][0]["logprobs"] = json!({"content": [{"token": "Hello", "logprob": -0.1}]});
    model.answer(200, &answer.to_string());
    assert!(model.reset);
    assert_eq!(model.outcome()["outcome"], "completed", "it speaks of the provider");
    model.ack(Kind::Outcome).done(Ending::Complete);
    assert_eq!(model.client_got(), None);

    // Of a stream that is stripped on its way not even the chunk passes that could not be replaced.
    let mut model = Model::new(SHIPPED);
    model.fails = |effect| matches!(effect, Effect::ResponseBody(_));
    model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer_headers(200, &[("content-type", SSE)], End::Open);
    let event = "data: {\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[]}}]}\n\n";
    model.answer_body(event.as_bytes(), End::Open).done(Ending::Complete);
    assert_eq!(model.client_got().as_deref(), Some(""));
    assert_eq!(model.outcome()["outcome"], "aborted");
}
