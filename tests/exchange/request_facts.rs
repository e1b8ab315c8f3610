//! What a trigger reads of the request's head and of the time, through a whole exchange.

use super::*;
use governance_filter::policy::Policy;

const HEAD: [(&str, &str); 4] = [
    (":method", "POST"),
    (":path", "/v1/chat/completions?api-version=1&key=secret"),
    (":authority", "llm.example"),
    ("content-type", JSON),
];

/// Two policies with this condition: one judged on the request, one with the answer.
fn both_phases(condition: &str) -> String {
    format!(
        "policies:\n- name: before\n  trigger: |\n    {condition}\n  action: flag_for_review\n\
         - name: after\n  trigger: |\n    ({condition}) && status == 200\n  \
         action: flag_for_review\n"
    )
}

/// The results of the two, in order, where they did not come to nothing. The body comes an hour
/// after the head, and the answer an hour later.
fn judged(condition: &str, headers: &[(&str, &str)]) -> Vec<String> {
    let mut model = Model::new(&both_phases(condition));
    model.request_headers(&[&HEAD[..], headers].concat());
    model.wait(3_600_000).request_body(ask("m").as_bytes(), End::OfStream);
    model.ack(Kind::Intent).wait(3_600_000).answer(200, &chat("Hi")).ack(Kind::Outcome);
    let triggered = model.outcome()["triggered"].clone();
    let entries = triggered.as_array().expect("a list").iter();
    entries.map(|one| format!("{} {}", one["policy"], one["result"]).replace('"', "")).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn the_head_and_the_time_are_read_in_both_phases() {
    let headers = [("X-Team", "billing"), ("x-tag", "a"), ("x-tag", "b"), ("x-empty", "")];
    for condition in [
        "request.method == 'POST' && request.host == 'llm.example'",
        "request.path == '/v1/chat/completions'",
        "request.headers['x-team'] == 'billing' && request.headers['x-tag'] == 'a, b'",
        "request.headers['x-empty'] == '' && !('x-other' in request.headers)",
        "!request.headers.exists(name, name.startsWith(':'))",
        // The model's exchanges begin on Monday 2026-02-02 at 02:40.
        "now.unix == 1770000000 && now.hour == 2 && now.weekday == 1",
        "input.messages == 1 && input.characters == 2 && !has(input.max_tokens)",
    ] {
        assert_eq!(judged(condition, &headers), ["before fired", "after fired"], "{condition}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn no_credential_is_ever_among_the_headers() {
    let credentials = [
        "authorization",
        "Proxy-Authorization",
        "cookie",
        "api-key",
        "X-Api-Key",
        "x-goog-api-key",
        "x-amz-security-token",
        "x-portkey-api-key",
        "x-forwarded-access-token",
        "x-goog-iap-jwt-assertion",
        "ocp-apim-subscription-key",
        "helicone-auth",
    ];
    let headers = credentials.map(|name| (name, "canary"));
    let found = "request.headers.exists(name, request.headers[name].contains('canary'))";
    assert!(judged(found, &headers).is_empty());
    assert_eq!(judged("size(request.headers) == 1", &headers), ["before fired", "after fired"]);
    let shown = [&headers[..], &[("x-team", "canary")]].concat();
    assert_eq!(judged(found, &shown), ["before fired", "after fired"], "others are");
}

#[wasm_bindgen_test(unsupported = test)]
fn headers_beyond_the_bounds_leave_unknown_what_did_not_fire() {
    let names: Vec<String> = (0..64).map(|index| format!("x-{index}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
    // With `content-type` these are 64.
    let (fit, over) = (&many[..63], &many[..64]);
    let long = "a".repeat(16 << 10);
    let absent = "'x-other' in request.headers";
    assert!(judged(absent, fit).is_empty());
    assert_eq!(judged(absent, over), ["before failed", "after failed"]);
    assert_eq!(judged(absent, &[("x-long", &long)]), ["before failed", "after failed"]);
    let there = "'x-0' in request.headers";
    assert_eq!(judged(there, over), ["before fired", "after fired"]);
    assert!(judged("model == 'other'", over).is_empty(), "reads no header");
}

#[wasm_bindgen_test(unsupported = test)]
fn the_head_is_kept_only_where_a_trigger_reads_it() {
    let read = |trigger: &str| {
        let policy = format!("policies: [{{name: a, trigger: \"{trigger}\", action: deny}}]");
        let policy = Policy::parse(&policy).expect("a policy");
        let bytes = |text: &str| text.as_bytes().to_vec();
        let headers = HEAD.map(|(name, value)| (bytes(name), bytes(value)));
        RequestHead::read(&headers, Origin::default(), &policy).http
    };
    assert_eq!(read("model == 'm'"), Default::default());
    assert_eq!(read("status == 200 && request.method == 'PUT'").path, CHAT);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_header_value_that_is_no_text_is_kept_as_far_as_it_is() {
    let policy = Policy::parse(&both_phases("request.method == 'PUT'")).expect("a policy");
    let headers = [(b"x-name".to_vec(), b"J\xf6rg".to_vec())];
    let head = RequestHead::read(&headers, Origin::default(), &policy);
    assert_eq!(head.http.headers["x-name"], "J\u{fffd}rg");
}
