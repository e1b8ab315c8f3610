//! Where in the file a mistake within a trigger is shown, by the way the trigger is written.

use super::check;

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_single_quotes() {
    check(
        r#"policies:
- name: gate
  trigger: 'category == ''a'' && modl == 1'
  action: deny
"#,
        r#"
governance.yml:3:34: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |   trigger: 'category == ''a'' && modl == 1'
  |                                  ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_double_quotes() {
    check(
        r#"policies:
- name: gate
  trigger: "category == \"a\" && modl == 1"
  action: deny
"#,
        r#"
governance.yml:3:34: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |   trigger: "category == \"a\" && modl == 1"
  |                                  ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_plain() {
    check(
        r#"policies:
- name: gate
  trigger: category == 'é' && modl == 1
  action: deny
"#,
        r#"
governance.yml:3:31: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |   trigger: category == 'é' && modl == 1
  |                               ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_literal_block() {
    check(
        r#"policies:
- name: gate
  trigger: |
    category == 'a' &&
      modl == 'b'
  action: deny
"#,
        r#"
governance.yml:5:7: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |       modl == 'b'
  |       ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_folded_block() {
    check(
        r#"policies:
- name: gate
  trigger: >-
    category == 'a' &&
    modl == 'b'
  action: deny
"#,
        r#"
governance.yml:5:5: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |     modl == 'b'
  |     ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_place_in_quotes_over_lines() {
    check(
        r#"policies:
- name: gate
  trigger: "category == 'a'
    && modl == 1"
  action: deny
"#,
        r#"
governance.yml:3:12: trigger of policy `gate`: unknown variable `modl`, did you mean `model`?
  |   trigger: "category == 'a'
  |            ^"#,
    );
}
