//! Every warning about a governance.yml that loads, in full: sentence, line and caret; and what
//! `governance check` tells of its policies and models.

#![allow(clippy::panic, reason = "helpers of tests are not seen as tests")]

#[path = "policy_warnings/confidence.rs"]
mod confidence;
#[path = "policy_warnings/entries.rs"]
mod entries;
#[path = "policy_warnings/models.rs"]
mod models;
#[path = "policy_warnings/written.rs"]
mod written;

use governance_filter::policy::Policy;

/// `expected` begins with a newline where there are warnings, so that it stands in the test as it
/// is printed.
fn check(yaml: &str, expected: &str) {
    let found = warnings(yaml);
    assert_eq!(if found.is_empty() { found } else { format!("\n{found}") }, expected);
}

fn warnings(yaml: &str) -> String {
    let reviewed = Policy::review(yaml);
    let (_, warnings) = reviewed.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(warnings.is_empty(), warnings.iter().next().is_none());
    warnings.display("governance.yml").to_string()
}

/// The sentences alone.
fn sentences(yaml: &str) -> Vec<String> {
    let sentence = |line: &str| line.split_once(": warning: ").map(|(_, told)| told.to_owned());
    warnings(yaml).lines().filter_map(sentence).collect()
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn shipped_policy_has_the_one_warning_that_is_true_of_it() {
    check(
        include_str!("../governance.yml"),
        r#"
governance.yml:10:13: warning: policy `confidence_gate` can never fire for `claude-sonnet-4-6` unless the provider sends an `x-ai-confidence` header or the answer is JSON with a field `confidence`; set `on_error: fire`
  |   trigger: "confidence < 0.75"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_file_that_does_not_load_has_errors_and_no_warnings() {
    let errors = Policy::review("policies:\n- name: a\n  trigger: 'true'\n").err();
    let first = errors.iter().flatten().next().map(|problem| problem.message().to_owned());
    let expected = "policy `a`: expected an `action` for its `trigger`, found none";
    assert_eq!(first.as_deref(), Some(expected));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn more_warnings_than_anyone_reads_are_counted() {
    let models: Vec<String> = (0..60).map(|index| format!("m{index}")).collect();
    let yaml = format!("policies:\n- name: a\n  allowed: [{}]\n", models.join(", "));
    let last = "governance.yml: warning: and 10 more problems";
    assert_eq!(warnings(&yaml).lines().last(), Some(last));
}
