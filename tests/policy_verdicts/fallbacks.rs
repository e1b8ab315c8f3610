//! Models that a request lets be asked in the place of the one it names: each is judged like that one.

use governance_filter::facts::RequestFacts;
use governance_filter::llm::pinning::Pinning;
use governance_filter::policy::Policy;

use super::{lines, message, policy, request};

fn with(fallbacks: &[&str]) -> RequestFacts {
    let fallback_models = fallbacks.iter().map(|&name| name.to_owned()).collect();
    RequestFacts { fallback_models, ..request("gpt-4o-2024-08-06", &[]) }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn every_fallback_must_be_approved() {
    let policy = policy(
        "policies:\n- {name: gate, allowed: [gpt-4o-2024-08-06, b], action: deny}\nmodels: {floating: allow}\n",
    );
    for fallbacks in [&[][..], &["b"], &["b", "gpt-4o-2024-08-06"]] {
        assert!(lines(&policy.judge_request(&with(fallbacks))).is_empty(), "{fallbacks:?}");
    }
    let verdict = policy.judge_request(&with(&["b", "x-ai/grok-4", "c"]));
    assert_eq!(lines(&verdict), ["gate fired - deny enforced request"]);
    let expected = "model `x-ai/grok-4` is not approved by policy `gate`; \
                    approved: gpt-4o-2024-08-06, b";
    assert_eq!(message(&verdict), Some(expected));
    let nameless = RequestFacts { model: None, requested_model: None, ..with(&["b"]) };
    let message = message(&policy.judge_request(&nameless)).map(str::to_owned);
    assert!(message.is_some_and(|text| text.contains("names no model")));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_fallback_that_floats_is_judged_as_the_first_would_be() {
    let floating: Policy = policy("policies: []\nmodels: {floating: deny}\n");
    let verdict = floating.judge_request(&with(&["gpt-4o-2024-11-20", "gpt-4o"]));
    assert_eq!(lines(&verdict), ["models.floating fired - deny enforced request"]);
    assert!(message(&verdict).is_some_and(|text| text.starts_with("model `gpt-4o` is refused")));
    assert!(lines(&floating.judge_request(&with(&["gpt-4o-2024-11-20"]))).is_empty());

    let trigger = policy(
        "policies:\n- {name: gate, trigger: '!model_pinned', action: deny}\nmodels: {floating: allow}\n",
    );
    let judged = |fallbacks: &[&str]| lines(&trigger.judge_request(&with(fallbacks)));
    assert!(judged(&[]).is_empty() && judged(&["gpt-4o-2024-11-20"]).is_empty());
    assert_eq!(judged(&["gpt-4o"]), ["gate fired - deny enforced request"]);
    assert_eq!(judged(&["nobody-s", "gpt-4o"]), ["gate fired - deny enforced request"]);
    assert_eq!(trigger.judge_name("nobody-s", None).pinning, Pinning::Unknown);
    assert_eq!(judged(&["nobody-s"]), ["gate failed unknown_model_pinned deny enforced request"]);
}
