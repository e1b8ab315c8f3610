//! The person in the loop: what the tour's risky call opened is listed and approved, on the command
//! line, with the token that this stack made.

use std::path::Path;
use std::process::{Command, Output};

use crate::cli::CliError;
use crate::cli::connection::connect;
use crate::cli::terminal::Terminal;
use crate::cli::up::Ready;

/// Says what did not hold.
pub(super) fn judge(
    ready: &Ready,
    collector: &Path,
    terminal: &Terminal,
) -> Result<Vec<String>, CliError> {
    let failed = || CliError::database("find an open review");
    let sql = "SELECT decision_id FROM reviews_open ORDER BY opened_at LIMIT 1";
    let row = connect(&ready.database_url)?.query_opt(sql, &[]).map_err(failed())?;
    let Some(row) = row else {
        return Ok(vec!["the call that was routed to people opened no review".to_owned()]);
    };
    let id: String = row.try_get(0).map_err(failed())?;
    let mut problems = Vec::new();
    for (title, arguments) in [
        ("log-collector review list", vec!["list"]),
        (
            "log-collector review approve",
            vec!["approve", &id, "--note", "seen in the demo", "--yes"],
        ),
    ] {
        terminal.title(&format!("\n{title}"));
        let output = review(ready, collector, &arguments)?;
        let said = String::from_utf8_lossy(&output.stdout);
        said.lines().for_each(|line| terminal.result(&format!("  {line}")));
        if !output.status.success() || !said.contains(&id) {
            problems.push(format!("`{title}` ended with {} and does not name {id}", output.status));
        }
    }
    terminal.step(&format!("the same on a page: {}/decisions/{id}", ready.collector));
    Ok(problems)
}

fn review(ready: &Ready, collector: &Path, arguments: &[&str]) -> Result<Output, CliError> {
    let token = ready.review_token_file.clone().unwrap_or_default();
    Command::new(collector)
        .arg("review")
        .args(arguments)
        .env("COLLECTOR_URL", &ready.collector)
        .env("REVIEW_TOKEN_FILE", token)
        .output()
        .map_err(|source| CliError::Spawn { program: collector.to_owned(), source })
}
