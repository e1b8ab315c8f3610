//! Past calls judged anew by another policy: what their records tell, and what is said not to be
//! known. The same functions run natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic)] // Tests fail by panicking.

use governance_filter::policy::{PastResult, PastVerdict, Policy};
use governance_filter::record::Outcome;
use serde_json::{Value, json};
use wasm_bindgen_test::wasm_bindgen_test;

const THEN: &str = "policies:\n- name: old\n  trigger: confidence < 0.2\n  action: log\n";

fn policy(text: &str) -> Policy {
    Policy::parse(text).unwrap_or_else(|errors| panic!("{}", errors.display("governance.yml")))
}

/// A completed call, with some of its record's members changed.
fn record(changes: Value) -> Outcome {
    let mut record = json!({
        "v": 1, "decision_id": "d-019b0000000070008000000000000000",
        "created_at": "2026-03-15T12:00:01.000Z", "requested_at": "2026-03-15T03:00:00.000Z",
        "policy_version": "sha256:00", "model": "gpt-4o-2025-12-17",
        "requested_model": "gpt-4o-2025-12-17", "served_model": "gpt-4o-2025-12-17",
        "provider": "openai", "operation": "chat", "stream": false, "status": 200,
        "outcome": "completed", "categories": ["pii"], "actions": [], "triggered": [],
        "input_hash": "00", "input_bytes": 2, "input_tokens": 9, "output_tokens": 4,
        "usage": {"prompt_tokens_details": {"cached_tokens": 5}}, "finish_reason": "stop",
        "system_fingerprint": null, "refusal": false, "tool_names": ["send"],
        "confidence": 0.6, "confidence_source": "logprobs", "caller": "key:00ff",
        "route": "llm", "gateway": "gw", "trace_id": null, "request_id": null,
        "latency_ms": 20, "first_byte_ms": 10, "unread": null, "hold_mode": "strict",
        "output_summary_digest": "00"
    });
    let members = record.as_object_mut().expect("an object");
    members.extend(changes.as_object().expect("an object").clone());
    serde_json::from_value(record).expect("a record")
}

/// What one trigger comes to.
fn trigger(condition: &str, changes: Value) -> PastResult {
    let text = format!("policies:\n- name: new\n  trigger: \"{condition}\"\n  action: log\n");
    let verdict = policy(&text).judge_past(Some(&policy(THEN)), &record(changes));
    let mut named = verdict.policies.into_iter().filter(|rule| rule.policy == "new");
    named.next().expect("the policy").result
}

#[wasm_bindgen_test(unsupported = test)]
fn what_the_record_keeps_is_judged() {
    for condition in [
        "confidence < 0.75",
        "model == 'gpt-4o-2025-12-17' && provider == 'openai' && operation == 'chat'",
        "served_model == model && finish_reason == 'stop' && status == 200 && latency_ms == 20",
        "usage.input_tokens == 9 && usage.cached_tokens == 5",
        "tool_calls.exists(call, call.name == 'send')",
        "caller.api_key_hash == '00ff' && !has(caller.spiffe) && !has(caller.subject)",
        "now.hour == 3 && now.weekday == 0",
        "route == 'llm' && gateway == 'gw' && !input.stream && !refusal && model_pinned",
    ] {
        assert_eq!(trigger(condition, json!({})), PastResult::Fired, "{condition}");
        let negated = format!("!({condition})");
        assert_eq!(trigger(&negated, json!({})), PastResult::NotFired, "{negated}");
    }
}

