//! What can be wrong within a trigger.

use super::check;

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_empty_trigger() {
    check(
        r#"policies:
- name: gate
  trigger: ''
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: expected a condition, found nothing
  |   trigger: ''
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_syntax_in_general() {
    check(
        r#"policies:
- name: gate
  trigger: "category == + 1"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: unexpected `+`
  |   trigger: "category == + 1"
  |                         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_ends_too_early() {
    check(
        r#"policies:
- name: gate
  trigger: "confidence <"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: the condition ends too early
  |   trigger: "confidence <"
  |                         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_reserved_word() {
    check(
        r#"policies:
- name: gate
  trigger: "if == 1"
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: `if` is a reserved word
  |   trigger: "if == 1"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_item_that_is_no_name() {
    check(
        r#"policies:
- name: gate
  trigger: "categories.exists(1, true)"
  action: deny
"#,
        r#"
governance.yml:3:31: trigger of policy `gate`: expected a name for the loop's item, found `1`
  |   trigger: "categories.exists(1, true)"
  |                               ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_has_without_field() {
    check(
        r#"policies:
- name: gate
  trigger: "has(confidence)"
  action: deny
"#,
        r#"
governance.yml:3:17: trigger of policy `gate`: `has` asks for a field of a map: what counts where `confidence` is unknown is said by `on_error`
  |   trigger: "has(confidence)"
  |                 ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_never_matches() {
    check(
        r#"policies:
- name: gate
  trigger: "confidence == 'low'"
  action: deny
"#,
        r#"
governance.yml:3:24: trigger of policy `gate`: this can never match: `confidence` is a number, compared with a string
  |   trigger: "confidence == 'low'"
  |                        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_never_matches_in_order() {
    check(
        r#"policies:
- name: gate
  trigger: "category > 3"
  action: deny
"#,
        r#"
governance.yml:3:22: trigger of policy `gate`: this can never match: `category` is a string, compared with a number
  |   trigger: "category > 3"
  |                      ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_never_in_list() {
    check(
        r#"policies:
- name: gate
  trigger: "category in [1, 2]"
  action: deny
"#,
        r#"
governance.yml:3:22: trigger of policy `gate`: this can never match: `category` is a string, compared with a number
  |   trigger: "category in [1, 2]"
  |                      ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_operand_of_logic() {
    check(
        r#"policies:
- name: gate
  trigger: "category && true"
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: `&&` expects a condition, found a string
  |   trigger: "category && true"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_operand_of_in() {
    check(
        r#"policies:
- name: gate
  trigger: "category in 'pii'"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: `in` expects a list, found a string
  |   trigger: "category in 'pii'"
  |                         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_operands_of_plus() {
    check(
        r#"policies:
- name: gate
  trigger: "size(prompt) + 'a' == 1"
  action: deny
"#,
        r#"
governance.yml:3:26: trigger of policy `gate`: `+` expects a number, found a string
  |   trigger: "size(prompt) + 'a' == 1"
  |                          ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_not_a_condition() {
    check(
        r#"policies:
- name: gate
  trigger: category
  action: deny
"#,
        r#"
governance.yml:3:12: trigger of policy `gate`: expected a condition, found a string
  |   trigger: category
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_unknown_field() {
    check(
        r#"policies:
- name: gate
  trigger: "usage.input_token > 3"
  action: deny
"#,
        r#"
governance.yml:3:19: trigger of policy `gate`: `usage` has no field `input_token`, did you mean `input_tokens`?
  |   trigger: "usage.input_token > 3"
  |                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_field_of_a_text() {
    check(
        r#"policies:
- name: gate
  trigger: "model.name == 'a'"
  action: deny
"#,
        r#"
governance.yml:3:19: trigger of policy `gate`: `.` expects a map, found a string
  |   trigger: "model.name == 'a'"
  |                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_wrong_arguments() {
    check(
        r#"policies:
- name: gate
  trigger: "contains(prompt, 'x')"
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: `contains` is written `text.contains('part')`
  |   trigger: "contains(prompt, 'x')"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_wrong_macro() {
    check(
        r#"policies:
- name: gate
  trigger: "categories.exists(c)"
  action: deny
"#,
        r#"
governance.yml:3:24: trigger of policy `gate`: `exists` is written `list.exists(item, condition)`
  |   trigger: "categories.exists(c)"
  |                        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_nested_loops() {
    check(
        r#"policies:
- name: gate
  trigger: "categories.exists(c, categories.exists(d, c == d))"
  action: deny
"#,
        r#"
governance.yml:3:51: trigger of policy `gate`: `exists` is one too many: a trigger may loop over one list, once
  |   trigger: "categories.exists(c, categories.exists(d, c == d))"
  |                                                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_large_text_joined() {
    check(
        r#"policies:
- name: gate
  trigger: "(prompt + output).contains('a')"
  action: deny
"#,
        r#"
governance.yml:3:14: trigger of policy `gate`: `prompt` may not be joined to another text
  |   trigger: "(prompt + output).contains('a')"
  |              ^
governance.yml:3:23: trigger of policy `gate`: `output` may not be joined to another text
  |   trigger: "(prompt + output).contains('a')"
  |                       ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_message_or_bytes() {
    check(
        r#"policies:
- name: gate
  trigger: "category == b'a'"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: expected a condition over facts, found a message or bytes
  |   trigger: "category == b'a'"
  |                         ^"#,
    );
}
