//! What each answer fixture reads as, in one line each; absent is left out.

/// Fixture and summary.
pub const ANSWERS: [(&str, &str); 39] = [
    ("openai_chat/error.json", r#""" error"#),
    (
        "openai_chat/field_confidence.json",
        r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "{\"answer\":\"yes\",\"confidence\":0.62}" field 0.62"#,
    ),
    ("openai_chat/logprobs_n2.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "A\nB" logprobs 0.0001"#),
    ("openai_chat/other_shape.json", r#""" unknown_shape"#),
    ("openai_chat/padded.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "ok""#),
    ("openai_chat/parts.json", r#"gpt-4o-2024-08-06@fp_1 stop "one two""#),
    ("openai_chat/refusal.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "" refusal"#),
    ("openai_chat/stream.sse", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Good morning.""#),
    ("openai_chat/stream_comments.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_cr.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_crlf.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_empty_choices_first.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_error.sse", r#"gpt-4o-2024-08-06@fp_1 "Hal" error"#),
    ("openai_chat/stream_error_event.sse", r#"gpt-4o-2024-08-06@fp_1 "" error"#),
    ("openai_chat/stream_groq_usage.sse", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Hi""#),
    ("openai_chat/stream_json_instead.sse", r#""" error"#),
    (
        "openai_chat/stream_logprobs_n2.sse",
        r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "AA\nB" logprobs 0.0001"#,
    ),
    (
        "openai_chat/stream_marker_in_text.sse",
        r#"gpt-4o-2024-08-06@fp_1 stop "data: [DONE]\n\n{\"error\":1}\n\nevent: error\n\n.""#,
    ),
    (
        "openai_chat/stream_message_beside_delta.sse",
        r#"gpt-4o-2024-08-06@fp_1 stop 9+2 "Good day" no_terminator"#,
    ),
    ("openai_chat/stream_multibyte.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Grüße, 世界 🙂""#),
    ("openai_chat/stream_no_blank_line.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_no_done.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi" no_terminator"#),
    ("openai_chat/stream_no_usage.sse", r#"gpt-4o-2024-08-06@fp_1 stop "Hi""#),
    ("openai_chat/stream_refusal.sse", r#"gpt-4o-2024-08-06@fp_1 stop "" refusal"#),
    (
        "openai_chat/stream_tool_call.sse",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls "" weather({"city":"Köln"}) time({})"#,
    ),
    (
        "openai_chat/stream_tool_index_reused.sse",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls "" weather({"a":1}) weather({"a":2})"#,
    ),
    (
        "openai_chat/tool_call.json",
        r#"gpt-4o-2024-08-06@fp_1 tool_calls 9+3 "" weather({"city":"Köln"}) time({})"#,
    ),
    ("openai_chat/whole.json", r#"gpt-4o-2024-08-06@fp_1 stop 9+3 "Good morning.""#),
    ("anthropic/error.json", r#""" error"#),
    ("anthropic/refusal.json", r#"claude-sonnet-4-6 refusal 10+1 "" refusal"#),
    ("anthropic/stream.sse", r#"claude-sonnet-4-6 end_turn 10+5 "Good morning.""#),
    ("anthropic/stream_crlf.sse", r#"claude-sonnet-4-6 end_turn 10+2 "Hi""#),
    ("anthropic/stream_cut.sse", r#"claude-sonnet-4-6 10+1 "Hal" no_terminator"#),
    ("anthropic/stream_error.sse", r#"claude-sonnet-4-6 10+1 "Hal" error"#),
    (
        "anthropic/stream_marker_in_text.sse",
        r#"claude-sonnet-4-6 end_turn 10+5 "\n\nevent: message_stop\ndata: {}\n\n""#,
    ),
    ("anthropic/stream_padded.sse", r#"claude-sonnet-4-6 end_turn 12+5 "Grüße 🙂""#),
    (
        "anthropic/stream_tool_use.sse",
        r#"claude-sonnet-4-6 tool_use 10+30 "Looking." weather({"city": "Köln"}) time({})"#,
    ),
    (
        "anthropic/tool_use.json",
        r#"claude-sonnet-4-6 tool_use 10+1 "Looking." weather({"city":"Köln"})"#,
    ),
    ("anthropic/whole.json", r#"claude-sonnet-4-6 end_turn 10+5 "Good morning.""#),
];
