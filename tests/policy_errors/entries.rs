//! Policies and pins that contradict themselves or each other.

use super::check;

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
governance.yml:5:12: policy `a`: `message` has no effect, only `action: deny` has a message
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
fn err_action_of_a_later_version() {
    check(
        r#"policies:
- name: a
  allowed: [x]
  action: log
"#,
        r#"
governance.yml:4:11: value `log` is not supported by this version
  |   action: log
  |           ^"#,
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
  hold: true
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
governance.yml:6:3: key `hold` is not supported by this version
  |   hold: true
  |   ^
governance.yml:7:20: `models.floating`: expected `deny`, `flag` or `allow`, found `no`
  | models: {floating: no}
  |                    ^"#,
    );
}
