//! Providers' protocols: what a request asks, what an answer says, whole or streamed, and how a
//! refusal looks in the same protocol. Knows no policy and does no I/O.

use std::borrow::Cow;
use std::ops::Range;

use crate::facts::{AnswerFacts, RequestFacts, Unread};
use answer::Answer;
use json::{Notes, Object};

mod answer;
mod anthropic;
mod anthropic_complete;
mod bedrock_converse;
mod bedrock_invoke;
mod cohere;
pub mod content_coding;
mod credentials;
#[cfg(test)]
mod document;
mod embeddings;
mod framing;
mod gemini;
mod gemini_embeddings;
mod gemini_interactions;
mod json;
mod ollama;
mod openai_chat;
mod openai_media;
mod openai_responses;
pub mod pinning;
mod refusal;
mod request;
mod rewrite;
mod routes;
mod stream;
mod watsonx;

pub use credentials::Credential;
pub use framing::Framing;
pub use refusal::{Refusal, RefusalKind};
pub use rewrite::{Rewrite, Rewritten};
pub use stream::{AnswerStream, Pushed, StreamSettings, Terminal};

/// A protocol that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's chat completions and the many servers that speak them.
    OpenAiChat,
    /// OpenAI's completions, Mistral's fill-in-the-middle.
    OpenAiCompletions,
    /// OpenAI's responses.
    OpenAiResponses,
    /// OpenAI's images, speech and moderations: text in, no text out.
    OpenAiMedia,
    /// Embeddings of OpenAI, Mistral, Voyage and others.
    Embeddings,
    /// Anthropic's messages, also on Vertex.
    AnthropicMessages,
    /// Anthropic's text completions.
    AnthropicComplete,
    /// Google's `generateContent` and `streamGenerateContent`.
    Gemini,
    /// Google's `embedContent`, `batchEmbedContents` and `predict`.
    GeminiEmbeddings,
    /// Google's interactions.
    GeminiInteractions,
    /// Bedrock's Converse and ConverseStream.
    BedrockConverse,
    /// Bedrock's InvokeModel, a vendor's own body, plain and streamed.
    BedrockInvoke,
    /// Ollama's own chat, generate and embed.
    Ollama,
    /// Cohere's chat, generate, embed and rerank; Writer's chat.
    Cohere,
    /// watsonx.ai's text generation and chat.
    Watsonx,
}

/// Where a request goes, by its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The protocol its body speaks.
    pub api: Api,
    /// Provider in OpenTelemetry's GenAI words, where it has them.
    pub provider: &'static str,
    /// Operation in OpenTelemetry's GenAI words, where it has them.
    pub operation: &'static str,
    /// The model, or deployment, that the path names.
    model: Option<String>,
    /// Where its name stands in the path.
    place: Option<Range<usize>>,
    /// It names a deployment.
    deployment: bool,
    /// It is Azure's as well as OpenAI's, and what the body names may be a deployment.
    may_deploy: bool,
    /// The path says whether a stream is asked for.
    streams: Option<bool>,
}

/// What a request is, by its head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// It asks a model for an answer.
    Inference(Target),
    /// It fetches an answer that was deferred.
    Answer(Target),
    /// A known path that generates nothing.
    NoInference,
    /// Nobody can say, or it answers later; with what its path alone says, where a row has that.
    Unreadable(Unread, Option<Target>),
}

/// What was read of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerReading {
    /// The facts, as far as they were found.
    pub facts: AnswerFacts,
    /// Why there may be more than was found.
    pub unread: Option<Unread>,
}

/// What a request is, by its head. `path` may have a query; `upgrade`: an `Upgrade` header stands
/// in it, or the method is CONNECT.
pub fn classify(method: &str, path: &str, content_type: Option<&str>, upgrade: bool) -> Traffic {
    routes::classify(method, path, content_type, upgrade)
}

/// Every word that a request's provider can be.
pub fn providers() -> Vec<&'static str> {
    routes::words(|provider, _| provider)
}

