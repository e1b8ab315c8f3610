//! Sums, cached and thinking tokens, by each provider's names for them.

use governance_filter::llm::Api;
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test(unsupported = test)]
fn tokens_are_what_the_provider_states() {
    let chat = r#"{"choices":[],"usage":{"prompt_tokens":8,"completion_tokens":4,"total_tokens":12,
        "prompt_tokens_details":{"cached_tokens":3},
        "completion_tokens_details":{"reasoning_tokens":2}}}"#;
    let responses = r#"{"output":[],"usage":{"input_tokens":8,"output_tokens":4,"total_tokens":12,
        "input_tokens_details":{"cached_tokens":3},
        "output_tokens_details":{"reasoning_tokens":2}}}"#;
    let anthropic = r#"{"content":[],"usage":{"input_tokens":8,"cache_read_input_tokens":3,
        "output_tokens":4,"output_tokens_details":{"thinking_tokens":2}}}"#;
    let gemini = r#"{"candidates":[],"usageMetadata":{"promptTokenCount":8,"totalTokenCount":12,
        "cachedContentTokenCount":3,"thoughtsTokenCount":2}}"#;
    let interactions = r#"{"steps":[],"usage":{"total_input_tokens":8,"total_output_tokens":4,
        "total_tokens":12,"total_cached_tokens":3,"total_thought_tokens":2}}"#;
    let converse = r#"{"output":{"message":{"content":[]}},"usage":{"inputTokens":8,
        "totalTokens":12.0,"cacheReadInputTokens":3}}"#;
    let nova = r#"{"output":{"message":{"content":[]}},"usage":{"cacheReadInputTokenCount":3}}"#;
    let cohere = r#"{"message":{},"usage":{"tokens":{"reasoning_tokens":2},"cached_tokens":3}}"#;
    let deepseek = r#"{"choices":[],"usage":{"prompt_cache_hit_tokens":3,"reasoning_tokens":2}}"#;
    let ollama = r#"{"done":true,"response":"","prompt_eval_count":8,"eval_count":4}"#;
    for (api, body, expected) in [
        (Api::OpenAiChat, chat, [Some(12), Some(3), Some(2)]),
        (Api::OpenAiChat, deepseek, [None, Some(3), Some(2)]),
        (Api::OpenAiResponses, responses, [Some(12), Some(3), Some(2)]),
        (Api::AnthropicMessages, anthropic, [None, Some(3), Some(2)]),
        (Api::Gemini, gemini, [Some(12), Some(3), Some(2)]),
        (Api::GeminiInteractions, interactions, [Some(12), Some(3), Some(2)]),
        (Api::BedrockConverse, converse, [Some(12), Some(3), None]),
        (Api::BedrockInvoke, nova, [None, Some(3), None]),
        (Api::Cohere, cohere, [None, Some(3), Some(2)]),
        (Api::Ollama, ollama, [None, None, None]),
        (Api::Embeddings, r#"{"data":[],"usage":{"total_tokens":18}}"#, [Some(18), None, None]),
    ] {
        let usage = api.read_answer(200, body.as_bytes()).facts.usage;
        let found = [usage.total_tokens, usage.cached_tokens, usage.reasoning_tokens];
        assert_eq!(found, expected, "{api:?}");
    }
}
