//! What can be wrong with a single value or the number of them: what its key takes, what was found.

use std::fmt;

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueProblem {
    /// No time by RFC 3339.
    Time { found: String },
    /// No span of time, or one outside its range.
    Span { range: &'static str, found: String },
    /// A number outside its range.
    Number { found: String, max: usize },
    /// No name of an environment variable. It is not repeated: it might be the key itself.
    Variable,
    /// A list with too few or too many items.
    Count { found: usize, min: usize, max: usize },
    /// No name that a category can have.
    Category { found: String },
    /// A category of the policy's own with the name of another.
    BuiltInCategory { name: String },
    /// A phrase that cannot be looked for.
    Phrase { found: String },
}

impl fmt::Display for ValueProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ValueProblem as V;
        match self {
            V::Time { found } => {
                write!(f, "expected a time like `2026-03-15T12:00:00Z`, found `{found}`")
            }
            V::Span { range, found } => {
                write!(f, "expected a span of time {range}, found `{found}`")
            }
            V::Number { found, max } => {
                write!(f, "expected a whole number from 0 to {max}, found `{found}`")
            }
            V::Variable => {
                write!(
                    f,
                    "expected the name of an environment variable, of letters, digits and `_`"
                )
            }
            V::Count { found, min, max } => {
                write!(f, "expected {min} to {max} entries, found {found}")
            }
            V::Category { found } => write!(
                f,
                "expected a name of at most 64 small letters, digits, `_` and `-`, found `{found}`"
            ),
            V::BuiltInCategory { name } => {
                write!(f, "`{name}` is built in, a category needs its own name")
            }
            V::Phrase { found } => write!(
                f,
                "expected 2 to 64 characters, 1 to 8 words of letters and digits, found `{found}`"
            ),
        }
    }
}
