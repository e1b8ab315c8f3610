//! The history as text for people and as JSON for programs.

use serde_json::{Value, json};

use crate::policy::git::Commits;
use crate::policy::moment::time;
use crate::store::history::Observation;

/// Digits of a hash that are shown: enough to name it in any history there will be.
const DIGITS: usize = 12;

/// One observation and the decisions made under it.
type Row = (Observation, i64);

/// Two lines an observation. Without `commits` nothing is said of git.
pub fn text(rows: &[Row], commits: Option<&Commits>, file: &str) -> String {
    let width = rows.iter().map(|(row, _)| row.gateway.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (row, decisions) in rows {
        let version = row.version.get(.."sha256:".len() + DIGITS).unwrap_or(&row.version);
        let noun = if *decisions == 1 { "decision" } else { "decisions" };
        text.push_str(&format!(
            "{}  {:width$}  {version}  {decisions} {noun}{}\n",
            time(row.since),
            row.gateway,
            named(row),
        ));
        let Some(commits) = commits else { continue };
        text.push_str(&match commits.find(&row.version, row.since) {
            Some(commit) => {
                let id = commit.id.get(..DIGITS).unwrap_or(&commit.id);
                format!("    commit {id}  {}  {}\n", commit.date, commit.author)
            }
            None => format!("    NEVER COMMITTED as {file}\n"),
        });
    }
    text
}

/// One array; `committed` is null where git could not be asked.
pub fn json(rows: &[Row], commits: Option<&Commits>) -> String {
    let rows = rows.iter().map(|(row, decisions)| {
        let commit = commits.and_then(|commits| commits.find(&row.version, row.since));
        json!({
            "since": time(row.since),
            "gateway": row.gateway,
            "policy_version": row.version,
            "label": row.label,
            "git_revision": row.git_revision,
            "decisions": decisions,
            "committed": commits.map(|_| commit.is_some()),
            "commit": commit.map(|commit| json!({
                "id": commit.id,
                "author": commit.author,
                "date": commit.date.to_string(),
            })),
        })
    });
    format!("{:#}\n", Value::Array(rows.collect()))
}

/// One gateway's line under a policy.
pub fn running(row: &Observation) -> String {
    format!("gateway {}  since {}{}", row.gateway, time(row.since), named(row))
}

/// What its operator called it. A header may hold anything that can be printed.
fn named(row: &Observation) -> String {
    let label = row.label.iter().map(|label| format!("  label \"{label}\""));
    let revision = row.git_revision.iter().map(|revision| format!("  revision {revision}"));
    label.chain(revision).collect()
}
