//! The keys of a file of cases, mapping by mapping.

pub const CASES: &[&str] = &["policy", "cases"];

pub const CASE: &[&str] = &["name", "exchange", "request", "answer", "expect"];

pub const EXPECT: &[&str] = &["verdict", "actions", "fired", "failed", "would_fire", "message"];

pub const REQUEST: &[&str] = &[
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
    // Names by which a trigger reads the same; what to write instead is said.
    "input",
    "request",
    "now",
    "category",
];

pub const CALLER: &[&str] = &["spiffe", "subject", "api_key_hash", "address"];

pub const ANSWER: &[&str] = &[
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

pub const TOOL_CALL: &[&str] = &["name", "arguments"];

pub const USAGE: &[&str] =
    &["input_tokens", "output_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"];
