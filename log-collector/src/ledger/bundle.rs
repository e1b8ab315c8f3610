//! An auditor's bundle: a folder with every leaf of a range of the ledger, and the hashes of the
//! complete subtrees left and right of it. Leaves and hashes together must come to the head that
//! the checkpoint signs, so no leaf can be altered, removed, added or moved. This file has the
//! format; `check` reads a folder, one line at a time.

mod check;

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::LeafKind;
use super::contents::{ContentError, Summaries};
use super::note::NoteError;
use super::proof::Base64Hash;
use super::trust::Signed;

pub use check::{check, verify};

/// The format of bundles.
pub const FORMAT: u32 = 1;

/// The name of the manifest, which is written last: a folder without one is no bundle.
pub const MANIFEST: &str = "manifest.json";
/// The name of the file with the leaves.
pub const RECORDS: &str = "records.jsonl";
/// The name of the file with the signed note.
pub const CHECKPOINT: &str = "checkpoint";
/// The name of the folder with the policies' texts.
pub const POLICIES: &str = "policies";

/// `manifest.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub governance_bundle: u32,
    /// What was asked for, which nothing proves.
    pub since: String,
    /// Likewise.
    pub until: String,
    /// The first leaf.
    pub first_index: u64,
    /// One past the last leaf.
    pub end_index: u64,
    /// Hashes of the complete subtrees of `[0, first_index)`, largest first.
    pub left: Vec<Base64Hash>,
    /// Hashes of the complete subtrees of `[end_index, size)`, left to right, each the largest that
    /// begins there.
    pub right: Vec<Base64Hash>,
    /// The policies that the records name, by version.
    pub policies: Vec<PolicyPlace>,
    /// Records of the ledger's keys, oldest first.
    pub keys: Vec<String>,
}

/// Where a policy's text is in the tree. The text is a file of `policies`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyPlace {
    /// `sha256:` and the digest of the text.
    pub version: String,
    /// Its leaf.
    pub index: u64,
    /// RFC 6962's audit path, from the leaf up.
    pub proof: Vec<Base64Hash>,
}

/// A line of `records.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordLine {
    /// Its place.
    pub index: u64,
    /// The leaf's hash; finds the line that was altered.
    pub leaf: Base64Hash,
    /// What it is.
    pub kind: LeafKind,
    /// Whose: a decision id, a policy's version, a number.
    #[serde(rename = "ref")]
    pub reference: String,
    /// When the database took it, by its own clock, which nothing proves.
    pub committed_at: String,
    /// The exact text that was hashed; a policy's is its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Those that still exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summaries: Option<Summaries>,
}

/// What a bundle shows. Made by [`verify`] alone.
#[derive(Debug)]
pub struct Shown {
    manifest: Manifest,
    signed: Signed,
    /// Leaves of each kind, as in [`LeafKind::ALL`].
    counts: [u64; LeafKind::ALL.len()],
}

