//! What the body of a request holds in each API: where the model is named, what is input, what of
//! it is text.

use super::super::Api;

/// A body's top level.
pub(super) struct Shape {
    /// The key that names the model.
    pub(super) model: &'static str,
    /// A request without a model means one that the provider knows: an agent, a stored prompt.
    pub(super) model_optional: bool,
    /// It asks for a stream unless it says otherwise.
    pub(super) streams_by_default: bool,
    /// One of these must stand there: a body without is of another shape.
    pub(super) input: &'static [&'static str],
    /// Keys whose values hold text of the input.
    pub(super) text: &'static [&'static str],
    /// Keys whose values are free JSON, every string of which is text of the input.
    pub(super) free: &'static [&'static str],
    /// Keys whose values are images.
    pub(super) media: &'static [&'static str],
    /// Keys whose items are messages; a text in their place is one.
    pub(super) messages: &'static [&'static str],
    /// Keys whose items are tools that the model is offered.
    pub(super) tools: &'static [&'static str],
    /// Keys of the longest answer that is asked for.
    pub(super) max_tokens: &'static [&'static str],
    /// Keys of objects that hold the same, and the temperature.
    pub(super) settings: &'static [&'static str],
}

const SHAPE: Shape = Shape {
    model: "model",
    model_optional: false,
    streams_by_default: false,
    input: &[],
    text: &[],
    free: &[],
    media: &["images"],
    messages: &[],
    tools: &[],
    max_tokens: &[],
    settings: &[],
};

/// <https://platform.openai.com/docs/api-reference/chat/create>,
/// <https://platform.claude.com/docs/en/api/messages/create>
const CHAT: Shape = Shape {
    input: &["messages"],
    text: &["messages", "system", "prediction"],
    messages: &["messages"],
    tools: &["tools", "functions"],
    max_tokens: &["max_tokens", "max_completion_tokens"],
    ..SHAPE
};

/// <https://platform.openai.com/docs/api-reference/completions/create>,
/// <https://docs.mistral.ai/api/endpoint/fim>
const COMPLETIONS: Shape =
    Shape { input: &["prompt"], text: &["prompt", "suffix"], max_tokens: &["max_tokens"], ..SHAPE };

/// <https://platform.openai.com/docs/api-reference/responses/create>: a stored prompt or an earlier
/// response may stand for model and input.
const RESPONSES: Shape = Shape {
    model_optional: true,
    input: &["input", "prompt", "previous_response_id", "conversation", "instructions"],
    text: &["input", "instructions", "prompt"],
    messages: &["input"],
    tools: &["tools"],
    max_tokens: &["max_output_tokens"],
    ..SHAPE
};

/// <https://platform.openai.com/docs/api-reference/images/create>,
/// <https://platform.openai.com/docs/api-reference/audio/createSpeech>,
/// <https://platform.openai.com/docs/api-reference/moderations/create>: all have a model by default.
const MEDIA: Shape = Shape {
    model_optional: true,
    input: &["prompt", "input"],
    text: &["prompt", "input", "instructions"],
    ..SHAPE
};

/// <https://platform.openai.com/docs/api-reference/embeddings/create>
const EMBEDDINGS: Shape = Shape { input: &["input"], text: &["input"], ..SHAPE };

/// <https://platform.claude.com/docs/en/api/completions/create>
const ANTHROPIC_COMPLETE: Shape =
    Shape { input: &["prompt"], text: &["prompt"], max_tokens: &["max_tokens_to_sample"], ..SHAPE };

/// <https://ai.google.dev/api/generate-content>: protobuf's JSON takes both spellings.
const GEMINI: Shape = Shape {
    input: &["contents"],
    text: &["contents", "systemInstruction", "system_instruction"],
    messages: &["contents"],
    tools: &["tools"],
    max_tokens: &["maxOutputTokens", "max_output_tokens"],
    settings: &["generationConfig", "generation_config"],
    ..SHAPE
};

/// <https://ai.google.dev/api/embeddings>,
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>
const GEMINI_EMBEDDINGS: Shape = Shape {
    input: &["content", "requests", "instances"],
    text: &["content", "requests", "instances"],
    ..SHAPE
};

/// <https://ai.google.dev/api/interactions-api>: an agent may stand for the model.
const GEMINI_INTERACTIONS: Shape = Shape {
    model_optional: true,
    input: &["input"],
    text: &["input", "system_instruction"],
    messages: &["input"],
    tools: &["tools"],
    max_tokens: &["max_output_tokens"],
    settings: &["generation_config"],
    ..SHAPE
};

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>
const CONVERSE: Shape = Shape {
    input: &["messages", "promptVariables"],
    text: &["messages", "system"],
    free: &["promptVariables"],
    messages: &["messages"],
    tools: &["toolConfig"],
    max_tokens: &["maxTokens"],
    settings: &["inferenceConfig"],
    ..SHAPE
};

