//! Reads a bundle's folder and checks all of it, in memory that does not grow with its length: a
//! line at a time, and the names of its policies.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{
    BundleError, CHECKPOINT, LineError, MANIFEST, Manifest, POLICIES, PolicyError, RECORDS,
    RecordLine, Shown, policy_file,
};
use crate::ledger::LeafKind;
use crate::ledger::contents::Content;
use crate::ledger::note::{Checkpoint, NOTE_BYTES_MAX, VerifierKey};
use crate::ledger::proof::check_inclusion;
use crate::ledger::tree::{Frontier, Hash, cover, leaf_hash};
use crate::ledger::trust::open_checkpoint;

/// A hundred thousand policies.
const MANIFEST_BYTES_MAX: u64 = 256 << 20;

/// A record of 256 KiB and its summaries, however escaped.
const LINE_BYTES_MAX: u64 = 2 << 20;

/// The collector takes no longer one.
const POLICY_BYTES_MAX: u64 = 1 << 20;

/// Checks a folder, from the one key that is trusted.
pub fn verify(folder: &Path, trusted: &VerifierKey) -> Result<Shown, BundleError> {
    let manifest = Manifest::parse(&read(&folder.join(MANIFEST), MANIFEST_BYTES_MAX)?)?;
    // A note's bound is far below what a usize holds.
    let note = read(&folder.join(CHECKPOINT), NOTE_BYTES_MAX as u64)?;
    let note = String::from_utf8(note).map_err(|_| crate::ledger::note::NoteError::Note)?;
    let signed = open_checkpoint(trusted, &manifest.keys, &note)?;
    let policies = check_policies(folder, &manifest, &signed.checkpoint)?;
    let path = folder.join(RECORDS);
    let file = File::open(&path);
    let file = file.map_err(|source| BundleError::Io { path: path.clone(), source })?;
    let lines = (path.as_path(), BufReader::new(file));
    let counts = check(&manifest, &signed.checkpoint, &policies, lines)?;
    Ok(Shown { manifest, signed, counts })
}

/// Checks lines, which are of the file named, against a head; how many there are of each kind.
/// Pure, if `lines` is.
pub fn check(
    manifest: &Manifest,
    checkpoint: &Checkpoint,
    policies: &BTreeMap<String, Hash>,
    (path, lines): (&Path, impl BufRead),
) -> Result<[u64; LeafKind::ALL.len()], BundleError> {
    let mut reading = Reading {
        path,
        manifest,
        policies,
        tree: start(manifest, checkpoint)?,
        named: BTreeSet::new(),
        counts: [0; LeafKind::ALL.len()],
    };
    reading.read_lines(lines)?;
    let Reading { mut tree, named, counts, .. } = reading;
    if let Some(version) = policies.keys().find(|version| !named.contains(*version)) {
        return Err(bad_policy(version, PolicyError::Unnamed));
    }
    let right = cover(manifest.end_index, checkpoint.size);
    for (node, hash) in right.into_iter().zip(&manifest.right) {
        if !tree.push_subtree(node.level, hash.0) {
            return Err(BundleError::Range);
        }
    }
    if tree.size() != checkpoint.size || tree.root() != checkpoint.root {
        return Err(BundleError::Root);
    }
    Ok(counts)
}

/// The tree left of the range.
fn start(manifest: &Manifest, checkpoint: &Checkpoint) -> Result<Frontier, BundleError> {
    let (first, end) = (manifest.first_index, manifest.end_index);
    let fits = first <= end
        && end <= checkpoint.size
        && cover(end, checkpoint.size).len() == manifest.right.len();
    let left = manifest.left.iter().map(|hash| hash.0).collect();
    let tree = if fits { Frontier::from_parts(first, left) } else { None };
    tree.ok_or(BundleError::Range)
}

