//! What the tour left behind: the rows as they stand in Postgres, and Slack's messages, each
//! compared with what the caller saw.

use std::time::{Duration, Instant, SystemTime};

use ::postgres::Row;
use serde::Deserialize;

use crate::cli::CliError;
use crate::cli::connection::connect;
use crate::cli::standin::Slack;
use crate::cli::terminal::Terminal;

/// What a step of the tour says its record must hold.
#[derive(Debug, Deserialize)]
struct Expected {
    decision_id: String,
    outcome: String,
    fired: Vec<String>,
    would_fire: Vec<String>,
    stream: bool,
    input_hash: String,
    model: Option<String>,
}

/// One row of `ai_decisions`, as text.
#[derive(Debug)]
struct Decision {
    id: String,
    requested: String,
    model: String,
    outcome: String,
    confidence: String,
    actions: String,
    fired: Vec<String>,
    would_fire: Vec<String>,
    stream: bool,
    input_hash: String,
    version: String,
    summary: String,
}

const ROWS: &str = "SELECT decision_id, coalesce(requested_model, ''), model, outcome,
        coalesce(round(confidence, 3)::text, ''), array_to_string(actions, ', '),
        ARRAY(SELECT fired->>'policy' FROM jsonb_array_elements(triggered) AS fired
              WHERE fired->>'result' = 'fired'),
        ARRAY(SELECT fired->>'policy' FROM jsonb_array_elements(triggered) AS fired
              WHERE fired->>'result' = 'would_fire'),
        stream, input_hash, coalesce(policy_version, ''), coalesce(output_summary, '')
    FROM ai_decisions WHERE created_at >= $1 ORDER BY decision_id";

/// Prints the rows; returns how they differ from what the tour saw.
pub(super) fn database(
    url: &str,
    results: &str,
    since: SystemTime,
    terminal: &Terminal,
) -> Result<Vec<String>, CliError> {
    let mut client = connect(url)?;
    let rows = client.query(ROWS, &[&since]).map_err(CliError::database("read the decisions"))?;
    let decisions: Vec<Decision> = rows
        .iter()
        .map(Decision::read)
        .collect::<Result<_, _>>()
        .map_err(CliError::database("read the decisions"))?;
    terminal.title(&format!("\nai_decisions, {} rows", decisions.len()));
    for line in table(&decisions) {
        terminal.result(&line);
    }
    Ok(expected(results).flat_map(|expected| expected.compare(&decisions)).collect())
}

/// Waits for the message about the doubtful answer, and prints what Slack received.
pub(super) fn slack(
    slack: &Slack,
    results: &str,
    replay: bool,
    terminal: &Terminal,
) -> Vec<String> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let wanted: Vec<String> = expected(results)
        .filter(|expected| expected.fired.iter().any(|policy| policy == "confidence_gate"))
        .map(|expected| expected.decision_id)
        .collect();
    let told = |id: &String| {
        slack.messages().iter().any(|message| message.payload.to_string().contains(id.as_str()))
    };
    let deadline = Instant::now() + PATIENCE;
    while !wanted.iter().all(told) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
    }
    let messages = slack.messages();
    terminal.title(&format!("\nSlack received {} messages", messages.len()));
    for message in &messages {
        terminal.result(&format!("  {}", message.text().replace('\n', "\n  ")));
    }
    let mut problems: Vec<String> = wanted
        .iter()
        .filter(|id| !told(id))
        .map(|id| format!("Slack was not told of decision {id}"))
        .collect();
    if replay && wanted.is_empty() {
        problems.push("no answer was flagged for its low confidence".to_owned());
    }
    let bad = slack.refused().into_iter().filter(|why| *why != "rate_limited");
    problems.extend(bad.map(|why| format!("Slack refused a message: {why}")));
    problems
}

impl Decision {
    fn read(row: &Row) -> Result<Self, ::postgres::Error> {
        Ok(Self {
            id: row.try_get(0)?,
            requested: row.try_get(1)?,
            model: row.try_get(2)?,
            outcome: row.try_get(3)?,
            confidence: row.try_get(4)?,
            actions: row.try_get(5)?,
            fired: row.try_get(6)?,
            would_fire: row.try_get(7)?,
            stream: row.try_get(8)?,
            input_hash: row.try_get(9)?,
            version: row.try_get(10)?,
            summary: row.try_get(11)?,
        })
    }

    fn cells(&self) -> [String; 8] {
        let model = match self.requested == self.model || self.requested.is_empty() {
            true => self.model.clone(),
            false => format!("{} > {}", self.requested, self.model),
        };
        [
            self.id.clone(),
            model,
            format!("{}{}", self.outcome, if self.stream { " (stream)" } else { "" }),
            self.confidence.clone(),
            self.actions.clone(),
            self.fired_cell(),
            self.version.trim_start_matches("sha256:").chars().take(8).collect(),
            one_line(&self.summary, 32),
        ]
    }

    /// The policies that fired, and in brackets those that would have.
    fn fired_cell(&self) -> String {
        let would = self.would_fire.iter().map(|policy| format!("({policy})"));
        self.fired.iter().cloned().chain(would).collect::<Vec<_>>().join(", ")
    }
}

impl Expected {
    fn compare(&self, decisions: &[Decision]) -> Vec<String> {
        let id = &self.decision_id;
        let mut rows = decisions.iter().filter(|decision| decision.id == *id);
        let Some(row) = rows.next() else {
            return vec![format!("decision {id} has no row")];
        };
        let mut problems = Vec::new();
        let mut compare = |what: &str, expected: &str, found: &str| {
            if expected != found {
                problems.push(format!("decision {id}: {what}: expected {expected}, found {found}"));
            }
        };
        compare("outcome", &self.outcome, &row.outcome);
        compare("input_hash", &self.input_hash, &row.input_hash);
        compare("stream", &self.stream.to_string(), &row.stream.to_string());
        compare("model", self.model.as_ref().unwrap_or(&row.model), &row.model);
        for policy in self.fired.iter().filter(|policy| !row.fired.contains(policy)) {
            compare("fired policies", policy, &row.fired.join(", "));
        }
        compare("policies on trial", &self.would_fire.join(", "), &row.would_fire.join(", "));
        problems
    }
}

fn expected(results: &str) -> impl Iterator<Item = Expected> {
    results.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// Columns as wide as their widest cell.
fn table(decisions: &[Decision]) -> Vec<String> {
    let names =
        ["decision_id", "model", "outcome", "conf.", "actions", "fired", "policy", "summary"];
    let mut lines = vec![names.map(str::to_owned)];
    lines.extend(decisions.iter().map(Decision::cells));
    let widths: Vec<usize> = (0..names.len())
        .map(|column| {
            let cells = lines.iter().filter_map(|line| line.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        })
        .collect();
    lines
        .iter()
        .map(|line| {
            let cells = line.iter().zip(&widths);
            let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("  {}", cells.join("  ")).trim_end().to_owned()
        })
        .collect()
}

fn one_line(text: &str, characters: usize) -> String {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if flat.chars().count() <= characters {
        return flat;
    }
    flat.chars().take(characters.saturating_sub(1)).chain(['…']).collect()
}
