//! Runs of digit groups, as people write long numbers, and the two kinds of number that are known
//! by their digits alone: payment cards and United States social security numbers.
//!
//! - Cards: ISO/IEC 7812-1, issuer ranges and the check digit of its annex B (Luhn).
//! - Social security: <https://www.ssa.gov/employer/randomization.html>.

use super::reading::{Reading, ties};
use super::terms::Cue;
use super::{Kind, Span};

/// Digits of one group, and what stands between it and the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) separator: Separator,
}

/// What stands between two groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// Nothing of the run: its first group.
    None,
    Blank,
    Dash,
    Dot,
    /// An opening parenthesis, a blank before it or not: `+1 (415)`.
    Open,
    /// A closing parenthesis, a blank or dash behind it or not.
    Parenthesis,
}

/// Bytes between a word such as `card` and a number that other things have as well.
const CARD_CUE_BYTES: usize = 48;

/// Bytes between a cue and its number.
const CUE_BYTES: usize = 24;

/// Payment cards: 12 to 19 digits of a known issuer, alone or grouped by blanks or dashes.
pub(super) fn cards(reading: &Reading) -> Vec<Span> {
    let mut found = Vec::new();
    for run in reading.runs() {
        let mut first = 0;
        while first < run.len() {
            let rest = run.get(first..).unwrap_or_default();
            let crowded = is_crowded(run, first);
            let is_card = |count: &usize| is_card(reading, rest, *count, crowded);
            match (1..=5).rev().find(is_card) {
                Some(count) => {
                    found.extend(span(Kind::Card, rest.get(..count)));
                    first += count;
                }
                None => first += 1,
            }
        }
    }
    found
}

/// Social security numbers: `AAA-GG-SSSS`, other separators or none only behind a cue.
pub(super) fn social_security_numbers(reading: &Reading) -> Vec<Span> {
    let text = reading.text;
    let mut found = Vec::new();
    for run in reading.runs() {
        for first in 0..run.len() {
            let rest = run.get(first..).unwrap_or_default();
            let count = match rest {
                [a, b, c, ..] if [a.length(), b.length(), c.length()] == [3, 2, 4] => 3,
                [a, ..] if a.length() == 9 => 1,
                _ => continue,
            };
            let window = rest.get(..count).unwrap_or_default();
            let dashed = window.iter().skip(1).all(|group| group.separator == Separator::Dash);
            let plain = count == 3 && dashed;
            let Some(start) = window.first().map(|group| group.start) else { continue };
            let cued = || reading.cued(start, CUE_BYTES, |cue| cue == Cue::SocialSecurity);
            let free = is_free(text, rest, count);
            if free && valid_ssn(&digits(text, window)) && (plain || cued()) {
                found.extend(span(Kind::Ssn, Some(window)));
            }
        }
    }
    found
}

/// The first `count` groups of `rest` do not go on as a longer word or number on either side.
pub(super) fn is_free(text: &str, rest: &[Group], count: usize) -> bool {
    let (Some(first), Some(last)) =
        (rest.first(), count.checked_sub(1).and_then(|at| rest.get(at)))
    else {
        return false;
    };
    let before = text.get(..first.start).and_then(|before| before.chars().next_back());
    let mut after = text.get(last.end..).unwrap_or_default().chars();
    let (next, second) = (after.next(), after.next());
    // Other marks stand between a label and its value: `tel:030…`, `ssn=…`, `SSN_078-…`.
    let tied_before = match before {
        Some('.' | '-' | '/' | '@' | '$' | '€' | '£') => true,
        Some(mark) => ties(mark),
        None => false,
    };
    let tied_after = match next {
        Some('-' | '.' | ',' | '/' | ':') => second.is_some_and(|second| second.is_ascii_digit()),
        Some('%' | '@') => true,
        Some(mark) => ties(mark),
        None => false,
    };
    !tied_before && !tied_after
}

