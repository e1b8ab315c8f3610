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

    /// The first few.
    pub fn shown(&self) -> &[Finding] {
        &self.shown
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.total
    }
}
