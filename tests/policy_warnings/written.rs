//! Values written in conditions that can never match, or mean another thing than they look.

use super::{check, sentences};

/// The sentences on one trigger of a policy that flags.
fn told(trigger: &str, more: &str) -> Vec<String> {
    sentences(&format!(
        "policies:\n- name: gate\n  action: flag_for_review\n  on_error: skip\n  trigger: |\n    \
         {trigger}\n{more}"
    ))
}

/// The one sentence on a trigger.
fn one(trigger: &str, more: &str) -> String {
    let told = told(trigger, more);
    assert_eq!(told.len(), 1, "{trigger}: {told:?}");
    told.concat().trim_start_matches("policy `gate`: ").to_owned()
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn category_that_is_misspelt() {
    check(
        r#"policies:
- name: gate
  trigger: "category in ['pii', 'heathcare']"
  action: route_to_human_review
"#,
        r#"
governance.yml:3:33: warning: policy `gate`: `heathcare` is no category that is found here, did you mean `healthcare`? A client may still send it: then list it in `categories.order`
  |   trigger: "category in ['pii', 'heathcare']"
  |                                 ^"#,
    );
    for trigger in [
        "category == 'heathcare'",
        "'heathcare' != category",
        "!(category in ['heathcare', 'pii'])",
        "'heathcare' in categories",
        "categories.exists(c, c == 'heathcare')",
        "model == 'a' || category == \"heathcare\" && route == 'b'",
    ] {
        assert_eq!(
            one(trigger, ""),
            "`heathcare` is no category that is found here, did you mean `healthcare`? A client \
             may still send it: then list it in `categories.order`",
            "{trigger}"
        );
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn category_that_is_known_or_like_no_other_is_left_alone() {
    let custom = "categories: {order: [pii, heathcare], custom: [{name: legal, words: [writ]}]}\n";
    for (trigger, more) in [
        ("category in ['pii', 'healthcare', 'financial', 'general']", ""),
        ("category == 'weapons'", ""),
        ("category == 'legal' || category == 'heathcare'", custom),
        ("category.startsWith('heathcare')", ""),
        ("category == 'heath' + 'care'", ""),
        ("route == 'heathcare'", ""),
    ] {
        assert_eq!(told(trigger, more), [""; 0], "{trigger}");
    }
    let near = one("category == 'legall'", custom);
    assert!(near.contains("did you mean `legal`?"), "{near}");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn category_that_can_never_match() {
    let detectors = "categories: {from: [detectors]}\n";
    for (trigger, more, expected) in [
        (
            "category == 'PII'",
            "",
            "`PII` can never match: categories are compared in small letters, write `pii`",
        ),
        (
            "category == 'top secret'",
            "",
            "`top secret` can never match: a category has 1 to 64 small letters, digits, `_` and \
             `-`",
        ),
        (
            "category == 'weapons'",
            detectors,
            "`weapons` can never match: `categories.from` lists `detectors` alone, and they find \
             no such category",
        ),
        (
            "category == 'finacial'",
            detectors,
            "`finacial` can never match: `categories.from` lists `detectors` alone, and they find \
             no such category, did you mean `financial`?",
        ),
    ] {
        assert_eq!(one(trigger, more), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn pattern_among_the_approved_models() {
    check(
        r#"policies:
- name: approved
  allowed: ["gpt-4o-2025-*"]
"#,
        r#"
governance.yml:3:13: warning: policy `approved`: `*` is a plain character in `allowed`, where a model is written out; a pattern needs `trigger: "!glob(model, 'gpt-4o-2025-*')"`
  |   allowed: ["gpt-4o-2025-*"]
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn pattern_where_a_text_is_compared() {
    for (trigger, name, mark, pattern) in [
        ("model == 'gpt-*'", "model", '*', "gpt-*"),
        ("!(requested_model in ['a', 'gpt-?'])", "requested_model", '?', "gpt-?"),
        ("served_model != r'o?-*'", "served_model", '?', "o?-*"),
    ] {
        assert_eq!(
            one(trigger, ""),
            format!(
                "`{mark}` is a plain character here, for a pattern write `glob({name}, '{pattern}')`"
            ),
            "{trigger}"
        );
    }
    for trigger in ["glob(model, 'gpt-*')", "route == '*'", "model == 'gpt'"] {
        assert_eq!(told(trigger, ""), [""; 0], "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn number_that_is_never_reached() {
    for (trigger, expected) in [
        (
            "confidence < 75",
            "`confidence < 75` is always true: `confidence` is a number from 0 to 1",
        ),
        (
            "75.5 < confidence",
            "`confidence > 75.5` is never true: `confidence` is a number from 0 to 1",
        ),
        (
            "confidence >= -1",
            "`confidence >= -1` is always true: `confidence` is a number from 0 to 1",
        ),
        ("now.hour == 24", "`now.hour == 24` is never true: `now.hour` is a number from 0 to 23"),
        ("now.hour != 24", "`now.hour != 24` is always true: `now.hour` is a number from 0 to 23"),
        (
            "now.weekday in [6, 7]",
            "`now.weekday == 7` is never true: `now.weekday` is a number from 0, Sunday, to 6",
        ),
    ] {
        assert_eq!(one(trigger, ""), expected, "{trigger}");
    }
    for trigger in [
        "confidence <= 1.0",
        "confidence >= 0.0",
        "now.hour + 2 > 24",
        "24 - now.hour > 20",
        "now.hour < 20 + 5",
        "now.unix > 1700000000",
    ] {
        assert_eq!(told(trigger, ""), [""; 0], "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn method_in_small_letters() {
    let expected = "`post` can never match: methods are in capitals, write `POST`";
    assert_eq!(one("request.method == 'post'", ""), expected);
    assert_eq!(told("request.method in ['POST', 'PUT']", ""), [""; 0]);
}
