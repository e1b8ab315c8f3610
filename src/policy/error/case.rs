//! What can be wrong with a case of a policy's tests beside its facts.

use std::fmt;

/// What is wrong with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CaseProblem {
    /// Nothing happens in it, or two things do.
    Facts,
    /// It cannot fail.
    NothingExpected,
}

impl fmt::Display for CaseProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseProblem::Facts => {
                write!(f, "expected either `exchange`, or `request` and perhaps `answer`")
            }
            CaseProblem::NothingExpected => {
                write!(f, "`expect`: expected at least one key, a case without one cannot fail")
            }
        }
    }
}
