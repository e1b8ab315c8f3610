//! What a condition compares with written values: `category == 'pii'`, `now.hour in [1, 2]`,
//! `'pii' in categories`. Knows tokens, not grammar; what it cannot tell by them it leaves out.

use super::bounds::next_token;

/// Operators that compare, and what each is with its sides exchanged.
const OPERATORS: &[(&str, &str)] =
    &[("==", "=="), ("!=", "!="), ("<", ">"), ("<=", ">="), (">", "<"), (">=", "<="), ("in", "in")];

/// What makes another value of its sides.
const ARITHMETIC: &[&str] = &["+", "-", "*", "/", "%", ".", "["];

/// Macros that bind a name to each item of a list.
const LOOPS: &[&str] = &["all", "exists", "exists_one", "filter", "map"];

/// A variable or a field of one beside a written value.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// As it is written: `category`, `now.hour`. The items of a list are called as the list.
    pub name: String,
    /// With the name on its left side.
    pub operator: &'static str,
    /// Where the value stands, as a byte offset.
    pub at: usize,
    pub value: Written,
}

/// A written value.
#[derive(Clone, Debug, PartialEq)]
pub enum Written {
    Text(String),
    Number(f64),
}

/// All comparisons of a source, in its order.
pub fn of(source: &str) -> Vec<Compared> {
    let tokens = Tokens::of(source);
    let mut found = Vec::new();
    for index in 0..tokens.0.len() {
        let Some((operator, flipped)) = OPERATORS.iter().find(|row| row.0 == tokens.text(index))
        else {
            continue;
        };
        let (left, right) = (tokens.name_before(index), tokens.name_after(index + 1));
        let (name, operator, values) = match (left, right) {
            (Some(name), None) => (name, *operator, tokens.values_after(index + 1)),
            (None, Some(name)) => (name, *flipped, tokens.value_before(index)),
            _ => continue,
        };
        let name = tokens.list_of(&name).unwrap_or(name);
        found.extend(values.into_iter().map(|(at, value)| Compared {
            name: name.clone(),
            operator,
            at,
            value,
        }));
    }
    found
}

/// Tokens with their places; a number with a point is one.
struct Tokens<'s>(Vec<(usize, &'s str)>);

// === impl Tokens ===

impl<'s> Tokens<'s> {
    fn of(source: &'s str) -> Self {
        let mut tokens: Vec<(usize, &str)> = Vec::new();
        let mut rest = source;
        while let Some(token) = next_token(rest) {
            let at = source.len() - rest.len();
            rest = rest.get(token.len()..).unwrap_or("");
            if token.trim().is_empty() || token.starts_with("//") {
                continue;
            }
            tokens.push((at, token));
            let [.., (start, whole), (_, "."), (_, digits)] = tokens.as_slice() else { continue };
            if is_number(whole) && is_number(digits) {
                let number = (*start, source.get(*start..at + token.len()).unwrap_or(""));
                tokens.truncate(tokens.len() - 3);
                tokens.push(number);
            }
        }
        Tokens(tokens)
    }

    fn text(&self, index: usize) -> &'s str {
        self.0.get(index).map_or("", |(_, token)| token)
    }

    fn before(&self, index: usize) -> &'s str {
        index.checked_sub(1).map_or("", |index| self.text(index))
    }

    /// The name that ends before `end`, where it is a value of its own.
    fn name_before(&self, end: usize) -> Option<String> {
        let mut start = end;
        while is_word(self.before(start)) {
            start -= 1;
            if self.before(start) != "." {
                let alone = !ARITHMETIC.contains(&self.before(start)) || self.before(start) == "[";
                return alone.then(|| self.joined(start, end));
            }
            start -= 1;
        }
        None
    }

    /// The same of one that begins at `start`.
    fn name_after(&self, start: usize) -> Option<String> {
        let mut end = start;
        while is_word(self.text(end)) {
            end += 1;
            if self.text(end) != "." {
                let alone = !ARITHMETIC.contains(&self.text(end)) && self.text(end) != "(";
                return alone.then(|| self.joined(start, end));
            }
            end += 1;
        }
        None
    }

    fn joined(&self, start: usize, end: usize) -> String {
        (start..end).map(|index| self.text(index)).collect()
    }

    /// The value at `start`, or those of the list that begins there.
    fn values_after(&self, start: usize) -> Vec<(usize, Written)> {
        if self.text(start) != "[" {
            let value = self.value(start);
            let single = value.filter(|(_, end)| !ARITHMETIC.contains(&self.text(*end)));
            return single.map(|(value, _)| value).into_iter().collect();
        }
        let mut values = Vec::new();
        let mut index = start + 1;
        while let Some((value, end)) = self.value(index) {
            values.push(value);
            index = end + 1;
            match self.text(end) {
                "," => {}
                "]" => return values,
                _ => return Vec::new(),
            }
        }
        Vec::new()
    }

    /// The value that ends before `end`.
    fn value_before(&self, end: usize) -> Vec<(usize, Written)> {
        let Some(index) = end.checked_sub(1) else { return Vec::new() };
        let alone = !ARITHMETIC.contains(&self.before(index)) || self.before(index) == "[";
        let value = self.value(index).filter(|_| alone);
        value.map(|(value, _)| value).into_iter().collect()
    }

    /// The value at `index`, and the index behind it.
    fn value(&self, index: usize) -> Option<((usize, Written), usize)> {
        let (at, token) = *self.0.get(index)?;
        let minus = token == "-";
        let index = index + usize::from(minus);
        let token = self.text(index);
        let value = match text(token).filter(|_| !minus) {
            Some(text) => Written::Text(text.to_owned()),
            None => {
                let number: f64 = token.parse().ok().filter(|_| is_number(token))?;
                Written::Number(if minus { -number } else { number })
            }
        };
        Some(((at, value), index + 1))
    }

    /// The list whose items a loop calls by `name`.
    fn list_of(&self, name: &str) -> Option<String> {
        (0..self.0.len()).find_map(|index| {
            let binds = LOOPS.contains(&self.text(index))
                && self.before(index) == "."
                && self.text(index + 1) == "("
                && self.text(index + 2) == name
                && self.text(index + 3) == ",";
            self.name_before(index.checked_sub(1).filter(|_| binds)?)
        })
    }
}

fn is_word(token: &str) -> bool {
    token.starts_with(|first: char| first.is_alphabetic() || first == '_')
        && !token.ends_with(['"', '\''])
}

fn is_number(token: &str) -> bool {
    token.starts_with(|first: char| first.is_ascii_digit())
}

/// What a string without escapes says.
fn text(token: &str) -> Option<&str> {
    let raw = token.strip_prefix(['r', 'R']);
    let quoted = raw.unwrap_or(token);
    let quote = quoted.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let inside = quoted.strip_prefix(quote)?.strip_suffix(quote)?;
    let plain = !inside.contains(quote) && (raw.is_some() || !inside.contains('\\'));
    plain.then_some(inside)
}
