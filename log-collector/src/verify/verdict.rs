//! The verdict, as text for people and as JSON for programs.

use std::fmt::Write;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::findings::Findings;
use crate::ledger::LeafKind;

/// A checkpoint is signed every few seconds, and an erasure goes on as soon as its tombstone has a
/// leaf. What takes longer stands still.
const PATIENCE: Duration = Duration::from_secs(60);

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
    /// When the ledger was read, by the database's clock.
    pub read_at: Option<SystemTime>,
    /// When the oldest record was inserted that no good checkpoint covers.
    pub waits_since: Option<SystemTime>,
    /// Rows whose erasure was begun and is not finished.
    pub erasing: Erasing,
    /// What is wrong.
    pub findings: Findings,
}

/// Erasures that are under way.
#[derive(Debug, Default)]
pub struct Erasing {
    rows: u64,
    /// The one that was begun first.
    oldest: Option<(SystemTime, String)>,
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

// === impl Erasing ===

impl Erasing {
    /// Adds a row.
    pub fn add(&mut self, since: SystemTime, reference: &str) {
        self.rows += 1;
        if self.oldest.as_ref().is_none_or(|(oldest, _)| since < *oldest) {
            self.oldest = Some((since, reference.to_owned()));
        }
    }
}

// === impl Verdict ===

impl Verdict {
    /// Nothing was altered, as far as can be seen.
    pub fn unaltered(&self) -> bool {
        self.findings.total() == 0
    }

    /// As the help says.
    pub fn exit_code(&self) -> u8 {
        match self.word() {
            "intact" => 0,
            "altered" => 1,
            _ => 3,
        }
    }

    fn word(&self) -> &'static str {
        match (self.unaltered(), self.overdue().is_empty()) {
            (false, _) => "altered",
            (true, true) => "intact",
            (true, false) => "incomplete",
        }
    }

    /// What should have come to its end.
    fn overdue(&self) -> Vec<String> {
        let mut overdue = Vec::new();
        if let Some(age) = self.waits_since.and_then(|since| self.overdue_by(since)) {
            overdue.push(format!(
                "records under no checkpoint: {}, the oldest for {age}: nobody could tell if they \
                 were changed; is a `log-collector serve` running with the ledger's key?",
                grouped(self.uncovered())
            ));
        }
        if let Some((since, reference)) = &self.erasing.oldest
            && let Some(age) = self.overdue_by(*since)
        {
            overdue.push(format!(
                "the erasure of {reference} was begun {age} ago, and its summary is still there, \
                 or there again: run `log-collector erase` anew"
            ));
        }
        overdue
    }

    /// How long ago in minutes, if that is too long.
    fn overdue_by(&self, since: SystemTime) -> Option<humantime::FormattedDuration> {
        let age = self.read_at?.duration_since(since).ok().filter(|age| *age > PATIENCE)?;
        Some(humantime::format_duration(Duration::from_secs(age.as_secs() / 60 * 60)))
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
        line(&mut text, format_args!("not yet       {} records", grouped(self.uncovered())));
        if self.erasing.rows > 0 {
            let rows = grouped(self.erasing.rows);
            line(&mut text, format_args!("              {rows} begun to be erased"));
        }
        text.push('\n');
        if self.held == 0 {
            line(&mut text, format_args!("{NONE_HELD}\n"));
        }
        let paint = |code: &str, word: &str| match colours {
            true => format!("\x1b[{code}m{word}\x1b[0m"),
            false => word.to_owned(),
        };
        let colour = match self.word() {
            "intact" => "1;32",
            "altered" => "1;31",
            _ => "1;33",
        };
        let word = paint(colour, self.word());
        let shown = self.findings.shown();
        let findings = shown.iter().map(ToString::to_string).chain(self.overdue());
        let mut before = format!("{word}: ");
        for finding in findings {
            line(&mut text, format_args!("{before}{finding}"));
            "  also: ".clone_into(&mut before);
        }
        if self.word() == "intact" {
            line(&mut text, format_args!("{word}"));
        }
        let rest = self.findings.total() - shown.len() as u64;
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
            "verdict": self.word(),
            "kinds": kinds.collect::<Vec<_>>(),
            "rows_checked": self.checked,
            "tree_size": self.tree_size,
            "checkpoints": self.checkpoints,
            "checkpoints_held_elsewhere": self.held,
            "signed_leaves": self.covered,
            "signed_until": self.until(),
            "records_not_yet_signed": self.uncovered(),
            "rows_not_yet_erased": self.erasing.rows,
            "overdue": self.overdue(),
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

#[cfg(test)]
mod tests {
    use super::super::findings::Finding;
    use super::*;

    /// As of a ledger whose oldest unsigned record and only open erasure are so many seconds old.
    fn verdict(age_secs: u64) -> Verdict {
        let since = SystemTime::UNIX_EPOCH;
        let read_at = Some(since + Duration::from_secs(age_secs));
        let mut verdict = Verdict {
            held: 1,
            pending: 3,
            read_at,
            waits_since: Some(since),
            ..Verdict::default()
        };
        verdict.erasing.add(since, "d-1");
        verdict
    }

    /// Behind the table.
    fn said(verdict: &Verdict) -> String {
        let text = verdict.text(false);
        text.split_once("not yet ").unwrap().1.trim_start().to_owned()
    }

    #[test]
    fn what_is_under_way_is_no_fault_and_what_stands_still_is_said() {
        let verdict = verdict(60);
        let expected = "3 records\n              1 begun to be erased\n\nintact\n";
        assert_eq!((said(&verdict).as_str(), verdict.exit_code()), (expected, 0));
        let mut verdict = self::verdict(61);
        let overdue = "\
records under no checkpoint: 3, the oldest for 1m: nobody could tell if they were changed; is a \
`log-collector serve` running with the ledger's key?
  also: the erasure of d-1 was begun 1m ago, and its summary is still there, or there again: run \
`log-collector erase` anew
";
        let expected =
            format!("3 records\n              1 begun to be erased\n\nincomplete: {overdue}");
        assert_eq!((said(&verdict), verdict.exit_code()), (expected, 3));
        assert_eq!(verdict.json()["verdict"], "incomplete");
        assert_eq!(verdict.json()["overdue"].as_array().unwrap().len(), 2);
        // What was altered comes first.
        verdict.findings.push(Finding::whole("a leaf is gone".to_owned()));
        let text = said(&verdict);
        let expected = format!("\naltered: a leaf is gone\n  also: {overdue}");
        assert!(text.ends_with(&expected), "{text}");
        assert_eq!(verdict.exit_code(), 1);
    }
}
