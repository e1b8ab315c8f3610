//! Counts of a usage object that providers state under names of their own: what came out of a
//! cache, what was thought, the sum. Adds nothing up.

use serde_json::{Map, Value};

use crate::facts::Usage;

/// Members of a usage object, a name within an object behind a slash; of several the first counts.
type Places = [&'static str];

/// OpenAI and who speaks its protocols, interactions; Converse; Gemini.
const TOTAL: &Places = &["total_tokens", "totalTokens", "totalTokenCount"];

/// Chat; responses; Anthropic; Converse; Nova and Bedrock's metrics; Gemini; interactions; Cohere;
/// DeepSeek, which states chat's as well.
const CACHED: &Places = &[
    "prompt_tokens_details/cached_tokens",
    "input_tokens_details/cached_tokens",
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cacheReadInputTokenCount",
    "cachedContentTokenCount",
    "total_cached_tokens",
    "cached_tokens",
    "prompt_cache_hit_tokens",
];

/// Chat; responses; Anthropic; Gemini; interactions; Cohere; Perplexity.
const REASONING: &Places = &[
    "completion_tokens_details/reasoning_tokens",
    "output_tokens_details/reasoning_tokens",
    "output_tokens_details/thinking_tokens",
    "thoughtsTokenCount",
    "total_thought_tokens",
    "tokens/reasoning_tokens",
    "reasoning_tokens",
];

/// Takes them from the provider's own object.
pub(in crate::llm) fn read_details(raw: &Map<String, Value>, usage: &mut Usage) {
    let stated = |places: &Places| places.iter().find_map(|place| at(raw, place));
    usage.total_tokens = stated(TOTAL);
    usage.cached_tokens = stated(CACHED);
    usage.reasoning_tokens = stated(REASONING);
}

fn at(raw: &Map<String, Value>, place: &str) -> Option<u64> {
    match place.split_once('/') {
        Some((object, name)) => raw.get(object)?.get(name).and_then(count),
        None => raw.get(place).and_then(count),
    }
}

/// A number of tokens; some write it as a float.
pub(super) fn count(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| {
        let number = value.as_f64()?;
        (number.fract() == 0.0 && number >= 0.0).then_some(number as u64)
    })
}
