//! The tally as tables for people.

use super::tally::{CallerChange, Change, PolicyChange, Tally};
use crate::cli::table::Columns;
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
    let mut rows = vec![row("refused", "", &tally.refused), row("held", "", &tally.held)];
    let told = |name: &str, change: &Change| {
        !name.starts_with("models.") || change.before + change.after + change.unknown > 0
    };
    let policies = tally.policies.iter().filter(|(name, change)| told(name, &change.fired));
    rows.extend(policies.map(|(name, change)| policy(name, change)));
    let head = ["policy", "action", "then", "now", "newly", "no longer", "unknown"];
    terminal.result("");
    table(terminal, head, &rows);
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

fn row(name: &str, action: &str, change: &Change) -> [String; 7] {
    let Change { before, after, newly, no_longer, unknown } = change;
    [
        name.to_owned(),
        action.to_owned(),
        before.to_string(),
        after.to_string(),
        signed("+", *newly),
        signed("-", *no_longer),
        signed("", *unknown),
    ]
}

/// Nothing for none: what changes stands out.
fn signed(sign: &str, count: u64) -> String {
    if count == 0 { String::new() } else { format!("{sign}{count}") }
}

fn policy(name: &str, change: &PolicyChange) -> [String; 7] {
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
    let rows: Vec<[String; 6]> = changed
        .iter()
        .take(CALLERS_MAX)
        .map(|(name, caller)| {
            [
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
    table(terminal, head, &rows);
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

fn table<const N: usize>(terminal: &Terminal, head: [&str; N], rows: &[[String; N]]) {
    let columns = Columns::new(head, rows);
    let plain = |_, cell| cell;
    terminal.title(&format!("  {}", columns.line(&head, plain)));
    for row in rows {
        terminal.result(&format!("  {}", columns.line(row, plain)));
    }
}
