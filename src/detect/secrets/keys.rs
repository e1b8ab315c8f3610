//! Keys by their make: a prefix that its maker gives to nothing else, a length, and what they are
//! written in. Prefixes are those that the makers publish for secret scanning.

use crate::detect::reading::{Reading, Word};
use crate::detect::terms::Cue;
use crate::detect::{Kind, Span};

use super::{RunEnd, SAMPLE_BYTES, is_placeholder};

/// How the keys begin that are one long word, and web tokens.
const LONG_INITIALS: &[u8] = b"Ae";

/// A make of key.
struct Make {
    prefix: &'static str,
    /// Fewest bytes in all.
    least: usize,
    written_in: Alphabet,
}

/// Where the runs of each alphabet end.
#[derive(Default)]
struct Runs {
    plain: RunEnd,
    url: RunEnd,
    dotted: RunEnd,
    base64: RunEnd,
}

/// What a key is written in behind its prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    /// Letters and digits.
    Plain,
    /// And `-` and `_`: RFC 4648 §5, and most makers' own.
    Url,
    /// And full stops between parts.
    Dotted,
    /// And `+`, `/` and `=`: RFC 4648 §4, a web hook's path.
    Base64,
}

const fn make(prefix: &'static str, least: usize, written_in: Alphabet) -> Make {
    Make { prefix, least, written_in }
}

/// The first one that fits counts.
#[rustfmt::skip]
const MAKES: &[Make] = &{
    use Alphabet::*;
[
    // Model providers.
    make("sk-ant-", 40, Url),
    make("sk-or-v1-", 40, Url), make("sk-proj-", 40, Url), make("sk-svcacct-", 40, Url),
    make("sk-admin-", 40, Url),
    make("sk-", 24, Plain), make("gsk_", 40, Plain), make("xai-", 40, Plain),
    make("pplx-", 40, Plain), make("hf_", 30, Plain), make("r8_", 30, Plain),
    make("nvapi-", 40, Url), make("AIza", 39, Url), make("bedrock-api-key-", 60, Base64),
    make("ABSK", 60, Base64),
    // Clouds and hosts.
    make("AKIA", 20, Plain), make("ASIA", 20, Plain), make("ya29.", 30, Url),
    make("GOCSPX-", 30, Url), make("dop_v1_", 60, Plain), make("ghp_", 40, Plain),
    make("gho_", 40, Plain), make("ghu_", 40, Plain), make("ghs_", 40, Plain),
    make("ghr_", 40, Plain), make("github_pat_", 60, Url), make("glpat-", 26, Url),
    make("npm_", 40, Plain), make("pypi-", 60, Url), make("lin_api_", 40, Plain),
    make("ATATT3", 60, Url),
    // Messages and payments.
    make("xoxb-", 24, Url), make("xoxp-", 24, Url), make("xoxa-", 24, Url),
    make("xoxr-", 24, Url), make("xoxs-", 24, Url), make("xapp-", 24, Url),
    make("hooks.slack.com/services/", 60, Base64), make("SG.", 60, Dotted),
    make("sk_live_", 24, Plain), make("rk_live_", 24, Plain), make("sk_test_", 24, Plain),
    make("whsec_", 30, Base64), make("shpat_", 36, Plain), make("AGE-SECRET-KEY-1", 70, Plain),
]};

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let cued = reading.cues.iter().filter(|found| found.cue == Cue::Key).map(|found| found.start);
    let mut runs = Runs::default();
    let mut found: Vec<Span> = cued.filter_map(|start| key(reading, start, &mut runs)).collect();
    let mut runs = Runs::default();
    for Word { start, .. } in reading.long.iter().copied() {
        if !reading.text.as_bytes().get(start).is_some_and(|byte| LONG_INITIALS.contains(byte)) {
            continue;
        }
        let key = key(reading, start, &mut runs);
        found.extend(key.or_else(|| web_token(reading, start, &mut runs)));
    }
    found
}

fn key(reading: &Reading, start: usize, runs: &mut Runs) -> Option<Span> {
    let rest = reading.text.as_bytes().get(start..)?;
    if !opens(reading, start) {
        return None;
    }
    let make = MAKES.iter().find(|make| rest.starts_with(make.prefix.as_bytes()))?;
    let from = start + make.prefix.len();
    let end = runs.end(make.written_in, reading, from);
    let body = reading.text.as_bytes().get(from..end.min(from + SAMPLE_BYTES))?;
    let varied = body.iter().any(u8::is_ascii_digit) || {
        body.iter().any(u8::is_ascii_uppercase) && body.iter().any(u8::is_ascii_lowercase)
    };
    let found = end - start >= make.least && varied && !is_placeholder(body);
    found.then_some(Span { kind: Kind::Secret, start, end })
}

/// RFC 7519, RFC 7515 §3.1: header and claims are JSON in base64url, so both begin alike.
fn web_token(reading: &Reading, start: usize, runs: &mut Runs) -> Option<Span> {
    let rest = reading.text.as_bytes().get(start..)?;
    if !rest.starts_with(b"eyJ") || !opens(reading, start) {
        return None;
    }
    let end = runs.end(Alphabet::Dotted, reading, start);
    let token = reading.text.get(start..end)?.trim_end_matches('.');
    let mut parts = token.split('.');
    let (_, claims, signature) = (parts.next()?, parts.next()?, parts.next().unwrap_or_default());
    // A token without signature ends in its second full stop.
    let found = claims.starts_with("eyJ") && claims.len() >= 8;
    let end = start + if signature.is_empty() { token.len() } else { length_of(token) };
    found.then_some(Span { kind: Kind::Secret, start, end })
}

/// Three parts: what a fourth would be is the sentence's.
fn length_of(token: &str) -> usize {
    let parts = token.split('.').take(3).map(str::len);
    parts.sum::<usize>() + 2
}

fn opens(reading: &Reading, start: usize) -> bool {
    let before = reading.text.get(..start).unwrap_or_default();
    reading.opens(start) && !before.ends_with(['-', '.']) || before.ends_with("//")
}

// === impl Runs ===

impl Runs {
    fn end(&mut self, alphabet: Alphabet, reading: &Reading, from: usize) -> usize {
        let run = match alphabet {
            Alphabet::Plain => &mut self.plain,
            Alphabet::Url => &mut self.url,
            Alphabet::Dotted => &mut self.dotted,
            Alphabet::Base64 => &mut self.base64,
        };
        run.of(reading.text.as_bytes(), from, |byte| alphabet.has(byte))
    }
}

// === impl Alphabet ===

impl Alphabet {
    fn has(self, byte: u8) -> bool {
        let more: &[u8] = match self {
            Alphabet::Plain => b"",
            Alphabet::Url => b"-_",
            Alphabet::Dotted => b"-_.",
            Alphabet::Base64 => b"+/=-_",
        };
        byte.is_ascii_alphanumeric() || more.contains(&byte)
    }
}
