//! Dates of birth: a date of day, month and year shortly behind a word such as `born`. A date
//! alone is not looked for, nor a year alone.

use super::reading::Reading;
use super::terms::Cue;
use super::{Kind, Span};

/// Bytes between the cue and its date: `date of birth (as on the passport): `.
const REACH_BYTES: usize = 28;

/// Years that people who are written about were born in.
const YEARS: std::ops::RangeInclusive<u32> = 1880..=2040;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What is left to read of a date.
struct Rest<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A word of a date.
#[derive(Clone, Copy)]
enum Part {
    Number { value: u32, digits: usize },
    Month,
}

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let bytes = reading.text.as_bytes();
    let mut found: Vec<Span> = Vec::new();
    for cue in reading.cues.iter().filter(|found| found.cue == Cue::Birth) {
        if found.last().is_some_and(|before| before.end > cue.end) {
            continue;
        }
        let window = bytes.get(cue.end..).unwrap_or_default();
        let starts = (0..window.len().min(REACH_BYTES)).filter(|at| {
            let before = at.checked_sub(1).and_then(|before| window.get(before));
            let begins = window.get(*at).is_some_and(u8::is_ascii_alphanumeric);
            begins && !before.is_some_and(u8::is_ascii_alphanumeric)
        });
        let mut dates = starts.filter_map(|at| {
            let length = length(window.get(at..)?)?;
            let start = cue.end + at;
            let end = start + length;
            (reading.closes(end) || is_time(reading, end)).then_some(Span {
                kind: Kind::BirthDate,
                start,
                end,
            })
        });
        found.extend(dates.next());
    }
    found
}

/// `T00:00:00Z` goes on behind the date.
fn is_time(reading: &Reading, end: usize) -> bool {
    let after = reading.text.as_bytes().get(end..).unwrap_or_default();
    matches!(after, [b'T', digit, ..] if digit.is_ascii_digit())
}

/// Bytes of the date that `bytes` start with: `1985-03-12`, `12.3.85`, `3/12/1985`,
/// `12th of March 1985`, `March 12, 1985`.
fn length(bytes: &[u8]) -> Option<usize> {
    let mut rest = Rest { bytes, at: 0 };
    let first = rest.part()?;
    let first_mark = rest.mark()?;
    let second = rest.part()?;
    let second_mark = rest.mark()?;
    let third = rest.part()?;
    let day_and_month = |a: u32, b: u32| {
        (1..=31).contains(&a) && (1..=12).contains(&b)
            || (1..=12).contains(&a) && (1..=31).contains(&b)
    };
    let is_date = match (first, second, third) {
        (
            Part::Number { value: a, digits: 1 | 2 },
            Part::Number { value: b, digits: 1 | 2 },
            year,
        ) => first_mark == second_mark && day_and_month(a, b) && year.is_year(),
        (
            year @ Part::Number { digits: 4, .. },
            Part::Number { value: a, digits: 1 | 2 },
            Part::Number { value: b, digits: 1 | 2 },
        ) => first_mark == second_mark && year.is_year() && day_and_month(b, a),
        (Part::Number { value: day, digits: 1 | 2 }, Part::Month, year)
        | (Part::Month, Part::Number { value: day, digits: 1 | 2 }, year) => {
            (1..=31).contains(&day) && year.is_year()
        }
        _ => false,
    };
    is_date.then_some(rest.at)
}

// === impl Part ===

impl Part {
    /// Four digits, or the last two.
    fn is_year(self) -> bool {
        match self {
            Part::Number { value, digits: 4 } => YEARS.contains(&value),
            Part::Number { digits, .. } => digits == 2,
            Part::Month => false,
        }
    }
}

// === impl Rest ===

impl Rest<'_> {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn part(&mut self) -> Option<Part> {
        let digits = self.rest().iter().take(5).take_while(|byte| byte.is_ascii_digit()).count();
        if digits > 0 {
            let written = std::str::from_utf8(self.rest().get(..digits)?).ok()?;
            let value = written.parse().ok()?;
            self.at += digits;
            let ordinal = [b"st", b"nd", b"rd", b"th"];
            let next = self.rest().get(..2).unwrap_or_default();
            if ordinal.iter().any(|ending| next.eq_ignore_ascii_case(*ending)) {
                self.at += 2;
            }
            return Some(Part::Number { value, digits });
        }
        let letters = self.rest().iter().take(10).take_while(|byte| byte.is_ascii_alphabetic());
        let letters = letters.count();
        let start = self.rest().get(..3)?;
        let known = MONTHS.iter().any(|month| start.eq_ignore_ascii_case(month.as_bytes()));
        if !known || letters < 3 {
            return None;
        }
        self.at += letters;
        Some(Part::Month)
    }

    /// What stands between two parts: one mark, or blanks with a comma, a full stop or `of`.
    fn mark(&mut self) -> Option<u8> {
        let length = self.rest().iter().take(4).take_while(|byte| b" ,./-".contains(byte)).count();
        let mark = self.rest().iter().copied().find(|byte| *byte != b' ')?;
        let blanks = self.rest().first() == Some(&b' ');
        self.at += length;
        if blanks && self.rest().get(..3).is_some_and(|word| word.eq_ignore_ascii_case(b"of ")) {
            self.at += 3;
        }
        match (length, mark) {
            (0, _) => None,
            (1, b'/' | b'-' | b'.') => Some(mark),
            (_, b'/' | b'-') => None,
            _ => Some(b' '),
        }
    }
}
