//! A condition's parts, as people read it: what stands between its outermost `||`, or else `&&`.
//! Knows tokens, not grammar.

use super::bounds::next_token;

/// The parts, without blanks around them; none where there is only one.
pub fn of(source: &str) -> Vec<&str> {
    let (ors, ands) = cuts(source);
    let parts = between(source, if ors.is_empty() { ands } else { ors });
    parts.into_iter().map(|(_, part)| part).collect()
}

/// The parts between the outermost `||` alone, and where each begins.
pub fn alternatives(source: &str) -> Vec<(usize, &str)> {
    between(source, cuts(source).0)
}

/// Where the outermost `||` and `&&` stand.
fn cuts(source: &str) -> (Vec<usize>, Vec<usize>) {
    let (mut ors, mut ands) = (Vec::new(), Vec::new());
    let (mut depth, mut rest) = (0_usize, source);
    while let Some(token) = next_token(rest) {
        let at = source.len() - rest.len();
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            // A ternary reaches over all of it.
            "?" if depth == 0 => return (Vec::new(), Vec::new()),
            "||" if depth == 0 => ors.push(at),
            "&&" if depth == 0 => ands.push(at),
            _ => {}
        }
        rest = rest.get(token.len()..).unwrap_or("");
    }
    (ors, ands)
}

fn between(source: &str, cuts: Vec<usize>) -> Vec<(usize, &str)> {
    if cuts.is_empty() {
        return Vec::new();
    }
    let starts = std::iter::once(0).chain(cuts.iter().map(|at| at + 2));
    let ends = cuts.iter().copied().chain([source.len()]);
    let parts = starts.zip(ends).filter_map(|(start, end)| {
        let part = source.get(start..end)?;
        Some((start + part.len() - part.trim_start().len(), part.trim()))
    });
    parts.collect()
}

/// Every mention of the variable `name` is one of its field `kept`, so that nothing else of it is
/// read. A name that a loop binds counts as the variable.
pub fn mentions_only(source: &str, name: &str, kept: &[&str]) -> bool {
    let mut tokens = tokens(source).peekable();
    let mut before = "";
    while let Some(token) = tokens.next() {
        if token == name && before != "." {
            let field = tokens.next_if_eq(&".").and_then(|_| tokens.peek().copied());
            if !field.is_some_and(|field| kept.contains(&field)) {
                return false;
            }
        }
        before = token;
    }
    true
}

/// The word stands somewhere outside of texts.
pub fn mentions(source: &str, word: &str) -> bool {
    tokens(source).any(|token| token == word)
}

/// The word stands in it as a whole, be it as a text.
pub fn spells(source: &str, word: &str) -> bool {
    tokens(source).any(|token| token.trim_matches(['"', '\'']) == word)
}

/// The tokens without blanks and comments.
fn tokens(source: &str) -> impl Iterator<Item = &str> {
    let mut rest = source;
    let all = std::iter::from_fn(move || {
        let token = next_token(rest)?;
        rest = rest.get(token.len()..).unwrap_or("");
        Some(token)
    });
    all.filter(|token| !token.trim().is_empty() && !token.starts_with("//"))
}
