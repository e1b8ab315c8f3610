//! What each fixture of OpenAI's chat completions reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    (
        "field_confidence.json",
        r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "{\"answer\":\"yes\",\"confidence\":0.62}" field 0.62"#,
    ),
    ("logprobs_n2.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "A\nB" logprobs 0.0001"#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("padded.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "ok""#),
    ("parts.json", r#"gpt-4o-2024-08-06@fp_1 stop "one two""#),
    ("refusal.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "" refusal"#),
    ("stream.sse", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Good morning.""#),
    ("stream_comments.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_cr.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_crlf.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_empty_choices_first.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_error.sse", r#"gpt-4o-2024-08-06@fp_1 "Hal" error"#),
    ("stream_error_event.sse", r#"gpt-4o-2024-08-06@fp_1 "" error"#),
    ("stream_groq_usage.sse", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Hi""#),
    ("stream_half_surrogates.sse", "m stop \"a\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}b\""),
    ("stream_json_instead.sse", r#""" error"#),
    ("stream_logprobs_n2.sse", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "AA\nB" logprobs 0.0001"#),
    (
        "stream_marker_in_text.sse",
        r#"gpt-4o-2024-08-06@fp_1 stop "data: [DONE]\n\n{\"error\":1}\n\nevent: error\n\n.""#,
    ),
    (
        "stream_message_beside_delta.sse",
        r#"gpt-4o-2024-08-06@fp_1 stop 9+2 "Good day" no_terminator"#,
    ),
    ("stream_multibyte.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Grüße, 世界 🙂""#),
    ("stream_no_blank_line.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_no_done.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi" no_terminator"#),
    ("stream_no_usage.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("stream_refusal.sse", r#"gpt-4o-2024-08-06@fp_1 stop "" refusal"#),
    (
        "stream_tool_call.sse",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls "" weather({"city":"Köln"}) time({})"#,
    ),
    (
        "stream_tool_index_reused.sse",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls "" weather({"a":1}) weather({"a":2})"#,
    ),
    (
        "tool_call.json",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls 9+3 "" weather({"city":"Köln"}) time({})"#,
    ),
    ("whole.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Good morning.""#),
];
