//! Patterns over text: `*`, `?` and classes such as `[a-z0-9]`, compiled at load and matched in one
//! pass over the text, whatever the pattern. Knows nothing of models.

/// Longest pattern, in characters: each of its tokens has a bit of a machine word of 128.
pub const PATTERN_CHARACTERS_MAX: usize = 120;

/// A pattern. It matches a text as a whole; a text is matched character by character, case counts.
/// A set of bits stands for a set of places between tokens; the text is read once, and every place
/// that the pattern can have reached is carried along, so that nothing is ever tried again.
#[derive(Debug)]
pub struct Glob {
    /// The places where a `*` stands.
    stars: u128,
    /// The place behind the last token.
    end: u128,
    /// From each character up to the next row's, which tokens it can stand for.
    alphabet: Vec<(char, u128)>,
}

/// Why a pattern is none, and where: at a byte of it.
#[derive(Debug, PartialEq, Eq)]
pub struct GlobError {
    pub offset: usize,
    pub problem: GlobProblem,
}

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GlobProblem {
    /// Nothing stands there.
    Empty,
    /// More characters than there are bits.
    TooLong { characters: usize, max: usize },
    /// `[` without `]`.
    Unclosed,
    /// `[]`.
    EmptyClass,
    /// `[z-a]`.
    Reversed { from: char, to: char },
    /// `\`, which elsewhere takes a character's meaning away.
    Backslash,
}

/// A token that stands for one character.
struct Token {
    negated: bool,
    ranges: Vec<(char, char)>,
}

// === impl Glob ===

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Glob, GlobError> {
        if pattern.is_empty() {
            return Err(GlobError { offset: 0, problem: GlobProblem::Empty });
        }
        let characters = pattern.chars().count();
        if characters > PATTERN_CHARACTERS_MAX {
            let problem = GlobProblem::TooLong { characters, max: PATTERN_CHARACTERS_MAX };
            return Err(GlobError { offset: 0, problem });
        }
        let mut tokens: Vec<Token> = Vec::new();
        let mut stars = 0;
        let mut rest = pattern;
        while let Some(first) = rest.chars().next() {
            let offset = pattern.len() - rest.len();
            let mut length = first.len_utf8();
            match first {
                '*' => stars |= place(tokens.len()),
                '?' => tokens.push(Token { negated: true, ranges: Vec::new() }),
                '[' => {
                    let (token, read) = class(rest, offset)?;
                    tokens.push(token);
                    length = read;
                }
                '\\' => return Err(GlobError { offset, problem: GlobProblem::Backslash }),
                _ => tokens.push(Token { negated: false, ranges: vec![(first, first)] }),
            }
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(Glob { stars, end: place(tokens.len()), alphabet: alphabet(&tokens) })
    }

    /// The pattern matches the whole of `text`.
    pub fn matches(&self, text: &str) -> bool {
        let mut places = place(0);
        for character in text.chars() {
            places = ((places & self.accepting(character)) << 1) | (places & self.stars);
            // Nowhere is a place to go on from; a `*` at the end takes all that follows.
            if places == 0 || places & self.stars & self.end != 0 {
                break;
            }
        }
        places & self.end != 0
    }

    /// The tokens that `character` can stand for.
    fn accepting(&self, character: char) -> u128 {
        let row = self.alphabet.partition_point(|(from, _)| *from <= character).checked_sub(1);
        row.and_then(|row| self.alphabet.get(row)).map_or(0, |(_, tokens)| *tokens)
    }
}

/// The bit of the place before the token `index`.
fn place(index: usize) -> u128 {
    u32::try_from(index).ok().and_then(|index| 1_u128.checked_shl(index)).unwrap_or(0)
}

/// The class at the beginning of `text`, and how many bytes it takes.
fn class(text: &str, offset: usize) -> Result<(Token, usize), GlobError> {
    let wrong = |at: usize, problem| GlobError { offset: offset + at, problem };
    let close = text.find(']').ok_or_else(|| wrong(0, GlobProblem::Unclosed))?;
    let inside = text.get(1..close).unwrap_or_default();
    let listed = inside.strip_prefix(['!', '^']);
    let members = listed.unwrap_or(inside);
    if members.is_empty() {
        return Err(wrong(0, GlobProblem::EmptyClass));
    }
    let mut ranges = Vec::new();
    let mut characters = members.char_indices().peekable();
    while let Some((index, from)) = characters.next() {
        let at = close - members.len() + index;
        if from == '\\' {
            return Err(wrong(at, GlobProblem::Backslash));
        }
        // A `-` at either end stands for itself.
        let to = match members.get(index + from.len_utf8()..).and_then(|s| s.strip_prefix('-')) {
            Some(after) if !after.is_empty() => {
                characters.next();
                characters.next().map_or(from, |(_, to)| to)
            }
            _ => from,
        };
        if from > to {
            return Err(wrong(at, GlobProblem::Reversed { from, to }));
        }
        ranges.push((from, to));
    }
    Ok((Token { negated: listed.is_some(), ranges }, close + 1))
}

/// The rows of the alphabet: between two of these characters all others are treated alike.
fn alphabet(tokens: &[Token]) -> Vec<(char, u128)> {
    let mut starts = vec!['\0'];
    for (from, to) in tokens.iter().flat_map(|token| &token.ranges) {
        for start in [Some(*from), (*to..=char::MAX).nth(1)].into_iter().flatten() {
            if let Err(at) = starts.binary_search(&start) {
                starts.insert(at, start);
            }
        }
    }
    let accepting = |character: char| {
        let accepted = tokens.iter().enumerate().filter(|(_, token)| token.accepts(character));
        accepted.fold(0, |bits, (index, _)| bits | place(index))
    };
    starts.into_iter().map(|start| (start, accepting(start))).collect()
}

// === impl Token ===

impl Token {
    fn accepts(&self, character: char) -> bool {
        let listed = self.ranges.iter().any(|(from, to)| (*from..=*to).contains(&character));
        listed != self.negated
    }
}
