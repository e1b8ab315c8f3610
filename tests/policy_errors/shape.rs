//! Files that are no YAML, or YAML of another shape.

use super::{check, errors};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_empty_file() {
    check(
        r#""#,
        r#"
governance.yml:1:1: expected a mapping with the key `policies`, found nothing
  |
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_comment_only() {
    check(
        r#"# nothing
"#,
        r#"
governance.yml:1:1: expected a mapping with the key `policies`, found nothing
  | # nothing
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_list_as_root() {
    check(
        r#"- a
"#,
        r#"
governance.yml:1:1: `governance.yml`: expected a mapping, found a list
  | - a
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_not_yaml() {
    check(
        r#"policies: [
"#,
        r#"
governance.yml:2:1: expected YAML, but while parsing a node, did not find expected node content
  |
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_tab_as_indentation() {
    check(
        r#"policies:
	- name: gate
"#,
        r#"
governance.yml:2:1: expected YAML, but a tab stands in the indentation, write spaces
  |  - name: gate
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_second_document() {
    check(
        r#"policies: []
---
policies: []
"#,
        r#"
governance.yml:2:1: expected one YAML document, found a second
  | ---
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_alias() {
    check(
        r#"version: &v a
unreadable: *v
"#,
        r#"
governance.yml:2:13: YAML aliases are not supported, write the value out
  | unreadable: *v
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_tag() {
    check(
        r#"models: !x {}
"#,
        r#"
governance.yml:1:9: YAML tags are not supported, a text that begins with `!` needs quotes
  | models: !x {}
  |         ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_key_that_is_a_list() {
    check(
        r#"? [a]
: b
"#,
        r#"
governance.yml:1:3: expected a word as key
  | ? [a]
  |   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_duplicate_key() {
    check(
        r#"version: a
version: b
"#,
        r#"
governance.yml:2:1: key `version` stands twice, first on line 1
  | version: b
  | ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_policies_as_mapping() {
    check(
        r#"policies: {}
"#,
        r#"
governance.yml:1:11: `policies`: expected a list, found a mapping
  | policies: {}
  |           ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_policy_as_text() {
    check(
        r#"policies:
- confidence < 0.75
"#,
        r#"
governance.yml:2:3: `policies`: expected a mapping, found a single value
  | - confidence < 0.75
  |   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_nothing_where_a_mapping_is_expected() {
    check(
        r#"models:
"#,
        r#"
governance.yml:1:7: `models`: expected a mapping, found nothing
  | models:
  |       ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_list_where_a_text_is_expected() {
    check(
        r#"version: [1]
"#,
        r#"
governance.yml:1:10: `version`: expected a string, found a list
  | version: [1]
  |          ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_empty_text() {
    check(
        r#"version: ''
"#,
        r#"
governance.yml:1:10: `version`: expected a text, found an empty one
  | version: ''
  |          ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_unknown_word() {
    check(
        r#"unreadable: refuse
"#,
        r#"
governance.yml:1:13: `unreadable`: expected `default`, `deny`, `flag` or `allow`, found `refuse`
  | unreadable: refuse
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_near_word() {
    check(
        r#"models: {floating: flags}
"#,
        r#"
governance.yml:1:20: `models.floating`: expected `deny`, `flag` or `allow`, found `flags`, did you mean `flag`?
  | models: {floating: flags}
  |                    ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_repeated_word() {
    check(
        r#"record: {redact: [ssn, ssn]}
"#,
        r#"
governance.yml:1:24: `record.redact`: `ssn` stands twice
  | record: {redact: [ssn, ssn]}
  |                        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_number_out_of_range() {
    check(
        r#"record: {summary_characters: 20000}
"#,
        r#"
governance.yml:1:30: `record.summary_characters`: expected a whole number from 0 to 1000, found `20000`
  | record: {summary_characters: 20000}
  |                              ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_word_where_a_number_is_expected() {
    check(
        r#"record: {summary_characters: many}
"#,
        r#"
governance.yml:1:30: `record.summary_characters`: expected a whole number from 0 to 1000, found `many`
  | record: {summary_characters: many}
  |                              ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_name_of_no_variable() {
    check(
        r#"record: {hash_key_env: hash-key}
"#,
        r#"
governance.yml:1:24: `record.hash_key_env`: expected the name of an environment variable, of letters, digits and `_`
  | record: {hash_key_env: hash-key}
  |                        ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_time_that_is_none() {
    check(
        r#"record: {on_failure_until: tomorrow}
"#,
        r#"
governance.yml:1:28: `record.on_failure_until`: expected a time like `2026-03-15T12:00:00Z`, found `tomorrow`
  | record: {on_failure_until: tomorrow}
  |                            ^"#,
    );
}

/// One mistake, one message: what follows from it is not told.
#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_without_echoes() {
    for (rest, expected) in [
        ("triger: refusal", "2:13: unknown key `triger`, did you mean `trigger`?"),
        ("trigger: refusal, acton: log", "2:31: unknown key `acton`, did you mean `action`?"),
        ("alowed: [x], on_error: skip", "2:13: unknown key `alowed`, did you mean `allowed`?"),
        (
            "trigger: !model_pinned, action: log",
            "2:22: YAML tags are not supported, a text that begins with `!` needs quotes",
        ),
        ("allowed: gpt-4o", "2:22: `allowed`: expected a list, found a single value"),
        ("allowed: ['']", "2:23: `allowed`: expected a text, found an empty one"),
        ("allowed: []", "2:22: policy `a`: expected a model in `allowed`, found none"),
    ] {
        let found = errors(&format!("policies:\n- {{name: a, {rest}}}\n"));
        assert_eq!(found.lines().count(), 3, "{found}");
        assert_eq!(found.lines().next(), Some(format!("governance.yml:{expected}").as_str()));
    }
    let unnamed = errors("policies:\n- {nmae: a, allowed: [x]}\n");
    assert!(unnamed.starts_with("governance.yml:2:4: unknown key `nmae`"), "{unnamed}");
    assert_eq!(unnamed.lines().count(), 3, "{unnamed}");
}
