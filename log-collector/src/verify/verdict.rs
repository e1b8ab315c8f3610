//! The verdict, as text for people and as JSON for programs.

use std::fmt::Write;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::findings::Findings;
use crate::ledger::LeafKind;

/// What came of a check.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Rows and leaves of each kind.
    pub kinds: Vec<Kind>,
    /// Rows that were looked at.
    pub checked: u64,
    /// Leaves of the tree.
    pub tree_size: u64,
    /// Records that have no place in the tree yet.
    pub pending: u64,
    /// Checkpoints in the database.
    pub checkpoints: u64,
    /// Checkpoints that were given.
    pub held: usize,
    /// Leaves under the newest good checkpoint.
    pub covered: u64,
    /// When the newest of them was inserted.
    pub covered_at: Option<SystemTime>,
    /// What is wrong.
    pub findings: Findings,
}

/// A kind's part.
#[derive(Debug)]
pub struct Kind {
    /// Which.
    pub kind: LeafKind,
    /// Rows in its table.
    pub rows: i64,
    /// Leaves, with those that have no index yet.
    pub leaves: i64,
}

const NONE_HELD: &str = "\
No checkpoint held elsewhere was given (--checkpoint): that the end was cut off, or that
whoever has the signing key rewrote everything, cannot be seen without one.";

// === impl Verdict ===

impl Verdict {
    /// Nothing was altered.
    pub fn intact(&self) -> bool {
        self.findings.total() == 0
    }

    /// Records that no good checkpoint covers.
    pub fn uncovered(&self) -> u64 {
        self.pending + self.tree_size.saturating_sub(self.covered)
    }

    fn until(&self) -> Option<String> {
        self.covered_at.map(|at| humantime::format_rfc3339_millis(at).to_string())
    }

    /// For people.
    pub fn text(&self, colours: bool) -> String {
        let mut text = format!("{:<14}{:>14}{:>14}\n", "kind", "rows", "leaves");
        for Kind { kind, rows, leaves } in self.kinds.iter().filter(|k| k.rows + k.leaves > 0) {
            let (rows, leaves) = (grouped(rows.unsigned_abs()), grouped(leaves.unsigned_abs()));
            line(&mut text, format_args!("{:<14}{rows:>14}{leaves:>14}", kind.as_str()));
        }
        let until = self.until().map(|at| format!(", until {at}")).unwrap_or_default();
        line(&mut text, format_args!("\ntree          {} leaves", grouped(self.tree_size)));
        line(
            &mut text,
            format_args!(
                "checkpoints   {} in the database, {} held elsewhere",
                grouped(self.checkpoints),
                self.held
            ),
        );
        line(&mut text, format_args!("signed        {} leaves{until}", grouped(self.covered)));
        line(&mut text, format_args!("not yet       {} records\n", grouped(self.uncovered())));
        if self.held == 0 {
            line(&mut text, format_args!("{NONE_HELD}\n"));
        }
        let paint = |code: &str, word: &str| match colours {
            true => format!("\x1b[{code}m{word}\x1b[0m"),
            false => word.to_owned(),
        };
        let Some((first, others)) = self.findings.shown().split_first() else {
            line(&mut text, format_args!("{}", paint("1;32", "intact")));
            return text;
        };
        line(&mut text, format_args!("{}: {first}", paint("1;31", "altered")));
        for finding in others {
            line(&mut text, format_args!("  also: {finding}"));
        }
        let shown = self.findings.shown().len() as u64;
        let rest = self.findings.total() - shown;
        if rest > 0 {
            line(&mut text, format_args!("  and {} more", grouped(rest)));
        }
        text
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let kinds = self
            .kinds
            .iter()
            .map(|k| json!({ "kind": k.kind.as_str(), "rows": k.rows, "leaves": k.leaves }));
        let findings = self.findings.shown().iter().map(|finding| {
            let record = finding.record.as_ref();
            json!({
                "leaf": finding.index,
                "kind": record.map(|(kind, _)| kind.as_str()),
                "id": record.map(|(_, reference)| reference),
                "what": finding.what,
            })
        });
        json!({
            "verdict": if self.intact() { "intact" } else { "altered" },
            "kinds": kinds.collect::<Vec<_>>(),
            "rows_checked": self.checked,
            "tree_size": self.tree_size,
            "checkpoints": self.checkpoints,
            "checkpoints_held_elsewhere": self.held,
            "signed_leaves": self.covered,
            "signed_until": self.until(),
            "records_not_yet_signed": self.uncovered(),
            "findings": findings.collect::<Vec<_>>(),
            "findings_total": self.findings.total(),
        })
    }
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{arguments}"); // Writing to a String cannot fail.
}

/// Digits in groups of three.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
