//! Policies and pins that contradict themselves or each other.

use super::{check, errors};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_missing_name() {
    check(
        r#"policies:
- allowed: [a]
"#,
        r#"
governance.yml:2:3: policy without a `name`
  | - allowed: [a]
  |   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_reserved_name() {
    check(
        r#"policies:
- name: models.pins
  allowed: [a]
"#,
        r#"
governance.yml:2:9: policy `models.pins`: the name belongs to a built-in rule
  | - name: models.pins
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_name_that_a_header_cannot_list() {
    check(
        r#"policies:
- name: "one, two"
  allowed: [a]
"#,
        r#"
governance.yml:2:9: policy `one??two`: expected a name of letters, digits, `_`, `-` and `.`, found others
  | - name: "one, two"
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_duplicate_name() {
    check(
        r#"policies:
- name: a
  allowed: [x]
- name: a
  allowed: [y]
"#,
        r#"
governance.yml:4:9: policy `a`: the name stands twice, first on line 2
  | - name: a
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_neither_trigger_nor_allowed() {
    check(
        r#"policies:
- name: a
  action: deny
"#,
        r#"
governance.yml:2:9: policy `a`: expected `trigger` or `allowed`, found neither
  | - name: a
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_both_trigger_and_allowed() {
    check(
        r#"policies:
- name: a
  trigger: 'true'
  allowed: [x]
"#,
        r#"
governance.yml:4:12: policy `a`: expected `trigger` or `allowed`, found both
  |   allowed: [x]
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_trigger_without_action() {
    check(
        r#"policies:
- name: a
  trigger: 'true'
"#,
        r#"
governance.yml:2:9: policy `a`: expected an `action` for its `trigger`, found none
  | - name: a
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_nothing_allowed() {
    check(
        r#"policies:
- name: a
  allowed: []
"#,
        r#"
governance.yml:3:12: policy `a`: expected a model in `allowed`, found none
  |   allowed: []
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_model_that_stands_twice() {
    check(
        r#"policies:
- name: a
  allowed: [x, y, x]
confidence:
  request_logprobs:
  - x
  - x
"#,
        r#"
governance.yml:3:19: `allowed`: `x` stands twice
  |   allowed: [x, y, x]
  |                   ^
governance.yml:7:5: `confidence.request_logprobs`: `x` stands twice
  |   - x
  |     ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_approved_and_refused_at_once() {
    check(
        r#"policies:
- name: a
  allowed: [gpt-4o-2024-08-06, openai/gpt-4o, acme-chat]
- name: b
  allowed:
  - acme-test
  action: flag_for_review
models:
  floating: deny
  rules:
  - { match: acme-chat, class: pinned }
  - { match: acme-*, class: floating }
"#,
        r#"
governance.yml:3:32: policy `a`: `openai/gpt-4o` is approved, but its provider may repoint the name and `models.floating: deny` refuses it
  |   allowed: [gpt-4o-2024-08-06, openai/gpt-4o, acme-chat]
  |                                ^
governance.yml:6:5: policy `b`: `acme-test` is approved, but its provider may repoint the name and `models.floating: deny` refuses it
  |   - acme-test
  |     ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_message_that_nobody_reads() {
    check(
        r#"policies:
- name: a
  allowed: [x]
  action: flag_for_review
  message: no
"#,
        r#"
governance.yml:5:12: policy `a`: `message` has no effect, only `action: deny` and `hold: true` have a message
  |   message: no
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_on_error_without_trigger() {
    check(
        r#"policies:
- name: a
  allowed: [x]
  on_error: skip
"#,
        r#"
governance.yml:4:13: policy `a`: `on_error` has no effect, `allowed` always has an answer
  |   on_error: skip
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_mode_that_is_none() {
    check(
        r#"policies:
- name: a
  mode: observed
  allowed: [x]
"#,
        r#"
governance.yml:3:9: `mode`: expected `enforce` or `observe`, found `observed`, did you mean `observe`?
  |   mode: observed
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pin_to_an_alias() {
    check(
        r#"models:
  pins:
    a: b
    b: c
"#,
        r#"
governance.yml:3:8: `models.pins`: `a` leads to `b`, which is an alias itself
  |     a: b
  |        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pin_to_a_floating_name() {
    check(
        r#"models:
  floating: deny
  pins: {fast: gpt-4o}
"#,
        r#"
governance.yml:3:16: `models.pins`: `fast` leads to `gpt-4o`, which the provider may repoint and `models.floating: deny` refuses
  |   pins: {fast: gpt-4o}
  |                ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_everything_at_once() {
    check(
        r#"polices: []
policies:
- name: a
  trigger: modl == 'x' || confidence == 'low'
  action: deny
  hold: yes
models: {floating: no}
"#,
        r#"
governance.yml:1:1: unknown key `polices`, did you mean `policies`?
  | polices: []
  | ^
governance.yml:4:12: trigger of policy `a`: unknown variable `modl`, did you mean `model`?
  |   trigger: modl == 'x' || confidence == 'low'
  |            ^
governance.yml:4:38: trigger of policy `a`: this can never match: `confidence` is a number, compared with a string
  |   trigger: modl == 'x' || confidence == 'low'
  |                                      ^
governance.yml:6:9: `hold`: expected `true` or `false`, found `yes`
  |   hold: yes
  |         ^
governance.yml:7:20: `models.floating`: expected `deny`, `flag` or `allow`, found `no`
  | models: {floating: no}
  |                    ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_more_than_any_policy_needs() {
    let list = |count: usize, entry: fn(usize) -> String| -> String {
        (0..count).map(entry).collect::<Vec<_>>().join("")
    };
    let policies = |count| {
        "policies:\n".to_owned() + &list(count, |n| format!("- {{name: p{n}, allowed: [a]}}\n"))
    };
    let pins =
        |count| "models:\n  pins:\n".to_owned() + &list(count, |n| format!("    a{n}: b{n}\n"));
    let rules = |count| {
        "models:\n  rules:\n".to_owned()
            + &list(count, |n| format!("  - {{match: a{n}, class: pinned}}\n"))
    };
    // Each trigger has 9 words and operators.
    let triggers = |count| {
        let trigger = "model == 'a' || model in ['b']";
        "policies:\n".to_owned()
            + &list(count, |n| format!("- {{name: p{n}, action: deny, trigger: T}}\n"))
                .replace('T', &format!("\"{trigger}\""))
    };
    // Each pattern has 512 bytes.
    let patterns = |count: usize| {
        let trigger = vec!["glob(model, 'a')"; 16].join(" || ");
        "policies:\n".to_owned()
            + &list(count, |n| format!("- {{name: p{n}, action: deny, trigger: T}}\n"))
                .replace('T', &format!("\"{trigger}\""))
    };
    let cases = [
        (policies(500), "no error"),
        (policies(501), "governance.yml:2:3: `policies`: expected at most 500 entries, found 501"),
        (pins(2000), "no error"),
        (
            pins(2001),
            "governance.yml:3:5: `models.pins`: expected at most 2000 entries, found 2001",
        ),
        (rules(200), "no error"),
        (rules(201), "governance.yml:3:5: `models.rules`: expected at most 200 entries, found 201"),
        (triggers(455), "no error"),
        (
            triggers(456),
            "governance.yml:457:39: the triggers up to this one have more than 4096 words and operators together",
        ),
        (patterns(4), "no error"),
        (
            patterns(5),
            "governance.yml:6:37: the patterns of `matches` and `glob` up to this one are too large together",
        ),
    ];
    for (yaml, expected) in cases {
        let found = errors(&yaml);
        assert_eq!(found.lines().next(), Some(expected));
        assert!(found.lines().count() <= 3, "told once: {found}");
    }
}
