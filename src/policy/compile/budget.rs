//! What all triggers of a file may take together: time to parse at load, and time to match the
//! patterns that they hold against a large text. Compiles nothing.

use crate::policy::error::{BoundProblem, ProblemKind, Problems};
use crate::policy::expression::{self, Expression};
use crate::policy::schema::Source;

/// Words, texts, numbers and operators: the parser takes some microseconds for each.
const TOKENS_MAX: usize = 4_096;

/// The patterns' sizes. Usual patterns of this size together take half a second for a mebibyte of
/// text, the slowest of all a few seconds.
const PATTERN_BYTES_MAX: usize = 32 * 1024;

/// What the triggers have taken so far.
#[derive(Default)]
pub struct Budget {
    tokens: usize,
    pattern_bytes: usize,
}

impl Budget {
    /// A trigger may still be parsed. The first that may not is noted.
    pub fn takes_source(&mut self, source: &Source, problems: &mut Problems) -> bool {
        let fitted = self.tokens <= TOKENS_MAX;
        if fitted {
            self.tokens += expression::tokens(&source.text);
        }
        let fits = self.tokens <= TOKENS_MAX;
        if fitted && !fits {
            problems.add(source.at, ProblemKind::Bound(BoundProblem::Triggers { max: TOKENS_MAX }));
        }
        fits
    }

    /// Counts a trigger's patterns and notes the first that are too many.
    pub fn take_patterns(
        &mut self,
        trigger: &Expression,
        source: &Source,
        problems: &mut Problems,
    ) {
        let fitted = self.pattern_bytes <= PATTERN_BYTES_MAX;
        self.pattern_bytes += trigger.pattern_bytes();
        if fitted && self.pattern_bytes > PATTERN_BYTES_MAX {
            problems.add(source.at, ProblemKind::Bound(BoundProblem::Patterns));
        }
    }
}
