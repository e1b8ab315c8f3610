//! The table of paths. A row's path is matched against the end of a request's; the first row that
//! matches counts. `docs/providers.md` shows it to people.

use super::super::Api;

/// A row: what a path is.
pub(super) struct Row {
    /// `{model}` and `{deployment}` stand for the name of one, `{id}` for any segment; what follows
    /// a colon is Google's verb.
    pub(super) path: &'static str,
    pub(super) means: Means,
}

/// What a request to a path is.
pub(super) enum Means {
    /// POST with a JSON body asks a model: provider, operation and protocol.
    Inference(&'static str, &'static str, Api),
    /// POST makes a job whose answers come later, to other requests; its body is not read.
    Deferred,
    /// GET fetches one deferred answer.
    Answer(&'static str, &'static str, Api),
    /// POST stops a deferred inference and fetches what there is of its answer.
    Stop(&'static str, &'static str, Api),
    /// GET fetches many answers at once, in a file of their own form.
    Results,
    /// It asks a model in a form that is not read: audio, forms of many parts.
    Opaque,
    /// POST that generates nothing.
    Post,
    /// GET, HEAD or OPTIONS that generates nothing.
    Read,
}

const fn row(path: &'static str, means: Means) -> Row {
    Row { path, means }
}

/// Provider and operation are OpenTelemetry's words where it has them; a protocol that many servers
/// speak goes by the name of who made it.
/// <https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/>
#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &{
    use Api::*;
    use Means::*;
    const OPENAI: &str = "openai";
    const AZURE: &str = "azure.ai.openai";
    const AZURE_MODELS: &str = "azure.ai.inference";
    const ANTHROPIC: &str = "anthropic";
    const GEMINI: &str = "gcp.gemini";
    const VERTEX: &str = "gcp.vertex_ai";
    const BEDROCK: &str = "aws.bedrock";
    const COHERE: &str = "cohere";
    const OLLAMA: &str = "ollama";
    const WATSONX: &str = "ibm.watsonx.ai";
    const CHAT: &str = "chat";
    const COMPLETION: &str = "text_completion";
    const CONTENT: &str = "generate_content";
    const EMBED: &str = "embeddings";
    const RERANK: &str = "rerank";
    const IMAGE: &str = "image_generation";
    const SPEECH: &str = "text_to_speech";
