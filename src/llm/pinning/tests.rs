//! One case or more for each rule of the table, and what normalisation makes of each way in which
//! clouds and gateways write a name.

use super::Pinning::{Floating, Pinned, Unknown};
use super::{Pinning, deployment, normalise, pinning, rules, without_version};
use crate::llm::document;

/// A name, what it promises, and the rule that says so.
const NAMES: &[(&str, Pinning, &str)] = &[
    // OpenAI.
    ("gpt-4o-2024-08-06", Pinned, "openai.dated"),
    ("openai/gpt-5.5-2026-04-23", Pinned, "openai.dated"),
    ("GPT-4o-2024-08-06", Pinned, "openai.dated"),
    ("o3-mini-2025-01-31", Pinned, "openai.dated"),
    ("omni-moderation-2024-09-26", Pinned, "openai.dated"),
    ("ft:gpt-4o-mini-2024-07-18:acme::8kd2", Pinned, "openai.dated"),
    ("openai/gpt-4o-2024-08-06:nitro", Pinned, "openai.dated"),
    ("ft:gpt-4o:acme::8kd2", Unknown, "openai.fine_tuned"),
    ("ft:", Unknown, "openai.fine_tuned"),
    ("gpt-4-0613", Pinned, "openai.mmdd"),
    ("gpt-4-1106-preview", Pinned, "openai.mmdd"),
    ("gpt-4-1106-vision-preview", Pinned, "openai.mmdd"),
    ("gpt-3.5-turbo-0125", Pinned, "openai.mmdd"),
    ("gpt-35-turbo-0613", Pinned, "openai.mmdd"),
    ("gpt-4o", Floating, "openai.alias"),
    ("GPT-4o", Floating, "openai.alias"),
    ("gpt-4o:online", Floating, "openai.alias"),
    ("openrouter/openai/gpt-4o:free", Floating, "openai.alias"),
    ("gpt-5.4", Floating, "openai.alias"),
    ("gpt-5.6", Floating, "openai.alias"),
    ("gpt-35-turbo", Floating, "openai.alias"),
    ("gpt-4-turbo-preview", Floating, "openai.alias"),
    ("o3", Floating, "openai.alias"),
    ("openai/o1", Floating, "openai.alias"),
    ("chatgpt-4o-latest", Floating, "openai.latest"),
    ("openai/gpt-luna-latest", Floating, "openai.latest"),
    ("omni-moderation-latest", Floating, "openai.latest"),
    ("gpt-5.6-sol", Unknown, "openai.undated"),
    ("gpt-6.2-astra-law", Unknown, "openai.undated"),
    ("gpt-5.1-codex-max", Unknown, "openai.undated"),
    ("openai/gpt-oss-120b", Unknown, "openai.undated"),
    ("gpt-4o-2024-13-06", Unknown, "openai.undated"),
    ("text-embedding-ada-002", Unknown, "openai.undated"),
    ("text-embedding-3-small", Unknown, "openai.undated"),
    ("davinci-002", Unknown, "openai.undated"),
    ("whisper-1", Unknown, "openai.undated"),
    // Anthropic.
    ("claude-sonnet-4-6", Pinned, "anthropic.dateless"),
    ("claude-opus-5-5", Pinned, "anthropic.dateless"),
    ("claude-sonnet-5", Pinned, "anthropic.dateless"),
    ("claude-fable-5-2", Pinned, "anthropic.dateless"),
    ("anthropic/claude-opus-4-6", Pinned, "anthropic.dateless"),
    ("anthropic/claude-sonnet-4.6", Pinned, "anthropic.dateless"),
    ("us.anthropic.claude-opus-4-8", Pinned, "anthropic.dateless"),
    ("global.anthropic.claude-opus-4-6-v1", Pinned, "anthropic.dateless"),
    ("claude-3-5-sonnet-20241022", Pinned, "anthropic.dated"),
    ("claude-sonnet-4@20250514", Pinned, "anthropic.dated"),
    ("claude-4-opus-20250514", Pinned, "anthropic.dated"),
    ("anthropic/claude-4.6-sonnet-20260217", Pinned, "anthropic.dated"),
    ("us.anthropic.claude-sonnet-4-20250514-v1:0", Pinned, "anthropic.dated"),
    ("anthropic.claude-3-5-sonnet-20241022-v2:0:18k", Pinned, "anthropic.dated"),
    ("claude-sonnet-4-5", Floating, "anthropic.alias"),
    ("claude-sonnet-4-0", Floating, "anthropic.alias"),
    ("claude-sonnet-4", Floating, "anthropic.alias"),
    ("claude-3-7-sonnet", Floating, "anthropic.alias"),
    ("claude-3-opus", Floating, "anthropic.alias"),
    ("claude-instant-1", Floating, "anthropic.alias"),
    ("anthropic/claude-haiku-4.5", Floating, "anthropic.alias"),
    ("anthropic/claude-3.7-sonnet:thinking", Floating, "anthropic.alias"),
    ("claude-3-5-sonnet-latest", Floating, "anthropic.latest"),
    ("opus", Floating, "anthropic.claude_code"),
    ("claude-mythos-preview", Unknown, "anthropic.unstated"),
    ("claude-2.1", Unknown, "anthropic.unstated"),
    ("claude-", Unknown, "anthropic.unstated"),
    // Google.
    ("gemini-2.0-flash-001", Pinned, "gemini.numbered"),
    ("models/gemini-1.5-flash-8b-001", Pinned, "gemini.numbered"),
    ("google/gemini-2.0-flash-001", Pinned, "gemini.numbered"),
    (
        "projects/p/locations/l/publishers/google/models/gemini-2.0-flash-001",
        Pinned,
        "gemini.numbered",
    ),
    ("text-embedding-005", Pinned, "gemini.numbered"),
    ("gemini-embedding-001", Pinned, "gemini.numbered"),
    ("textembedding-gecko@003", Pinned, "gemini.numbered"),
    ("jamba-1.5-mini@001", Pinned, "gemini.numbered"),
    ("gemini-flash-latest", Floating, "gemini.latest"),
    ("gemini-3-pro-preview", Floating, "gemini.preview"),
    ("gemini-2.5-pro-preview-03-25", Floating, "gemini.preview"),
    ("google/gemini-2.0-flash-exp:free", Floating, "gemini.preview"),
    ("gemini-embedding-exp-03-07", Floating, "gemini.preview"),
    ("gemini-1.5-flash", Floating, "gemini.alias"),
    ("publishers/google/models/gemini-2.0-flash", Floating, "gemini.alias"),
    ("text-bison", Floating, "gemini.alias"),
    ("gemini-2.5-pro", Unknown, "gemini.stable"),
    ("gemini-3.8-flash", Unknown, "gemini.stable"),
    ("gemini-embedding-2", Unknown, "gemini.stable"),
    // Mistral, Cohere, xAI, DeepSeek, Groq.
    ("mistral-large-2512", Pinned, "mistral.dated"),
    ("mistralai/ministral-8b-2512", Pinned, "mistral.dated"),
    ("codestral@2501", Pinned, "mistral.dated"),
    ("us.mistral.pixtral-large-2502-v1:0", Pinned, "mistral.dated"),
    ("mistral-large-latest", Floating, "mistral.latest"),
    ("labs-mistral-small-creative", Floating, "mistral.labs"),
    ("labs-devstral-small-2512", Floating, "mistral.labs"),
    ("mistral-small", Floating, "mistral.alias"),
    ("pixtral-12b", Floating, "mistral.alias"),
    ("mistral-embed", Floating, "mistral.alias"),
    ("mistral-medium-3", Floating, "mistral.major"),
    ("mistral-medium-3-5", Unknown, "mistral.unstated"),
    ("mistral-large-2513", Unknown, "mistral.unstated"),
    ("command-a-03-2025", Pinned, "cohere.dated"),
    ("cohere/command-r-plus-08-2024", Pinned, "cohere.dated"),
    ("command-r", Floating, "cohere.alias"),
    ("command", Floating, "cohere.alias"),
    ("embed-v4.0", Unknown, "cohere.unstated"),
    ("rerank-v3.5", Unknown, "cohere.unstated"),
    ("grok-4-0709", Pinned, "xai.dated"),
    ("x-ai/grok-4.20-0309-reasoning", Pinned, "xai.dated"),
    ("grok-4", Floating, "xai.alias"),
    ("grok-4-1-fast-non-reasoning", Floating, "xai.alias"),
    ("grok-4.3-latest", Floating, "xai.latest"),
    ("deepseek-chat", Floating, "deepseek.alias"),
    ("deepseek/deepseek-reasoner", Floating, "deepseek.alias"),
    ("deepseek-v4-flash", Unknown, "deepseek.unstated"),
    ("groq/compound", Floating, "groq.compound"),
    ("compound-beta-mini", Floating, "groq.compound"),
    // Clouds and gateways.
    ("amazon.nova-lite-v1:0", Pinned, "bedrock.versioned"),
    ("us.amazon.nova-pro-v1:0", Pinned, "bedrock.versioned"),
    ("us.deepseek.r1-v1:0", Pinned, "bedrock.versioned"),
    ("cohere.command-r-v1:0", Pinned, "bedrock.versioned"),
    ("anthropic.claude-v2:1", Pinned, "bedrock.versioned"),
    ("openai.gpt-oss-120b-1:0", Pinned, "bedrock.versioned"),
    (
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
        Pinned,
        "bedrock.versioned",
    ),
    (
        "arn:aws-cn:bedrock:r:1:inference-profile/us-gov.anthropic.claude-3-haiku-20240307-v1:0",
        Pinned,
        "anthropic.dated",
    ),
    (
        "arn:aws:bedrock:us-east-1::foundation-model/amazon.titan-tg1-large",
        Unknown,
        "bedrock.unversioned",
    ),
    ("us.amazon.nova-micro-v1:O", Unknown, "bedrock.unversioned"),
    ("openai.gpt-5.5", Unknown, "bedrock.unversioned"),
    ("anthropic.claude-v2", Unknown, "bedrock.unversioned"),
    ("cohere.command-light-text-v14", Unknown, "bedrock.unversioned"),
    ("mistral.mistral-large-3-675b-instruct", Unknown, "bedrock.unversioned"),
    (
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/1arbu5hu2sjr",
        Unknown,
        "bedrock.opaque",
    ),
    (
        "arn:aws:bedrock:us-east-1:123456789012:default-prompt-router/anthropic.claude:1",
        Unknown,
        "bedrock.opaque",
    ),
    (
        "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abcdefghijkl",
        Unknown,
        "bedrock.opaque",
    ),
    (
        "arn:aws:bedrock:us-east-1:123456789012:custom-model/amazon.nova-lite-v1:0/abc",
        Unknown,
        "bedrock.opaque",
    ),
    (
        "arn:aws:sagemaker:us-east-1:123456789012:endpoint/claude-sonnet-5",
        Unknown,
        "bedrock.opaque",
    ),
    ("azure/gpt-4o-2024-08-06", Unknown, "azure.deployment"),
    ("ollama/llama3", Floating, "ollama.tag"),
    ("ollama_chat/mistral-large-2512", Floating, "ollama.tag"),
    (
        "llama3@sha256:365c0bd3c000a25d28ddbf732fe1c6add414de7275464c4e4d1c3b5fcb5d8ad1",
        Pinned,
        "ollama.digest",
    ),
    ("ollama/llama3@sha256-365c0bd3c000", Pinned, "ollama.digest"),
    ("sha256:365c0bd3c000", Pinned, "ollama.digest"),
    ("~anthropic/claude-opus-latest", Floating, "openrouter.latest"),
    ("openrouter/auto", Floating, "openrouter.router"),
    ("qwen-max-latest", Floating, "any.latest"),
    ("moonshot/kimi-latest", Floating, "any.latest"),
    ("llama3:latest", Floating, "any.latest"),
    ("latest", Floating, "any.latest"),
    // Nobody says anything of these.
    ("llama3", Unknown, "none"),
    ("gemma3:1b", Unknown, "none"),
    ("meta-llama/Llama-3.3-70B-Instruct-Turbo", Unknown, "none"),
    ("sonar-pro", Unknown, "none"),
    ("rerank-2-lite", Unknown, "none"),
    ("palmyra-x4", Unknown, "none"),
    ("tunedModels/my-gemini-2.0-flash-001", Unknown, "none"),
    ("sha256:365c0bd3c00", Unknown, "none"),
    ("model@sha2560365c0bd3c000", Unknown, "none"),
    ("arn:aws:bedrock", Unknown, "none"),
    ("projects/p/locations/l/endpoints/123", Unknown, "none"),
    ("", Unknown, "none"),
    ("é-v1", Unknown, "none"),
];

