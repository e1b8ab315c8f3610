//! The ledger: a Merkle tree over the exact bytes of every record, whose signed heads let anyone
//! who kept one prove that nothing was changed, removed, added or moved since.
//!
//! ```text
//! tree, note, keys, sequence: arithmetic and text, pure
//! sequencer: pending records -> leaves -> signed checkpoints      publisher: out of the database
//! proof, bundle: what leaves the house, over contents (what a record says for itself) and trust
//! (whose signature)
//! ```

pub mod bundle;
pub mod contents;
pub mod keys;
pub mod note;
pub mod proof;
pub mod publisher;
pub mod sequence;
pub mod sequencer;
pub mod tree;
pub mod trust;

use serde::{Deserialize, Serialize};

/// What a leaf holds, and so which table its bytes stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeafKind {
    /// `ai_decision_intents.record`; the reference is a decision id, as in the next three.
    Intent,
    /// `ai_decisions.record`.
    Outcome,
    /// `ai_late_outcomes.record`.
    LateOutcome,
    /// `ai_deliveries.record`.
    Delivery,
    /// `ai_policies.text`, by version.
    Policy,
    /// `ai_policy_observations.record`, by observation id.
    Observation,
    /// `ai_erasures.record`, by decision id.
    Erasure,
    /// `ai_review_verdicts.record`, by verdict id.
    Verdict,
    /// `ai_ledger_keys.record`, by number.
    Key,
}

// === impl LeafKind ===

impl LeafKind {
    /// Every kind.
    pub const ALL: [LeafKind; 9] = [
        LeafKind::Intent,
        LeafKind::Outcome,
        LeafKind::LateOutcome,
        LeafKind::Delivery,
        LeafKind::Policy,
        LeafKind::Observation,
        LeafKind::Erasure,
        LeafKind::Verdict,
        LeafKind::Key,
    ];

    /// The word in the database and in proofs.
    pub fn as_str(self) -> &'static str {
        match self {
            LeafKind::Intent => "intent",
            LeafKind::Outcome => "outcome",
            LeafKind::LateOutcome => "late_outcome",
            LeafKind::Delivery => "delivery",
            LeafKind::Policy => "policy",
            LeafKind::Observation => "observation",
            LeafKind::Erasure => "erasure",
            LeafKind::Verdict => "verdict",
            LeafKind::Key => "key",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<LeafKind> {
        LeafKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
