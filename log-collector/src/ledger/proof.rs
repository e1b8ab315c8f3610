//! A proof file: every record of one decision, with all that shows that a signed checkpoint covers
//! it. Checked with a public key and nothing else. Pure.
//!
//! A proof shows what is in the file, not that nothing is missing from it: a file without its
//! tombstone is a proof, too. A bundle is complete (see `bundle`).

mod shown;

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use governance_filter::record::OutcomeKind;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::LeafKind;
use super::contents::{Content, ContentError, Summaries};
use super::note::{Checkpoint, NoteError, VerifierKey};
use super::tree::{Hash, leaf_hash, root_of_inclusion};
use super::trust::{Signed, open_checkpoint};

pub(super) use shown::{plain, write_checkpoint};

/// The format of proof files.
pub const FORMAT: u32 = 1;

/// Longest proof file read: five records, two policies and a thousand verdicts are far shorter,
/// however escaped.
pub const PROOF_BYTES_MAX: u64 = 32 << 20;

/// A proof file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// [`FORMAT`].
    pub governance_proof: u32,
    /// Whose records.
    pub decision_id: String,
    /// Each kind at most once, in the order of [`LeafKind`]; verdicts as many as there are, in the
    /// order of the ledger.
    pub leaves: Vec<ProvenLeaf>,
    /// The policies that the records name, each once.
    pub policies: Vec<ProvenPolicy>,
    /// Records of the ledger's keys, oldest first.
    pub keys: Vec<String>,
    /// A signed note.
    pub checkpoint: String,
}

/// A record and its place in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenLeaf {
    /// What it is.
    pub kind: LeafKind,
    /// Its place.
    pub index: u64,
    /// The exact text that was hashed.
    pub record: String,
    /// Those that still exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summaries: Option<Summaries>,
    /// RFC 6962's audit path, from the leaf up.
    pub proof: Vec<Base64Hash>,
}

/// A policy and its place in the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenPolicy {
    /// `sha256:` and the digest of the text.
    pub version: String,
    /// Its place.
    pub index: u64,
    /// governance.yml's exact text.
    pub text: String,
    /// As of a record.
    pub proof: Vec<Base64Hash>,
}

/// A hash that is written as base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Base64Hash(pub Hash);

/// What a proof shows. Made by [`Proof::verify`] alone.
#[derive(Debug)]
pub struct Shown<'a> {
    proof: &'a Proof,
    contents: Vec<Content>,
    signed: Signed,
}

/// Why a file proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// Not JSON, or with other keys.
    #[error("line {line}, column {column}: not what a proof file holds there")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Another build's.
    #[error("a proof file of format {0}; this build reads format {FORMAT}")]
    Format(u32),
    /// No trust in its checkpoint.
    #[error("its checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// Nothing to prove.
    #[error("it holds no record")]
    Empty,
    /// A kind twice, or before its turn.
    #[error("its records are not in their order, or one that is no verdict stands twice")]
    Order,
    /// A record.
    #[error("leaf {index} ({}): {problem}", .kind.as_str())]
    Leaf {
        /// Its place.
        index: u64,
        /// What it is said to be.
        kind: LeafKind,
        /// What is wrong.
        problem: LeafError,
    },
    /// Late is what comes after the collector closed a decision as `unknown`.
    #[error("a late outcome beside no outcome `unknown`")]
    Late,
    /// A policy is missing, comes twice or is named by no record.
    #[error("its policies are not those that its records name, each once")]
    Policies,
}

/// What is wrong with a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafError {
    /// With the bytes.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// With the place.
    #[error("the checkpoint does not cover it: it was altered, or never was in this ledger")]
    NotIncluded,
}

// === impl Proof ===

impl Proof {
    /// Reads a file.
    pub fn parse(bytes: &[u8]) -> Result<Proof, ProofError> {
        let proof: Proof = serde_json::from_slice(bytes)
            .map_err(|e| ProofError::Json { line: e.line(), column: e.column() })?;
        if proof.governance_proof == FORMAT {
            Ok(proof)
        } else {
            Err(ProofError::Format(proof.governance_proof))
        }
    }

