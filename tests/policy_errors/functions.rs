//! What can be wrong with a call of a function: its pattern, its arguments, what it would cost.

use super::{check, sentence};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pattern_is_placed_where_it_stands() {
    check(
        r#"policies:
- name: gate
  trigger: "model == 'a' || prompt.matches('(')"
  action: deny
"#,
        r#"
governance.yml:3:44: trigger of policy `gate`: `matches` expects a regular expression, but in this one: found open group without closing ')'
  |   trigger: "model == 'a' || prompt.matches('(')"
  |                                            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_patterns() {
    let long = format!("prompt.matches('{}')", "a".repeat(257));
    let cases = [
        (
            "prompt.matches('[a-')",
            "`matches` expects a regular expression, but in this one: non-empty character class has no closing bracket after dash",
        ),
        (
            "prompt.matches('(?=x)')",
            "`matches` expects a regular expression, but in this one: look-around is not supported",
        ),
        (
            r"prompt.matches(r'\pL')",
            "`matches` expects a regular expression, but in this one: Unicode character classes are not supported",
        ),
        (
            "prompt.matches(model)",
            "`matches` expects its pattern written out in quotes, found something else",
        ),
        (
            "prompt.matches('a' + 'b')",
            "`matches` expects its pattern written out in quotes, found something else",
        ),
        (
            "glob(model, requested_model)",
            "`glob` expects its pattern written out in quotes, found something else",
        ),
        (
            "prompt.matches('a{1000}')",
            "`matches`: the pattern is too large once its repetitions such as `{100}` are written out, make them smaller or `+`",
        ),
        (
            "prompt.matches('((a{30}){30}){30}')",
            "`matches`: the pattern is too large once its repetitions such as `{100}` are written out, make them smaller or `+`",
        ),
        (&long, "`matches`: expected at most 256 characters, found 257"),
        (
            "prompt.matches('(?i)café')",
            "`matches`: `(?i)` holds for the letters a to z alone, write others out: `[éÉ]`",
        ),
        (
            "prompt.matches('(?si:café)')",
            "`matches`: `(?i)` holds for the letters a to z alone, write others out: `[éÉ]`",
        ),
        ("glob(model, 'gpt-[')", "`glob`: expected `]` to this `[`, found the end"),
        ("glob(model, '')", "`glob`: expected a pattern, found nothing"),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
    for trigger in
        ["prompt.matches('café')", "prompt.matches('(?P<i>é)')", "prompt.matches('(?s)é')"]
    {
        assert_eq!(sentence(trigger), "no error", "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_arguments() {
    let cases = [
        ("matches(prompt)", "`matches` is written `text.matches('pattern')`"),
        ("prompt.glob('x')", "`glob` is written `glob(text, 'pattern')`"),
        ("prompt.contains_pii()", "`contains_pii` is written `contains_pii(text)`"),
        ("is_pinned()", "`is_pinned` is written `is_pinned(model)`"),
        ("contains_pii(confidence)", "`contains_pii` expects a string, found a number"),
        ("contains_secret(tool_calls)", "`contains_secret` expects a string, found a list"),
        ("pii_kinds(refusal).size() > 1", "`pii_kinds` expects a string, found a bool"),
        ("is_pinned(3)", "`is_pinned` expects a string, found a number"),
        ("prompt.matches(3)", "`matches` expects a string, found a number"),
        ("confidence.matches('3')", "`matches` expects a string, found a number"),
        ("bool(confidence)", "`bool` expects a string or a bool, found a number"),
        ("uint(categories) > 1", "`uint` expects a string or a number, found a list"),
        ("string(usage) == ''", "`string` expects a string, a number or a bool, found a map"),
        ("size(confidence) > 1", "`size` expects a string, a list or a map, found a number"),
        (
            "categories.contains('pii')",
            "`contains` looks into a string, of a list write `value in list`",
        ),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_functions_that_would_cost_too_much() {
    let computed =
        "`contains_pii` reads a text of the exchange as it is, such as `prompt`, found another";
    let cases = [
        ("contains_pii('a@example.org')", computed),
        ("contains_pii(model + 'x')", computed),
        ("contains_pii(refusal ? output : 'x')", computed),
        ("['x', model].exists(x, contains_pii(x))", computed),
        (
            "categories.exists(c, prompt.matches('x'))",
            "`matches` may not read `prompt` for each item of a loop, write it outside the loop",
        ),
        (
            "['a', 'b'].exists(x, glob(output, 'a*'))",
            "`glob` may not read `output` for each item of a loop, write it outside the loop",
        ),
        (
            "[prompt, output].exists(x, x.matches('a'))",
            "`matches` may not read `prompt` for each item of a loop, write it outside the loop",
        ),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
    for trigger in [
        "contains_pii(refusal ? output : prompt)",
        "tool_calls.exists(t, contains_pii(t.arguments) || t.arguments.matches('DROP'))",
        "tool_calls.size() > 0 && contains_secret(tool_calls[0].arguments)",
        "categories.exists(c, contains_pii(prompt))",
    ] {
        assert_eq!(sentence(trigger), "no error", "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_functions_of_cel_that_are_refused() {
    let cases = [
        (
            "timestamp('2026-01-01T00:00:00Z') == 1",
            "timestamp",
            "a time is a number of `now`, such as `now.hour`",
        ),
        ("duration('1h') == 1", "duration", "a time is a number, such as `latency_ms`"),
        (
            "bytes(prompt) == 1",
            "bytes",
            "a text is read as it is, and `size` counts its characters",
        ),
        ("dyn(confidence) == 1", "dyn", "a value is read as it is"),
        (
            "type(confidence) == 1",
            "type",
            "the type of each variable is known when the file is loaded",
        ),
        ("prompt.lowerAscii() == 'x'", "lowerAscii", "write `text.matches('(?i)pattern')`"),
        ("prompt.toLowerCase() == 'x'", "toLowerCase", "write `text.matches('(?i)pattern')`"),
    ];
    for (trigger, name, instead) in cases {
        let expected = format!("function `{name}` is no part of the language: {instead}");
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
}
