//! What happened in a run: counted for all runs, told event by event where one seed is run alone.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Write;

/// How often each event happened.
pub type Tally = BTreeMap<&'static str, u64>;

/// The journal of one run.
#[derive(Default)]
pub struct Journal {
    tally: RefCell<Tally>,
    tells: bool,
}

// === impl Journal ===

impl Journal {
    pub fn new(tells: bool) -> Journal {
        Journal { tally: RefCell::default(), tells }
    }

    /// Notes an event. What happened to whom is only asked for where somebody reads it.
    pub fn note(&self, event: &'static str, detail: impl FnOnce() -> String) {
        *self.tally.borrow_mut().entry(event).or_default() += 1;
        if self.tells {
            // Around the test harness, which keeps the output of what passes to itself.
            let _ = writeln!(std::io::stderr(), "{event}: {}", detail());
        }
    }

    pub fn tally(&self) -> Tally {
        self.tally.borrow().clone()
    }
}