/// Every word that a request's operation can be.
pub fn operations() -> Vec<&'static str> {
    routes::words(|_, operation| operation)
}

/// The model that a path or its query names, for a request of which nothing else can be read.
pub fn model_named(path: &str) -> Option<String> {
    routes::model_named(path)
}

/// Where the provider of `path` looks for the caller's key, first place first.
pub fn credentials(path: &str) -> &'static [Credential] {
    credentials::of(path)
}

/// What stands under `name` in the query of `path`, percent-escapes decoded.
pub fn query_values<'a>(path: &'a str, name: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    routes::query_values(path, name)
}

// === impl Target ===

impl Target {
    /// What is known of a request without its body.
    pub fn facts(&self) -> RequestFacts {
        RequestFacts {
            provider: self.provider,
            operation: self.operation,
            requested_model: self.model.clone(),
            model: self.model.clone(),
            deployment: self.deployment,
            may_deploy: self.may_deploy,
            stream: self.streams.unwrap_or(false),
            ..RequestFacts::default()
        }
    }

    /// Reads a whole, decoded request body. Who called, by which route, is not in it.
    pub fn read_request(&self, body: &[u8]) -> Result<RequestFacts, Unread> {
        let read = request::read(self.api, self.model.is_some(), body)?;
        let known = self.facts();
        Ok(RequestFacts {
            provider: known.provider,
            operation: known.operation,
            requested_model: known.requested_model.or(read.requested_model),
            model: known.model.or(read.model),
            deployment: known.deployment,
            may_deploy: known.may_deploy,
            stream: self.streams.unwrap_or(read.stream),
            ..read
        })
    }

    /// Path and body with `rewrite` made at the byte; everything else stays as it is.
    pub fn rewrite(&self, path: &str, body: &[u8], rewrite: &Rewrite) -> Result<Rewritten, Unread> {
        let named = self
            .place
            .as_ref()
            .zip(self.model.as_deref())
            .map(|(place, model)| rewrite::Named { place, model, deployment: self.deployment });
        rewrite::rewrite(named, path, body, rewrite)
    }

    /// The body may name the model, beside the path or in its place, and a provider may go by it.
    /// On a deployment's path none does.
    pub fn body_may_name_model(&self) -> bool {
        let by_api = match self.api {
            Api::Gemini | Api::BedrockConverse | Api::BedrockInvoke => false,
            // In each of `requests`.
            Api::GeminiEmbeddings
            | Api::OpenAiChat
            | Api::OpenAiCompletions
            | Api::OpenAiResponses
            | Api::OpenAiMedia
            | Api::Embeddings
            | Api::AnthropicMessages
            | Api::AnthropicComplete
            | Api::GeminiInteractions
            | Api::Ollama
            | Api::Cohere
            | Api::Watsonx => true,
        };
        by_api && !self.deployment
    }

    /// How an answer of this content type comes in pieces; None where it comes whole. Google's
    /// stream without `alt=sse` is one JSON array under the plain content type.
    pub fn framing(&self, content_type: &str) -> Option<Framing> {
        let array = self.api == Api::Gemini && self.streams == Some(true);
        Framing::of(content_type, array)
    }
}

// === impl Api ===

impl Api {
    /// Whose error shape a client of `path` most likely understands, where the path is not one
    /// that is read.
    pub fn for_refusal(path: &str) -> Api {
        let shapes = [
            ("/v1/messages", Api::AnthropicMessages),
            ("/v1beta/", Api::Gemini),
            ("/publishers/", Api::Gemini),
            ("/model/", Api::BedrockConverse),
            ("/async-invoke", Api::BedrockConverse),
            ("/api/", Api::Ollama),
        ];
        let known = shapes.iter().find(|(part, _)| path.contains(part));
        known.map_or(Api::OpenAiChat, |(_, api)| *api)
    }

