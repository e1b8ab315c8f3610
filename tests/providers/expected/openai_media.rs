//! What each fixture of OpenAI's images, speech and moderations reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("error.json", r#""" error"#),
    ("images.json", r#"9+272 """#),
    ("moderation.json", r#"omni-moderation-latest """#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("speech.json", r#"voxtral-mini-tts-latest 12+80 "" unknown_content"#),
    ("speech.mp3", r#""" unknown_content"#),
    ("stream_image.sse", r#"9+272 """#),
    ("stream_image_cut.sse", r#""" no_terminator"#),
    ("stream_image_edit_n2.sse", r#"9+300 """#),
    ("stream_image_error.sse", r#""" error"#),
    ("stream_speech.sse", r#"14+101 "" unknown_content"#),
];