/// Names that mean something else through an API of this provider.
const THROUGH: &[(&str, &str, Pinning, &str)] = &[
    ("gpt-4o-2024-08-06", "azure.ai.openai", Unknown, "azure.deployment"),
    ("claude-sonnet-5", "azure.ai.inference", Unknown, "azure.deployment"),
    ("llama3", "ollama", Floating, "ollama.tag"),
    ("gpt-oss:20b", "ollama", Floating, "ollama.tag"),
    ("mistral-large-2512", "ollama", Floating, "ollama.tag"),
    ("llama3@sha256:365c0bd3c000", "ollama", Pinned, "ollama.digest"),
    ("gpt-oss-120b-1:0", "aws.bedrock", Pinned, "bedrock.versioned"),
    ("acme.model-v1:0", "aws.bedrock", Pinned, "bedrock.versioned"),
    ("acme.model", "aws.bedrock", Unknown, "bedrock.unversioned"),
    ("gpt-4o", "openai", Floating, "openai.alias"),
    ("gpt-4o", "something.new", Floating, "openai.alias"),
    ("gemini-2.0-flash-001", "gcp.vertex_ai", Pinned, "gemini.numbered"),
];

/// Deployments of which nobody says what they are, and whose they are.
const DEPLOYMENTS: &[(&str, &str, &str)] = &[
    ("gpt-4o-2024-08-06", "azure.ai.openai", "azure.deployment"),
    ("gpt-4o-2024-08-06", "ibm.watsonx.ai", "watsonx.deployment"),
    ("9b1c0f6e-2d3a-4a55-8f0e-0c6a1f1b2c3d", "ibm.watsonx.ai", "watsonx.deployment"),
];

