//! The parser's syntax errors in words for people who write policies. Only the first is told: what
//! follows it are its echoes. Knows the parser's sentences, nothing of values.

use super::bounds::next_token;
use crate::policy::error::{HINTS, TriggerProblem};
use crate::policy::variable::{FUNCTIONS, Form, Function, Variable};

/// The first of the parser's errors, each a line and column from 1 with a sentence.
pub fn problem<'e>(
    source: &str,
    errors: impl Iterator<Item = ((isize, isize), &'e str)> + Clone,
) -> (usize, TriggerProblem) {
    let syntax = errors.clone().find(|(_, message)| message.starts_with("Syntax error"));
    let Some((place, message)) = syntax.or_else(|| errors.clone().next()) else {
        return (0, TriggerProblem::Syntax { found: "expected a condition".to_owned() });
    };
    let at = offset(source, place);
    let (before, rest) = source.split_at_checked(at).unwrap_or((source, ""));
    if HINTS && let Some((at, found)) = idiom(message, before, rest) {
        return (at, TriggerProblem::Idiom { found });
    }
    (at, TriggerProblem::Syntax { found: sentence(message, before, rest) })
}

/// The byte offset of a line and column, both from 1, the column in characters.
fn offset(source: &str, (line, column): (isize, isize)) -> usize {
    let line = usize::try_from(line).unwrap_or(1).saturating_sub(1);
    let column = usize::try_from(column).unwrap_or(1).saturating_sub(1);
    let mut start = 0;
    for (index, text) in source.split_inclusive('\n').enumerate() {
        if index == line {
            let inside = text.char_indices().nth(column).map_or(text.len(), |(at, _)| at);
            return start + inside;
        }
        start += text.len();
    }
    source.len()
}

fn sentence(message: &str, before: &str, rest: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    // The list of all tokens that could follow helps nobody.
    let message = message.split(" expecting ").next().unwrap_or(message);
    let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let found = || match rest.chars().next() {
        None => "the end".to_owned(),
        Some(first) if word.is_empty() => format!("`{first}`"),
        Some(_) => format!("`{word}`"),
    };
    let instead = match word.as_str() {
        "and" | "AND" => Some("&&"),
        "or" | "OR" => Some("||"),
        "not" if rest.starts_with("not in ") => Some("!(value in list)"),
        "not" | "NOT" => Some("!"),
        "is" => Some("=="),
        "like" | "LIKE" => Some(".matches('pattern')"),
        _ if rest.starts_with("=~") => Some(".matches('pattern')"),
        _ if rest.starts_with('>') && before.ends_with('<') => Some("!="),
        _ if rest.starts_with('=') => Some("=="),
        _ => None,
    };
    if let Some(instead) = instead {
        return format!("unexpected {}, write `{instead}`", found());
    }
    if rest.starts_with(',') && before.ends_with(|c: char| c.is_ascii_digit()) {
        return "unexpected `,`, a number has a point: `0.75`".to_owned();
    }
    if rest.starts_with(',') && before.contains(" in ") {
        return "unexpected `,`, a list is written `['a', 'b']`".to_owned();
    }
    if let Some(missing) = message.strip_prefix("missing '") {
        let missing = missing.split('\'').next().unwrap_or(missing);
        return format!("expected `{missing}`, found {}", found());
    }
    if rest.starts_with(['"', '\'']) && message.starts_with("token recognition error") {
        return match unknown_escape(rest) {
            Some(letter) => format!(
                "`\\{letter}` means nothing in this text, write `\\\\{letter}`, or `r` before the \
                 quote"
            ),
            None => "the text that begins here has no closing quote".to_owned(),
        };
    }
    if message.starts_with("reserved identifier") {
        return format!("{} is a reserved word", found());
    }
    if message.starts_with("argument must be a simple name") {
        return format!("expected a name for the loop's item, found {}", found());
    }
    if message.starts_with("invalid argument to has()") {
        return "`has` is written `has(caller.spiffe)`: it asks for a field".to_owned();
    }
    if rest.is_empty() {
        return "the condition ends too early".to_owned();
    }
    format!("unexpected {}", found())
}

/// What is common elsewhere, with how it is written here, and where it stands.
fn idiom(message: &str, before: &str, rest: &str) -> Option<(usize, String)> {
    let instead =
        |at, found, instead| Some((at, format!("unexpected `{found}`, write `{instead}`")));
    let token = next_token(rest).unwrap_or("");
    let words = before.trim_end();
    let start = words.rfind(|c: char| !c.is_alphanumeric() && !"_.".contains(c));
    let name = words.get(start.map_or(0, |at| at + 1)..).unwrap_or("");
    if name == "not" && !token.is_empty() {
        return instead(words.len() - name.len(), name, "!");
    }
    if message.starts_with("invalid argument to has()") {
        return unaskable(before, rest);
    }
    match token {
        "&" => return instead(before.len(), token, "&&"),
        "|" => return instead(before.len(), token, "||"),
        _ => {}
    }
    let method = |known: &&Function| known.name == token && known.form != Form::Plain;
    FUNCTIONS.iter().find(method).filter(|_| !name.is_empty())?;
    let part = rest.get(token.len()..).and_then(|rest| next_token(rest.trim_start()));
    let part = part.filter(|part| part.starts_with(['"', '\''])).unwrap_or("'part'");
    instead(before.len(), token, &format!("{name}.{token}({part})"))
}

/// What `has` cannot ask for: a header with a dash, or a variable.
fn unaskable(before: &str, rest: &str) -> Option<(usize, String)> {
    const HEADERS: &str = "request.headers.";
    if let (Some(at), true) = (before.rfind(HEADERS), rest.starts_with('-')) {
        let at = at + HEADERS.len();
        let (begun, more) = (before.get(at..)?, rest.split(')').next()?);
        let found = format!("`-` subtracts, write `'{begun}{more}' in request.headers`");
        return Some((at, found));
    }
    let variable = Variable::parse(next_token(rest)?)?.as_str();
    let found = format!(
        "`has` asks for a field of a map: what counts where `{variable}` is unknown is said by \
         `on_error`"
    );
    Some((before.len(), found))
}

/// The first letter after a backslash that gives it no meaning, in the text that begins here.
fn unknown_escape(text: &str) -> Option<char> {
    let quote = text.chars().next()?;
    let mut letters = text.chars().skip(1);
    loop {
        match letters.next()? {
            '\\' => match letters.next()? {
                'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '?' | '"' | '\'' | '`' => {}
                'x' | 'X' | 'u' | 'U' | '0'..='3' => {}
                letter => return Some(letter),
            },
            letter if letter == quote => return None,
            _ => {}
        }
    }
}
