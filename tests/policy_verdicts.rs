//! What a loaded policy says of requests and answers: phases, categories, the third outcome, the
//! order of pins, floating names and `allowed`, and the served model. Error wording is elsewhere.

#![allow(clippy::panic, reason = "helpers of tests are not seen as tests")]

#[path = "policy_verdicts/facts.rs"]
mod facts;
#[path = "policy_verdicts/fallbacks.rs"]
mod fallbacks;
#[path = "policy_verdicts/functions.rs"]
mod functions;
#[path = "policy_verdicts/holds.rs"]
mod holds;
#[path = "policy_verdicts/observe.rs"]
mod observe;
#[path = "policy_verdicts/unread.rs"]
mod unread;

use governance_filter::facts::{AnswerFacts, RequestFacts, Text, ToolCall};
use governance_filter::policy::{Action, OnFailure, Phase, Policy, Unreadable, Verdict};

const SHIPPED: &str = include_str!("../governance.yml");

fn policy(yaml: &str) -> Policy {
    Policy::parse(yaml).unwrap_or_else(|errors| panic!("{}", errors.display("test.yml")))
}

/// One policy `gate` with a trigger.
fn gate(trigger: &str, action: &str) -> Policy {
    policy(&format!("policies:\n- name: gate\n  trigger: |\n    {trigger}\n  action: {action}\n"))
}

fn request(model: &str, categories: &[&str]) -> RequestFacts {
    RequestFacts {
        provider: "openai",
        operation: "chat",
        requested_model: Some(model.to_owned()),
        model: Some(model.to_owned()),
        categories: categories.iter().map(|&category| category.to_owned()).collect(),
        gateway: "gateway-1".to_owned(),
        ..RequestFacts::default()
    }
}

fn answer(served: Option<&str>) -> AnswerFacts {
    AnswerFacts { status: 200, served_model: served.map(str::to_owned), ..AnswerFacts::default() }
}

/// Each entry of `triggered` on a line: policy, result, failure, action, enforced, phase, mode.
fn lines(verdict: &Verdict) -> Vec<String> {
    let line = |t: &governance_filter::record::Triggered| {
        let failure = t.failure.as_deref().unwrap_or("-");
        let enforced = if t.enforced { "enforced" } else { "not enforced" };
        let mode = t.mode.as_ref().map(|mode| format!(" {mode}")).unwrap_or_default();
        format!("{} {} {failure} {} {enforced} {}{mode}", t.policy, t.result, t.action, t.phase)
    };
    verdict.triggered.iter().map(line).collect()
}

