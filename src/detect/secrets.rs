//! Secrets: keys of known make, private keys, JSON web tokens, passwords in URLs and connection
//! strings, and what stands behind a word such as `password` or `token` and looks like chance.
//! Placeholders (`sk-your-key-here`, `${TOKEN}`) are none.

use super::reading::{FoundCue, Reading};
use super::terms::Cue;
use super::{Kind, Span};

mod keys;

/// Longest secret that is looked for by a cue or in a URL: longer ones are files.
const SECRET_BYTES_MAX: usize = 512;

/// Fewest bytes of a password behind its cue.
const PASSWORD_BYTES_MIN: usize = 6;

/// Fewest bytes of a token behind its cue: 64 bits in hex.
const TOKEN_BYTES_MIN: usize = 16;

/// Least Shannon entropy of a token, in bits a byte. Hex of chance reaches 3.3 from 16 bytes on,
/// a name of several words stays below it only by its lack of digits.
const TOKEN_ENTROPY_MIN: f64 = 3.0;

/// Bytes of blanks, quotes and marks between a cue and its value.
const GAP_BYTES_MAX: usize = 16;

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let mut found = private_keys(reading);
    found.extend(keys::find(reading));
    found.extend(passwords_in_urls(reading));
    found.extend(reading.cues.iter().filter_map(|cue| behind_cue(reading, cue)));
    found
}

/// From `-----BEGIN … PRIVATE KEY-----` to its end line, or to the end of the text: RFC 7468,
/// and RFC 9580 §6.2's `PRIVATE KEY BLOCK`.
fn private_keys(reading: &Reading) -> Vec<Span> {
    const DASHES: &str = "-----";
    let mut found: Vec<Span> = Vec::new();
    for cue in reading.cues.iter().filter(|found| found.cue == Cue::Armour) {
        let (before, after) = reading.text.split_at_checked(cue.start).unwrap_or_default();
        let inside = found.last().is_some_and(|span| span.end > cue.start);
        if inside || !before.ends_with(DASHES) {
            continue;
        }
        let Some(label) = after.strip_prefix("BEGIN ") else { continue };
        // Labels are short; the longest in use has 26 letters.
        let label: &str = label.get(..label.floor_char_boundary(64)).unwrap_or_default();
        let Some((label, _)) = label.split_once(DASHES) else { continue };
        if !(label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")) {
            continue;
        }
        let end = after.find("-----END ").and_then(|at| {
            let line = after.get(at + "-----END ".len()..)?;
            line.find(DASHES).map(|length| at + "-----END ".len() + length + DASHES.len())
        });
        let end = end.map_or(reading.text.len(), |end| cue.start + end);
        found.push(Span { kind: Kind::Secret, start: cue.start - DASHES.len(), end });
    }
    found
}

/// `postgres://user:password@host`: the password.
fn passwords_in_urls(reading: &Reading) -> Vec<Span> {
    let bytes = reading.text.as_bytes();
    let mut found = Vec::new();
    for colon in reading.colons.iter().copied() {
        let Some(rest) = bytes.get(colon..).and_then(|rest| rest.strip_prefix(b"://")) else {
            continue;
        };
        let start = colon + "://".len();
        let end = rest
            .iter()
            .take(SECRET_BYTES_MAX)
            .position(|byte| byte.is_ascii_whitespace() || b"/?#@\"'<>`,".contains(byte));
        let userinfo = end.filter(|end| rest.get(*end) == Some(&b'@'));
        let userinfo = userinfo.and_then(|end| rest.get(..end)).unwrap_or_default();
        let Some(at) = userinfo.iter().position(|byte| *byte == b':') else { continue };
        let password = userinfo.get(at + 1..).unwrap_or_default();
        if !password.is_empty() && !is_placeholder(password) {
            let (start, end) = (start + at + 1, start + userinfo.len());
            found.push(Span { kind: Kind::Secret, start, end });
        }
    }
    found
}

/// What stands behind a cue, if it is set to something that looks like a secret.
fn behind_cue(reading: &Reading, cue: &FoundCue) -> Option<Span> {
    let bytes = reading.text.as_bytes();
    let least = match cue.cue {
        Cue::Password => PASSWORD_BYTES_MIN,
        Cue::Token => TOKEN_BYTES_MIN,
        _ => return None,
    };
    let rest = bytes.get(cue.end..)?;
    let gap = gap(rest)?;
    let value = rest.get(gap..)?;
    let length = value.iter().take(SECRET_BYTES_MAX).take_while(|byte| is_value(**byte)).count();
    // A full stop or bracket at the end is the sentence's.
    let ending = value.get(..length)?.iter().rev().take_while(|byte| b".)]}:!".contains(byte));
    let value = value.get(..length - ending.count())?;
    let looks = match cue.cue {
        Cue::Password => is_mixed(value),
        _ => is_mixed(value) && entropy(value) >= TOKEN_ENTROPY_MIN,
    };
    let start = cue.end + gap;
    let found = value.len() >= least && looks && !is_placeholder(value);
    found.then_some(Span { kind: Kind::Secret, start, end: start + value.len() })
}

/// Bytes between a cue and what it is set to: `: `, ` = "`, `": "`, ` is `, a blank alone. None
/// where it is set to nothing.
fn gap(rest: &[u8]) -> Option<usize> {
    let is_filler = |byte: &&u8| b" \t\"'`*".contains(byte);
    let before = rest.iter().take(GAP_BYTES_MAX).take_while(is_filler).count();
    let after = rest.get(before..)?;
    let is_word =
        |word: &[u8]| after.get(..word.len()).is_some_and(|is| is.eq_ignore_ascii_case(word));
    let set = match after.first()? {
        b':' | b'=' => 1 + after.get(1..)?.iter().take_while(|byte| b"=>".contains(byte)).count(),
        _ if is_word(b"is ") => 3,
        _ if is_word(b"was ") => 4,
        // `Bearer eyJ…`, and `--password hunter22`.
        _ if before > 0 => 0,
        _ => return None,
    };
    let behind = after.get(set..)?.iter().take(GAP_BYTES_MAX).take_while(is_filler).count();
    // `is: ` and the like.
    Some(before + set + behind)
}

fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'`,;<>\\|".contains(&byte)
}

/// Letters, and digits or marks among them.
fn is_mixed(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    letters && digits
}

/// A variable's name, a template or a row of one letter in a secret's place.
fn is_placeholder(value: &[u8]) -> bool {
    let opens = value.first().is_some_and(|first| b"$%{<[(*".contains(first));
    let calls = value.iter().any(|byte| b"({".contains(byte));
    let mut seen = [false; 256];
    for byte in value {
        if let Some(seen) = seen.get_mut(usize::from(*byte)) {
            *seen = true;
        }
    }
    let distinct = seen.iter().filter(|seen| **seen).count();
    opens || calls || distinct < 4
}

/// Shannon's, in bits a byte.
fn entropy(value: &[u8]) -> f64 {
    let mut counts = [0_u32; 256];
    for byte in value {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = value.len().max(1) as f64;
    let shares = counts.iter().filter(|count| **count > 0).map(|count| f64::from(*count) / total);
    shares.map(|share| -share * share.log2()).sum()
}