    /// Checks all of it, from the one key that is trusted.
    pub fn verify(&self, trusted: &VerifierKey) -> Result<Shown<'_>, ProofError> {
        let signed = open_checkpoint(trusted, &self.keys, &self.checkpoint)?;
        let contents = self.check(&signed.checkpoint)?;
        Ok(Shown { proof: self, contents, signed })
    }

    /// Checks all but the signature; what the records say.
    pub fn check(&self, checkpoint: &Checkpoint) -> Result<Vec<Content>, ProofError> {
        if self.leaves.is_empty() {
            return Err(ProofError::Empty);
        }
        let follows = |a: &ProvenLeaf, b: &ProvenLeaf| {
            let verdicts = a.kind == LeafKind::Verdict && b.kind == LeafKind::Verdict;
            a.kind < b.kind || (verdicts && a.index < b.index)
        };
        if !self.leaves.is_sorted_by(follows) {
            return Err(ProofError::Order);
        }
        let contents = self.leaves.iter().map(|leaf| {
            let (kind, index) = (leaf.kind, leaf.index);
            leaf.check(&self.decision_id, checkpoint).map_err(|problem| ProofError::Leaf {
                index,
                kind,
                problem,
            })
        });
        let contents: Vec<Content> = contents.collect::<Result<_, _>>()?;
        let of = |kind| self.leaves.iter().zip(&contents).find(|(leaf, _)| leaf.kind == kind);
        if of(LeafKind::LateOutcome).is_some() {
            let closed = of(LeafKind::Outcome).and_then(|(_, content)| content.outcome());
            if closed.is_none_or(|outcome| outcome.outcome != OutcomeKind::Unknown) {
                return Err(ProofError::Late);
            }
        }
        let named: BTreeSet<&str> = contents.iter().filter_map(Content::policy_version).collect();
        let given: BTreeSet<&str> = self.policies.iter().map(|p| p.version.as_str()).collect();
        if named != given || given.len() != self.policies.len() {
            return Err(ProofError::Policies);
        }
        for policy in &self.policies {
            let (kind, index) = (LeafKind::Policy, policy.index);
            policy.check(checkpoint).map_err(|problem| ProofError::Leaf {
                index,
                kind,
                problem,
            })?;
        }
        Ok(contents)
    }
}

// === impl ProvenLeaf ===

impl ProvenLeaf {
    fn check(&self, decision_id: &str, checkpoint: &Checkpoint) -> Result<Content, LeafError> {
        let content = Content::read(self.kind, self.record.as_bytes())?;
        if content.decision_id() != Some(decision_id) {
            return Err(ContentError::Reference.into());
        }
        included(self.record.as_bytes(), self.index, &self.proof, checkpoint)?;
        if let Some(summaries) = &self.summaries {
            content.check_summaries(self.kind, summaries)?;
        }
        Ok(content)
    }
}

// === impl ProvenPolicy ===

impl ProvenPolicy {
    fn check(&self, checkpoint: &Checkpoint) -> Result<(), LeafError> {
        let content = Content::read(LeafKind::Policy, self.text.as_bytes())?;
        content.check_reference(&self.version)?;
        included(self.text.as_bytes(), self.index, &self.proof, checkpoint)
    }
}

/// That these bytes are the leaf at `index`.
fn included(
    bytes: &[u8],
    index: u64,
    proof: &[Base64Hash],
    checkpoint: &Checkpoint,
) -> Result<(), LeafError> {
    check_inclusion(leaf_hash(bytes), index, proof, checkpoint)
}

/// That a leaf of this hash is at `index`.
pub fn check_inclusion(
    leaf: Hash,
    index: u64,
    proof: &[Base64Hash],
    checkpoint: &Checkpoint,
) -> Result<(), LeafError> {
    let hashes: Vec<Hash> = proof.iter().map(|hash| hash.0).collect();
    let root = root_of_inclusion(leaf, index, checkpoint.size, &hashes);
    if root == Some(checkpoint.root) { Ok(()) } else { Err(LeafError::NotIncluded) }
}

// === impl Base64Hash ===

impl Serialize for Base64Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Base64Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Base64Hash, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Base64Hash).ok_or_else(|| serde::de::Error::custom("not 32 bytes as base64"))
    }
}

#[cfg(test)]
mod tests;
