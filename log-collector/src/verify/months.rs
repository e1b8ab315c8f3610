//! Rows that went with the partition of their month: one finding for all of them, so that a month
//! that was moved elsewhere hides nothing else.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::findings::Finding;
use super::page::Slot;
use crate::ledger::LeafKind;
use crate::store::audit::Partition;

/// A century of two tables. Further months would be made up, and are named record by record.
const MONTHS_MAX: usize = 2_400;

/// The months that are missing.
#[derive(Default)]
pub struct Months {
    partitions: Vec<Partition>,
    missing: BTreeMap<(LeafKind, String), Missing>,
}

/// Records of a month.
struct Missing {
    index: Option<u64>,
    first: String,
    table: &'static str,
    others: u64,
}

// === impl Months ===

impl Months {
    /// With the partitions that there are.
    pub fn new(partitions: Vec<Partition>) -> Months {
        Months { partitions, missing: BTreeMap::new() }
    }

    /// Takes a leaf whose row is not in its table; false where no partition is missing.
    pub fn take(&mut self, slot: &Slot, table: &'static str) -> bool {
        let id = slot.reference.as_str();
        let monthly = matches!(slot.kind, LeafKind::Intent | LeafKind::Outcome);
        let holds = |part: &Partition| {
            part.kind == slot.kind && part.low.as_str() <= id && id < part.high.as_str()
        };
        if !monthly || self.partitions.iter().any(holds) {
            return false;
        }
        let Some(month) = month(id) else { return false };
        let key = (slot.kind, month);
        if let Some(missing) = self.missing.get_mut(&key) {
            missing.others += 1;
            return true;
        }
        let room = self.missing.len() < MONTHS_MAX;
        if room {
            let (index, first) = (slot.index, slot.reference.clone());
            self.missing.insert(key, Missing { index, first, table, others: 0 });
        }
        room
    }

    /// One for each month.
    pub fn findings(&mut self) -> Vec<Finding> {
        let missing = std::mem::take(&mut self.missing).into_iter();
        let finding = |((kind, month), missing): ((LeafKind, String), Missing)| {
            let Missing { index, first, table, others } = missing;
            let what = format!(
                "its row and those of {others} others of {month} are not in {table}, which has no \
                 partition of that month: it was detached or dropped"
            );
            Finding::of(index, kind, &first, what)
        };
        missing.map(finding).collect()
    }
}

/// A decision's id begins with its Unix milliseconds: `2026-08`.
fn month(id: &str) -> Option<String> {
    let millis = i64::from_str_radix(id.strip_prefix("d-")?.get(..12)?, 16).ok()?;
    let time = Timestamp::from_millisecond(millis).ok()?.to_string();
    time.get(..7).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    fn slot(kind: LeafKind, index: u64, reference: &str) -> Slot {
        Slot {
            index: Some(index),
            kind,
            reference: reference.to_owned(),
            hash: [0; 32],
            created_at: SystemTime::UNIX_EPOCH,
            seen: false,
        }
    }

    #[test]
    fn rows_of_a_missing_month_are_one_finding_and_others_are_not_taken() {
        let part = |kind, low: &str, high: &str| Partition {
            kind,
            low: low.to_owned(),
            high: high.to_owned(),
        };
        // The first quarter of 2026, but for March among the outcomes.
        let parts = vec![
            part(LeafKind::Outcome, "d-019b76daa800", "d-019c167fcc00"),
            part(LeafKind::Outcome, "d-019c167fcc00", "d-019ca6b1dc00"),
            part(LeafKind::Intent, "d-019b76daa800", "d-019d46570000"),
        ];
        let mut months = Months::new(parts);
        let march = |n: u32| format!("d-019cf0000000700080000000{n:08}");
        for n in 0..1_000 {
            assert!(months.take(&slot(LeafKind::Outcome, 40 + u64::from(n), &march(n)), "t"));
        }
        let february = "d-019c50000000700080000000000000";
        let others = [
            slot(LeafKind::Outcome, 1, february),
            slot(LeafKind::Intent, 1, &march(0)),
            slot(LeafKind::Delivery, 1, &march(0)),
            slot(LeafKind::Outcome, 1, "made up"),
        ];
        assert!(!others.iter().any(|slot| months.take(slot, "t")));
        let findings: Vec<String> = months.findings().iter().map(ToString::to_string).collect();
        let expected = format!(
            "outcome {} (leaf 40): its row and those of 999 others of 2026-03 are not in t, which \
             has no partition of that month: it was detached or dropped",
            march(0)
        );
        assert_eq!(findings, [expected]);
    }

    #[test]
    fn months_that_are_made_up_take_no_memory() {
        let mut months = Months::default();
        let step = 32 * 86_400_000_u64;
        let taken = (0..3_000_u64)
            .filter(|n| {
                months.take(&slot(LeafKind::Outcome, *n, &format!("d-{:012x}", n * step)), "t")
            })
            .count();
        assert_eq!(taken, MONTHS_MAX);
    }
}
