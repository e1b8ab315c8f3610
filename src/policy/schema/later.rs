//! Settings of the language whose features a later version brings. They are read and checked in
//! full, and taken where they say that the feature is off.

use super::span::DAY;
use super::{Reader, keys, words};
use crate::policy::error::ProblemKind;
use crate::policy::yaml::Node;

/// Most calls of a candidate at a time.
pub const CONCURRENCY_MAX: usize = 64;

/// More tokens than any budget for a trial.
pub const TOKENS_MAX: usize = 4_000_000_000;

impl Reader<'_, '_> {
    pub fn keep_for_comparison(&mut self, node: &Node) {
        let key = "record.keep_for_comparison";
        let kept = self.span(node, key, 0, 365 * DAY, "from `0d` to `365d`");
        if kept.is_some_and(|minutes| minutes > 0) {
            self.unsupported(node, key);
        }
    }

    pub fn drift(&mut self, node: &Node) {
        if self.word(node, "models.drift", words::DRIFT) == Some(true) {
            self.unsupported(node, "models.drift: flag");
        }
    }

    pub fn candidates(&mut self, node: &Node) {
        let entry = "models.candidates";
        let candidates = self.list(node, entry);
        for candidate in candidates {
            for (key, _, value) in self.mapping(candidate, entry, keys::CANDIDATE) {
                match key {
                    "model" | "alongside" => {
                        self.text(value, key, keys::MODEL_MAX);
                    }
                    "sample" => {
                        self.share(value, "sample");
                    }
                    "concurrency" => {
                        self.number(value, "concurrency", CONCURRENCY_MAX);
                    }
                    "tokens_per_day" => {
                        self.number(value, "tokens_per_day", TOKENS_MAX);
                    }
                    _ => {}
                }
            }
            self.need(candidate, entry, keys::CANDIDATE);
        }
        if !candidates.is_empty() {
            self.unsupported(node, entry);
        }
    }

    fn unsupported(&mut self, node: &Node, setting: &'static str) {
        self.problems.add(node.at, ProblemKind::Unsupported { setting });
    }
}
