//! The keys of governance.yml, mapping by mapping. Knows no values.

/// A key.
pub type Key = &'static str;

pub const TOP: &[Key] = &[
    "version",
    "policies",
    "models",
    "categories",
    "confidence",
    "record",
    "streams",
    "unreadable",
];

pub const POLICY: &[Key] = &[
    "name",
    "description",
    "trigger",
    "allowed",
    "action",
    "hold",
    "hold_ttl",
    "mode",
    "on_error",
    "message",
];

pub const MODELS: &[Key] = &["floating", "pins", "deployments", "rules", "drift", "candidates"];

pub const CANDIDATE: &[Key] = &["model", "alongside", "sample", "concurrency", "tokens_per_day"];

pub const MODEL_RULE: &[Key] = &["match", "class"];

pub const CATEGORIES: &[Key] = &["order", "from", "custom"];

pub const CUSTOM_CATEGORY: &[Key] = &["name", "words"];

pub const CONFIDENCE: &[Key] = &["from", "request_logprobs"];

pub const RECORD: &[Key] = &[
    "summary_characters",
    "input_summary_characters",
    "redact",
    "hash_key_env",
    "keep_for_comparison",
    "on_failure",
    "on_failure_until",
];
