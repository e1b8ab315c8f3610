//! Telephone numbers: international form, and the national forms that are telling by themselves;
//! other groupings only beside a word such as `phone` or `fax`. Plain numbers, dates, versions
//! and amounts have the same digits, so shape or context must speak for a telephone.
//!
//! Forms after ITU-T E.123 (<https://www.itu.int/rec/T-REC-E.123>) and national habit.

use super::numbers::{self, Group, Separator};
use super::reading::{Reading, ties};
use super::terms::Cue;
use super::{Kind, Span};

/// Most groups of one number: `+33 (0)1 23 45 67 89` has seven.
const GROUPS_MAX: usize = 7;

/// Digits of all groups: from three pairs behind a cue to fifteen behind a dialled prefix.
const DIGITS: std::ops::RangeInclusive<usize> = 6..=17;

/// Bytes before a number in which a cue counts.
const BEFORE_BYTES: usize = 32;

/// Words right behind a number that do so.
const CUES_AFTER: [&str; 5] = ["office", "fax", "mobile", "cell", "phone"];

/// Bytes behind a number in which a cue counts.
const AFTER_BYTES: usize = 10;

/// What speaks for a telephone besides the digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Context {
    None,
    Verb,
    Noun,
}

/// What stands right before a number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Opening {
    Plain,
    Plus,
    Parenthesis,
}

pub(super) fn find(reading: &Reading) -> Vec<Span> {
    let mut found = Vec::new();
    for run in reading.runs() {
        let mut first = 0;
        while first < run.len() {
            let rest = run.get(first..).unwrap_or_default();
            match longest(reading, rest) {
                Some((count, span)) => {
                    found.push(span);
                    first += count;
                }
                None => first += 1,
            }
        }
    }
    found
}

/// The longest number that `rest` starts with, and of how many groups.
fn longest(reading: &Reading, rest: &[Group]) -> Option<(usize, Span)> {
    let opening = opening(reading.text.get(..rest.first()?.start)?)?;
    let mut lengths = [0; GROUPS_MAX];
    for (length, group) in lengths.iter_mut().zip(rest) {
        *length = group.length();
    }
    (1..=rest.len().min(GROUPS_MAX)).rev().find_map(|count| {
        let shape = lengths.get(..count)?;
        if !DIGITS.contains(&shape.iter().sum()) {
            return None;
        }
        Some((count, number(reading, rest, opening, shape)?))
    })
}

/// None where what stands before it makes it something else.
fn opening(before: &str) -> Option<Opening> {
    match before.chars().next_back() {
        Some('+') => {
            let sum = before.strip_suffix('+').and_then(|before| before.chars().next_back());
            (!sum.is_some_and(ties)).then_some(Opening::Plus)
        }
        Some('(') => Some(Opening::Parenthesis),
        Some('-' | '.' | '/' | '_' | '$' | '€' | '£') => None,
        Some(mark) if ties(mark) => None,
        _ => Some(Opening::Plain),
    }
}

/// The first groups of `rest`, as many as `shape` has lengths, if they are a telephone number.
fn number(reading: &Reading, rest: &[Group], opening: Opening, shape: &[usize]) -> Option<Span> {
    let text = reading.text;
    let window = rest.get(..shape.len())?;
    let (first, last) = (window.first()?, window.last()?);
    // Inside a run a number may start and end at a blank only: not in the middle of `1-2-3`.
    let next = rest.get(shape.len()).map(|group| group.separator);
    if !matches!(next, None | Some(Separator::Blank | Separator::Open)) {
        return None;
    }
    let extension = extension_length(text.get(last.end..)?);
    let opened = opening != Opening::Plain || shape.len() > 1;
    let free = match extension {
        0 => numbers::is_free(text, rest, shape.len()),
        _ => opened || numbers::is_free(text, rest, 1),
    };
    if !free {
        return None;
    }
    let told = match opening {
        Opening::Plus => international(text, first, shape),
        Opening::Parenthesis => with_area_code(window, shape),
        Opening::Plain => {
            national(text, window, shape) || extension > 0 && shape.ends_with(&[3, 4])
        }
    };
    let told = told
        || needed(text, window, shape).is_some_and(|least| {
            // Looking around costs more than looking at the digits, so it comes last.
            context(reading, window) >= least
        });
    let start = if opening == Opening::Plain { first.start } else { first.start - 1 };
    told.then_some(Span { kind: Kind::Phone, start, end: last.end + extension })
}

/// Bytes of `x123`, ` ext. 123`.
fn extension_length(after: &str) -> usize {
    if !after.starts_with([' ', 'e', 'x']) {
        return 0;
    }
    let trimmed = after.strip_prefix(' ').unwrap_or(after);
    let word = ["extension ", "ext. ", "ext.", "ext ", "x"];
    let Some(rest) = word.iter().find_map(|word| trimmed.strip_prefix(word)) else {
        return 0;
    };
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    if (2..=6).contains(&digits) { after.len() - rest.len() + digits } else { 0 }
}