fn message(verdict: &Verdict) -> Option<&str> {
    verdict.denial.as_ref().map(|denial| denial.message.as_str())
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn shipped_policy_routes_high_risk_categories_to_a_person() {
    let policy = policy(SHIPPED);
    for category in ["healthcare", "financial", "pii"] {
        let verdict = policy.judge_request(&request("gpt-4o-2025-12-17", &["legal", category]));
        let expected = "high_risk_review fired - route_to_human_review enforced request";
        assert_eq!(lines(&verdict), [expected], "{category}");
        assert_eq!(verdict.denial, None, "{category}");
    }
    let verdict = policy.judge_request(&request("gpt-4o-2025-12-17", &[]));
    assert_eq!(verdict, Verdict::default());
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn shipped_policy_flags_low_confidence_and_says_when_it_is_unknown() {
    let policy = policy(SHIPPED);
    let request = request("gpt-4o-2025-12-17", &[]);
    let cases = [
        (Some(0.74), vec!["confidence_gate fired - flag_for_review enforced answer"]),
        (Some(0.75), vec![]),
        (
            None,
            vec!["confidence_gate failed confidence_unknown flag_for_review not enforced answer"],
        ),
        (
            Some(f64::NAN),
            vec!["confidence_gate failed confidence_unknown flag_for_review not enforced answer"],
        ),
    ];
    for (logprob_confidence, expected) in cases {
        let answer = AnswerFacts { logprob_confidence, ..answer(None) };
        let verdict = policy.judge_answer(&request, &answer, &[]);
        assert_eq!(lines(&verdict), expected, "{logprob_confidence:?}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn shipped_policy_refuses_a_model_that_is_not_approved() {
    let policy = policy(SHIPPED);
    let verdict = policy.judge_request(&request("gpt-3.5-turbo", &[]));
    let floating = "models.floating fired - flag_for_review enforced request";
    assert_eq!(lines(&verdict), [floating, "approved_models fired - deny enforced request"]);
    assert_eq!(
        message(&verdict),
        Some(
            "model `gpt-3.5-turbo` is not approved by policy `approved_models`; \
             approved: gpt-4o-2025-12-17, claude-sonnet-4-6"
        )
    );
    let unnamed = RequestFacts { model: None, requested_model: None, ..request("x", &[]) };
    assert_eq!(
        message(&policy.judge_request(&unnamed)),
        Some(
            "the request names no model, and policy `approved_models` approves only some; \
             approved: gpt-4o-2025-12-17, claude-sonnet-4-6"
        )
    );
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn pin_comes_before_floating_and_allowed() {
    let policy = policy(SHIPPED);
    assert_eq!(policy.pin("gpt-4o"), Some("gpt-4o-2025-12-17"));
    assert_eq!(policy.pin("gpt-4o-2025-12-17"), None);
    let pinned = RequestFacts {
        requested_model: Some("gpt-4o".to_owned()),
        ..request("gpt-4o-2025-12-17", &[])
    };
    let verdict = policy.judge_request(&pinned);
    assert_eq!(lines(&verdict), ["models.pins fired - flag_for_review enforced request"]);
    assert_eq!(verdict.denial, None);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn floating_names_are_flagged_denied_or_allowed_and_unknown_ones_left_alone() {
    // A list with a name that `floating: deny` refuses does not load.
    let rest = |allowed: &str| format!("policies:\n- name: approved\n  allowed: [{allowed}]\n");
    let cases = [
        ("flag", "gpt-4o", vec!["models.floating fired - flag_for_review enforced request"]),
        ("deny", "gpt-4o", vec!["models.floating fired - deny enforced request"]),
        ("allow", "gpt-4o", vec![]),
        ("deny", "house-model", vec![]),
    ];
    for (floating, model, expected) in cases {
        let allowed = if floating == "deny" { "house-model" } else { "gpt-4o, house-model" };
        let policy = policy(&format!("models: {{floating: {floating}}}\n{}", rest(allowed)));
        let verdict = policy.judge_request(&request(model, &[]));
        let told = lines(&verdict);
        let floats = told.iter().filter(|line| line.starts_with("models."));
        assert!(floats.eq(expected.iter()), "{floating} {model}: {told:?}");
        let denied = expected.iter().any(|line| line.contains("deny"));
        assert_eq!(verdict.denial.is_some(), denied, "{floating} {model}");
    }
    let policy = policy(&format!("models: {{floating: deny}}\n{}", rest("house-model")));
    let verdict = policy.judge_request(&request("gpt-4o", &[]));
    let expected = "model `gpt-4o` is refused by policy `models.floating`, because its provider \
                    may repoint the name; approved: house-model";
    assert_eq!(message(&verdict), Some(expected));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn served_model_passes_with_or_without_its_date_but_not_with_another() {
    let policy = policy(SHIPPED);
    let cases = [
        (None, true),
        (Some(""), true),
        (Some("gpt-4o-2025-12-17"), true),
        (Some("openai/gpt-4o-2025-12-17"), true),
        (Some("gpt-4o"), true),
        (Some("claude-sonnet-4-6-2026-01-05"), true),
        (Some("gpt-4o-2024-05-13"), false),
        (Some("gpt-4o-mini"), false),
    ];
    for (served, passes) in cases {
        let answer = AnswerFacts { logprob_confidence: Some(0.9), ..answer(served) };
        let verdict = policy.judge_answer(&request("gpt-4o-2025-12-17", &[]), &answer, &[]);
        let expected: &[&str] =
            if passes { &[] } else { &["approved_models fired - deny enforced answer"] };
        assert_eq!(lines(&verdict), expected, "{served:?}");
    }
    let verdict =
        policy.judge_answer(&request("gpt-4o-2025-12-17", &[]), &answer(Some("o\n9")), &[]);
    let expected = "the answer came from model `o9`, which is not approved by policy \
                    `approved_models`; approved: gpt-4o-2025-12-17, claude-sonnet-4-6";
    assert_eq!(message(&verdict), Some(expected));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn category_is_each_found_category_or_general() {
    let policy = gate("category == 'general'", "flag_for_review");
    assert_eq!(policy.judge_request(&request("m", &[])).triggered.len(), 1);
    assert_eq!(policy.judge_request(&request("m", &["pii"])).triggered.len(), 0);
    let policy = gate("category == 'pii'", "flag_for_review");
    let verdict = policy.judge_request(&request("m", &["legal", "pii", "healthcare"]));
    assert_eq!(verdict.triggered.len(), 1, "once, however many match");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn answer_categories_are_judged_once_more_only_where_the_request_had_not_got_them() {
    let answer_of = |trigger: &str, found: &[&str], added: &[&str]| {
        let policy = gate(trigger, "deny");
        let added: Vec<String> = added.iter().map(|&category| category.to_owned()).collect();
        let request = request("m", found);
        lines(&policy.judge_answer(&request, &answer(None), &added))
    };
    let fired = ["gate fired - deny enforced answer"];
    assert_eq!(answer_of("category == 'pii'", &[], &["pii"]), fired);
    assert_eq!(answer_of("category == 'pii'", &["legal"], &["legal", "pii"]), fired);
    assert!(answer_of("category == 'pii'", &["pii"], &["pii"]).is_empty());
    assert!(answer_of("category == 'pii'", &["pii"], &["legal"]).is_empty());
    assert!(answer_of("category == 'general'", &[], &["pii"]).is_empty());
    assert!(answer_of("model == 'm'", &[], &["pii"]).is_empty(), "reads no category");
    let both = "'pii' in categories && 'legal' in categories";
    assert_eq!(answer_of(both, &["legal"], &["pii"]), fired, "the list is the union");
    assert!(answer_of("'legal' in categories", &["legal"], &["pii"]).is_empty(), "fired before");
    let mixed = "category == 'legal' && status == 200";
    assert_eq!(answer_of(mixed, &["legal"], &[]), fired, "answer facts see all categories");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn failed_trigger_is_recorded_with_its_kind_and_counts_as_on_error_says() {
    let cases = [
        ("deny", "default", "enforced", true),
        ("deny", "fire", "enforced", true),
        ("deny", "skip", "not enforced", false),
        ("route_to_human_review", "default", "not enforced", false),
        ("route_to_human_review", "fire", "enforced", false),
        ("flag_for_review", "default", "not enforced", false),
        ("flag_for_review", "fire", "enforced", false),
        ("flag_for_review", "skip", "not enforced", false),
        ("log", "default", "not enforced", false),
        ("log", "fire", "enforced", false),
    ];
    for (action, on_error, enforced, denied) in cases {
        let policy = policy(&format!(
            "policies:\n- name: gate\n  trigger: route == 'a'\n  action: {action}\n  \
             on_error: {on_error}\n"
        ));
        let verdict = policy.judge_request(&request("m", &[]));
        let expected = format!("gate failed unknown_route {action} {enforced} request");
        assert_eq!(lines(&verdict), [expected], "{action} {on_error}");
        let expected = "refused by policy `gate`: it could not be evaluated";
        assert_eq!(message(&verdict), denied.then_some(expected), "{action} {on_error}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn every_failure_has_a_kind_of_a_closed_set() {
    let cases = [
        ("confidence < 0.5", "confidence_unknown"),
        ("served_model == 'a'", "unknown_served_model"),
        ("usage.input_tokens > 3", "no_such_key"),
        ("categories[3] == 'a'", "no_such_key"),
        ("tool_calls[0].name == 'x' && [1, 'a'][1] > 1", "type_mismatch"),
        ("status * 9223372036854775807 > 1", "overflow"),
        ("{'a': status}.a", "not_boolean"),
        ("int(tool_calls[0].name) == status", "other"),
        ("status / 0 == 1", "other"),
    ];
    let call = ToolCall { name: "x".to_owned(), arguments: "{}".to_owned() };
    let answer = AnswerFacts { tool_calls: vec![call], ..answer(None) };
    for (trigger, kind) in cases {
        // Reading `status` makes each an answer fact.
        let policy = gate(&format!("({trigger}) && status > 0"), "flag_for_review");
        let policy = if kind == "not_boolean" { gate(trigger, "flag_for_review") } else { policy };
        let verdict = policy.judge_answer(&request("m", &[]), &answer, &[]);
        let expected = format!("gate failed {kind} flag_for_review not enforced answer");
        assert_eq!(lines(&verdict), [expected], "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn every_variable_of_this_version_can_be_read() {
    let mut request = request("gpt-4o-2025-12-17", &["pii"]);
    request.prompt = Text::from("hello");
    request.route = Some("chat".to_owned());
    request.caller.spiffe = Some("spiffe://a/b".to_owned());
    let call = ToolCall { name: "pay".to_owned(), arguments: "{}".to_owned() };
    let mut answer = AnswerFacts { tool_calls: vec![call], ..answer(Some("gpt-4o-2025-12-17")) };
    answer.output = Text::from("world");
    answer.usage.input_tokens = Some(7);
    answer.header_confidence = Some(0.5);
    answer.system_fingerprint = Some("fp".to_owned());
    answer.finish_reason = Some("stop".to_owned());
    answer.latency_ms = 12;
    let triggers = [
        "model == 'gpt-4o-2025-12-17' && requested_model == model && model_pinned",
        "provider == 'openai' && operation == 'chat' && route == 'chat'",
        "gateway.startsWith('gateway') && prompt.contains('ell') && size(prompt) == 5",
        "category == 'pii' && 'pii' in categories && size(categories) == 1",
        "caller.spiffe.startsWith('spiffe://') && !has(caller.api_key_hash)",
        "confidence <= 0.5 && output.endsWith('ld') && served_model == model",
        "system_fingerprint == 'fp' && finish_reason == 'stop' && !refusal",
        "tool_calls.exists(call, call.name == 'pay') && status == 200 && latency_ms == 12",
        "usage.input_tokens > 6 && !has(usage.output_tokens)",
        "['x', 'wor'].exists(word, output.contains(word))",
    ];
    for trigger in triggers {
        let policy = gate(trigger, "flag_for_review");
        let verdict = match policy.policy_phases().next() {
            Some((_, Phase::Answer)) => policy.judge_answer(&request, &answer, &[]),
            _ => policy.judge_request(&request),
        };
        let phase = if trigger.contains("confidence") { "answer" } else { "" };
        assert_eq!(verdict.triggered.len(), 1, "{trigger}");
        let line = lines(&verdict).concat();
        assert!(line.starts_with("gate fired - ") && line.ends_with(phase), "{trigger}: {line}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn first_enforced_deny_refuses_and_the_rest_is_recorded() {
    let policy = policy(
        "policies:\n- name: marks\n  trigger: 'true'\n  action: flag_for_review\n\
         - name: refuses\n  trigger: 'true'\n  action: deny\n  message: ask the platform team\n\
         - name: refuses_too\n  trigger: 'true'\n  action: deny\n\
         - name: approved\n  allowed: [a]\n  action: route_to_human_review\n",
    );
    let verdict = policy.judge_request(&request("m", &[]));
    assert_eq!(
        lines(&verdict),
        [
            "marks fired - flag_for_review enforced request",
            "refuses fired - deny enforced request",
            "refuses_too fired - deny enforced request",
            "approved fired - route_to_human_review enforced request",
        ]
    );
    assert_eq!(verdict.denial.as_ref().map(|denial| denial.policy.as_str()), Some("refuses"));
    assert_eq!(message(&verdict), Some("ask the platform team"));
    assert!(Action::STRONGEST_FIRST.is_sorted_by(|stronger, weaker| stronger > weaker));
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn refusal_repeats_a_model_name_cut_and_without_control_characters() {
    let verdict =
        policy(SHIPPED).judge_request(&request(&format!("a\r\n{}", "x".repeat(200)), &[]));
    let expected = format!("model `a{}…` is not approved by", "x".repeat(99));
    let message = message(&verdict).unwrap_or_default();
    assert!(message.starts_with(&expected), "{message}");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn lowest_confidence_of_the_configured_sources_counts() {
    let answer = AnswerFacts {
        header_confidence: Some(0.9),
        field_confidence: Some(0.2),
        logprob_confidence: Some(0.5),
        ..AnswerFacts::default()
    };
    let cases = [
        ("[header, field, logprobs]", Some((0.2, "field"))),
        ("[logprobs, header]", Some((0.5, "logprobs"))),
        ("[header]", Some((0.9, "header"))),
        ("[]", None),
    ];
    for (from, expected) in cases {
        let policy = policy(&format!("confidence: {{from: {from}}}\n"));
        let found = policy.confidence(&answer).map(|found| (found.value, found.source));
        assert_eq!(found, expected, "{from}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn unreadable_requests_are_refused_where_any_policy_denies() {
    let flags = "policies:\n- name: a\n  trigger: 'true'\n  action: flag_for_review\n";
    let denies = "policies:\n- name: a\n  allowed: [m]\n";
    let cases = [
        (flags.to_owned(), Unreadable::Flag, Some("flag_for_review")),
        (denies.to_owned(), Unreadable::Deny, Some("deny")),
        (format!("{denies}unreadable: allow\n"), Unreadable::Allow, None),
        (format!("{flags}unreadable: deny\n"), Unreadable::Deny, Some("deny")),
    ];
    for (yaml, expected, action) in cases {
        let policy = policy(&yaml);
        assert_eq!(policy.unreadable(), expected, "{yaml}");
        let triggered = policy.unreadable_triggered().map(|triggered| triggered.action);
        assert_eq!(triggered.as_deref(), action, "{yaml}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn on_failure_allow_ends_at_its_time() {
    let policy = policy("record: {on_failure: allow, on_failure_until: 1970-01-01T00:00:10Z}\n");
    assert_eq!(policy.record().on_failure_at(9_999), OnFailure::Allow);
    assert_eq!(policy.record().on_failure_at(10_000), OnFailure::Deny);
}
