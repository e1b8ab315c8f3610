//! The closed set of things that can be wrong within a trigger, and their sentences. Knows no
//! positions.

use std::fmt;

use super::kind::{DidYouMean, OneOf};
use crate::policy::glob::GlobProblem;

/// What is wrong with a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerProblem {
    /// Nothing stands there.
    Empty,
    /// Not CEL. The text is the parser's, of the file alone.
    Syntax { found: String },
    /// As another language has it, with how it is written here.
    Idiom { found: String },
    /// Longer than allowed.
    TooLong { bytes: usize, max: usize },
    /// More operators than allowed.
    TooManyOperators { found: usize, max: usize },
    /// Brackets nested deeper than allowed.
    TooDeep { found: usize, max: usize },
    /// More than one `all`, `exists`, `exists_one`, `map`, `filter`.
    TooManyLoops { name: String },
    /// A loop over a written list that is too long.
    LoopTooLong { found: usize, max: usize },
    /// `prompt` or `output` read too often.
    TooManyReads { max: usize },
    /// `prompt` or `output` joined to another text.
    LargeJoined { name: &'static str },
    /// A name that is no variable.
    UnknownVariable { name: String, nearest: Option<&'static str> },
    /// A name that is no function.
    UnknownFunction { name: String, nearest: Option<&'static str> },
    /// A function with other arguments than it takes.
    WrongArguments { name: String, usage: &'static str },
    /// A function of CEL that no trigger needs.
    Refused { name: String, instead: &'static str },
    /// `contains` on a list.
    ListContains,
    /// Something about a pattern of `matches` or `glob`.
    Pattern(PatternProblem),
    /// A detector on a text that is no fact.
    TextComputed { name: String },
    /// A field that its map does not have.
    UnknownField { variable: &'static str, name: String, nearest: Option<&'static str> },
    /// Something about the name of a header.
    Header(HeaderProblem),
    /// A comparison whose sides have different types.
    NeverMatches { name: String, is: &'static str, with: &'static str },
    /// A text that a value of few words never is.
    NeverWord {
        name: String,
        found: String,
        nearest: Option<&'static str>,
        words: Vec<&'static str>,
    },
    /// An operator on a value that it does not take.
    WrongOperand { operator: String, expected: &'static str, found: &'static str },
    /// Numbers of two types that are to be one.
    MixedNumbers { operator: String, left: &'static str, right: &'static str },
    /// An expression that is no condition.
    NotACondition { found: &'static str },
    /// CEL that no condition needs: messages, bytes.
    Construct,
}

/// What is wrong with the name of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderProblem {
    /// It holds a credential.
    Credential { name: String },
    /// It is not written in lower case; this is how it is.
    Case { name: String },
}

/// What is wrong with a pattern in a trigger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PatternProblem {
    /// It is no written text.
    Computed { function: String },
    /// No `glob`.
    Glob(GlobProblem),
    /// No regular expression. The text is the library's, of the file alone.
    Regex { found: String },
    /// Too long to read.
    TooLong { characters: usize, max: usize },
    /// It would be slow on a large text.
    TooLarge,
    /// It would read a large text anew for each item of a loop.
    InLoop { function: String, text: &'static str },
    /// `(?i)` with a letter whose case is not folded.
    Case,
}

// === impl TriggerProblem ===

impl fmt::Display for TriggerProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use TriggerProblem as T;
        match self {
            T::Empty => write!(f, "expected a condition, found nothing"),
            T::Syntax { found } | T::Idiom { found } => write!(f, "{found}"),
            T::TooLong { bytes, max } => write!(f, "expected at most {max} bytes, found {bytes}"),
            T::TooManyOperators { found, max } => {
                write!(f, "expected at most {max} operators, found {found}")
            }
            T::TooDeep { found, max } => {
                write!(f, "expected brackets at most {max} deep, found {found}")
            }
            T::TooManyLoops { name } => {
                write!(f, "`{name}` is one too many: a trigger may loop over one list, once")
            }
            T::LoopTooLong { found, max } => {
                write!(f, "expected a loop over at most {max} items, found {found}")
            }
            T::TooManyReads { max } => write!(
                f,
                "`prompt` and `output` may be read at most {max} times, and once within a loop"
            ),
            T::LargeJoined { name } => write!(f, "`{name}` may not be joined to another text"),
            T::UnknownVariable { name, nearest: None } => {
                write!(f, "unknown variable `{name}`, a text needs quotes: `'{name}'`")
            }
            T::UnknownVariable { name, nearest } => {
                write!(f, "unknown variable `{name}`{}", DidYouMean(*nearest))
            }
            T::UnknownFunction { name, nearest } => {
                write!(f, "unknown function `{name}`{}", DidYouMean(*nearest))
            }
            T::Refused { name, instead } => {
                write!(f, "function `{name}` is no part of the language: {instead}")
            }
            T::ListContains => {
                write!(f, "`contains` looks into a string, of a list write `value in list`")
            }
            T::Pattern(problem) => write!(f, "{problem}"),
            T::TextComputed { name } => write!(
                f,
                "`{name}` reads a text of the exchange as it is, such as `prompt`, found another"
            ),
            T::WrongArguments { name, usage } => write!(f, "`{name}` is written `{usage}`"),
            T::UnknownField { variable, name, nearest } => {
                write!(f, "`{variable}` has no field `{name}`{}", DidYouMean(*nearest))
            }
            T::Header(problem) => write!(f, "{problem}"),
            T::NeverMatches { name, is, with } => {
                write!(f, "this can never match: {name} is {is}, compared with {with}")
            }
            T::NeverWord { name, found, nearest: None, words } => {
                write!(f, "this can never match: {name} is {}, never `{found}`", OneOf(words))
            }
            T::NeverWord { name, found, nearest, .. } => {
                write!(f, "this can never match: {name} is never `{found}`")?;
                write!(f, "{}", DidYouMean(*nearest))
            }
            T::WrongOperand { operator, expected, found } => {
                write!(f, "`{operator}` expects {expected}, found {found}")
            }
            T::MixedNumbers { operator, left, right } => write!(
                f,
                "`{operator}` expects two numbers of one type, found {left} and {right}: an int is \
                 a double as `1.0` or `double(value)`"
            ),
            T::NotACondition { found } => write!(f, "expected a condition, found {found}"),
            T::Construct => write!(f, "expected a condition over facts, found a message or bytes"),
        }
    }
}

// === impl HeaderProblem ===

impl fmt::Display for HeaderProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HeaderProblem::Credential { name } => write!(
                f,
                "`{name}` holds a credential, which `request.headers` never has: \
                 `caller.api_key_hash` tells callers apart"
            ),
            HeaderProblem::Case { name } => {
                write!(f, "names in `request.headers` are in lower case, write `{name}`")
            }
        }
    }
}

// === impl PatternProblem ===

impl fmt::Display for PatternProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use PatternProblem as P;
        match self {
            P::Computed { function } => write!(
                f,
                "`{function}` expects its pattern written out in quotes, found something else"
            ),
            P::Glob(problem) => write!(f, "`glob`: {problem}"),
            P::Regex { found } => {
                write!(f, "`matches` expects a regular expression, but in this one: {found}")
            }
            P::TooLong { characters, max } => {
                write!(f, "`matches`: expected at most {max} characters, found {characters}")
            }
            P::TooLarge => write!(
                f,
                "`matches`: the pattern is too large once its repetitions such as `{{100}}` are \
                 written out, make them smaller or `+`"
            ),
            P::InLoop { function, text } => write!(
                f,
                "`{function}` may not read `{text}` for each item of a loop, write it outside the \
                 loop"
            ),
            P::Case => write!(
                f,
                "`matches`: `(?i)` holds for the letters a to z alone, write others out: `[éÉ]`"
            ),
        }
    }
}
