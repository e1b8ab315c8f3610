//! What the bytes of a leaf say for themselves. The tree hashes bytes alone, so the kind and the id
//! that a proof claims must be found in them. Pure.

use governance_filter::record::{Delivery, Intent, Outcome, OutcomeKind, hex, summary_digest};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::{LeafKind, keys};
use crate::ingest::line::is_policy_version;
use crate::review::Verdict;

/// The format of tombstones and observations.
pub const FORMAT: u32 = 1;

/// A tombstone: the summaries of a decision are to be erased.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// [`FORMAT`].
    pub v: u32,
    /// Whose summaries.
    pub decision_id: String,
    /// RFC 3339, UTC, milliseconds.
    pub erased_at: String,
    /// Why, in the operator's words.
    pub reason: String,
    /// The login that erased them.
    pub erased_by: String,
}

/// That a gateway took up a policy, as `ai_policy_observations` has it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Observation {
    /// [`FORMAT`].
    pub v: u32,
    /// Its place in its gateway's history.
    pub observation_id: i64,
    /// Which gateway.
    pub gateway: String,
    /// Which policy.
    pub policy_version: String,
    /// RFC 3339, UTC, microseconds; the database's clock.
    pub first_seen: String,
    /// The same of the gateway's clock.
    pub configured_at: Option<String>,
}

/// Texts that stand beside a record, which holds their digests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Summaries {
    /// Redacted start of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Redacted start of the last user message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<String>,
    /// 16 bytes as hex.
    pub salt: String,
}

/// A leaf's bytes, read as what its kind says they are.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// An intent.
    Intent(Box<Intent>),
    /// An outcome, in time or late.
    Outcome(Box<Outcome>),
    /// A delivery.
    Delivery(Box<Delivery>),
    /// A policy, by its version.
    Policy(String),
    /// An observation.
    Observation(Observation),
    /// A tombstone.
    Erasure(Erasure),
    /// What a person said of a decision.
    Verdict(Verdict),
    /// A public key, whose signature is another's affair.
    Key,
}

/// Why the bytes are not what they are said to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// Another kind's, or nobody's.
    #[error("its record is not that of the kind `{}`", .0.as_str())]
    Kind(LeafKind),
    /// Another decision's, policy's or row's.
    #[error("its record is of another id than it says")]
    Reference,
    /// Only outcomes have them.
    #[error("a record of the kind `{}` has no summaries", .0.as_str())]
    NoSummaries(LeafKind),
    /// Altered, or another decision's.
    #[error("its {0} summary is not the one whose digest is in the record")]
    Summary(&'static str),
    /// Not 16 bytes as lower-case hex.
    #[error("its salt is not 16 bytes as lower-case hex")]
    Salt,
}

/// Which of the words that tell kinds apart are in a record.
#[derive(Deserialize)]
struct Words {
    outcome: Option<IgnoredAny>,
    delivery: Option<IgnoredAny>,
    erased_at: Option<IgnoredAny>,
    first_seen: Option<IgnoredAny>,
    verdict: Option<IgnoredAny>,
    input_hash: Option<IgnoredAny>,
}

// === impl Content ===

impl Content {
    /// Reads bytes as a kind, and no other.
    pub fn read(kind: LeafKind, bytes: &[u8]) -> Result<Content, ContentError> {
        let wrong = ContentError::Kind(kind);
        match kind {
            LeafKind::Policy => {
                let digest = governance_filter::record::sha256_hex(bytes);
                return Ok(Content::Policy(format!("sha256:{digest}")));
            }
            LeafKind::Key => {
                let record = std::str::from_utf8(bytes).map_err(|_| wrong)?;
                // But for the first, behind an empty line, the signature of the one before.
                let text = record.split_once("\n\n").map_or(record, |(text, _)| text);
                return keys::read(text, None).map(|_| Content::Key).map_err(|_| wrong);
            }
            _ => {}
        }
        if !is_of_kind(kind, bytes) {
            return Err(wrong);
        }
        let content = match kind {
            LeafKind::Intent => serde_json::from_slice(bytes).map(Content::Intent),
            LeafKind::Outcome | LeafKind::LateOutcome => {
                serde_json::from_slice(bytes).map(Content::Outcome)
            }
            LeafKind::Delivery => serde_json::from_slice(bytes).map(Content::Delivery),
            LeafKind::Erasure => serde_json::from_slice(bytes).map(Content::Erasure),
            LeafKind::Observation => serde_json::from_slice(bytes).map(Content::Observation),
            LeafKind::Verdict => serde_json::from_slice(bytes).map(Content::Verdict),
            LeafKind::Policy | LeafKind::Key => return Err(wrong),
        };
        let content = content.map_err(|_| wrong)?;
        // The collector's own word, and never said of what came late.
        let late = kind == LeafKind::LateOutcome;
        if late && content.outcome().is_some_and(|o| o.outcome == OutcomeKind::Unknown) {
            return Err(wrong);
        }
        Ok(content)
    }

