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
        ("SSN_219-09-9999", "ssn:219-09-9999"),
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
        "version 10.0.19.41 of 2.2.2.2.2",
        "127.0.0.1 ::1 0.0.0.0 255.255.255.0",
        "std::fmt a::b 12:34:56 00:1a:2b:3c:4d:5e",
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
fn addresses_are_found_and_only_public_ones_are_personal() {
    let cases = [
        ("from 203.0.113.9:443 to 8.8.8.8.", "ip:203.0.113.9 | ip:8.8.8.8"),
        ("net 10.218.6.0/24", "ip:10.218.6.0"),
        ("http://[2a02:8071:2b80::c0de]:80/", "ip:2a02:8071:2b80::c0de"),
        ("4f8a:c99e:dc86:faf9:5988:5f63:375e:8a2a", "ip:4f8a:c99e:dc86:faf9:5988:5f63:375e:8a2a"),
        ("::ffff:93.184.216.34", "ip:::ffff:93.184.216.34"),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), expected, "{text}");
    }
    assert_eq!(detect::categories("ping 93.184.216.34"), ["pii"]);
    assert_eq!(detect::categories("ping fd00::17 and 192.168.1.20, 203.0.113.9"), [""; 0]);
}

#[wasm_bindgen_test(unsupported = test)]
fn dates_of_birth_are_found_behind_their_cue() {
    let cases = [
        ("DOB: 03/12/1985", "birth_date:03/12/1985"),
        ("She was born on 2/7/1961.", "birth_date:2/7/1961"),
        ("born 12th of March 1985 in Ulm", "birth_date:12th of March 1985"),
        ("Date of birth\n1985-03-12", "birth_date:1985-03-12"),
        ("d.o.b. 12.3.85", "birth_date:12.3.85"),
        ("birthday (Jan 5, 1990)", "birth_date:Jan 5, 1990"),
        ("geboren am 24.12.1999", "birth_date:24.12.1999"),
        ("born in 1985", ""),
        ("born on a Monday; the fair opened on 12/03/2019", ""),
        ("due 12/03/1985", ""),
        ("born 13/13/1985", ""),
        ("reborn 12/03/1985", ""),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), expected, "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn national_ids_are_found_by_form_check_and_cue() {
    // Made-up numbers with valid check digits, most of them from the describing pages.
    let cases = [
        ("NHS number: 943 476 5919", "943 476 5919"),
        ("nhs 9434765919", "9434765919"),
        ("NI AB123456C", "AB123456C"),
        ("NI number AB 12 34 56 C", "AB 12 34 56 C"),
        ("my SIN is 130 692 544", "130 692 544"),
        ("TFN 123 456 782", "123 456 782"),
        ("cliente 529.982.247-25", "529.982.247-25"),
        ("CPF 52998224725", "52998224725"),
        ("DNI 12345678Z", "12345678Z"),
        ("NIE X1234567L", "X1234567L"),
        ("CF RSSMRA85T10A562S", "RSSMRA85T10A562S"),
        ("1 85 05 78 006 084 91", "1 85 05 78 006 084 91"),
        ("Steuer-ID 86095742719", "86095742719"),
        ("BSN 111222333", "111222333"),
        ("85.07.30-033.28", "85.07.30-033.28"),
        ("PESEL 44051401359", "44051401359"),
        ("811218-9876", "811218-9876"),
        ("19811218-9876", "19811218-9876"),
        ("131052-308T", "131052-308T"),
        ("756.9217.0769.85", "756.9217.0769.85"),
        ("Aadhaar: 2341 2341 2346", "2341 2341 2346"),
        ("身份证11010519491231002X。", "11010519491231002X"),
        ("S1234567D", "S1234567D"),
        ("HEGG560427MVZRRL04", "HEGG560427MVZRRL04"),
        ("820701-2409181", "820701-2409181"),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), format!("national_id:{expected}"), "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn other_numbers_are_no_national_ids() {
    let cases = [
        "NHS number: 943 476 5918",
        "the sum 130 692 544 of it",
        "AB123456E QQ123456C",
        "12345678A X1234567M",
        "RSSMRA85T10A562T",
        "S1234567E",
        "811218-9877",
        "131052-308U",
        "756.9217.0769.86",
        "110105194912310021",
        "52998224725",
        "CPF 111.111.111-11",
        "part AB-123456789-C",
    ];
    for text in cases {
        assert!(!finds(text).contains("national_id"), "{text}: {}", finds(text));
    }
}

