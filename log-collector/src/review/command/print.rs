//! Answers of the API as text for people. Whatever callers or models wrote is made harmless to a
//! terminal first.

use std::fmt::Write;

use serde_json::Value;

use crate::review::VerdictKind;
use crate::review::answers::{Answer, Given, Groups, Near, OpenPage, Said, Shown, Stats};

const RED: &str = "1;31";
const BOLD: &str = "1";

/// Cells of a row, and whether it is overdue.
struct Row(Vec<String>, bool);

/// The groups, a line each.
pub fn groups(groups: &Groups, colours: bool) -> String {
    let older = age(groups.max_age_seconds as f64);
    let mut text = format!("open {}, overdue {} (over {older})\n", groups.open, groups.overdue);
    let header = ["COUNT", "OLDEST", "OVERDUE", "REASON", "POLICIES", "CALLER", "OLDEST DECISION"];
    let rows = groups.groups.iter().map(|group| {
        let cells = vec![
            group.count.to_string(),
            age(group.oldest_age_seconds),
            if group.overdue > 0 { group.overdue.to_string() } else { "-".to_owned() },
            group.reason.as_str().to_owned(),
            group.policies.join(","),
            group.caller.clone().unwrap_or_else(|| "-".to_owned()),
            group.decision_ids.first().cloned().unwrap_or_default(),
        ];
        Row(cells, group.overdue > 0)
    });
    table(&mut text, &header, rows.collect(), colours);
    if groups.more_groups > 0 {
        line(&mut text, format_args!("and {} more groups", groups.more_groups));
    }
    text
}

/// Reviews, a line each.
pub fn each(page: &OpenPage, colours: bool) -> String {
    let header = ["DECISION", "AGE", "REASON", "POLICIES", "CALLER"];
    let rows = page.reviews.iter().map(|review| {
        let late = if review.overdue { " overdue" } else { "" };
        let cells = vec![
            review.decision_id.clone(),
            format!("{}{late}", age(review.age_seconds)),
            review.reason.as_str().to_owned(),
            review.policies.join(","),
            review.caller.clone().unwrap_or_else(|| "-".to_owned()),
        ];
        Row(cells, review.overdue)
    });
    let mut text = String::new();
    table(&mut text, &header, rows.collect(), colours);
    text
}

/// A decision with all beside it.
pub fn decision(shown: &Shown, policy_text: bool, colours: bool) -> String {
    let mut text = judged(shown);
    if colours {
        text = text.replacen(&shown.decision_id, &paint(BOLD, &shown.decision_id), 1);
    }
    let leaf = |leaf: Option<u64>| leaf.map_or("not yet".to_owned(), |leaf| leaf.to_string());
    field(&mut text, "record", &format!("sha256 {}", shown.record_digest));
    field(&mut text, "leaf", &leaf(shown.record_leaf));
    for Given { verdict, reviewer, note, decided_at, leaf: at, .. } in &shown.verdicts {
        let (said, at) = (verdict.as_str(), leaf(*at));
        let note = if note.is_empty() { String::new() } else { format!(": {note}") };
        field(
            &mut text,
            "verdict",
            &format!("{decided_at}  {said} by {reviewer}, leaf {at}{note}"),
        );
    }
    for message in &shown.messages {
        let status = message.last_status.map(|status| format!(" ({status})")).unwrap_or_default();
        let at = message.delivered_at.as_deref().unwrap_or_default();
        let said = format!("{} {}{status} {at}", message.target, message.state);
        field(&mut text, "message", said.trim_end());
    }
    for near in &shown.neighbours {
        let Near { decision_id, created_at, model, outcome, actions } = near;
        let said =
            format!("{created_at}  {decision_id}  {model}  {outcome}  {}", actions.join(","));
        field(&mut text, "neighbour", said.trim_end());
    }
    if policy_text {
        text.push('\n');
        for of_policy in shown.policy_text.iter().flat_map(|it| it.lines()) {
            line(&mut text, format_args!("{}", plain(of_policy)));
        }
    }
    text
}

