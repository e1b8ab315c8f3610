//! Plain data about one exchange: what the request said, what the answer said, who called.
//! Knows no provider, no policy and no wire format; a field is `None` where nothing was stated.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

/// Most text kept per direction of one exchange, in bytes. Detectors and triggers read no more;
/// what was longer says so in [`Text::truncated`].
pub const TEXT_BYTES_MAX: usize = 1 << 20;

/// Text gathered piece by piece up to [`TEXT_BYTES_MAX`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    text: String,
    truncated: bool,
}

/// The request, once its last byte is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RequestFacts {
    /// Provider in OpenTelemetry's GenAI words: `openai`, `anthropic`.
    pub provider: &'static str,
    /// Operation in OpenTelemetry's GenAI words: `chat`.
    pub operation: &'static str,
    /// The model as the client named it.
    pub requested_model: Option<String>,
    /// What is named is a deployment (Azure), not a model.
    pub deployment: bool,
    /// What is named may be a deployment, for the path is Azure's as well as OpenAI's: it is one
    /// where the policy lists it.
    pub may_deploy: bool,
    /// The model as the provider is asked for it, after any pin.
    pub model: Option<String>,
    /// Models that the provider or a gateway behind this one may ask in its place: no pin applies
    /// to them.
    pub fallback_models: Vec<String>,
    /// The client asked for a streamed answer.
    pub stream: bool,
    /// All text of the input, system text included, parts separated by a newline.
    pub prompt: Text,
    /// Where in `prompt` the last message of a user stands, or what takes its place where an API
    /// has no messages; `None` where neither can be told.
    pub last_user_message: Option<Range<usize>>,
    /// Images, audio and files in the input: counted, never read.
    pub media_parts: u64,
    /// What else is known of the input.
    pub input: Input,
    /// The provider is to answer later, to another request.
    pub deferred: bool,
    /// `metadata.category` of the body, where the API has such a field.
    pub metadata_category: Option<String>,
    /// Categories found so far, most severe first, without duplicates.
    pub categories: Vec<String>,
    /// Who called.
    pub caller: Caller,
    /// What a trigger can read of the HTTP request; empty where none does.
    pub http: HttpFacts,
    /// When the request's first byte came, Unix milliseconds.
    pub received_at_ms: u64,
    /// Envoy's route name, where it has one.
    pub route: Option<String>,
    /// The gateway's node id.
    pub gateway: String,
}

/// The input but for its text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Input {
    /// Messages that it carries; none where the API has none.
    pub messages: u64,
    /// Those of the media parts that are images.
    pub images: u64,
    /// Names of the tools that the model is offered.
    pub tools: Vec<String>,
    /// There are more tools, or a name is longer than is kept.
    pub tools_cut: bool,
    /// Longest answer that is asked for, in tokens.
    pub max_tokens: Option<u64>,
    /// Sampling temperature.
    pub temperature: Option<f64>,
}

/// An HTTP request's head.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HttpFacts {
    /// The method.
    pub method: String,
    /// The path without its query, which may hold a key.
    pub path: String,
    /// The host that was asked, with its port where one is named.
    pub host: Option<String>,
    /// Headers by their names in lower case, none of which holds a credential.
    pub headers: BTreeMap<String, String>,
    /// There is more than is kept.
    pub cut: bool,
}

