//! Bounds on an expression's source, counted on its characters before the interpreter's parser,
//! which recurses for each operator, sees it. Knows tokens, not grammar.

use crate::policy::error::TriggerProblem;

/// A trigger that people can review in a diff is far shorter.
pub const SOURCE_BYTES_MAX: usize = 4096;

/// 1,000 terms overflow the 1 MiB stack of a wasm module and 700 do not; a third of that is kept.
const OPERATORS_MAX: usize = 200;

/// The parser stops at 96 levels by itself. With both bounds reached it took less than 384 KiB of
/// stack in a native release build; a module has 1 MiB for everything.
const DEPTH_MAX: usize = 32;

/// The place, as a byte offset, and the problem of a source that is too large to parse.
pub fn check(source: &str) -> Result<(), (usize, TriggerProblem)> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err((0, TriggerProblem::TooLong { bytes: source.len(), max: SOURCE_BYTES_MAX }));
    }
    if source.trim().is_empty() {
        return Err((0, TriggerProblem::Empty));
    }
    let (mut operators, mut depth, mut deepest, mut deepest_at) = (0, 0_usize, 0, 0);
    let mut rest = source;
    while let Some(token) = next_token(rest) {
        let at = source.len() - rest.len();
        match token.chars().next() {
            Some('(' | '[' | '{') => {
                operators += 1;
                depth += 1;
                if depth > deepest {
                    (deepest, deepest_at) = (depth, at);
                }
            }
            Some(')' | ']' | '}') => depth = depth.saturating_sub(1),
            Some(
                '+' | '-' | '*' | '/' | '%' | '<' | '>' | '=' | '!' | '&' | '|' | '?' | ':' | '.',
            ) => operators += 1,
            _ if token == "in" => operators += 1,
            _ => {}
        }
        rest = rest.get(token.len()..).unwrap_or("");
    }
    if deepest > DEPTH_MAX {
        return Err((deepest_at, TriggerProblem::TooDeep { found: deepest, max: DEPTH_MAX }));
    }
    if operators > OPERATORS_MAX {
        let problem = TriggerProblem::TooManyOperators { found: operators, max: OPERATORS_MAX };
        return Err((0, problem));
    }
    Ok(())
}

/// How many words, texts, numbers and operators a source has: what its parser takes time for.
pub fn tokens(source: &str) -> usize {
    let mut rest = source;
    let mut tokens = 0;
    while let Some(token) = next_token(rest) {
        tokens += usize::from(!token.trim().is_empty());
        rest = rest.get(token.len()..).unwrap_or("");
    }
    tokens
}

/// The source with its tokens a blank apart, simple strings in single quotes and no comments: two
/// sources that are written alike mean the same.
pub fn normalised(source: &str) -> String {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(token) = next_token(rest) {
        rest = rest.get(token.len()..).unwrap_or("");
        if token.starts_with("//") || token.trim().is_empty() {
            continue;
        }
        let inside = token.strip_prefix('"').and_then(|token| token.strip_suffix('"'));
        tokens.push(match inside.filter(|text| !text.contains(['"', '\'', '\\'])) {
            Some(text) => format!("'{text}'"),
            None => token.to_owned(),
        });
    }
    tokens.join(" ")
}

/// The token that `rest` begins with: a string, a comment, a word or number, an operator of one
/// or two characters, or a single other character.
pub fn next_token(rest: &str) -> Option<&str> {
    let first = rest.chars().next()?;
    let length = match first {
        '"' | '\'' => string_length(rest, Escapes::Read),
        // A raw string (`r'…'`, `br'…'`) ends at the first quote, whatever stands before it.
        'r' | 'R' | 'b' | 'B' if raw_prefix(rest) > 0 => {
            let prefix = raw_prefix(rest);
            prefix + string_length(rest.get(prefix..).unwrap_or(""), Escapes::Raw)
        }
        '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
        _ if first.is_alphanumeric() || first == '_' => {
            let word = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            word.unwrap_or(rest.len())
        }
        _ if ["&&", "||", "==", "!=", "<=", ">="].iter().any(|two| rest.starts_with(two)) => 2,
        _ => first.len_utf8(),
    };
    rest.get(..length)
}

/// Whether a backslash hides the character after it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Read,
    Raw,
}

/// The length of the letters before the quote of a raw string; 0 where it is none.
fn raw_prefix(rest: &str) -> usize {
    let letters = rest.find(['"', '\'']).unwrap_or(0);
    match rest.get(..letters).unwrap_or("").to_ascii_lowercase().as_str() {
        "r" | "br" | "rb" => letters,
        _ => 0,
    }
}

/// The length of a string with its quotes.
fn string_length(rest: &str, escapes: Escapes) -> usize {
    let triple = ["\"\"\"", "'''"].into_iter().find(|quote| rest.starts_with(quote));
    let quote = triple.or_else(|| rest.get(..1)).unwrap_or("'");
    let mut at = quote.len();
    while let Some(tail) = rest.get(at..) {
        if tail.starts_with(quote) {
            return at + quote.len();
        }
        let mut chars = tail.chars();
        let Some(next) = chars.next() else { break };
        at += next.len_utf8();
        if next == '\\' && escapes == Escapes::Read {
            at += chars.next().map_or(0, char::len_utf8);
        }
    }
    rest.len()
}
