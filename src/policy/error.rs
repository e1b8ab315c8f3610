//! What can be wrong with a governance.yml and how it is told: every problem at once, each with
//! its place, the line and a caret. Never holds facts of an exchange, only the file's own text.

use std::fmt;

mod case;
mod kind;
mod trigger;
mod value;
mod warning;
mod written;

pub use case::CaseProblem;
pub use kind::{BoundProblem, EntryProblem, ProblemKind};
pub use trigger::{HeaderProblem, PatternProblem, TriggerProblem};
pub use value::ValueProblem;
pub use warning::{UnknownConfidence, WarningKind};
pub use written::ValueWarning;

/// Problems told in full; a file with more is not a policy with mistakes but another file.
const PROBLEMS_MAX: usize = 50;

/// Widest quotation of a line, in characters.
const QUOTED_MAX: usize = 100;

/// What is told beyond the problem itself is for people who check a file. The filter, whose size
/// counts and whose file was checked, goes without.
pub const HINTS: bool = cfg!(not(target_os = "wasi"));

/// Everything that is wrong with a file, in the order of the file.
#[derive(Debug)]
pub struct PolicyErrors {
    problems: Vec<Problem>,
    untold: usize,
}

/// What a person should look at in a file that loads, in the order of the file.
#[derive(Debug, Default)]
pub struct Warnings {
    problems: Vec<Problem>,
    untold: usize,
}

/// One thing that is wrong, or that a person should look at.
#[derive(Clone, Debug)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    message: String,
    quoted: String,
    caret: usize,
}

/// Problems with the name of the file.
#[derive(Debug)]
pub struct Display<'a> {
    problems: &'a [Problem],
    untold: usize,
    /// `warning: ` before each sentence; an error has nothing there.
    level: &'static str,
    file: &'a str,
}

/// A place in the file: line and column from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At {
    pub line: usize,
    pub column: usize,
}

/// Gathers problems while a file is read.
pub struct Problems<'a> {
    lines: Vec<&'a str>,
    problems: Vec<Problem>,
    untold: usize,
}

/// The one of `names` that `word` was most likely meant to be.
pub fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A word longer than any name has no near one, and the distance costs its length.
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    let distances = names.into_iter().map(|name| (strsim::osa_distance(&lower, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    // A third of the letters may be wrong; beyond that a guess misleads.
    (distance <= (word.chars().count() / 3).max(1)).then_some(name)
}

// === impl PolicyErrors ===

impl PolicyErrors {
    /// Prints every problem as `file:line:column: …` with the line and a caret.
    pub fn display<'a>(&'a self, file: &'a str) -> Display<'a> {
        Display { problems: &self.problems, untold: self.untold, level: "", file }
    }

    /// The problems told in full.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }
}

impl<'a> IntoIterator for &'a PolicyErrors {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl std::error::Error for PolicyErrors {}

impl fmt::Display for PolicyErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display("governance.yml").fmt(f)
    }
}

// === impl Warnings ===

impl Warnings {
    /// Prints every warning as `file:line:column: warning: …` with the line and a caret.
    pub fn display<'a>(&'a self, file: &'a str) -> Display<'a> {
        Display { problems: &self.problems, untold: self.untold, level: "warning: ", file }
    }

    /// The warnings told in full.
    pub fn iter(&self) -> std::slice::Iter<'_, Problem> {
        self.problems.iter()
    }

    /// There is nothing to look at.
    pub fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }
}

impl<'a> IntoIterator for &'a Warnings {
    type Item = &'a Problem;
    type IntoIter = std::slice::Iter<'a, Problem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

// === impl Problem ===

impl Problem {
    /// What it is, on one line.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The line as it is quoted: control characters blanked, a long line cut around the place.
    pub fn quoted(&self) -> &str {
        &self.quoted
    }
}

// === impl Display ===

impl fmt::Display for Display<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Display { problems, untold, level, file } = self;
        for (index, problem) in problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            let Problem { line, column, message, quoted, caret } = problem;
            writeln!(f, "{file}:{line}:{column}: {level}{message}")?;
            writeln!(f, "{}", format!("  | {quoted}").trim_end())?;
            write!(f, "  | {:caret$}^", "")?;
        }
        if *untold > 0 {
            write!(f, "\n{file}: {level}and {untold} more problems")?;
        }
        Ok(())
    }
}

// === impl Problems ===

impl<'a> Problems<'a> {
    /// Nothing is wrong yet.
    pub fn new(text: &'a str) -> Self {
        Problems { lines: text.lines().collect(), problems: Vec::new(), untold: 0 }
    }

    /// Notes a problem.
    pub fn add(&mut self, at: At, kind: ProblemKind) {
        self.note(at, &kind);
    }

    /// Notes what a person should look at.
    pub fn warn(&mut self, at: At, kind: &WarningKind) {
        self.note(at, kind);
    }

    fn note(&mut self, at: At, what: &dyn fmt::Display) {
        if self.problems.len() >= PROBLEMS_MAX {
            self.untold += 1;
            return;
        }
        let message = what.to_string();
        let (quoted, caret) = quote(self.line(at.line).unwrap_or(""), at.column);
        let problem = Problem { line: at.line, column: at.column, message, quoted, caret };
        // In the order of the file. There are few, and a sort is kilobytes of the filter.
        let behind = |other: &Problem| (other.line, other.column) <= (at.line, at.column);
        self.problems.insert(self.problems.partition_point(behind), problem);
    }

    /// A line of the text, counted from 1.
    pub fn line(&self, line: usize) -> Option<&'a str> {
        self.lines.get(line.checked_sub(1)?).copied()
    }

    /// What was made of the file, if nothing is wrong with it.
    pub fn or<T>(mut self, made: Option<T>) -> Result<T, PolicyErrors> {
        match made {
            Some(made) if self.problems.is_empty() => Ok(made),
            _ => {
                if self.problems.is_empty() {
                    self.add(At { line: 1, column: 1 }, ProblemKind::Empty);
                }
                Err(PolicyErrors { problems: self.problems, untold: self.untold })
            }
        }
    }

    /// All of it as warnings.
    pub fn into_warnings(self) -> Warnings {
        Warnings { problems: self.problems, untold: self.untold }
    }
}

/// At most [`QUOTED_MAX`] characters of `line` around `column`, and where the caret goes.
fn quote(line: &str, column: usize) -> (String, usize) {
    // Most of the window lies before the place: what leads up to a mistake explains it.
    let skip = if column > QUOTED_MAX * 3 / 4 { column - QUOTED_MAX / 2 } else { 0 };
    let mut quoted = String::new();
    let mut caret = column.saturating_sub(1 + skip);
    if skip > 0 {
        quoted.push('…');
        caret += 1;
    }
    let mut rest = line.chars().skip(skip);
    quoted.extend(rest.by_ref().take(QUOTED_MAX).map(|c| if c.is_control() { ' ' } else { c }));
    if rest.next().is_some() {
        quoted.push('…');
    }
    (quoted, caret)
}
