//! Reading single nodes: a mapping by its table of keys, lists, words, texts, numbers, times. Each
//! notes what is wrong where it stands. Knows no key of the language by name.

use std::collections::HashMap;
use std::time::UNIX_EPOCH;

use super::keys::{Key, MODEL_MAX, Named, required};
use super::{Listed, Reader, words};
use crate::policy::error::{BoundProblem, HINTS, ProblemKind, ValueProblem, nearest};
use crate::policy::yaml::mend::{NO_BREAK_SPACE, PLAIN_SPACE};
use crate::policy::yaml::{Data, Node};

/// Longest found text that a message repeats, in characters.
const FOUND_MAX: usize = 60;

impl Reader<'_, '_> {
    /// The known keys of a mapping with their nodes, in the order of the file.
    pub fn mapping<'n, K: Named>(
        &mut self,
        node: &'n Node,
        place: &str,
        table: &'static [K],
    ) -> Vec<(&'static str, &'n Node, &'n Node)> {
        let Data::Mapping(entries) = &node.data else {
            self.wrong_type(node, place, "a mapping");
            return Vec::new();
        };
        let mut seen = HashMap::new();
        let mut known = Vec::new();
        for (key, value) in entries {
            let Some(text) = self.key(key, &mut seen) else { continue };
            match table.iter().map(Named::name).find(|name| *name == text) {
                Some(name) => known.push((name, key, value)),
                None if HINTS && text.contains(NO_BREAK_SPACE) => {
                    let found = PLAIN_SPACE.to_owned();
                    self.problems.add(key.at, ProblemKind::Yaml { found });
                }
                None => {
                    let nearest = nearest(text, table.iter().map(Named::name));
                    let key_text = clip(text);
                    self.problems.add(key.at, ProblemKind::UnknownKey { key: key_text, nearest });
                }
            }
        }
        known
    }

    /// An entry of a list has the keys of the table that it needs.
    pub fn need(&mut self, node: &Node, entry: &'static str, table: &'static [Key]) {
        if node.has_only(table) {
            for key in required(table).filter(|key| node.value_of(key).is_none()) {
                self.problems.add(node.at, ProblemKind::MissingKey { entry, key });
            }
        }
    }

    /// A mapping whose keys are the writer's own.
    pub fn any_mapping<'n>(&mut self, node: &'n Node, place: &str) -> Vec<(String, &'n Node)> {
        let Data::Mapping(entries) = &node.data else {
            self.wrong_type(node, place, "a mapping");
            return Vec::new();
        };
        let mut seen = HashMap::new();
        let mut kept = Vec::new();
        for (key, value) in entries {
            if let Some(text) = self.key(key, &mut seen) {
                kept.push((text.to_owned(), value));
            }
        }
        kept
    }

    /// The text of a key that did not stand before.
    fn key<'n>(&mut self, key: &'n Node, seen: &mut HashMap<&'n str, usize>) -> Option<&'n str> {
        let Data::Scalar(text, _) = &key.data else {
            self.problems.add(key.at, ProblemKind::KeyNotText);
            return None;
        };
        if key.is_null() {
            self.problems.add(key.at, ProblemKind::KeyNotText);
            return None;
        }
        match seen.insert(text, key.at.line) {
            None => Some(text),
            Some(first_line) => {
                let kind = ProblemKind::DuplicateKey { key: clip(text), first_line };
                self.problems.add(key.at, kind);
                None
            }
        }
    }

    /// The items of a list.
    pub fn list<'n>(&mut self, node: &'n Node, key: &str) -> &'n [Node] {
        match &node.data {
            Data::Sequence(items) => items,
            _ => {
                self.wrong_type(node, key, "a list");
                &[]
            }
        }
    }

    /// The first `max` of `entries`; notes where there are more.
    pub fn at_most<'n, T>(
        &mut self,
        node: &Node,
        key: &'static str,
        entries: &'n [T],
        max: usize,
    ) -> &'n [T] {
        let found = entries.len();
        if found > max {
            let problem = BoundProblem::Entries { key, found, max };
            self.problems.add(node.at, ProblemKind::Bound(problem));
        }
        entries.get(..max).unwrap_or(entries)
    }

    /// A single value as it was written; a number or a date is its text.
    pub fn scalar<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n str> {
        match &node.data {
            Data::Scalar(text, _) if !node.is_null() => Some(text),
            _ => {
                self.wrong_type(node, key, "a string");
                None
            }
        }
    }

    /// A text of 1 to `max` characters.
    pub fn text(&mut self, node: &Node, key: &str, max: usize) -> Option<String> {
        let text = self.scalar(node, key)?;
        let characters = text.chars().count();
        if characters == 0 || characters > max {
            let kind = ProblemKind::BadText { key: key.to_owned(), characters, max };
            self.problems.add(node.at, kind);
            return None;
        }
        Some(text.to_owned())
    }

    /// A list of different names of models.
    pub fn listed(&mut self, node: &Node, key: &str) -> Vec<Listed> {
        let mut listed = Vec::new();
        let mut seen = HashMap::new();
        for item in self.list(node, key) {
            let Some(name) = self.text(item, key, MODEL_MAX) else { continue };
            if seen.insert(name.clone(), item.at.line).is_some() {
                let kind = ProblemKind::DuplicateWord { key: key.to_owned(), word: clip(&name) };
                self.problems.add(item.at, kind);
            } else {
                listed.push(Listed { name, at: item.at });
            }
        }
        listed
    }

    /// One of the words of `table`.
    pub fn word<T: Copy>(
        &mut self,
        node: &Node,
        key: &str,
        table: &[(&'static str, T)],
    ) -> Option<T> {
        let found = self.scalar(node, key)?;
        if let Some((_, value)) = table.iter().find(|(word, _)| *word == found) {
            return Some(*value);
        }
        let kind = ProblemKind::UnknownWord {
            key: key.to_owned(),
            found: clip(found),
            expected: table.iter().map(|(word, _)| *word).collect(),
            nearest: nearest(found, table.iter().map(|(word, _)| *word)),
        };
        self.problems.add(node.at, kind);
        None
    }

    /// A list of different words of `table`.
    pub fn words<T: Copy + PartialEq>(
        &mut self,
        node: &Node,
        key: &str,
        table: &[(&'static str, T)],
    ) -> Vec<T> {
        let mut values = Vec::new();
        for item in self.list(node, key) {
            let Some(value) = self.word(item, key, table) else { continue };
            if values.contains(&value) {
                let word = self.scalar(item, key).unwrap_or_default().to_owned();
                let kind = ProblemKind::DuplicateWord { key: key.to_owned(), word };
                self.problems.add(item.at, kind);
            } else {
                values.push(value);
            }
        }
        values
    }

    /// A whole number from 0 to `max`.
    pub fn number(&mut self, node: &Node, key: &'static str, max: usize) -> Option<usize> {
        let found = self.scalar(node, key)?;
        match found.parse() {
            Ok(number) if number <= max => Some(number),
            _ => {
                self.bad(node, key, ValueProblem::Number { found: clip(found), max });
                None
            }
        }
    }

    /// `true` or `false`.
    pub fn flag(&mut self, node: &Node, key: &str) -> Option<bool> {
        self.word(node, key, words::BOOLS)
    }

    /// A number from 0 to 1.
    pub fn share(&mut self, node: &Node, key: &str) -> Option<f64> {
        self.within(node, key, 1.0, "a number from 0 to 1")
    }

    /// A number that is not negative.
    pub fn decimal(&mut self, node: &Node, key: &str) -> Option<f64> {
        self.within(node, key, f64::MAX, "a number, 0 or more")
    }

    fn within(&mut self, node: &Node, key: &str, max: f64, expected: &'static str) -> Option<f64> {
        let found = self.scalar(node, key)?;
        match found.parse() {
            Ok(number) if (0.0..=max).contains(&number) => Some(number),
            _ => {
                self.wrong_value(node, key, expected, found);
                None
            }
        }
    }

    fn wrong_value(&mut self, node: &Node, key: &str, expected: &'static str, found: &str) {
        let found = format!("`{}`", clip(found));
        let kind = ProblemKind::WrongType { key: key.to_owned(), expected, found };
        self.problems.add(node.at, kind);
    }

    /// A time by RFC 3339, in Unix milliseconds.
    pub fn time(&mut self, node: &Node, key: &'static str) -> Option<u64> {
        let found = self.scalar(node, key)?;
        let time = humantime::parse_rfc3339(found).ok();
        let since = time.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let millis = since.and_then(|since| u64::try_from(since.as_millis()).ok());
        if millis.is_none() {
            self.bad(node, key, ValueProblem::Time { found: clip(found) });
        }
        millis
    }

    /// Notes a value that its key does not take.
    pub fn bad(&mut self, node: &Node, key: &'static str, problem: ValueProblem) {
        self.problems.add(node.at, ProblemKind::Value { key, problem });
    }

    fn wrong_type(&mut self, node: &Node, key: &str, expected: &'static str) {
        if matches!(node.data, Data::Refused) {
            return;
        }
        let found = node.found().to_owned();
        let kind = ProblemKind::WrongType { key: key.to_owned(), expected, found };
        self.problems.add(node.at, kind);
    }
}

impl Node {
    /// The value of a key, where the node is a mapping that has it.
    pub fn value_of(&self, key: &str) -> Option<&Node> {
        let Data::Mapping(entries) = &self.data else { return None };
        let is_key = |node: &Node| matches!(&node.data, Data::Scalar(text, _) if text == key);
        entries.iter().find(|(name, _)| is_key(name)).map(|(_, value)| value)
    }

    /// It is a mapping without any other key. Where there is another, it may be a missing one.
    pub fn has_only(&self, table: &[Key]) -> bool {
        let Data::Mapping(entries) = &self.data else { return false };
        let known = |text: &String| table.iter().any(|key| key.name == text);
        let is_known = |node: &Node| matches!(&node.data, Data::Scalar(text, _) if known(text));
        entries.iter().all(|(name, _)| is_known(name))
    }
}

/// A found text, short enough for a message and on one line.
pub fn clip(text: &str) -> String {
    let mut clipped: String = text.chars().take(FOUND_MAX).collect();
    if clipped.len() < text.len() {
        clipped.push('…');
    }
    clipped.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
