//! One line of a request, from bytes to an [`Entry`] that can be stored. Pure: the clock is an
//! argument. A line that breaks a rule becomes an entry, too, so that it is kept and answered. The
//! rules are in `check`.

mod check;

use std::time::SystemTime;

use governance_filter::record::{Delivery, Intent, Kind, Outcome, ReceivedLine, hex, sha256_hex};
use serde::Serialize;
use serde_json::value::RawValue;

use self::check::check;
use crate::store::columns::{self, Cell};

/// The largest record taken: what the filter may send, with room.
pub const RECORD_BYTES_MAX: usize = 256 << 10;

/// How much of a refused record is kept.
const REFUSED_BYTES_KEPT: usize = 4 << 10;

/// An entry and the record it boxes, but for their text; and what an allocation takes beside it.
const ENTRY_BYTES: usize = 2 << 10;
const ALLOCATION_BYTES: usize = 16;

/// A line to store and to answer.
#[derive(Debug)]
pub struct Entry {
    /// Whose line; empty where it could not be read.
    pub decision_id: String,
    /// `None` where it could not be read.
    pub kind: Option<Kind>,
    /// Hex SHA-256 of the record's bytes, or of the line's where no record could be read.
    pub digest: String,
    /// When it was acked from the spool; `None` on a line that did not come through it.
    pub spooled_at: Option<SystemTime>,
    /// What is stored.
    pub content: Content,
    /// Its row's columns, made beside other requests and not in the writer's turn.
    pub columns: Vec<Cell>,
}

/// What is stored of a line.
#[derive(Debug)]
pub enum Content {
    /// To `ai_decision_intents`.
    Intent(Box<Intent>, Vec<u8>),
    /// To `ai_decisions`.
    Outcome(Box<Outcome>, Vec<u8>, Option<Summary>),
    /// To `ai_deliveries`.
    Delivery(Box<Delivery>, Vec<u8>),
    /// To `ai_quarantine`.
    Refused(Refused),
}

/// What travels beside the record: one redacted text or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Of the answer.
    pub output: Option<String>,
    /// Of the input.
    pub input: Option<String>,
    /// Of the digests of both.
    pub salt: [u8; 16],
}

/// A line as the filter writes it.
#[derive(Serialize)]
struct WrittenLine<'a> {
    kind: Kind,
    digest: &'a str,
    record: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_summary: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_salt: Option<String>,
}

/// A line that broke a rule.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused {
    /// Which rule.
    pub reason: Reason,
    /// Its start; nothing of a line that could not be read, for a summary may be in it.
    pub bytes: Vec<u8>,
    /// Its whole length.
    pub bytes_total: usize,
}

/// The rules a line can break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Not JSON, or without kind, digest or record.
    Line,
    /// The record is longer than [`RECORD_BYTES_MAX`].
    Size,
    /// The digest is not that of the record's bytes.
    Digest,
    /// The record lacks a field or has one of another type.
    Record,
    /// A format this build does not know.
    Version,
    /// Not `d-` and a UUIDv7 of a plausible time.
    Id,
    /// A time that is no RFC 3339, a policy version that is no digest, a review that is no
    /// decision, or a hold that nobody could have asked for.
    Field,
    /// `unknown` is the collector's own word.
    Outcome,
    /// Summaries and salt are not those the record's digests name.
    Summary,
    /// Known id, another digest.
    Conflict,
    /// The database refused it, though every check passed.
    Database,
}

// === impl Reason ===

impl Reason {
    const ALL: [Reason; 11] = [
        Reason::Line,
        Reason::Size,
        Reason::Digest,
        Reason::Record,
        Reason::Version,
        Reason::Id,
        Reason::Field,
        Reason::Outcome,
        Reason::Summary,
        Reason::Conflict,
        Reason::Database,
    ];

