//! International bank account numbers, ISO 13616: country, its length, and the checksum of
//! ISO 7064 (mod 97). Written in one piece or in groups, in either case.

use super::reading::Reading;
use super::{Kind, Span};

/// Country and length, from the registry that SWIFT keeps for ISO 13616:
/// <https://www.iso13616.org>.
#[rustfmt::skip]
const LENGTHS: [(&[u8; 2], usize); 89] = [
    (b"AD", 24), (b"AE", 23), (b"AL", 28), (b"AT", 20), (b"AZ", 28), (b"BA", 20), (b"BE", 16),
    (b"BG", 22), (b"BH", 22), (b"BR", 29), (b"BY", 28), (b"CH", 21), (b"CR", 22), (b"CY", 28),
    (b"CZ", 24), (b"DE", 22), (b"DK", 18), (b"DO", 28), (b"EE", 20), (b"EG", 29), (b"ES", 24),
    (b"FI", 18), (b"FO", 18), (b"FR", 27), (b"GB", 22), (b"GE", 22), (b"GI", 23), (b"GL", 18),
    (b"GR", 27), (b"GT", 28), (b"HR", 21), (b"HU", 28), (b"IE", 22), (b"IL", 23), (b"IQ", 23),
    (b"IS", 26), (b"IT", 27), (b"JO", 30), (b"KW", 30), (b"KZ", 20), (b"LB", 28), (b"LC", 32),
    (b"LI", 21), (b"LT", 20), (b"LU", 20), (b"LV", 21), (b"LY", 25), (b"MC", 27), (b"MD", 24),
    (b"ME", 22), (b"MK", 19), (b"MR", 27), (b"MT", 31), (b"MU", 30), (b"NL", 18), (b"NO", 15),
    (b"PK", 24), (b"PL", 28), (b"PS", 29), (b"PT", 25), (b"QA", 29), (b"RO", 24), (b"RS", 22),
    (b"RU", 33), (b"SA", 24), (b"SC", 31), (b"SD", 18), (b"SE", 24), (b"SI", 19), (b"SK", 24),
    (b"SM", 27), (b"ST", 25), (b"SV", 28), (b"TL", 23), (b"TN", 24), (b"TR", 26), (b"UA", 29),
    (b"XK", 20), (b"BI", 27), (b"DJ", 27), (b"FK", 18), (b"HN", 28), (b"MN", 20), (b"NI", 28),
    (b"OM", 23), (b"SO", 23), (b"VA", 22), (b"VG", 24), (b"YE", 30),
];

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let mut found: Vec<Span> = Vec::new();
    for code in &reading.codes {
        // The groups of one number are codes as well.
        let inside = found.last().is_some_and(|before| before.end > code.start);
        let tied = reading.text.get(..code.start).is_some_and(|before| before.ends_with('-'));
        if inside || tied || !reading.opens(code.start) {
            continue;
        }
        let length = reading.text.as_bytes().get(code.start..).and_then(length);
        found.extend(length.map(|length| Span {
            kind: Kind::Iban,
            start: code.start,
            end: code.start + length,
        }));
    }
    found
}

/// Bytes of the number that `bytes` start with, blanks between its groups included.
fn length(bytes: &[u8]) -> Option<usize> {
    let [first, second, check, digit, ..] = bytes else {
        return None;
    };
    if !check.is_ascii_digit() || !digit.is_ascii_digit() {
        return None;
    }
    let country = [first.to_ascii_uppercase(), second.to_ascii_uppercase()];
    let (_, wanted) = LENGTHS.iter().find(|(known, _)| **known == country)?;
    let mut number = Vec::with_capacity(*wanted);
    let (mut at, mut gaps) = (0, 0);
    while number.len() < *wanted {
        match bytes.get(at)? {
            byte if byte.is_ascii_alphanumeric() => number.push(byte.to_ascii_uppercase()),
            b' ' | b'-' if number.len() % 4 == 0 => gaps += 1,
            _ => return None,
        }
        at += 1;
    }
    // In one piece or all in fours: a UUID has gaps in other places.
    if gaps != 0 && gaps != (wanted - 1) / 4 {
        return None;
    }
    let ends = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
    (ends && remainder(&number) == 1).then_some(at)
}

/// The number with its first four characters moved to the end, letters as 10 to 35, modulo 97.
fn remainder(number: &[u8]) -> u32 {
    let (head, tail) = number.split_at_checked(4).unwrap_or((number, &[]));
    tail.iter().chain(head).fold(0, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        _ => (remainder * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    })
}
