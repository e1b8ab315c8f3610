//! A model of Postgres as far as promises rest on it: committed rows, which survive every crash;
//! `ON CONFLICT DO NOTHING`; the trigger that leaves a pending leaf for every record; the row lock
//! of the ledger's head. A transaction's rows are seen at its commit, and its pending ids are drawn
//! before that, as sequences are.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use governance_filter::record::{AckStatus, Intent, OutcomeKind, sha256_hex};
use log_collector::ingest::line::{Content, Entry};
use log_collector::ledger::LeafKind;
use log_collector::ledger::sequence::{Run, place};
use log_collector::ledger::tree::{Frontier, Hash, leaf_hash};

use crate::Flaw;

/// A record's table and key.
pub type Reference = (LeafKind, String);

/// A committed record.
#[derive(Clone)]
pub struct Row {
    pub record: Vec<u8>,
    pub digest: String,
    pub received_ms: u64,
    pub closed_unknown: bool,
}

/// A leaf on its way into the tree, or in it.
#[derive(Clone)]
pub struct Leaf {
    pub reference: Reference,
    pub hash: Hash,
}

/// A policy that is assumed to be there is not.
#[derive(Debug)]
pub struct ForeignKeyViolation;

/// What is committed.
#[derive(Clone)]
pub struct Database {
    pub flaw: Option<Flaw>,
    rows: BTreeMap<Reference, Row>,
    /// Lines that broke a rule.
    pub refused: usize,
    pending: BTreeMap<u64, Leaf>,
    /// Of transactions that are still open: nobody may see them.
    uncommitted: BTreeMap<u64, Leaf>,
    pending_next: u64,
    pub leaves: Vec<Leaf>,
    sequenced: BTreeSet<Reference>,
    pub frontier: Frontier,
    pub head_locked_by: Option<usize>,
    /// Rows that a restored backup lacks though they had been committed, by their digests.
    pub lost: BTreeMap<Reference, String>,
}

// === impl Database ===

impl Database {
    pub fn new(flaw: Option<Flaw>) -> Database {
        Database {
            flaw,
            rows: BTreeMap::new(),
            refused: 0,
            pending: BTreeMap::new(),
            uncommitted: BTreeMap::new(),
            pending_next: 0,
            leaves: Vec::new(),
            sequenced: BTreeSet::new(),
            frontier: Frontier::default(),
            head_locked_by: None,
            lost: BTreeMap::new(),
        }
    }

    pub fn row(&self, kind: LeafKind, id: &str) -> Option<&Row> {
        self.rows.get(&(kind, id.to_owned()))
    }

    pub fn rows(&self) -> impl Iterator<Item = (&Reference, &Row)> {
        self.rows.iter()
    }

    /// This very record is committed, as what its sender meant it to be or as a late outcome.
    pub fn holds(&self, kind: LeafKind, id: &str, digest: &str) -> bool {
        let is = |kind| self.row(kind, id).is_some_and(|row| row.digest == digest);
        is(kind) || (kind == LeafKind::Outcome && is(LeafKind::LateOutcome))
    }

    /// The same, if only in what a restored backup lacks.
    pub fn ever_held(&self, kind: LeafKind, id: &str, digest: &str) -> bool {
        let was = |kind| self.lost.get(&(kind, id.to_owned())).is_some_and(|lost| lost == digest);
        let late = kind == LeafKind::Outcome && was(LeafKind::LateOutcome);
        was(kind) || late || self.holds(kind, id, digest)
    }

    /// Begins a transaction of these lines; says where its pending ids begin.
    pub fn begin(&mut self, entries: &[&Entry]) -> u64 {
        let first = self.pending_next;
        self.pending_next += entries.len() as u64;
        for (id, entry) in (first..).zip(entries) {
            if let Some(kind) = kind_of(entry) {
                let reference = (kind, entry.decision_id.clone());
                let leaf = Leaf { reference, hash: leaf_hash(entry.bytes()) };
                self.uncommitted.insert(id, leaf);
            }
        }
        first
    }

    pub fn roll_back(&mut self, first: u64, lines: usize) {
        self.uncommitted.retain(|id, _| *id < first || *id >= first + lines as u64);
    }

    /// Commits a transaction. `assumed` are policies of which the collector does not ask.
    pub fn commit(
        &mut self,
        first: u64,
        entries: &[&Entry],
        assumed: &HashSet<String>,
        now_ms: u64,
    ) -> Result<Vec<AckStatus>, ForeignKeyViolation> {
        self.roll_back(first, entries.len());
        let keys: HashSet<_> =
            entries.iter().map(|entry| (kind_of(entry), &entry.decision_id)).collect();
        let refused = entries.iter().filter(|entry| kind_of(entry).is_none()).count();
        let distinct = keys.iter().filter(|(kind, _)| kind.is_some()).count();
        assert_eq!(distinct + refused, entries.len(), "a line twice in one transaction");
        let known = |version: &str| self.row(LeafKind::Policy, version).is_some();
        let versions = || entries.iter().filter_map(|entry| entry.policy_version());
        if versions().any(|version| assumed.contains(version) && !known(version)) {
            return Err(ForeignKeyViolation);
        }
        let mut statuses = Vec::new();
        for (id, entry) in (first..).zip(entries) {
            let status = match (kind_of(entry), entry.policy_version()) {
                (Some(kind), Some(version)) => {
                    match self.row(LeafKind::Policy, version).is_some() {
                        true => self.insert_line(id, kind, entry, now_ms),
                        false => AckStatus::UnknownPolicy,
                    }
                }
                _ => {
                    self.refused += 1;
                    AckStatus::Rejected
                }
            };
            statuses.push(status);
        }
        Ok(statuses)
    }