    /// The word the quarantine table holds.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Line => "line",
            Reason::Size => "size",
            Reason::Digest => "digest",
            Reason::Record => "record",
            Reason::Version => "version",
            Reason::Id => "id",
            Reason::Field => "field",
            Reason::Outcome => "outcome",
            Reason::Summary => "summary",
            Reason::Conflict => "conflict",
            Reason::Database => "database",
        }
    }

    /// The reason a word stands for.
    pub fn from_word(word: &str) -> Option<Reason> {
        Reason::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

// === impl Refused ===

impl Refused {
    /// Keeps the start of a record that was refused. Where no record was found, `bytes` are a whole
    /// line, of which only the length is kept.
    pub fn new(reason: Reason, bytes: &[u8]) -> Refused {
        let bytes_max = if reason == Reason::Line { 0 } else { REFUSED_BYTES_KEPT };
        let kept = bytes.get(..bytes_max).unwrap_or(bytes);
        Refused { reason, bytes: kept.to_vec(), bytes_total: bytes.len() }
    }
}

// === impl Entry ===

impl Entry {
    /// Reads and checks a line.
    pub fn parse(line: &[u8], now_unix_ms: u64) -> Entry {
        let Ok(received) = serde_json::from_slice::<ReceivedLine<'_>>(line) else {
            return Entry {
                decision_id: String::new(),
                kind: None,
                digest: sha256_hex(line),
                spooled_at: None,
                content: Content::Refused(Refused::new(Reason::Line, line)),
                columns: Vec::new(),
            };
        };
        let record = received.record.get().as_bytes();
        let digest = sha256_hex(record);
        let kind = Some(received.kind);
        match check(&received, &digest, now_unix_ms) {
            Ok(content) => Entry {
                decision_id: content.decision_id().to_owned(),
                kind,
                digest,
                columns: content.columns(),
                spooled_at: None,
                content,
            },
            Err(reason) => Entry {
                decision_id: claimed_id(received.record),
                kind,
                digest,
                spooled_at: None,
                content: Content::Refused(Refused::new(reason, record)),
                columns: Vec::new(),
            },
        }
    }

    /// The policy version the line names.
    pub fn policy_version(&self) -> Option<&str> {
        match &self.content {
            Content::Intent(intent, _) => Some(&intent.policy_version),
            Content::Outcome(outcome, ..) => Some(&outcome.policy_version),
            Content::Delivery(delivery, _) => Some(&delivery.policy_version),
            Content::Refused(_) => None,
        }
    }

    /// The memory it takes, near enough: the record's own bytes, what was read of them, which is no
    /// longer, and the columns.
    pub fn footprint(&self) -> usize {
        let values = self.columns.iter().filter_map(|column| column.value.as_ref());
        let values: usize = values.map(|value| value.len() + ALLOCATION_BYTES).sum();
        ENTRY_BYTES + 2 * self.bytes().len() + size_of_val(self.columns.as_slice()) + values
    }

    /// The line again, from which [`Entry::parse`] makes this very entry; `None` where it was
    /// refused.
    pub fn to_line(&self) -> Option<Vec<u8>> {
        let summary = match &self.content {
            Content::Outcome(_, _, summary) => summary.as_ref(),
            Content::Intent(..) | Content::Delivery(..) => None,
            Content::Refused(_) => return None,
        };
        let line = WrittenLine {
            kind: self.kind?,
            digest: &self.digest,
            record: serde_json::from_slice(self.bytes()).ok()?,
            output_summary: summary.and_then(|summary| summary.output.as_deref()),
            input_summary: summary.and_then(|summary| summary.input.as_deref()),
            summary_salt: summary.map(|summary| hex(&summary.salt)),
        };
        serde_json::to_vec(&line).ok()
    }

    /// The record's bytes, or what is kept of a refused line.
    pub fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Intent(_, record)
            | Content::Outcome(_, record, _)
            | Content::Delivery(_, record) => record,
            Content::Refused(refused) => &refused.bytes,
        }
    }
}

// === impl Content ===

impl Content {
    fn columns(&self) -> Vec<Cell> {
        match self {
            Content::Intent(intent, _) => columns::cells(&columns::intent(intent)),
            Content::Outcome(outcome, _, summary) => {
                columns::cells(&columns::decision(outcome, summary.as_ref()))
            }
            Content::Delivery(delivery, _) => columns::cells(&columns::delivery(delivery)),
            Content::Refused(_) => Vec::new(),
        }
    }

    fn decision_id(&self) -> &str {
        match self {
            Content::Intent(intent, _) => &intent.decision_id,
            Content::Outcome(outcome, ..) => &outcome.decision_id,
            Content::Delivery(delivery, _) => &delivery.decision_id,
            Content::Refused(_) => "",
        }
    }
}

/// Unix milliseconds of an id `d-<32 lower-case hex of a UUIDv7>`.
pub fn id_unix_ms(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("d-")?;
    let hex_only = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let version = digits.as_bytes().get(12);
    let variant = digits.as_bytes().get(16);
    let is_v7 = version == Some(&b'7') && matches!(variant, Some(b'8' | b'9' | b'a' | b'b'));
    if digits.len() != 32 || !hex_only || !is_v7 {
        return None;
    }
    u64::from_str_radix(digits.get(..12)?, 16).ok()
}

/// `sha256:` and 64 lower-case hex digits.
pub fn is_policy_version(version: &str) -> bool {
    version.strip_prefix("sha256:").is_some_and(|digits| {
        digits.len() == 64 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    })
}

/// The id a refused record names, so that its sender can match the answer; it is logged, so
/// nothing that could pass for more than an id.
fn claimed_id(record: &RawValue) -> String {
    let value: Option<serde_json::Value> = serde_json::from_str(record.get()).ok();
    let id = value.as_ref().and_then(|value| value.get("decision_id")).and_then(|id| id.as_str());
    let harmless = |id: &&str| id.len() <= 64 && !id.contains(char::is_control);
    id.filter(harmless).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests;