/// The answer, once its last byte (or its stream's terminal event) is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AnswerFacts {
    /// HTTP status, as the provider sent it.
    pub status: u16,
    /// The model the answer names.
    pub served_model: Option<String>,
    /// The provider's fingerprint of what served the answer.
    pub system_fingerprint: Option<String>,
    /// Why the first choice ended, in the provider's own word.
    pub finish_reason: Option<String>,
    /// The answer is a refusal, by the model or by a filter of its provider; of several choices,
    /// one of them is.
    pub refusal: bool,
    /// Assistant text: no reasoning, no refusal, no tool arguments. Of several choices (`n`), the
    /// first one's text, then each other's on a new line.
    pub output: Text,
    /// What else is said in words: reasoning, and why the model refuses. Categories are found in
    /// it, and nothing else.
    pub other_text: Text,
    /// Tool calls the client is to run, in order: the first choice's, then the others'.
    pub tool_calls: Vec<ToolCall>,
    /// Tokens, as the provider states them.
    pub usage: Usage,
    /// Exponential of the mean token logprob; of several choices, the lowest, for the client may
    /// take any of them.
    pub logprob_confidence: Option<f64>,
    /// `confidence` of a JSON answer, the model's own claim, 0 to 1; of several, the lowest.
    pub field_confidence: Option<f64>,
    /// `x-ai-confidence` of the provider's answer, 0 to 1.
    pub header_confidence: Option<f64>,
    /// The provider answered with an error: status of 400 or more, or an error inside a 200.
    pub error: bool,
    /// The answer could not be read whole: what is absent here is unknown, not absent.
    pub incomplete: bool,
    /// Milliseconds from the request going up to the answer's end or terminal event.
    pub latency_ms: u64,
}

/// A call of a tool that the client is to run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ToolCall {
    /// The tool's name.
    pub name: String,
    /// Its arguments, as the provider wrote them (JSON text); all of an answer's together are
    /// cut at 1 MiB.
    pub arguments: String,
}

/// Token counts by the provider's own definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// `prompt_tokens`, `input_tokens`.
    pub input_tokens: Option<u64>,
    /// `completion_tokens`, `output_tokens`.
    pub output_tokens: Option<u64>,
    /// All of them, where the provider states a sum.
    pub total_tokens: Option<u64>,
    /// Tokens of the input that came out of the provider's cache.
    pub cached_tokens: Option<u64>,
    /// Tokens that the model thought in.
    pub reasoning_tokens: Option<u64>,
    /// The provider's own object; over a stream, its events merged, the last value of each field.
    pub raw: Option<Value>,
}

/// Who called: the strongest identity wins.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Caller {
    /// URI of the client certificate, `spiffe://…`.
    pub spiffe: Option<String>,
    /// `sub` of a JSON web token that the gateway has verified.
    pub subject: Option<String>,
    /// First 16 hex digits of the API key's SHA-256.
    pub api_key_hash: Option<String>,
    /// Address without port.
    pub address: Option<String>,
}

/// Why something of an exchange could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    /// The body is no JSON, or not UTF-8.
    MalformedJson,
    /// JSON, but not of the shape the path promises.
    UnknownShape,
    /// A key that a fact is read from stands twice.
    DuplicateKey,
    /// Nested deeper than 64.
    TooDeep,
    /// A POST without a body.
    NoBody,
    /// A path that no table row knows.
    UnknownPath,
    /// A known path with a method or content type it does not have.
    UnknownContent,
    /// A protocol upgrade or CONNECT.
    Upgrade,
    /// A content coding that is not decoded, or broken compressed bytes.
    Encoding,
    /// Decompressed size or ratio over the cap.
    Bomb,
    /// The request's body did not arrive whole.
    InputIncomplete,
    /// The answer did not arrive whole.
    OutputIncomplete,
    /// An identity header stands twice.
    DuplicateHeader,
    /// More than the limit; the rest was not read.
    Truncated,
    /// The stream ended without its terminal event.
    NoTerminator,
    /// The provider answers later, to another request.
    Deferred,
}

/// The largest text whose first `characters` characters are wanted is cut on a character boundary.
pub fn first_characters(text: &str, characters: usize) -> &str {
    match text.char_indices().nth(characters) {
        Some((at, _)) => text.get(..at).unwrap_or(text),
        None => text,
    }
}

/// Letters, digits, `_` and `-`: what a policy can name, and nothing a log could be forged with.
pub fn is_category(name: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=64).contains(&name.len()) && name.bytes().all(plain)
}

// === impl Text ===

impl Text {
    /// Appends as much of `piece` as still fits.
    pub fn push(&mut self, piece: &str) {
        let room = TEXT_BYTES_MAX.saturating_sub(self.text.len());
        if piece.len() <= room {
            self.text.push_str(piece);
            return;
        }
        self.truncated = true;
        let mut cut = room;
        while !piece.is_char_boundary(cut) {
            cut -= 1;
        }
        self.text.push_str(piece.get(..cut).unwrap_or(""));
    }

