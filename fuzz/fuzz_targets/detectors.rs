//! Detectors on any text: finds stand in order, apart and on character boundaries, and redaction
//! takes out exactly them.
#![no_main]

use governance_filter::detect::{self, Kind};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let found = detect::find(&text);
    let mut from = 0;
    let mut expected = String::new();
    for span in &found {
        assert!(span.start >= from && span.start < span.end, "in order and apart: {span:?}");
        assert!(text.get(span.start..span.end).is_some(), "on character boundaries: {span:?}");
        expected.push_str(&text[from..span.start]);
        expected.push_str(&format!("[{}]", span.kind.as_str()));
        from = span.end;
    }
    expected.push_str(&text[from..]);
    assert_eq!(detect::redact(&text, &Kind::ALL), expected);
    assert_eq!(detect::redact(&text, &[]), text);
    let categories = detect::categories(&text);
    // Not the other way round: a secret or a private address is a find of no category.
    assert!(!categories.contains(&"pii") || !found.is_empty());
});
