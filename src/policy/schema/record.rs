//! The part `record` of governance.yml: what a record keeps, and what happens without a commit.

use super::{File, Reader, keys, words};
use crate::policy::error::ValueProblem;
use crate::policy::yaml::Node;

/// Longest summary, in characters: the collector keeps 4,000 bytes, and a character has up to four.
pub const SUMMARY_CHARACTERS_MAX: usize = 1_000;

/// Longest name of an environment variable.
pub const VARIABLE_BYTES_MAX: usize = 100;

impl Reader<'_, '_> {
    pub fn record(&mut self, node: &Node, file: &mut File) {
        let record = &mut file.record;
        for (key, _, value) in self.mapping(node, "record", keys::RECORD) {
            match key {
                "summary_characters" => {
                    let key = "record.summary_characters";
                    if let Some(number) = self.number(value, key, SUMMARY_CHARACTERS_MAX) {
                        record.summary_characters = number;
                    }
                }
                "input_summary_characters" => {
                    let key = "record.input_summary_characters";
                    if let Some(number) = self.number(value, key, SUMMARY_CHARACTERS_MAX) {
                        record.input_summary_characters = number;
                    }
                }
                "redact" => {
                    let key = "record.redact";
                    record.redact = self.words(value, key, words::KINDS);
                }
                "keep_for_comparison" => self.keep_for_comparison(value),
                "hash_key_env" => record.hash_key_env = self.variable(value),
                "on_failure" => {
                    let key = "record.on_failure";
                    if let Some(word) = self.word(value, key, words::ON_FAILURE) {
                        record.on_failure = word;
                    }
                }
                "on_failure_until" if value.is_null() => {}
                "on_failure_until" => {
                    file.until_at = Some(value.at);
                    record.on_failure_until_ms = self.time(value, "record.on_failure_until");
                }
                _ => {}
            }
        }
    }

    /// The name of an environment variable; an empty one is none.
    fn variable(&mut self, node: &Node) -> Option<String> {
        let name = self.scalar(node, "record.hash_key_env").filter(|name| !name.is_empty())?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let digit = name.starts_with(|first: char| first.is_ascii_digit());
        if digit || name.len() > VARIABLE_BYTES_MAX || !name.bytes().all(plain) {
            self.bad(node, "record.hash_key_env", ValueProblem::Variable);
            return None;
        }
        Some(name.to_owned())
    }
}
