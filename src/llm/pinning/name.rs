//! A model's name without what clouds and gateways put around it: one table of prefixes, Bedrock's
//! identifiers and ARNs, and the few names that one model is spelt by in several ways.

use std::borrow::Cow;

use super::version::{claude_version, compact_date, digits, is_digits, year_month};

/// Longest name that is looked into, in bytes: Bedrock's `modelId`, the longest, has up to 2,048.
const NAME_BYTES_MAX: usize = 2048;

/// A name, taken apart for the rules.
pub struct Name {
    /// As sent, in lower case: no provider tells two models apart by case.
    pub sent: String,
    /// The same, normalised, without the variant that OpenRouter's names end in.
    pub plain: String,
    /// Who makes names of its own, where the request's API or a prefix says so.
    pub host: Option<Host>,
    /// An identifier of Bedrock's.
    pub bedrock: bool,
    /// An ARN that does not say which model stands behind it.
    pub opaque: bool,
}

/// A server whose names follow no rule but its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    Azure,
    Bedrock,
    Ollama,
    /// watsonx.ai, for a deployment. Its models go by their makers' names.
    Watsonx,
}

/// What is left of a name, and what its surroundings said.
struct Unwrapped<'a> {
    name: &'a str,
    host: Option<Host>,
    bedrock: bool,
    opaque: bool,
}

/// What may stand before a name, and the host that it gives away.
/// - Google: <https://cloud.google.com/vertex-ai/generative-ai/docs/start/openai>
/// - LiteLLM's providers: <https://docs.litellm.ai/docs/providers>
/// - OpenRouter's and Hugging Face's authors: <https://openrouter.ai/models>
///
/// LiteLLM's `azure/` and `azure_ai/` stay: a deployment's name behind them is no model's.
const PREFIXES: &[(&str, Option<Host>)] = &[
    ("models/", None),
    ("accounts/fireworks/models/", None),
    ("anthropic/", None),
    ("bedrock/", Some(Host::Bedrock)),
    ("bedrock/converse/", Some(Host::Bedrock)),
    ("cohere/", None),
    ("cohere_chat/", None),
    ("deepseek/", None),
    ("deepseek-ai/", None),
    ("fireworks_ai/", None),
    ("gemini/", None),
    ("google/", None),
    ("groq/", None),
    ("huggingface/", None),
    ("meta/", None),
    ("meta-llama/", None),
    ("minimax/", None),
    ("mistral/", None),
    ("mistralai/", None),
    ("moonshotai/", None),
    ("nvidia/", None),
    ("ollama/", Some(Host::Ollama)),
    ("ollama_chat/", Some(Host::Ollama)),
    ("openai/", None),
    ("openrouter/", None),
    ("perplexity/", None),
    ("qwen/", None),
    ("together_ai/", None),
    ("vertex_ai/", None),
    ("x-ai/", None),
    ("xai/", None),
    ("z-ai/", None),
    ("zai/", None),
    ("zai-org/", None),
    ("~", None),
];

/// Where an inference profile of Bedrock's may run:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/inference-profiles-support.html>
const REGIONS: &[&str] = &["us.", "us-gov.", "eu.", "apac.", "jp.", "au.", "ca.", "sa.", "global."];

/// Who made a model of Bedrock's:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/models-supported.html>
const VENDORS: &[&str] = &[
    "ai21.",
    "amazon.",
    "anthropic.",
    "cohere.",
    "deepseek.",
    "google.",
    "luma.",
    "meta.",
    "minimax.",
    "mistral.",
    "moonshot.",
    "moonshotai.",
    "nvidia.",
    "openai.",
    "qwen.",
    "stability.",
    "twelvelabs.",
    "writer.",
    "xai.",
    "zai.",
];

/// OpenRouter's suffixes that choose who serves a model and change nothing else of it:
/// <https://openrouter.ai/docs/guides/routing/model-variants/overview>
const ROUTING_VARIANTS: &[&str] = &[":nitro", ":floor", ":exacto"];

