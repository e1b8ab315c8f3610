//! `log-collector verify`: recomputes the whole ledger from the rows and says whether anything was
//! altered. Trusts a public key and checkpoints held elsewhere; neither the operator nor the
//! database.
//!
//! ```text
//! store::audit reads -> check: rows (binary), page, heads (chain), reviews -> findings -> verdict
//! ```

mod binary;
mod chain;
pub mod check;
pub mod findings;
mod heads;
pub mod held;
mod months;
mod page;
mod progress;
mod reviews;
mod rows;
pub mod verdict;

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tokio::sync::mpsc;

use self::check::Checker;
use self::findings::Finding;
use self::held::HeldFile;
use self::progress::Progress;
use self::verdict::Verdict;
use crate::config::{Database, DatabaseArgs};
use crate::error::StartError;
use crate::ledger::note::VerifierKey;
use crate::store::audit;

/// Groups of rows that wait for the check: one is read while another is looked at.
const PARTS_MAX: usize = 4;

const EXIT_CODES: &str = "\
Use a login that is granted `governance_reader`.

Exit codes:
  0  intact
  1  altered
  2  the arguments make no sense
  3  could not be checked, or not all of it: records stay unsigned, or an erasure unfinished";

/// What `verify` is asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct VerifyArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// A public key that you trust (`log-collector key show` prints it); repeat it for several.
    #[arg(long, value_name = "KEY", env = "LEDGER_PUBLIC_KEY")]
    public_key: Vec<VerifierKey>,
    /// File that holds such keys, a line each.
    #[arg(long, value_name = "FILE")]
    public_key_file: Vec<PathBuf>,
    /// File with a checkpoint that was kept elsewhere, or with many, as the collector prints them;
    /// `-` is standard input. Without one it cannot be seen that the end was cut off.
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// How the verdict is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Arguments or the database.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A key or a checkpoint that is none.
    #[error("{0}")]
    Argument(String),
    /// There are no words for it.
    #[error("the check ended early")]
    Ended,
}

// === impl VerifyError ===

impl VerifyError {
    /// 2 where the arguments are to blame, 3 where nothing could be checked.
    pub fn exit_code(&self) -> u8 {
        match self {
            VerifyError::Argument(_) | VerifyError::Start(StartError::Config(_)) => 2,
            VerifyError::Start(_) | VerifyError::Ended => 3,
        }
    }
}

/// Checks everything. Returns what is printed, and the exit code.
pub async fn run(args: VerifyArgs, colours: bool) -> Result<(String, u8), VerifyError> {
    let mut keys = args.public_key;
    for file in &args.public_key_file {
        keys.extend(read_keys(file)?);
    }
    if keys.is_empty() {
        let problem = "--public-key is not given (nor --public-key-file)";
        return Err(VerifyError::Argument(problem.to_owned()));
    }
    let held = args.checkpoint.iter().map(|file| HeldFile::open(file));
    let held = held.collect::<Result<_, _>>().map_err(VerifyError::Argument)?;
    let database = args.database.parse().map_err(StartError::from)?;
    let verdict = verify(&database, keys, held).await?;
    let text = match args.format {
        Format::Text => verdict.text(colours),
        Format::Json => format!("{}\n", verdict.json()),
    };
    Ok((text, verdict.exit_code()))
}

/// Holds the ledger against its rows, the keys and the checkpoints.
pub async fn verify(
    database: &Database,
    keys: Vec<VerifierKey>,
    held: Vec<HeldFile>,
) -> Result<Verdict, VerifyError> {
    let (to, mut parts) = mpsc::channel(PARTS_MAX);
    let checking = tokio::task::spawn_blocking(move || {
        let mut checker = Checker::new(keys, held);
        let mut progress = Progress::start();
        let mut rows = 0;
        while let Some(part) = parts.blocking_recv() {
            if let audit::Part::Rows(_, group) = &part {
                rows += group.len() as u64;
                progress.show(rows, checker.expected());
            }
            checker.take(part)?;
        }
        progress.end();
        checker.finish()
    });
    let read = audit::read(database, to).await;
    // Whoever checks knows better why it stopped to read.
    let verdict = checking.await.map_err(|_| VerifyError::Ended)?;
    let mut verdict = verdict.map_err(VerifyError::Argument)?;
    match read {
        // What was found stays found, though the rest could not be read.
        Err(error) if !verdict.unaltered() => {
            verdict.findings.push(Finding::whole(format!("the rest could not be checked: {error}")))
        }
        read => read?,
    }
    Ok(verdict)
}

fn read_keys(file: &Path) -> Result<Vec<VerifierKey>, VerifyError> {
    let problem = |error: &dyn std::fmt::Display| {
        VerifyError::Argument(format!("--public-key-file: `{}`: {error}", file.display()))
    };
    let text = std::fs::read_to_string(file).map_err(|error| problem(&error))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| VerifierKey::parse(line).map_err(|error| problem(&error))).collect()
}
