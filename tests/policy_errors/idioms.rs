//! What other languages have: each message says how it is written here, and nothing else.

use super::errors;

/// Column and sentence of the only problem of a trigger.
fn told(trigger: &str) -> String {
    let yaml = format!("policies:\n- name: gate\n  action: deny\n  trigger: |\n    {trigger}\n");
    let errors = errors(&yaml);
    assert_eq!(errors.lines().count(), 3, "{errors}");
    let first = errors.lines().next().unwrap_or_default();
    let place = first.trim_start_matches("governance.yml:5:");
    place.replace("trigger of policy `gate`: ", "")
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_field_without_its_map() {
    for (trigger, expected) in [
        ("max_tokens > 3", "5: unknown variable `max_tokens`, did you mean `input.max_tokens`?"),
        ("'a' in tools", "12: unknown variable `tools`, did you mean `input.tools`?"),
        ("spiffe == 'a'", "5: unknown variable `spiffe`, did you mean `caller.spiffe`?"),
        ("headers['a'] == 'b'", "5: unknown variable `headers`, did you mean `request.headers`?"),
        ("refusal && hour > 3", "16: unknown variable `hour`, did you mean `now.hour`?"),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_part_of_a_text() {
    for (trigger, expected) in [
        ("'x' in prompt", "12: `in` looks into a list, of a string write `prompt.contains('x')`"),
        (
            "served_model in request.path",
            "28: `in` looks into a list, of a string write `request.path.contains(served_model)`",
        ),
        ("prompt contains 'x'", "12: unexpected `contains`, write `prompt.contains('x')`"),
        (
            r#"refusal && request.path startsWith "x""#,
            r#"29: unexpected `startsWith`, write `request.path.startsWith("x")`"#,
        ),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_function_of_another_language() {
    for (trigger, expected) in [
        ("len(prompt) > 3", "5: unknown function `len`, write `size(value)`"),
        ("prompt.length() > 3", "12: unknown function `length`, write `size(value)`"),
        (
            "tool_calls.any(call, call.name == 'a')",
            "16: unknown function `any`, write `list.exists(item, condition)`",
        ),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_operator_of_another_language() {
    for (trigger, expected) in [
        ("refusal & model_pinned", "13: unexpected `&`, write `&&`"),
        ("refusal | model_pinned", "13: unexpected `|`, write `||`"),
        ("not model_pinned", "5: unexpected `not`, write `!`"),
        ("refusal && not model_pinned", "16: unexpected `not`, write `!`"),
        ("!category in ['pii']", "5: `!` binds before `in`, write `!(category in […])`"),
        ("!category in categories", "5: `!` binds before `in`, write `!(category in categories)`"),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_question_whether_a_value_is_known() {
    for (trigger, expected) in [
        (
            "has(confidence)",
            "9: `has` asks for a field of a map: what counts where `confidence` is unknown is said by `on_error`",
        ),
        (
            "confidence == null",
            "16: `confidence` is never null: what counts where it is unknown is said by `on_error`",
        ),
        (
            "null != confidence",
            "10: `confidence` is never null: what counts where it is unknown is said by `on_error`",
        ),
        (
            "input.max_tokens == null",
            "22: `input.max_tokens` is never null: whether it is known is said by `has(input.max_tokens)`",
        ),
        ("has(modl)", "9: `has` is written `has(caller.spiffe)`: it asks for a field"),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_header_with_a_dash() {
    for (trigger, expected) in [
        ("request.headers.x-team == 'a'", "21: `-` subtracts, write `request.headers['x-team']`"),
        (
            "refusal && request.headers.x-ai-team == 'a'",
            "32: `-` subtracts, write `request.headers['x-ai-team']`",
        ),
        (
            "has(request.headers.x-ai-team)",
            "25: `-` subtracts, write `'x-ai-team' in request.headers`",
        ),
    ] {
        assert_eq!(told(trigger), expected, "{trigger}");
    }
}
