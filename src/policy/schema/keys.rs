//! The keys of governance.yml, mapping by mapping: which there are, what each may hold and, in a
//! sentence, what for. The reader walks these tables and the JSON Schema is made from them. A key
//! that a later version may have is listed too, so that it is told apart from a misspelt one.

use super::{SUMMARY_CHARACTERS_MAX, words};
use crate::policy::expression::SOURCE_BYTES_MAX;
use crate::policy::glob::PATTERN_CHARACTERS_MAX;

/// Longest `version`, in characters.
pub const LABEL_MAX: usize = 100;

/// Longest name of a policy: it fits every place that shows one.
pub const NAME_MAX: usize = 100;

/// Longest `description`.
pub const DESCRIPTION_MAX: usize = 4096;

/// Longest `message`.
pub const MESSAGE_MAX: usize = 1000;

/// Longest name of a model: longer than any provider's with its prefixes.
pub const MODEL_MAX: usize = 200;

/// A key of a mapping.
pub struct Key {
    pub name: &'static str,
    /// This version refuses it.
    pub later: bool,
    /// Its mapping may not be without it.
    pub required: bool,
    /// What the reader does not need to know; the filter goes without.
    #[cfg(not(target_os = "wasi"))]
    pub described: Described,
}

/// What a JSON Schema says of a key.
#[cfg(not(target_os = "wasi"))]
#[derive(Clone, Copy)]
pub struct Described {
    pub shape: Shape,
    /// As JSON; a word stands for itself. None where an absent key differs from every value.
    pub default: Option<&'static str>,
    pub about: &'static str,
}

