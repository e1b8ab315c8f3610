//! Policies on `confidence` before models of which none is certain, and log probabilities that are
//! asked for in vain.

use super::{check, sentences};
use governance_filter::policy::Policy;

/// A policy on `trigger`, two approved models and the rest of the file.
fn gate(trigger: &str, action: &str, rest: &str) -> String {
    format!(
        "policies:\n- name: gate\n  trigger: \"{trigger}\"\n  action: {action}\n- name: approved\n  \
         allowed: [gpt-4o-2024-08-06, claude-opus-4-1-20250805]\n{rest}"
    )
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn what_is_certain_is_said_model_by_model() {
    check(
        &gate("confidence < 0.75", "flag_for_review", ""),
        r#"
governance.yml:3:13: warning: policy `gate` can never fire for `gpt-4o-2024-08-06` unless the provider sends an `x-ai-confidence` header, the answer is JSON with a field `confidence` or the client asks for token probabilities; list it in `confidence.request_logprobs`, or set `on_error: fire`
  |   trigger: "confidence < 0.75"
  |             ^
governance.yml:3:13: warning: policy `gate` can never fire for `claude-opus-4-1-20250805` unless the provider sends an `x-ai-confidence` header or the answer is JSON with a field `confidence`; set `on_error: fire`
  |   trigger: "confidence < 0.75"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn sources_and_action_decide_the_sentence() {
    let listed = "confidence: {from: [FROM], request_logprobs: [gpt-4o-2024-08-06]}\n";
    let of_claude = |trigger: &str, action: &str, from: &str| {
        let found = sentences(&gate(trigger, action, &listed.replace("FROM", from)));
        found.into_iter().find(|told| told.contains("claude")).unwrap_or_default()
    };
    let cases = [
        (
            "confidence < 0.75",
            "flag_for_review",
            "header, logprobs",
            "policy `gate` can never fire for `claude-opus-4-1-20250805` unless the provider sends an `x-ai-confidence` header; set `on_error: fire`",
        ),
        (
            "confidence < 0.75",
            "flag_for_review",
            "field, logprobs",
            "policy `gate` can never fire for `claude-opus-4-1-20250805` unless the answer is JSON with a field `confidence`; set `on_error: fire`",
        ),
        (
            "confidence < 0.75",
            "flag_for_review",
            "logprobs",
            "policy `gate` can never fire for `claude-opus-4-1-20250805`; set `on_error: fire`",
        ),
        (
            "confidence < 0.75 && status == 200",
            "route_to_human_review",
            "logprobs",
            "policy `gate` can never fire by `confidence` for `claude-opus-4-1-20250805`; set `on_error: fire`",
        ),
        (
            "confidence < 0.75",
            "deny",
            "header, logprobs",
            "policy `gate` refuses every answer of `claude-opus-4-1-20250805` unless the provider sends an `x-ai-confidence` header; set `on_error: skip`",
        ),
        (
            "confidence < 0.75 && status == 200",
            "deny",
            "logprobs",
            "policy `gate` refuses answers of `claude-opus-4-1-20250805` for want of a `confidence`; set `on_error: skip`",
        ),
    ];
    for (trigger, action, from, expected) in cases {
        assert_eq!(of_claude(trigger, action, from), expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn on_error_said_outright_is_meant() {
    for word in ["fire", "skip"] {
        let yaml = gate("confidence < 0.75", "flag_for_review\n  on_error: WORD", "");
        check(&yaml.replace("WORD", word), "");
    }
    assert_eq!(sentences(&gate("status == 500", "flag_for_review", "")), [""; 0]);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn many_models_share_a_sentence() {
    let models: Vec<String> = (1..=7).map(|index| format!("claude-opus-4-{index}")).collect();
    let yaml = gate("confidence < 0.75", "flag_for_review", "");
    let found =
        sentences(&yaml.replace("gpt-4o-2024-08-06, claude-opus-4-1-20250805", &models.join(", ")));
    assert_eq!(
        found,
        [
            "policy `gate` can never fire for `claude-opus-4-1`, `claude-opus-4-2`, `claude-opus-4-3`, `claude-opus-4-4` and 3 more unless the provider sends an `x-ai-confidence` header or the answer is JSON with a field `confidence`; set `on_error: fire`"
        ]
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn log_probabilities_asked_for_in_vain() {
    check(
        r#"policies:
- name: approved
  allowed: [gpt-4o-2024-08-06, claude-opus-4-1-20250805]
models:
  pins: {gpt-4o: gpt-4o-2024-08-06}
confidence:
  request_logprobs:
  - gpt-4o-2024-08-06
  - gpt-4o
  - gpt-4.1-2025-04-14
  - claude-opus-4-1-20250805
"#,
        r#"
governance.yml:9:5: warning: `confidence.request_logprobs`: `gpt-4o` is an alias, and its provider sees `gpt-4o-2024-08-06`
  |   - gpt-4o
  |     ^
governance.yml:10:5: warning: `confidence.request_logprobs`: no policy approves `gpt-4.1-2025-04-14`
  |   - gpt-4.1-2025-04-14
  |     ^
governance.yml:11:5: warning: `confidence.request_logprobs` has no effect on `claude-opus-4-1-20250805` through its provider's own API: only OpenAI's chat completions are asked
  |   - claude-opus-4-1-20250805
  |     ^"#,
    );
    check(
        r#"confidence:
  from: [header]
  request_logprobs: [gpt-4o-2024-08-06, gpt-4o]
"#,
        r#"
governance.yml:3:22: warning: `confidence.request_logprobs` has no effect, `confidence.from` leaves out `logprobs`
  |   request_logprobs: [gpt-4o-2024-08-06, gpt-4o]
  |                      ^"#,
    );
    check("confidence: {request_logprobs: [gpt-4o-2024-08-06]}\n", "");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn sources_of_each_approved_model() {
    let rest = "confidence: {request_logprobs: [gpt-4o-2024-08-06]}\n";
    let yaml = gate("confidence < 0.75", "flag_for_review", rest)
        .replace("claude-opus-4-1-20250805", "claude-opus-4-1-20250805, acme");
    let policy = Policy::parse(&yaml).unwrap();
    let models: Vec<String> = policy
        .approved_models()
        .iter()
        .map(|model| {
            let (certain, possible) = (model.certain.join(" "), model.possible.join(" "));
            format!("{} {} {}: {certain}; {possible}", model.name, model.class.as_str(), model.rule)
        })
        .collect();
    assert_eq!(
        models,
        [
            "gpt-4o-2024-08-06 pinned openai.dated: logprobs; header field",
            "claude-opus-4-1-20250805 pinned anthropic.dated: ; header field",
            "acme unknown none: ; header field logprobs",
        ]
    );
}
