//! Refusals that no trigger asks for: limits, pins that cannot be made, models that a path names
//! where the body cannot be read. The record says which rule refused.

use super::*;

const EVIL: &str = "/v1beta/models/evil:generateContent";
/// A key that is read stands twice.
const TWICE: &str = r#"{"contents":[{"parts":[{"text":"x","text":"x"}]}]}"#;

/// The record and the answer's flags name `rule`, which fired and refused.
fn check(model: &mut Model, rule: &str) {
    let outcome = model.outcome();
    let entry = json!({"policy": rule, "result": "fired", "failure": null, "action": "deny",
        "enforced": true, "phase": "request"});
    let triggered = outcome["triggered"].as_array().expect("a list").clone();
    let without = |mut one: Value| {
        one.as_object_mut().expect("an object").entry("failure").or_insert(Value::Null);
        one
    };
    let refusing = |one: &Value| one["policy"] == rule && one["action"] == "deny";
    let refused: Vec<Value> = triggered.into_iter().filter(refusing).map(without).collect();
    assert_eq!(refused, [entry], "{rule}");
    assert_eq!(outcome["actions"][0], "deny", "{rule}");
    assert_eq!(outcome["outcome"], "denied", "{rule}");
    model.ack(Kind::Outcome);
    if let Some(reply) = &model.reply {
        let flags = reply.headers.iter().find(|(name, _)| *name == "x-decision-flags");
        let flags = flags.map(|(_, value)| value.as_str()).unwrap_or_default();
        assert!(flags.split(", ").any(|flag| flag == rule), "{rule}: {flags}");
    }
    assert_eq!(model.provider_got(), None, "{rule}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_limit_that_refuses_is_named_in_the_record() {
    let post = [(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
    let mut model = Model::new(SEED);
    model.request_headers(&[post.as_slice(), &[("content-length", "99999999")]].concat());
    check(&mut model, "request_bytes_max");

    let mut model = Model::with_budget(SEED, 1000);
    model.request_headers(&post).request_body(&[b' '; 1001], End::Open);
    check(&mut model, "body_budget");

    let mut model = Model::new(SEED);
    model.request_headers(&post);
    model.on(Event::HoldBroken);
    check(&mut model, "hold");

    let mut model = Model::new(SEED);
    model.post(CHAT, "{");
    check(&mut model, "unreadable");

    // Envoy's own refusal is out already.
    let mut model = Model::new(SEED);
    model.request_headers(&post).request_body(b"{", End::Open);
    model.answer_head(413, &[], End::OfStream, true);
    check(&mut model, "envoy.request_bytes_max");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pin_that_cannot_be_made_is_named_in_the_record() {
    let mut model = Model::new("policies: []\nmodels: {pins: {m: m-001}}\n");
    let signature = "AWS4-HMAC-SHA256 Credential=a/20260101/x/bedrock, Signature=b";
    model.request_headers(&[
        (":method", "POST"),
        (":path", "/model/m/converse"),
        ("content-type", JSON),
        ("authorization", signature),
    ]);
    model.request_body(br#"{"messages":[]}"#, End::OfStream);
    check(&mut model, "models.pins");
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_model_in_the_path_is_judged_also_where_the_body_cannot_be_read() {
    let allowed = "policies:\n- {name: approved, allowed: ['a']}\n";
    let floating =
        "policies: []\nmodels: {floating: deny, rules: [{match: evil, class: floating}]}\n";
    for (policy, rule) in [(allowed, "approved"), (floating, "models.floating")] {
        for unreadable in ["flag", "allow"] {
            let mut model = Model::new(&format!("{policy}unreadable: {unreadable}\n"));
            model.post(EVIL, TWICE);
            assert_eq!(model.outcome()["unread"], "duplicate_key");
            check(&mut model, rule);
        }
    }
    // In the query; of a deployment the model that it is mapped to.
    let mut model = Model::new(&format!("{allowed}unreadable: flag\n"));
    let path = "/v1/realtime?model=evil";
    model.request_headers(&[(":method", "GET"), (":path", path), ("upgrade", "websocket")]);
    check(&mut model, "approved");
    let mut model = Model::new(&format!("{allowed}unreadable: flag\n"));
    model.post("/v1/chat/completions?model=evil", "{");
    assert_eq!(model.outcome()["unread"], "malformed_json");
    assert_eq!(model.outcome()["model"], "evil");
    check(&mut model, "approved");
    let deployed = format!("{allowed}models: {{deployments: {{prod: a}}}}\nunreadable: flag\n");
    for (deployment, sent) in [("prod", true), ("other", false)] {
        let mut model = Model::new(&deployed);
        let path = format!("/openai/deployments/{deployment}/chat/completions");
        model.post(&path, "{");
        assert_eq!(model.lines[0].kind == Kind::Intent, sent, "{deployment}");
    }
    // What names no model is the operator's own word.
    let mut model = Model::new(&format!("{allowed}unreadable: flag\n"));
    model.post(CHAT, "{").ack(Kind::Intent);
    assert!(model.provider_got().is_some());
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pin_is_made_in_the_path_or_the_request_is_refused() {
    let policy = "policies:\n- {name: approved, allowed: ['good']}\n\
                  models: {pins: {evil: good}}\nunreadable: allow\n";
    let mut model = Model::new(policy);
    model.post(EVIL, TWICE).ack(Kind::Intent);
    let path = Some("/v1beta/models/good:generateContent");
    assert_eq!(model.header(Side::Request, ":path"), path);
    assert_eq!(model.provider_got().as_deref(), Some(TWICE), "the body is as it came");
    assert_eq!(model.line(Kind::Intent)["record"]["model"], "good");
    assert_eq!(model.line(Kind::Intent)["record"]["requested_model"], "evil");

    let mut model = Model::new(policy);
    let path = "/v1/realtime?model=evil";
    model.request_headers(&[(":method", "GET"), (":path", path), ("upgrade", "websocket")]);
    check(&mut model, "models.pins");
    let body = model.reply.clone().expect("a refusal").body;
    assert!(String::from_utf8_lossy(&body).contains("ask for `good` itself"));

    // In the query, or where the body that cannot be read may name the model once more.
    for path in [
        "/v1/chat/completions?model=evil",
        "/v1/projects/p/locations/l/publishers/mistralai/models/evil:rawPredict",
        "/v1/projects/p/locations/l/publishers/anthropic/models/evil:rawPredict",
        "/v1beta/models/evil:batchEmbedContents",
    ] {
        let mut model = Model::new(policy);
        model.post(path, "{");
        assert_eq!(model.outcome()["unread"], "malformed_json", "{path}");
        check(&mut model, "models.pins");
        assert_eq!(model.provider_got(), None, "{path}");
    }
    let mut model = Model::new(policy);
    model.post("/model/evil/converse", "{").ack(Kind::Intent);
    assert_eq!(model.header(Side::Request, ":path"), Some("/model/good/converse"));
}