/// What a key may hold.
#[derive(Clone, Copy)]
pub enum Shape {
    /// What a later version says.
    Later,
    /// A text of 1 to `max` characters. A number or a date is its text.
    Text { max: usize },
    /// The same of letters, digits, `_`, `-` and `.` alone.
    Name { max: usize },
    /// One of the words of a table.
    Word(&'static dyn Words),
    /// A list of different words of a table; absent, it has them all.
    Words(&'static dyn Words),
    /// A whole number from 0.
    Number { max: usize },
    /// A time by RFC 3339, or nothing.
    Time,
    /// A list of at least `min` different names of models.
    Models { min: usize },
    /// The writer's own names, each of a model.
    ModelsByName,
    /// A mapping.
    Mapping(&'static [Key]),
    /// A list of mappings.
    Entries(&'static [Key]),
}

/// A table of words, whatever they stand for.
pub trait Words: Sync {
    /// In the order in which a message names them.
    fn names(&self) -> Vec<&'static str>;
}

use Shape::{
    Entries, Later, Mapping, Models, ModelsByName, Name, Number, Text, Time, Word, Words as AnyOf,
};

pub const TOP: &[Key] = &[
    key(
        "version",
        Text { max: LABEL_MAX },
        "A label for people; what identifies a policy is the SHA-256 of the file's bytes.",
    ),
    key(
        "policies",
        Entries(POLICY),
        "All are judged and recorded; the strongest action that fires is taken.",
    ),
    key("models", Mapping(MODELS), "What models are called, and what their names promise."),
    key("categories", Later, "Where the categories of a request come from, and their order."),
    key(
        "confidence",
        Mapping(CONFIDENCE),
        "Where an answer's confidence comes from: the lowest of those present counts.",
    ),
    key("record", Mapping(RECORD), "What the decision record keeps, and what happens without it."),
    key("streams", Later, "Whether a stream passes before the whole answer is judged."),
    key(
        "unreadable",
        Word(&words::UNREADABLE),
        "What happens to a request that cannot be read; `default` is `deny` where any policy \
         denies, else `flag`.",
    )
    .or("default"),
];

pub const POLICY: &[Key] = &[
    key("name", Name { max: NAME_MAX }, "What records, headers and messages call it; unique.")
        .required(),
    key("description", Text { max: DESCRIPTION_MAX }, "What it is for, for reviewers."),
    key(
        "trigger",
        Text { max: SOURCE_BYTES_MAX },
        "A CEL condition over the facts of a call: the policy fires where it is true. It needs an \
         `action`.",
    ),
    key(
        "allowed",
        Models { min: 1 },
        "The approved models: the policy fires where the model is none of these. Instead of a \
         `trigger`.",
    ),
    key(
        "action",
        Word(&words::ACTIONS),
        "What is done when the policy fires; with `allowed` it is `deny` unless said otherwise.",
    ),
    key("hold", Later, "Refuse until a person approves; with `route_to_human_review`."),
    key("hold_ttl", Later, "How long an approval lets the same input by the same caller pass."),
    key("mode", Later, "Whether the policy acts, or is only recorded."),
    key(
        "on_error",
        Word(&words::ON_ERROR),
        "What a trigger that cannot be evaluated counts as: `default` is fired for `deny` and not \
         fired for the others.",
    )
    .or("default"),
    key(
        "message",
        Text { max: MESSAGE_MAX },
        "What a refused caller is told, in place of the policy's name and reason.",
    ),
];

pub const MODELS: &[Key] = &[
    key(
        "floating",
        Word(&words::FLOATING),
        "What happens to names that their provider may point at another model.",
    )
    .or("flag"),
    key(
        "pins",
        ModelsByName,
        "Aliases and what the provider sees in their place. The record keeps both names.",
    )
    .or("{}"),
    key(
        "deployments",
        ModelsByName,
        "Azure's deployments and the model that each is; an unlisted one is unapproved.",
    )
    .or("{}"),
    key(
        "rules",
        Entries(MODEL_RULE),
        "Naming rules of your own, before those of the providers; the first that matches counts.",
    )
    .or("[]"),
    key("drift", Later, "What happens where another model than the pinned one answers."),
    key("candidates", Later, "Models that are tried alongside an approved one."),
];

pub const MODEL_RULE: &[Key] = &[
    key(
        "match",
        Text { max: PATTERN_CHARACTERS_MAX },
        "A pattern for a whole name: `*` is any text, `?` any character, `[0-9]` one of these.",
    )
    .required(),
    key("class", Word(&words::CLASSES), "What a name that matches promises.").required(),
];

pub const CONFIDENCE: &[Key] = &[
    key(
        "from",
        AnyOf(&words::SOURCES),
        "The answer's `x-ai-confidence` header, the `confidence` field of a JSON answer, the mean \
         token probability.",
    ),
    key(
        "request_logprobs",
        Models { min: 0 },
        "Models, as they are sent to the provider, that are asked for token probabilities; these \
         are taken out of the answer again.",
    )
    .or("[]"),
];

pub const RECORD: &[Key] = &[
    key(
        "summary_characters",
        Number { max: SUMMARY_CHARACTERS_MAX },
        "Longest summary of an answer, in characters.",
    )
    .or("500"),
    key("input_summary_characters", Later, "Longest start of the last user message that is kept."),
    key("redact", AnyOf(&words::KINDS), "What is blacked out in a summary."),
    key("hash_key_env", Later, "The variable that holds a key for the input's hash."),
    key("keep_for_comparison", Later, "How long both texts of a compared pair are kept."),
    key(
        "on_failure",
        Word(&words::ON_FAILURE),
        "What happens to a call whose record cannot be committed; `allow` lets it through and \
         counts it.",
    )
    .or("deny"),
    key("on_failure_until", Time, "When `on_failure: allow` ends and `deny` holds again.")
        .or("null"),
];

/// Actions that the language documents and this version does not have.
pub const ACTIONS_LATER: &[&str] = &["log"];

const fn key(name: &'static str, shape: Shape, about: &'static str) -> Key {
    Key {
        name,
        later: matches!(shape, Later),
        required: false,
        #[cfg(not(target_os = "wasi"))]
        described: Described { shape, default: None, about },
    }
}

// === impl Key ===

impl Key {
    const fn required(self) -> Key {
        Key { required: true, ..self }
    }

    /// Absent, it holds this.
    const fn or(self, default: &'static str) -> Key {
        Key {
            #[cfg(not(target_os = "wasi"))]
            described: Described { default: Some(default), ..self.described },
            ..self
        }
    }
}

// === impl Words ===

impl<T: Sync> Words for &'static [(&'static str, T)] {
    fn names(&self) -> Vec<&'static str> {
        self.iter().map(|(word, _)| *word).collect()
    }
}