/// Every policy of the manifest against its file and the checkpoint; the leaf hash of each.
fn check_policies(
    folder: &Path,
    manifest: &Manifest,
    checkpoint: &Checkpoint,
) -> Result<BTreeMap<String, Hash>, BundleError> {
    let mut policies = BTreeMap::new();
    let folder = folder.join(POLICIES);
    let mut before = "";
    for place in &manifest.policies {
        let version = place.version.as_str();
        if before >= version || !crate::ingest::line::is_policy_version(version) {
            return Err(bad_policy(version, PolicyError::Unnamed));
        }
        before = version;
        let text = read(&folder.join(policy_file(version)), POLICY_BYTES_MAX)?;
        if Content::read(LeafKind::Policy, &text) != Ok(Content::Policy(version.to_owned())) {
            return Err(bad_policy(version, PolicyError::Altered));
        }
        let leaf = leaf_hash(&text);
        check_inclusion(leaf, place.index, &place.proof, checkpoint)
            .map_err(|_| bad_policy(version, PolicyError::NotIncluded))?;
        policies.insert(version.to_owned(), leaf);
    }
    let io = |source| BundleError::Io { path: folder.clone(), source };
    for entry in std::fs::read_dir(&folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
        let known = name.strip_suffix(".yml").map(|digits| format!("sha256:{digits}"));
        if !known.is_some_and(|version| policies.contains_key(&version)) {
            return Err(BundleError::Policy { name, problem: PolicyError::Extra });
        }
    }
    Ok(policies)
}

fn bad_policy(version: &str, problem: PolicyError) -> BundleError {
    BundleError::Policy { name: crate::ledger::proof::plain(&policy_file(version)), problem }
}

/// The lines of a bundle, as they are read.
struct Reading<'a> {
    path: &'a Path,
    manifest: &'a Manifest,
    policies: &'a BTreeMap<String, Hash>,
    tree: Frontier,
    named: BTreeSet<String>,
    counts: [u64; LeafKind::ALL.len()],
}

// === impl Reading ===

impl Reading<'_> {
    fn read_lines(&mut self, mut lines: impl BufRead) -> Result<(), BundleError> {
        let path = self.path;
        let io = |source| BundleError::Io { path: path.to_owned(), source };
        let mut bytes = Vec::new();
        let mut number = 0;
        loop {
            bytes.clear();
            let read = lines.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut bytes);
            number += 1;
            if read.map_err(io)? == 0 {
                break;
            }
            self.take(&bytes).map_err(|problem| BundleError::Line { number, problem })?;
        }
        let next = self.tree.size();
        if next == self.manifest.end_index {
            return Ok(());
        }
        Err(BundleError::Line { number, problem: LineError::Missing(next) })
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), LineError> {
        let json = bytes.strip_suffix(b"\n").ok_or(LineError::Json)?;
        let line = RecordLine::parse(json)?;
        let expected = self.tree.size();
        if expected == self.manifest.end_index {
            return Err(LineError::Extra(expected));
        }
        if line.index != expected {
            return Err(LineError::Index { expected, found: line.index });
        }
        line.committed_at.parse::<Timestamp>().map_err(|_| LineError::Time)?;
        let version = if line.kind == LeafKind::Policy {
            Some(self.check_policy_line(&line)?)
        } else {
            check_record_line(&line)?.policy_version().map(str::to_owned)
        };
        if let Some(version) = version
            && !self.named.contains(&version)
        {
            if !self.policies.contains_key(&version) {
                return Err(LineError::NoPolicy);
            }
            self.named.insert(version);
        }
        let at = LeafKind::ALL.into_iter().position(|kind| kind == line.kind);
        if let Some(count) = at.and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
        self.tree.push(line.leaf.0, |_, _| ());
        Ok(())
    }

    fn check_policy_line(&self, line: &RecordLine) -> Result<String, LineError> {
        if line.record.is_some() || line.summaries.is_some() {
            return Err(LineError::Text);
        }
        match self.policies.get(&line.reference) {
            None => Err(LineError::NoPolicy),
            Some(leaf) if *leaf == line.leaf.0 => Ok(line.reference.clone()),
            Some(_) => Err(LineError::Altered),
        }
    }
}

fn check_record_line(line: &RecordLine) -> Result<Content, LineError> {
    let record = line.record.as_deref().ok_or(LineError::Text)?;
    if leaf_hash(record.as_bytes()) != line.leaf.0 {
        return Err(LineError::Altered);
    }
    let content = Content::read(line.kind, record.as_bytes())?;
    content.check_reference(&line.reference)?;
    if let Some(summaries) = &line.summaries {
        content.check_summaries(line.kind, summaries)?;
    }
    Ok(content)
}

/// A whole file, unless it is too long.
fn read(path: &PathBuf, bytes_max: u64) -> Result<Vec<u8>, BundleError> {
    let io = |source| BundleError::Io { path: path.clone(), source };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(io)?;
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(io)?;
    if u64::try_from(bytes.len()).map_err(|_| io(ErrorKind::FileTooLarge.into()))? > bytes_max {
        return Err(BundleError::TooLong(path.clone()));
    }
    Ok(bytes)
}
