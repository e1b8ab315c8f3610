//! Settings of the language whose features a later version brings. They are read and checked in
//! full, and taken where they say that the feature is off.

use super::read::clip;
use super::{Entry, Reader, keys, words};
use crate::policy::error::{ProblemKind, ValueProblem};
use crate::policy::yaml::Node;

/// Minutes in a day.
const DAY: u64 = 24 * 60;

/// Most calls of a candidate at a time.
pub const CONCURRENCY_MAX: usize = 64;

/// More tokens than any budget for a trial.
pub const TOKENS_MAX: usize = 4_000_000_000;

impl Reader<'_, '_> {
    /// `hold: true`, where it stands; what is wrong with it depends on the trigger.
    pub fn hold(&mut self, node: &Node, entry: &mut Entry) {
        if self.flag(node, "hold") == Some(true) {
            entry.hold = Some(node.at);
        }
    }

    pub fn hold_ttl(&mut self, node: &Node) {
        self.span(node, "hold_ttl", 1, 30 * DAY, "from `1m` to `30d`");
    }

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

    /// A span of time such as `24h`, in minutes.
    fn span(
        &mut self,
        node: &Node,
        key: &'static str,
        min: u64,
        max: u64,
        range: &'static str,
    ) -> Option<u64> {
        let found = self.scalar(node, key)?;
        let minutes = minutes(found).filter(|minutes| (min..=max).contains(minutes));
        if minutes.is_none() {
            self.bad(node, key, ValueProblem::Span { range, found: clip(found) });
        }
        minutes
    }
}

fn minutes(span: &str) -> Option<u64> {
    let at = span.len().checked_sub(1)?;
    let (number, unit) = span.split_at_checked(at)?;
    let unit = match unit {
        "m" => 1,
        "h" => 60,
        "d" => DAY,
        _ => return None,
    };
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    number.parse::<u64>().ok().filter(|_| digits)?.checked_mul(unit)
}