/// Its suffixes that stand for an entry of their own: the same weights, served in another way.
const CATALOG_VARIANTS: &[&str] =
    &[":free", ":online", ":thinking", ":extended", ":batch", ":beta"];

/// What an answer or another cloud calls a model, and what its provider calls it.
const SYNONYMS: &[(&str, &str)] = &[
    ("babbage:2023-07-21-v2", "babbage-002"),
    ("davinci:2023-07-21-v2", "davinci-002"),
    ("text-embedding-ada-002-v2", "text-embedding-ada-002"),
    ("gpt-35-turbo", "gpt-3.5-turbo"),
    ("claude-opus-4-0", "claude-opus-4"),
    ("claude-sonnet-4-0", "claude-sonnet-4"),
    ("claude-v2", "claude-2.0"),
    ("claude-v2:1", "claude-2.1"),
    ("llama3.3-70b", "llama-3.3-70b"),
];

/// `model` without what gateways and clouds put around a provider's name, and in the provider's
/// own spelling.
pub fn normalise(model: &str) -> Cow<'_, str> {
    if model.len() > NAME_BYTES_MAX {
        return Cow::Borrowed(model);
    }
    plain(unwrap(model).name)
}

fn plain(name: &str) -> Cow<'_, str> {
    respell(without_revision(without_any(name, ROUTING_VARIANTS)))
}

fn unwrap(model: &str) -> Unwrapped<'_> {
    let mut found = Unwrapped { name: model.trim(), host: None, bedrock: false, opaque: false };
    loop {
        if let Some(resource) = resource(found.name) {
            found.bedrock = true;
            match resource.split_once('/') {
                Some(("foundation-model" | "inference-profile", id)) => found.name = id,
                _ => {
                    found.opaque = true;
                    return found;
                }
            }
        } else if let Some(id) = bedrock_id(found.name) {
            found.bedrock = true;
            found.name = id;
        } else if let Some((rest, host)) = unprefixed(found.name) {
            found.host = found.host.or(host);
            found.name = rest;
        } else {
            return found;
        }
    }
}

/// The resource of an ARN: `foundation-model/…`.
fn resource(name: &str) -> Option<&str> {
    after(name, "arn:")?.splitn(5, ':').nth(4)
}

/// What stands behind the vendor of an identifier of Bedrock's.
fn bedrock_id(name: &str) -> Option<&str> {
    let id = REGIONS.iter().find_map(|region| after(name, region)).unwrap_or(name);
    VENDORS.iter().find_map(|vendor| after(id, vendor))
}

fn unprefixed(name: &str) -> Option<(&str, Option<Host>)> {
    // `projects/…/locations/…/publishers/google/models/gemini-2.0-flash-001`.
    if after(name, "publishers/").is_some() || after(name, "projects/").is_some() {
        let (_, publisher) = name.split_once("publishers/")?;
        return publisher.split_once("/models/").map(|(_, model)| (model, None));
    }
    PREFIXES.iter().find_map(|(prefix, host)| Some((after(name, prefix)?, *host)))
}

/// What stands behind `prefix`, in whatever case it is written.
fn after<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = name.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn without_any<'a>(name: &'a str, suffixes: &[&str]) -> &'a str {
    suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name)
}

/// A name without Bedrock's revision of it (`-v1:0`, of Claude Opus 4.6 `-v1`), where its maker's
/// own version stands before that. Elsewhere the revision is the version: `nova-lite-v1:0` and
/// `deepseek-v3` stay what they are.
fn without_revision(name: &str) -> &str {
    let Some((before, revision)) = name.rsplit_once("-v") else { return name };
    let versioned = compact_date(before).is_some()
        || year_month(before).is_some()
        || claude_version(before).is_some_and(|version| version >= (4, 6));
    if versioned && is_revision(revision) { before } else { name }
}