    /// A policy's text, by its version.
    pub fn put_policy(&mut self, version: &str, text: &[u8], now_ms: u64) {
        let id = self.draw();
        self.insert(id, (LeafKind::Policy, version.to_owned()), text, now_ms, false);
    }

    /// Intents without an outcome that were committed so long ago.
    pub fn due(&self, close_after_ms: u64, now_ms: u64) -> Vec<Intent> {
        let open = self.rows.iter().filter(|((kind, id), row)| {
            *kind == LeafKind::Intent
                && row.received_ms + close_after_ms <= now_ms
                && self.row(LeafKind::Outcome, id).is_none()
        });
        open.filter_map(|(_, row)| serde_json::from_slice(&row.record).ok()).collect()
    }

    /// Closes a decision, unless its outcome came meanwhile.
    pub fn close(&mut self, id: &str, record: &[u8], now_ms: u64) -> bool {
        let reference = (LeafKind::Outcome, id.to_owned());
        if self.flaw == Some(Flaw::CloserOverwrites) {
            self.rows.remove(&reference);
        }
        let pending = self.draw();
        self.insert(pending, reference, record, now_ms, true)
    }

    /// What a sequencer sees: pending ids and leaves, oldest first.
    pub fn pending(&self, most: usize) -> Vec<(u64, Leaf)> {
        let dirty = self.flaw == Some(Flaw::SequencesUncommitted);
        let uncommitted = self.uncommitted.iter().filter(|_| dirty);
        let all = self.pending.iter().take(most).chain(uncommitted);
        all.map(|(id, leaf)| (*id, leaf.clone())).collect()
    }

    pub fn pending_is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// A sequencer's transaction: these pending rows become leaves behind the head it read.
    pub fn append(&mut self, batch: &[(u64, Leaf)], head: &Frontier) {
        for (id, leaf) in batch {
            let there = self.rows.get(&leaf.reference).map(|row| leaf_hash(&row.record));
            assert_eq!(there, Some(leaf.hash), "an index before its record: {:?}", leaf.reference);
            assert!(
                self.sequenced.insert(leaf.reference.clone()),
                "two leaves: {:?}",
                leaf.reference
            );
            self.pending.remove(id);
        }
        self.leaves.truncate(head.size() as usize);
        self.leaves.extend(batch.iter().map(|(_, leaf)| leaf.clone()));
        self.frontier = head.clone();
        let run = |(id, leaf): &(u64, Leaf)| Run {
            pending_id: i64::try_from(*id).unwrap_or(i64::MAX),
            hashes: vec![leaf.hash],
        };
        let placed = place(&mut self.frontier, &batch.iter().map(run).collect::<Vec<_>>());
        let places: Vec<u64> = placed.firsts.iter().map(|(_, first)| *first).collect();
        let expected: Vec<u64> = (head.size()..head.size() + batch.len() as u64).collect();
        assert_eq!(places, expected, "indices with a gap");
    }

    /// An older state, and which rows it lacks.
    pub fn restore(&mut self, backup: &Database) {
        let mut restored = backup.clone();
        let lost = self.rows.iter().filter(|(reference, _)| !backup.rows.contains_key(*reference));
        let lost = lost.map(|(reference, row)| (reference.clone(), row.digest.clone()));
        restored.lost = self.lost.clone().into_iter().chain(lost).collect();
        restored.uncommitted.clear();
        restored.head_locked_by = None;
        *self = restored;
    }

    fn insert_line(&mut self, id: u64, kind: LeafKind, entry: &Entry, now_ms: u64) -> AckStatus {
        let reference = (kind, entry.decision_id.clone());
        if self.insert(id, reference, entry.bytes(), now_ms, false) {
            return AckStatus::Committed;
        }
        match self.row(kind, &entry.decision_id) {
            Some(known) if known.digest == entry.digest => AckStatus::Duplicate,
            Some(known) if known.closed_unknown => {
                assert_eq!(kind, LeafKind::Outcome, "only a decision is closed");
                match self.flaw {
                    Some(Flaw::ForgetsLateOutcomes) => AckStatus::Committed,
                    _ => self.insert_line(id, LeafKind::LateOutcome, entry, now_ms),
                }
            }
            Some(_) | None => panic!("{:?} {} came with other bytes", kind, entry.decision_id),
        }
    }

    fn insert(
        &mut self,
        pending: u64,
        reference: Reference,
        record: &[u8],
        now_ms: u64,
        closed_unknown: bool,
    ) -> bool {
        if self.rows.contains_key(&reference) {
            return false;
        }
        let digest = sha256_hex(record);
        let row = Row { record: record.to_vec(), digest, received_ms: now_ms, closed_unknown };
        let leaf = Leaf { reference: reference.clone(), hash: leaf_hash(record) };
        self.rows.insert(reference, row);
        self.pending.insert(pending, leaf);
        true
    }

    fn draw(&mut self) -> u64 {
        self.pending_next += 1;
        self.pending_next - 1
    }
}

fn kind_of(entry: &Entry) -> Option<LeafKind> {
    match &entry.content {
        Content::Intent(..) => Some(LeafKind::Intent),
        Content::Outcome(outcome, ..) => {
            assert_ne!(outcome.outcome, OutcomeKind::Unknown, "the collector's own word");
            Some(LeafKind::Outcome)
        }
        Content::Delivery(..) => Some(LeafKind::Delivery),
        Content::Refused(_) => None,
    }
}
