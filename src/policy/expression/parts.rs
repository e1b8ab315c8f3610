//! A condition's parts, as people read it: what stands between its outermost `||`, or else `&&`.
//! Knows tokens, not grammar.

use super::bounds::next_token;

/// The parts, without blanks around them; none where there is only one.
pub fn of(source: &str) -> Vec<&str> {
    let (mut ors, mut ands) = (Vec::new(), Vec::new());
    let (mut depth, mut rest) = (0_usize, source);
    while let Some(token) = next_token(rest) {
        let at = source.len() - rest.len();
        match token {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth = depth.saturating_sub(1),
            // A ternary reaches over all of it.
            "?" if depth == 0 => return Vec::new(),
            "||" if depth == 0 => ors.push(at),
            "&&" if depth == 0 => ands.push(at),
            _ => {}
        }
        rest = rest.get(token.len()..).unwrap_or("");
    }
    let cuts = if ors.is_empty() { ands } else { ors };
    if cuts.is_empty() {
        return Vec::new();
    }
    let starts = std::iter::once(0).chain(cuts.iter().map(|at| at + 2));
    let ends = cuts.iter().copied().chain([source.len()]);
    let parts = starts.zip(ends).filter_map(|(start, end)| source.get(start..end));
    parts.map(str::trim).collect()
}
