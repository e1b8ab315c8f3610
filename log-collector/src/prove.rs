//! `log-collector prove`: a decision's records as a file that proves itself. Changes nothing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use crate::config::DatabaseArgs;
use crate::error::{StartError, StoreError};
use crate::ingest::line::id_unix_ms;
use crate::ledger::LeafKind;
use crate::ledger::contents::Content;
use crate::ledger::note::{Checkpoint, NoteError};
use crate::ledger::proof::{Base64Hash, FORMAT, Proof, ProofError, ProvenLeaf, ProvenPolicy};
use crate::ledger::tree::{Node, cover, inclusion_path, range_heads};
use crate::store::proofs::Stored;
use crate::store::reader::Reader;

/// A proof is a few rows by their keys.
const PATIENCE: Duration = Duration::from_secs(60);

const EXIT_CODES: &str = "\
Use a login that is granted `governance_reader`. `log-collector verify-proof` checks the file.

Exit codes:
  0  proven
  1  there is no such decision, no checkpoint covers it yet, or no database that answers
  2  the arguments make no sense";

/// What `prove` is asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct ProveArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Which decision, such as an answer's `x-decision-id`.
    decision_id: DecisionId,
    /// Where to write the proof; standard output, if not given. Never overwrites.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `d-` and the 32 hex digits of a UUIDv7.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionId(String);

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a decision id: `d-` and 32 hex digits")]
pub struct NoDecisionId;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Arguments or the database.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database, in the middle of it.
    #[error("reading the ledger: {0}")]
    Store(#[from] StoreError),
    /// No record at all.
    #[error("there is no decision `{0}`")]
    Unknown(String),
    /// The tree has to grow first.
    #[error("no signed checkpoint covers {0} yet: try again in some seconds")]
    Pending(String),
    /// Bytes that no JSON holds.
    #[error("the text of {0} is not UTF-8")]
    NotText(String),
    /// A record and its leaf are not the same.
    #[error(
        "the database does not hold what was committed: {0}; run `log-collector verify` to find \
         out more"
    )]
    False(#[from] ProofError),
    /// A checkpoint that is none.
    #[error("the database's newest checkpoint: {0}")]
    Checkpoint(#[from] NoteError),
    /// Rows of the ledger are gone.
    #[error("the database lacks hashes of the ledger: run `log-collector verify` to find out more")]
    NoHashes,
    /// The output.
    #[error("writing `{}`: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// What came of it.
        source: std::io::Error,
    },
}

/// A leaf's place and its audit path.
pub(crate) struct Place {
    pub index: u64,
    pub proof: Vec<Base64Hash>,
}

/// Makes the proof; what is left to print.
pub async fn run(args: ProveArgs) -> Result<Vec<u8>, ProveError> {
    let reader = open(args.database, PATIENCE).await?;
    let proof = prove(&reader, &args.decision_id.0).await?;
    // Our own types: no maps with other than string keys, no I/O.
    let mut text = serde_json::to_vec_pretty(&proof).unwrap_or_default();
    text.push(b'\n');
    let Some(path) = args.output else { return Ok(text) };
    write_new(&path, &text)?;
    Ok(Vec::new())
}

pub(crate) async fn open(database: DatabaseArgs, patience: Duration) -> Result<Reader, ProveError> {
    let database = database.parse().map_err(StartError::from)?;
    let reader = Reader::new(&database, patience, 1)?;
    reader.check().await?;
    Ok(reader)
}

/// Writes a file that is not there yet.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ProveError> {
    let io = |source| ProveError::Io { path: path.to_owned(), source };
    let mut file = OpenOptions::new().write(true).create_new(true).open(path).map_err(io)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io)
}

async fn prove(reader: &Reader, id: &str) -> Result<Proof, ProveError> {
    let records = reader.records_of(id).await?;
    if records.is_empty() {
        return Err(ProveError::Unknown(id.to_owned()));
    }
    // Read after the records: whatever is newer than it has still to be covered.
    let checkpoint = reader.checkpoint().await?;
    let pending = || ProveError::Pending(format!("decision `{id}`"));
    let (size, note) = checkpoint.ok_or_else(pending)?;
    let versions = versions(&records);
    let mut wanted: Vec<_> =
        records.iter().map(|record| (record.kind, record.reference.clone())).collect();
    wanted.extend(versions.iter().map(|version| (LeafKind::Policy, version.clone())));
    let mut places = places(reader, size, &wanted).await?;
    let mut place = |kind: LeafKind, reference: &str| {
        places.remove(&(kind, reference.to_owned())).ok_or_else(pending)
    };
    let mut leaves = Vec::new();
    for Stored { kind, reference, record, summaries } in records {
        let Place { index, proof } = place(kind, &reference)?;
        let what = || ProveError::NotText(format!("decision `{id}`"));
        let record = String::from_utf8(record).map_err(|_| what())?;
        leaves.push(ProvenLeaf { kind, index, record, summaries, proof });
    }
    leaves.sort_by_key(|leaf| (leaf.kind, leaf.index));
    let mut policies = Vec::new();
    for version in versions {
        let Place { index, proof } = place(LeafKind::Policy, &version)?;
        let text = reader.policy_text(&version).await?.unwrap_or_default();
        let text = String::from_utf8(text).map_err(|_| ProveError::NotText(version.clone()))?;
        policies.push(ProvenPolicy { version, index, text, proof });
    }
    let keys = reader.key_records().await?;
    let head = Checkpoint::parse(&note)?;
    let decision_id = id.to_owned();
    let proof =
        Proof { governance_proof: FORMAT, decision_id, leaves, policies, keys, checkpoint: note };
    // A proof that does not hold is the database's fault, and better known here than there.
    proof.check(&head)?;
    Ok(proof)
}

/// The policies that records name. One that cannot be read is found out when the proof is checked.
fn versions(records: &[Stored]) -> BTreeSet<String> {
    let read = |record: &Stored| Content::read(record.kind, &record.record).ok();
    let contents = records.iter().filter_map(read);
    contents.filter_map(|content| content.policy_version().map(str::to_owned)).collect()
}

/// The places of leaves in a tree of `size`, with their audit paths; those that it does not cover
/// are left out.
pub(crate) async fn places(
    reader: &Reader,
    size: u64,
    leaves: &[(LeafKind, String)],
) -> Result<HashMap<(LeafKind, String), Place>, ProveError> {
    let mut indices = reader.places(leaves).await?;
    indices.retain(|_, index| *index < size);
    let path = |index| inclusion_path(index, size).unwrap_or_default();
    let ranges = indices.values().flat_map(|index| path(*index));
    let nodes: HashSet<Node> = ranges.flat_map(|(first, end)| cover(first, end)).collect();
    let hashes = reader.subtrees(&Vec::from_iter(nodes)).await?;
    let place = |(leaf, index)| {
        let proof = range_heads(&path(index), &hashes).ok_or(ProveError::NoHashes)?;
        Ok((leaf, Place { index, proof: proof.into_iter().map(Base64Hash).collect() }))
    };
    indices.into_iter().map(place).collect()
}

// === impl DecisionId ===

impl DecisionId {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for DecisionId {
    type Err = NoDecisionId;

    fn from_str(text: &str) -> Result<DecisionId, NoDecisionId> {
        let id = text.trim();
        id_unix_ms(id).map(|_| DecisionId(id.to_owned())).ok_or(NoDecisionId)
    }
}