[
    // Azure OpenAI: learn.microsoft.com/azure/ai-foundry/openai/reference
    row("/openai/deployments/{deployment}/chat/completions", Inference(AZURE, CHAT, OpenAiChat)),
    row("/openai/deployments/{deployment}/completions",
        Inference(AZURE, COMPLETION, OpenAiCompletions)),
    row("/openai/deployments/{deployment}/embeddings", Inference(AZURE, EMBED, Embeddings)),
    row("/openai/deployments/{deployment}/images/generations",
        Inference(AZURE, IMAGE, OpenAiMedia)),
    row("/openai/deployments/{deployment}/images/edits", Inference(AZURE, IMAGE, OpenAiMedia)),
    row("/openai/deployments/{deployment}/audio/speech", Inference(AZURE, SPEECH, OpenAiMedia)),
    row("/openai/deployments/{deployment}/audio/transcriptions", Opaque),
    row("/openai/deployments/{deployment}/audio/translations", Opaque),
    row("/openai/deployments/{deployment}/responses", Inference(AZURE, CHAT, OpenAiResponses)),
    // Azure AI model inference: learn.microsoft.com/rest/api/aifoundry/modelinference
    row("/models/chat/completions", Inference(AZURE_MODELS, CHAT, OpenAiChat)),
    row("/models/embeddings", Inference(AZURE_MODELS, EMBED, Embeddings)),
    // OpenAI and what speaks its protocol: platform.openai.com/docs/api-reference
    row("/chat/completions", Inference(OPENAI, CHAT, OpenAiChat)),
    row("/fim/completions", Inference(OPENAI, COMPLETION, OpenAiCompletions)),
    row("/v1/completions", Inference(OPENAI, COMPLETION, OpenAiCompletions)),
    row("/beta/completions", Inference(OPENAI, COMPLETION, OpenAiCompletions)),
    row("/responses", Inference(OPENAI, CHAT, OpenAiResponses)),
    row("/responses/compact", Inference(OPENAI, CHAT, OpenAiResponses)),
    row("/responses/input_tokens", Post),
    row("/openai/responses/{id}", Answer(AZURE, CHAT, OpenAiResponses)),
    row("/openai/responses/{id}/input_items", Read),
    row("/openai/responses/{id}/cancel", Stop(AZURE, CHAT, OpenAiResponses)),
    row("/v1/responses/{id}", Answer(OPENAI, CHAT, OpenAiResponses)),
    row("/v1/responses/{id}/input_items", Read),
    row("/v1/responses/{id}/cancel", Stop(OPENAI, CHAT, OpenAiResponses)),
    row("/v1beta/openai/embeddings", Inference(OPENAI, EMBED, Embeddings)),
    row("/v1/embeddings", Inference(OPENAI, EMBED, Embeddings)),
    row("/v1/moderations", Inference(OPENAI, "moderation", OpenAiMedia)),
    row("/v1/images/generations", Inference(OPENAI, IMAGE, OpenAiMedia)),
    row("/v1/images/edits", Inference(OPENAI, IMAGE, OpenAiMedia)),
    row("/v1/audio/speech", Inference(OPENAI, SPEECH, OpenAiMedia)),
    row("/v1/images/variations", Opaque),
    row("/v1/audio/transcriptions", Opaque),
    row("/v1/audio/translations", Opaque),
    row("/v1/batches", Deferred),
    row("/v1/batches/{id}", Read),
    row("/v1/batches/{id}/cancel", Post),
    row("/v1/files", Deferred),
    row("/v1/files/{id}", Read),
    row("/v1/files/{id}/content", Results),
    row("/v1/threads/runs", Deferred),
    row("/v1/threads/{id}/runs", Deferred),
    // Anthropic: platform.claude.com/docs/en/api
    row("/v1/messages", Inference(ANTHROPIC, CHAT, AnthropicMessages)),
    row("/v1/messages/count_tokens", Post),
    row("/v1/messages/batches", Deferred),
    row("/v1/messages/batches/{id}", Read),
    row("/v1/messages/batches/{id}/cancel", Post),
    row("/v1/messages/batches/{id}/results", Results),
    row("/v1/complete", Inference(ANTHROPIC, COMPLETION, AnthropicComplete)),
    // Vertex AI: cloud.google.com/vertex-ai/generative-ai/docs/model-reference
    row("/publishers/anthropic/models/count-tokens:rawPredict", Post),
    row("/publishers/anthropic/models/{model}:rawPredict",
        Inference(VERTEX, CHAT, AnthropicMessages)),
    row("/publishers/anthropic/models/{model}:streamRawPredict",
        Inference(VERTEX, CHAT, AnthropicMessages)),
    row("/publishers/mistralai/models/{model}:rawPredict", Inference(VERTEX, CHAT, OpenAiChat)),
    row("/publishers/mistralai/models/{model}:streamRawPredict",
        Inference(VERTEX, CHAT, OpenAiChat)),
    row("/publishers/google/models/{model}:generateContent", Inference(VERTEX, CONTENT, Gemini)),
    row("/publishers/google/models/{model}:streamGenerateContent",
        Inference(VERTEX, CONTENT, Gemini)),
    row("/publishers/google/models/{model}:embedContent",
        Inference(VERTEX, EMBED, GeminiEmbeddings)),
    row("/publishers/google/models/{model}:predict", Inference(VERTEX, EMBED, GeminiEmbeddings)),
    row("/publishers/google/models/{model}:countTokens", Post),
    row("/publishers/google/models/{model}:predictLongRunning", Deferred),
    row("/endpoints/{model}:generateContent", Inference(VERTEX, CONTENT, Gemini)),
    row("/endpoints/{model}:streamGenerateContent", Inference(VERTEX, CONTENT, Gemini)),
    // Gemini: ai.google.dev/api
    row("/models/{model}:generateContent", Inference(GEMINI, CONTENT, Gemini)),
    row("/models/{model}:streamGenerateContent", Inference(GEMINI, CONTENT, Gemini)),
    row("/models/{model}:embedContent", Inference(GEMINI, EMBED, GeminiEmbeddings)),
    row("/models/{model}:batchEmbedContents", Inference(GEMINI, EMBED, GeminiEmbeddings)),
    row("/models/{model}:predict", Inference(GEMINI, EMBED, GeminiEmbeddings)),
    row("/models/{model}:countTokens", Post),
    row("/models/{model}:batchGenerateContent", Deferred),
    row("/models/{model}:asyncBatchEmbedContent", Deferred),
    row("/models/{model}:predictLongRunning", Deferred),
    row("/tunedModels/{model}:generateContent", Inference(GEMINI, CONTENT, Gemini)),
    row("/tunedModels/{model}:streamGenerateContent", Inference(GEMINI, CONTENT, Gemini)),
    row("/v1beta/interactions", Inference(GEMINI, CONTENT, GeminiInteractions)),
    // Bedrock: docs.aws.amazon.com/bedrock/latest/APIReference
    row("/model/{model}/converse", Inference(BEDROCK, CHAT, BedrockConverse)),
    row("/model/{model}/converse-stream", Inference(BEDROCK, CHAT, BedrockConverse)),
    row("/model/{model}/invoke", Inference(BEDROCK, CHAT, BedrockInvoke)),
    row("/model/{model}/invoke-with-response-stream", Inference(BEDROCK, CHAT, BedrockInvoke)),
    row("/model/{model}/count-tokens", Post),
    row("/async-invoke", Deferred),
    row("/guardrail/{id}/version/{id}/apply", Post),
    // Cohere: docs.cohere.com/reference. `/v1/chat` is Writer's path as well.
    row("/v2/chat", Inference(COHERE, CHAT, Cohere)),
    row("/v1/chat", Inference(COHERE, CHAT, Cohere)),
    row("/v1/generate", Inference(COHERE, COMPLETION, Cohere)),
    row("/v2/embed", Inference(COHERE, EMBED, Cohere)),
    row("/v1/embed", Inference(COHERE, EMBED, Cohere)),
    row("/v2/rerank", Inference(COHERE, RERANK, Cohere)),
    row("/v1/rerank", Inference(COHERE, RERANK, Cohere)),
    row("/v1/tokenize", Post),
    row("/v1/detokenize", Post),
    // Ollama: github.com/ollama/ollama/blob/main/docs/api.md
    row("/api/chat", Inference(OLLAMA, CHAT, Ollama)),
    row("/api/generate", Inference(OLLAMA, COMPLETION, Ollama)),
    row("/api/embed", Inference(OLLAMA, EMBED, Ollama)),
    row("/api/embeddings", Inference(OLLAMA, EMBED, Ollama)),
    row("/api/show", Post),
    row("/api/tags", Read),
    row("/api/ps", Read),
    row("/api/version", Read),
    // watsonx.ai: cloud.ibm.com/apidocs/watsonx-ai
    row("/deployments/{deployment}/text/generation", Inference(WATSONX, COMPLETION, Watsonx)),
    row("/deployments/{deployment}/text/generation_stream",
        Inference(WATSONX, COMPLETION, Watsonx)),
    row("/deployments/{deployment}/text/chat", Inference(WATSONX, CHAT, Watsonx)),
    row("/deployments/{deployment}/text/chat_stream", Inference(WATSONX, CHAT, Watsonx)),
    row("/generation/text", Inference(WATSONX, COMPLETION, Watsonx)),
    row("/generation/text_stream", Inference(WATSONX, COMPLETION, Watsonx)),
    row("/text/generation", Inference(WATSONX, COMPLETION, Watsonx)),
    row("/text/generation_stream", Inference(WATSONX, COMPLETION, Watsonx)),
    row("/text/chat", Inference(WATSONX, CHAT, Watsonx)),
    row("/text/chat_stream", Inference(WATSONX, CHAT, Watsonx)),
    // Lists of models, of all of them.
    row("/v1/models", Read),
    row("/v1/models/{id}", Read),
    row("/v1beta/models", Read),
    row("/v1beta/models/{id}", Read),
]};
