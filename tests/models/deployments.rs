//! Deployments: their names promise nothing; what stands behind one is what `models.deployments`
//! says, in every rule that looks at a model, and what the answer names must agree.

use governance_filter::facts::RequestFacts;
use governance_filter::llm::pinning::Pinning;
use governance_filter::llm::{self, Traffic};

use super::{answer, fired, message, policy, request};

const YAML: &str = "models:
  floating: deny
  deployments:
    prod-chat: gpt-4o-2025-12-17
    test-chat: gpt-4o
    mini: gpt-4o-mini-2024-07-18
    gpt-4.1: gpt-4.1-2025-04-14
  rules: [{ match: 'prod-*', class: floating }]
policies:
- name: approved
  allowed: [gpt-4o-2025-12-17, gpt-4.1-2025-04-14, unmapped]
- name: pinned
  trigger: '!model_pinned'
  action: flag_for_review
";

fn deployment(name: &str) -> RequestFacts {
    RequestFacts { deployment: true, ..request("azure.ai.openai", name) }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn deployment_is_judged_as_the_model_behind_it() {
    let policy = policy(YAML);
    let cases = [
        ("prod-chat", Pinning::Pinned, "openai.dated", vec![]),
        (
            "test-chat",
            Pinning::Floating,
            "openai.alias",
            vec!["models.floating", "approved", "pinned"],
        ),
        ("mini", Pinning::Pinned, "openai.dated", vec!["approved"]),
        ("gpt-4.1", Pinning::Pinned, "openai.dated", vec![]),
        (
            "unmapped",
            Pinning::Unknown,
            "azure.deployment",
            vec!["approved", "pinned unknown_model_pinned"],
        ),
        (
            "gpt-4o-2025-12-17",
            Pinning::Unknown,
            "azure.deployment",
            vec!["approved", "pinned unknown_model_pinned"],
        ),
    ];
    for (name, class, rule, policies) in cases {
        let request = deployment(name);
        let verdict = policy.judge_asked(&request).unwrap();
        assert_eq!((verdict.pinning, verdict.rule), (class, rule), "{name}");
        assert_eq!(fired(&policy.judge_request(&request)), policies, "{name}");
    }
    let of_ibm = RequestFacts { provider: "ibm.watsonx.ai", ..deployment("unmapped") };
    assert_eq!(policy.judge_asked(&of_ibm).unwrap().rule, "watsonx.deployment");
    let nameless = RequestFacts { model: None, ..deployment("") };
    assert_eq!(policy.judge_asked(&nameless), None);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn name_on_a_path_that_azure_shares_is_a_deployment_where_it_is_listed() {
    let policy = policy(YAML);
    let named = |path: &str, name: &str| {
        let classified = llm::classify("POST", path, Some("application/json"), false);
        let Traffic::Inference(target) = classified else { panic!("{path} is an inference") };
        let body = format!(r#"{{"model":"{name}","messages":[],"input":[]}}"#);
        fired(&policy.judge_request(&target.read_request(body.as_bytes()).unwrap()))
    };
    for endpoint in ["chat/completions", "responses", "embeddings"] {
        let azure = format!("/openai/v1/{endpoint}?api-version=v1");
        assert!(named(&azure, "prod-chat").is_empty(), "{azure}");
        assert_eq!(named(&azure, "mini"), ["approved"], "{azure}");
        assert!(named(&azure, "gpt-4o-2025-12-17").is_empty(), "counts as the model: {azure}");
        let openai = format!("/v1/{endpoint}");
        let floats = ["models.floating", "approved", "pinned"];
        assert_eq!(named(&openai, "gpt-4.1"), floats, "a model there: {openai}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn model_of_a_deployment_s_name_is_judged_by_its_name() {
    let policy = policy(YAML);
    let fired = fired(&policy.judge_request(&request("openai", "gpt-4.1")));
    assert_eq!(fired, ["models.floating", "approved", "pinned"]);
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn refusal_names_the_deployment_and_where_to_say_what_it_is() {
    let policy = policy(YAML);
    let approved = "approved: gpt-4o-2025-12-17, gpt-4.1-2025-04-14, unmapped";
    let cases = [
        (
            "unmapped",
            format!(
                "deployment `unmapped` is not approved by policy `approved`, because \
                 `models.deployments` does not say which model it is; {approved}"
            ),
        ),
        (
            "mini",
            format!(
                "deployment `mini` is model `gpt-4o-mini-2024-07-18`, which is not approved by \
                 policy `approved`; {approved}"
            ),
        ),
        (
            "test-chat",
            format!(
                "deployment `test-chat` (model `gpt-4o`) is refused by policy `models.floating`, \
                 because its provider may repoint the name; {approved}"
            ),
        ),
    ];
    for (name, expected) in cases {
        assert_eq!(message(&policy.judge_request(&deployment(name))), expected);
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn answer_of_a_deployment_comes_from_the_model_it_is_mapped_to() {
    // A name that floats can be approved only where it may.
    let yaml =
        YAML.replace("floating: deny", "floating: flag").replace("[gpt-4o-", "[gpt-4o, gpt-4o-");
    let policy = policy(&yaml);
    let approved = "approved: gpt-4o, gpt-4o-2025-12-17, gpt-4.1-2025-04-14, unmapped";
    let cases = [
        ("prod-chat", "gpt-4o-2025-12-17", String::new()),
        ("prod-chat", "gpt-4o", String::new()),
        ("prod-chat", "", String::new()),
        ("test-chat", "gpt-4o-2024-08-06", String::new()),
        (
            "prod-chat",
            "gpt-4.1-2025-04-14",
            "the answer of deployment `prod-chat` came from model `gpt-4.1-2025-04-14`, but \
             `models.deployments` says `gpt-4o-2025-12-17`; refused by policy `approved`"
                .to_owned(),
        ),
        (
            "mini",
            "gpt-4o-mini-2024-07-18",
            format!(
                "the answer came from model `gpt-4o-mini-2024-07-18`, which is not approved by \
                 policy `approved`; {approved}"
            ),
        ),
        ("unmapped", "gpt-4o", String::new()),
    ];
    for (name, served, expected) in cases {
        let verdict = policy.judge_answer(&deployment(name), &answer(served), &[]);
        assert_eq!(message(&verdict), expected, "{name} served by {served}");
    }
}