/// `1`, `1:0`, or with the context window of a provisioned model `1:0:200k`.
pub fn is_revision(text: &str) -> bool {
    let mut parts = text.split(':');
    let numbered = parts.next().is_some_and(is_digits) && parts.next().is_none_or(is_digits);
    let window = parts.next().is_none_or(|part| part.strip_suffix('k').is_some_and(is_digits));
    numbered && window && parts.next().is_none()
}

/// A name as its provider spells it.
fn respell(name: &str) -> Cow<'_, str> {
    if let Some((_, own)) = SYNONYMS.iter().find(|(other, _)| *other == name) {
        return Cow::Borrowed(own);
    }
    // Azure's models have no dot in their names.
    if let Some(rest) = name.strip_prefix("gpt-35-turbo-") {
        return Cow::Owned(format!("gpt-3.5-turbo-{rest}"));
    }
    claude(name).map_or(Cow::Borrowed(name), Cow::Owned)
}

/// OpenRouter's `claude-sonnet-4.6`, `claude-4.6-sonnet-20260217` and `claude-3.5-haiku` as
/// Anthropic writes them; `None` for what is spelt so already.
fn claude(name: &str) -> Option<String> {
    let (first, rest) = name.strip_prefix("claude-")?.split_once('-')?;
    let (second, rest) = rest.split_once('-').map_or((rest, None), |(a, b)| (a, Some(b)));
    let is_family = |part: &str| part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let mut own = match (dotted(first), dotted(second)) {
        // Up to 3.7 the version came before the family.
        (Some((major @ 4.., minor)), None) if is_family(second) => {
            format!("claude-{second}-{}", dashed(major, minor))
        }
        (Some((3, minor @ Some(_))), None) => format!("claude-{}-{second}", dashed(3, minor)),
        (None, Some((major @ 3.., minor @ Some(_)))) if is_family(first) => {
            format!("claude-{first}-{}", dashed(major, minor))
        }
        _ => return None,
    };
    if let Some(rest) = rest {
        own.push('-');
        own.push_str(rest);
    }
    Some(own)
}

/// `4` or `4.6`.
fn dotted(part: &str) -> Option<(u32, Option<u32>)> {
    match part.split_once('.') {
        Some((major, minor)) => Some((digits(major, 2)?, Some(digits(minor, 2)?))),
        None => Some((digits(part, 2)?, None)),
    }
}

fn dashed(major: u32, minor: Option<u32>) -> String {
    minor.map_or_else(|| major.to_string(), |minor| format!("{major}-{minor}"))
}

// === impl Name ===

impl Name {
    /// A name as it is sent through an API of `provider`; `None` if it is too long to be one.
    pub fn parse(model: &str, provider: Option<&str>) -> Option<Name> {
        if model.len() > NAME_BYTES_MAX {
            return None;
        }
        let sent = model.trim().to_ascii_lowercase();
        let Unwrapped { name, host, bedrock, opaque } = unwrap(&sent);
        let by_prefix = match sent.split_once('/') {
            Some(("azure" | "azure_ai", _)) => Some(Host::Azure),
            _ => host,
        };
        let host = provider.and_then(Host::of_provider).or(by_prefix);
        let plain = plain(without_any(name, CATALOG_VARIANTS)).into_owned();
        Some(Name { plain, host, bedrock: bedrock || host == Some(Host::Bedrock), opaque, sent })
    }

    /// The name begins with one of these.
    pub fn is_of(&self, families: &[&str]) -> bool {
        families.iter().any(|family| self.plain.starts_with(family))
    }

    /// The name says that it moves: `latest` alone or at its end.
    pub fn is_latest(&self) -> bool {
        let before = self.plain.strip_suffix("latest");
        before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '@', ':', '/']))
    }
}

// === impl Host ===

impl Host {
    fn of_provider(provider: &str) -> Option<Host> {
        match provider {
            "azure.ai.openai" | "azure.ai.inference" => Some(Host::Azure),
            "aws.bedrock" => Some(Host::Bedrock),
            "ollama" => Some(Host::Ollama),
            _ => None,
        }
    }
}
