//! What each fixture of Bedrock's Converse reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("content_filtered.json", r#"content_filtered 10+0 "" refusal"#),
    ("guardrail_blocked.json", r#"guardrail_intervened 0+0 "Sorry." refusal"#),
    ("guardrail_masked.json", r#"guardrail_intervened 10+5 "{NAME} is \"BLOCKED\".""#),
    ("guardrail_untraced.json", r#"guardrail_intervened 0+0 "Sorry." refusal"#),
    ("other_shape.json", r#""" unknown_shape"#),
    (
        "router.json",
        r#"arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0 end_turn "Hi""#,
    ),
    ("stream.eventstream", r#"end_turn 10+5 "Grüße, 世界 🙂""#),
    ("stream_broken.eventstream", r#"end_turn 10+5 "Hal" malformed_json"#),
    ("stream_cut.eventstream", r#""Hal" no_terminator"#),
    ("stream_error.eventstream", r#""Hal" error"#),
    ("stream_exception.eventstream", r#""Hal" error"#),
    ("stream_guardrail_blocked.eventstream", r#"guardrail_intervened 10+5 "Sorry." refusal"#),
    ("stream_guardrail_masked.eventstream", r#"guardrail_intervened 10+5 "{NAME} is here.""#),
    ("stream_json_instead.eventstream", r#""" error"#),
    ("stream_no_metadata.eventstream", r#"end_turn "Hi""#),
    ("stream_router.eventstream", r#"amazon.nova-lite-v1:0 end_turn 10+5 "Hi""#),
    (
        "stream_tool_use.eventstream",
        r#"tool_use 10+5 "Looking." weather({"city": "Köln"}) time({})"#,
    ),
    ("tool_use.json", r#"tool_use 10+5 "Looking." weather({"city":"Köln"}) time({})"#),
    ("whole.json", r#"end_turn 10+5 "Grüße. It is a star.""#),
];
