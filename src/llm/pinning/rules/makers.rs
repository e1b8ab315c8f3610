//! Mistral, Cohere, xAI, DeepSeek and Groq: what each states of its own names. Names of open
//! weights that many serve (`llama-…`, `qwen-…`) have no rule, for nobody speaks for all of them.

use super::super::Rule;
use super::super::name::Name;
use super::super::version::{self, digits, is_month_day, month_year, year_month};
use crate::llm::pinning::Pinning::{Floating, Pinned, Unknown};

const MISTRAL: &str = "mistral_ai";
const COHERE: &str = "cohere";
const XAI: &str = "x_ai";
const DEEPSEEK: &str = "deepseek";
const GROQ: &str = "groq";

/// Models of general availability "receive no silent updates" and "are the only models eligible
/// for aliases `-latest` and `-major`"; those of Labs may change "at any time".
const MISTRAL_LIFECYCLE: &str = "https://docs.mistral.ai/inference/model-lifecycle";

/// The version behind each bare name.
const MISTRAL_MODELS: &str = "https://docs.mistral.ai/getting-started/models/";

/// "`command-r` is an alias for `command-r-03-2024`".
const COHERE_MODELS: &str = "https://docs.cohere.com/docs/models";

/// "`<modelname>` is aliased to the latest stable version […] `<modelname>-<date>` refers directly
/// to a specific model release. This will not be updated".
const XAI_MODELS: &str = "https://docs.x.ai/docs/models";

/// "Both `deepseek-chat` and `deepseek-reasoner` have been upgraded to", six times in a year.
const DEEPSEEK_UPDATES: &str = "https://api-docs.deepseek.com/updates";

/// The version of a Compound system is chosen by the header `Groq-Model-Version`.
const GROQ_COMPOUND: &str = "https://console.groq.com/docs/changelog/compound";

pub const RULES: &[Rule] = &[
    Rule::new(Floating, "mistral.labs", MISTRAL, MISTRAL_LIFECYCLE, |name| name.is_of(&["labs-"])),
    Rule::new(Floating, "mistral.latest", MISTRAL, MISTRAL_LIFECYCLE, |name| {
        is_mistral(name) && name.is_latest()
    }),
    Rule::new(Pinned, "mistral.dated", MISTRAL, MISTRAL_LIFECYCLE, |name| {
        year_month(&name.plain).is_some()
    }),
    Rule::new(Floating, "mistral.alias", MISTRAL, MISTRAL_MODELS, |name| {
        MISTRAL_ALIASES.contains(&name.plain.as_str())
    }),
    Rule::new(Floating, "mistral.major", MISTRAL, MISTRAL_LIFECYCLE, is_mistral_major),
    Rule::new(Unknown, "mistral.unstated", MISTRAL, MISTRAL_LIFECYCLE, |name| {
        is_mistral(name) && !name.bedrock
    }),
    Rule::new(Pinned, "cohere.dated", COHERE, COHERE_MODELS, |name| {
        month_year(&name.plain).is_some()
    }),
    Rule::new(Floating, "cohere.alias", COHERE, COHERE_MODELS, |name| {
        COHERE_ALIASES.contains(&name.plain.as_str())
    }),
    Rule::new(Unknown, "cohere.unstated", COHERE, COHERE_MODELS, |name| {
        name.is_of(version::COHERE) && !name.bedrock
    }),
    Rule::new(Floating, "xai.latest", XAI, XAI_MODELS, |name| is_grok(name) && name.is_latest()),
    Rule::new(Pinned, "xai.dated", XAI, XAI_MODELS, |name| {
        is_grok(name) && name.plain.split('-').skip(2).any(is_month_day)
    }),
    Rule::new(Floating, "xai.alias", XAI, XAI_MODELS, |name| is_grok(name) && !name.bedrock),
    Rule::new(Floating, "deepseek.alias", DEEPSEEK, DEEPSEEK_UPDATES, |name| {
        ["deepseek-chat", "deepseek-coder", "deepseek-reasoner"].contains(&name.plain.as_str())
    }),
    Rule::new(Unknown, "deepseek.unstated", DEEPSEEK, DEEPSEEK_UPDATES, |name| {
        name.is_of(&["deepseek-"]) && !name.bedrock
    }),
    Rule::new(Floating, "groq.compound", GROQ, GROQ_COMPOUND, |name| {
        let systems = ["compound", "compound-mini", "compound-beta", "compound-beta-mini"];
        systems.contains(&name.plain.as_str())
    }),
];

fn is_mistral(name: &Name) -> bool {
    name.is_of(version::MISTRAL)
}

/// `mistral-medium-3`, which stands for 3.1 one day and 3.5 another.
fn is_mistral_major(name: &Name) -> bool {
    let Some((family, major)) = name.plain.rsplit_once('-') else { return false };
    digits(major, 2).is_some() && MISTRAL_ALIASES.contains(&family)
}

fn is_grok(name: &Name) -> bool {
    name.is_of(&["grok-"])
}

/// Bare names that have a dated sibling.
const MISTRAL_ALIASES: &[&str] = &[
    "codestral",
    "codestral-embed",
    "devstral-medium",
    "devstral-small",
    "magistral-medium",
    "magistral-small",
    "ministral-14b",
    "ministral-3b",
    "ministral-8b",
    "mistral-embed",
    "mistral-large",
    "mistral-medium",
    "mistral-moderation",
    "mistral-ocr",
    "mistral-saba",
    "mistral-small",
    "mistral-tiny",
    "open-mistral-nemo",
    "pixtral-12b",
    "pixtral-large",
    "voxtral-mini",
    "voxtral-small",
];

/// Bare names that have a dated sibling, and those that are retrained under one name.
const COHERE_ALIASES: &[&str] = &[
    "command",
    "command-a",
    "command-a-plus",
    "command-a-reasoning",
    "command-a-translate",
    "command-a-vision",
    "command-light",
    "command-light-nightly",
    "command-nightly",
    "command-r",
    "command-r-plus",
    "command-r7b",
];
