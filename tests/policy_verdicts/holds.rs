//! Policies that hold a call until a person approves it: which ask, and for how long it counts.

use super::*;
use governance_filter::record::HoldAsk;

fn holding(entries: &[&str]) -> Policy {
    let entries: Vec<String> = entries.iter().map(|entry| format!("- {{{entry}}}\n")).collect();
    policy(&format!("policies:\n{}", entries.concat()))
}

/// An entry that holds where the route is this one.
fn hold(name: &str, route: &str, more: &str) -> String {
    let trigger = format!("trigger: \"route == '{route}'\"");
    format!("name: {name}, {trigger}, action: route_to_human_review, hold: true{more}")
}

fn routed(route: &str) -> RequestFacts {
    RequestFacts { route: Some(route.to_owned()), ..request("m", &[]) }
}

fn ask(policies: &[&str], ttl_s: u64) -> HoldAsk {
    HoldAsk { policies: policies.iter().map(|&name| name.to_owned()).collect(), ttl_s }
}

/// The policies that say they are held, and what is asked.
fn asked(verdict: &Verdict) -> (Vec<&str>, Option<HoldAsk>) {
    let held = verdict.triggered.iter().filter(|one| one.held).map(|one| one.policy.as_str());
    (held.collect(), verdict.holding.as_ref().map(|holding| holding.ask.clone()))
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn all_that_fire_are_asked_about_and_the_shortest_time_counts() {
    let [a, b, c] = [
        hold("a", "x", ""),
        hold("b", "x", ", hold_ttl: 30m, message: of b"),
        hold("c", "y", ", hold_ttl: 1m, message: of c"),
    ];
    let policy = holding(&[&a, &b, &c]);
    let verdict = policy.judge_request(&routed("x"));
    assert_eq!(asked(&verdict), (vec!["a", "b"], Some(ask(&["a", "b"], 1800))));
    assert_eq!(verdict.holding.expect("a hold").message, None, "the first has none");
    let verdict = policy.judge_request(&routed("y"));
    assert_eq!(asked(&verdict), (vec!["c"], Some(ask(&["c"], 60))));
    assert_eq!(verdict.holding.expect("a hold").message.as_deref(), Some("of c"));
    assert_eq!(policy.judge_request(&routed("z")), Verdict::default());
    let day = holding(&[&a]).judge_request(&routed("x"));
    assert_eq!(asked(&day).1, Some(ask(&["a"], 86_400)), "a day unless said otherwise");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_failure_holds_unless_it_is_to_be_skipped() {
    for (on_error, holds) in [("default", true), ("fire", true), ("skip", false)] {
        let entry = hold("a", "x", &format!(", on_error: {on_error}"));
        let verdict = holding(&[&entry]).judge_request(&request("m", &[]));
        assert_eq!(verdict.holding.is_some(), holds, "{on_error}");
        let enforced = if holds { "enforced" } else { "not enforced" };
        let expected = format!("a failed unknown_route route_to_human_review {enforced} request");
        assert_eq!(lines(&verdict), [expected], "{on_error}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_refusal_by_whatever_rule_is_stronger() {
    let entry = hold("a", "x", "");
    for (other, rest) in [
        ("name: b, allowed: [n]", ""),
        ("name: b, trigger: 'true', action: deny", ""),
        ("name: b, trigger: 'true', action: log", "models: {floating: deny}\n"),
    ] {
        let request = RequestFacts { model: Some("gpt-4o".to_owned()), ..routed("x") };
        let text = format!("policies:\n- {{{entry}}}\n- {{{other}}}\n{rest}");
        let verdict = policy(&text).judge_request(&request);
        assert!(verdict.denial.is_some(), "{other}");
        assert_eq!(asked(&verdict), (vec![], None), "{other}");
        assert!(verdict.triggered.iter().any(|one| one.policy == "a" && one.enforced), "{other}");
    }
    let weaker = holding(&[&entry, "name: b, trigger: 'true', action: route_to_human_review"]);
    assert_eq!(asked(&weaker.judge_request(&routed("x"))).1, Some(ask(&["a"], 86_400)));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn an_answer_is_never_held() {
    let entry =
        "name: a, trigger: \"category == 'pii'\", action: route_to_human_review, hold: true";
    let policy = holding(&[entry]);
    let verdict = policy.judge_request(&request("m", &["pii"]));
    assert_eq!(asked(&verdict), (vec!["a"], Some(ask(&["a"], 86_400))));
    let verdict = policy.judge_answer(&request("m", &[]), &answer(None), &["pii".to_owned()]);
    assert_eq!(lines(&verdict), ["a fired - route_to_human_review enforced answer"]);
    assert_eq!(asked(&verdict), (vec![], None));
    // Nor does doubt about it count as a find, as for any review.
    let mut cut = answer(None);
    cut.output.cut();
    let verdict = policy.judge_answer(&request("m", &[]), &cut, &[]);
    assert_eq!(lines(&verdict), ["a failed truncated route_to_human_review not enforced answer"]);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_hold_that_is_only_observed_holds_nothing() {
    let entry = hold("a", "x", ", mode: observe");
    let policy = holding(&[&entry]);
    let verdict = policy.judge_request(&routed("x"));
    let expected = "a would_fire - route_to_human_review not enforced request observe";
    assert_eq!(lines(&verdict), [expected]);
    assert_eq!(asked(&verdict), (vec![], None));
    let verdict = policy.judge_request(&request("m", &[]));
    let expected = "a would_fire unknown_route route_to_human_review not enforced request observe";
    assert_eq!((lines(&verdict), verdict.holding), (vec![expected.to_owned()], None));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_hold_in_force_refuses_what_cannot_be_read() {
    let held = hold("a", "x", "");
    assert_eq!(holding(&[&held]).unreadable(), Unreadable::Deny);
    assert_eq!(
        holding(&[&held.replace("hold: true", "hold: false")]).unreadable(),
        Unreadable::Flag
    );
    let observed = hold("a", "x", ", mode: observe");
    assert_eq!(holding(&[&observed]).unreadable(), Unreadable::Flag);
}
