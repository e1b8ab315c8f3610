//! Names of members that bodies of requests have by their protocols, at any depth: which hold text,
//! which hold files, and which hold nothing that a model reads. What is not named here is text.

/// Keys of messages and parts whose strings are text of the input.
/// <https://platform.openai.com/docs/api-reference/chat/create#chat-create-messages>: content,
/// text, refusal, tool_calls, function, function_call, custom;
/// <https://platform.openai.com/docs/api-reference/responses/create>: output, summary, variables,
/// what tools gave (logs, stdout, stderr) and were given (action, actions, operation);
/// <https://platform.claude.com/docs/en/api/messages/create>: thinking, title, context, source;
/// <https://ai.google.dev/api/caching#Content>: parts, functionCall, functionResponse,
/// executableCode, code, codeExecutionResult, toolCall, toolResponse, all in both spellings;
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api>: prompt;
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>:
/// toolUse, toolResult, guardContent, reasoningContent, reasoningText;
/// <https://docs.cohere.com/reference/chat>: message, document;
/// reasoning and reasoning_content are what OpenAI-compatible servers take back.
pub(super) const TEXT: [&str; 51] = [
    "content",
    "contents",
    "text",
    "refusal",
    "tool_calls",
    "function",
    "function_call",
    "custom",
    "thinking",
    "title",
    "context",
    "reasoning",
    "reasoning_content",
    "source",
    "output",
    "summary",
    "logs",
    "stdout",
    "stderr",
    "parts",
    "functionCall",
    "function_call_output",
    "functionResponse",
    "function_response",
    "executableCode",
    "executable_code",
    "codeExecutionResult",
    "code_execution_result",
    "code",
    "toolCall",
    "tool_call",
    "toolResponse",
    "tool_response",
    "prompt",
    "toolUse",
    "toolResult",
    "guardContent",
    "reasoningContent",
    "reasoningText",
    "citationsContent",
    "searchResult",
    "negativeText",
    "maskPrompt",
    "value",
    "message",
    "results",
    "query",
    "queries",
    "outputs",
    "document",
    "tool_plan",
];

/// Keys of a body whose text is what a user says, where it is one text and no list of messages.
pub(super) const SAID: [&str; 4] = ["input", "prompt", "message", "inputText"];

/// Keys whose values are free JSON, every string of which is text: what a tool is given or gave.
pub(super) const FREE: [&str; 15] = [
    "arguments",
    "input",
    "action",
    "actions",
    "operation",
    "args",
    "partialArgs",
    "partial_args",
    "response",
    "result",
    "json",
    "variables",
    "data",
    "parameters",
    "tool_results",
];

/// Keys of parts that are images.
pub(super) const IMAGES: [&str; 3] = ["image_url", "image", "images"];

/// Keys of parts that are no text: audio, files, images among them.
pub(super) const MEDIA: [&str; 10] = [
    "input_audio",
    "file",
    "file_id",
    "file_data",
    "file_url",
    "inlineData",
    "inline_data",
    "fileData",
    "video",
    "audio",
];

/// Keys whose numbers, words and flags no model reads: sampling, sizes, ids, types, of all APIs.
/// What is nested below them is looked at all the same. In the order of their bytes.
#[rustfmt::skip]
pub(super) const HARMLESS: &[&str] = &[
    "additionalModelResponseFieldPaths", "anthropic_beta", "anthropic_version", "autoTruncate",
    "background", "best_of", "budgetTokens", "budget_tokens", "cacheControl", "cachePoint",
    "cache_control", "cachedContent", "cached_content", "call_id", "candidateCount",
    "candidate_count", "category", "cfgScale", "cfg_scale", "clear_thinking", "conversation",
    "countPenalty", "created", "created_at", "decoding_method", "detail", "dimensions",
    "disable_parallel_tool_use", "echo", "effort", "embeddingDimension", "embeddingPurpose",
    "embeddingTypes", "embedding_type", "embedding_types", "enable_thinking", "encoding_format",
    "encrypted_content", "endIndex", "end_index", "exclusiveMaximum", "exclusiveMinimum",
    "exit_code", "file_id", "format", "frequencyPenalty", "frequency_penalty", "generate_summary",
    "guardrailIdentifier", "guardrailVersion", "height", "id", "include", "includeThoughts",
    "include_usage", "index", "inputType", "input_type", "isError", "is_error", "k", "keep_alive",
    "language", "length_penalty", "logprobs", "maxItems", "maxLength", "maxOutputTokens",
    "maxProperties", "maxTokenCount", "maxTokens", "max_chunks_per_doc", "max_completion_tokens",
    "max_gen_len", "max_new_tokens", "max_output_tokens", "max_prompt_tokens", "max_tokens",
    "max_tokens_to_sample", "max_tool_calls", "max_turns", "maximum", "mediaResolution",
    "mediaType", "media_type", "method", "mimeType", "mime_type", "minItems", "minLength",
    "minProperties", "min_new_tokens", "min_p", "min_tokens", "minimum", "mirostat",
    "mirostat_eta", "mirostat_tau", "modalities", "mode", "model", "model_id", "multipleOf", "n",
    "n_predict", "normalize", "nullable", "numResults", "num_batch", "num_ctx", "num_generations",
    "num_gpu", "num_keep", "num_predict", "num_return_sequences", "num_thread", "numberOfImages",
    "object", "outcome", "outputDimensionality", "outputEmbeddingLength", "output_compression",
    "output_dimension", "output_dimensionality", "output_dtype", "output_format", "p",
    "parallelToolCalls", "parallel_tool_calls", "penalize_newline", "phase", "presencePenalty",
    "presence_penalty", "previous_response_id", "priority", "project_id", "prompt_cache_key",
    "prompt_cache_retention", "prompt_logprobs", "qualifiers", "quality", "randomSeed",
    "random_seed", "rank_fields", "raw", "reasoning_effort", "reasoning_format",
    "reasoning_summary", "repeat_last_n", "repeat_penalty", "repetition_penalty",
    "rerank_instruct", "responseLogprobs", "responseMimeType", "responseModalities",
    "response_mime_type", "response_modalities", "return_documents", "return_likelihoods", "role",
    "safe_prompt", "safety_identifier", "sampleCount", "samples", "schemaVersion",
    "search_context_size", "seed", "serviceTier", "service_tier", "signature", "size", "space_id",
    "speed", "startIndex", "start_index", "status", "steps", "stop", "stopSequences",
    "stop_sequences", "stop_token_ids", "store", "stream", "streamFormat", "streamProcessingMode",
    "stream_format", "stream_options", "strict", "style", "summary", "taskType", "task_type",
    "temperature", "tfs_z", "thinkingBudget", "thinkingLevel", "thinking_budget",
    "thinking_level", "thought", "thoughtSignature", "thought_signature", "threshold",
    "time_limit", "timeout", "toolChoice", "toolType", "toolUseId", "tool_call_id", "tool_choice",
    "tool_use_id", "topK", "topP", "top_a", "top_k", "top_logprobs", "top_n", "top_p", "trace",
    "truncate", "truncate_input_tokens", "truncation", "truncationMode", "ttl", "type",
    "typical_p", "uniqueItems", "use_mmap", "user", "verbosity", "version", "voice", "width",
    "willContinue", "will_continue",
];

