//! What the policies say of a request or an answer, as others see it. Made in `judge`.

use crate::record::{HoldAsk, Triggered};

/// What the policies say of one phase of an exchange. The default: nothing fired.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// Every policy that fired or could not be evaluated, in the order of the file.
    pub triggered: Vec<Triggered>,
    /// The first enforced `deny`.
    pub denial: Option<Denial>,
    /// What must be approved before the call goes on; of a call that nothing refuses.
    pub holding: Option<Holding>,
}

/// A refusal, as the caller is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The policy that refused.
    pub policy: String,
    /// Which policy, why, and what to use instead. Never anything of the prompt.
    pub message: String,
}

/// What holds a call until a person approves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// What the collector is asked.
    pub ask: HoldAsk,
    /// What the first of the policies tells the caller. Key: `message`.
    pub message: Option<String>,
}

// === impl Holding ===

impl Holding {
    /// What the caller of a held call is told.
    pub fn told(&self) -> String {
        let default = "a person must approve this call; \
                       send the same request again once it is approved";
        self.message.clone().unwrap_or_else(|| default.to_owned())
    }
}
