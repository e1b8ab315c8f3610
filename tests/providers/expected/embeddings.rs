//! What each fixture of embeddings reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("base64.json", r#"mistral-embed 4+0 """#),
    ("error.json", r#""" error"#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("stream_other_shape.sse", r#""" unknown_shape"#),
    ("total_only.json", r#"voyage-3.5 """#),
    ("whole.json", r#"text-embedding-3-small """#),
];
