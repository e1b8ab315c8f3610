//! A body as it arrives: kept within the VM's budget, dropped after it was read.

use std::cell::Cell;
use std::rc::Rc;

/// Bytes of bodies that one VM may keep at a time, shared by all its exchanges.
#[derive(Clone, Debug)]
pub struct Budget {
    left: Rc<Cell<usize>>,
}

/// The bytes of one body, as far as they are wanted and fit.
#[derive(Debug)]
pub struct Body {
    kept: Vec<u8>,
    charged: usize,
    budget: Budget,
}

/// Bytes in use that stand apart from a body; given back when dropped.
#[derive(Debug)]
pub struct Charge {
    charged: usize,
    budget: Budget,
}

/// There is no room for these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverBudget;

// === impl Budget ===

impl Budget {
    /// A budget of so many bytes.
    pub fn new(bytes: usize) -> Budget {
        Budget { left: Rc::new(Cell::new(bytes)) }
    }

    /// Takes what is in use already, as far as there is room: nothing can be refused any more.
    pub fn charge(&self, bytes: usize) -> Charge {
        let mut charge = Charge { charged: 0, budget: self.clone() };
        charge.resize(bytes);
        charge
    }
}

// === impl Body ===

impl Body {
    /// An empty body that charges `budget`.
    pub fn new(budget: &Budget) -> Body {
        Body { kept: Vec::new(), charged: 0, budget: budget.clone() }
    }

    /// Keeps more bytes. The first chunk is taken over as it is, so that the usual body of one
    /// chunk is copied into the VM once.
    pub fn push(&mut self, bytes: Vec<u8>) -> Result<(), OverBudget> {
        let wanted = self.kept.len() + bytes.len();
        // Growth doubles, and what is charged is what is allocated.
        let capacity =
            if wanted <= self.charged { self.charged } else { wanted.max(self.charged * 2) };
        let more = capacity.saturating_sub(self.charged);
        let left = self.budget.left.get();
        if more > left {
            return Err(OverBudget);
        }
        self.budget.left.set(left - more);
        self.charged += more;
        if self.kept.is_empty() {
            self.kept = bytes;
        } else {
            self.kept.reserve_exact(capacity - self.kept.len());
            self.kept.extend_from_slice(&bytes);
        }
        Ok(())
    }

    /// What was kept.
    pub fn as_slice(&self) -> &[u8] {
        &self.kept
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.budget.left.set(self.budget.left.get() + self.charged);
    }
}

// === impl Charge ===

impl Charge {
    /// Bytes that it could be of.
    pub fn room(&self) -> usize {
        self.charged + self.budget.left.get()
    }

    /// Now so many bytes are in use; again as far as there is room.
    pub fn resize(&mut self, bytes: usize) {
        let room = self.room();
        self.charged = bytes.min(room);
        self.budget.left.set(room - self.charged);
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.left.set(self.budget.left.get() + self.charged);
    }
}
