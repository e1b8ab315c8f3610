//! The likeliest mistakes: is each message enough to mend the file unaided?

use super::{check, sentence};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_top_level_key() {
    check(
        r#"polices:
- name: gate
"#,
        r#"
governance.yml:1:1: unknown key `polices`, did you mean `policies`?
  | polices:
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_policy_key() {
    check(
        r#"policies:
- name: gate
  triger: "confidence < 0.75"
  action: deny
"#,
        r#"
governance.yml:3:3: unknown key `triger`, did you mean `trigger`?
  |   triger: "confidence < 0.75"
  |   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_variable() {
    check(
        r#"policies:
- name: gate
  trigger: "confidance < 0.75"
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: unknown variable `confidance`, did you mean `confidence`?
  |   trigger: "confidance < 0.75"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_action() {
    check(
        r#"policies:
- name: gate
  trigger: "confidence < 0.75"
  action: flag_for_reveiw
"#,
        r#"
governance.yml:4:11: `action`: expected `deny`, `route_to_human_review`, `flag_for_review` or `log`, found `flag_for_reveiw`, did you mean `flag_for_review`?
  |   action: flag_for_reveiw
  |           ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_single_equals_sign() {
    check(
        r#"policies:
- name: gate
  trigger: "category = 'pii'"
  action: deny
"#,
        r#"
governance.yml:3:22: trigger of policy `gate`: unexpected `=`, write `==`
  |   trigger: "category = 'pii'"
  |                      ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_and_as_a_word() {
    check(
        r#"policies:
- name: gate
  trigger: "category == 'pii' and confidence < 0.75"
  action: deny
"#,
        r#"
governance.yml:3:31: trigger of policy `gate`: unexpected `and`, write `&&`
  |   trigger: "category == 'pii' and confidence < 0.75"
  |                               ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_missing_bracket() {
    check(
        r#"policies:
- name: gate
  trigger: "category in ['pii', 'legal'"
  action: deny
"#,
        r#"
governance.yml:3:40: trigger of policy `gate`: the condition ends too early
  |   trigger: "category in ['pii', 'legal'"
  |                                        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_text_without_quotes() {
    check(
        r#"policies:
- name: gate
  trigger: "category == healthcare"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: unknown variable `healthcare`, a text needs quotes: `'healthcare'`
  |   trigger: "category == healthcare"
  |                         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_missing_closing_quote() {
    check(
        r#"policies:
- name: gate
  trigger: "category == 'pii"
  action: deny
"#,
        r#"
governance.yml:3:25: trigger of policy `gate`: the text that begins here has no closing quote
  |   trigger: "category == 'pii"
  |                         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_function() {
    check(
        r#"policies:
- name: gate
  trigger: "prompt.contain('x')"
  action: deny
"#,
        r#"
governance.yml:3:20: trigger of policy `gate`: unknown function `contain`, did you mean `contains`?
  |   trigger: "prompt.contain('x')"
  |                    ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_habits_from_other_languages() {
    let cases = [
        ("category === 'pii'", "unexpected `=`, write `==`"),
        ("category <> 'pii'", "unexpected `>`, write `!=`"),
        ("category == 'pii' or refusal", "unexpected `or`, write `||`"),
        ("not refusal", "unexpected `not`, write `!`"),
        ("category not in ['pii']", "unexpected `not`, write `!(value in list)`"),
        ("category in ('pii', 'legal')", "unexpected `,`, a list is written `['a', 'b']`"),
        ("confidence <= 0,75", "unexpected `,`, a number has a point: `0.75`"),
        ("model like 'gpt%'", "unexpected `like`, write `.matches('pattern')`"),
        ("refusal == True", "unknown variable `True`, did you mean `true`?"),
        ("model =~ 'gpt'", "unexpected `=`, write `.matches('pattern')`"),
        (
            r"prompt.matches('\d+')",
            r"`\d` means nothing in this text, write `\\d`, or `r` before the quote",
        ),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
}