    /// Appends a part that stands apart: on a new line unless it is the first.
    pub fn push_part(&mut self, piece: &str) {
        if !self.text.is_empty() {
            self.push("\n");
        }
        self.push(piece);
    }

    /// Says that there was more, in a form that is no text.
    pub fn cut(&mut self) {
        self.truncated = true;
    }

    /// What was kept.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// There was more than is kept.
    pub fn truncated(&self) -> bool {
        self.truncated
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        let mut kept = Text::default();
        kept.push(text);
        kept
    }
}

// === impl RequestFacts ===

impl RequestFacts {
    /// What the user said last, as far as it is kept; all of the input where that cannot be told.
    pub fn last_user_text(&self) -> &str {
        let prompt = self.prompt.as_str();
        let text = self.last_user_message.clone().map_or(Some(prompt), |range| prompt.get(range));
        text.unwrap_or_default().trim_start()
    }
}

// === impl AnswerFacts ===

impl AnswerFacts {
    /// An error and nothing else that a client could take for an answer. Behind a status of 400 or
    /// more clients look for nothing, so that there it does not matter what could not be read.
    pub fn is_bare_error(&self) -> bool {
        let read = !self.incomplete || self.status >= 400;
        self.error && read && self.output.as_str().is_empty() && self.tool_calls.is_empty()
    }
}

// === impl Caller ===

impl Caller {
    /// The strongest identity as one string: `spiffe://…`, `sub:…`, `key:…` or `ip:…`.
    pub fn strongest(&self) -> Option<String> {
        self.spiffe
            .clone()
            .or_else(|| self.subject.as_ref().map(|subject| format!("sub:{subject}")))
            .or_else(|| self.api_key_hash.as_ref().map(|hash| format!("key:{hash}")))
            .or_else(|| self.address.as_ref().map(|address| format!("ip:{address}")))
    }

    /// Namespace and service account of a workload in Kubernetes, by
    /// `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`.
    /// <https://istio.io/latest/docs/concepts/security/#istio-identity>
    pub fn workload(&self) -> Option<(&str, &str)> {
        let parts: Vec<&str> =
            self.spiffe.as_deref()?.strip_prefix("spiffe://")?.split('/').collect();
        match parts.as_slice() {
            [domain, "ns", namespace, "sa", account] => {
                let named = ![domain, namespace, account].contains(&&"");
                named.then_some((namespace, account))
            }
            _ => None,
        }
    }
}

// === impl Unread ===

impl Unread {
    /// The word that the record's `unread` holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Unread::MalformedJson => "malformed_json",
            Unread::UnknownShape => "unknown_shape",
            Unread::DuplicateKey => "duplicate_key",
            Unread::TooDeep => "too_deep",
            Unread::NoBody => "no_body",
            Unread::UnknownPath => "unknown_path",
            Unread::UnknownContent => "unknown_content",
            Unread::Upgrade => "upgrade",
            Unread::Encoding => "encoding",
            Unread::Bomb => "bomb",
            Unread::InputIncomplete => "input_incomplete",
            Unread::OutputIncomplete => "output_incomplete",
            Unread::DuplicateHeader => "duplicate_header",
            Unread::Truncated => "truncated",
            Unread::NoTerminator => "no_terminator",
            Unread::Deferred => "deferred",
        }
    }

    /// Something of an answer may have reached the client without having been read. A stream that
    /// ends early is not that: the client has got no more of it than was read.
    pub fn leaves_unknown(self) -> bool {
        match self {
            Unread::MalformedJson
            | Unread::UnknownShape
            | Unread::DuplicateKey
            | Unread::TooDeep
            | Unread::Encoding
            | Unread::Bomb
            | Unread::Truncated => true,
            Unread::NoBody
            | Unread::UnknownPath
            | Unread::UnknownContent
            | Unread::Upgrade
            | Unread::InputIncomplete
            | Unread::OutputIncomplete
            | Unread::DuplicateHeader
            | Unread::NoTerminator
            | Unread::Deferred => false,
        }
    }
}
