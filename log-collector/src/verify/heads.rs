//! Signed heads of the tree, those held elsewhere and those of the database, against the tree as it
//! grows over the leaves.

use std::collections::VecDeque;
use std::time::SystemTime;

use super::chain::{Chain, Signed};
use super::findings::Finding;
use super::held::{Held, HeldFile};
use super::page::Slot;
use super::verdict::Verdict;
use crate::ledger::LeafKind;
use crate::ledger::note::Checkpoint;
use crate::ledger::tree::Frontier;

/// A leaf behind the last good head: where a wrong one can have begun.
#[derive(Default)]
struct Doubt {
    /// Size of the last good head.
    good: u64,
    /// The leaf behind it.
    first: Option<(LeafKind, String)>,
    /// A head was wrong, and so every later one is.
    forked: bool,
}

/// Heads that the tree does not come to.
#[derive(Default)]
struct Beyond {
    count: u64,
    largest: u64,
}

/// All heads.
pub struct Heads {
    chain: Chain,
    held: Held,
    /// Of the database up to the end of the page.
    kept: VecDeque<Signed>,
    /// Of the database, larger than the tree can become.
    beyond: Beyond,
    by_held: Doubt,
    by_any: Doubt,
    kept_total: u64,
    /// Keys whose leaves the tree holds: a head over them is signed by the newest of them.
    keys: usize,
    covered: u64,
    covered_at: Option<SystemTime>,
    /// Of the oldest record that none of them covers.
    waits_since: Option<SystemTime>,
}

// === impl Beyond ===

impl Beyond {
    fn add(&mut self, signed: &Signed) {
        self.count += 1;
        self.largest = self.largest.max(signed.checkpoint.size);
    }
}

// === impl Doubt ===

impl Doubt {
    fn pushed(&mut self, index: u64, slot: &Slot) {
        if index == self.good {
            self.first = Some((slot.kind, slot.reference.clone()));
        }
    }

    /// Compares a head; `held` says where it is.
    fn compare(&mut self, tree: &Frontier, head: &Checkpoint, held: &str) -> Option<Finding> {
        if self.forked {
            return None;
        }
        if head.root == tree.root() {
            self.good = head.size;
            return None;
        }
        self.forked = true;
        let (good, size) = (self.good, head.size);
        let what = if size - good == 1 {
            format!(
                "its leaf is not the one that the checkpoint of {size} leaves{held} was signed over"
            )
        } else {
            format!(
                "from this leaf to leaf {} the tree is not the one that the checkpoint of {size} \
                 leaves{held} was signed over: leaves were changed, moved, added or removed, and \
                 their rows with them; before this one all is as it was signed; which of them it \
                 is cannot be told, for there is no signature in between",
                size - 1
            )
        };
        Some(Finding { index: Some(good), record: self.first.clone(), what })
    }
}

// === impl Heads ===

impl Heads {
    /// With those that are held elsewhere.
    pub fn new(files: Vec<HeldFile>) -> Heads {
        Heads {
            chain: Chain::default(),
            held: Held::new(files),
            kept: VecDeque::new(),
            beyond: Beyond::default(),
            by_held: Doubt::default(),
            by_any: Doubt::default(),
            kept_total: 0,
            keys: 0,
            covered: 0,
            covered_at: None,
            waits_since: None,
        }
    }

    /// Opens the first that are held. An error is a checkpoint of something else.
    pub fn start(&mut self, chain: Chain) -> Result<Vec<Finding>, String> {
        self.chain = chain;
        self.held.read(&self.chain)
    }

