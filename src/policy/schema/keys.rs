//! The keys of governance.yml, mapping by mapping: which there are, what each may hold and, in a
//! sentence, what for. The reader walks these tables and the JSON Schema is made from them.

mod shape;

use super::later::{CONCURRENCY_MAX, TOKENS_MAX};
use super::record::{SUMMARY_CHARACTERS_MAX, VARIABLE_BYTES_MAX};
use super::{categories, words};
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

#[cfg(not(target_os = "wasi"))]
pub use shape::Shape;
pub use shape::{Key, Named, required};
use shape::{Shape::*, key};

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
    key(
        "categories",
        Mapping(CATEGORIES),
        "Which categories there are beside the built-in ones, where they are looked for, and which \
         is the most severe.",
    ),
    key(
        "confidence",
        Mapping(CONFIDENCE),
        "Where an answer's confidence comes from: the lowest of those present counts.",
    ),
    key("record", Mapping(RECORD), "What the decision record keeps, and what happens without it."),
    key(
        "streams",
        Word(&words::STREAMS),
        "Whether a stream passes as it comes, or is held until the whole answer is judged.",
    )
    .or("pass"),
    key(
        "unreadable",
        Word(&words::UNREADABLE),
        "What happens to a request that cannot be read; `default` is `deny` where any policy \
         denies or holds, else `flag`.",
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
    key(
        "hold",
        Flag,
        "Refuse until a person approves; with `route_to_human_review` and a trigger that reads the \
         request alone.",
    )
    .or("false"),
    key(
        "hold_ttl",
        Span,
        "How long an approval lets the same input by the same caller pass: `1m` to `30d`.",
    )
    .or("24h"),
    key(
        "mode",
        Word(&words::MODES),
        "Whether the policy acts, or is judged and recorded without effect.",
    )
    .or("enforce"),
    key(
        "on_error",
        Word(&words::ON_ERROR),
        "What a trigger that cannot be evaluated counts as: `default` is fired for `deny` and \
         `hold: true`, and not fired for the others.",
    )
    .or("default"),
    key(
        "message",
        Text { max: MESSAGE_MAX },
        "What a refused or held caller is told, in place of the policy's name and reason.",
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
    key(
        "drift",
        Only("allow"),
        "What happens where another model than the pinned one answers. This version takes `allow` \
         alone.",
    )
    .or("allow"),
    key(
        "candidates",
        NoEntries(CANDIDATE),
        "Models that are tried alongside an approved one. This version takes an empty list alone.",
    )
    .or("[]"),
];

pub const CANDIDATE: &[Key] = &[
    key("model", Text { max: MODEL_MAX }, "The model that is tried.").required(),
    key("alongside", Text { max: MODEL_MAX }, "The approved model beside which it is.").required(),
    key("sample", Share, "The share of inputs that it gets, too."),
    key("concurrency", Number { max: CONCURRENCY_MAX }, "Most of its calls at a time."),
    key("tokens_per_day", Number { max: TOKENS_MAX }, "Most tokens that it may take in a day."),
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

pub const CATEGORIES: &[Key] = &[
    key(
        "order",
        Categories { max: categories::ORDER_MAX },
        "The most severe first; what is not listed comes last.",
    )
    .or(r#"["pii", "healthcare", "financial"]"#),
    key(
        "from",
        AnyOf(&words::CATEGORY_SOURCES),
        "The request's `x-ai-category` header, its body's `metadata.category`, what detectors \
         find; their union counts.",
    ),
    key("custom", Entries(CUSTOM_CATEGORY), "Categories of your own, found by their words.")
        .or("[]"),
];

pub const CUSTOM_CATEGORY: &[Key] = &[
    key("name", Category, "What triggers and records call it.").required(),
    key(
        "words",
        Phrases { max: categories::PHRASES_MAX, characters: categories::PHRASE_CHARACTERS_MAX },
        "Words or phrases, looked for whole and in any case.",
    )
    .required(),
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
    key(
        "input_summary_characters",
        Number { max: SUMMARY_CHARACTERS_MAX },
        "Longest redacted start of the last user message that is kept for reviewers, in \
         characters; 0 keeps none.",
    )
    .or("0"),
    key("redact", AnyOf(&words::KINDS), "What is blacked out in a summary."),
    key(
        "hash_key_env",
        Variable { max: VARIABLE_BYTES_MAX },
        "The variable of the gateway's environment that holds a key for the input's hash, so that \
         a guessed input cannot be told by it.",
    )
    .or(r#""""#),
    key(
        "keep_for_comparison",
        Span,
        "How long both texts of a compared pair are kept. This version takes `0d` alone.",
    )
    .or("0d"),
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
