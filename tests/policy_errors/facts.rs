//! What can be wrong with fields, lists and headers within a trigger.

use super::{check, first_line};

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_field_that_never_matches() {
    check(
        r#"policies:
- name: gate
  trigger: "now.hour < '9'"
  action: deny
"#,
        r#"
governance.yml:3:22: trigger of policy `gate`: this can never match: `now.hour` is a number, compared with a string
  |   trigger: "now.hour < '9'"
  |                      ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_never_in_a_list_of_texts() {
    check(
        r#"policies:
- name: gate
  trigger: "3 in input.tools || input.tools.exists(t, t == 3) || input.images in input.tools"
  action: deny
"#,
        r#"
governance.yml:3:15: trigger of policy `gate`: this can never match: the left side is a number, compared with a string
  |   trigger: "3 in input.tools || input.tools.exists(t, t == 3) || input.images in input.tools"
  |               ^
governance.yml:3:57: trigger of policy `gate`: this can never match: `t` is a string, compared with a number
  |   trigger: "3 in input.tools || input.tools.exists(t, t == 3) || input.images in input.tools"
  |                                                         ^
governance.yml:3:79: trigger of policy `gate`: this can never match: `input.images` is a number, compared with a string
  | …|| input.tools.exists(t, t == 3) || input.images in input.tools"
  |                                                   ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_header_that_holds_a_credential() {
    check(
        r#"policies:
- name: gate
  trigger: "request.headers['authorization'] == 'a'"
  action: deny
"#,
        r#"
governance.yml:3:29: trigger of policy `gate`: `authorization` holds a credential, which `request.headers` never has: `caller.api_key_hash` tells callers apart
  |   trigger: "request.headers['authorization'] == 'a'"
  |                             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_header_that_is_not_in_lower_case() {
    check(
        r#"policies:
- name: gate
  trigger: "'X-Team' in request.headers"
  action: deny
"#,
        r#"
governance.yml:3:13: trigger of policy `gate`: names in `request.headers` are in lower case, write `x-team`
  |   trigger: "'X-Team' in request.headers"
  |             ^"#,
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_headers_however_they_are_asked_for() {
    let cases = [
        ("request.headers.cookie == 'a'", Some("`cookie` holds a credential")),
        ("has(request.headers.cookie)", Some("`cookie` holds a credential")),
        ("'Authorization' in request.headers", Some("`authorization` holds a credential")),
        ("request.headers['x-litellm-api-key'] == ''", Some("`x-litellm-api-key` holds")),
        ("request.headers.Host == 'a'", Some("names in `request.headers` are in lower case")),
        ("request.headers['x-team'] == 3", Some("this can never match: the left side")),
        ("request.headers == 'a'", Some("this can never match: `request.headers` is a map")),
        ("request.header['x-team'] == 'a'", Some("did you mean `headers`?")),
        ("request.headers['x-team'] == 'a'", None),
        ("categories.exists(request, 'A' in request.headers)", Some("`.` expects a map")),
        ("[{'headers': ['a']}].exists(request, 'A' in request.headers)", None),
    ];
    for (trigger, expected) in cases {
        let found = first_line(trigger);
        let expected = expected.unwrap_or("no error");
        assert!(found.contains(expected), "{trigger}: {found}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn err_field_of_a_field_that_is_no_map() {
    check(
        r#"policies:
- name: gate
  trigger: "now.hour.minute == 3"
  action: deny
"#,
        r#"
governance.yml:3:22: trigger of policy `gate`: `.` expects a map, found a number
  |   trigger: "now.hour.minute == 3"
  |                      ^"#,
    );
}
