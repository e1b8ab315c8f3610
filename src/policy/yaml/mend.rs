//! The YAML parser's sentences in words for people who write policies, each with what to do, where
//! the mistake stands rather than where the parser met it. Only for those who check a file: see
//! [`HINTS`](crate::policy::error::HINTS). Knows the parser's sentences, nothing of policies.

use crate::policy::error::{At, Problems};

/// A blank that editors and web pages write, and YAML takes for a letter.
pub const NO_BREAK_SPACE: char = '\u{a0}';

/// What to do about it.
pub const PLAIN_SPACE: &str = "a non-breaking space stands here, write a plain one";

const UNLIKE_ABOVE: &str = "this line is indented otherwise than those above it";

/// Escapes that a text between double quotes has, beside a line's end.
const ESCAPES: &str = "0abt\tnvfre \"/\\N_LPxuU";

/// Where the mistake stands, and what it is; `None` where the parser's own words have to do.
pub fn mend(message: &str, at: At, problems: &Problems) -> Option<(At, String)> {
    let line = problems.line(at.line).unwrap_or("");
    let before: String = line.chars().take(at.column.saturating_sub(1)).collect();
    let here = |found: &str| Some((at, found.to_owned()));
    if let Some(place) = odd_blank(at, NO_BREAK_SPACE, problems) {
        return Some((place, PLAIN_SPACE.to_owned()));
    }
    if message.contains("a tab") || message.contains("tabs ") {
        let place = odd_blank(at, '\t', problems)?;
        return Some((place, "a tab stands in the indentation, write spaces".to_owned()));
    }
    if message.contains("unknown escape") {
        return escape(line, at);
    }
    if message.contains("trailing content") {
        return here(
            "the text in quotes ended before this: put the whole in `\"…\"` and write `'…'` inside",
        );
    }
    if message.contains("quoted scalar") {
        return here("the text that begins here has no closing quote");
    }
    if message.contains("mapping values") {
        return key_or_text(&before, at, problems);
    }
    if message.contains("simple key expect") {
        return no_colon(at, problems);
    }
    if message.contains("illegal placement of ':'") {
        return here("a `[` or `{` above is not closed");
    }
    if message.contains("expected key") {
        let text = before.contains(": [") || before.contains(": {");
        return here(if text { "this text needs quotes around all of it" } else { UNLIKE_ABOVE });
    }
    let begins = ["unexpected character", "unknown anchor", "scanning a tag"];
    if begins.iter().any(|begin| message.contains(begin)) {
        let first = line.chars().nth(at.column.checked_sub(1)?)?;
        return here(&format!("a text that begins with `{first}` needs quotes"));
    }
    None
}

/// Where `blank` stands in an indentation, or right behind a `:` or `-`, about the line.
fn odd_blank(at: At, blank: char, problems: &Problems) -> Option<At> {
    (at.line.saturating_sub(1)..=at.line + 1).find_map(|number| {
        let mut behind = true;
        for (index, letter) in problems.line(number)?.chars().enumerate() {
            match letter {
                found if found == blank && behind => {
                    return Some(At { line: number, column: index + 1 });
                }
                ':' | '-' => behind = true,
                ' ' | '\t' => {}
                _ => behind = false,
            }
        }
        None
    })
}

/// The backslash in the text that begins there.
fn escape(line: &str, at: At) -> Option<(At, String)> {
    let mut letters = line.chars().enumerate().skip(at.column);
    loop {
        let (index, letter) = letters.next()?;
        if letter != '\\' {
            continue;
        }
        let (_, letter) = letters.next()?;
        if !ESCAPES.contains(letter) {
            let found = format!(
                "`\\{letter}` means nothing between double quotes, write `\\\\{letter}`, or put \
                 the text in single quotes"
            );
            return Some((At { column: index + 1, ..at }, found));
        }
    }
}

/// A `:` after a key that does not belong there, or one within a text.
fn key_or_text(before: &str, at: At, problems: &Problems) -> Option<(At, String)> {
    let begun = before.trim_start();
    let key = begun.strip_prefix("- ").unwrap_or(begun);
    if key.contains(char::is_whitespace) {
        return Some((
            at,
            "a `: ` stands in a text without quotes, put quotes around it".to_owned(),
        ));
    }
    let above = problems.line(at.line.checked_sub(1)?)?;
    if above.contains(':') {
        let column = 1 + before.chars().count() - begun.chars().count();
        return Some((At { column, ..at }, UNLIKE_ABOVE.to_owned()));
    }
    no_colon(at, problems)
}

/// A line without a `:`, which the parser misses on the next.
fn no_colon(at: At, problems: &Problems) -> Option<(At, String)> {
    let number = at.line.checked_sub(1)?;
    let line = problems.line(number)?;
    let text = line.trim_start();
    let key = text.strip_prefix("- ").unwrap_or(text);
    let column = 1 + line.chars().count() - key.chars().count();
    let header = problems.line(number.checked_sub(1)?).unwrap_or("");
    let found = if header.trim_end().ends_with(['|', '>']) {
        "the text of a block is indented further than its key"
    } else {
        "no `:` stands after this key"
    };
    Some((At { line: number, column }, found.to_owned()))
}