/// All digits of a window.
pub(super) fn digits(text: &str, window: &[Group]) -> Vec<u8> {
    let groups = window.iter().filter_map(|group| text.as_bytes().get(group.start..group.end));
    groups.flatten().map(|digit| digit.saturating_sub(b'0')).collect()
}

pub(super) fn span(kind: Kind, window: Option<&[Group]>) -> Option<Span> {
    let window = window?;
    Some(Span { kind, start: window.first()?.start, end: window.last()?.end })
}

/// Before it stands another group of four, as in a table's row.
fn is_crowded(run: &[Group], first: usize) -> bool {
    let before = first.checked_sub(1).and_then(|before| run.get(before));
    before.is_some_and(|before| before.length() == 4)
}

fn is_card(reading: &Reading, rest: &[Group], count: usize, crowded: bool) -> bool {
    let (text, total) = (reading.text, rest.iter().take(count).map(Group::length).sum::<usize>());
    let (Some(window), Some(first)) = (rest.get(..count), rest.first()) else {
        return false;
    };
    // Cards print 4-4-4-4, 4-6-5, 4-6-4 or 4-4-4-4-3.
    let grouped = count == 1 || first.length() == 4;
    if !grouped || !(12..=19).contains(&total) {
        return false;
    }
    // Barcodes have 12 or 13 digits, and a check digit of their own.
    let crowded = crowded || rest.get(count).is_some_and(|next| next.length() == 4);
    let doubtful = total < 14 || count > 1 && crowded;
    if doubtful && !reading.cued(first.start, CARD_CUE_BYTES, |cue| cue == Cue::Card) {
        return false;
    }
    let all = |wanted| window.iter().skip(1).all(|group| group.separator == wanted);
    let even = all(Separator::Blank) || all(Separator::Dash);
    let digits = digits(text, window);
    even && is_issued(&digits) && luhn(&digits) && is_free(text, rest, count)
}

/// The digits start as a network's numbers do, and have its length.
fn is_issued(digits: &[u8]) -> bool {
    let prefix = digits.iter().take(4).fold(0u32, |value, digit| value * 10 + u32::from(*digit));
    matches!(
        (prefix, digits.len()),
        (4000..=4999, 13 | 16 | 19)
            | (5100..=5599 | 2221..=2720, 16)
            | (3400..=3499 | 3700..=3799, 15)
            | (3000..=3059 | 3095 | 3600..=3699 | 3800..=3999, 14..=19)
            | (3528..=3589, 16..=19)
            | (2131 | 1800, 15)
            | (6011 | 6440..=6599 | 6200..=6299 | 8100..=8171, 16..=19)
            | (5000..=5099 | 5600..=5899 | 6300..=6399 | 6700..=6799, 12..=19)
            | (2200..=2204, 16..=19)
    )
}

/// The check digit of ISO/IEC 7812-1, annex B. Takes the digits' values.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, u32::from(*digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Never issued: areas 000, 666 and 900 up, group 00, serial 0000.
fn valid_ssn(digits: &[u8]) -> bool {
    let [a @ .., g1, g2, s1, s2, s3, s4] = digits else {
        return false;
    };
    let issued = a.first() != Some(&9) && a != [0, 0, 0] && a != [6, 6, 6];
    issued && (*g1, *g2) != (0, 0) && [*s1, *s2, *s3, *s4] != [0; 4]
}

// === impl Separator ===

impl Separator {
    /// None where what stands between two groups ends a run.
    pub(super) fn parse(between: &str) -> Option<Separator> {
        match between {
            " " | "\u{a0}" | "\u{202f}" => Some(Separator::Blank),
            "-" | "\u{2010}" | "\u{2011}" | "\u{2012}" | "\u{2013}" => Some(Separator::Dash),
            "." => Some(Separator::Dot),
            "(" | " (" => Some(Separator::Open),
            ")" | ") " | ")-" => Some(Separator::Parenthesis),
            _ => None,
        }
    }
}

// === impl Group ===

impl Group {
    /// How many digits it has.
    pub(super) fn length(&self) -> usize {
        self.end - self.start
    }
}
