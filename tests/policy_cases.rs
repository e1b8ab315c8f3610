//! Files of policy cases: what they can say, and every problem of one at once. The same functions run
//! natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

use governance_filter::policy::cases::{self, FinalVerdict, Given};
use governance_filter::policy::{Action, Policy};
use wasm_bindgen_test::wasm_bindgen_test;

const WHOLE: &str = "policy: other.yml
cases:
- name: everything
  request:
    model: gpt-4o
    provider: azure.ai.openai
    operation: chat
    deployment: true
    fallback_models: [gpt-4.1]
    stream: true
    prompt: Hello
    categories: [legal]
    caller: { spiffe: 'spiffe://a/ns/b/sa/c', subject: anna, api_key_hash: 00ff, address: 10.0.0.1 }
    route: llm
    gateway: gw-1
  answer:
    status: 200
    output: Hi
    confidence: 0.5
    served_model: gpt-4o-2025-12-17
    system_fingerprint: fp_1
    finish_reason: stop
    refusal: false
    tool_calls: [{ name: send, arguments: '{}' }]
    usage: { input_tokens: 3, output_tokens: 4 }
    latency_ms: 20
  expect:
    verdict: denied
    actions: [deny, flag_for_review]
    fired: [a]
    failed: []
    would_fire: [b]
    message: no
- name: recorded
  exchange: folder/calls.jsonl#id-1
  expect: { verdict: allowed }
";