/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html>: each vendor's own.
/// What Amazon's models for images and embeddings are asked for stands under the parameters of
/// their `taskType`.
const INVOKE: Shape = Shape {
    input: &[
        "messages",
        "prompt",
        "inputText",
        "inputImage",
        "taskType",
        "message",
        "texts",
        "images",
        "text_prompts",
        "query",
        "inputs",
        "input",
    ],
    text: &[
        "messages",
        "system",
        "prompt",
        "negative_prompt",
        "inputText",
        "message",
        "chat_history",
        "preamble",
        "texts",
        "text_prompts",
        "textToImageParams",
        "inPaintingParams",
        "outPaintingParams",
        "imageVariationParams",
        "colorGuidedGenerationParams",
        "backgroundRemovalParams",
        "singleEmbeddingParams",
        "query",
        "inputs",
        "input",
    ],
    free: &["documents", "tool_results"],
    media: &["images", "inputImage", "image", "init_image", "mask_image"],
    messages: &["messages", "message", "chat_history"],
    tools: &["tools", "toolConfig"],
    max_tokens: &[
        "max_tokens",
        "max_completion_tokens",
        "max_tokens_to_sample",
        "max_gen_len",
        "max_new_tokens",
        "maxTokens",
        "maxTokenCount",
    ],
    settings: &["inferenceConfig", "textGenerationConfig"],
    ..SHAPE
};

/// <https://github.com/ollama/ollama/blob/main/docs/api.md>: a request without input loads a model;
/// `context` is a conversation in tokens.
const OLLAMA: Shape = Shape {
    streams_by_default: true,
    input: &["model"],
    text: &["messages", "prompt", "system", "suffix", "template", "input", "context"],
    messages: &["messages"],
    tools: &["tools"],
    max_tokens: &["num_predict"],
    settings: &["options"],
    ..SHAPE
};

/// <https://docs.cohere.com/reference/chat>, `/embed`, `/rerank`, and version 1 of them, where a
/// document has keys of the client's own.
const COHERE: Shape = Shape {
    model_optional: true,
    input: &["messages", "message", "prompt", "texts", "inputs", "images", "query"],
    text: &[
        "messages",
        "message",
        "chat_history",
        "preamble",
        "prompt",
        "texts",
        "inputs",
        "query",
    ],
    free: &["documents", "tool_results"],
    messages: &["messages", "message", "chat_history"],
    tools: &["tools"],
    max_tokens: &["max_tokens"],
    ..SHAPE
};

/// <https://cloud.ibm.com/apidocs/watsonx-ai#text-generation>, `#text-chat`
const WATSONX: Shape = Shape {
    model: "model_id",
    input: &["input", "messages"],
    text: &["input", "messages"],
    messages: &["messages"],
    tools: &["tools"],
    max_tokens: &["max_new_tokens", "max_tokens", "max_completion_tokens"],
    settings: &["parameters"],
    ..SHAPE
};

// === impl Api ===

impl Api {
    /// What its requests' bodies hold.
    pub(super) fn body_shape(self) -> &'static Shape {
        match self {
            Api::OpenAiChat | Api::AnthropicMessages => &CHAT,
            Api::OpenAiCompletions => &COMPLETIONS,
            Api::OpenAiResponses => &RESPONSES,
            Api::OpenAiMedia => &MEDIA,
            Api::Embeddings => &EMBEDDINGS,
            Api::AnthropicComplete => &ANTHROPIC_COMPLETE,
            Api::Gemini => &GEMINI,
            Api::GeminiEmbeddings => &GEMINI_EMBEDDINGS,
            Api::GeminiInteractions => &GEMINI_INTERACTIONS,
            Api::BedrockConverse => &CONVERSE,
            Api::BedrockInvoke => &INVOKE,
            Api::Ollama => &OLLAMA,
            Api::Cohere => &COHERE,
            Api::Watsonx => &WATSONX,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::{Api, document};

    const APIS: [Api; 15] = [
        Api::OpenAiChat,
        Api::OpenAiCompletions,
        Api::OpenAiResponses,
        Api::OpenAiMedia,
        Api::Embeddings,
        Api::AnthropicMessages,
        Api::AnthropicComplete,
        Api::Gemini,
        Api::GeminiEmbeddings,
        Api::GeminiInteractions,
        Api::BedrockConverse,
        Api::BedrockInvoke,
        Api::Ollama,
        Api::Cohere,
        Api::Watsonx,
    ];

    fn cell(keys: &[&str]) -> String {
        match keys {
            [] => "none".to_owned(),
            _ => format!("`{}`", keys.join("`, `")),
        }
    }

    #[test]
    fn document_says_where_the_input_is_stated() {
        let row = |api: &Api| {
            let shape = api.body_shape();
            let cells = [shape.messages, shape.tools, shape.max_tokens, shape.settings];
            format!("| `{api:?}` | {} |", cells.map(cell).join(" | "))
        };
        let expected: Vec<String> = APIS.iter().map(row).collect();
        let shown = document::rows("### Input");
        assert!(shown == expected, "docs/providers.md is to show:\n{}", expected.join("\n"));
    }
}