/// Names that stand in the protocols themselves and in JSON Schema: what they hold is text,
/// they are none. In the order of their bytes.
#[rustfmt::skip]
pub(super) const STRUCTURE: &[&str] = &[
    "$defs", "$id", "$ref", "$schema", "action", "actions", "additionalProperties", "allOf",
    "allow_fallbacks", "allowedFunctionNames", "allowed_function_names", "annotations", "any",
    "anyOf", "approximate", "args", "arguments", "authentication", "auto", "boolValue",
    "bool_value", "call", "citations", "city", "codeExecution", "code_execution", "command",
    "commands", "const", "content", "contents", "country", "custom", "data", "data_sources",
    "default", "definitions", "dependentRequired", "dependentSchemas", "description", "diff",
    "document", "documents", "else", "enabled", "enum", "env", "example", "examples", "filter",
    "function", "functionCallingConfig", "functionDeclarations", "function_calling_config",
    "function_declarations", "functions", "generationConfig", "generation_config", "googleSearch",
    "googleSearchRetrieval", "google_search", "grammar", "if", "ignore", "inferenceConfig",
    "input", "inputSchema", "input_examples", "input_schema", "items", "json", "jsonPath",
    "jsonSchema", "json_path", "json_schema", "message", "messages", "name", "names", "not",
    "numberValue", "number_value", "oneOf", "only", "operation", "options", "order", "output",
    "outputs", "parameterDefinitions", "parameter_definitions", "parameters",
    "parametersJsonSchema", "parameters_json_schema", "parts", "path", "pattern",
    "patternProperties", "prefixItems", "prompt", "promptVariables", "prompt_variables",
    "properties", "propertyNames", "propertyOrdering", "property_ordering", "queries", "query",
    "reasoning", "regex", "region", "required", "response", "responseJsonSchema",
    "responseSchema", "response_format", "response_schema", "responses", "result", "results",
    "role_information", "schema", "schemas", "snippet", "sort", "speechConfig", "speech_config",
    "stringValue", "string_value", "structure", "syntax", "system", "text", "textFormat", "then",
    "thinking", "thinkingConfig", "thinking_config", "timezone", "title", "tool", "toolConfig",
    "toolSpec", "tool_config", "tools", "url", "urlContext", "url_context", "user_location",
    "value", "variables", "voiceConfig", "web_search", "web_search_options",
];

/// Keys in the midst of settings and definitions below which all is of the client's own making.
pub(super) const OWN: [&str; 10] = [
    "const",
    "default",
    "enum",
    "example",
    "examples",
    "input_examples",
    "prompt_variables",
    "promptVariables",
    "required",
    "variables",
];

/// Roles of messages, in small letters. Templates of open models write any other into the prompt.
const ROLES: [&str; 9] =
    ["user", "assistant", "system", "developer", "tool", "function", "model", "chatbot", "ipython"];

/// The role is that of whoever asks.
pub(super) fn is_user(role: &str) -> bool {
    role.eq_ignore_ascii_case("user")
}

/// The role is one that protocols have.
pub(super) fn is_role(role: &str) -> bool {
    ROLES.iter().any(|known| known.eq_ignore_ascii_case(role))
}

/// The key's numbers and words are nothing that a model reads.
pub(super) fn is_harmless(key: &str) -> bool {
    HARMLESS.binary_search(&key).is_ok()
}

/// The name is the protocol's, not the client's.
pub(super) fn is_known(key: &str) -> bool {
    is_harmless(key) || STRUCTURE.binary_search(&key).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_that_are_searched_are_in_order() {
        for list in [HARMLESS, STRUCTURE] {
            assert!(list.is_sorted_by(|before, after| before < after));
        }
        assert!(is_harmless("temperature") && is_known("properties") && !is_known("ann@x.org"));
    }
}