    /// Takes checkpoints of the database that are next to come, up to a size that the tree comes to
    /// with this page. Where there is no tree any more, they are only counted.
    pub fn signed(&mut self, notes: &[(i64, String)], reach: u64, broken: bool) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.kept_total += notes.len() as u64;
        for (size, note) in notes.iter().filter(|_| !broken) {
            let size = u64::try_from(*size).unwrap_or_default();
            let finding = |what: &str| Finding {
                index: Some(size.saturating_sub(1)),
                record: None,
                what: format!("the checkpoint of {size} leaves in the database {what}"),
            };
            match self.chain.open(note) {
                None => findings.push(finding("is signed by none of the ledger's keys")),
                Some(signed) if signed.checkpoint.size != size => {
                    findings.push(finding("states another size"));
                }
                Some(signed) if size > reach => self.beyond.add(&signed),
                Some(signed) => self.kept.push_back(signed),
            }
        }
        findings
    }

    /// The tree has grown by a leaf.
    pub fn pushed(&mut self, tree: &Frontier, slot: &Slot) -> Result<Vec<Finding>, String> {
        let (size, mut findings) = (tree.size(), Vec::new());
        self.keys += usize::from(slot.kind == LeafKind::Key);
        self.waits(slot);
        self.by_held.pushed(size - 1, slot);
        self.by_any.pushed(size - 1, slot);
        let at = |signed: Option<&Signed>| signed.is_some_and(|s| s.checkpoint.size == size);
        let kept = if at(self.kept.front()) { self.kept.pop_front() } else { None };
        if let Some(signed) = &kept {
            findings.extend(self.by_any.compare(tree, &signed.checkpoint, ""));
            findings.extend(self.outdated(signed, "in the database"));
            self.cover(tree, signed, slot);
        }
        while self.held.is_at(size) {
            let (signed, others) = self.held.take(&self.chain)?;
            findings.extend(others);
            let Some(signed) = signed else { break };
            let wrong = self.by_held.compare(tree, &signed.checkpoint, " held elsewhere");
            // Where the database's own head is wrong, too, that says it already, and closer.
            findings.extend(wrong.filter(|_| !self.by_any.forked));
            findings.extend(self.outdated(&signed, "held elsewhere"));
            if kept.is_none() {
                findings.push(Finding::whole(format!(
                    "the checkpoint of {size} leaves is held elsewhere and not in the database: it \
                     was removed"
                )));
            }
            self.cover(tree, &signed, slot);
        }
        Ok(findings)
    }

    /// No checkpoint covers it so far.
    pub fn waits(&mut self, slot: &Slot) {
        let at = slot.created_at;
        self.waits_since = Some(self.waits_since.map_or(at, |since| since.min(at)));
    }

    /// A key signs no head over the leaf of its successor.
    fn outdated(&self, signed: &Signed, place: &str) -> Option<Finding> {
        let size = signed.checkpoint.size;
        (signed.by + 1 < self.keys).then(|| Finding {
            index: Some(size.saturating_sub(1)),
            record: None,
            what: format!(
                "the checkpoint of {size} leaves {place} is signed by a key that was no longer in \
                 force"
            ),
        })
    }

    fn cover(&mut self, tree: &Frontier, signed: &Signed, slot: &Slot) {
        let in_force = signed.by + 1 >= self.keys;
        if in_force && signed.trusted && signed.checkpoint.root == tree.root() {
            self.covered = signed.checkpoint.size;
            self.covered_at = Some(slot.created_at);
            self.waits_since = None;
        }
    }

    /// Says which heads the tree never came to.
    pub fn finish(&mut self, size: u64) -> Result<Vec<Finding>, String> {
        let (mut findings, mut held) = (Vec::new(), Beyond::default());
        loop {
            let (signed, others) = self.held.take(&self.chain)?;
            findings.extend(others);
            let Some(signed) = signed else { break };
            held.add(&signed);
        }
        findings.extend(self.held.finish());
        for signed in self.kept.drain(..) {
            self.beyond.add(&signed);
        }
        let kept = &self.beyond;
        let largest = held.largest;
        match held.count {
            0 => {}
            1 => findings.push(Finding::whole(format!(
                "the tree has {size} leaves, and the checkpoint held elsewhere {largest}: its end \
                 was cut off, or an old backup was restored"
            ))),
            count => findings.push(Finding::whole(format!(
                "the tree has {size} leaves, and {count} checkpoints held elsewhere have more, up \
                 to {largest}: its end was cut off, or an old backup was restored"
            ))),
        }
        let largest = kept.largest;
        match kept.count {
            0 => {}
            1 => findings.push(Finding::whole(format!(
                "the tree has {size} leaves, and a checkpoint in the database {largest}: its end \
                 was cut off"
            ))),
            count => findings.push(Finding::whole(format!(
                "the tree has {size} leaves, and {count} checkpoints in the database have more, up \
                 to {largest}: its end was cut off"
            ))),
        }
        if size > 0 && self.kept_total == 0 {
            findings.push(Finding::whole(format!(
                "the tree has {size} leaves and no checkpoint in the database: they were removed"
            )));
        } else if size > 0 && self.covered == 0 {
            let what = "no part of the tree is signed by a key that follows from a trusted one";
            findings.push(Finding::whole(what.to_owned()));
        }
        Ok(findings)
    }

    /// How far signatures reach.
    pub fn report(&self, verdict: &mut Verdict) {
        verdict.held = self.held.taken();
        verdict.checkpoints = self.kept_total;
        verdict.covered = self.covered;
        verdict.covered_at = self.covered_at;
        verdict.waits_since = self.waits_since;
    }
}

#[cfg(test)]
mod tests;
