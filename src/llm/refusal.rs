//! Refusals in each protocol's own error shape, so that official clients raise their own exception
//! types: as a whole answer, and as the last event of a stream. Decides nothing.

use super::framing::{Framing, event_stream};
use super::{Api, anthropic, json, openai_chat};

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
    /// It waits for a person's approval.
    Held,
    /// It is larger than what is read.
    TooLarge,
    /// It could not be recorded.
    Unavailable,
    /// It could not be read, and the policy lets nothing unread pass.
    Unreadable,
}

/// Whose shape an error takes.
enum Shape {
    OpenAi,
    Anthropic,
    Google,
    Aws,
    /// `{"error": "…"}`.
    Ollama,
    /// `{"message": "…"}`.
    Cohere,
}

// === impl Api ===

impl Api {
    /// The error body of a refusal.
    pub fn refusal(self, refusal: &Refusal) -> Vec<u8> {
        self.error_shape().body(refusal).into_bytes()
    }

    /// Headers that belong to that body, beside its content type.
    pub fn refusal_headers(self, refusal: &Refusal) -> Vec<(&'static str, String)> {
        match self.error_shape() {
            // AWS's clients take the exception's name from here, not from the body.
            Shape::Aws => vec![("x-amzn-errortype", aws_exception(refusal.kind).to_owned())],
            _ => Vec::new(),
        }
    }

    /// The same as the last event of a stream. None where the framing has no place for an error:
    /// such a stream can only be cut.
    pub fn refusal_event(self, framing: Framing, refusal: &Refusal) -> Option<Vec<u8>> {
        let body = self.error_shape().body(refusal);
        match (framing, self.error_shape()) {
            (Framing::Sse, Shape::Anthropic) => {
                Some(format!("event: error\ndata: {body}\n\n").into_bytes())
            }
            (Framing::Sse | Framing::Lines, Shape::Cohere) => Some(cohere_end(framing, refusal)),
            (Framing::Sse, _) => Some(format!("data: {body}\n\n").into_bytes()),
            (Framing::Lines, _) => Some(format!("{body}\n").into_bytes()),
            (Framing::EventStream, _) => {
                Some(event_stream::exception(aws_stream_exception(refusal.kind), &body))
            }
            (Framing::JsonArray, _) => None,
        }
    }

    fn error_shape(self) -> Shape {
        match self {
            Api::OpenAiChat | Api::OpenAiCompletions | Api::OpenAiResponses => Shape::OpenAi,
            Api::OpenAiMedia | Api::Embeddings | Api::Watsonx => Shape::OpenAi,
            Api::AnthropicMessages | Api::AnthropicComplete => Shape::Anthropic,
            Api::Gemini | Api::GeminiEmbeddings | Api::GeminiInteractions => Shape::Google,
            Api::BedrockConverse | Api::BedrockInvoke => Shape::Aws,
            Api::Ollama => Shape::Ollama,
            Api::Cohere => Shape::Cohere,
        }
    }
}

// === impl RefusalKind ===

impl RefusalKind {
    /// The HTTP status of a refusal.
    pub fn status(self) -> u16 {
        match self {
            RefusalKind::PolicyDenied | RefusalKind::Held | RefusalKind::Unreadable => 403,
            RefusalKind::TooLarge => 413,
            RefusalKind::Unavailable => 503,
        }
    }
}

// === impl Shape ===

impl Shape {
    fn body(&self, refusal: &Refusal) -> String {
        let message = json::quoted(&refusal.message);
        let id = json::quoted(&refusal.decision_id);
        match self {
            Shape::OpenAi => openai_chat::refusal(refusal),
            Shape::Anthropic => anthropic::refusal(refusal),
            Shape::Google => google(refusal),
            Shape::Aws => format!(r#"{{"message":{message},"decision_id":{id}}}"#),
            Shape::Ollama => format!(r#"{{"error":{message},"decision_id":{id}}}"#),
            Shape::Cohere => format!(r#"{{"message":{message},"id":{id}}}"#),
        }
    }
}

/// <https://cloud.google.com/apis/design/errors#http_mapping>
fn google(refusal: &Refusal) -> String {
    let code = refusal.kind.status();
    let status = match refusal.kind {
        RefusalKind::PolicyDenied | RefusalKind::Held | RefusalKind::Unreadable => {
            "PERMISSION_DENIED"
        }
        RefusalKind::TooLarge => "INVALID_ARGUMENT",
        RefusalKind::Unavailable => "UNAVAILABLE",
    };
    let message = json::quoted(&refusal.message);
    let metadata = match &refusal.policy {
        Some(policy) => {
            let id = json::quoted(&refusal.decision_id);
            format!(r#"{{"decision_id":{id},"policy":{}}}"#, json::quoted(policy))
        }
        None => format!(r#"{{"decision_id":{}}}"#, json::quoted(&refusal.decision_id)),
    };
    let kind = r#""@type":"type.googleapis.com/google.rpc.ErrorInfo""#;
    let reason = r#""reason":"GOVERNANCE","domain":"governance""#;
    let details = format!(r#""details":[{{{kind},{reason},"metadata":{metadata}}}]"#);
    let status = format!(r#""status":"{status}""#);
    format!(r#"{{"error":{{"code":{code},"message":{message},{status},{details}}}}}"#)
}

/// Cohere states an error as the reason why a stream ended, and its client passes over every other
/// event. <https://docs.cohere.com/reference/chat-stream>: `message-end`, as server-sent events;
/// <https://docs.cohere.com/v1/reference/chat-stream>: `stream-end`, as lines.
fn cohere_end(framing: Framing, refusal: &Refusal) -> Vec<u8> {
    let message = json::quoted(&refusal.message);
    let id = json::quoted(&refusal.decision_id);
    let ended = format!(r#""finish_reason":"ERROR","error":{message}"#);
    match framing {
        Framing::Lines => {
            format!("{{\"event_type\":\"stream-end\",\"is_finished\":true,\"id\":{id},{ended}}}\n")
        }
        _ => {
            let data = format!(r#"{{"type":"message-end","id":{id},"delta":{{{ended}}}}}"#);
            format!("event: message-end\ndata: {data}\n\n")
        }
    }
    .into_bytes()
}

/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html#API_runtime_Converse_Errors>
fn aws_exception(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::PolicyDenied | RefusalKind::Held | RefusalKind::Unreadable => {
            "AccessDeniedException"
        }
        RefusalKind::TooLarge => "ValidationException",
        RefusalKind::Unavailable => "ServiceUnavailableException",
    }
}

/// A stream's exceptions are fewer: those are the members of `ConverseStreamOutput`.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStreamOutput.html>
fn aws_stream_exception(kind: RefusalKind) -> &'static str {
    match kind {
        RefusalKind::PolicyDenied
        | RefusalKind::Held
        | RefusalKind::Unreadable
        | RefusalKind::TooLarge => "validationException",
        RefusalKind::Unavailable => "serviceUnavailableException",
    }
}
