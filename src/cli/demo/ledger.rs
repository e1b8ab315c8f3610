//! The end of the tour: a signed checkpoint is put aside, the ledger is verified against it; then
//! one row is altered by the database's superuser, and the verdict names it.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::cli::CliError;
use crate::cli::connection::connect;
use crate::cli::data_dir::replace_file;
use crate::cli::terminal::Terminal;
use crate::cli::up::Ready;

/// Checkpoints are made every two seconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The one refused by the policy on approved models now looks as if it had been let through, and
/// everything in the row agrees. Only an owner can put the triggers aside.
const FORGERY: &str = "
    ALTER TABLE ai_decisions DISABLE TRIGGER refuse_change;
    WITH forged AS (
        SELECT decision_id, convert_to(replace(convert_from(record, 'UTF8'),
            '\"outcome\":\"denied\"', '\"outcome\":\"completed\"'), 'UTF8') AS record
        FROM ai_decisions WHERE outcome = 'denied' ORDER BY decision_id LIMIT 1)
    UPDATE ai_decisions d SET outcome = 'completed', record = forged.record,
        digest = encode(sha256(forged.record), 'hex')
    FROM forged WHERE d.decision_id = forged.decision_id;
    ALTER TABLE ai_decisions ENABLE ALWAYS TRIGGER refuse_change;";

/// Says what did not hold.
pub(super) fn prove(
    ready: &Ready,
    collector: &Path,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Vec<String>, CliError> {
    let (key, file) = (&ready.ledger_public_key, &ready.checkpoint_file);
    let Some(note) = complete(&ready.database_url, file)? else {
        return Ok(vec![format!("no checkpoint covers every record after {PATIENCE:?}")]);
    };
    let kept = folder.join("checkpoint");
    replace_file(&kept, note.as_bytes(), 0o600)?;
    terminal.title("\nA signed checkpoint, put aside where the database cannot reach it");
    note.lines().for_each(|line| terminal.result(&format!("  {line}")));
    let verify = || -> Result<Output, CliError> {
        Command::new(collector)
            .args(["verify", "--public-key", key, "--checkpoint"])
            .arg(&kept)
            .env("DATABASE_URL", &ready.database_url)
            .output()
            .map_err(|source| CliError::Spawn { program: collector.to_owned(), source })
    };
    let mut problems = Vec::new();
    terminal.title("\nlog-collector verify");
    let output = verify()?;
    show(&output, terminal);
    if output.status.code() != Some(0) {
        problems.push(format!("`verify` ended with {} on what nobody altered", output.status));
    }
    let Some(admin) = &ready.database_admin_url else { return Ok(problems) };
    let mut database = connect(admin)?;
    let denied = "SELECT min(decision_id) FROM ai_decisions WHERE outcome = 'denied'";
    let row = database.query_one(denied, &[]).map_err(CliError::database("find a refusal"))?;
    let id: String = row.try_get(0).map_err(CliError::database("find a refusal"))?;
    database.batch_execute(FORGERY).map_err(CliError::database("forge a row"))?;
    terminal.title("\nThe superuser makes a refusal look like an answer; log-collector verify");
    let output = verify()?;
    show(&output, terminal);
    let named = String::from_utf8_lossy(&output.stdout).contains(&id);
    if output.status.code() != Some(1) || !named {
        problems.push(format!("`verify` ended with {}, decision {id} was forged", output.status));
    }
    Ok(problems)
}

fn show(output: &Output, terminal: &Terminal) {
    for text in [&output.stdout, &output.stderr] {
        for line in String::from_utf8_lossy(text).lines() {
            terminal.result(&format!("  {line}"));
        }
    }
}

/// Waits for a checkpoint that covers all that is committed.
fn complete(database_url: &str, file: &Path) -> Result<Option<String>, CliError> {
    let failed = || CliError::database("read the ledger");
    let mut database = connect(database_url)?;
    let sql = "SELECT tree_size + (SELECT coalesce(sum(cardinality(refs)), 0)::bigint
        FROM ai_ledger_pending) FROM ai_ledger_head";
    let row = database.query_one(sql, &[]).map_err(failed())?;
    let leaves: i64 = row.try_get(0).map_err(failed())?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        let note = std::fs::read_to_string(file).unwrap_or_default();
        let size = note.lines().nth(1).and_then(|size| size.parse::<i64>().ok());
        if size.is_some_and(|size| size >= leaves) {
            return Ok(Some(note));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(None)
}