/// What a verdict is given on.
pub fn judged(shown: &Shown) -> String {
    let mut text = String::new();
    let record: Value = serde_json::from_str(shown.record.get()).unwrap_or_default();
    let of_record = |name: &str| record.get(name).and_then(Value::as_str).map(str::to_owned);
    field(&mut text, "decision", &shown.decision_id);
    for (name, of) in [("time", "created_at"), ("model", "model"), ("caller", "caller")] {
        field(&mut text, name, &of_record(of).unwrap_or_else(|| "unknown".to_owned()));
    }
    let came_of_it = of_record("outcome").unwrap_or_else(|| "none yet".to_owned());
    let status = record.get("status").and_then(Value::as_u64);
    let status = status.map(|status| format!(" (status {status})")).unwrap_or_default();
    field(&mut text, "outcome", &format!("{came_of_it}{status}"));
    if let Some(confidence) = record.get("confidence").and_then(Value::as_f64) {
        field(&mut text, "confidence", &confidence.to_string());
    }
    let words = record.get("categories").and_then(Value::as_array).into_iter().flatten();
    let words: Vec<&str> = words.filter_map(Value::as_str).collect();
    if !words.is_empty() {
        field(&mut text, "categories", &words.join(", "));
    }
    for fired in &shown.triggered {
        let how = if fired.enforced { "" } else { ", not enforced" };
        let (result, action, phase) = (&fired.result, &fired.action, &fired.phase);
        field(
            &mut text,
            "triggered",
            &format!("{}: {result}, {action}, {phase}{how}", fired.policy),
        );
    }
    if let Some(hold) = &shown.hold {
        let policies = hold.policies.join(", ");
        field(&mut text, "hold", &format!("asked by {policies}; approved for {} s", hold.ttl_s));
    }
    if let Some(review) = &shown.review {
        let (reason, policies) = (review.reason.as_str(), review.policies.join(", "));
        let state = if review.open { "open" } else { "judged" };
        let since = &review.opened_at;
        field(&mut text, "review", &format!("{state}, {reason} by {policies} at {since}"));
    }
    field(&mut text, "input", &shown.input.text);
    field(&mut text, "output", &shown.output.text);
    field(&mut text, "policy", &shown.policy_version);
    if shown.own_call {
        field(&mut text, "note", "this is your own call, which you may not judge");
    }
    text
}

/// What came of each, and a word on the whole.
pub fn results(results: &[Answer], verdict: VerdictKind) -> String {
    let mut text = String::new();
    for answer in results {
        let said = match answer.result {
            Said::Given => verdict.as_str(),
            Said::Stands => "stands: you said the same before",
            Said::Changed => "changed: its record is another now; look at it again",
            Said::OwnCall => "own call: nobody judges their own",
            Said::Unknown => "unknown: there is no such decision",
        };
        let verdict_id = answer.verdict_id.as_deref().unwrap_or("-");
        line(&mut text, format_args!("{}  {verdict_id}  {said}", plain(&answer.decision_id)));
    }
    text
}

/// How reviews went.
pub fn stats(stats: &Stats) -> String {
    let mut text = format!("calls since {}\n", stats.since);
    let header = [
        "POLICY",
        "OPENED",
        "OPEN",
        "APPROVED",
        "REJECTED",
        "SHARE APPROVED",
        "SUPERSEDED",
        "MEDIAN",
        "P99",
    ];
    let rows = stats.policies.iter().map(|of| {
        let share = of.share_approved.map(|share| format!("{:.0} %", share * 100.0));
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let cells = vec![
            of.policy.clone(),
            of.opened.to_string(),
            of.open.to_string(),
            of.approved.to_string(),
            of.rejected.to_string(),
            or_none(share),
            of.superseded.to_string(),
            or_none(of.median_seconds_to_verdict.map(age)),
            or_none(of.p99_seconds_to_verdict.map(age)),
        ];
        Row(cells, false)
    });
    table(&mut text, &header, rows.collect(), false);
    let older = age(stats.max_age_seconds as f64);
    line(
        &mut text,
        format_args!("\nopen {}, overdue {} (over {older})", stats.open, stats.overdue),
    );
    let mut from = String::new();
    for of in &stats.open_by_age {
        let until = of.under_seconds.map(age);
        let name = until.as_ref().map_or(format!("over {from}"), |until| format!("under {until}"));
        line(&mut text, format_args!("  {name:<10}{:>8}", of.open));
        from = until.unwrap_or_default();
    }
    for of in &stats.messages {
        let (p50, p99) = (of.p50_seconds, of.p99_seconds);
        let target = plain(&of.target);
        line(
            &mut text,
            format_args!(
                "\nfrom decision to {target}: {} delivered, p50 {p50:.1} s, p99 {p99:.1} s",
                of.delivered
            ),
        );
    }
    text
}

