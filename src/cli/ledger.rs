//! The ledger's key and the place of its checkpoints, for one data folder and one database.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::CliError;
use super::connection::connect;
use super::data_dir::{DataDir, secret};
use super::database::{key, migrate};
use super::terminal::Terminal;

/// What signs, and what leaves the database.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    /// The key that is registered: what a checkpoint is verified with.
    pub(crate) public_key: String,
    /// Its secret half; `None` where somebody else's is registered.
    pub(crate) key_file: Option<PathBuf>,
    /// Always holds the newest checkpoint.
    pub(crate) checkpoint_file: PathBuf,
}

/// Registers this folder's key, made where it is new, unless the database has another.
pub(crate) fn prepare(
    admin_url: &str,
    embedded: bool,
    collector: &Path,
    data: &DataDir,
    terminal: &Terminal,
) -> Result<Ledger, CliError> {
    let given = std::env::var_os("LEDGER_KEY_FILE").filter(|file| !file.is_empty());
    let own = data.path().join("ledger.key");
    // Only this folder's key is made unasked; one that was named is the operator's to make.
    if given.is_none() && !own.exists() {
        let name = format!("localhost/{}", secret()?.chars().take(8).collect::<String>());
        let file = own.to_string_lossy().into_owned();
        run(collector, &["key", "new", "--name", &name, "--output", &file])?;
    }
    let key_file = given.map_or(own, PathBuf::from);
    let public_key = run(collector, &["key", "show", &key_file.to_string_lossy()])?;
    // Checkpoints of one database say nothing of another one.
    let checkpoint_file = data.path().join(match embedded {
        true => "checkpoint".to_owned(),
        false => format!("checkpoint-{}", super::data_dir::short_hash(Path::new(&key(admin_url)))),
    });
    let ledger = |public_key, key_file| Ledger { public_key, key_file, checkpoint_file };
    match registered(admin_url)? {
        Some(other) if other != public_key => {
            terminal.warn(&format!(
                "the ledger's key is `{other}`, not that of `{}`: this collector records, and \
                 leaves checkpoints to others",
                key_file.display()
            ));
            Ok(ledger(other, None))
        }
        Some(_) => Ok(ledger(public_key, Some(key_file))),
        None => {
            migrate(admin_url, Some(&public_key), collector, data)?;
            Ok(ledger(public_key, Some(key_file)))
        }
    }
}

fn registered(admin_url: &str) -> Result<Option<String>, CliError> {
    let failed = || CliError::database("read the ledger's key");
    let newest = "SELECT verifier_key FROM ai_ledger_keys ORDER BY key_seq DESC LIMIT 1";
    let row = connect(admin_url)?.query_opt(newest, &[]).map_err(failed())?;
    row.map(|row| row.try_get(0)).transpose().map_err(failed())
}

/// One of the collector's commands; what it printed.
fn run(collector: &Path, arguments: &[&str]) -> Result<String, CliError> {
    let output = Command::new(collector)
        .args(arguments)
        .output()
        .map_err(|source| CliError::Spawn { program: collector.to_owned(), source })?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CliError::LedgerKey { said })
}