#[test]
fn deployments_promise_nothing_whatever_their_names() {
    for (name, provider, rule) in DEPLOYMENTS {
        let verdict = deployment(name, provider);
        assert_eq!((verdict.pinning, verdict.rule), (Unknown, *rule), "{name} of {provider}");
    }
    assert_eq!(pinning("gpt-4o-2024-08-06", Some("ibm.watsonx.ai")).rule, "openai.dated");
}

#[test]
fn names_promise_what_their_providers_state() {
    for (model, expected, rule) in NAMES {
        let verdict = pinning(model, None);
        assert_eq!((verdict.pinning, verdict.rule), (*expected, *rule), "{model}");
    }
    for (model, provider, expected, rule) in THROUGH {
        let verdict = pinning(model, Some(provider));
        assert_eq!((verdict.pinning, verdict.rule), (*expected, *rule), "{model} to {provider}");
    }
}

#[test]
fn every_rule_has_a_case_a_page_and_a_name_of_its_own() {
    let mut names = Vec::new();
    for verdict in rules::TABLES.iter().copied().flatten().map(|rule| rule.verdict) {
        let rule = verdict.rule;
        assert!(!names.contains(&rule), "{rule} stands twice");
        names.push(rule);
        let cases = NAMES.iter().map(|case| case.2);
        let mut cases = cases.chain(DEPLOYMENTS.iter().map(|case| case.2));
        assert!(cases.any(|case| case == rule), "{rule} has no case");
        assert!(verdict.source.starts_with("https://"), "{rule}");
        assert!(!verdict.provider.is_empty() && rule.contains('.'), "{rule}");
    }
    assert_eq!(names.len(), 42);
}

