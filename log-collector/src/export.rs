//! `log-collector export`: an auditor's bundle, the folder that `ledger::bundle` describes. Reads a
//! few hundred leaves at a time, so memory does not grow with the span.

use std::collections::{BTreeSet, HashMap};
use std::fs::{File, create_dir};
use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::config::DatabaseArgs;
use crate::ledger::LeafKind;
use crate::ledger::bundle::{
    CHECKPOINT, FORMAT, MANIFEST, Manifest, POLICIES, PolicyPlace, RECORDS, RecordLine, policy_file,
};
use crate::ledger::contents::Content;
use crate::ledger::proof::Base64Hash;
use crate::ledger::tree::{Node, cover};
use crate::policy::moment::{Moment, time};
use crate::prove::{ProveError, open, places, write_new};
use crate::store::proofs::{Leaf, Stored};
use crate::store::reader::Reader;

/// A page is read by its keys; finding the span may read all of it.
const PATIENCE: Duration = Duration::from_secs(600);

/// Leaves of one page: 64 MiB of the longest records.
const PAGE: u64 = 256;

/// Policies that are proven at once.
const POLICIES_PAGE: usize = 64;

const README: &str = include_str!("export/bundle.md");

const EXIT_CODES: &str = "\
Use a login that is granted `governance_reader`. `log-collector verify-proof` checks the folder.

Exit codes:
  0  exported
  1  nothing was committed then, no checkpoint covers it yet, or no database that answers
  2  the arguments make no sense
  3  exported, but for records of that span that no checkpoint covers yet";

/// What `export` is asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct ExportArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// From when, such as 2026-03-15T12:00Z, by the time of commit; a date alone means 00:00Z.
    #[arg(long, value_name = "TIME")]
    since: Moment,
    /// Until when; that instant is not in it.
    #[arg(long, value_name = "TIME")]
    until: Moment,
    /// The folder to make. Must not exist.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// As for one decision.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// Times in the wrong order, or an idle ledger.
    #[error("no record was committed from {since} until {until}")]
    Nothing {
        /// As asked.
        since: String,
        /// As asked.
        until: String,
    },
    /// A leaf without its record.
    #[error(
        "the record of leaf {index} ({} {reference}) is gone; run `log-collector verify` to find \
         out more",
        .kind.as_str()
    )]
    Gone {
        /// Its place.
        index: u64,
        /// What it was.
        kind: LeafKind,
        /// Whose.
        reference: String,
    },
}

/// What was exported.
pub struct Exported {
    /// What to print.
    pub told: String,
    /// Whether every record of the span is in it.
    pub whole: bool,
}

/// A bundle under way.
struct Export<'a> {
    reader: &'a Reader,
    folder: &'a Path,
    size: u64,
    first: u64,
    end: u64,
    /// The policies that records name.
    named: BTreeSet<String>,
}

/// Makes the folder.
pub async fn run(args: ExportArgs) -> Result<Exported, ExportError> {
    let reader = open(args.database, PATIENCE).await?;
    let asked = (args.since.timestamp().to_string(), args.until.timestamp().to_string());
    let (since, until) = (args.since.system_time(), args.until.system_time());
    // Before the leaves: what gets its place in between is counted and not missed.
    let pending = reader.pending(since, until).await.map_err(ProveError::from)?;
    let range = reader.range(since, until).await.map_err(ProveError::from)?;
    let nothing = || match pending {
        0 => ExportError::Nothing { since: asked.0.clone(), until: asked.1.clone() },
        _ => ProveError::Pending("those records".to_owned()).into(),
    };
    let (first, found_end) = range.ok_or_else(nothing)?;
    let checkpoint = reader.checkpoint().await.map_err(ProveError::from)?;
    let (size, note) = checkpoint
        .filter(|(size, _)| *size > first)
        .ok_or_else(|| ProveError::Pending("those records".to_owned()))?;
    let end = found_end.min(size);
    let folder = args.output.as_path();
    create_dir(folder).map_err(io(folder))?;
    let named = BTreeSet::new();
    let mut export = Export { reader: &reader, folder, size, first, end, named };
    export.write_records().await?;
    let policies = export.write_policies().await?;
    let (left, right) = export.sides().await?;
    let manifest = Manifest {
        governance_bundle: FORMAT,
        since: asked.0,
        until: asked.1,
        first_index: first,
        end_index: end,
        left,
        right,
        policies,
        keys: reader.key_records().await.map_err(ProveError::from)?,
    };
    write_new(&folder.join(CHECKPOINT), note.as_bytes())?;
    write_new(&folder.join("README.md"), README.as_bytes())?;
    // Our own types: no maps with other than string keys, no I/O.
    let mut text = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    text.push(b'\n');
    write_new(&folder.join(MANIFEST), &text)?;
    let mut told = format!("{} leaves, from {first} to {}", end - first, end - 1);
    let uncovered = found_end - end + pending;
    if uncovered > 0 {
        told.push_str(&format!("; no checkpoint covers the {uncovered} after them yet"));
    }
    told.push('\n');
    Ok(Exported { told, whole: uncovered == 0 })
}

