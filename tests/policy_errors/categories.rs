//! Mistakes under `categories`.

use super::{check, errors};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_category_name_in_capitals() {
    check(
        r#"categories: {order: [pii, Legal]}
"#,
        r#"
governance.yml:1:27: `categories.order`: expected a name of at most 64 small letters, digits, `_` and `-`, found `Legal`
  | categories: {order: [pii, Legal]}
  |                           ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_category_listed_twice() {
    check(
        r#"categories: {order: [pii, legal, pii]}
"#,
        r#"
governance.yml:1:34: `categories.order`: `pii` stands twice
  | categories: {order: [pii, legal, pii]}
  |                                  ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_category_source_that_is_none() {
    check(
        r#"categories: {from: [headers]}
"#,
        r#"
governance.yml:1:21: `categories.from`: expected `header`, `metadata` or `detectors`, found `headers`, did you mean `header`?
  | categories: {from: [headers]}
  |                     ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_own_category_with_a_built_in_name() {
    check(
        r#"categories:
  custom: [{name: pii, words: [passport]}]
"#,
        r#"
governance.yml:2:19: `categories.custom`: `pii` is built in, a category needs its own name
  |   custom: [{name: pii, words: [passport]}]
  |                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_own_category_that_means_none() {
    check(
        r#"categories:
  custom: [{name: general, words: [anything]}]
"#,
        r#"
governance.yml:2:19: `categories.custom`: `general` is built in, a category needs its own name
  |   custom: [{name: general, words: [anything]}]
  |                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_own_category_twice() {
    check(
        r#"categories:
  custom:
  - {name: legal, words: [nda]}
  - {name: legal, words: [court]}
"#,
        r#"
governance.yml:4:12: `categories.custom`: `legal` stands twice
  |   - {name: legal, words: [court]}
  |            ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_own_category_without_words() {
    check(
        r#"categories:
  custom:
  - name: legal
  - {name: trade, words: []}
"#,
        r#"
governance.yml:3:5: `categories.custom`: entry without `words`
  |   - name: legal
  |     ^
governance.yml:4:26: `words`: expected 1 to 64 entries, found 0
  |   - {name: trade, words: []}
  |                          ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_words_that_cannot_be_looked_for() {
    check(
        r#"categories:
  custom:
  - name: legal
    words: [x, '--', one two three four five six seven eight nine, '']
"#,
        r#"
governance.yml:4:13: `words`: expected 2 to 64 characters, 1 to 8 words of letters and digits, found `x`
  |     words: [x, '--', one two three four five six seven eight nine, '']
  |             ^
governance.yml:4:16: `words`: expected 2 to 64 characters, 1 to 8 words of letters and digits, found `--`
  |     words: [x, '--', one two three four five six seven eight nine, '']
  |                ^
governance.yml:4:22: `words`: expected 2 to 64 characters, 1 to 8 words of letters and digits, found `one two three four five six seven eight nine`
  |     words: [x, '--', one two three four five six seven eight nine, '']
  |                      ^
governance.yml:4:68: `words`: expected a text, found an empty one
  |     words: [x, '--', one two three four five six seven eight nine, '']
  |                                                                    ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_word_that_stands_twice() {
    check(
        r#"categories:
  custom: [{name: legal, words: [attorney-client, Attorney Client]}]
"#,
        r#"
governance.yml:2:51: `words`: `attorney client` stands twice
  |   custom: [{name: legal, words: [attorney-client, Attorney Client]}]
  |                                                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_own_categories_that_nothing_looks_for() {
    check(
        r#"categories:
  from: [header]
  custom: [{name: legal, words: [nda]}]
"#,
        r#"
governance.yml:3:11: `categories.custom` has no effect, `categories.from` does not list `detectors`
  |   custom: [{name: legal, words: [nda]}]
  |           ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_key_of_categories() {
    check(
        r#"categories: {custom: [{name: legal, word: [nda]}], form: [header]}
"#,
        r#"
governance.yml:1:37: unknown key `word`, did you mean `words`?
  | categories: {custom: [{name: legal, word: [nda]}], form: [header]}
  |                                     ^
governance.yml:1:52: unknown key `form`, did you mean `from`?
  | categories: {custom: [{name: legal, word: [nda]}], form: [header]}
  |                                                    ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_more_categories_or_words_than_one_policy_needs() {
    let many = |count: usize, item: fn(usize) -> String| {
        (0..count).map(item).collect::<Vec<String>>().join(", ")
    };
    let own = many(17, |at| format!("{{name: c{at}, words: [w{at}]}}"));
    let words = many(65, |at| format!("w{at}"));
    let cases = [
        (format!("{{custom: [{own}]}}"), "`categories.custom`: expected 0 to 16 entries, found 17"),
        (
            format!("{{custom: [{{name: legal, words: [{words}]}}]}}"),
            "`words`: expected 1 to 64 entries, found 65",
        ),
        (format!("{{order: [{words}]}}"), "`categories.order`: expected 0 to 64 entries, found 65"),
    ];
    for (categories, expected) in cases {
        let found = errors(&format!("categories: {categories}\n"));
        assert!(found.lines().next().unwrap_or_default().ends_with(expected), "{found}");
    }
}
