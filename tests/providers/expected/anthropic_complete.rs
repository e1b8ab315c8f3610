//! What each fixture of Anthropic's text completions reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("stream.sse", r#"claude-2.1 stop_sequence " Grüße, 世界""#),
    ("stream_crlf.sse", r#"claude-2.1 stop_sequence "Hi""#),
    ("stream_cut.sse", r#"claude-2.1 " Hal" no_terminator"#),
    ("stream_error.sse", r#"claude-2.1 " Hal" error"#),
    ("stream_padded.sse", r#"claude-2.1 max_tokens " ab""#),
    ("whole.json", r#"claude-2.1 stop_sequence " Good morning.""#),
];
