//! What each fixture of watsonx.ai reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("chat.json", r#"ibm/granite-3-8b-instruct stop 9+3 "Hi""#),
    ("error.json", r#""" error"#),
    ("error_reason.json", r#"ibm/granite-13b-instruct-v2 ERROR 8+2 "Hal" error"#),
    ("logprobs.json", r#"ibm/granite-13b-instruct-v2 max_tokens 8+2 "Hi" logprobs 0.8187"#),
    ("other_shape.json", r#"m "" unknown_shape"#),
    ("stream.sse", r#"ibm/granite-13b-instruct-v2 eos_token 8+3 "Grüße 🙂""#),
    ("stream_chat.sse", r#"ibm/granite-3-8b-instruct stop 9+3 "Hi""#),
    ("stream_cut.sse", r#"ibm/granite-13b-instruct-v2 8+1 "Hal" no_terminator"#),
    ("stream_error.sse", r#"ibm/granite-13b-instruct-v2 8+1 "Hal" error"#),
    ("stream_error_message.sse", r#"ibm/granite-13b-instruct-v2 8+1 "Hal" error"#),
    ("stream_logprobs.sse", r#"ibm/granite-13b-instruct-v2 eos_token 8+2 "Hi" logprobs 0.8187"#),
    ("stream_no_close.sse", r#"ibm/granite-13b-instruct-v2 stop_sequence 8+2 "Hi""#),
    ("whole.json", r#"ibm/granite-13b-instruct-v2 eos_token 8+3 "Good morning.""#),
];
