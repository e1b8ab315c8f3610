//! What the detectors find and, as important, what they leave alone; and how well they do on
//! labelled text. The same suite runs natively and on wasm32-unknown-unknown.

// Clippy's exemption of tests does not reach helpers outside of test functions.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use governance_filter::detect::{self, Kind};
use wasm_bindgen_test::wasm_bindgen_test;

#[cfg(not(target_family = "wasm"))]
#[path = "detectors/labelled.rs"]
mod labelled;

/// The finds of a text as `kind:value`, one after the other.
fn finds(text: &str) -> String {
    let spans = detect::find(text);
    let shown =
        spans.iter().map(|span| format!("{}:{}", span.kind.as_str(), &text[span.start..span.end]));
    shown.collect::<Vec<_>>().join(" | ")
}

#[wasm_bindgen_test(unsupported = test)]
fn personal_data_is_found_by_shape_and_checksum() {
    let cases = [
        ("mail <ann.o'neil+x@mail.example.co.uk>.", "email:ann.o'neil+x@mail.example.co.uk"),
        ("写信给 li@example.cn。", "email:li@example.cn"),
        ("a@b.com,c@d.org", "email:a@b.com | email:c@d.org"),
        ("card 4111 1111 1111 1111, exp 12/27", "card:4111 1111 1111 1111"),
        ("4111111111111111", "card:4111111111111111"),
        ("378282246310005 or 3782-822463-10005", "card:378282246310005 | card:3782-822463-10005"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "iban:DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "iban:gb82west12345698765432"),
        ("ssn 219-09-9999", "ssn:219-09-9999"),
        ("my SSN is 219099999", "ssn:219099999"),
        ("call +49 30 901820", "phone:+49 30 901820"),
        ("+1 (415) 555-2671", "phone:+1 (415) 555-2671"),
        ("+44 (0)20 7946 0018", "phone:+44 (0)20 7946 0018"),
        ("(415) 555-2671 ext. 22", "phone:(415) 555-2671 ext. 22"),
        ("415-555-2671", "phone:415-555-2671"),
        ("tel:020 7946 0018", "phone:020 7946 0018"),
        ("02.27.96.63.08", "phone:02.27.96.63.08"),
        ("phone: 9885 1152", "phone:9885 1152"),
        ("Grüße 🙂 ann@example.org 🙂", "email:ann@example.org"),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), expected, "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn other_numbers_and_signs_are_left_alone() {
    let cases = [
        "",
        "@",
        "a@b",
        "@decorator(x@y)",
        "git@host:repo",
        "npm i pkg@1.2.3",
        "4111 1111 1111 1112",
        "1234567890123456",
        "DE89 3704 0044 0532 0130 01",
        "000-12-3456 666-12-3456 900-12-3456",
        "order 219-09-99990",
        "219099999",
        "2024-01-15 to 15.01.2024",
        "version 1.22.333.4444",
        "192.168.100.200",
        "9885 1152",
        "population 10 000 000",
        "we call 100 000 people in 2024 2025",
        "3.14159265358979",
        "550e8400-e29b-41d4-a716-446655440000",
        "0x4111111111111111",
        "$1 234 567",
        "12:34:56.789012",
        "sha 1234567 of 2147483648 and 1700000000000",
    ];
    for text in cases {
        assert_eq!(finds(text), "", "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn redaction_replaces_what_was_found() {
    let text = "Ann <ann@example.org>, 415-555-2671, 4111 1111 1111 1111 🙂";
    assert_eq!(detect::redact(text, &Kind::ALL), "Ann <[email]>, [phone], [card] 🙂");
    assert_eq!(
        detect::redact(text, &[Kind::Card]),
        "Ann <ann@example.org>, 415-555-2671, [card] 🙂"
    );
    assert_eq!(detect::redact(text, &[]), text);
}

#[wasm_bindgen_test(unsupported = test)]
fn kinds_are_named_alike_both_ways() {
    for kind in Kind::ALL {
        assert_eq!(Kind::parse(kind.as_str()), Some(kind));
    }
    assert_eq!(Kind::parse("name"), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn categories_need_more_than_one_vague_word() {
    let cases: [(&str, &[&str]); 12] = [
        ("", &[]),
        ("Be patient, and stock up on tea.", &[]),
        ("The doctor is in the house.", &[]),
        ("Is there a bank by the river?", &[]),
        ("The patient asks about her diagnosis.", &["healthcare"]),
        ("Start chemotherapy on Monday", &["healthcare"]),
        ("Code it as ICD-10 J45", &["healthcare"]),
        ("Refill my prescriptions after surgery", &["healthcare"]),
        ("What is a good CREDIT  SCORE?", &["financial"]),
        ("Send the wire transfer to this account number", &["financial"]),
        ("my loan and my salary", &["financial"]),
        ("ann@example.org has diabetes and a mortgage", &["pii", "healthcare", "financial"]),
    ];
    for (text, expected) in cases {
        assert_eq!(detect::categories(text), expected, "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn odd_texts_take_no_longer_and_stay_in_bounds() {
    #[rustfmt::skip]
    let units = [
        "1 ", "@", "a@", "a.", "4", "(1) ", "DE89 ", "+1-", "é", "1-", "0x", "a@b.", "\u{a0}1",
        "12 34 56 78 ", "call 12 34 56 78 ", "tel.", "123456789 ", "patient ",
    ];
    for unit in units {
        let text = unit.repeat(20_000);
        for span in detect::find(&text) {
            assert!(text.get(span.start..span.end).is_some(), "{unit:?} {span:?}");
        }
        assert!(!detect::redact(&text, &Kind::ALL).is_empty());
    }
}
