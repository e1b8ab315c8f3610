//! Secrets: keys of known make, private keys, JSON web tokens, passwords in URLs and connection
//! strings, and what stands behind a word such as `password` or `token` and looks like chance.
//! Placeholders (`sk-your-key-here`, `${TOKEN}`) are none.

use super::reading::{FoundCue, Reading};
use super::terms::Cue;
use super::{Kind, Span};

mod keys;

/// Longest secret that is looked for by a cue or in a URL: longer ones are files.
const SECRET_BYTES_MAX: usize = 512;

/// As much of a secret tells what it is like.
const SAMPLE_BYTES: usize = 64;

/// Fewest bytes of a password behind its cue.
const PASSWORD_BYTES_MIN: usize = 6;

/// Fewest bytes of a token behind its cue: 64 bits in hex.
const TOKEN_BYTES_MIN: usize = 16;

/// Least Shannon entropy of a token, in bits a byte. Hex of chance reaches 3.3 from 16 bytes on,
/// a name of several words stays below it only by its lack of digits.
const TOKEN_ENTROPY_MIN: f64 = 3.0;

/// Bytes of blanks, quotes and marks between a cue and its value.
const GAP_BYTES_MAX: usize = 16;

/// Fewest bytes of a line of a private key; RFC 7468 §2 has 64, others wrap earlier.
const KEY_LINE_BYTES_MIN: usize = 32;

/// Where a run of bytes ends, looked for once however many cues stand in it.
#[derive(Default)]
struct RunEnd(usize);

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let mut found = private_keys(reading);
    found.extend(keys::find(reading));
    found.extend(passwords_in_urls(reading));
    let mut run = RunEnd::default();
    found.extend(reading.cues.iter().filter_map(|cue| behind_cue(reading, cue, &mut run)));
    found
}

/// From `-----BEGIN … PRIVATE KEY-----` to its end line: RFC 7468, and RFC 9580 §6.2's
/// `PRIVATE KEY BLOCK`. Without one, as far as lines of a key follow.
fn private_keys(reading: &Reading) -> Vec<Span> {
    const DASHES: &str = "-----";
    const END: &str = "-----END ";
    let mut found: Vec<Span> = Vec::new();
    let mut has_end = true;
    for cue in reading.cues.iter().filter(|found| found.cue == Cue::Armour) {
        let (before, after) = reading.text.split_at_checked(cue.start).unwrap_or_default();
        let inside = found.last().is_some_and(|span| span.end > cue.start);
        if inside || !before.ends_with(DASHES) {
            continue;
        }
        let Some(rest) = after.strip_prefix("BEGIN ") else { continue };
        // Labels are short; the longest in use has 26 letters.
        let label = rest.get(..rest.floor_char_boundary(64)).unwrap_or_default();
        let Some((label, _)) = label.split_once(DASHES) else { continue };
        if !(label.ends_with("PRIVATE KEY") || label.ends_with("PRIVATE KEY BLOCK")) {
            continue;
        }
        // Where one has no end line, none behind it has.
        let end = has_end.then(|| after.find(END)).flatten().and_then(|at| {
            let line = after.get(at + END.len()..)?;
            line.find(DASHES).map(|length| at + END.len() + length + DASHES.len())
        });
        has_end = end.is_some();
        let body = rest.get(label.len() + DASHES.len()..).unwrap_or_default();
        let end = end.unwrap_or_else(|| after.len() - body.len() + key_lines(body));
        found.push(Span {
            kind: Kind::Secret,
            start: cue.start - DASHES.len(),
            end: cue.start + end,
        });
    }
    found
}