/// Keys are put together here, so that scanners of this repository do not report them.
fn key(prefix: &str, length: usize) -> String {
    let body = "Zb7Qm4Xc9Lw2Rt8Ks5Vn1Yp6Hd3Jf0Ga".chars().cycle();
    prefix.chars().chain(body.take(length)).collect()
}

#[wasm_bindgen_test(unsupported = test)]
fn keys_are_found_by_their_make() {
    let keys = [
        key("sk-proj-", 48),
        key("sk-ant-api03-", 80),
        key("sk-", 40),
        key("AIza", 35),
        key("gsk_", 48),
        key("hf_", 34),
        format!("AK{}", "IAQ3EGRV7KX2M9PLW5TZ"),
        key("ghp_", 36),
        key("github_pat_", 60),
        key("xoxb-", 40),
        key("sk_live_", 24),
        key("eyJ", 20) + ".eyJzdWIiOiIxIn0." + &key("", 30),
    ];
    for key in keys {
        for text in [format!("use {key}."), format!("\"{key}\""), format!("KEY={key}\n")] {
            assert_eq!(finds(&text), format!("secret:{key}"), "{text}");
        }
    }
    let hook = "hooks.slack.com/services/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";
    assert_eq!(finds(&format!("https://{hook} is ours")), format!("secret:{hook}"));
}

#[wasm_bindgen_test(unsupported = test)]
fn secrets_are_found_by_what_stands_before_them() {
    let cases = [
        ("password: hunter22", "hunter22"),
        ("DB_PASSWORD=\"tr0ub4dor&3\"", "tr0ub4dor&3"),
        ("{\"password\": \"pa55word-x\"}", "pa55word-x"),
        ("the passphrase is c0rrect-h0rse.", "c0rrect-h0rse"),
        ("postgres://app:s3cr3t@db:5432/x", "s3cr3t"),
        (
            "aws_secret_access_key = wJa1rXUtnFEMI/K7MDENG/bPxRfiCY",
            "wJa1rXUtnFEMI/K7MDENG/bPxRfiCY",
        ),
        (
            "Authorization: Bearer 9f86d081884c7d659a2feaa0c55ad015",
            "9f86d081884c7d659a2feaa0c55ad015",
        ),
        ("apiKey: 'a8f5f167f44f4964e6c998dee827110c'", "a8f5f167f44f4964e6c998dee827110c"),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), format!("secret:{expected}"), "{text}");
    }
    let armour =
        ["-----BEGIN RSA PRIVATE", " KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----"].concat();
    assert_eq!(finds(&format!("x {armour} y")), format!("secret:{armour}"));
    let line = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ";
    let cut = format!("{}\n{line}\n{line}", ["-----BEGIN OPENSSH PRIVATE", " KEY-----"].concat());
    assert_eq!(
        finds(&format!("{cut}\nmail ann@example.org")),
        format!("secret:{cut} | email:ann@example.org")
    );
    assert_eq!(
        detect::redact("pw: x, password: hunter22", &Kind::ALL),
        "pw: x, password: [secret]"
    );
    assert_eq!(detect::categories("password: hunter22"), [""; 0]);
}

