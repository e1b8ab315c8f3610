//! The keys of governance.yml, mapping by mapping. A key that a later version may have is listed
//! too, so that it is told apart from a misspelt one. Knows no values.

/// A key, and whether this version has it.
pub type Key = (&'static str, Has);

/// Whether this version has a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    Now,
    Later,
}

use Has::{Later, Now};

pub const TOP: &[Key] = &[
    ("version", Now),
    ("policies", Now),
    ("models", Now),
    ("categories", Now),
    ("confidence", Now),
    ("record", Now),
    ("streams", Now),
    ("unreadable", Now),
];

pub const POLICY: &[Key] = &[
    ("name", Now),
    ("description", Now),
    ("trigger", Now),
    ("allowed", Now),
    ("action", Now),
    ("hold", Later),
    ("hold_ttl", Later),
    ("mode", Now),
    ("on_error", Now),
    ("message", Now),
];

pub const MODELS: &[Key] = &[
    ("floating", Now),
    ("pins", Now),
    ("deployments", Now),
    ("rules", Now),
    ("drift", Later),
    ("candidates", Later),
];

pub const MODEL_RULE: &[Key] = &[("match", Now), ("class", Now)];

pub const CATEGORIES: &[Key] = &[("order", Now), ("from", Now), ("custom", Now)];

pub const CUSTOM_CATEGORY: &[Key] = &[("name", Now), ("words", Now)];

pub const CONFIDENCE: &[Key] = &[("from", Now), ("request_logprobs", Now)];

pub const RECORD: &[Key] = &[
    ("summary_characters", Now),
    ("input_summary_characters", Now),
    ("redact", Now),
    ("hash_key_env", Now),
    ("keep_for_comparison", Later),
    ("on_failure", Now),
    ("on_failure_until", Now),
];
