//! What recorded bodies state of their input and of tokens, looked up in the plainest way: by
//! parsing all of them and asking for each key by its path.

use governance_filter::facts::{Input, Usage};
use governance_filter::llm::Api;
use serde_json::Value;

const MAX_TOKENS: [&str; 12] = [
    "/max_tokens",
    "/max_completion_tokens",
    "/max_output_tokens",
    "/max_tokens_to_sample",
    "/max_gen_len",
    "/generationConfig/maxOutputTokens",
    "/generation_config/max_output_tokens",
    "/inferenceConfig/maxTokens",
    "/inferenceConfig/max_new_tokens",
    "/textGenerationConfig/maxTokenCount",
    "/options/num_predict",
    "/parameters/max_new_tokens",
];

const TEMPERATURE: [&str; 7] = [
    "/temperature",
    "/generationConfig/temperature",
    "/generation_config/temperature",
    "/inferenceConfig/temperature",
    "/textGenerationConfig/temperature",
    "/options/temperature",
    "/parameters/temperature",
];

const TOTAL: [&str; 3] = ["total_tokens", "totalTokens", "totalTokenCount"];
const CACHED: [&str; 6] = [
    "cached_tokens",
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cacheReadInputTokenCount",
    "cachedContentTokenCount",
    "total_cached_tokens",
];
const REASONING: [&str; 4] =
    ["reasoning_tokens", "thinking_tokens", "thoughtsTokenCount", "total_thought_tokens"];

/// What was read of an input otherwise than it stands there.
pub fn input(found: &Input, api: Api, body: &[u8]) -> Vec<String> {
    let body: Value = serde_json::from_slice(body).unwrap();
    let first = |places: &[&str]| places.iter().find_map(|place| body.pointer(place)).cloned();
    let expected = Input {
        messages: messages(api, &body),
        tools: ["/tools", "/functions", "/toolConfig/tools"]
            .into_iter()
            .filter_map(|place| body.pointer(place))
            .flat_map(items)
            .flat_map(names)
            .collect(),
        max_tokens: first(&MAX_TOKENS).and_then(|value| value.as_u64()),
        temperature: first(&TEMPERATURE).and_then(|value| value.as_f64()),
        // Which media are images is shown by cases of its own.
        images: found.images,
        tools_cut: false,
    };
    if *found == expected {
        return Vec::new();
    }
    vec![format!("input: expected {expected:?}, found {found:?}")]
}

/// What was read of a usage object otherwise than it stands there.
pub fn tokens(found: &Usage) -> Vec<String> {
    let expected = |keys: &[&str]| found.raw.as_ref().and_then(|raw| under(raw, keys));
    let counts = [
        ("total_tokens", found.total_tokens, expected(&TOTAL)),
        ("cached_tokens", found.cached_tokens, expected(&CACHED)),
        ("reasoning_tokens", found.reasoning_tokens, expected(&REASONING)),
    ];
    let wrong = counts.into_iter().filter(|(_, found, expected)| found != expected);
    wrong.map(|(name, found, expected)| format!("{name}: {expected:?}, found {found:?}")).collect()
}

fn messages(api: Api, body: &Value) -> u64 {
    let keys: &[&str] = match api {
        Api::OpenAiResponses | Api::GeminiInteractions => &["input"],
        Api::OpenAiMedia | Api::Embeddings | Api::GeminiEmbeddings => &[],
        _ => &["messages", "contents", "message", "chat_history"],
    };
    keys.iter().filter_map(|key| body.get(key)).map(|value| items(value).len() as u64).sum()
}

/// Those of a list; else it is one itself.
fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn names(tool: &Value) -> Vec<String> {
    let declared = ["functionDeclarations", "function_declarations"];
    if let Some(declared) = declared.iter().find_map(|key| tool.get(key)) {
        return items(declared).iter().flat_map(names).collect();
    }
    let name = ["/name", "/function/name", "/toolSpec/name"];
    let name = name.iter().find_map(|place| tool.pointer(place)?.as_str());
    let own = |kind: &&str| !["function", "custom"].contains(kind);
    let kind = tool.get("type").and_then(Value::as_str).filter(|kind| name.is_none() || own(kind));
    if name.is_some() || kind.is_some() {
        return name.into_iter().chain(kind).map(str::to_owned).collect();
    }
    let keys = tool.as_object().into_iter().flat_map(|tool| tool.keys());
    let camel = |key: &String| {
        key.replace("google_search", "googleSearch").replace("code_execution", "codeExecution")
    };
    keys.map(camel).collect()
}

/// The number under one of `keys`, at whatever depth.
fn under(value: &Value, keys: &[&str]) -> Option<u64> {
    value.as_object()?.iter().find_map(|(key, value)| match value.as_u64() {
        Some(count) => keys.contains(&key.as_str()).then_some(count),
        None => under(value, keys),
    })
}
