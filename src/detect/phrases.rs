//! Phrases of an operator's own, each of a category. Whole words in any script and either case
//! count, whatever stands between them but letters and digits. Scripts without blanks between
//! words are compared character by character. Knows no category of its own.

use super::reading::UNSPACED;

/// Most words of a phrase: at each word of a text the phrases are walked for so many.
pub const WORDS_MAX: usize = 8;

/// Phrases by category, for one pass over a text.
#[derive(Debug, Default, PartialEq)]
pub struct Phrases {
    categories: Vec<String>,
    /// In order, with the number of the category: what begins alike stands together.
    phrases: Vec<(String, usize)>,
}

/// A phrase as it is looked for: its words in small letters, a blank between them. `None` where
/// it has no word, or more than [`WORDS_MAX`].
pub fn normalise(phrase: &str) -> Option<String> {
    let mut normal = String::new();
    let mut rest = phrase;
    for _ in 0..WORDS_MAX {
        let Some((word, after)) = next_word(rest) else { break };
        append(&mut normal, word);
        rest = after;
    }
    (!normal.is_empty() && next_word(rest).is_none()).then_some(normal)
}

/// The first word of `text`, and what follows it.
fn next_word(text: &str) -> Option<(&str, &str)> {
    let text = text.get(text.find(char::is_alphanumeric)?..)?;
    let first = text.chars().next()?;
    let ends = |mark: char| !mark.is_alphanumeric() || mark >= UNSPACED;
    let end =
        if first >= UNSPACED { first.len_utf8() } else { text.find(ends).unwrap_or(text.len()) };
    text.split_at_checked(end)
}

fn append(words: &mut String, word: &str) {
    if !words.is_empty() {
        words.push(' ');
    }
    words.extend(word.chars().flat_map(char::to_lowercase));
}

// === impl Phrases ===

impl Phrases {
    /// Adds a category and its phrases, which are [normalised](normalise).
    pub fn add(&mut self, category: String, phrases: Vec<String>) {
        let number = self.categories.len();
        self.categories.push(category);
        for phrase in phrases {
            let at = self.phrases.partition_point(|(before, _)| *before < phrase);
            self.phrases.insert(at, (phrase, number));
        }
    }

    /// The categories, in the order in which they were added.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.categories.iter().map(String::as_str)
    }

    /// Categories of the phrases that stand in the text.
    pub fn categories(&self, text: &str) -> Vec<&str> {
        let mut met = vec![false; self.categories.len()];
        let mut rest = text;
        let mut words = String::new();
        while met.contains(&false)
            && let Some((word, after)) = next_word(rest)
        {
            rest = after;
            words.clear();
            append(&mut words, word);
            let mut ahead = after;
            while self.meet(&words, &mut met)
                && let Some((word, after)) = next_word(ahead)
            {
                append(&mut words, word);
                ahead = after;
            }
        }
        let met = self.categories.iter().zip(met).filter(|(_, met)| *met);
        met.map(|(category, _)| category.as_str()).collect()
    }

    /// Notes the categories of the phrase that `words` are; says whether a longer one begins so.
    fn meet(&self, words: &str, met: &mut [bool]) -> bool {
        let from = self.phrases.partition_point(|(phrase, _)| phrase.as_str() < words);
        for (phrase, number) in self.phrases.iter().skip(from) {
            match phrase.strip_prefix(words) {
                Some("") => {
                    if let Some(met) = met.get_mut(*number) {
                        *met = true;
                    }
                }
                rest => return rest.is_some_and(|rest| rest.starts_with(' ')),
            }
        }
        false
    }
}