#[test]
fn document_shows_every_rule_in_its_place() {
    let mut shown = document::rows("### Rules").into_iter().map(document::cells);
    for verdict in rules::TABLES.iter().copied().flatten().map(|rule| rule.verdict) {
        let (rule, source) = (format!("`{}`", verdict.rule), format!("<{}>", verdict.source));
        let expected = [&rule, verdict.pinning.as_str(), verdict.provider, &source];
        let row = shown.next().unwrap_or_default();
        assert_eq!([row[0], row[1], row[2], row[4]], expected);
        // What stands there as an example is judged by no other rule.
        let examples = row[3].split('`').skip(1).step_by(2);
        for example in examples.filter(|example| !example.contains('…')) {
            let judged = pinning(example, None).rule;
            assert!(judged == verdict.rule || judged == "none", "{example}: {judged}");
        }
    }
    assert_eq!(shown.next(), None);
}

#[test]
fn longest_name_that_is_judged_is_as_long_as_an_arn_can_be() {
    let longest = format!("{}gpt-4o", "openai/".repeat(291));
    assert_eq!(pinning(&longest, None).rule, "openai.alias");
    let longer = format!("{}gpt-4o", "openai/".repeat(292));
    assert_eq!((pinning(&longer, None).rule, normalise(&longer)), ("none", longer.as_str().into()));
}

