//! Requests and answers that could not be read whole, and errors: what is judged of them, and what a policy
//! comes to whose facts nobody knows.

use governance_filter::facts::{AnswerFacts, RequestFacts, TEXT_BYTES_MAX, Text, ToolCall, Unread};

use super::{answer, gate, lines, message, policy, request};

const TRUNCATED: &str = "gate failed truncated deny enforced answer";
const FIRED: &str = "gate fired - deny enforced answer";

fn incomplete() -> AnswerFacts {
    AnswerFacts { incomplete: true, ..answer(Some("m")) }
}

/// An error inside a 200.
fn error() -> AnswerFacts {
    AnswerFacts { error: true, ..answer(None) }
}

fn judged(trigger: &str, found: &[&str], answer: &AnswerFacts, added: &[&str]) -> Vec<String> {
    let added: Vec<String> = added.iter().map(|&category| category.to_owned()).collect();
    lines(&gate(trigger, "deny").judge_answer(&request("m", found), answer, &added))
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn trigger_on_an_answer_that_was_not_read_whole_fires_or_fails() {
    let triggers = [
        "output.contains('secret')",
        "tool_calls.exists(call, call.name == 'pay')",
        "served_model == 'other'",
        "finish_reason == 'length'",
        "refusal",
        "system_fingerprint == 'fp'",
        "has(usage.input_tokens) && usage.input_tokens > 3",
        "confidence < 0.5",
        "status == 200 && refusal",
        "status == 200 && category == 'pii'",
        "status == 200 && 'pii' in categories",
    ];
    for trigger in triggers {
        assert_eq!(judged(trigger, &[], &incomplete(), &[]), [TRUNCATED], "{trigger}");
        let whole = AnswerFacts { incomplete: false, ..incomplete() };
        assert_ne!(judged(trigger, &[], &whole, &[]), [TRUNCATED], "{trigger}");
    }
    assert_eq!(judged("served_model == 'm'", &[], &incomplete(), &[]), [FIRED]);
    let known = ["status >= 500", "latency_ms > 10", "status == 200 && model == 'other'"];
    for trigger in known {
        assert!(judged(trigger, &[], &incomplete(), &[]).is_empty(), "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn what_was_not_read_counts_as_on_error_says() {
    let cases = [
        ("deny", "default", "enforced", true),
        ("deny", "skip", "not enforced", false),
        ("flag_for_review", "default", "not enforced", false),
        ("flag_for_review", "fire", "enforced", false),
    ];
    for (action, on_error, enforced, denied) in cases {
        let policy = policy(&format!(
            "policies:\n- name: gate\n  trigger: refusal\n  action: {action}\n  \
             on_error: {on_error}\n"
        ));
        let verdict = policy.judge_answer(&request("m", &[]), &incomplete(), &[]);
        let expected = format!("gate failed truncated {action} {enforced} answer");
        assert_eq!(lines(&verdict), [expected], "{action} {on_error}");
        let expected = "refused by policy `gate`: it could not be evaluated";
        assert_eq!(message(&verdict), denied.then_some(expected), "{action} {on_error}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn served_model_that_was_not_read_is_no_approved_one() {
    let policy = policy("policies:\n- name: gate\n  allowed: [m]\n");
    let judged = |served| {
        let answer = AnswerFacts { incomplete: true, ..answer(served) };
        lines(&policy.judge_answer(&request("m", &[]), &answer, &[]))
    };
    assert_eq!(judged(None), [TRUNCATED]);
    assert_eq!(judged(Some("")), [TRUNCATED]);
    assert_eq!(judged(Some("other")), [FIRED]);
    assert!(judged(Some("m")).is_empty());
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn categories_of_an_answer_that_was_not_read_whole_are_unknown() {
    let cut = Text::from("a harmless".repeat(TEXT_BYTES_MAX / 8).as_str());
    let long = AnswerFacts { output: cut, ..answer(Some("m")) };
    for answer in [incomplete(), long] {
        for trigger in ["category == 'pii'", "'pii' in categories"] {
            assert_eq!(judged(trigger, &[], &answer, &[]), [TRUNCATED], "{trigger}");
            assert_eq!(judged(trigger, &["legal"], &answer, &["tax"]), [TRUNCATED], "{trigger}");
            assert_eq!(judged(trigger, &[], &answer, &["pii"]), [FIRED], "{trigger}");
            let before = judged(trigger, &["pii"], &answer, &[]);
            assert!(before.is_empty(), "fired on the request: {trigger} {before:?}");
        }
        assert!(judged("model == 'other'", &[], &answer, &[]).is_empty(), "reads no category");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn bare_error_is_judged_by_status_and_time_alone() {
    let refused = AnswerFacts { status: 429, incomplete: true, ..error() };
    for answer in [error(), refused] {
        for trigger in ["output == ''", "!refusal", "confidence < 0.5", "status > 0 && !refusal"] {
            assert!(judged(trigger, &[], &answer, &[]).is_empty(), "{trigger}");
        }
        for trigger in ["status >= 200", "latency_ms < 5", "status > 0 && category == 'general'"] {
            assert_eq!(judged(trigger, &[], &answer, &[]), [FIRED], "{trigger}");
        }
        assert!(judged("category == 'pii'", &[], &answer, &[]).is_empty());
        let policy = policy("policies:\n- name: gate\n  allowed: [m]\n");
        let answer = AnswerFacts { served_model: Some("other".to_owned()), ..answer };
        assert!(lines(&policy.judge_answer(&request("m", &[]), &answer, &[])).is_empty());
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn error_with_an_answer_in_it_is_judged_in_full() {
    let call = ToolCall { name: "pay".to_owned(), arguments: "{}".to_owned() };
    let answers = [
        AnswerFacts { output: Text::from("a secret"), ..error() },
        AnswerFacts { tool_calls: vec![call], ..error() },
    ];
    for answer in answers {
        assert_eq!(judged("!refusal", &[], &answer, &[]), [FIRED]);
        assert_eq!(judged("category == 'pii'", &[], &answer, &["pii"]), [FIRED]);
        let policy = policy("policies:\n- name: gate\n  allowed: [m]\n");
        let answer = AnswerFacts { served_model: Some("other".to_owned()), ..answer };
        assert_eq!(lines(&policy.judge_answer(&request("m", &[]), &answer, &[])), [FIRED]);
    }
    // Where a part is unread, an answer may stand in it; a client looks for one in a 200.
    let unread = AnswerFacts { incomplete: true, ..error() };
    assert_eq!(judged("refusal", &[], &unread, &[]), [TRUNCATED]);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn only_an_early_end_hides_nothing() {
    for unread in [Unread::MalformedJson, Unread::DuplicateKey, Unread::Bomb, Unread::Truncated] {
        assert!(unread.leaves_unknown(), "{unread:?}");
    }
    for unread in [Unread::NoTerminator, Unread::NoBody] {
        assert!(!unread.leaves_unknown(), "{unread:?}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn categories_of_a_prompt_that_was_cut_are_unknown_and_told_once() {
    const FAILED: &str = "gate failed truncated deny enforced request";
    let long = Text::from("a harmless".repeat(TEXT_BYTES_MAX / 8).as_str());
    let mut tokens = Text::default();
    tokens.cut();
    for prompt in [long, tokens] {
        for trigger in ["category == 'pii'", "'pii' in categories"] {
            let policy = gate(trigger, "deny");
            let of =
                |found: &[&str]| RequestFacts { prompt: prompt.clone(), ..request("m", found) };
            assert_eq!(lines(&policy.judge_request(&of(&[]))), [FAILED], "{trigger}");
            assert_eq!(lines(&policy.judge_request(&of(&["legal"]))), [FAILED], "{trigger}");
            let fired = "gate fired - deny enforced request";
            assert_eq!(lines(&policy.judge_request(&of(&["pii"]))), [fired], "{trigger}");

            let judged = |added: &[&str]| {
                let added: Vec<String> = added.iter().map(|&name| name.to_owned()).collect();
                lines(&policy.judge_answer(&of(&[]), &answer(Some("m")), &added))
            };
            assert!(judged(&[]).is_empty(), "{trigger}");
            assert!(judged(&["tax"]).is_empty(), "{trigger}: the request's record has it");
            assert_eq!(judged(&["pii"]), ["gate fired - deny enforced answer"], "{trigger}");
        }
        let gate = gate("model == 'other'", "deny");
        let request = RequestFacts { prompt, ..request("m", &[]) };
        assert!(lines(&gate.judge_request(&request)).is_empty(), "reads no category");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn text_that_was_cut_and_did_not_fire_is_a_failure() {
    let policy = gate("prompt.contains('secret')", "deny");
    let mut request = request("m", &[]);
    request.prompt = Text::from("a secret".repeat(TEXT_BYTES_MAX / 8 + 1).as_str());
    let fired = policy.judge_request(&request);
    assert_eq!(lines(&fired), ["gate fired - deny enforced request"]);
    request.prompt = Text::from("a harmless".repeat(TEXT_BYTES_MAX / 8).as_str());
    let failed = policy.judge_request(&request);
    assert_eq!(lines(&failed), ["gate failed truncated deny enforced request"]);
    let by_category = "policies: [{name: gate, trigger: \"category == 'a'\", action: deny}]\n";
    let failed = super::policy(by_category).judge_request(&request);
    assert_eq!(lines(&failed), ["gate failed truncated deny enforced request"]);
    let of_header = format!("categories: {{from: [header]}}\n{by_category}");
    assert!(super::policy(&of_header).judge_request(&request).triggered.is_empty(), "none was cut");
}