/// Bytes of what could be the lines of a key: base64, each of them long.
fn key_lines(body: &str) -> usize {
    let is_base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
    let mut length = 0;
    // A line's end may be written `\n`.
    for line in body.split_inclusive(['\n', ' ', '\\']) {
        let plain = line.trim_end_matches(['\n', '\r', ' ', '\\']);
        let plain = plain.strip_prefix('n').filter(|rest| rest.is_empty()).unwrap_or(plain);
        if !plain.bytes().all(is_base64) || (1..KEY_LINE_BYTES_MIN).contains(&plain.len()) {
            break;
        }
        length += line.len();
    }
    body.get(..length).map_or(0, |lines| lines.trim_end_matches(['\n', '\r', ' ', '\\']).len())
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
        let authority = rest
            .iter()
            .take(SECRET_BYTES_MAX)
            .take_while(|byte| !byte.is_ascii_whitespace() && !b"/?#\"'<>`,".contains(byte));
        let authority = rest.get(..authority.count()).unwrap_or_default();
        // A password may have the sign in it as well.
        let userinfo = authority.iter().rposition(|byte| *byte == b'@');
        let userinfo = userinfo.and_then(|end| authority.get(..end)).unwrap_or_default();
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
fn behind_cue(reading: &Reading, cue: &FoundCue, run: &mut RunEnd) -> Option<Span> {
    let bytes = reading.text.as_bytes();
    let least = match cue.cue {
        Cue::Password => PASSWORD_BYTES_MIN,
        Cue::Token | Cue::Bearer => TOKEN_BYTES_MIN,
        _ => return None,
    };
    let may_be_blank = cue.cue == Cue::Bearer || is_flag(reading, cue);
    let start = cue.end + gap(bytes.get(cue.end..)?, may_be_blank)?;
    let end = run.of(bytes, start, is_value).min(start + SECRET_BYTES_MAX);
    let value = bytes.get(start..end)?;
    // In `password=hunter22&email=…` the next member of a form begins.
    let form =
        value.iter().position(|byte| *byte == b'&').filter(|at| is_member(value.get(*at + 1..)));
    let value = value.get(..form.unwrap_or(value.len()))?;
    // A full stop or bracket at the end is the sentence's.
    let ending = value.iter().rev().take_while(|byte| b".)]}:!".contains(byte)).count();
    let value = value.get(..value.len() - ending)?;
    let sample = value.get(..value.len().min(SAMPLE_BYTES))?;
    let looks = is_mixed(sample)
        && !is_placeholder(value)
        && (cue.cue == Cue::Password || is_random(sample));
    let found = value.len() >= least && looks;
    found.then_some(Span { kind: Kind::Secret, start, end: start + value.len() })
}

/// `--password`: of a command line, where a blank stands before the value.
fn is_flag(reading: &Reading, cue: &FoundCue) -> bool {
    let before = reading.text.get(..cue.start).unwrap_or_default();
    let name =
        before.trim_end_matches(|letter: char| letter.is_ascii_alphanumeric() || letter == '-');
    before.len() - name.len() < GAP_BYTES_MAX
        && before.get(name.len()..).is_some_and(|name| name.starts_with("--"))
}

/// `email=`.
fn is_member(rest: Option<&[u8]>) -> bool {
    let rest = rest.unwrap_or_default();
    let name = rest
        .iter()
        .take(SAMPLE_BYTES)
        .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let length = name.count();
    length > 0 && rest.get(length) == Some(&b'=')
}

/// Bytes between a cue and what it is set to: `: `, ` = "`, `\": \"`, ` is `, `>`; a blank alone
/// where that may be. None where it is set to nothing.
fn gap(rest: &[u8], may_be_blank: bool) -> Option<usize> {
    let is_filler = |byte: &&u8| b" \t\"'`*\\".contains(byte);
    let before = rest.iter().take(GAP_BYTES_MAX).take_while(is_filler).count();
    let after = rest.get(before..)?;
    let is_word =
        |word: &[u8]| after.get(..word.len()).is_some_and(|is| is.eq_ignore_ascii_case(word));
    let set = match after.first()? {
        b':' | b'=' | b'>' => {
            1 + after.get(1..)?.iter().take_while(|byte| b"=>".contains(byte)).count()
        }
        _ if is_word(b"is: ") => 4,
        _ if is_word(b"is ") => 3,
        _ if is_word(b"was ") => 4,
        _ if before > 0 && may_be_blank => 0,
        _ => return None,
    };
    let behind = after.get(set..)?.iter().take(GAP_BYTES_MAX).take_while(is_filler).count();
    Some(before + set + behind)
}

fn is_value(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"'`,;<>\\|".contains(&byte)
}

/// Letters, and digits among them.
fn is_mixed(value: &[u8]) -> bool {
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let digits = value.iter().any(u8::is_ascii_digit);
    letters && digits
}

/// As chance would have it, and no time, link or name of a resource.
fn is_random(value: &[u8]) -> bool {
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let year = digits == 4 && value.get(4) == Some(&b'-');
    let link = value.windows(3).any(|window| window == b"://");
    !year && !link && !value.starts_with(b"arn:") && entropy(value) >= TOKEN_ENTROPY_MIN
}

/// A variable's name, a template or a row of one letter in a secret's place.
fn is_placeholder(value: &[u8]) -> bool {
    let value = value.get(..SAMPLE_BYTES).unwrap_or(value);
    let opens = value.first().is_some_and(|first| b"$%{<[(*".contains(first));
    let calls = value.iter().any(|byte| b"({".contains(byte));
    let distinct = value
        .iter()
        .enumerate()
        .filter(|(at, byte)| !value.get(..*at).is_some_and(|before| before.contains(byte)));
    opens || calls || distinct.take(4).count() < 4
}

/// Shannon's, in bits a byte.
fn entropy(value: &[u8]) -> f64 {
    let mut sorted = value.to_vec();
    sorted.sort_unstable();
    let total = value.len().max(1) as f64;
    let shares = sorted.chunk_by(|one, other| one == other).map(|same| same.len() as f64 / total);
    shares.map(|share| -share * share.log2()).sum()
}

// === impl RunEnd ===

impl RunEnd {
    /// Where the run of bytes ends that `is_part` takes and that `start` is in. `start` never goes
    /// back.
    fn of(&mut self, bytes: &[u8], start: usize, is_part: impl Fn(u8) -> bool) -> usize {
        if start >= self.0 {
            let rest = bytes.get(start..).unwrap_or_default();
            self.0 = start + rest.iter().take_while(|byte| is_part(**byte)).count();
        }
        self.0
    }
}