/// A record does not tell the categories of the request from those of the answer.
#[wasm_bindgen_test(unsupported = test)]
fn categories_are_judged_as_far_as_their_time_does_not_matter() {
    let why = PastResult::Unknown("whether a category came with the answer is not kept");
    let cases = [
        ("category == 'pii'", json!(["pii"]), PastResult::Fired),
        ("'pii' in categories", json!(["pii"]), PastResult::Fired),
        ("category == 'legal'", json!(["pii"]), PastResult::NotFired),
        ("category == 'general'", json!(["pii"]), why.clone()),
        ("!('pii' in categories)", json!(["pii"]), why.clone()),
        ("'a' in categories && !('b' in categories)", json!(["a", "b"]), why),
        ("category == 'general'", json!([]), PastResult::Fired),
        ("category == 'pii'", json!([]), PastResult::NotFired),
        ("category == 'general' && status == 200", json!(["pii"]), PastResult::NotFired),
    ];
    for (condition, categories, result) in cases {
        let found = trigger(condition, json!({"categories": categories}));
        assert_eq!(found, result, "{condition} {categories}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_the_record_does_not_keep_is_unknown_unless_it_does_not_matter() {
    let unknown = [
        ("prompt.contains('x')", "`prompt` is not kept"),
        ("output.contains('x') || confidence < 0.1", "`output` is not kept"),
        ("request.path == '/v1'", "`request` is not kept"),
        ("input.images > 0", "`input` is not kept"),
        ("size(input.tools) > 3 && input.stream", "`input` is not kept"),
        ("caller.address == '::1'", "`caller`: only the strongest identity is kept"),
        ("size(caller) > 1", "`caller`: only the strongest identity is kept"),
        (
            "tool_calls.exists(call, call.arguments.contains('x'))",
            "`tool_calls`: arguments are not kept",
        ),
    ];
    for (condition, why) in unknown {
        assert_eq!(trigger(condition, json!({})), PastResult::Unknown(why), "{condition}");
    }
    let known = [
        ("prompt.contains('x') || confidence < 0.75", PastResult::Fired),
        ("prompt.contains('x') && confidence < 0.1", PastResult::NotFired),
        ("'caller.address' == model", PastResult::NotFired),
    ];
    for (condition, result) in known {
        assert_eq!(trigger(condition, json!({})), result, "{condition}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_confidence_that_nobody_stated_is_not_one_that_was_not_kept() {
    let none = json!({"confidence": null, "confidence_source": null});
    assert_eq!(trigger("confidence < 0.75", none.clone()), PastResult::NotFired);
    let text =
        "policies:\n- name: new\n  trigger: confidence < 0.75\n  action: log\n  on_error: fire\n";
    let verdict = policy(text).judge_past(Some(&policy(THEN)), &record(none.clone()));
    assert_eq!(verdict.policies.last().map(|rule| &rule.result), Some(&PastResult::Fired));
    // Other sources might have stated one.
    let elsewhere = "confidence: { from: [header] }\npolicies:\n- name: new\n  trigger: confidence < 0.75\n  action: log\n";
    let header_only = THEN.to_owned() + "confidence: { from: [header] }\n";
    let why = PastResult::Unknown("`confidence`: it is taken from other sources");
    for (candidate, then, changes) in
        [(elsewhere, THEN, json!({})), (THEN, header_only.as_str(), none)]
    {
        let verdict = policy(candidate).judge_past(Some(&policy(then)), &record(changes));
        assert_eq!(verdict.policies.last().map(|rule| &rule.result), Some(&why), "{candidate}");
    }
    let verdict = policy(THEN).judge_past(None, &record(json!({})));
    let why = "the policy in force then, which says how confidence was read";
    assert_eq!(verdict.policies.last().map(|rule| &rule.result), Some(&PastResult::Unknown(why)));
}

#[wasm_bindgen_test(unsupported = test)]
fn where_the_provider_was_not_asked_the_answer_is_unknown() {
    let denied = json!({"outcome": "denied", "latency_ms": null, "served_model": null});
    let why = PastResult::Unknown("the provider was not called");
    assert_eq!(trigger("status == 200", denied.clone()), why);
    assert_eq!(trigger("category == 'pii'", denied), PastResult::Fired, "of the request");
    let gone = json!({"outcome": "aborted", "first_byte_ms": null, "status": null});
    assert_eq!(trigger("status != 200", gone), PastResult::Unknown("no answer came"));
    let pinned = "models: { pins: { gpt-4o-2025-12-17: gpt-5-2026-01-01 } }\npolicies:\n- name: new\n  trigger: status == 200\n  action: log\n";
    let verdict = policy(pinned).judge_past(Some(&policy(THEN)), &record(json!({})));
    let why = PastResult::Unknown("another model would have answered");
    assert_eq!(verdict.policies.last().map(|rule| &rule.result), Some(&why));
    let names: Vec<_> =
        verdict.policies.iter().map(|rule| (rule.policy.as_str(), &rule.result)).collect();
    assert_eq!(names.first(), Some(&("models.pins", &PastResult::Fired)));
    assert_eq!(
        trigger("latency_ms > 50", json!({"unread": "truncated"})),
        PastResult::Unknown("the call was not read whole")
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_refusal_hangs_on_every_policy_that_denies() {
    let denied =
        |text: &str| policy(text).judge_past(Some(&policy(THEN)), &record(json!({}))).denied();
    let list = |model: &str| format!("policies:\n- name: models\n  allowed: [{model}]\n");
    assert_eq!(denied(&list("gpt-4o-2025-12-17")), Some(false));
    assert_eq!(denied(&list("claude-sonnet-4-6")), Some(true));
    let observed = list("claude-sonnet-4-6") + "  mode: observe\n";
    assert_eq!(denied(&observed), Some(false), "an observed policy refuses nobody");
    let prompt = "- name: words\n  trigger: prompt.contains('x')\n  action: deny\n";
    assert_eq!(denied(&(list("gpt-4o-2025-12-17") + prompt)), None);
    assert_eq!(denied(&(list("claude-sonnet-4-6") + prompt)), Some(true), "whatever it says");
}

/// Azure's paths name a deployment or a model, and a record does not say which it was.
#[wasm_bindgen_test(unsupported = test)]
fn a_deployment_that_nobody_lists_may_have_been_a_model() {
    let azure = || json!({"provider": "azure.ai.openai"});
    let list = "policies:\n- name: models\n  allowed: [gpt-4o-2025-12-17]\n";
    let judged = |text: &str| {
        let verdict = policy(text).judge_past(Some(&policy(THEN)), &record(azure()));
        verdict.policies.last().map(|rule| rule.result.clone())
    };
    let why = "whether a deployment was asked is not kept";
    assert_eq!(judged(list), Some(PastResult::Unknown(why)));
    let listed = "models: {deployments: {gpt-4o-2025-12-17: gpt-4o-2025-12-17}}\n";
    assert_eq!(judged(&format!("{listed}{list}")), Some(PastResult::NotFired));
    let another = "policies:\n- name: models\n  allowed: [claude-sonnet-4-6]\n";
    assert_eq!(judged(another), Some(PastResult::Fired), "whichever it was");
}

const HOLDS: &str = "policies:
- name: review
  trigger: \"category == 'pii'\"
  action: route_to_human_review
  hold: true
";

fn judged(candidate: &str, then: &str, changes: Value) -> PastVerdict {
    policy(candidate).judge_past(Some(&policy(then)), &record(changes))
}

#[wasm_bindgen_test(unsupported = test)]
fn whether_a_call_would_be_held_is_known_where_its_categories_are_those_of_the_request() {
    let routes = HOLDS.replace("  hold: true\n", "").replace("review\n  trigger", "old\n  trigger");
    let fired = |phase: &str| {
        json!({"triggered": [{"policy": "old", "result": "fired", "failure": null,
            "action": "route_to_human_review", "enforced": true, "phase": phase}]})
    };
    let not_called = json!({"latency_ms": null, "first_byte_ms": null, "outcome": "held"});
    for (then, changes, held) in [
        (THEN, json!({}), None),
        (THEN, json!({"categories": []}), Some(false)),
        (THEN, not_called, Some(true)),
        (routes.as_str(), fired("request"), Some(true)),
        (routes.as_str(), fired("answer"), Some(false)),
    ] {
        let verdict = judged(HOLDS, then, changes.clone());
        assert_eq!(verdict.held(), held, "{changes}");
        assert_eq!(verdict.denied(), Some(false), "{changes}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_refused_or_only_observed_is_not_held() {
    let by_route = HOLDS.replace("category == 'pii'", "route == 'llm'");
    assert_eq!(judged(&by_route, THEN, json!({})).held(), Some(true));
    let refusing = format!("{by_route}- {{name: no, trigger: model_pinned, action: deny}}\n");
    assert_eq!(judged(&refusing, THEN, json!({})).held(), Some(false));
    let observed = by_route.replace("  hold: true\n", "  hold: true\n  mode: observe\n");
    assert_eq!(judged(&observed, THEN, json!({})).held(), Some(false));
    let unknown = by_route.replace("route == 'llm'", "prompt == ''");
    assert_eq!(judged(&unknown, THEN, json!({})).held(), None);
}
