//! Key `record`: what a record keeps, and what happens where it cannot be committed.

use crate::detect;

/// What the record keeps, and what happens when it cannot be committed.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordSettings {
    /// Longest summary of an answer. Key: `record.summary_characters`. Default: 500.
    pub summary_characters: usize,
    /// Longest start of the last user message that is kept for reviewers; 0: none is. Key:
    /// `record.input_summary_characters`. Default: 0.
    pub input_summary_characters: usize,
    /// What is blacked out in a summary. Key: `record.redact`. Default: every kind.
    pub redact: Vec<detect::Kind>,
    /// Environment variable that holds the key of input hashes. Key: `record.hash_key_env`.
    /// Default: none, the hashes have no key.
    pub hash_key_env: Option<String>,
    /// What happens without a commit. Key: `record.on_failure`. Default: deny.
    pub on_failure: OnFailure,
    /// When `allow` falls back to `deny`, Unix milliseconds. Key: `record.on_failure_until`, a
    /// time by RFC 3339. Default: never.
    pub on_failure_until_ms: Option<u64>,
}

/// What happens to an answer whose record could not be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// No record, no answer.
    Deny,
    /// Released, counted, and the record tried again.
    Allow,
}

// === impl RecordSettings ===

impl RecordSettings {
    /// What holds at `now_ms`: `allow` ends at its `on_failure_until`.
    pub fn on_failure_at(&self, now_ms: u64) -> OnFailure {
        match self.on_failure_until_ms {
            Some(until_ms) if now_ms >= until_ms => OnFailure::Deny,
            _ => self.on_failure,
        }
    }
}
