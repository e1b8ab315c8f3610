//! Leaves whose rows are being looked at, so many at a time: which of them were seen.

use std::time::SystemTime;

use crate::ledger::LeafKind;
use crate::ledger::tree::Hash;
use crate::store::audit::Run;

/// A few thousand leaves.
#[derive(Default)]
pub struct Page {
    /// In the order of the ledger.
    pub slots: Vec<Slot>,
    /// Slots by kind and reference.
    order: Vec<usize>,
}

/// A leaf.
pub struct Slot {
    /// Its place; `None` where it has none yet.
    pub index: Option<u64>,
    /// What it is a leaf of.
    pub kind: LeafKind,
    /// Whose record.
    pub reference: String,
    /// As it is kept.
    pub hash: Hash,
    /// When its record was inserted.
    pub created_at: SystemTime,
    /// Its row was there.
    pub seen: bool,
}

// === impl Page ===

impl Page {
    /// The leaves of runs. Those that make no sense are left out; says which, and why.
    pub fn of(runs: Vec<Run>) -> (Page, Vec<(Option<u64>, String)>) {
        let (mut slots, mut broken) = (Vec::new(), Vec::new());
        for run in runs {
            // None begins below 0; the largest number is no index either.
            let first = run.first.map(|first| u64::try_from(first).unwrap_or(u64::MAX));
            let Some(kind) = LeafKind::parse(&run.kind) else {
                let kind = run.kind.escape_debug();
                broken.push((first, format!("leaves are of the unknown kind `{kind}`")));
                continue;
            };
            if run.refs.len() != run.hashes.len() {
                broken.push((first, "leaves have more references than hashes, or fewer".into()));
                continue;
            }
            for (at, (reference, hash)) in (0..).zip(run.refs.into_iter().zip(run.hashes)) {
                let index = first.map(|first| first.saturating_add(at));
                let created_at = run.created_at;
                slots.push(Slot { index, kind, reference, hash, created_at, seen: false });
            }
        }
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|at| slots.get(*at).map(Slot::key));
        (Page { slots, order }, broken)
    }

    /// The slots of a record: one, unless it has several leaves.
    pub fn find(&mut self, kind: LeafKind, reference: &[u8], mut each: impl FnMut(&mut Slot)) {
        let wanted = (kind, reference);
        let before = |place: &usize| self.slots.get(*place).map(Slot::key) < Some(wanted);
        let mut at = self.order.partition_point(before);
        while let Some(slot) = self.order.get(at).and_then(|place| self.slots.get_mut(*place)) {
            if slot.key() != wanted {
                break;
            }
            each(slot);
            at += 1;
        }
    }
}

// === impl Slot ===

impl Slot {
    fn key(&self) -> (LeafKind, &[u8]) {
        (self.kind, self.reference.as_bytes())
    }
}