/// Why a folder proves nothing.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A part is missing or cannot be read.
    #[error("cannot read `{}`: {source}", .path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What came of it.
        source: std::io::Error,
    },
    /// Longer than any that is written.
    #[error("`{}` is longer than such a file can be", .0.display())]
    TooLong(PathBuf),
    /// Not JSON, or with other keys.
    #[error("{MANIFEST}: line {line}, column {column}: not what a manifest holds there")]
    Json {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// Another build's.
    #[error("{MANIFEST}: a bundle of format {0}; this build reads format {FORMAT}")]
    Format(u32),
    /// No trust in the checkpoint.
    #[error("{CHECKPOINT}: {0}")]
    Checkpoint(#[from] NoteError),
    /// No tree has such parts.
    #[error("{MANIFEST}: its range and its hashes do not fit the checkpoint's size")]
    Range,
    /// A line.
    #[error("{RECORDS}: line {number}: {problem}")]
    Line {
        /// From 1.
        number: u64,
        /// What is wrong.
        problem: LineError,
    },
    /// All lines are in themselves as they should be.
    #[error(
        "no line is bad by itself, but lines and hashes together are not what the checkpoint signs"
    )]
    Root,
    /// A policy's file.
    #[error("{POLICIES}/{name}: {problem}")]
    Policy {
        /// Its name.
        name: String,
        /// What is wrong.
        problem: PolicyError,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// Not JSON, or with other keys.
    #[error("not what a line holds")]
    Json,
    /// Out of place.
    #[error("leaf {expected} belongs here, not leaf {found}: lines were removed, added or moved")]
    Index {
        /// Whose turn it is.
        expected: u64,
        /// Who is there.
        found: u64,
    },
    /// There is none.
    #[error("missing: leaf {0} belongs here")]
    Missing(u64),
    /// One past the last.
    #[error("one too many: the range ends at leaf {0}")]
    Extra(u64),
    /// The bytes are not those of the hash.
    #[error("altered: its text is not the one of its leaf")]
    Altered,
    /// With a record where there should be none, or the other way.
    #[error("a policy's text is its file, every other record's is in its line")]
    Text,
    /// The bytes.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// A time that is none.
    #[error("`committed_at` is no time")]
    Time,
    /// Its policy is not in the bundle.
    #[error("the policy that it names is not in the bundle")]
    NoPolicy,
}

/// What is wrong with a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// The text is another's.
    #[error("altered: its name is not the SHA-256 of its text")]
    Altered,
    /// No leaf of the tree.
    #[error("the checkpoint does not cover it")]
    NotIncluded,
    /// In the manifest, and in no record; or twice, or out of order.
    #[error("the manifest has it twice, out of order, or for no record")]
    Unnamed,
    /// In the folder, and not in the manifest.
    #[error("not in the manifest")]
    Extra,
}

// === impl Manifest ===

impl Manifest {
    /// Reads the file.
    pub fn parse(bytes: &[u8]) -> Result<Manifest, BundleError> {
        let manifest: Manifest = serde_json::from_slice(bytes)
            .map_err(|e| BundleError::Json { line: e.line(), column: e.column() })?;
        if manifest.governance_bundle == FORMAT {
            Ok(manifest)
        } else {
            Err(BundleError::Format(manifest.governance_bundle))
        }
    }
}

// === impl RecordLine ===

impl RecordLine {
    /// Reads a line, without its end.
    pub fn parse(bytes: &[u8]) -> Result<RecordLine, LineError> {
        serde_json::from_slice(bytes).map_err(|_| LineError::Json)
    }
}

/// The file of a policy's version; a colon is not a character of every file system.
pub fn policy_file(version: &str) -> String {
    format!("{}.yml", version.strip_prefix("sha256:").unwrap_or(version))
}

const NOT_SHOWN: &str = "
It does not show when the records were committed: `committed_at`, `since` and `until` are the
database's word. It does not show that the checkpoint is the newest one, or that what a gateway
recorded is what the provider did. Whether the key is the ledger's is for you to know.
";

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, end) = (self.manifest.first_index, self.manifest.end_index);
        let leaves = end - first;
        let plural = if leaves == 1 { "leaf" } else { "leaves" };
        writeln!(f, "true: {leaves} {plural} of the ledger, complete and as committed\n")?;
        for (kind, count) in LeafKind::ALL.into_iter().zip(self.counts) {
            if count > 0 {
                writeln!(f, "  {count:>9}  {}", kind.as_str())?;
            }
        }
        if leaves > 0 {
            writeln!(f, "\n{:<16}from {first} to {}", "leaves", end - 1)?;
        }
        writeln!(f, "{:<16}{}", "policies", self.manifest.policies.len())?;
        super::proof::write_checkpoint(f, &self.signed)?;
        f.write_str(NOT_SHOWN)
    }
}

#[cfg(test)]
mod tests;
