//! The wire between filter and collector, format v1: intent, outcome and delivery records, the
//! lines that carry them and the acks that answer them. Written once, used on both sides; the
//! bytes are pinned by `tests/fixtures/contract/`. Does no I/O and reads no clock.
//!
//! A request is `application/x-ndjson`, one line a record:
//! `{"kind":"outcome","digest":"<64 hex>","record":{…},"output_summary":"…","summary_salt":"…"}`.
//! `digest` is the SHA-256 of the exact bytes of `record` as they stand in the line. Summaries and
//! salt travel beside the record, which holds only their digests, so that they can be erased later.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

mod ack;

pub use ack::{Ack, AckStatus, HoldAnswer, IntentVerdict};

/// The record format this build writes.
pub const FORMAT: u32 = 1;

/// Most names of tools that a record keeps.
pub const TOOL_NAMES_MAX: usize = 64;

/// Path of the batch endpoint.
pub const DECISIONS_PATH: &str = "/v1/decisions";

/// What a line carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Committed before the provider is called.
    Intent,
    /// Committed before a plain answer, or a stream's terminal event, is released.
    Outcome,
    /// That an answer was withheld for want of a commit, or released without one.
    Delivery,
}

/// The call as it will be made: id, caller, model, input hash, policy version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// Record format, [`FORMAT`].
    pub v: u32,
    /// `d-` and 32 hex digits of a UUIDv7, made once, in the filter.
    pub decision_id: String,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// `sha256:` and the hex digest of governance.yml's bytes.
    pub policy_version: String,
    /// What is sent upstream, after any pin; `unknown` where none could be read.
    pub model: String,
    /// What the client named.
    pub requested_model: Option<String>,
    /// Lower-case hex SHA-256 of the request body's bytes as the client sent them; with a key,
    /// `hmac-sha256:` and the hex HMAC-SHA-256 of them.
    pub input_hash: String,
    /// OpenTelemetry GenAI provider name.
    pub provider: String,
    /// OpenTelemetry GenAI operation name.
    pub operation: String,
    /// The client asked for a stream.
    pub stream: bool,
    /// Strongest identity of the caller.
    pub caller: Option<String>,
    /// The gateway's node id.
    pub gateway: String,
    /// What must be approved before the call goes on; absent where nothing holds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<HoldAsk>,
}

/// Policies that hold a call until a person approves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldAsk {
    /// Their names, in the order of the file.
    pub policies: Vec<String>,
    /// For how many seconds an approval counts: the shortest of theirs.
    pub ttl_s: u64,
}

