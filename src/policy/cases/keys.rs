//! The keys of a file of cases, mapping by mapping.

use crate::policy::schema::keys::Has::Now;
use crate::policy::schema::keys::Key;

pub const CASES: &[Key] = &[("policy", Now), ("cases", Now)];

pub const CASE: &[Key] =
    &[("name", Now), ("exchange", Now), ("request", Now), ("answer", Now), ("expect", Now)];

pub const EXPECT: &[Key] = &[
    ("verdict", Now),
    ("actions", Now),
    ("fired", Now),
    ("failed", Now),
    ("would_fire", Now),
    ("message", Now),
];

pub const REQUEST: &[Key] = &[
    ("model", Now),
    ("provider", Now),
    ("operation", Now),
    ("deployment", Now),
    ("fallback_models", Now),
    ("stream", Now),
    ("prompt", Now),
    ("messages", Now),
    ("images", Now),
    ("tools", Now),
    ("max_tokens", Now),
    ("temperature", Now),
    ("categories", Now),
    ("caller", Now),
    ("method", Now),
    ("path", Now),
    ("host", Now),
    ("headers", Now),
    ("route", Now),
    ("gateway", Now),
    ("at", Now),
];

pub const CALLER: &[Key] =
    &[("spiffe", Now), ("subject", Now), ("api_key_hash", Now), ("address", Now)];

pub const ANSWER: &[Key] = &[
    ("status", Now),
    ("output", Now),
    ("confidence", Now),
    ("served_model", Now),
    ("system_fingerprint", Now),
    ("finish_reason", Now),
    ("refusal", Now),
    ("tool_calls", Now),
    ("usage", Now),
    ("latency_ms", Now),
];

pub const TOOL_CALL: &[Key] = &[("name", Now), ("arguments", Now)];

pub const USAGE: &[Key] = &[
    ("input_tokens", Now),
    ("output_tokens", Now),
    ("total_tokens", Now),
    ("cached_tokens", Now),
    ("reasoning_tokens", Now),
];
