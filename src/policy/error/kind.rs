//! The closed set of things that can be wrong with a governance.yml, and their sentences: what was
//! being read, what was expected, what was found. Knows no positions.

use std::fmt;

use super::{CaseProblem, TriggerProblem, ValueProblem};
use crate::policy::glob::GlobProblem;

/// What is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is larger than any policy.
    TooLarge { bytes: usize, max: usize },
    /// Not YAML.
    Yaml { found: String },
    /// No document, or an empty one.
    Empty,
    /// A second document after `---`.
    SeveralDocuments,
    /// Nested deeper than the language.
    TooDeep { max: usize },
    /// `*name`.
    Alias,
    /// `!name`.
    Tag,
    /// A key that is no plain word.
    KeyNotText,
    /// A key that stands twice in one mapping.
    DuplicateKey { key: String, first_line: usize },
    /// A key that the language does not have there.
    UnknownKey { key: String, nearest: Option<&'static str> },
    /// A setting whose feature a later version may have.
    Unsupported { setting: &'static str },
    /// A value of another shape.
    WrongType { key: String, expected: &'static str, found: String },
    /// A word that is none of the expected ones.
    UnknownWord {
        key: String,
        found: String,
        expected: Vec<&'static str>,
        nearest: Option<&'static str>,
    },
    /// More than a file may have.
    Bound(BoundProblem),
    /// A word that stands twice in a list.
    DuplicateWord { key: String, word: String },
    /// A single value that its key does not take.
    Value { key: &'static str, problem: ValueProblem },
    /// A name or another text that is empty or too long.
    BadText { key: String, characters: usize, max: usize },
    /// A key that has no effect beside another.
    Idle { key: &'static str, because: &'static str },
    /// A policy without `name`.
    MissingName,
    /// An entry of a list without a key that it needs.
    MissingKey { entry: &'static str, key: &'static str },
    /// Something within a pattern.
    Pattern { key: &'static str, problem: GlobProblem },
    /// Something about one policy as a whole.
    Policy { policy: String, problem: EntryProblem },
    /// A pin that leads to another alias.
    PinToAlias { alias: String, target: String },
    /// A pin that leads to a name which `floating: deny` refuses.
    PinToFloating { alias: String, target: String },
    /// Something about a case of a policy's tests.
    Case(CaseProblem),
    /// Something within a trigger.
    Trigger { policy: String, problem: TriggerProblem },
}

/// What is more than a file may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BoundProblem {
    /// A list or mapping with more entries than any policy needs.
    Entries { key: &'static str, found: usize, max: usize },
    /// Triggers that are too long together.
    Triggers { max: usize },
    /// Patterns that would be slow together.
    Patterns,
}

/// What is wrong with a policy as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EntryProblem {
    /// Its name belongs to a built-in rule.
    ReservedName,
    /// Its name has other characters than a header can list.
    NameCharacters,
    /// Another policy has its name.
    DuplicateName { first_line: usize },
    /// Neither `trigger` nor `allowed`.
    NoCondition,
    /// Both.
    TwoConditions,
    /// A trigger without `action`.
    MissingAction,
    /// A key that has no effect where it stands.
    Idle { key: &'static str, because: &'static str },
    /// `allowed` without a model.
    NothingAllowed,
    /// `hold: true` on what an answer says.
    HoldsAnswer,
    /// `allowed` has a name that `floating: deny` refuses.
    ApprovedFloating { model: String },
}

// === impl ProblemKind ===

impl fmt::Display for ProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use ProblemKind as K;
        match self {
            K::TooLarge { bytes, max } => {
                write!(f, "expected a policy of at most {max} bytes, found {bytes}")
            }
            K::Yaml { found } => write!(f, "expected YAML, but {found}"),
            K::Empty => write!(f, "expected a mapping with the key `policies`, found nothing"),
            K::SeveralDocuments => write!(f, "expected one YAML document, found a second"),
            K::TooDeep { max } => {
                write!(f, "expected at most {max} levels of nesting, found a deeper one")
            }
            K::Alias => write!(f, "YAML aliases are not supported, write the value out"),
            K::Tag => {
                write!(f, "YAML tags are not supported, a text that begins with `!` needs quotes")
            }
            K::KeyNotText => write!(f, "expected a word as key"),
            K::DuplicateKey { key, first_line } => {
                write!(f, "key `{key}` stands twice, first on line {first_line}")
            }
            K::UnknownKey { key, nearest } => {
                write!(f, "unknown key `{key}`{}", DidYouMean(*nearest))
            }
            K::Unsupported { setting } => {
                write!(f, "`{setting}` is not supported by this version")
            }
            K::WrongType { key, expected, found } => {
                write!(f, "`{key}`: expected {expected}, found {found}")
            }
            K::UnknownWord { key, found, expected, nearest } => {
                write!(f, "`{key}`: expected {}, found `{found}`", OneOf(expected))?;
                write!(f, "{}", DidYouMean(*nearest))
            }
            K::Bound(problem) => write!(f, "{problem}"),
            K::DuplicateWord { key, word } => write!(f, "`{key}`: `{word}` stands twice"),
            K::Value { key, problem } => write!(f, "`{key}`: {problem}"),
            K::BadText { key, characters: 0, .. } => {
                write!(f, "`{key}`: expected a text, found an empty one")
            }
            K::BadText { key, characters, max } => {
                write!(f, "`{key}`: expected at most {max} characters, found {characters}")
            }
            K::Idle { key, because } => write!(f, "`{key}` has no effect, {because}"),
            K::MissingName => write!(f, "policy without a `name`"),
            K::MissingKey { entry, key } => write!(f, "`{entry}`: entry without `{key}`"),
            K::Pattern { key, problem } => write!(f, "`{key}`: {problem}"),
            K::Policy { policy, problem } if policy.is_empty() => write!(f, "policy: {problem}"),
            K::Policy { policy, problem } => write!(f, "policy `{policy}`: {problem}"),
            K::PinToAlias { alias, target } => {
                write!(f, "`models.pins`: `{alias}` leads to `{target}`, which is an alias itself")
            }
            K::PinToFloating { alias, target } => write!(
                f,
                "`models.pins`: `{alias}` leads to `{target}`, which the provider may repoint and \
                 `models.floating: deny` refuses"
            ),
            K::Case(problem) => write!(f, "{problem}"),
            K::Trigger { policy, problem } if policy.is_empty() => {
                write!(f, "trigger: {problem}")
            }
            K::Trigger { policy, problem } => {
                write!(f, "trigger of policy `{policy}`: {problem}")
            }
        }
    }
}

// === impl BoundProblem ===

impl fmt::Display for BoundProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use BoundProblem as B;
        match self {
            B::Entries { key, found, max } => {
                write!(f, "`{key}`: expected at most {max} entries, found {found}")
            }
            B::Triggers { max } => write!(
                f,
                "the triggers up to this one have more than {max} words and operators together"
            ),
            B::Patterns => write!(
                f,
                "the patterns of `matches` and `glob` up to this one are too large together"
            ),
        }
    }
}