/// Behind a plus: 8 to 15 digits, E.164's most.
/// North America's have eleven.
fn international(text: &str, first: &Group, shape: &[usize]) -> bool {
    let total: usize = shape.iter().sum();
    let north_american =
        text.get(first.start..first.end).is_some_and(|group| group.starts_with('1'));
    if north_american { total == 11 } else { (8..=15).contains(&total) }
}

/// `(30) 1234-5678`: an area code of two to five digits and one to three groups.
fn with_area_code(window: &[Group], shape: &[usize]) -> bool {
    let closed = window.get(1).is_some_and(|group| group.separator == Separator::Parenthesis);
    let total: usize = shape.iter().sum();
    let groups = shape.iter().skip(1).all(|length| *length >= 2);
    closed
        && groups
        && shape.len() <= 4
        && (8..=12).contains(&total)
        && shape.first().is_some_and(|length| (2..=5).contains(length))
}

/// Forms that nothing else is written in.
fn national(text: &str, window: &[Group], shape: &[usize]) -> bool {
    let mut separators = window.iter().skip(1).map(|group| group.separator);
    let separator = separators.next();
    let even = separators.all(|other| Some(other) == separator);
    let total: usize = shape.iter().sum();
    let first = window.first().and_then(|group| text.get(group.start..group.end));
    let first = first.unwrap_or_default();
    match shape {
        // Three numbers side by side look like it, too: with blanks it takes a cue.
        [3, 3, 4] => return even && separator != Some(Separator::Blank),
        [1, 3, 3, 4] => return even && first == "1",
        // China's mobile numbers.
        [3, 4, 4] if first.starts_with('1') => return even && separator == Some(Separator::Dash),
        _ => {}
    }
    // The tail of a longer number, an account's perhaps, may start with a zero as well.
    let opens = window.first().is_some_and(|group| group.separator == Separator::None);
    let rest = shape.get(1..).unwrap_or_default();
    if !opens {
        return false;
    }
    if first.starts_with("00") {
        // The international prefix, dialled.
        let country = (3..=5).contains(&first.len());
        return country
            && rest.len() >= 2
            && (10..=17).contains(&total)
            && rest.iter().all(|length| *length >= 2);
    }
    let trunk = first.starts_with('0') && (2..=5).contains(&first.len());
    let pairs_by_dots = shape.iter().all(|length| *length == 2);
    let dotted = separator == Some(Separator::Dot);
    let groups = !rest.is_empty() && rest.len() <= 4 && rest.iter().all(|length| *length >= 2);
    trunk && groups && even && (9..=11).contains(&total) && (!dotted || pairs_by_dots)
}

/// What the words around a number say.
fn context(reading: &Reading, window: &[Group]) -> Context {
    let end = window.last().map_or(0, |group| group.end);
    let until = reading.text.floor_char_boundary(end + AFTER_BYTES);
    let after = reading.text.get(end..until).unwrap_or_default();
    let label = after.trim_start_matches([' ', '-', '(', ',']).as_bytes();
    if CUES_AFTER.iter().any(|cue| begins_with(label, cue)) {
        return Context::Noun;
    }
    let start = window.first().map_or(0, |group| group.start);
    if reading.cued(start, BEFORE_BYTES, |cue| cue == Cue::PhoneNoun) {
        Context::Noun
    } else if reading.cued(start, BEFORE_BYTES, |cue| cue == Cue::PhoneVerb) {
        Context::Verb
    } else {
        Context::None
    }
}

fn begins_with(text: &[u8], word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes()))
}

/// Groupings that could be anything: the least that the words around must say for a telephone.
fn needed(text: &str, window: &[Group], shape: &[usize]) -> Option<Context> {
    if let [length] = shape {
        let first = window.first().and_then(|group| text.as_bytes().get(group.start));
        // Ten digits from 2 up are North America's; from 1 up they may be a time in seconds.
        let north_american = *length == 10 && first.is_some_and(|first| *first >= b'2');
        let least = if north_american { Context::Verb } else { Context::Noun };
        return (7..=12).contains(length).then_some(least);
    }
    let all = |wanted: Separator| window.iter().skip(1).all(|group| group.separator == wanted);
    let blanks = all(Separator::Blank);
    let total: usize = shape.iter().sum();
    let pairs = shape == [2, 2, 2] && blanks;
    let usual = (7..=12).contains(&total) && shape.iter().all(|length| *length >= 2);
    let mixed = window.iter().skip(1).any(|group| group.separator == Separator::Open);
    if mixed || is_date(text, window, shape) || !(usual || pairs) {
        return None;
    }
    // `10 000 000` may be a number of anything, also of people to call.
    let thousands =
        (blanks || all(Separator::Dot)) && shape.iter().skip(1).all(|length| *length == 3);
    Some(if thousands { Context::Noun } else { Context::Verb })
}

/// `2024-01-15`, `15.01.2024`, and two years side by side.
fn is_date(text: &str, window: &[Group], shape: &[usize]) -> bool {
    let year = |group: &Group| {
        let digits = text.get(group.start..group.end).unwrap_or_default();
        digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20"))
    };
    matches!(shape, [4, 2, 2] | [2, 2, 4] | [4, 4]) && window.iter().any(year)
}