    /// Logprobs can be asked for, and the request does not ask itself.
    pub fn could_ask_logprobs(self, body: &[u8]) -> bool {
        self == Api::OpenAiChat && rewrite::leaves_logprobs_open(body)
    }

    /// Reads a whole, decoded answer body.
    pub fn read_answer(self, status: u16, body: &[u8]) -> AnswerReading {
        let mut answer = Answer::new(status);
        self.read_whole(&mut answer, body);
        answer.reading()
    }

    /// A whole answer without the logprobs that the client did not ask for. None where there is
    /// nothing to strip, or the body is not readable.
    pub fn strip_logprobs(self, body: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(body).ok()?;
        self.strip_text(text).map(String::into_bytes)
    }

    fn read_whole(self, answer: &mut Answer, body: &[u8]) {
        // Speech is asked for in JSON and comes as sound.
        if self == Api::OpenAiMedia && answer.facts.status < 400 && openai_media::is_speech(body) {
            openai_media::note_speech(answer);
            return;
        }
        let notes = Notes::default();
        if let Some(object) = Object::of_body(body, &notes) {
            self.read_object(answer, &object);
        }
        // Error bodies come in two dozen shapes, plain text among them; the status says enough.
        if answer.facts.status < 400 {
            answer.note(notes.first());
        }
    }

    fn read_object(self, answer: &mut Answer, object: &Object) {
        match self {
            Api::OpenAiChat | Api::OpenAiCompletions => openai_chat::read_whole(answer, object),
            Api::OpenAiResponses => openai_responses::read_whole(answer, object),
            Api::OpenAiMedia => openai_media::read_whole(answer, object),
            Api::Embeddings => embeddings::read_whole(answer, object),
            Api::AnthropicMessages => anthropic::read_whole(answer, object),
            Api::AnthropicComplete => anthropic_complete::read_whole(answer, object),
            Api::Gemini => gemini::read_whole(answer, object),
            Api::GeminiEmbeddings => gemini_embeddings::read_whole(answer, object),
            Api::GeminiInteractions => gemini_interactions::read_whole(answer, object),
            Api::BedrockConverse => bedrock_converse::read_whole(answer, object),
            Api::BedrockInvoke => bedrock_invoke::read_whole(answer, object),
            Api::Ollama => ollama::read_whole(answer, object),
            Api::Cohere => cohere::read_whole(answer, object),
            Api::Watsonx => watsonx::read_whole(answer, object),
        }
    }

    /// One event of a stream: the name its framing gives it, if any, and its data.
    fn read_event(self, answer: &mut Answer, name: &str, data: &str) -> answer::Step {
        match self {
            Api::OpenAiChat | Api::OpenAiCompletions => openai_chat::read_event(answer, name, data),
            Api::OpenAiResponses => openai_responses::read_event(answer, name, data),
            Api::OpenAiMedia => openai_media::read_event(answer, name, data),
            Api::Embeddings | Api::GeminiEmbeddings => embeddings::read_event(answer),
            Api::AnthropicMessages => anthropic::read_event(answer, name, data),
            Api::AnthropicComplete => anthropic_complete::read_event(answer, name, data),
            Api::Gemini => gemini::read_event(answer, name, data),
            Api::GeminiInteractions => gemini_interactions::read_event(answer, name, data),
            Api::BedrockConverse => bedrock_converse::read_event(answer, name, data),
            Api::BedrockInvoke => bedrock_invoke::read_event(answer, name, data),
            Api::Ollama => ollama::read_event(answer, name, data),
            Api::Cohere => cohere::read_event(answer, name, data),
            Api::Watsonx => watsonx::read_event(answer, name, data),
        }
    }

    fn strip_text(self, text: &str) -> Option<String> {
        let edits = match self {
            Api::OpenAiChat => openai_chat::logprob_edits(text),
            _ => Vec::new(),
        };
        if edits.is_empty() { None } else { json::splice(text, &edits) }
    }
}
