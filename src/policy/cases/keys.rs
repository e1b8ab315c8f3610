//! The keys of a file of cases, mapping by mapping.

use crate::policy::schema::keys::Key;

pub const CASES: &[Key] = &["policy", "cases"];

pub const CASE: &[Key] = &["name", "exchange", "request", "answer", "expect"];

pub const EXPECT: &[Key] = &["verdict", "actions", "fired", "failed", "would_fire", "message"];

pub const REQUEST: &[Key] = &[
    "model",
    "provider",
    "operation",
    "deployment",
    "fallback_models",
    "stream",
    "prompt",
    "messages",
    "images",
    "tools",
    "max_tokens",
    "temperature",
    "categories",
    "caller",
    "method",
    "path",
    "host",
    "headers",
    "route",
    "gateway",
    "at",
];

pub const CALLER: &[Key] = &["spiffe", "subject", "api_key_hash", "address"];

pub const ANSWER: &[Key] = &[
    "status",
    "output",
    "confidence",
    "served_model",
    "system_fingerprint",
    "finish_reason",
    "refusal",
    "tool_calls",
    "usage",
    "latency_ms",
];

pub const TOOL_CALL: &[Key] = &["name", "arguments"];

pub const USAGE: &[Key] =
    &["input_tokens", "output_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"];
