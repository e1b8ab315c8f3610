//! Hosts of others' models: Azure's deployments, Bedrock's identifiers and ARNs, Ollama's tags, and
//! what gateways call the newest of a family.

use super::super::Rule;
use super::super::name::{Host, Name};
use super::super::version::{bedrock_revision, is_digits};
use crate::llm::pinning::Pinning::{Floating, Pinned, Unknown};

const AZURE: &str = "azure.ai.openai";
const WATSONX: &str = "ibm.watsonx.ai";
const BEDROCK_NAME: &str = "aws.bedrock";
const OLLAMA: &str = "ollama";
const OPENROUTER: &str = "openrouter";

const AZURE_VERSIONS: &str =
    "https://learn.microsoft.com/azure/ai-services/openai/concepts/model-versions";

/// A deployment's id or serving name says nothing of what is deployed.
const WATSONX_DEPLOYMENTS: &str = "https://cloud.ibm.com/apidocs/watsonx-ai";

/// What a `modelId` can be.
const BEDROCK_IDS: &str =
    "https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html";

/// An identifier is one version until its end of life, when requests fail.
const BEDROCK_LIFECYCLE: &str =
    "https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html";
const OLLAMA_NAMES: &str = "https://github.com/ollama/ollama/blob/main/docs/api.md#model-names";
const OPENROUTER_LATEST: &str =
    "https://openrouter.ai/docs/guides/routing/routers/latest-resolution";
const OPENROUTER_AUTO: &str = "https://openrouter.ai/docs/guides/routing/routers/auto-router";
const LITELLM_LATEST: &str = "https://docs.litellm.ai/docs/model_latest_aliases";

/// Before all others: what such a host calls by a maker's name is its own affair.
pub const HOSTS: &[Rule] = &[
    Rule::new(Unknown, "azure.deployment", AZURE, AZURE_VERSIONS, |name| {
        name.host == Some(Host::Azure)
    }),
    Rule::new(Unknown, "watsonx.deployment", WATSONX, WATSONX_DEPLOYMENTS, |name| {
        name.host == Some(Host::Watsonx)
    }),
    Rule::new(Unknown, "bedrock.opaque", BEDROCK_NAME, BEDROCK_IDS, |name| name.opaque),
    Rule::new(Pinned, "ollama.digest", OLLAMA, OLLAMA_NAMES, |name| is_digest(&name.plain)),
    Rule::new(Floating, "ollama.tag", OLLAMA, OLLAMA_NAMES, |name| name.host == Some(Host::Ollama)),
    Rule::new(Floating, "openrouter.latest", OPENROUTER, OPENROUTER_LATEST, |name| {
        name.sent.starts_with('~') || name.sent.starts_with("openrouter/~")
    }),
    Rule::new(Floating, "openrouter.router", OPENROUTER, OPENROUTER_AUTO, |name| {
        let routers = ["openrouter/auto", "openrouter/free", "openrouter/pareto-code"];
        routers.iter().any(|router| name.sent.ends_with(router))
    }),
];

/// After the makers' rules, which say more of an identifier that they know.
pub const BEDROCK: &[Rule] = &[
    Rule::new(Pinned, "bedrock.versioned", BEDROCK_NAME, BEDROCK_LIFECYCLE, is_versioned),
    Rule::new(Unknown, "bedrock.unversioned", BEDROCK_NAME, BEDROCK_LIFECYCLE, |name| name.bedrock),
];

/// `-latest` of any family: LiteLLM makes such names for providers that have none.
pub const ANY: &[Rule] =
    &[Rule::new(Floating, "any.latest", "any", LITELLM_LATEST, Name::is_latest)];

/// `nova-lite-v1:0`; behind a vendor also `gpt-oss-120b-1:0`.
fn is_versioned(name: &Name) -> bool {
    let numbered = name.sent.rsplit_once(':').is_some_and(|(_, number)| is_digits(number));
    bedrock_revision(&name.sent).is_some() || (name.bedrock && numbered)
}

/// `llama3@sha256:365c0bd3c000…`, also as `@sha256-…` and as the digest alone.
fn is_digest(name: &str) -> bool {
    let hex = name.rsplit_once("sha256").and_then(|(before, digest)| {
        let begins = before.is_empty() || before.ends_with('@');
        digest.strip_prefix([':', '-']).filter(|_| begins)
    });
    // Ollama lists the first 12 digits of the 64.
    hex.is_some_and(|hex| {
        (12..=64).contains(&hex.len()) && hex.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}
