//! What each fixture of Google's interactions reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    ("failed.json", r#"gemini-2.5-flash failed "" error"#),
    (
        "function_calls.json",
        r#"gemini-2.5-flash requires_action 9+3 "" weather({"city":"Köln"}) time({})"#,
    ),
    ("other_shape.json", r#"gemini-2.5-flash completed "" unknown_shape"#),
    ("other_step.json", r#"gemini-2.5-flash completed "Hi" unknown_shape"#),
    ("pending.json", r#""" deferred"#),
    ("stream.sse", r#"gemini-2.5-flash completed 9+3 "Grüße 🙂""#),
    ("stream_cut.sse", r#"gemini-2.5-flash "Hal" no_terminator"#),
    ("stream_error.sse", r#"gemini-2.5-flash "Hal" error"#),
    (
        "stream_function_calls.sse",
        r#"gemini-2.5-flash requires_action 9+3 "" weather({"city":"Köln"}) time({})"#,
    ),
    ("stream_only_done.sse", r#"gemini-2.5-flash "Hi""#),
    ("stream_other_events.sse", r#""" unknown_shape"#),
    ("whole.json", r#"gemini-2.5-flash completed 9+3 "Good morning.""#),
];
