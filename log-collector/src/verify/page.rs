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
    /// The leaves of runs. Those of a kind that nobody knows are left out; says which.
    pub fn of(runs: Vec<Run>) -> (Page, Vec<(Option<u64>, String)>) {
        let (mut slots, mut unknown) = (Vec::new(), Vec::new());
        for run in runs {
            let first = run.first.and_then(|first| u64::try_from(first).ok());
            let Some(kind) = LeafKind::parse(&run.kind) else {
                unknown.push((first, run.kind));
                continue;
            };
            for (at, (reference, hash)) in (0..).zip(run.refs.into_iter().zip(run.hashes)) {
                let index = first.map(|first| first + at);
                let created_at = run.created_at;
                slots.push(Slot { index, kind, reference, hash, created_at, seen: false });
            }
        }
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|at| slots.get(*at).map(Slot::key));
        (Page { slots, order }, unknown)
    }

    /// The slots of a record: one, unless it has several leaves.
    pub fn find(&mut self, kind: LeafKind, reference: &[u8], mut each: impl FnMut(&mut Slot)) {
        let wanted = (kind, reference);
        let slots = &self.slots;
        let key = |at: &usize| slots.get(*at).map(Slot::key);
        let from = self.order.partition_point(|at| key(at) < Some(wanted));
        let found = self.order.iter().skip(from);
        let found: Vec<usize> = found.take_while(|at| key(at) == Some(wanted)).copied().collect();
        for at in found {
            if let Some(slot) = self.slots.get_mut(at) {
                each(slot);
            }
        }
    }
}

// === impl Slot ===

impl Slot {
    fn key(&self) -> (LeafKind, &[u8]) {
        (self.kind, self.reference.as_bytes())
    }
}