#[wasm_bindgen_test(unsupported = test)]
fn placeholders_and_talk_of_secrets_are_none() {
    let cases = [
        "sk-your-api-key-goes-here-please",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "AIza is the prefix, task-force-one-hundred is none",
        "password: ${DB_PASSWORD1}",
        "password=os.getenv('X1')",
        "password: <your password 1>",
        "the password is on the desk",
        "reset my password, please",
        "max_tokens: 4096, total_tokens: 12345678901234567",
        "token: the first word of a sentence",
        "https://example.org:443/a@b",
        "-----BEGIN PUBLIC KEY-----\nMIIE\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJIUzI1NiJ9 alone",
    ];
    for text in cases {
        assert_eq!(finds(text), "", "{text}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_stands_beside_a_secret_is_found_all_the_same() {
    let header = ["-----BEGIN PRIVATE", " KEY-----"].concat();
    let cases = [
        (
            "password=hunter22&email=ann@example.org&card=4111111111111111",
            "secret:hunter22 | email:ann@example.org | card:4111111111111111".to_owned(),
        ),
        (
            &format!("What is {header} . My SSN is 219-09-9999"),
            format!("secret:{header} | ssn:219-09-9999"),
        ),
        (
            "postgres://app:p@ssw0rd1@db, 415-555-2671",
            "secret:p@ssw0rd1 | phone:415-555-2671".to_owned(),
        ),
        ("\"dateOfBirth\":\"1985-03-12\"", "birth_date:1985-03-12".to_owned()),
        ("phoneNumber: \"4155552671\"", "phone:4155552671".to_owned()),
        ("<password>hunter22</password>", "secret:hunter22".to_owned()),
        ("{\\\"password\\\": \\\"hunter23\\\"}", "secret:hunter23".to_owned()),
        ("password is: hunter24", "secret:hunter24".to_owned()),
        ("psql --password hunter25", "secret:hunter25".to_owned()),
    ];
    for (text, expected) in cases {
        assert_eq!(finds(text), expected, "{text}");
    }
    // What hides in a secret makes the text personal as well.
    let hidden = "token: a1b2c3d4e5f6g7h8/ann@example.org/219-09-9999";
    assert_eq!(detect::categories(hidden), ["pii"]);
}

#[wasm_bindgen_test(unsupported = test)]
fn talk_of_software_is_left_alone() {
    let cases = [
        "a pure function without side effects in React, an SVG stroke is a pain",
        "Swift code that parses JSON; this sort code; an interest rate limiter for stock",
        "the Kafka broker commits the transaction, the patient retry shares state",
        "logo@2x.png git@github.com:org/repo.git postgres://app@db.example.com",
        "Chrome/120.0.6099.71 AssemblyVersion(\"1.0.0.0\") section 3.2.1.4",
        "00:11:22:33:44:55:66:77",
        "320 768 1024 x+20000000",
        "5063041801161 20260104-1326 56169354L AB123456C",
        "5109 1780 1135 1445 1234 4444",
        "3484f21f-ad62-4eb6-b530-1e0d1939b453",
        "password base64, password SHA256, token: 2024-01-15T10:15:30.000Z",
        "token: https://example.org/a1 sk-icon-button-container-24px-x",
    ];
    for text in cases {
        assert_eq!(finds(text), "", "{text}");
        assert_eq!(detect::categories(text), [""; 0], "{text}");
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
    let document = include_str!("../docs/detectors.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let documented: Vec<&str> = rows.collect();
    assert_eq!(documented.len(), Kind::ALL.len(), "{documented:?}");
    assert!(Kind::ALL.iter().all(|kind| documented.contains(&kind.as_str())), "{documented:?}");
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
        "12 34 56 78 ", "call 12 34 56 78 ", "tel.", "123456789 ", "patient ", "born 1/1/", "::", "a:",
        "1:", "eyJ", "password: ", "sk-", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "a1", "1.1.",
        "://a:", "://", "943 476 5919 ", "nhs ", "AB 12 34 56 C", "dob 3 March 1", "pwd:", "token:a1", "/whsec_", "fooBar",
    ];
    for unit in units {
        let text = unit.repeat(20_000);
        for span in detect::find(&text) {
            assert!(text.get(span.start..span.end).is_some(), "{unit:?} {span:?}");
        }
        assert!(!detect::redact(&text, &Kind::ALL).is_empty());
    }
}