/// What became of the call. One a decision, complete, never changed once sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Record format, [`FORMAT`].
    pub v: u32,
    /// As in the intent.
    pub decision_id: String,
    /// Time the record was made; RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// Time the request's first byte came.
    pub requested_at: String,
    /// As in the intent.
    pub policy_version: String,
    /// As in the intent.
    pub model: String,
    /// As in the intent.
    pub requested_model: Option<String>,
    /// The model the answer names.
    pub served_model: Option<String>,
    /// As in the intent.
    pub provider: String,
    /// As in the intent.
    pub operation: String,
    /// As in the intent.
    pub stream: bool,
    /// Status the provider answered, or of the filter's own refusal.
    pub status: Option<u16>,
    /// What became of it.
    pub outcome: OutcomeKind,
    /// Categories found, most severe first.
    pub categories: Vec<String>,
    /// Actions of the policies that fired, strongest first, without duplicates.
    pub actions: Vec<String>,
    /// Every policy that fired or could not be evaluated.
    pub triggered: Vec<Triggered>,
    /// As in the intent.
    pub input_hash: String,
    /// Bytes the input hash covers.
    pub input_bytes: u64,
    /// As the provider states them.
    pub input_tokens: Option<u64>,
    /// As the provider states them.
    pub output_tokens: Option<u64>,
    /// The provider's own usage object.
    pub usage: Option<Value>,
    /// In the provider's own word.
    pub finish_reason: Option<String>,
    /// As served.
    pub system_fingerprint: Option<String>,
    /// The model refused to answer.
    pub refusal: bool,
    /// Names of the tools the client was asked to run.
    pub tool_names: Vec<String>,
    /// Lowest of the confidences present.
    pub confidence: Option<f64>,
    /// Where it came from: `header`, `field`, `logprobs`.
    pub confidence_source: Option<String>,
    /// As in the intent.
    pub caller: Option<String>,
    /// Envoy's route name.
    pub route: Option<String>,
    /// As in the intent.
    pub gateway: String,
    /// Trace id of `traceparent`.
    pub trace_id: Option<String>,
    /// `x-request-id`.
    pub request_id: Option<String>,
    /// From the request going up to the answer's end.
    pub latency_ms: Option<u64>,
    /// From the request going up to the answer's first byte.
    pub first_byte_ms: Option<u64>,
    /// What could not be read, and why; several reasons joined by a comma.
    pub unread: Option<String>,
    /// How answers are held: `strict`.
    pub hold_mode: String,
    /// Hex SHA-256 of the 16 salt bytes followed by the summary's bytes; `None` without a summary.
    pub output_summary_digest: Option<String>,
    /// Images, audio and files in the input, which are counted and not read; absent for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_parts: Option<u64>,
    /// How often the gateway asked the provider, where an operator lets it retry; absent where no
    /// answer's headers came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempts: Option<u64>,
    /// What the requested model's name promises: `pinned`, `floating` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinning: Option<String>,
    /// The naming rule that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinning_rule: Option<String>,
    /// The same as `output_summary_digest` of the input's summary; absent where none is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_summary_digest: Option<String>,
    /// The review that a hold's answer names: the one that let the call pass, or keeps it; absent
    /// where nothing held it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
}

/// What became of a call. Speaks of the provider, never of delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// The provider answered whole.
    Completed,
    /// Refused by a policy, by `unreadable` or by a limit.
    Denied,
    /// Waits for a person; the provider was never called.
    Held,
    /// Status of 400 or more, an error inside a 200, or provider not reached.
    UpstreamError,
    /// The client left.
    Aborted,
    /// The provider died mid-answer.
    Cut,
    /// The intent could not be committed; the provider was never called.
    UncommittedRefused,
    /// The gateway died; written by the collector alone.
    Unknown,
}

/// A policy that fired or could not be evaluated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Triggered {
    /// The policy's name, or `models.pins`, `models.floating`, `unreadable`.
    pub policy: String,
    /// What evaluation gave: `fired` or `failed`; of an observed policy `would_fire` or `failed`.
    pub result: String,
    /// Why evaluation failed, from a closed set; never CEL's own text.
    pub failure: Option<String>,
    /// `deny`, `route_to_human_review`, `flag_for_review`, `log`.
    pub action: String,
    /// Its action counted. A failed trigger counts where `on_error` says so.
    pub enforced: bool,
    /// `request` or `answer`.
    pub phase: String,
    /// `observe`: the policy is tried out and changed nothing; absent where it is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<String>,
    /// The call was held for it, and a review asked; absent where it was not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub held: bool,
}

/// What was done with an answer that had no commit in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Delivery {
    /// Record format, [`FORMAT`].
    pub v: u32,
    /// The decision it speaks of.
    pub decision_id: String,
    /// RFC 3339, UTC, milliseconds.
    pub created_at: String,
    /// As in the intent.
    pub policy_version: String,
    /// What was done.
    pub delivery: DeliveryKind,
}

/// What was done with an answer that had no commit in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryKind {
    /// The client got a refusal in its place.
    Withheld,
    /// `on_failure: allow` let it through.
    ReleasedUncommitted,
}

/// A line ready to send: bytes made once, so that every repeat is the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// What it carries.
    pub kind: Kind,
    /// Whose it is.
    pub decision_id: String,
    /// Hex SHA-256 of the record's bytes.
    pub digest: String,
    /// The line without its newline.
    pub bytes: Vec<u8>,
    /// The provider was called: this record must not be lost, whatever else is.
    pub called: bool,
}

