//! E-mail addresses: the everyday form of RFC 5322's `addr-spec`, quoted local parts and address
//! literals left out.

use super::reading::{Reading, ties};
use super::{Kind, Span};

/// RFC 5321 §4.5.3.1: 64 octets before the sign, 255 after it.
const LOCAL_BYTES_MAX: usize = 64;
const DOMAIN_BYTES_MAX: usize = 255;

/// Endings of files, which no domain has: `logo@2x.png`.
const FILE_ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "gif", "svg", "webp"];

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let text = reading.text;
    let mut found: Vec<Span> = Vec::new();
    for at in reading.at_signs.iter().copied() {
        let floor = found.last().map_or(0, |span| span.end);
        let before = text.get(floor..at).unwrap_or_default();
        let after = text.get(at + 1..).unwrap_or_default();
        let (Some(local), Some(domain)) = (local_length(before), domain_length(after.as_bytes()))
        else {
            continue;
        };
        let (start, end) = (at - local, at + 1 + domain);
        if !is_login(text, start, end) && !is_file(after.get(..domain).unwrap_or_default()) {
            found.push(Span { kind: Kind::Email, start, end });
        }
    }
    found
}

/// Bytes of the local part at the end of `before`. Marks that addresses may have and nobody's has
/// (`/`, `=`, `?`) end it: what stands before them is a URL's.
fn local_length(before: &str) -> Option<usize> {
    let mut length = 0;
    for letter in before.chars().rev() {
        let is_part = letter.is_alphanumeric() && ties(letter) || ".%+'_-".contains(letter);
        if !is_part {
            break;
        }
        length += letter.len_utf8();
        if length > LOCAL_BYTES_MAX {
            return None;
        }
    }
    let local = before.get(before.len() - length..)?;
    // Quotes, dots and other marks before an address belong to the sentence around it.
    let inner = local.trim_start_matches(|letter: char| !letter.is_alphanumeric() && letter != '_');
    (!inner.is_empty() && !inner.ends_with('.')).then_some(inner.len())
}

/// `git@github.com:org/repo`, `ssh://user@host`, `postgres://user:password@host`.
fn is_login(text: &str, start: usize, end: usize) -> bool {
    let before = text.get(..start).unwrap_or_default();
    let from = before.floor_char_boundary(start.saturating_sub(LOCAL_BYTES_MAX));
    let user = before.get(from..).unwrap_or_default();
    let user = user.trim_end_matches(|letter: char| {
        letter.is_ascii_alphanumeric() || ".%+'_-:!$&*".contains(letter)
    });
    let git = text.get(start..end).is_some_and(|address| address.starts_with("git@"));
    let path = text.get(end..).is_some_and(|after| after.starts_with([':', '/']));
    user.ends_with("://") || git && path
}

fn is_file(domain: &str) -> bool {
    let ending = domain.rsplit('.').next().unwrap_or_default();
    FILE_ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known))
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
