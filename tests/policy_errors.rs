//! Every message that a wrong governance.yml can give, in full: sentence, line and caret. What a
//! right one means is in `policy_verdicts.rs`.

#[path = "policy_errors/categories.rs"]
mod categories;
#[path = "policy_errors/entries.rs"]
mod entries;
#[path = "policy_errors/facts.rs"]
mod facts;
#[path = "policy_errors/functions.rs"]
mod functions;
#[path = "policy_errors/holds.rs"]
mod holds;
#[path = "policy_errors/idioms.rs"]
mod idioms;
#[path = "policy_errors/later.rs"]
mod later;
#[path = "policy_errors/models.rs"]
mod models;
#[path = "policy_errors/places.rs"]
mod places;
#[path = "policy_errors/shape.rs"]
mod shape;
#[path = "policy_errors/triggers.rs"]
mod triggers;
#[path = "policy_errors/types.rs"]
mod types;
#[path = "policy_errors/typos.rs"]
mod typos;
#[path = "policy_errors/yaml.rs"]
mod yaml;

use governance_filter::policy::Policy;

/// `expected` begins with a newline, so that it stands in the test as it is printed.
fn check(yaml: &str, expected: &str) {
    assert_eq!(format!("\n{}", errors(yaml)), expected);
}

/// The first line of what is wrong, without the file's name.
fn first(yaml: &str) -> String {
    let found = errors(yaml);
    let line = found.lines().next().unwrap_or_default();
    line.strip_prefix("governance.yml:").unwrap_or(line).to_owned()
}

fn errors(yaml: &str) -> String {
    match Policy::parse(yaml) {
        Ok(_) => "no error".to_owned(),
        Err(errors) => errors.display("governance.yml").to_string(),
    }
}

/// The first line of the first problem of a trigger that is long to write out.
fn first_line(trigger: &str) -> String {
    let yaml = format!("policies:\n- name: gate\n  trigger: |\n    {trigger}\n  action: deny\n");
    errors(&yaml).lines().next().unwrap_or_default().to_owned()
}

/// The sentence of the first problem of a trigger, without its place.
fn sentence(trigger: &str) -> String {
    let line = first_line(trigger);
    line.split_once("trigger of policy `gate`: ").map_or(line.clone(), |(_, said)| said.to_owned())
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_bounds_of_a_trigger() {
    let place = |column: usize| format!("governance.yml:4:{column}: trigger of policy `gate`: ");
    let cases = [
        (vec!["1"; 1000].join(" + "), 5, "expected at most 200 operators, found 999"),
        (vec!["!"; 201].concat() + "true", 5, "expected at most 200 operators, found 201"),
        ("-".repeat(4000) + "1", 5, "expected at most 200 operators, found 4000"),
        ("(".repeat(33) + "true", 37, "expected brackets at most 32 deep, found 33"),
        ("[".repeat(3000), 3004, "expected brackets at most 32 deep, found 3000"),
        ("model".to_owned() + &".a".repeat(300), 5, "expected at most 200 operators, found 300"),
        (format!("model == '{}'", "x".repeat(5000)), 5, "expected at most 4096 bytes, found 5012"),
        (
            format!("[{}].exists(x, x == 1)", vec!["1"; 65].join(", ")),
            5,
            "expected a loop over at most 64 items, found 65",
        ),
        (
            vec!["prompt == 'a'"; 17].join(" || "),
            277,
            "`prompt` and `output` may be read at most 16 times, and once within a loop",
        ),
        (
            "['a'].exists(x, x == prompt || x == output)".to_owned(),
            41,
            "`prompt` and `output` may be read at most 16 times, and once within a loop",
        ),
    ];
    for (trigger, column, message) in cases {
        assert_eq!(first_line(&trigger), place(column) + message, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn brackets_and_operators_within_texts_count_for_nothing() {
    for text in [
        "(".repeat(1000),
        "+".repeat(1000),
        r#"\'(((((((((((((((((((((((((((((((((((((((((((("#.to_owned(),
    ] {
        let trigger = format!("prompt.contains('{text}')");
        assert_eq!(first_line(&trigger), "no error", "{trigger}");
    }
    assert!(first_line(r#"r'\' == '\'' && modl == r"\""#).contains("modl"));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_file_that_is_too_large_or_too_deep() {
    let cases = [
        ("x".repeat(300_000), "1:1: expected a policy of at most 262144 bytes, found 300000"),
        ("- ".repeat(100_000), "1:33: expected at most 16 levels of nesting, found a deeper one"),
        ("[".repeat(100_000), "1:256: expected YAML, but recursion limit exceeded"),
        ("? ".repeat(100_000), "1:33: expected at most 16 levels of nesting, found a deeper one"),
    ];
    for (yaml, expected) in cases {
        let found = errors(&yaml);
        let first = found.lines().next().unwrap_or_default();
        assert_eq!(first, format!("governance.yml:{expected}"));
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_more_problems_than_anyone_reads() {
    let keys: String = (0..60).map(|index| format!("key{index}: 1\n")).collect();
    let found = errors(&keys);
    assert_eq!(found.lines().last(), Some("governance.yml: and 10 more problems"));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn errors_can_be_walked_one_by_one() {
    let errors = Policy::parse("polices: []\nstreams: held\n").err();
    let problems: Vec<String> = errors
        .iter()
        .flatten()
        .map(|problem| format!("{}:{} {}", problem.line, problem.column, problem.message()))
        .collect();
    assert_eq!(
        problems,
        [
            "1:1 unknown key `polices`, did you mean `policies`?",
            "2:10 `streams`: expected `pass` or `hold`, found `held`, did you mean `hold`?",
        ]
    );
}
