//! What was found to be wrong: the first few in the order of the ledger, and how many there are.

use std::fmt;

use crate::ledger::LeafKind;

/// Beside the first, so many are shown.
const SHOWN_MAX: usize = 21;

/// Something that was altered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Of which leaf; `None` where it is of none.
    pub index: Option<u64>,
    /// Of what kind of record, and which.
    pub record: Option<(LeafKind, String)>,
    /// What is wrong.
    pub what: String,
}

/// All of them, in constant memory.
#[derive(Debug, Default)]
pub struct Findings {
    shown: Vec<Finding>,
    total: u64,
}

// === impl Finding ===

impl Finding {
    /// Of the ledger as a whole.
    pub fn whole(what: String) -> Finding {
        Finding { index: None, record: None, what }
    }

    /// Of a record.
    pub fn of(index: Option<u64>, kind: LeafKind, reference: &str, what: String) -> Finding {
        Finding { index, record: Some((kind, reference.to_owned())), what }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.record, self.index) {
            (Some((kind, reference)), Some(index)) => {
                write!(f, "{} {reference} (leaf {index}): {}", kind.as_str(), self.what)
            }
            (Some((kind, reference)), None) => {
                write!(f, "{} {reference}: {}", kind.as_str(), self.what)
            }
            (None, _) => f.write_str(&self.what),
        }
    }
}

// === impl Findings ===

impl Findings {
    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.total += 1;
        if self.shown.len() < SHOWN_MAX {
            self.shown.push(finding);
        }
    }

    /// Adds one that was found late, where the order of the ledger has it.
    pub fn insert(&mut self, finding: Finding) {
        self.total += 1;
        let behind = |other: &Finding| other.index > finding.index;
        let at = self.shown.iter().position(behind).unwrap_or(self.shown.len());
        self.shown.insert(at, finding);
        self.shown.truncate(SHOWN_MAX);
    }

    /// The first few.
    pub fn shown(&self) -> &[Finding] {
        &self.shown
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finding_that_comes_late_stands_where_the_order_of_the_ledger_has_it() {
        let of = |index| Finding { index, record: None, what: String::new() };
        let mut findings = Findings::default();
        findings.push(of(None));
        (10..40).for_each(|index| findings.push(of(Some(index))));
        findings.insert(of(Some(2)));
        findings.insert(of(Some(35)));
        let shown: Vec<Option<u64>> = findings.shown().iter().map(|f| f.index).collect();
        let expected = [None, Some(2)].into_iter().chain((10..29).map(Some)).collect::<Vec<_>>();
        assert_eq!((shown, findings.total()), (expected, 33));
    }
}
