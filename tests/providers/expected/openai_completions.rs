//! What each fixture of OpenAI's completions reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    ("fim.json", r#"codestral-2501 stop 8+2 "return 1""#),
    ("logprobs_n2.json", r#"m stop "ab\nno" logprobs 0.6065"#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("stream.sse", r#"gpt-3.5-turbo-instruct:20230824-v2 stop 9+3 "Grüße, 世界 🙂""#),
    ("stream_crlf_comments.sse", r#"gpt-3.5-turbo-instruct:20230824-v2 length "Hi""#),
    ("stream_cut.sse", r#"gpt-3.5-turbo-instruct:20230824-v2 "Hal" no_terminator"#),
    ("stream_error.sse", r#"gpt-3.5-turbo-instruct:20230824-v2 "Hal" error"#),
    ("stream_fim.sse", r#"codestral-2501 stop 8+2 "return 1""#),
    (
        "stream_logprobs_n2.sse",
        r#"gpt-3.5-turbo-instruct:20230824-v2 stop "AC\nBD" logprobs 0.4066"#,
    ),
    ("whole.json", r#"gpt-3.5-turbo-instruct:20230824-v2 stop 9+3 "\nGood morning.""#),
];
