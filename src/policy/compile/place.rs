//! From an offset in a trigger's text to the place in the file. Exact for plain and quoted scalars
//! on one line and for literal blocks; the right line for folded blocks; else the scalar's start.

use serde_yaml::ScalarStyle;

use crate::policy::error::{At, Problems};
use crate::policy::schema::Source;

/// Where the byte `offset` of the trigger's text stands in the file.
pub fn locate(source: &Source, offset: usize, problems: &Problems) -> At {
    let before = source.text.get(..offset).unwrap_or(&source.text);
    let found = match source.style {
        _ if before.is_empty() && !is_block(source.style) => None,
        ScalarStyle::Plain => one_line(source, before, |_| Some((1, 1)), 0, problems),
        ScalarStyle::SingleQuoted => one_line(
            source,
            before,
            |raw| Some((if raw.starts_with("''") { 2 } else { 1 }, 1)),
            1,
            problems,
        ),
        ScalarStyle::DoubleQuoted => one_line(source, before, escape, 1, problems),
        ScalarStyle::Literal => literal(source, before, problems),
        ScalarStyle::Folded => folded(source, before, problems),
    };
    found.unwrap_or_else(|| match (is_block(source.style), source.style) {
        (false, ScalarStyle::Plain) => source.at,
        (false, _) if before.is_empty() => At { column: source.at.column + 1, ..source.at },
        _ => source.at,
    })
}

fn is_block(style: ScalarStyle) -> bool {
    matches!(style, ScalarStyle::Literal | ScalarStyle::Folded)
}

/// Walks a scalar that stands on one line: `step` says how many characters of the file make how
/// many of the value.
fn one_line(
    source: &Source,
    before: &str,
    step: impl Fn(&str) -> Option<(usize, usize)>,
    quote: usize,
    problems: &Problems,
) -> Option<At> {
    if source.last_line != source.at.line {
        return None;
    }
    let line = problems.line(source.at.line)?;
    let mut column = source.at.column + quote;
    let mut rest = after(line, column - 1)?;
    let mut left = before.chars().count();
    while left > 0 {
        let (raw, made) = step(rest)?;
        column += raw;
        rest = after(rest, raw)?;
        left = left.checked_sub(made)?;
    }
    Some(At { line: source.at.line, column })
}

/// How long an escape of a double-quoted scalar is.
fn escape(raw: &str) -> Option<(usize, usize)> {
    let mut chars = raw.chars();
    if chars.next()? != '\\' {
        return Some((1, 1));
    }
    Some(match chars.next()? {
        'x' => (4, 1),
        'u' => (6, 1),
        'U' => (10, 1),
        _ => (2, 1),
    })
}

/// Each line of a literal block is a line of the value behind its indentation.
fn literal(source: &Source, before: &str, problems: &Problems) -> Option<At> {
    let index = before.matches('\n').count();
    let line = header(source, problems)? + 1 + index;
    let value_line = source.text.split('\n').nth(index)?;
    let indentation = problems.line(line)?.strip_suffix(value_line)?.chars().count();
    let inside = before.rsplit('\n').next()?.chars().count();
    Some(At { line, column: indentation + inside + 1 })
}

/// A folded block joins its lines with a blank, or keeps them apart.
fn folded(source: &Source, before: &str, problems: &Problems) -> Option<At> {
    let mut left = before.chars().count();
    let mut number = header(source, problems)? + 1;
    loop {
        let line = problems.line(number)?;
        let text = line.trim();
        let length = text.chars().count();
        if left <= length && !text.is_empty() {
            let indentation = line.chars().take_while(|c| *c == ' ').count();
            return Some(At { line: number, column: indentation + left + 1 });
        }
        left = left.saturating_sub(length + usize::from(!text.is_empty()));
        number += 1;
    }
}

/// The line of a block's `|` or `>`: the parser marks the block there or at its first line.
fn header(source: &Source, problems: &Problems) -> Option<usize> {
    let marked = after(problems.line(source.at.line)?, source.at.column - 1)?;
    if marked.starts_with(['|', '>']) {
        return Some(source.at.line);
    }
    (1..source.at.line)
        .rev()
        .find(|number| problems.line(*number).is_some_and(|line| line.contains(['|', '>'])))
}

/// The text after its first `characters`.
fn after(text: &str, characters: usize) -> Option<&str> {
    match text.char_indices().nth(characters) {
        Some((at, _)) => text.get(at..),
        None => (text.chars().count() == characters).then_some(""),
    }
}
