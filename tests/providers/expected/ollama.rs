//! What each fixture of Ollama's own protocol reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("cloud.json", r#"gpt-oss:120b stop 9+3 "Hi""#),
    ("embed.json", r#"all-minilm """#),
    ("embedding.json", r#""""#),
    ("error.json", r#""" error"#),
    ("generate.json", r#"llama3.2:latest stop 9+3 "Good morning.""#),
    ("image.json", r#"flux:latest """#),
    ("load.json", r#"llama3.2:latest load """#),
    ("logprobs.json", r#"llama3.2:latest stop 9+3 "Hi" logprobs 0.8187"#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("stream.ndjson", r#"llama3.2:latest stop 9+3 "Grüße 🙂""#),
    ("stream_crlf.ndjson", r#"llama3.2:latest stop 9+3 "Hi""#),
    ("stream_cut.ndjson", r#"llama3.2:latest "Hal" malformed_json"#),
    ("stream_error.ndjson", r#"llama3.2:latest "Hal" error"#),
    ("stream_generate.ndjson", r#"llama3.2:latest stop 9+3 "Good morning.""#),
    ("stream_logprobs.ndjson", r#"llama3.2:latest stop 9+3 "Hi" logprobs 0.8187"#),
    ("stream_marker_in_text.ndjson", r#"llama3.2:latest stop 9+3 "\n{\"done\":true}\n""#),
    ("stream_no_line_end.ndjson", r#"llama3.2:latest stop 9+3 "Hi""#),
    ("stream_no_usage.ndjson", r#"llama3.2:latest length "Hi""#),
    (
        "stream_tool_calls.ndjson",
        r#"llama3.2:latest stop 9+3 "" weather({"city":"Köln"}) time({})"#,
    ),
    ("tool_calls.json", r#"llama3.2:latest stop 9+3 "" weather({"city":"Köln"}) time({})"#),
    ("whole.json", r#"llama3.2:latest stop 9+3 "Good morning.""#),
];