#[test]
fn names_are_alike_without_their_surroundings() {
    let cases = [
        ("us.anthropic.claude-sonnet-4-20250514-v1:0", "claude-sonnet-4-20250514"),
        ("anthropic.claude-opus-4-6-v1", "claude-opus-4-6"),
        ("us-gov.amazon.nova-lite-v1:0", "nova-lite-v1:0"),
        ("models/openai/gpt-4o", "gpt-4o"),
        (" gpt-4o ", "gpt-4o"),
        ("openrouter/~anthropic/claude-opus-latest", "claude-opus-latest"),
        ("projects/p/locations/l/publishers/anthropic/models/claude-opus-5", "claude-opus-5"),
        ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0", "nova-lite-v1:0"),
        ("OpenAI/gpt-4o", "gpt-4o"),
        ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "Llama-3.3-70B-Instruct-Turbo"),
        ("openai/gpt-4o:floor", "gpt-4o"),
        ("gpt-35-turbo", "gpt-3.5-turbo"),
        ("gpt-35-turbo-1106", "gpt-3.5-turbo-1106"),
        ("davinci:2023-07-21-v2", "davinci-002"),
        ("anthropic.claude-v2:1", "claude-2.1"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("anthropic/claude-4.5-haiku-20251001", "claude-haiku-4-5-20251001"),
        ("anthropic/claude-3.5-haiku-20241022", "claude-3-5-haiku-20241022"),
        ("claude-4-sonnet-20250514", "claude-sonnet-4-20250514"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
    ];
    for (model, expected) in cases {
        assert_eq!(normalise(model), expected, "{model}");
    }
    // An entry of its own, a deployment, a router, versions that are all there is of a version.
    for model in [
        "gpt-4o:free",
        "azure/gpt-4o",
        "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
        "deepseek-v3",
        "deepseek-v3:",
        "deepseek-v3:x",
        "stable-image-ultra-v1:1",
        "a-v1:0:1",
        "-v",
        "claude-2.1",
        "claude-instant-1.2",
        "claude-3-5-sonnet-20241022",
        "claude-sonnet-4-5",
    ] {
        assert_eq!(normalise(model), model);
    }
}

#[test]
fn names_are_alike_without_their_versions() {
    let cases = [
        ("gpt-4o-2024-08-06", "gpt-4o"),
        ("gpt-4-0613", "gpt-4"),
        ("gpt-4-1106-preview", "gpt-4"),
        ("gpt-3.5-turbo-instruct:20230824-v2", "gpt-3.5-turbo-instruct"),
        ("claude-3-5-sonnet-20241022", "claude-3-5-sonnet"),
        ("claude-3-5-sonnet-latest", "claude-3-5-sonnet"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("claude-sonnet-4-6", "claude-sonnet-4-6"),
        ("gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("textembedding-gecko@003", "textembedding-gecko"),
        ("text-embedding-ada-002", "text-embedding-ada-002"),
        ("mistral-large-2512", "mistral-large"),
        ("qwen-2512", "qwen-2512"),
        ("command-r-08-2024", "command-r"),
        ("grok-4-0709", "grok-4"),
        ("grok-4.20-0309-reasoning", "grok-4.20-0309-reasoning"),
        ("nova-lite-v1:0", "nova-lite"),
        ("deepseek-v3", "deepseek-v3"),
        ("gpt-4o", "gpt-4o"),
        ("2024-08-06", "2024-08-06"),
    ];
    for (model, expected) in cases {
        assert_eq!(without_version(model), expected, "{model}");
    }
}
