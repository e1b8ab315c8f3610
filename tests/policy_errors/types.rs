//! Triggers that can never be what their author meant, found by the types of what they read.

use super::sentence;

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_comparisons_that_can_never_match() {
    let never = |name: &str, is: &str, with: &str| {
        format!("this can never match: {name} is {is}, compared with {with}")
    };
    let cases = [
        ("(refusal ? confidence : latency_ms) == 'low'", "the left side", "a number", "a string"),
        ("confidence in ['low', 'high']", "`confidence`", "a number", "a string"),
        ("3 in categories", "the left side", "a number", "a string"),
        ("categories == 'pii'", "`categories`", "a list", "a string"),
        ("category == ['pii']", "`category`", "a string", "a list"),
        ("categories[0] == 3", "the left side", "a string", "a number"),
        ("usage['input_tokens'] == 'x'", "the left side", "a number", "a string"),
        ("caller['spiffe'] == 3", "the left side", "a string", "a number"),
        ("tool_calls[0].name == 3", "the left side", "a string", "a number"),
        ("tool_calls[0] == 'x'", "the left side", "a map", "a string"),
        ("tool_calls.exists(t, t.name == 3)", "`t.name`", "a string", "a number"),
        ("tool_calls.exists(t, t == 'x')", "`t`", "a map", "a string"),
        ("categories.exists(c, c > 3)", "`c`", "a string", "a number"),
        ("['a', 'b'].exists(x, x == 3)", "`x`", "a string", "a number"),
        ("[1, 2].exists(x, x == category)", "`x`", "a number", "a string"),
        ("categories.filter(c, c == 'pii') == 'pii'", "the left side", "a list", "a string"),
        ("size(categories) == '3'", "`size`", "a number", "a string"),
        ("contains_pii(prompt) == 'yes'", "`contains_pii`", "a bool", "a string"),
        ("pii_kinds(prompt) == 'email'", "`pii_kinds`", "a list", "a string"),
        ("pii_kinds(prompt).exists(k, k == 3)", "`k`", "a string", "a number"),
        ("usage.input_tokens > '3'", "`usage.input_tokens`", "a number", "a string"),
        ("model_pinned == 'true'", "`model_pinned`", "a bool", "a string"),
        ("contains_pii(prompt) == null", "`contains_pii`", "a bool", "null"),
        ("string(confidence) == 0.5", "`string`", "a string", "a number"),
    ];
    for (trigger, name, is, with) in cases {
        assert_eq!(sentence(trigger), never(name, is, with), "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_words_that_a_value_never_is() {
    let cases = [
        ("provider == 'opnai'", "`provider` is never `opnai`, did you mean `openai`?"),
        ("'OpenAI' != provider", "`provider` is never `OpenAI`, did you mean `openai`?"),
        (
            "provider in ['openai', 'antropic']",
            "`provider` is never `antropic`, did you mean `anthropic`?",
        ),
        ("operation == 'chatt'", "`operation` is never `chatt`, did you mean `chat`?"),
        (
            "operation == 'talk'",
            "`operation` is `chat`, `text_completion`, `embeddings`, `image_generation`, `text_to_speech`, `moderation`, `generate_content` or `rerank`, never `talk`",
        ),
        ("'emial' in pii_kinds(prompt)", "`pii_kinds` is never `emial`, did you mean `email`?"),
        (
            "'secret' in pii_kinds(prompt)",
            "`pii_kinds` is `email`, `phone`, `card`, `iban`, `ssn`, `national_id`, `birth_date` or `ip`, never `secret`",
        ),
        (
            "pii_kinds(prompt).exists(k, k == 'emial')",
            "`k` is never `emial`, did you mean `email`?",
        ),
        ("pii_kinds(prompt)[0] == 'emial'", "this text is never `emial`, did you mean `email`?"),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), format!("this can never match: {expected}"), "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_fields_items_and_operands() {
    let field = "`usage` has no field `input_token`, did you mean `input_tokens`?";
    let cases = [
        ("usage['input_token'] > 3", field),
        ("has(usage.input_token)", field),
        ("tool_calls[0].nam == 'x'", "`tool_calls` has no field `nam`, did you mean `name`?"),
        ("tool_calls[0]['nam'] == 'x'", "`tool_calls` has no field `nam`, did you mean `name`?"),
        (
            "tool_calls.exists(t, t['nam'] == 'x')",
            "`tool_calls` has no field `nam`, did you mean `name`?",
        ),
        ("tool_calls.name == 'x'", "`.` expects a map, found a list"),
        ("categories['pii'] == 'x'", "`[]` expects a number, found a string"),
        ("usage[0] == 3", "`[]` expects a string, found a number"),
        ("model[0] == 'g'", "`[]` expects a list or a map, found a string"),
        ("refusal ? confidence < 0.5 : 'low'", "`:` expects a bool, found a string"),
        ("(refusal ? confidence : 'low') == 1", "`:` expects a number, found a string"),
        ("confidence ? true : false", "`?` expects a condition, found a number"),
        ("refusal ? 'a' : 'b'", "expected a condition, found a string"),
        ("tool_calls.exists(t, t.name)", "`exists` expects a condition, found a string"),
        (
            "tool_calls.exists(t, t.name.startsWith(3))",
            "`startsWith` expects a string, found a number",
        ),
        ("usage.output_tokens * 'a' > 1", "`*` expects a number, found a string"),
    ];
    for (trigger, expected) in cases {
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_numbers_of_two_types() {
    let cases = [
        ("confidence * 100 < 75", "*", "a double", "an int"),
        ("status / 100.0 > 4.0", "/", "an int", "a double"),
        ("usage.input_tokens + 1u > 3", "+", "an int", "a uint"),
        ("usage['input_tokens'] - confidence > 3", "-", "an int", "a double"),
        ("(refusal ? 1.0 : confidence) + size(output) > 2", "+", "a double", "an int"),
        ("-confidence * int('3') < 1", "*", "a double", "an int"),
    ];
    for (trigger, operator, left, right) in cases {
        let expected = format!(
            "`{operator}` expects two numbers of one type, found {left} and {right}: an int is a \
             double as `1.0` or `double(value)`"
        );
        assert_eq!(sentence(trigger), expected, "{trigger}");
    }
    assert_eq!(sentence("confidence % 2.0 == 1"), "`%` expects an int, found a double");
    for trigger in ["confidence < 1", "status == 200.0", "latency_ms * 2 > 1.5", "3u > status"] {
        assert_eq!(sentence(trigger), "no error", "{trigger}");
    }
}
