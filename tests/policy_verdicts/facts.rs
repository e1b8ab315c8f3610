//! What triggers read of the input, of the HTTP request, of the time, of who called and of usage.

use governance_filter::facts::{
    AnswerFacts, Caller, HttpFacts, Input, RequestFacts, TEXT_BYTES_MAX, Text, Usage,
};

use super::{answer, gate, lines, request};

const FIRED: [&str; 1] = ["gate fired - deny enforced request"];
const TRUNCATED: [&str; 1] = ["gate failed truncated deny enforced request"];
const UNKNOWN: [&str; 1] = ["gate failed no_such_key deny enforced request"];

fn judged(trigger: &str, facts: &RequestFacts) -> Vec<String> {
    lines(&gate(trigger, "deny").judge_request(facts))
}

fn called_by(spiffe: &str) -> RequestFacts {
    let caller = Caller { spiffe: Some(spiffe.to_owned()), ..Caller::default() };
    RequestFacts { caller, ..request("m", &[]) }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn input_says_what_the_request_states() {
    let tools = vec!["weather".to_owned(), "shell".to_owned()];
    let input = Input {
        messages: 3,
        images: 2,
        tools,
        max_tokens: Some(512),
        temperature: Some(0.5),
        ..Input::default()
    };
    let prompt = Text::from("Grüße");
    let facts = RequestFacts { input, prompt, stream: true, ..request("m", &[]) };
    for trigger in [
        "input.messages == 3 && input.characters == 5 && input.images > 1",
        "input.max_tokens > 500 && input.temperature <= 0.5 && input.stream",
        "'shell' in input.tools && !('she' in input.tools) && size(input.tools) == 2",
        "input.tools.exists(tool, tool.startsWith('wea'))",
        "input.tools[1] == 'shell'",
        "has(input.temperature) && has(input.tools)",
    ] {
        assert_eq!(judged(trigger, &facts), FIRED, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn what_the_request_does_not_state_is_unknown() {
    let facts = request("m", &[]);
    for trigger in ["input.max_tokens > 1", "input.temperature < 1.0"] {
        assert_eq!(judged(trigger, &facts), UNKNOWN, "{trigger}");
    }
    let none = "!has(input.max_tokens) && !has(input.temperature) && input.messages == 0 \
                && input.images == 0 && size(input.tools) == 0 && !input.stream";
    assert_eq!(judged(none, &facts), FIRED);
    let zero = Input { max_tokens: Some(0), temperature: Some(0.0), ..Input::default() };
    let facts = RequestFacts { input: zero, ..facts };
    assert_eq!(judged("has(input.max_tokens) && input.temperature == 0.0", &facts), FIRED);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_prompt_that_was_cut_leaves_only_its_length_unknown() {
    let mut facts = request("m", &[]);
    facts.prompt = Text::from("a".repeat(TEXT_BYTES_MAX + 1).as_str());
    assert_eq!(judged("input.characters > 1000", &facts), FIRED, "so many were read");
    for trigger in ["input.characters > 2000000", "input['characters'] > 2000000"] {
        assert_eq!(judged(trigger, &facts), TRUNCATED, "{trigger}");
    }
    for trigger in ["input.messages > 9", "'shell' in input.tools"] {
        assert!(judged(trigger, &facts).is_empty(), "{trigger}");
    }
    let input = Input { tools_cut: true, tools: vec!["a".to_owned()], ..Input::default() };
    let facts = RequestFacts { input, ..request("m", &[]) };
    assert_eq!(judged("'shell' in input.tools", &facts), TRUNCATED);
    assert_eq!(judged("'a' in input.tools", &facts), FIRED);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_prompt_is_kept_where_its_length_is_read_with_the_answer() {
    for (trigger, kept) in [
        ("input.characters > 9 && status == 200", true),
        ("has(input.characters) && status == 200", true),
        ("input['characters'] > 9 && status == 200", true),
        ("input.messages > 9 && status == 200", false),
        ("input.characters > 9", false),
    ] {
        assert_eq!(gate(trigger, "deny").reads_prompt_with_answer(), kept, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn request_is_the_head_of_the_http_request() {
    let headers = [("x-team", "billing"), ("user-agent", "curl/8")];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let http = HttpFacts {
        method: "POST".to_owned(),
        path: "/v1/chat/completions".to_owned(),
        host: Some("llm.example:8443".to_owned()),
        headers: headers.into(),
        cut: false,
    };
    let mut facts = RequestFacts { http, ..request("m", &[]) };
    for trigger in [
        "request.method == 'POST' && request.path.endsWith('/completions')",
        "request.host.startsWith('llm.') && request.headers['x-team'] == 'billing'",
        "'x-team' in request.headers && !('x-other' in request.headers)",
        "has(request.headers.from) || size(request.headers) == 2",
        "request.headers.exists(name, request.headers[name].contains('curl'))",
    ] {
        assert_eq!(judged(trigger, &facts), FIRED, "{trigger}");
    }
    let absent = "request.headers['x-other'] == 'a'";
    assert_eq!(judged(absent, &facts), UNKNOWN);
    facts.http.cut = true;
    assert_eq!(judged(absent, &facts), TRUNCATED);
    assert_eq!(judged("'x-team' in request.headers", &facts), FIRED);
    assert!(judged("model == 'other'", &facts).is_empty());
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn now_is_in_utc_and_its_week_begins_on_sunday() {
    for (received_at_ms, unix, hour, weekday) in [
        (0, 0, 0, 4),
        // 2026-03-14T23:59:59.999Z, a Saturday.
        (1_773_532_799_999, 1_773_532_799_u64, 23, 6),
        (1_773_532_800_000, 1_773_532_800, 0, 0),
        // 2026-03-16T09:30:00Z, a Monday.
        (1_773_653_400_000, 1_773_653_400, 9, 1),
    ] {
        let trigger =
            format!("now.unix == {unix} && now.hour == {hour} && now.weekday == {weekday}");
        let facts = RequestFacts { received_at_ms, ..request("m", &[]) };
        assert_eq!(judged(&trigger, &facts), FIRED, "{trigger}");
        let later = gate(&format!("{trigger} && status == 200"), "deny");
        let verdict = later.judge_answer(&facts, &answer(None), &[]);
        assert_eq!(lines(&verdict), ["gate fired - deny enforced answer"], "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn a_workload_s_certificate_names_its_namespace() {
    let billing = "caller.namespace == 'billing' && caller.service_account == 'bot'";
    assert_eq!(judged(billing, &called_by("spiffe://corp.example/ns/billing/sa/bot")), FIRED);
    for spiffe in [
        "spiffe://corp.example/ns/billing",
        "spiffe://corp.example/ns/billing/sa/",
        "spiffe://corp.example/ns//sa/bot",
        "spiffe:///ns/billing/sa/bot",
        "spiffe://corp.example/ns/billing/sa/bot/more",
        "spiffe://corp.example/x/billing/sa/bot",
        "spiffe://corp.example/ns/billing/account/bot",
        "https://corp.example/ns/billing/sa/bot",
    ] {
        let facts = called_by(spiffe);
        assert_eq!(judged(billing, &facts), UNKNOWN, "{spiffe}");
        assert_eq!(judged("!has(caller.service_account)", &facts), FIRED, "{spiffe}");
    }
    let caller = Caller { subject: Some("ann".to_owned()), ..Caller::default() };
    let facts = RequestFacts { caller, ..request("m", &[]) };
    assert_eq!(judged("caller.subject == 'ann' && !has(caller.namespace)", &facts), FIRED);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn usage_holds_what_the_provider_states() {
    let usage = Usage {
        total_tokens: Some(9),
        cached_tokens: Some(0),
        reasoning_tokens: Some(4),
        ..Usage::default()
    };
    let stated = AnswerFacts { usage, ..answer(None) };
    let trigger =
        "usage.total_tokens == 9 && usage.cached_tokens == 0 && usage.reasoning_tokens > 3";
    let policy = gate(trigger, "flag_for_review");
    let verdict = policy.judge_answer(&request("m", &[]), &stated, &[]);
    assert_eq!(lines(&verdict), ["gate fired - flag_for_review enforced answer"]);
    let verdict = policy.judge_answer(&request("m", &[]), &answer(None), &[]);
    assert_eq!(lines(&verdict), ["gate failed no_such_key flag_for_review not enforced answer"]);
}
