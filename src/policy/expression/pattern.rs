//! Patterns of `matches` and `glob`: written out in the file, compiled and bounded at load, never
//! again. Knows no facts.

use regex_lite::{Regex, RegexBuilder};

use crate::policy::error::PatternProblem;
use crate::policy::glob::Glob;

/// Longest regular expression, in characters: what people can read.
const CHARACTERS_MAX: usize = 256;

/// Largest compiled one. Each byte of a text is tried against every place that the pattern can be
/// at: the slowest of this size takes a second for a mebibyte, a usual one 20 ms.
const BYTES_MAX: usize = 4096;

/// The library's sentence for a pattern beyond the bound on its size.
const TOO_LARGE: &str = "compiled regex exceeded size limit";

/// Groups within groups; the parser recurses for each.
const NESTING_MAX: u32 = 16;

/// What a `glob` counts for: it is as fast as the smallest regular expression.
const GLOB_BYTES: usize = 512;

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    source: String,
    kind: Kind,
    bytes: usize,
}

#[derive(Debug)]
enum Kind {
    Regex(Regex),
    Glob(Glob),
}

impl Pattern {
    /// The pattern of a call of `function`, or what is wrong with it.
    pub fn compile(function: &str, source: &str) -> Result<Pattern, PatternProblem> {
        let (kind, bytes) = if function == "glob" {
            let glob = Glob::new(source).map_err(|error| PatternProblem::Glob(error.problem))?;
            (Kind::Glob(glob), GLOB_BYTES)
        } else {
            let (regex, bytes) = regex(source)?;
            (Kind::Regex(regex), bytes)
        };
        Ok(Pattern { source: source.to_owned(), kind, bytes })
    }

    /// How it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// It is one of `glob`, not of `matches`.
    pub fn is_glob(&self) -> bool {
        matches!(self.kind, Kind::Glob(_))
    }

    /// What it takes of the bound on all patterns of a file.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// It matches: a regular expression some part of the text, a `glob` the whole.
    pub fn matches(&self, text: &str) -> bool {
        match &self.kind {
            Kind::Regex(regex) => regex.is_match(text),
            Kind::Glob(glob) => glob.matches(text),
        }
    }
}

fn regex(source: &str) -> Result<(Regex, usize), PatternProblem> {
    let characters = source.chars().count();
    if characters > CHARACTERS_MAX {
        return Err(PatternProblem::TooLong { characters, max: CHARACTERS_MAX });
    }
    // Case is folded for ASCII alone, and for all letters by the specification.
    if !source.is_ascii() && ignores_case(source) {
        return Err(PatternProblem::Case);
    }
    let build = |bytes| RegexBuilder::new(source).size_limit(bytes).nest_limit(NESTING_MAX).build();
    // How large it is, nobody says: the least bound that it fits.
    let mut bytes = BYTES_MAX / 8;
    loop {
        match build(bytes) {
            Ok(regex) => return Ok((regex, bytes)),
            Err(error) if error.to_string() != TOO_LARGE => {
                return Err(PatternProblem::Regex { found: error.to_string() });
            }
            Err(_) if bytes < BYTES_MAX => bytes *= 2,
            Err(_) => return Err(PatternProblem::TooLarge),
        }
    }
}

/// A group of flags such as `(?i)` or `(?si:` sets `i`.
fn ignores_case(source: &str) -> bool {
    source.split("(?").skip(1).any(|rest| {
        let flags = rest.split([':', ')', '-', '<', 'P']).next().unwrap_or_default();
        flags.contains('i')
    })
}
