//! Policies that change nothing, always or never fire, or refuse too late.

use super::{check, sentences};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn same_trigger_under_a_stronger_policy() {
    check(
        r#"policies:
- name: mark
  trigger: "model == 'a' && !model_pinned"
  action: flag_for_review
- name: stop
  trigger: |
    // The same, written otherwise.
    model == "a"
      &&   ! model_pinned
  action: deny
"#,
        r#"
governance.yml:2:9: warning: policy `mark` changes nothing: `stop` on line 5 has the same trigger and the stronger action `deny`
  | - name: mark
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn same_trigger_and_action_again() {
    check(
        r#"policies:
- name: first
  trigger: model == 'a'
  action: deny
- name: second
  trigger: model == 'a'
  action: deny
"#,
        r#"
governance.yml:5:9: warning: policy `second` changes nothing: `first` on line 2 has the same trigger and action
  | - name: second
  |         ^"#,
    );
}

/// The triggers differ, or one fires where the other cannot be evaluated.
#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn another_trigger_or_outcome_shadows_nothing() {
    let policies = |first: &str, second: &str, more: &str| {
        format!(
            "policies:\n- {{name: a, trigger: \"{first}\", action: deny{more}}}\n\
             - {{name: b, trigger: \"{second}\", action: flag_for_review, on_error: fire}}\n"
        )
    };
    for (first, second, more) in [
        ("model == 'a b'", "model == 'ab'", ""),
        ("model == 'a'", "model == 'A'", ""),
        ("route == r'a'", "route == 'a'", ""),
        ("route == 'a'", "route == 'a'", ", on_error: skip"),
    ] {
        assert_eq!(sentences(&policies(first, second, more)), [""; 0], "{first} | {second}");
    }
    let shadowed = policies("route == 'a'", "route=='a'", "");
    assert_eq!(
        sentences(&shadowed),
        [
            "policy `b` changes nothing: `a` on line 2 has the same trigger and the stronger action `deny`"
        ]
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn trigger_that_reads_nothing() {
    check(
        r#"policies:
- name: all
  trigger: 'true'
  action: flag_for_review
- name: none
  trigger: "'a' in ['b', 'c']"
  action: flag_for_review
- name: broken
  trigger: 1 / 0 == 1
  action: flag_for_review
"#,
        r#"
governance.yml:3:13: warning: trigger of policy `all` reads nothing of a call: it fires on every one
  |   trigger: 'true'
  |             ^
governance.yml:6:13: warning: trigger of policy `none` reads nothing of a call: it never fires
  |   trigger: "'a' in ['b', 'c']"
  |             ^
governance.yml:9:12: warning: trigger of policy `broken` reads nothing of a call: it cannot be evaluated on any
  |   trigger: 1 / 0 == 1
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn denial_that_a_stream_meets_at_its_end() {
    check(
        r#"policies:
- name: words
  trigger: model == 'a' && output.contains('secret')
  action: deny
- name: slow
  trigger: latency_ms > 1000
  action: flag_for_review
"#,
        r#"
governance.yml:4:11: warning: policy `words` denies by `output`, which is known when the answer is complete: a stream can only be cut at its end, after its text has gone out
  |   action: deny
  |           ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn end_of_what_does_not_happen() {
    check(
        r#"record:
  on_failure_until: "2026-03-15T12:00:00Z"
"#,
        r#"
governance.yml:2:21: warning: `record.on_failure_until` has no effect, only `on_failure: allow` has an end
  |   on_failure_until: "2026-03-15T12:00:00Z"
  |                     ^"#,
    );
    let yaml = "record: {on_failure: allow, on_failure_until: '2026-03-15T12:00:00Z'}\n";
    check(yaml, "");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn approved_models_without_one_in_common() {
    check(
        r#"models: {floating: allow}
policies:
- name: ours
  allowed: [gpt-4o-2025-12-17]
- name: theirs
  allowed: [claude-sonnet-4-6]
"#,
        r#"
governance.yml:5:9: warning: policies `ours` on line 3 and `theirs` approve no model in common: every call is refused
  | - name: theirs
  |         ^"#,
    );
    let lists = |second: &str| {
        format!(
            "models: {{floating: allow}}\npolicies:\n- {{name: a, allowed: [x, y]}}\n\
             - {{name: b, {second}}}\n"
        )
    };
    for second in [
        "allowed: [y, z]",
        "allowed: [openai/x]",
        "allowed: [z], mode: observe",
        "allowed: [z], action: flag_for_review",
    ] {
        assert_eq!(sentences(&lists(second)), [""; 0], "{second}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn refusal_by_the_request_that_waits_for_the_answer() {
    check(
        r#"streams: hold
policies:
- name: secrets
  trigger: contains_secret(output) || contains_secret(prompt)
  action: deny
"#,
        r#"
governance.yml:4:39: warning: policy `secrets` denies by the request alone here, but is judged with the answer; split it in two, so that the request is refused before it is sent
  |   trigger: contains_secret(output) || contains_secret(prompt)
  |                                       ^"#,
    );
    for (trigger, action) in [
        ("contains_secret(output) && contains_secret(prompt)", "deny"),
        ("(contains_secret(output) || contains_secret(prompt)) && route == 'a'", "deny"),
        ("refusal || contains_secret(output)", "deny"),
        ("contains_secret(output) || contains_secret(prompt)", "flag_for_review"),
        ("contains_secret(prompt) || model == 'a'", "deny"),
    ] {
        let yaml = format!(
            "streams: hold\npolicies:\n- name: a\n  trigger: {trigger}\n  action: {action}\n"
        );
        assert_eq!(sentences(&yaml), [""; 0], "{trigger} {action}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn time_of_an_approval_without_a_hold() {
    check(
        r#"policies:
- name: review
  trigger: model == 'a'
  action: route_to_human_review
  hold_ttl: 2h
"#,
        r#"
governance.yml:5:13: warning: `hold_ttl` has no effect without `hold`
  |   hold_ttl: 2h
  |             ^"#,
    );
    let yaml = "policies:
- {name: a, trigger: model == 'a', action: log, hold: false, hold_ttl: 24h}
";
    check(yaml, "");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn same_trigger_beside_a_hold() {
    let two = |first: &str, second: &str| {
        let entry = |name: &str, rest: &str| {
            format!("- {{name: {name}, trigger: model == 'a', action: {rest}}}\n")
        };
        format!("policies:\n{}{}", entry("a", first), entry("b", second))
    };
    let (route, hold) = ("route_to_human_review", "route_to_human_review, hold: true");
    let changes_nothing = |policy: &str, by: &str, line: usize, why: &str| {
        format!("policy `{policy}` changes nothing: `{by}` on line {line} has the same {why}")
    };
    let cases = [
        (route, hold, changes_nothing("a", "b", 3, "trigger and the stronger `hold: true`")),
        (hold, route, changes_nothing("b", "a", 2, "trigger and the stronger `hold: true`")),
        (hold, hold, changes_nothing("b", "a", 2, "trigger and action")),
        (hold, "deny", changes_nothing("a", "b", 3, "trigger and the stronger action `deny`")),
    ];
    for (first, second, expected) in cases {
        assert_eq!(sentences(&two(first, second)), [expected], "{first} {second}");
    }
}
