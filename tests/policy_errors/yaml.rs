//! Files that are no YAML: what to do about it, where the mistake stands.

use super::errors;

/// Place and sentence of the only problem.
fn check(yaml: &str, place: &str, expected: &str) {
    let errors = errors(yaml);
    assert_eq!(errors.lines().count(), 3, "{errors}");
    let first = errors.lines().next();
    let expected = format!("governance.yml:{place}: expected YAML, but {expected}");
    assert_eq!(first, Some(expected.as_str()), "{yaml}");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_text_without_quotes() {
    for (yaml, place, expected) in [
        (
            "policies:\n- name: a\n  description: this: that\n  allowed: [x]\n",
            "3:20",
            "a `: ` stands in a text without quotes, put quotes around it",
        ),
        (
            "policies:\n- name: a\n  trigger: refusal ? true : false\n  action: log\n",
            "3:27",
            "a `: ` stands in a text without quotes, put quotes around it",
        ),
        (
            "policies:\n- name: a\n  trigger: ['x'].exists(a, a == 'x')\n  action: log\n",
            "3:17",
            "this text needs quotes around all of it",
        ),
        (
            "policies:\n- name: a\n  trigger: @x\n  action: log\n",
            "3:12",
            "a text that begins with `@` needs quotes",
        ),
        (
            "policies:\n- name: a\n  trigger: !glob(model, 'x')\n  action: log\n",
            "3:12",
            "a text that begins with `!` needs quotes",
        ),
        (
            "policies:\n- name: a\n  allowed: [*x]\n",
            "3:13",
            "a text that begins with `*` needs quotes",
        ),
    ] {
        check(yaml, place, expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_text_in_quotes() {
    for (yaml, place, expected) in [
        (
            "policies:\n- name: a\n  trigger: \"prompt.matches('\\d+')\"\n",
            "3:29",
            "`\\d` means nothing between double quotes, write `\\\\d`, or put the text in single quotes",
        ),
        (
            "policies:\n- name: a\n  trigger: \"model == '\\\\\\n' || prompt.matches('\\.')\"\n",
            "3:48",
            "`\\.` means nothing between double quotes, write `\\\\.`, or put the text in single quotes",
        ),
        (
            "policies:\n- name: a\n  trigger: 'category == 'pii''\n",
            "3:26",
            "the text in quotes ended before this: put the whole in `\"…\"` and write `'…'` inside",
        ),
        (
            "policies:\n- name: a\n  trigger: 'x' in categories\n",
            "3:16",
            "the text in quotes ended before this: put the whole in `\"…\"` and write `'…'` inside",
        ),
        (
            "policies:\n- name: a\n  trigger: \"category == 'pii'\n  action: log\n",
            "3:12",
            "the text that begins here has no closing quote",
        ),
    ] {
        check(yaml, place, expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_indentation() {
    for (yaml, place, expected) in [
        (
            "policies:\n- name: a\n   trigger: refusal\n",
            "3:4",
            "this line is indented otherwise than those above it",
        ),
        (
            "policies:\n- name: a\n trigger: refusal\n",
            "3:2",
            "this line is indented otherwise than those above it",
        ),
        (
            "policies:\n- name: a\n\ttrigger: refusal\n",
            "3:1",
            "a tab stands in the indentation, write spaces",
        ),
        (
            "policies:\n- name: a\n  trigger: refusal\n  \taction: log\n",
            "4:3",
            "a tab stands in the indentation, write spaces",
        ),
        (
            "policies:\n- name: a\n  trigger: |\n\trefusal\n",
            "4:1",
            "a tab stands in the indentation, write spaces",
        ),
        (
            "policies:\n- name: a\n  trigger: |\n  refusal\n  action: log\n",
            "4:3",
            "the text of a block is indented further than its key",
        ),
    ] {
        check(yaml, place, expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_missing_sign() {
    for (yaml, place, expected) in [
        ("policies:\n- name a\n  trigger: refusal\n", "2:3", "no `:` stands after this key"),
        ("policies\n- name: a\n", "1:1", "no `:` stands after this key"),
        (
            "policies:\n- name: a\n  trigger refusal\n  action: log\n",
            "3:3",
            "no `:` stands after this key",
        ),
        (
            "policies:\n- name: a\n  allowed: [x, y\n  action: log\n",
            "4:9",
            "a `[` or `{` above is not closed",
        ),
    ] {
        check(yaml, place, expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_non_breaking_space() {
    for (yaml, place, expected) in [
        (
            "policies:\n- name: a\n  trigger: refusal\n \u{a0}action: log\n",
            "4:2",
            "a non-breaking space stands here, write a plain one",
        ),
        (
            "policies:\n- name: a\n  trigger: refusal\n  action:\u{a0}log\n",
            "4:10",
            "a non-breaking space stands here, write a plain one",
        ),
        (
            "policies:\n-\u{a0}name: a\n  allowed: [x]\n",
            "2:2",
            "a non-breaking space stands here, write a plain one",
        ),
        (
            "policies: []\n\u{a0}streams: hold\n",
            "2:1",
            "a non-breaking space stands here, write a plain one",
        ),
    ] {
        check(yaml, place, expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn text_with_odd_blanks_is_left_alone() {
    let yaml =
        "policies:\n- name: a\n  description: |\n    \u{a0}x:\u{a0}y\n    \tz\n  allowed: [x]\n";
    assert_eq!(errors(yaml), "no error");
}
