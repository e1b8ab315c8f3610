//! A policy that is only observed: judged and recorded like any other, and nothing comes of it.

use super::*;

fn both_modes(rest: &str) -> [Policy; 2] {
    ["enforce", "observe"]
        .map(|mode| policy(&format!("policies:\n- {{name: gate, mode: {mode}, {rest}}}\n")))
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn observed_trigger_would_fire_and_does_nothing() {
    for action in ["deny", "route_to_human_review", "flag_for_review", "log"] {
        let [enforced, observed] = both_modes(&format!("trigger: 'true', action: {action}"));
        let verdict = enforced.judge_request(&request("m", &[]));
        assert_eq!(lines(&verdict), [format!("gate fired - {action} enforced request")]);
        assert_eq!(verdict.denial.is_some(), action == "deny");
        let verdict = observed.judge_request(&request("m", &[]));
        let expected = format!("gate would_fire - {action} not enforced request observe");
        assert_eq!(lines(&verdict), [expected]);
        assert_eq!(verdict.denial, None, "{action}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn observed_failure_never_fails_closed_and_says_where_it_would_have() {
    let cases = [("default", "would_fire"), ("fire", "would_fire"), ("skip", "failed")];
    for (on_error, result) in cases {
        let rest = format!("trigger: \"route == 'a'\", action: deny, on_error: {on_error}");
        let [_, observed] = both_modes(&rest);
        let verdict = observed.judge_request(&request("m", &[]));
        let expected = format!("gate {result} unknown_route deny not enforced request observe");
        assert_eq!(lines(&verdict), [expected], "{on_error}");
        assert_eq!(verdict.denial, None, "{on_error}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn observed_list_of_models_is_judged_on_both_sides() {
    let [_, observed] = both_modes("allowed: [a]");
    let verdict = observed.judge_request(&request("b", &[]));
    assert_eq!(lines(&verdict), ["gate would_fire - deny not enforced request observe"]);
    assert_eq!(verdict.denial, None);
    let verdict = observed.judge_answer(&request("a", &[]), &answer(Some("b")), &[]);
    assert_eq!(lines(&verdict), ["gate would_fire - deny not enforced answer observe"]);
    assert_eq!(verdict.denial, None);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn category_that_the_answer_adds_would_fire_there_too() {
    let [_, observed] = both_modes("trigger: \"category == 'pii'\", action: deny");
    let verdict = observed.judge_answer(&request("m", &[]), &answer(None), &["pii".to_owned()]);
    assert_eq!(lines(&verdict), ["gate would_fire - deny not enforced answer observe"]);
    assert_eq!(verdict.denial, None);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn observed_deny_does_not_make_unreadable_requests_refused() {
    for rest in ["trigger: 'true', action: deny", "allowed: [m]"] {
        let [enforced, observed] = both_modes(rest);
        assert_eq!(enforced.unreadable(), Unreadable::Deny, "{rest}");
        assert_eq!(observed.unreadable(), Unreadable::Flag, "{rest}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn refusal_suggests_no_model_that_is_only_observed() {
    let policy = policy(
        "policies:\n- {name: now, allowed: [a]}\n\
         - {name: planned, mode: observe, allowed: [b]}\n\
         models: {floating: deny}\n",
    );
    let verdict = policy.judge_request(&request("gpt-4o", &[]));
    let expected = "model `gpt-4o` is refused by policy `models.floating`, because its provider \
                    may repoint the name; approved: a";
    assert_eq!(message(&verdict), Some(expected));
}
