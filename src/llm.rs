//! Providers' protocols: what a request asks, what an answer says, whole or streamed, and how a
//! refusal looks in the same protocol. Knows no policy and does no I/O.

use crate::facts::{AnswerFacts, RequestFacts, Unread};
use answer::Answer;
use json::{Notes, Object};

mod answer;
mod anthropic;
pub mod content_coding;
mod json;
mod openai_chat;
pub mod pinning;
mod request;
mod rewrite;
mod routes;
mod sse;
mod stream;

pub use stream::{AnswerStream, Pushed, StreamSettings, Terminal};

/// A protocol that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// `POST /v1/chat/completions`.
    OpenAiChat,
    /// `POST /v1/messages`.
    AnthropicMessages,
}

/// What a request is, by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// It asks a model for an answer.
    Inference(Api),
    /// A known path that generates nothing.
    NoInference,
    /// Nobody can say.
    Unreadable(Unread),
}

/// Changes to a request on its way to the provider.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rewrite<'a> {
    /// The model to ask in place of the one named.
    pub model: Option<&'a str>,
    /// Make it ask for token logprobs.
    pub ask_logprobs: bool,
}

/// What was read of an answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerReading {
    /// The facts, as far as they were found.
    pub facts: AnswerFacts,
    /// Why there may be more than was found.
    pub unread: Option<Unread>,
}

/// What the client is told in place of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Decides status and the provider's error type.
    pub kind: RefusalKind,
    /// For people; names policy and decision.
    pub message: String,
    /// `d-…`.
    pub decision_id: String,
    /// The policy that refused, where one did.
    pub policy: Option<String>,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A policy denied it.
    PolicyDenied,
    /// It is larger than what is read.
    TooLarge,
    /// It could not be recorded.
    Unavailable,
    /// It could not be read, and the policy lets nothing unread pass.
    Unreadable,
}

/// What a request is, by its head. `path` may have a query; `upgrade`: an `Upgrade` header stands
/// in it, or the method is CONNECT.
pub fn classify(method: &str, path: &str, content_type: Option<&str>, upgrade: bool) -> Traffic {
    routes::classify(method, path, content_type, upgrade)
}

// === impl Api ===

impl Api {
    /// Provider in OpenTelemetry's GenAI words.
    pub fn provider(self) -> &'static str {
        match self {
            Api::OpenAiChat => "openai",
            Api::AnthropicMessages => "anthropic",
        }
    }

    /// Operation in OpenTelemetry's GenAI words.
    pub fn operation(self) -> &'static str {
        match self {
            Api::OpenAiChat | Api::AnthropicMessages => "chat",
        }
    }

    /// Whose error shape a client of `path` most likely understands, where the path is not one
    /// that is read.
    pub fn for_refusal(path: &str) -> Api {
        if path.contains("/v1/messages") { Api::AnthropicMessages } else { Api::OpenAiChat }
    }

    /// Reads a whole, decoded request body. Who called, by which route, is not in it.
    pub fn read_request(self, body: &[u8]) -> Result<RequestFacts, Unread> {
        let facts = request::read(body)?;
        Ok(RequestFacts { provider: self.provider(), operation: self.operation(), ..facts })
    }

    /// The body with `rewrite` made at the byte; everything else stays as it is.
    pub fn rewrite_request(self, body: &[u8], rewrite: &Rewrite) -> Result<Vec<u8>, Unread> {
        rewrite::rewrite(body, rewrite)
    }

    /// Logprobs can be asked for, and the request does not ask itself.
    pub fn could_ask_logprobs(self, body: &[u8]) -> bool {
        match self {
            Api::OpenAiChat => rewrite::leaves_logprobs_open(body),
            Api::AnthropicMessages => false,
        }
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

    /// The error body of a refusal.
    pub fn refusal(self, refusal: &Refusal) -> Vec<u8> {
        let body = match self {
            Api::OpenAiChat => openai_chat::refusal(refusal),
            Api::AnthropicMessages => anthropic::refusal(refusal),
        };
        body.into_bytes()
    }

    /// The same as the last event of a stream.
    pub fn refusal_event(self, refusal: &Refusal) -> Vec<u8> {
        let event = match self {
            Api::OpenAiChat => openai_chat::refusal_event(refusal),
            Api::AnthropicMessages => anthropic::refusal_event(refusal),
        };
        event.into_bytes()
    }

    fn read_whole(self, answer: &mut Answer, body: &[u8]) {
        let notes = Notes::default();
        let object = Object::of_body(body, &notes);
        if let Some(object) = &object {
            match self {
                Api::OpenAiChat => openai_chat::read_whole(answer, object),
                Api::AnthropicMessages => anthropic::read_whole(answer, object),
            }
        }
        // Error bodies come in two dozen shapes, plain text among them; the status says enough.
        if answer.facts.status < 400 {
            answer.note(notes.first());
        }
    }

    fn strip_text(self, text: &str) -> Option<String> {
        let edits = match self {
            Api::OpenAiChat => openai_chat::logprob_edits(text),
            Api::AnthropicMessages => Vec::new(),
        };
        if edits.is_empty() { None } else { json::splice(text, &edits) }
    }
}

// === impl RefusalKind ===

impl RefusalKind {
    /// The HTTP status of a refusal.
    pub fn status(self) -> u16 {
        match self {
            RefusalKind::PolicyDenied | RefusalKind::Unreadable => 403,
            RefusalKind::TooLarge => 413,
            RefusalKind::Unavailable => 503,
        }
    }
}
