//! OpenAI: a date pins, a bare name with a dated sibling is an alias of one of them, the tiers
//! without dated siblings are unknown.

use super::super::Rule;
use super::super::name::Name;
use super::super::version::{dashed_date, month_day};
use crate::llm::pinning::Pinning::{Floating, Pinned, Unknown};

const OPENAI: &str = "openai";
const MODELS: &str = "https://platform.openai.com/docs/models";
const FINE_TUNING: &str = "https://platform.openai.com/docs/guides/fine-tuning";

/// OpenAI's staff: "The underlying models behind snapshots don't change"; "The alias points to a
/// snapshot […] The pointer can change over time".
const SNAPSHOTS: &str = "https://community.openai.com/t/1246138/19";

pub const RULES: &[Rule] = &[
    Rule::new(Floating, "openai.latest", OPENAI, MODELS, |name| {
        is_openai(name) && name.is_latest()
    }),
    Rule::new(Pinned, "openai.dated", OPENAI, SNAPSHOTS, |name| {
        is_openai(name) && dashed_date(&name.plain).is_some()
    }),
    Rule::new(Pinned, "openai.mmdd", OPENAI, SNAPSHOTS, |name| month_day(&name.plain).is_some()),
    // Bedrock's `openai.gpt-5.5` is an identifier of Bedrock's own.
    Rule::new(Floating, "openai.alias", OPENAI, SNAPSHOTS, |name| {
        ALIASES.contains(&name.plain.as_str()) && !name.bedrock
    }),
    Rule::new(Unknown, "openai.fine_tuned", OPENAI, FINE_TUNING, |name| name.is_of(&["ft:"])),
    Rule::new(Unknown, "openai.undated", OPENAI, MODELS, |name| is_openai(name) && !name.bedrock),
];

fn is_openai(name: &Name) -> bool {
    let reasoning = name.plain.strip_prefix('o').and_then(|rest| rest.bytes().next());
    reasoning.is_some_and(|byte| byte.is_ascii_digit()) || name.is_of(FAMILIES)
}

const FAMILIES: &[&str] = &[
    "babbage-",
    "chatgpt-",
    "codex-",
    "computer-use",
    "dall-e-",
    "davinci-",
    "gpt-",
    "omni-moderation",
    "sora-",
    "text-embedding-3-",
    "text-embedding-ada-",
    "text-moderation-",
    "tts-",
    "whisper-",
];

/// Bare names that have a dated sibling in the model lists of the official Python SDK (openai
/// 3.57.0, `openai/types`, and every earlier version in its repository), then those whose siblings
/// only the API itself lists or serves.
const ALIASES: &[&str] = &[
    "computer-use-preview",
    "gpt-3.5-turbo",
    "gpt-3.5-turbo-16k",
    "gpt-4",
    "gpt-4-32k",
    "gpt-4-turbo",
    "gpt-4.1",
    "gpt-4.1-mini",
    "gpt-4.1-nano",
    "gpt-4.5-preview",
    "gpt-4o",
    "gpt-4o-audio-preview",
    "gpt-4o-mini",
    "gpt-4o-mini-audio-preview",
    "gpt-4o-mini-realtime-preview",
    "gpt-4o-mini-search-preview",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-tts",
    "gpt-4o-realtime-preview",
    "gpt-4o-search-preview",
    "gpt-5",
    "gpt-5-mini",
    "gpt-5-nano",
    "gpt-5-pro",
    "gpt-5.1",
    "gpt-5.2",
    "gpt-5.2-pro",
    "gpt-5.4-mini",
    "gpt-5.4-nano",
    "gpt-5.5",
    "gpt-5.5-pro",
    "gpt-audio-mini",
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-realtime",
    "gpt-realtime-mini",
    "o1",
    "o1-mini",
    "o1-preview",
    "o1-pro",
    "o3",
    "o3-deep-research",
    "o3-mini",
    "o3-pro",
    "o4-mini",
    "o4-mini-deep-research",
    "sora-2",
    "sora-2-pro",
    // Siblings that `GET /v1/models` lists: `gpt-5.4-2026-03-05`, `gpt-4-1106-vision-preview`, …
    "gpt-4-turbo-preview",
    "gpt-4-vision-preview",
    "gpt-5-search-api",
    "gpt-5.4",
    "gpt-5.4-pro",
    "gpt-audio",
    // Served under another name: `gpt-3.5-turbo-instruct:20230824-v2`, `gpt-5.6-sol`.
    "gpt-3.5-turbo-instruct",
    "gpt-5.6",
];
