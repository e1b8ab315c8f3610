//! What the functions of triggers say of texts and models.

use governance_filter::facts::{AnswerFacts, RequestFacts, Text, ToolCall};

use super::{answer, gate, lines, policy, request};

/// `fired`, `failed …` or nothing, of a trigger on a request.
fn of(trigger: &str, request: &RequestFacts) -> String {
    let verdict = gate(trigger, "flag_for_review").judge_request(request);
    let first = verdict.triggered.iter().find(|one| one.policy == "gate");
    first.map_or(String::new(), |one| match &one.failure {
        Some(failure) => format!("failed {failure}"),
        None => one.result.clone(),
    })
}

fn asking(prompt: &str) -> RequestFacts {
    RequestFacts { prompt: Text::from(prompt), ..request("gpt-4o-2025-12-17", &[]) }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn patterns_match_a_part_by_matches_and_the_whole_by_glob() {
    let request = asking("Project Heron, build 42\nis late");
    for trigger in [
        "prompt.matches('build [0-9]+')",
        "matches(prompt, '(?i)project HERON')",
        r"prompt.matches(r'\bHeron\b')",
        "prompt.matches('^Project') && prompt.matches('late$')",
        "prompt.matches('42.is') == false && prompt.matches('(?s)42.is')",
        "!prompt.matches('^build')",
        "glob(model, 'gpt-4o-*') && !glob(model, 'gpt-4o')",
        "glob(prompt, 'Project*late')",
        "['gpt-4o-2025-12-17'].exists(m, m.matches('^gpt') && glob(m, '*-17'))",
    ] {
        assert_eq!(of(trigger, &request), "fired", "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn detectors_find_what_the_category_is_found_by() {
    let cases = [
        ("Mail ann.lee@example.org", "contains_pii(prompt)", "fired"),
        ("Mail ann.lee@example.org", "contains_secret(prompt)", ""),
        ("Mail ann.lee@example.org", "pii_kinds(prompt) == ['email']", "fired"),
        ("Mail ann.lee@example.org", "'phone' in pii_kinds(prompt)", ""),
        // An address of a private network leads to nobody.
        ("ping 10.0.0.7", "contains_pii(prompt)", ""),
        ("ping 93.184.216.34", "pii_kinds(prompt) == ['ip']", "fired"),
        // A secret is nobody's data; what stands inside it may be.
        ("password: hunter22hunter", "contains_secret(prompt)", "fired"),
        ("password: hunter22hunter", "contains_pii(prompt)", ""),
        ("password: ann.lee@example.org", "contains_pii(prompt)", "fired"),
        ("password: ann.lee@example.org", "pii_kinds(prompt).exists(k, k == 'email')", "fired"),
        ("nothing at all", "pii_kinds(prompt).size() == 0", "fired"),
    ];
    for (prompt, trigger, expected) in cases {
        assert_eq!(of(trigger, &asking(prompt)), expected, "{prompt}: {trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn detectors_read_answers_and_the_arguments_of_tools() {
    let call =
        |arguments: &str| ToolCall { name: "mail".to_owned(), arguments: arguments.to_owned() };
    let answer = AnswerFacts {
        output: Text::from("Write to ann.lee@example.org."),
        tool_calls: vec![call("{}"), call("{\"to\":\"bob@example.org\"}")],
        ..answer(None)
    };
    for trigger in [
        "contains_pii(output) && !contains_pii(prompt)",
        "tool_calls.exists_one(call, contains_pii(call.arguments))",
        "!contains_pii(tool_calls[0].arguments) && contains_pii(tool_calls[1].arguments)",
    ] {
        let verdict = gate(trigger, "flag_for_review").judge_answer(&asking("hello"), &answer, &[]);
        let expected = ["gate fired - flag_for_review enforced answer"];
        assert_eq!(lines(&verdict), expected, "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn text_that_was_cut_is_unknown_where_nothing_was_found() {
    let mut cut = Text::default();
    cut.push(&"x".repeat(governance_filter::facts::TEXT_BYTES_MAX + 1));
    let request = RequestFacts { prompt: cut, ..request("gpt-4o-2025-12-17", &[]) };
    assert_eq!(of("contains_pii(prompt)", &request), "failed truncated");
    assert_eq!(of("prompt.matches('z$')", &request), "failed truncated");
    assert_eq!(of("prompt.matches('^x')", &request), "fired");
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn models_are_pinned_by_the_policy_s_own_rules_first() {
    let file = |trigger: &str| {
        format!(
            "models:\n  rules: [{{match: 'acme-*', class: pinned}}, {{match: 'gpt-4o', class: pinned}}]\n\
             policies:\n- {{name: gate, action: flag_for_review, trigger: \"{trigger}\"}}\n"
        )
    };
    let cases = [
        ("is_pinned('acme-7')", "gate fired - flag_for_review enforced request"),
        ("is_pinned('gpt-4o')", "gate fired - flag_for_review enforced request"),
        ("is_pinned(model)", "gate fired - flag_for_review enforced request"),
        ("!is_pinned('gpt-4o-mini')", "gate fired - flag_for_review enforced request"),
        // Nobody says what such a name promises.
        (
            "is_pinned('house-model')",
            "gate failed unknown_model_pinned flag_for_review not enforced request",
        ),
        ("is_pinned('house-model') || true", "gate fired - flag_for_review enforced request"),
    ];
    for (trigger, expected) in cases {
        let verdict = policy(&file(trigger)).judge_request(&request("gpt-4o-2025-12-17", &[]));
        assert_eq!(lines(&verdict), [expected], "{trigger}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn what_nobody_knows_stays_unknown_within_a_call() {
    let request = asking("hello");
    assert_eq!(of("glob(route, 'a*')", &request), "failed unknown_route");
    assert_eq!(of("route.matches('a')", &request), "failed unknown_route");
    assert_eq!(of("contains_pii(route) || model_pinned", &request), "fired");
    assert_eq!(of("bool(model)", &request), "failed other");
    assert_eq!(of("bool('true') && uint('7') == 7u && uint(7.9) == 7u", &request), "fired");
}
