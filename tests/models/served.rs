//! Which served name passes for which approved one: the pairs are of recorded traffic, the reason
//! stands beside those that do not pass.

use super::{answer, fired, policy, request};

/// Requested, served.
const PASS: &[(&str, &str)] = &[
    ("gpt-4o", "gpt-4o-2024-08-06"),
    ("gpt-3.5-turbo", "gpt-3.5-turbo-0125"),
    ("gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2"),
    ("gpt-4o-mini-search-preview", "gpt-4o-mini-search-preview-2025-03-11"),
    ("text-embedding-ada-002", "text-embedding-ada-002-v2"),
    ("babbage-002", "babbage:2023-07-21-v2"),
    ("davinci-002", "davinci:2023-07-21-v2"),
    ("openai/text-embedding-3-small", "text-embedding-3-small"),
    ("claude-sonnet-4-0", "claude-sonnet-4-20250514"),
    ("claude-haiku-4-5", "claude-haiku-4-5-20251001"),
    ("claude-3-opus-latest", "claude-3-opus-20240229"),
    ("us.anthropic.claude-3-7-sonnet-20250219-v1:0", "claude-3-7-sonnet-20250219"),
    ("us.anthropic.claude-opus-4-8", "claude-opus-4-8"),
    ("anthropic.claude-v2", "claude-2.0"),
    ("anthropic/claude-haiku-4.5", "anthropic/claude-4.5-haiku-20251001"),
    ("anthropic/claude-sonnet-4.6", "anthropic/claude-4.6-sonnet-20260217"),
    ("llama3.3-70b", "llama-3.3-70b"),
];

/// Requested, served, and why that is another model.
pub const DIFFER: &[(&str, &str, &str)] = &[
    ("deepseek-chat", "deepseek-v4-flash", "the alias was moved to another model"),
    ("deepseek-reasoner", "deepseek-v4-flash", "the alias was moved to another model"),
    ("gemini-flash-latest", "gemini-3.6-flash", "the alias says no version; list both"),
    ("gemini-2.5-pro-preview-03-25", "models/gemini-2.5-pro", "a preview served by its successor"),
    ("pixtral-12b", "ministral-14b-latest", "a retired model served by its successor"),
    ("gpt-5.6", "gpt-5.6-sol", "the alias says no tier; list both"),
    ("gpt-4o-2024-08-06", "gpt-4o-so", "an internal name says no version"),
    ("google/gemini-2.0-flash-exp:free", "x-ai/grok-4", "the router fell back to another maker"),
    // Deployments: `models.deployments` says what they are.
    ("openllmetry-testing", "gpt-35-turbo", "a deployment's name"),
    ("gpt-5.2_2025-12-11", "gpt-5.2-2025-12-11", "a deployment's name"),
    ("Cohere-embed-v3-english", "embed-english-v3.0", "a deployment's name"),
];

/// Served by what was asked for passes under a policy that allows just that.
pub fn passes(requested: &str, served: &str) -> bool {
    let policy = policy(&format!("policies:\n- name: gate\n  allowed: ['{requested}']\n"));
    let request = request("openai", requested);
    assert!(fired(&policy.judge_request(&request)).iter().all(|name| name != "gate"));
    fired(&policy.judge_answer(&request, &answer(served), &[])).is_empty()
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn served_name_passes_that_is_the_approved_one_in_other_words() {
    for (requested, served) in PASS {
        assert!(passes(requested, served), "{requested} served by {served}");
    }
    for (requested, served, why) in DIFFER {
        assert!(!passes(requested, served), "{requested} served by {served}: {why}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn served_name_of_another_version_does_not_pass() {
    for (requested, served) in [
        ("gpt-4o-2024-08-06", "gpt-4o-2024-11-20"),
        ("gpt-4o-latest", "gpt-4o-mini-2024-07-18"),
        ("claude-sonnet-4-5", "claude-sonnet-4-6"),
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-20250514"),
        ("mistral-large-2411", "mistral-large-2512"),
        ("gemini-2.0-flash-001", "gemini-2.0-flash-002"),
        ("amazon.nova-lite-v1:0", "amazon.nova-lite-v2:0"),
        ("grok-4.20-0309-reasoning", "grok-4.20-0309-non-reasoning"),
        ("gpt-4o", "azure/gpt-4o"),
        ("gpt-oss-20b", "gpt-oss-20b:free"),
    ] {
        assert!(!passes(requested, served), "{requested} served by {served}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn approved_version_approves_no_other() {
    let policy = policy(
        "policies:\n- name: gate\n  allowed: [deepseek-v3, nova-lite-v1:0, claude-opus-4-6-v1]\n",
    );
    for (model, passes) in [
        ("deepseek-v3", true),
        ("deepseek-v2", false),
        ("deepseek", false),
        ("us.amazon.nova-lite-v1:0", true),
        ("us.amazon.nova-lite-v2:0", false),
        ("claude-opus-4-6", true),
        ("claude-opus-4-7", false),
    ] {
        let asked = policy.judge_request(&request("openai", model));
        assert_eq!(asked.denial.is_none(), passes, "{model} asked for");
        let served = policy.judge_answer(&request("openai", model), &answer(model), &[]);
        assert_eq!(served.denial.is_none(), passes, "{model} served");
    }
}
