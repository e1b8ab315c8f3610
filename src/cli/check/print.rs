//! What `governance check` prints: tables for people, an object for programs, annotations for a
//! workflow of GitHub's.

use serde::Serialize;

use crate::cli::models::tone;
use crate::cli::table::Columns;
use crate::cli::terminal::Terminal;
use crate::policy::{Policy, PolicyErrors, Problem, Warnings};

/// What a review gave.
type Reviewed = Result<(Policy, Warnings), PolicyErrors>;

#[derive(Default, Serialize)]
struct Report<'a> {
    file: &'a str,
    ok: bool,
    /// `sha256:…`; null where the file does not load.
    version: Option<&'a str>,
    label: Option<&'a str>,
    policies: Vec<PolicyRow<'a>>,
    models: Vec<ModelRow<'a>>,
    errors: Vec<Finding<'a>>,
    warnings: Vec<Finding<'a>>,
}

#[derive(Serialize)]
struct PolicyRow<'a> {
    name: &'a str,
    phase: &'static str,
    action: &'static str,
    /// How long an approval lets a held call pass; null where nothing is held.
    hold_ttl_s: Option<u64>,
    /// `enforce` or `observe`.
    mode: &'static str,
    reads: Vec<&'static str>,
}

#[derive(Serialize)]
struct ModelRow<'a> {
    name: &'a str,
    class: &'static str,
    rule: &'a str,
    /// Sources of a confidence that its answers have.
    confidence: Vec<&'static str>,
    /// Sources that its answers may have.
    if_stated: Vec<&'static str>,
}

#[derive(Serialize)]
struct Finding<'a> {
    line: usize,
    column: usize,
    message: &'a str,
}

// === impl Report ===

impl Report<'_> {
    fn print(&self) {
        // Texts, numbers and lists of them: serialising them cannot fail.
        Terminal::new().result(&serde_json::to_string(self).unwrap_or_default());
    }
}

pub(super) fn text(file: &str, reviewed: &Reviewed) {
    let terminal = Terminal::new();
    let (policy, warnings) = match reviewed {
        Ok(reviewed) => reviewed,
        Err(errors) => return terminal.error(&errors.display(file).to_string()),
    };
    let count = policy.policy_names().count();
    let label = policy.label().map(|label| format!(", version {label}")).unwrap_or_default();
    let noun = if count == 1 { "policy" } else { "policies" };
    terminal.result(&format!("ok: {count} {noun}, {}{label}", policy.version()));
    let cells = |row: PolicyRow| {
        let hold = row.hold_ttl_s.map(|ttl_s| format!(", held ({})", span(ttl_s)));
        let action = format!("{}{}", row.action, hold.unwrap_or_default());
        [row.name, row.phase, &action, row.mode, &some(&row.reads)].map(str::to_owned)
    };
    let rows: Vec<_> = policies(policy).into_iter().map(cells).collect();
    table(&terminal, ["policy", "phase", "action", "mode", "reads"], &rows);
    let cells = |row: ModelRow| {
        [row.name, row.class, row.rule, &some(&row.confidence), &some(&row.if_stated)]
            .map(str::to_owned)
    };
    let rows: Vec<_> = models(policy).into_iter().map(cells).collect();
    table(&terminal, ["approved model", "class", "rule", "confidence", "if stated"], &rows);
    if !warnings.is_empty() {
        terminal.warn(&warnings.display(file).to_string());
    }
}

/// The second column holds a class where the table is one of models.
fn table<const N: usize>(terminal: &Terminal, head: [&str; N], rows: &[[String; N]]) {
    if rows.is_empty() {
        return;
    }
    terminal.result("");
    let columns = Columns::new(head, rows);
    terminal.title(&columns.line(&head, |_, cell| cell));
    for row in rows {
        let tinted = |column, cell: String| match column {
            1 if head.contains(&"class") => terminal.tinted(tone(cell.trim_end()), &cell),
            _ => cell,
        };
        terminal.result(&columns.line(row, tinted));
    }
}

fn some(words: &[&str]) -> String {
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// A span of time as the file would have it.
fn span(seconds: u64) -> String {
    let minutes = seconds / 60;
    match (minutes % 60, minutes / 60 % 24) {
        (0, 0) => format!("{}d", minutes / 60 / 24),
        (0, _) => format!("{}h", minutes / 60),
        (_, _) => format!("{minutes}m"),
    }
}

pub(super) fn json(file: &str, reviewed: &Reviewed) {
    let policy = reviewed.as_ref().ok().map(|(policy, _)| policy);
    let report = Report {
        file,
        ok: policy.is_some(),
        version: policy.map(Policy::version),
        label: policy.and_then(Policy::label),
        policies: policy.map(policies).unwrap_or_default(),
        models: policy.map(models).unwrap_or_default(),
        errors: reviewed.as_ref().err().into_iter().flatten().map(finding).collect(),
        warnings: reviewed.iter().flat_map(|(_, warnings)| warnings).map(finding).collect(),
    };
    report.print();
}

/// The same object for a file that cannot be read; the error has no line, so it is on line 0.
pub(super) fn unread_json(file: &str, message: &str) {
    let errors = vec![Finding { line: 0, column: 0, message }];
    Report { file, errors, ..Report::default() }.print();
}

pub(super) fn github(file: &str, reviewed: &Reviewed) {
    let terminal = Terminal::new();
    let file = property(file);
    let tell = |level: &str, problem: &Problem| {
        let Problem { line, column, .. } = problem;
        let message = escaped(problem.message());
        terminal.result(&format!("::{level} file={file},line={line},col={column}::{message}"));
    };
    match reviewed {
        Ok((_, warnings)) => warnings.iter().for_each(|problem| tell("warning", problem)),
        Err(errors) => errors.iter().for_each(|problem| tell("error", problem)),
    }
}

/// A message, as a workflow command takes it.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A value before the message: it ends at a comma or a colon.
fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

fn policies(policy: &Policy) -> Vec<PolicyRow<'_>> {
    policy
        .outlines()
        .map(|told| PolicyRow {
            name: told.name,
            phase: told.phase,
            action: told.action,
            hold_ttl_s: told.hold_ttl_s,
            mode: if told.observed { "observe" } else { "enforce" },
            reads: told.reads,
        })
        .collect()
}

fn models(policy: &Policy) -> Vec<ModelRow<'_>> {
    policy
        .approved_models()
        .into_iter()
        .map(|model| ModelRow {
            name: model.name,
            class: model.class.as_str(),
            rule: model.rule,
            confidence: model.certain,
            if_stated: model.possible,
        })
        .collect()
}

fn finding(problem: &Problem) -> Finding<'_> {
    Finding { line: problem.line, column: problem.column, message: problem.message() }
}
