//! What looks like a mistake in the written values of a condition, and its sentences: what the
//! value can never be, what was likely meant. Knows no positions.

use std::fmt;

/// What should be looked at in a written value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueWarning {
    /// A category that is not found here, but nearly called as one that is.
    NearCategory { found: String, nearest: String },
    /// A category that only a client could name, where no client is asked.
    UnfoundCategory { found: String, nearest: Option<String> },
    /// A category with capitals.
    CategoryCase { found: String },
    /// A text that no category is called.
    NoCategory { found: String },
    /// A pattern where a text is compared as it is.
    PatternAsText { name: String, pattern: String, mark: char },
    /// A pattern in `allowed`.
    PatternApproved { pattern: String, mark: char },
    /// A number that the variable never reaches.
    OutOfRange { comparison: String, name: String, range: &'static str, always: bool },
    /// A method that is not written in capitals.
    MethodCase { found: String },
}

// === impl ValueWarning ===

impl fmt::Display for ValueWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ValueWarning as V;
        match self {
            V::NearCategory { found, nearest } => write!(
                f,
                "`{found}` is no category that is found here, did you mean `{nearest}`? A client \
                 may still send it: then list it in `categories.order`"
            ),
            V::UnfoundCategory { found, nearest } => {
                write!(
                    f,
                    "`{found}` can never match: `categories.from` lists `detectors` alone, and \
                     they find no such category"
                )?;
                match nearest {
                    Some(nearest) => write!(f, ", did you mean `{nearest}`?"),
                    None => Ok(()),
                }
            }
            V::CategoryCase { found } => write!(
                f,
                "`{found}` can never match: categories are compared in small letters, write `{}`",
                found.to_ascii_lowercase()
            ),
            V::NoCategory { found } => write!(
                f,
                "`{found}` can never match: a category has 1 to 64 small letters, digits, `_` and \
                 `-`"
            ),
            V::PatternAsText { name, pattern, mark } => write!(
                f,
                "`{mark}` is a plain character here, for a pattern write `glob({name}, \
                 '{pattern}')`"
            ),
            V::PatternApproved { pattern, mark } => write!(
                f,
                "`{mark}` is a plain character in `allowed`, where a model is written out; a \
                 pattern needs `trigger: \"!glob(model, '{pattern}')\"`"
            ),
            V::OutOfRange { comparison, name, range, always } => write!(
                f,
                "`{comparison}` is {} true: `{name}` is {range}",
                if *always { "always" } else { "never" }
            ),
            V::MethodCase { found } => write!(
                f,
                "`{found}` can never match: methods are in capitals, write `{}`",
                found.to_ascii_uppercase()
            ),
        }
    }
}