// === impl Export ===

impl Export<'_> {
    async fn write_records(&mut self) -> Result<(), ExportError> {
        let path = self.folder.join(RECORDS);
        let mut file = BufWriter::new(File::create_new(&path).map_err(io(&path))?);
        let shown = std::io::stderr().is_terminal();
        let mut at = self.first;
        while at < self.end {
            let next = self.end.min(at + PAGE);
            let leaves = self.reader.leaves(at, next).await.map_err(ProveError::from)?;
            if u64::try_from(leaves.len()) != Ok(next - at) {
                return Err(ProveError::NoHashes.into());
            }
            let mut stored = self.read_stored(&leaves).await?;
            for leaf in leaves {
                let found = stored.remove(&(leaf.kind, leaf.reference.clone()));
                let mut json = serde_json::to_vec(&self.line(leaf, found)?).unwrap_or_default();
                json.push(b'\n');
                file.write_all(&json).map_err(io(&path))?;
            }
            at = next;
            if shown {
                let done = (at - self.first) * 100 / (self.end - self.first);
                eprint!("\r{done:>3} % of {} leaves", self.end - self.first);
            }
        }
        if shown {
            eprintln!();
        }
        let file = file.into_inner().map_err(|e| io(&path)(e.into_error()))?;
        Ok(file.sync_all().map_err(io(&path))?)
    }

    /// The records of a page, a statement a kind.
    async fn read_stored(
        &self,
        leaves: &[Leaf],
    ) -> Result<HashMap<(LeafKind, String), Stored>, ProveError> {
        let mut all = HashMap::new();
        for kind in LeafKind::ALL {
            let of_kind = leaves.iter().filter(|leaf| leaf.kind == kind);
            let references: Vec<String> = of_kind.map(|leaf| leaf.reference.clone()).collect();
            // A policy's text is read when its file is written.
            if !references.is_empty() && kind != LeafKind::Policy {
                let stored = self.reader.stored(kind, &references).await?;
                all.extend(stored.into_iter().map(|(of, stored)| ((kind, of), stored)));
            }
        }
        Ok(all)
    }

    fn line(&mut self, leaf: Leaf, stored: Option<Stored>) -> Result<RecordLine, ExportError> {
        let Leaf { index, kind, reference, hash, committed_at } = leaf;
        let (record, summaries) = if kind == LeafKind::Policy {
            self.named.insert(reference.clone());
            (None, None)
        } else {
            let Some(stored) = stored else {
                return Err(ExportError::Gone { index, kind, reference });
            };
            // What cannot be read is written as it is; who verifies is told of it.
            let version = Content::read(kind, &stored.record).ok();
            let version = version.as_ref().and_then(Content::policy_version);
            self.named.extend(version.map(str::to_owned));
            let what = || ProveError::NotText(format!("leaf {index}"));
            (Some(String::from_utf8(stored.record).map_err(|_| what())?), stored.summaries)
        };
        let committed_at = time(committed_at);
        let leaf = Base64Hash(hash);
        Ok(RecordLine { index, leaf, kind, reference, committed_at, record, summaries })
    }

    async fn write_policies(&self) -> Result<Vec<PolicyPlace>, ExportError> {
        let folder = self.folder.join(POLICIES);
        create_dir(&folder).map_err(io(&folder))?;
        let named: Vec<&String> = self.named.iter().collect();
        let mut policies = Vec::new();
        for page in named.chunks(POLICIES_PAGE) {
            let wanted: Vec<_> =
                page.iter().map(|version| (LeafKind::Policy, (*version).clone())).collect();
            let mut places = places(self.reader, self.size, &wanted).await?;
            for leaf in wanted {
                let place = places.remove(&leaf);
                let version = leaf.1;
                let place =
                    place.ok_or_else(|| ProveError::Pending(format!("policy {version}")))?;
                let text = self.reader.policy_text(&version).await.map_err(ProveError::from)?;
                let file = folder.join(policy_file(&version));
                write_new(&file, &text.unwrap_or_default())?;
                policies.push(PolicyPlace { version, index: place.index, proof: place.proof });
            }
        }
        Ok(policies)
    }

    /// The hashes left and right of the range.
    async fn sides(&self) -> Result<(Vec<Base64Hash>, Vec<Base64Hash>), ProveError> {
        let (left, right) = (cover(0, self.first), cover(self.end, self.size));
        let hashes = self.reader.subtrees(&[left.as_slice(), &right].concat()).await?;
        let side = |nodes: Vec<Node>| -> Option<Vec<Base64Hash>> {
            nodes.iter().map(|node| hashes.get(node).copied().map(Base64Hash)).collect()
        };
        side(left).zip(side(right)).ok_or(ProveError::NoHashes)
    }
}

fn io(path: &Path) -> impl Fn(std::io::Error) -> ProveError {
    move |source| ProveError::Io { path: path.to_owned(), source }
}
