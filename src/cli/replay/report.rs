//! The tally as tables for people.

use super::tally::{CallerChange, Change, PolicyChange, Tally};
use crate::cli::terminal::{Terminal, Tone};

/// Callers shown: those for whom most changes.
const CALLERS_MAX: usize = 20;

/// Prints it.
pub(super) fn print(terminal: &Terminal, tally: &Tally) {
    let (Some(first), Some(last)) = (&tally.first, &tally.last) else {
        terminal.result("no calls in that time");
        return;
    };
    let versions = tally.judged_by.len();
    let then = if versions == 1 { "one policy" } else { "several policies" };
    terminal.title(&format!("{} calls from {first} to {last}", tally.calls));
    terminal.result(&format!("judged then by {then}, now by {}", tally.candidate));
    for (version, calls) in &tally.judged_by {
        terminal.result(&format!("  {version}  {calls} calls"));
    }
    let mut rows = vec![row("refused", "", &tally.refused)];
    rows.extend(tally.policies.iter().map(|(name, change)| policy(name, change)));
    let head = ["policy", "action", "then", "now", "newly", "no longer", "unknown"];
    terminal.result("");
    table(terminal, &head.map(str::to_owned), &rows);
    callers(terminal, tally);
    unknown(terminal, tally);
    if !tally.newly_refused.is_empty() {
        terminal.result("");
        terminal.title("newly refused, for example");
        for id in &tally.newly_refused {
            terminal.result(&format!("  {id}"));
        }
    }
}

fn row(name: &str, action: &str, change: &Change) -> Vec<String> {
    let Change { before, after, newly, no_longer, unknown } = change;
    let mut row = vec![name.to_owned(), action.to_owned()];
    row.extend([before, after].map(u64::to_string));
    row.extend([("+", newly), ("-", no_longer), ("", unknown)].map(|(sign, count)| match count {
        0 => String::new(),
        count => format!("{sign}{count}"),
    }));
    row
}

fn policy(name: &str, change: &PolicyChange) -> Vec<String> {
    let action = match (change.action, change.observed) {
        (None, _) => "(not in the candidate)".to_owned(),
        (Some(action), true) => format!("{action}, observed"),
        (Some(action), false) => action.to_owned(),
    };
    row(name, &action, &change.fired)
}

fn callers(terminal: &Terminal, tally: &Tally) {
    let changes = |caller: &CallerChange| {
        let refused = caller.newly_refused + caller.no_longer_refused;
        (refused, caller.newly_fired + caller.no_longer_fired)
    };
    let mut changed: Vec<_> =
        tally.callers.iter().filter(|(_, caller)| changes(caller) != (0, 0)).collect();
    terminal.result("");
    if changed.is_empty() {
        terminal.good(&format!("nothing known changes for any of {} callers", tally.callers.len()));
        return;
    }
    changed.sort_by_key(|(_, caller)| std::cmp::Reverse(changes(caller)));
    let signed = |sign: &str, count: u64| match count {
        0 => String::new(),
        count => format!("{sign}{count}"),
    };
    let rows: Vec<Vec<String>> = changed
        .iter()
        .take(CALLERS_MAX)
        .map(|(name, caller)| {
            vec![
                (*name).clone(),
                caller.calls.to_string(),
                signed("+", caller.newly_refused),
                signed("-", caller.no_longer_refused),
                signed("+", caller.newly_fired),
                signed("-", caller.no_longer_fired),
            ]
        })
        .collect();
    let head = ["caller", "calls", "refused", "", "fired", ""];
    table(terminal, &head.map(str::to_owned), &rows);
    let more = changed.len().saturating_sub(CALLERS_MAX);
    if more > 0 {
        terminal.result(&format!("  and {more} more callers for whom something changes"));
    }
}

fn unknown(terminal: &Terminal, tally: &Tally) {
    let unknown = tally.policies.iter().flat_map(|(name, change)| {
        change.unknown.iter().map(move |(why, count)| (name, *why, *count))
    });
    let unknown: Vec<_> = unknown.collect();
    if unknown.is_empty() {
        return;
    }
    terminal.result("");
    terminal.title("cannot be known from what was kept");
    for (name, why, count) in unknown {
        let calls = terminal.tinted(Tone::Doubtful, &format!("{count} calls"));
        terminal.result(&format!("  {name}  {calls}: {why}"));
    }
}

/// Names to the left, numbers to the right.
fn table(terminal: &Terminal, head: &[String], rows: &[Vec<String>]) {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let line = |cells: &[String]| {
        let padded = cells.iter().zip(&widths).enumerate().map(|(column, (cell, width))| {
            let is_name = column == 0 || cell.starts_with(|first: char| first.is_alphabetic());
            if is_name { format!("{cell:width$}") } else { format!("{cell:>width$}") }
        });
        format!("  {}", padded.collect::<Vec<_>>().join("  ")).trim_end().to_owned()
    };
    terminal.title(&line(head));
    for row in rows {
        terminal.result(&line(row));
    }
}
