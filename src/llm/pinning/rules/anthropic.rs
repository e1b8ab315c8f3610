//! Anthropic: from Claude 4.6 on a name without a date is one version; before, only a date is.

use super::super::Rule;
use super::super::name::Name;
use super::super::version::{claude_version, compact_date};
use crate::llm::pinning::Pinning::{Floating, Pinned, Unknown};

const ANTHROPIC: &str = "anthropic";

/// "Each Claude model ID identifies a pinned version of the model. […] This guarantee covers model
/// IDs, not the convenience aliases that the Claude API accepts for some earlier models".
const MODEL_IDS: &str =
    "https://platform.claude.com/docs/en/about-claude/models/model-ids-and-versions";
const CLAUDE_CODE: &str = "https://code.claude.com/docs/en/model-config";

/// Words that Claude Code takes for the newest model of a family.
const CLAUDE_CODE_ALIASES: &[&str] = &["haiku", "opus", "opusplan", "sonnet"];

/// Checked against the model list of the official Python SDK, anthropic 2.13.0.
pub const RULES: &[Rule] = &[
    Rule::new(Floating, "anthropic.latest", ANTHROPIC, MODEL_IDS, |name| {
        is_claude(name) && name.is_latest()
    }),
    Rule::new(Pinned, "anthropic.dated", ANTHROPIC, MODEL_IDS, |name| {
        is_claude(name) && compact_date(&name.plain).is_some()
    }),
    Rule::new(Pinned, "anthropic.dateless", ANTHROPIC, MODEL_IDS, |name| {
        claude_version(&name.plain).is_some_and(|version| version >= (4, 6))
    }),
    Rule::new(Floating, "anthropic.alias", ANTHROPIC, MODEL_IDS, |name| {
        claude_version(&name.plain).is_some()
    }),
    Rule::new(Floating, "anthropic.claude_code", ANTHROPIC, CLAUDE_CODE, |name| {
        CLAUDE_CODE_ALIASES.contains(&name.plain.as_str())
    }),
    // `claude-v2:1` of Bedrock's is judged as such.
    Rule::new(Unknown, "anthropic.unstated", ANTHROPIC, MODEL_IDS, |name| {
        is_claude(name) && !name.bedrock
    }),
];

fn is_claude(name: &Name) -> bool {
    name.is_of(&["claude-"])
}
