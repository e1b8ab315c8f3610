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
