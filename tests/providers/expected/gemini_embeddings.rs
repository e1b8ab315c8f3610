//! What each fixture of Google's embeddings reads as.

pub const ANSWERS: &[(&str, &str)] = &[
    ("batch.json", r#""""#),
    ("error.json", r#""" error"#),
    ("one.json", r#""""#),
    ("other_shape.json", r#""" unknown_shape"#),
    ("predict.json", r#""""#),
    ("predict_image.json", r#""""#),
    ("predict_text.json", r#""" unknown_shape"#),
];