/// Every problem of the file, as people see it.
fn errors(text: &str) -> String {
    match cases::parse(text) {
        Ok(file) => panic!("it loads: {file:?}"),
        Err(errors) => errors.display("x_test.yml").to_string(),
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_key_is_read() {
    let file = cases::parse(WHOLE).expect("a file of cases");
    assert_eq!(file.policy.as_deref(), Some("other.yml"));
    let [first, second] = file.cases.as_slice() else { panic!("two cases") };
    assert_eq!((first.name.as_str(), first.line), ("everything", 3));
    let Given::Facts { request, answer, confidence } = &first.given else { panic!("facts") };
    assert_eq!((request.provider, request.operation), ("azure.ai.openai", "chat"));
    assert_eq!(request.model, request.requested_model);
    assert_eq!(request.model.as_deref(), Some("gpt-4o"));
    assert!(request.deployment && request.stream);
    assert_eq!(request.fallback_models, ["gpt-4.1"]);
    assert_eq!(
        (request.prompt.as_str(), request.categories.as_slice()),
        ("Hello", &["legal".to_owned()][..])
    );
    assert_eq!(request.caller.strongest().as_deref(), Some("spiffe://a/ns/b/sa/c"));
    assert_eq!(request.caller.subject.as_deref(), Some("anna"));
    assert_eq!(request.caller.api_key_hash.as_deref(), Some("00ff"));
    assert_eq!(request.caller.address.as_deref(), Some("10.0.0.1"));
    assert_eq!((request.route.as_deref(), request.gateway.as_str()), (Some("llm"), "gw-1"));
    let answer = answer.as_ref().expect("an answer");
    assert_eq!((answer.status, answer.output.as_str(), *confidence), (200, "Hi", Some(0.5)));
    assert_eq!(answer.served_model.as_deref(), Some("gpt-4o-2025-12-17"));
    assert_eq!(answer.system_fingerprint.as_deref(), Some("fp_1"));
    assert_eq!(answer.finish_reason.as_deref(), Some("stop"));
    assert_eq!((answer.refusal, answer.error, answer.latency_ms), (false, false, 20));
    assert_eq!(answer.tool_calls[0].name, "send");
    assert_eq!(answer.tool_calls[0].arguments, "{}");
    assert_eq!((answer.usage.input_tokens, answer.usage.output_tokens), (Some(3), Some(4)));
    let expected = &first.expected;
    assert_eq!(expected.verdict, Some(FinalVerdict::Denied));
    assert_eq!(expected.actions, Some(vec![Action::Deny, Action::FlagForReview]));
    assert_eq!(expected.fired, Some(vec!["a".to_owned()]));
    assert_eq!(
        (expected.failed.as_deref(), expected.would_fire.as_deref()),
        (Some(&[][..]), Some(&["b".to_owned()][..]))
    );
    assert_eq!(expected.message.as_deref(), Some("no"));
    let Given::Exchange { path, id } = &second.given else { panic!("an exchange") };
    assert_eq!((path.as_str(), id.as_deref()), ("folder/calls.jsonl", Some("id-1")));
    assert_eq!(
        (&second.expected.actions, second.expected.verdict),
        (&None, Some(FinalVerdict::Allowed))
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn every_problem_is_told_at_once() {
    let text = "cases:
- name: misspelt
  request: { modle: gpt-4o, provider: opnai, stream: yes }
  answer: { confidence: 1.5, usage: { input_token: 3 } }
  expect: { verdict: alowed, action: [deny] }
- request: { model: x }
  exchange: x.json
  expect: {}
- name: no facts
  expect: { verdict: allowed }
- name: nothing expected
  request: { model: x }
";
    let expected = "x_test.yml:3:14: unknown key `modle`, did you mean `model`?
  |   request: { modle: gpt-4o, provider: opnai, stream: yes }
  |              ^
x_test.yml:3:39: `provider`: expected `azure.ai.openai`, `azure.ai.inference`, `openai`, \
`anthropic`, `gcp.vertex_ai`, `gcp.gemini`, `aws.bedrock`, `cohere`, `ollama` or \
`ibm.watsonx.ai`, found `opnai`, did you mean `openai`?
  |   request: { modle: gpt-4o, provider: opnai, stream: yes }
  |                                       ^
x_test.yml:3:54: `stream`: expected `true` or `false`, found `yes`
  |   request: { modle: gpt-4o, provider: opnai, stream: yes }
  |                                                      ^
x_test.yml:4:25: `confidence`: expected a number from 0 to 1, found `1.5`
  |   answer: { confidence: 1.5, usage: { input_token: 3 } }
  |                         ^
x_test.yml:4:39: unknown key `input_token`, did you mean `input_tokens`?
  |   answer: { confidence: 1.5, usage: { input_token: 3 } }
  |                                       ^
x_test.yml:5:22: `verdict`: expected `allowed`, `denied` or `held`, found `alowed`, did you mean `allowed`?
  |   expect: { verdict: alowed, action: [deny] }
  |                      ^
x_test.yml:5:30: unknown key `action`, did you mean `actions`?
  |   expect: { verdict: alowed, action: [deny] }
  |                              ^
x_test.yml:6:3: `cases`: entry without `name`
  | - request: { model: x }
  |   ^
x_test.yml:6:3: expected either `exchange`, or `request` and perhaps `answer`
  | - request: { model: x }
  |   ^
x_test.yml:8:11: `expect`: expected at least one key, a case without one cannot fail
  |   expect: {}
  |           ^
x_test.yml:9:3: expected either `exchange`, or `request` and perhaps `answer`
  | - name: no facts
  |   ^
x_test.yml:11:3: `cases`: entry without `expect`
  | - name: nothing expected
  |   ^";
    assert_eq!(errors(text), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_file_has_cases_each_with_a_name_of_its_own() {
    let twice = "cases:
- name: one
  request: { model: m }
  expect: { verdict: allowed }
- { name: two, request: { model: m }, expect: { verdict: allowed } }
- { name: one, request: { model: m }, expect: { verdict: allowed } }
";
    let expected = "x_test.yml:6:11: `name`: expected a name of its own, found one that stands \
twice, first on line 2
  | - { name: one, request: { model: m }, expect: { verdict: allowed } }
  |           ^";
    assert_eq!(errors(twice), expected);
    let none = "x_test.yml:1:8: `cases`: expected 1 to 1000 entries, found 0
  | cases: []
  |        ^";
    assert_eq!(errors("cases: []\n"), none);
    let none = "x_test.yml:1:1: `cases`: expected 1 to 1000 entries, found 0
  | policy: p.yml
  | ^";
    assert_eq!(errors("policy: p.yml\n"), none);
    for empty in ["", "# nothing\n", "~", "---\n"] {
        let first = errors(empty);
        let first = first.lines().next().and_then(|line| line.split_once(": "));
        let expected = "`a file of cases`: expected a mapping, found nothing";
        assert_eq!(first.map(|(_, message)| message), Some(expected), "{empty:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn names_of_headers_and_categories_are_as_the_filter_reads_them() {
    let text = "cases:
- name: one
  request: { categories: [Legal, PII], headers: { X-Team: Blue } }
  expect: { verdict: allowed }
";
    let file = cases::parse(text).expect("a file of cases");
    let Given::Facts { request, .. } = &file.cases[0].given else { panic!("facts") };
    assert_eq!(request.categories, ["legal", "pii"]);
    assert_eq!(request.http.headers.get("x-team").map(String::as_str), Some("Blue"));
    assert_eq!(request.http.headers.len(), 1);
    let twice = "cases:
- name: one
  request: { headers: { X-Team: a, x-team: b } }
  expect: { verdict: allowed }
";
    let expected = "x_test.yml:3:44: `headers`: `x-team` stands twice
  |   request: { headers: { X-Team: a, x-team: b } }
  |                                            ^";
    assert_eq!(errors(twice), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn names_of_triggers_lead_to_those_of_cases() {
    let text = "cases:
- name: one
  request:
    input: { max_tokens: 3 }
    request: { headers: {} }
    now: 2026-03-15T12:00:00Z
    category: legal
  expect: { verdict: allowed }
";
    let expected = "x_test.yml:4:5: `input` has no effect, its keys stand alone: `max_tokens`
  |     input: { max_tokens: 3 }
  |     ^
x_test.yml:5:5: `request` has no effect, its keys stand alone: `headers`
  |     request: { headers: {} }
  |     ^
x_test.yml:6:5: unknown key `now`, did you mean `at`?
  |     now: 2026-03-15T12:00:00Z
  |     ^
x_test.yml:7:5: unknown key `category`, did you mean `categories`?
  |     category: legal
  |     ^";
    assert_eq!(errors(text), expected);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_case_says_why_each_policy_did_what_it_did() {
    let policy = "policies:
- name: doubt
  trigger: \"confidence < 0.75 && (category == 'pii' || output.contains('sorry'))\"
  action: flag_for_review
- name: models
  allowed: [gpt-4o-2025-12-17]
models: { pins: { gpt-4o: gpt-4o-2025-12-17 } }
";
    let policy = Policy::parse(policy).expect("a policy");
    let text = "cases:
- name: one
  request: { model: gpt-4o, prompt: Hello }
  answer: { output: 'Mail anna@example.com, sorry.', confidence: 0.5 }
  expect: { verdict: allowed }
";
    let file = cases::parse(text).expect("a file of cases");
    let Given::Facts { request, answer, .. } = &file.cases[0].given else { panic!("facts") };
    let answer = answer.as_ref().expect("an answer");
    let request_told = policy.explain_request(request);
    let by: Vec<&str> = request_told.iter().map(|told| told.policy.as_str()).collect();
    assert_eq!(by, ["models.floating", "models"], "the trigger reads an answer fact");
    assert_eq!(request_told[1].line, Some(5));
    let values = |told: &[(String, String)]| -> Vec<String> {
        told.iter().map(|(name, value)| format!("{name} = {value}")).collect()
    };
    let expected = ["model = 'gpt-4o'", "allowed = ['gpt-4o-2025-12-17']"];
    assert_eq!(values(&request_told[1].values), expected);
    let expected = ["model = 'gpt-4o'", "naming = floating by openai.alias"];
    assert_eq!(values(&request_told[0].values), expected);
    let told = policy.explain_answer(request, answer, &["pii".to_owned()]);
    let doubt = &told[0];
    assert_eq!((doubt.policy.as_str(), doubt.line), ("doubt", Some(3)));
    let failure = doubt.triggered.as_ref().and_then(|triggered| triggered.failure.as_deref());
    assert_eq!(failure, Some("confidence_unknown"), "no source of confidence states one here");
    let parts = [
        ("confidence < 0.75".to_owned(), "confidence_unknown".to_owned()),
        ("(category == 'pii' || output.contains('sorry'))".to_owned(), "true".to_owned()),
    ];
    assert_eq!(doubt.parts, parts);
    let expected = ["confidence = unknown", "category = 'pii'", "output = 'Mail [email], sorry.'"];
    assert_eq!(values(&doubt.values), expected);
}
