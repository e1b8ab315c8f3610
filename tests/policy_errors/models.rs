//! What can be wrong with `models.rules` and `models.deployments`.

use super::check;

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_rule_without_its_keys() {
    check(
        r#"models:
  rules:
  - match: "acme-*"
  - class: pinned
  - {}
"#,
        r#"
governance.yml:3:5: `models.rules`: entry without `class`
  |   - match: "acme-*"
  |     ^
governance.yml:4:5: `models.rules`: entry without `match`
  |   - class: pinned
  |     ^
governance.yml:5:5: `models.rules`: entry without `match`
  |   - {}
  |     ^
governance.yml:5:5: `models.rules`: entry without `class`
  |   - {}
  |     ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_misspelt_key_of_a_rule() {
    check(
        r#"models:
  rules: [{ matches: "acme-*", class: pinned }]
"#,
        r#"
governance.yml:2:13: unknown key `matches`, did you mean `match`?
  |   rules: [{ matches: "acme-*", class: pinned }]
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_class_that_is_none() {
    check(
        r#"models:
  rules:
  - { match: "acme-*", class: pined }
  - { match: "acme-*", class: deny }
"#,
        r#"
governance.yml:3:31: `class`: expected `pinned`, `floating` or `unknown`, found `pined`, did you mean `pinned`?
  |   - { match: "acme-*", class: pined }
  |                               ^
governance.yml:4:31: `class`: expected `pinned`, `floating` or `unknown`, found `deny`
  |   - { match: "acme-*", class: deny }
  |                               ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_rules_of_another_shape() {
    check(
        r#"models:
  rules: { "acme-*": pinned }
"#,
        r#"
governance.yml:2:10: `models.rules`: expected a list, found a mapping
  |   rules: { "acme-*": pinned }
  |          ^"#,
    );
    check(
        r#"models:
  rules:
  - "acme-*"
  - match: [acme]
    class:
"#,
        r#"
governance.yml:3:5: `models.rules`: expected a mapping, found a single value
  |   - "acme-*"
  |     ^
governance.yml:4:12: `match`: expected a string, found a list
  |   - match: [acme]
  |            ^
governance.yml:5:10: `class`: expected a string, found nothing
  |     class:
  |          ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pattern_that_is_none() {
    check(
        r#"models:
  rules:
  - { match: "", class: pinned }
  - { match: "acme-[0-9", class: pinned }
  - { match: 'acme-[]-x', class: pinned }
  - match: acme-[!]
    class: pinned
  - { match: "acme-[a-z][z-a]", class: pinned }
  - { match: 'acme-\*', class: pinned }
  - { match: "é[\\d]", class: pinned }
"#,
        r#"
governance.yml:3:15: `match`: expected a pattern, found nothing
  |   - { match: "", class: pinned }
  |               ^
governance.yml:4:20: `match`: expected `]` to this `[`, found the end
  |   - { match: "acme-[0-9", class: pinned }
  |                    ^
governance.yml:5:20: `match`: expected a character between `[` and `]`, found none
  |   - { match: 'acme-[]-x', class: pinned }
  |                    ^
governance.yml:6:17: `match`: expected a character between `[` and `]`, found none
  |   - match: acme-[!]
  |                 ^
governance.yml:8:26: `match`: expected a range like `a-z`, found `z-a`
  |   - { match: "acme-[a-z][z-a]", class: pinned }
  |                          ^
governance.yml:9:20: `match`: `\` takes no meaning away, a star itself is `[*]`
  |   - { match: 'acme-\*', class: pinned }
  |                    ^
governance.yml:10:17: `match`: `\` takes no meaning away, a star itself is `[*]`
  |   - { match: "é[\\d]", class: pinned }
  |                 ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pattern_that_is_too_long() {
    let yaml = |stars: usize| {
        format!("models: {{rules: [{{class: pinned, match: {}}}]}}\n", "a*".repeat(stars))
    };
    assert_eq!(super::errors(&yaml(60)), "no error");
    let found = super::errors(&yaml(61));
    let first = found.lines().next().unwrap_or_default();
    let message = "`match`: expected at most 120 characters, found 122";
    assert_eq!(first, format!("governance.yml:1:41: {message}"));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_deployment_without_a_model() {
    check(
        r#"models:
  deployments:
    prod-chat:
    dev-chat: [gpt-4o]
    test-chat: ""
    prod-chat: gpt-4o-2025-12-17
"#,
        r#"
governance.yml:3:14: `models.deployments`: expected a string, found nothing
  |     prod-chat:
  |              ^
governance.yml:4:15: `models.deployments`: expected a string, found a list
  |     dev-chat: [gpt-4o]
  |               ^
governance.yml:5:16: `models.deployments`: expected a text, found an empty one
  |     test-chat: ""
  |                ^
governance.yml:6:5: key `prod-chat` stands twice, first on line 3
  |     prod-chat: gpt-4o-2025-12-17
  |     ^"#,
    );
    check(
        r#"models:
  deployments: [prod-chat]
"#,
        r#"
governance.yml:2:16: `models.deployments`: expected a mapping, found a list
  |   deployments: [prod-chat]
  |                ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_pin_to_what_the_policy_s_own_rules_or_deployments_call_floating() {
    check(
        r#"models:
  floating: deny
  pins: {a: acme-chat, b: prod-chat, c: gpt-4o, d: test-chat}
  deployments: {prod-chat: gpt-4o, test-chat: gpt-4o-2025-12-17}
  rules: [{match: acme-*, class: floating}, {match: gpt-4o, class: pinned}]
"#,
        r#"
governance.yml:3:13: `models.pins`: `a` leads to `acme-chat`, which the provider may repoint and `models.floating: deny` refuses
  |   pins: {a: acme-chat, b: prod-chat, c: gpt-4o, d: test-chat}
  |             ^"#,
    );
}
