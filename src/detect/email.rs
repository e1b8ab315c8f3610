//! E-mail addresses: the everyday form of RFC 5322's `addr-spec`, quoted local parts and address
//! literals left out.

use super::reading::Reading;
use super::{Kind, Span};

/// RFC 5321 §4.5.3.1: 64 octets before the sign, 255 after it.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let text = reading.text;
    let mut found: Vec<Span> = Vec::new();
    for at in reading.at_signs.iter().copied() {
        let floor = found.last().map_or(0, |span| span.end);
        let before = text.as_bytes().get(floor..at).unwrap_or_default();
        let after = text.as_bytes().get(at + 1..).unwrap_or_default();
        if let (Some(local), Some(domain)) = (local_length(before), domain_length(after)) {
            found.push(Span { kind: Kind::Email, start: at - local, end: at + 1 + domain });
        }
    }
    found
}

fn local_length(before: &[u8]) -> Option<usize> {
    let local = before.iter().rev().take(LOCAL_BYTES_MAX + 1);
    let length = local
        .take_while(|byte| byte.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(byte))
        .count();
    if length > LOCAL_BYTES_MAX {
        return None;
    }
    // Quotes, dots and other marks before an address belong to the sentence around it.
    let start = before.len() - length;
    let local = before.get(start..)?;
    let marks = local.iter().take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'_');
    let length = length - marks.count();
    let ends_well = local.last().is_some_and(|byte| *byte != b'.');
    (length > 0 && ends_well).then_some(length)
}

/// Length of labels with at least one dot between them, the last one of letters alone.
fn domain_length(after: &[u8]) -> Option<usize> {
    let domain = after.iter().take(DOMAIN_BYTES_MAX);
    let length = domain
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-' || **byte == b'.')
        .count();
    let domain = after.get(..length)?;
    let mut end = None;
    let mut from = 0;
    for (place, label) in domain.split(|byte| *byte == b'.').enumerate() {
        if label.is_empty() || label.starts_with(b"-") {
            break;
        }
        let letters = label.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
        // `.xn--p1ai` and its like are letters, digits and dashes.
        let top_level = if label.starts_with(b"xn--") { label.len() } else { letters };
        let whole = matches!(label.get(top_level), None | Some(b'-'));
        if place > 0 && top_level >= 2 && whole {
            end = Some(from + top_level);
        }
        from += label.len() + 1;
    }
    end
}