/// The two largest units.
fn age(seconds: f64) -> String {
    // A clock that is behind makes no negative age.
    let seconds = seconds.max(0.0) as u64;
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let (first, second) = match seconds {
        0..60 => return format!("{seconds}s"),
        60..3_600 => (format!("{minutes}m"), (seconds % 60, "s")),
        3_600..86_400 => (format!("{hours}h"), (minutes % 60, "m")),
        _ => (format!("{days}d"), (hours % 24, "h")),
    };
    let (count, unit) = second;
    if count == 0 { first } else { format!("{first} {count}{unit}") }
}

fn table(text: &mut String, header: &[&str], rows: Vec<Row>, colours: bool) {
    if rows.is_empty() {
        return;
    }
    let head = header.iter().map(|name| (*name).to_owned()).collect();
    let rows: Vec<Row> = std::iter::once(Row(head, false))
        .chain(
            rows.into_iter()
                .map(|Row(cells, late)| Row(cells.iter().map(|cell| plain(cell)).collect(), late)),
        )
        .collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|Row(cells, _)| cells.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..header.len()).map(width).collect();
    for Row(cells, late) in &rows {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let shown = cells.collect::<Vec<_>>().join("  ");
        let shown = shown.trim_end();
        let shown = if *late && colours { paint(RED, shown) } else { shown.to_owned() };
        line(text, format_args!("{shown}"));
    }
}

fn field(text: &mut String, name: &str, value: &str) {
    line(text, format_args!("{name:<12}{}", plain(value)));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = writeln!(text, "{arguments}"); // Writing to a String cannot fail.
}

fn paint(code: &str, text: &str) -> String {
    format!("\x1b[{code}m{text}\x1b[m")
}

/// Text that neither commands a terminal nor turns its direction, to read as what it is not.
fn plain(text: &str) -> String {
    let turns = |c| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let harmless = |c: char| if c.is_control() || turns(c) { '\u{fffd}' } else { c };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::Reason;
    use crate::review::answers::Group;

    #[test]
    fn ages_have_two_units_at_most() {
        for (seconds, expected) in [
            (-1.0, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (61.0, "1m 1s"),
            (3_600.0, "1h"),
            (86_399.0, "23h 59m"),
            (86_400.0, "1d"),
            (200_000.0, "2d 7h"),
        ] {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn overdue_groups_are_marked_and_nothing_commands_the_terminal() {
        let group = |count, overdue, caller: Option<&str>| Group {
            group: "0".repeat(32),
            policies: vec!["a".to_owned(), "b".to_owned()],
            caller: caller.map(str::to_owned),
            reason: Reason::Routed,
            count,
            overdue,
            oldest_age_seconds: 90_000.0,
            oldest_opened_at: String::new(),
            newest_opened_at: String::new(),
            decision_ids: vec!["d-1".to_owned()],
            all: String::new(),
        };
        let shown = Groups {
            open: 14,
            overdue: 2,
            max_age_seconds: 86_400,
            groups: vec![group(12, 2, Some("sub:\x1b[2Jann\u{202e}")), group(2, 0, None)],
            more_groups: 1,
        };
        let expected = "open 14, overdue 2 (over 1d)\n\
            COUNT  OLDEST  OVERDUE  REASON  POLICIES  CALLER        OLDEST DECISION\n\
            12     1d 1h   2        routed  a,b       sub:\u{fffd}[2Jann\u{fffd}  d-1\n\
            2      1d 1h   -        routed  a,b       -             d-1\n\
            and 1 more groups\n";
        assert_eq!(groups(&shown, false), expected);
        let coloured = groups(&shown, true);
        assert!(coloured.contains("\n\x1b[1;31m12 "), "{coloured}");
        assert!(coloured.contains("\n2 "), "{coloured}");
    }
}