/// Redacted texts that travel beside an outcome's record.
#[derive(Clone, Copy, Debug, Default)]
pub struct Summaries<'a> {
    /// Start of the answer's text.
    pub output: Option<&'a str>,
    /// Start of the last user message.
    pub input: Option<&'a str>,
    /// Of the digests of both.
    pub salt: [u8; 16],
}

/// A line as the collector reads it. `record` keeps the exact bytes.
#[derive(Debug, Deserialize)]
pub struct ReceivedLine<'a> {
    /// What it carries.
    pub kind: Kind,
    /// Hex SHA-256 of the record's bytes, as the sender claims.
    pub digest: String,
    /// The record's exact bytes.
    #[serde(borrow)]
    pub record: &'a RawValue,
    /// Redacted start of the answer's text, beside the record.
    #[serde(default)]
    pub output_summary: Option<String>,
    /// Redacted start of the last user message, beside the record.
    #[serde(default)]
    pub input_summary: Option<String>,
    /// 16 bytes as hex.
    #[serde(default)]
    pub summary_salt: Option<String>,
}

/// Lower-case hex SHA-256.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}"); // Writing to a String cannot fail.
        text
    })
}

/// The digest that binds a summary to its record without holding it.
pub fn summary_digest(salt: &[u8; 16], summary: &str) -> String {
    let mut hasher = Sha256::new();
    hasher.update(salt);
    hasher.update(summary.as_bytes());
    hex(&hasher.finalize())
}

/// RFC 3339, UTC, milliseconds.
pub fn rfc3339(unix_ms: u64) -> String {
    // Later than year 9999 no timestamp can be written; a clock that far off is a broken clock.
    const UNIX_MS_MAX: u64 = 253_402_300_799_999;
    let since = std::time::Duration::from_millis(unix_ms.min(UNIX_MS_MAX));
    humantime::format_rfc3339_millis(std::time::UNIX_EPOCH + since).to_string()
}

// === impl OutcomeKind ===

impl OutcomeKind {
    /// The word the record and the `outcome` column hold.
    pub fn as_str(self) -> &'static str {
        match self {
            OutcomeKind::Completed => "completed",
            OutcomeKind::Denied => "denied",
            OutcomeKind::Held => "held",
            OutcomeKind::UpstreamError => "upstream_error",
            OutcomeKind::Aborted => "aborted",
            OutcomeKind::Cut => "cut",
            OutcomeKind::UncommittedRefused => "uncommitted_refused",
            OutcomeKind::Unknown => "unknown",
        }
    }
}

// === impl Line ===

impl Line {
    /// An intent's line.
    pub fn intent(intent: &Intent) -> Line {
        let record = to_json(intent);
        Line::new(Kind::Intent, &intent.decision_id, &record, Summaries::default(), false)
    }

    /// An outcome's line. The record must hold the [`summary_digest`] of each summary.
    pub fn outcome(outcome: &Outcome, summaries: Summaries) -> Line {
        let called = outcome.latency_ms.is_some();
        Line::new(Kind::Outcome, &outcome.decision_id, &to_json(outcome), summaries, called)
    }

    /// A delivery's line.
    pub fn delivery(delivery: &Delivery) -> Line {
        let record = to_json(delivery);
        Line::new(Kind::Delivery, &delivery.decision_id, &record, Summaries::default(), true)
    }

    fn new(kind: Kind, id: &str, record: &str, summaries: Summaries, called: bool) -> Line {
        let digest = sha256_hex(record.as_bytes());
        let kind_word = to_json(&kind);
        let mut line = format!(r#"{{"kind":{kind_word},"digest":"{digest}","record":{record}"#);
        let Summaries { output, input, salt } = summaries;
        for (key, text) in [("output_summary", output), ("input_summary", input)] {
            if let Some(text) = text {
                line.push_str(&format!(r#","{key}":{}"#, to_json(text)));
            }
        }
        if output.or(input).is_some() {
            line.push_str(&format!(r#","summary_salt":"{}""#, hex(&salt)));
        }
        line.push('}');
        Line { kind, decision_id: id.to_owned(), digest, bytes: line.into_bytes(), called }
    }
}

/// Serialisation of our own types to memory has no way to fail: no maps with other than string
/// keys, no I/O. The empty text would be refused by the collector rather than believed.
fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
