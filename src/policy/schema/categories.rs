//! The part `categories` of governance.yml: their order, their sources, and the policy's own.

use super::read::clip;
use super::{Reader, keys, words};
use crate::detect::phrases::normalise;
use crate::facts::is_category;
use crate::policy::categories::BUILT_IN;
use crate::policy::error::{ProblemKind, ValueProblem};
use crate::policy::yaml::{Data, Node};
use crate::policy::{Categories, CategorySource};

/// Most categories that `order` can list: more than a request and its answer can have.
pub const ORDER_MAX: usize = 64;

/// Most categories of a policy's own.
const CUSTOM_MAX: usize = 16;

/// Most phrases of a category.
pub const PHRASES_MAX: usize = 64;

/// Longest phrase.
pub const PHRASE_CHARACTERS_MAX: usize = 64;

/// A shorter phrase is found everywhere.
const PHRASE_CHARACTERS_MIN: usize = 2;

/// What a trigger sees where no category was found.
const NONE_FOUND: &str = "general";

impl Reader<'_, '_> {
    pub fn categories(&mut self, node: &Node, categories: &mut Categories) {
        for (key, _, value) in self.mapping(node, "categories", keys::CATEGORIES) {
            match key {
                "order" => categories.order = self.order(value),
                "from" => {
                    let key = "categories.from";
                    categories.from = self.words(value, key, words::CATEGORY_SOURCES);
                }
                "custom" => self.custom_categories(value, categories),
                _ => {}
            }
        }
        if let Some(custom) = node.value_of("custom")
            && !categories.come_from(CategorySource::Detectors)
        {
            let because = "`categories.from` does not list `detectors`";
            self.problems.add(custom.at, ProblemKind::Idle { key: "categories.custom", because });
        }
    }

    fn order(&mut self, node: &Node) -> Vec<String> {
        let key = "categories.order";
        let mut order = Vec::new();
        for item in self.some(node, key, 0, ORDER_MAX) {
            let Some(name) = self.category(item, key) else { continue };
            self.once(item, key, &mut order, name);
        }
        order
    }

    fn custom_categories(&mut self, node: &Node, categories: &mut Categories) {
        let mut names = Vec::new();
        for item in self.some(node, "categories.custom", 0, CUSTOM_MAX) {
            let (mut name, mut phrases) = (None, Vec::new());
            let entry = "categories.custom";
            for (key, _, value) in self.mapping(item, entry, keys::CUSTOM_CATEGORY) {
                match key {
                    "name" => name = self.custom_name(value, &mut names),
                    "words" => phrases = self.phrases(value),
                    _ => {}
                }
            }
            self.need(item, entry, keys::CUSTOM_CATEGORY);
            categories.custom.add(name.unwrap_or_default(), phrases);
        }
    }

    fn custom_name(&mut self, node: &Node, names: &mut Vec<String>) -> Option<String> {
        let name = self.category(node, "name")?;
        if BUILT_IN.contains(&name.as_str()) || name == NONE_FOUND {
            self.bad(node, "categories.custom", ValueProblem::BuiltInCategory { name });
            return None;
        }
        self.once(node, "categories.custom", names, name.clone());
        Some(name)
    }

    fn phrases(&mut self, node: &Node) -> Vec<String> {
        let mut phrases = Vec::new();
        for item in self.some(node, "words", 1, PHRASES_MAX) {
            let Some(text) = self.text(item, "words", PHRASE_CHARACTERS_MAX) else { continue };
            let long = text.chars().count() >= PHRASE_CHARACTERS_MIN;
            match normalise(&text).filter(|_| long) {
                Some(phrase) => self.once(item, "words", &mut phrases, phrase),
                None => self.bad(item, "words", ValueProblem::Phrase { found: clip(&text) }),
            }
        }
        phrases
    }

    /// A name as headers and metadata are compared with: in small letters.
    fn category(&mut self, node: &Node, key: &'static str) -> Option<String> {
        let found = self.scalar(node, key)?;
        if is_category(found) && !found.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Some(found.to_owned());
        }
        self.bad(node, key, ValueProblem::Category { found: clip(found) });
        None
    }

    /// Adds what did not stand in the list before.
    fn once(&mut self, node: &Node, key: &str, list: &mut Vec<String>, word: String) {
        if list.contains(&word) {
            let kind = ProblemKind::DuplicateWord { key: key.to_owned(), word };
            self.problems.add(node.at, kind);
        } else {
            list.push(word);
        }
    }

    /// A list of `min` to `max` items.
    fn some<'n>(
        &mut self,
        node: &'n Node,
        key: &'static str,
        min: usize,
        max: usize,
    ) -> &'n [Node] {
        let items = self.list(node, key);
        let found = items.len();
        if matches!(node.data, Data::Sequence(_)) && !(min..=max).contains(&found) {
            self.bad(node, key, ValueProblem::Count { found, min, max });
            return &[];
        }
        items
    }
}