// === impl GlobProblem ===

impl fmt::Display for GlobProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use GlobProblem as G;
        match self {
            G::Empty => write!(f, "expected a pattern, found nothing"),
            G::TooLong { characters, max } => {
                write!(f, "expected at most {max} characters, found {characters}")
            }
            G::Unclosed => write!(f, "expected `]` to this `[`, found the end"),
            G::EmptyClass => write!(f, "expected a character between `[` and `]`, found none"),
            G::Reversed { from, to } => {
                write!(f, "expected a range like `{to}-{from}`, found `{from}-{to}`")
            }
            G::Backslash => write!(f, "`\\` takes no meaning away, a star itself is `[*]`"),
        }
    }
}

// === impl EntryProblem ===

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use EntryProblem as E;
        match self {
            E::ReservedName => write!(f, "the name belongs to a built-in rule"),
            E::NameCharacters => {
                write!(f, "expected a name of letters, digits, `_`, `-` and `.`, found others")
            }
            E::DuplicateName { first_line } => {
                write!(f, "the name stands twice, first on line {first_line}")
            }
            E::NoCondition => write!(f, "expected `trigger` or `allowed`, found neither"),
            E::TwoConditions => write!(f, "expected `trigger` or `allowed`, found both"),
            E::MissingAction => write!(f, "expected an `action` for its `trigger`, found none"),
            E::Idle { key, because } => write!(f, "`{key}` has no effect, {because}"),
            E::HoldsAnswer => write!(
                f,
                "`hold: true` cannot wait for an answer, as a retry brings another one; use \
                 `deny` or `route_to_human_review`"
            ),
            E::NothingAllowed => write!(f, "expected a model in `allowed`, found none"),
            E::ApprovedFloating { model } => write!(
                f,
                "`{model}` is approved, but its provider may repoint the name and \
                 `models.floating: deny` refuses it"
            ),
        }
    }
}

/// `, did you mean …?` where there is a near name.
pub struct DidYouMean(pub Option<&'static str>);

impl fmt::Display for DidYouMean {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, ", did you mean `{name}`?"),
            None => Ok(()),
        }
    }
}

/// `` `a`, `b` or `c` ``.
pub struct OneOf<'a>(pub &'a [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, word) in self.0.iter().enumerate() {
            match index {
                0 => {}
                _ if index + 1 == self.0.len() => write!(f, " or ")?,
                _ => write!(f, ", ")?,
            }
            write!(f, "`{word}`")?;
        }
        Ok(())
    }
}
