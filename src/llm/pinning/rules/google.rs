//! Google, through the Gemini API and Vertex AI: a three-digit number pins; the stable names since
//! Gemini 2.5 have none, and whether they stay is not stated.

use super::super::Rule;
use super::super::name::Name;
use super::super::version::google_number;
use crate::llm::pinning::Pinning::{Floating, Pinned, Unknown};

const GEMINI: &str = "gcp.gemini";
const VERTEX: &str = "gcp.vertex_ai";

/// "Stable models usually don't change"; previews and `-latest` do.
const GEMINI_MODELS: &str = "https://ai.google.dev/gemini-api/docs/models";

/// "A stable version […] does not change"; "Each stable version has an auto-updated alias".
const VERTEX_VERSIONS: &str =
    "https://cloud.google.com/vertex-ai/generative-ai/docs/learn/model-versions";

pub const RULES: &[Rule] = &[
    Rule::new(Floating, "gemini.latest", GEMINI, GEMINI_MODELS, |name| {
        is_google(name) && name.is_latest()
    }),
    Rule::new(Floating, "gemini.preview", GEMINI, GEMINI_MODELS, |name| {
        is_google(name) && name.plain.split('-').any(|part| PREVIEWS.contains(&part))
    }),
    Rule::new(Pinned, "gemini.numbered", VERTEX, VERTEX_VERSIONS, |name| {
        google_number(&name.plain).is_some()
    }),
    Rule::new(Floating, "gemini.alias", VERTEX, VERTEX_VERSIONS, |name| {
        ALIASES.contains(&name.plain.as_str())
    }),
    Rule::new(Unknown, "gemini.stable", GEMINI, GEMINI_MODELS, is_google),
];

const PREVIEWS: &[&str] = &["preview", "exp", "experimental"];

fn is_google(name: &Name) -> bool {
    name.is_of(&["gemini-", "imagen-", "learnlm-", "lyria-", "veo-"])
}

/// Bare names that have a numbered sibling in Vertex AI's list of versions.
const ALIASES: &[&str] = &[
    "chat-bison",
    "code-bison",
    "code-gecko",
    "codechat-bison",
    "gemini-1.0-pro",
    "gemini-1.0-pro-vision",
    "gemini-1.5-flash",
    "gemini-1.5-flash-8b",
    "gemini-1.5-pro",
    "gemini-2.0-flash",
    "gemini-2.0-flash-lite",
    "gemini-pro",
    "gemini-pro-vision",
    "multimodalembedding",
    "text-bison",
    "text-unicorn",
    "textembedding-gecko",
    "textembedding-gecko-multilingual",
];