    /// That the bytes are those of this id. Keys are numbered by the database and do not hold their
    /// numbers.
    pub fn check_reference(&self, reference: &str) -> Result<(), ContentError> {
        let own = match self {
            Content::Policy(version) => Some(version.as_str()),
            Content::Observation(observation) => {
                let own = observation.observation_id.to_string();
                return if own == reference { Ok(()) } else { Err(ContentError::Reference) };
            }
            Content::Verdict(verdict) => Some(verdict.verdict_id.as_str()),
            Content::Key => None,
            _ => self.decision_id(),
        };
        let is_number = |text: &str| text.parse::<u64>().is_ok_and(|n| n.to_string() == text);
        if own.map_or_else(|| is_number(reference), |own| own == reference) {
            Ok(())
        } else {
            Err(ContentError::Reference)
        }
    }

    /// Whose record it is.
    pub fn decision_id(&self) -> Option<&str> {
        match self {
            Content::Intent(intent) => Some(&intent.decision_id),
            Content::Outcome(outcome) => Some(&outcome.decision_id),
            Content::Delivery(delivery) => Some(&delivery.decision_id),
            Content::Erasure(erasure) => Some(&erasure.decision_id),
            Content::Verdict(verdict) => Some(&verdict.decision_id),
            Content::Policy(_) | Content::Observation(_) | Content::Key => None,
        }
    }

    /// The policy that it names.
    pub fn policy_version(&self) -> Option<&str> {
        let version = match self {
            Content::Intent(intent) => &intent.policy_version,
            Content::Outcome(outcome) => &outcome.policy_version,
            Content::Delivery(delivery) => &delivery.policy_version,
            Content::Observation(observation) => &observation.policy_version,
            Content::Verdict(verdict) => &verdict.policy_version,
            Content::Policy(_) | Content::Erasure(_) | Content::Key => return None,
        };
        Some(version).filter(|version| is_policy_version(version)).map(String::as_str)
    }

    /// The outcome, where it is one.
    pub fn outcome(&self) -> Option<&Outcome> {
        match self {
            Content::Outcome(outcome) => Some(outcome),
            _ => None,
        }
    }

    /// That the texts beside a record are those whose digests it holds.
    pub fn check_summaries(
        &self,
        kind: LeafKind,
        summaries: &Summaries,
    ) -> Result<(), ContentError> {
        let outcome = self.outcome().ok_or(ContentError::NoSummaries(kind))?;
        let salt = summaries.salt().ok_or(ContentError::Salt)?;
        let texts = [
            ("output", &summaries.output, &outcome.output_summary_digest),
            ("input", &summaries.input, &outcome.input_summary_digest),
        ];
        for (name, text, digest) in texts {
            let Some(text) = text else { continue };
            if digest.as_ref() != Some(&summary_digest(&salt, text)) {
                return Err(ContentError::Summary(name));
            }
        }
        // A salt alone would be bound by nothing.
        let any = summaries.output.is_some() || summaries.input.is_some();
        if any { Ok(()) } else { Err(ContentError::NoSummaries(kind)) }
    }
}

// === impl Summaries ===

impl Summaries {
    /// As they stand in a row; `None` where there are none, or no more.
    pub fn of_row(
        output: Option<String>,
        input: Option<String>,
        salt: Option<Vec<u8>>,
    ) -> Option<Summaries> {
        let any = output.is_some() || input.is_some();
        any.then(|| Summaries { output, input, salt: hex(&salt.unwrap_or_default()) })
    }

    fn salt(&self) -> Option<[u8; 16]> {
        let digits = self.salt.as_bytes();
        let lower = |b: &u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 32 || !digits.iter().all(lower) {
            return None;
        }
        let number = u128::from_str_radix(&self.salt, 16).ok()?;
        Some(number.to_be_bytes())
    }
}

/// Whether a record is of this kind by the words that only its kind has. The tree hashes no kind,
/// and a reader that passes over unknown keys takes an outcome for an intent.
pub fn is_of_kind(kind: LeafKind, record: &[u8]) -> bool {
    serde_json::from_slice::<Words>(record).is_ok_and(|words| words.kind(kind) == Some(kind))
}

// === impl Words ===

impl Words {
    /// What the record is; a late outcome looks like any other.
    fn kind(&self, claimed: LeafKind) -> Option<LeafKind> {
        if self.outcome.is_some() {
            let late = claimed == LeafKind::LateOutcome;
            Some(if late { LeafKind::LateOutcome } else { LeafKind::Outcome })
        } else if self.delivery.is_some() {
            Some(LeafKind::Delivery)
        } else if self.erased_at.is_some() {
            Some(LeafKind::Erasure)
        } else if self.first_seen.is_some() {
            Some(LeafKind::Observation)
        } else if self.verdict.is_some() {
            Some(LeafKind::Verdict)
        } else {
            self.input_hash.is_some().then_some(LeafKind::Intent)
        }
    }
}

#[cfg(test)]
pub(in crate::ledger) mod tests;
