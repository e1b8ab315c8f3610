//! What each fixture of Anthropic's messages reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    ("refusal.json", r#"claude-sonnet-4-6 refusal 10+1 "" refusal"#),
    ("stream.sse", r#"claude-sonnet-4-6 end_turn 10+5 "Good morning.""#),
    ("stream_crlf.sse", r#"claude-sonnet-4-6 end_turn 10+2 "Hi""#),
    ("stream_cut.sse", r#"claude-sonnet-4-6 10+1 "Hal" no_terminator"#),
    ("stream_error.sse", r#"claude-sonnet-4-6 10+1 "Hal" error"#),
    (
        "stream_marker_in_text.sse",
        r#"claude-sonnet-4-6 end_turn 10+5 "\n\nevent: message_stop\ndata: {}\n\n""#,
    ),
    ("stream_padded.sse", r#"claude-sonnet-4-6 end_turn 12+5 "Grüße 🙂""#),
    (
        "stream_tool_use.sse",
        r#"claude-sonnet-4-6 tool_use 10+30 "Looking." weather({"city": "Köln"}) time({})"#,
    ),
    ("tool_use.json", r#"claude-sonnet-4-6 tool_use 10+1 "Looking." weather({"city":"Köln"})"#),
    ("whole.json", r#"claude-sonnet-4-6 end_turn 10+5 "Good morning.""#),
];
