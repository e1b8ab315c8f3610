//! Pins that lead nowhere, names that no rule knows, and when and by what a policy is judged.

use super::check;
use governance_filter::policy::Policy;

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn pin_that_is_always_refused() {
    check(
        r#"policies:
- name: preferred
  allowed: [gpt-4o-2024-08-06]
  action: flag_for_review
- name: approved
  allowed: [gpt-4o-2024-08-06, gpt-4.1-2025-04-14]
models:
  deployments: {prod-chat: gpt-4o-2024-08-06, test-chat: gpt-5-2025-08-07}
  pins:
    a: gpt-4.1-2025-04-14
    b: openai/gpt-4o-2024-08-06
    c: prod-chat
    d: test-chat
    e: gpt-5-2025-08-07
"#,
        r#"
governance.yml:13:8: warning: `models.pins`: every call for `d` is refused, for it leads to `test-chat`, which policy `approved` does not approve
  |     d: test-chat
  |        ^
governance.yml:14:8: warning: `models.pins`: every call for `e` is refused, for it leads to `gpt-5-2025-08-07`, which policy `approved` does not approve
  |     e: gpt-5-2025-08-07
  |        ^"#,
    );
    check("models: {pins: {a: gpt-4.1-2025-04-14}}\n", "");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn alias_that_no_request_can_name() {
    check(
        r#"models:
  pins:
    "": gpt-4.1-2025-04-14
    " fast": gpt-4.1-2025-04-14
    "a\tb": gpt-4.1-2025-04-14
    "slow one": gpt-4.1-2025-04-14
"#,
        r#"
governance.yml:3:9: warning: `models.pins`: no request can ask for the alias ``
  |     "": gpt-4.1-2025-04-14
  |         ^
governance.yml:4:14: warning: `models.pins`: no request can ask for the alias ` fast`
  |     " fast": gpt-4.1-2025-04-14
  |              ^
governance.yml:5:13: warning: `models.pins`: no request can ask for the alias `a b`
  |     "a\tb": gpt-4.1-2025-04-14
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn approved_name_that_no_rule_knows() {
    let yaml = r#"policies:
- name: approved
  allowed: [acme-chat, gpt-4o-2024-08-06]
models:
  floating: deny
"#;
    check(
        yaml,
        r#"
governance.yml:3:13: warning: policy `approved`: no rule says whether `acme-chat` is pinned or floating, so `models.floating: deny` passes it; `models.rules` can say
  |   allowed: [acme-chat, gpt-4o-2024-08-06]
  |             ^"#,
    );
    check(&yaml.replace("floating: deny", "floating: allow"), "");
    let known = "  rules: [{match: acme-*, class: pinned}]\n";
    check(&format!("{yaml}{known}"), "");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn when_and_by_what_each_policy_is_judged() {
    let yaml = r#"policies:
- {name: a, trigger: "model == 'x' && caller.address == 'y'", action: deny}
- {name: b, trigger: "category == 'pii'", action: route_to_human_review}
- {name: c, trigger: "output == '' && category == 'pii'", action: flag_for_review}
- {name: d, allowed: [x]}
- {name: e, trigger: 'true', action: flag_for_review}
"#;
    let policy = Policy::parse(yaml).unwrap();
    let outlines: Vec<String> = policy
        .outlines()
        .map(|told| {
            format!("{} {} {}: {}", told.name, told.phase, told.action, told.reads.join(" "))
        })
        .collect();
    assert_eq!(
        outlines,
        [
            "a request deny: model caller",
            "b both route_to_human_review: category",
            "c answer flag_for_review: output category",
            "d both deny: model served_model",
            "e request flag_for_review: ",
        ]
    );
}
