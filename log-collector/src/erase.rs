//! `log-collector erase`: takes away the summaries of one decision and their salt, and leaves word
//! of it in the ledger first. The record, its hash and every proof stay as they are.

use std::io::{IsTerminal, Write};
use std::str::FromStr;
use std::time::{Duration, Instant};

use clap::Args;
use governance_filter::record::rfc3339;

use crate::clock::unix_ms;
use crate::config::DatabaseArgs;
use crate::error::{StartError, StoreError};
use crate::ledger::contents::{Erasure, FORMAT};
use crate::prove::DecisionId;
use crate::store::erasures::{Eraser, Standing};

/// How often it is looked whether the tombstone has its leaf.
const POLL: Duration = Duration::from_millis(200);

/// As the table's own check has it.
const REASON_CHARS_MAX: usize = 500;

const EXIT_CODES: &str = "\
Use a login that is granted `governance_eraser`. The reason is kept for ever: write no personal data
there, but the number of the request.

Exit codes:
  0  erased, now or before
  1  there is no such decision, or no database that answers
  2  the arguments make no sense, or nobody said yes
  3  the tombstone is committed and waits for its leaf; run the same command again";

/// What `erase` is asked.
#[derive(Args, Debug)]
#[command(after_help = EXIT_CODES)]
pub struct EraseArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Which decision, such as an answer's `x-decision-id`.
    decision_id: DecisionId,
    /// Why, in at most 500 characters.
    #[arg(long, value_name = "TEXT")]
    reason: Reason,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// How long to wait for the tombstone's leaf.
    #[arg(long, value_name = "DURATION", default_value = "60s",
        value_parser = humantime::parse_duration)]
    wait: Duration,
}

/// A text for people: one line, not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason(String);

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected one line of 1 to {REASON_CHARS_MAX} characters")]
pub struct NoReason;

/// Why nothing was erased, or not all.
#[derive(Debug, thiserror::Error)]
pub enum EraseError {
    /// Arguments or the database.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database, in the middle of it.
    #[error("erasing: {0}; running the same command again goes on from there")]
    Store(#[from] StoreError),
    /// Another's login.
    #[error(
        "the login `{0}` may not erase: use one that is granted `governance_eraser` and is no \
         superuser"
    )]
    Login(String),
    /// No row.
    #[error("there is no decision `{0}`")]
    Unknown(String),
    /// No outcome.
    #[error("decision `{0}` has no outcome yet, and so no summary: erase it when it has ended")]
    Open(String),
    /// No answer, or another one.
    #[error("nothing was erased: answer `erase` on a terminal, or say --yes")]
    Unconfirmed,
    /// No sequencer, or a slow one.
    #[error(
        "nothing was erased yet: the tombstone of `{0}` is committed and has no place in the \
         ledger so far. Is a `log-collector serve` running with the ledger's key? Run the same \
         command again to go on"
    )]
    Waiting(String),
}

/// Erases; what to print.
pub async fn run(args: EraseArgs) -> Result<Vec<u8>, EraseError> {
    let id = args.decision_id.as_str();
    let eraser = Eraser::new(&args.database.parse().map_err(StartError::from)?)?;
    let (login, may_erase) = eraser.check().await?;
    if !may_erase {
        return Err(EraseError::Login(login));
    }
    match eraser.standing(id).await? {
        Standing::Closed => {}
        Standing::Open => return Err(EraseError::Open(id.to_owned())),
        Standing::Unknown => return Err(EraseError::Unknown(id.to_owned())),
    }
    if !args.yes && !confirm(id) {
        return Err(EraseError::Unconfirmed);
    }
    let erasure = Erasure {
        v: FORMAT,
        decision_id: id.to_owned(),
        erased_at: rfc3339(unix_ms()),
        reason: args.reason.0,
        erased_by: login,
    };
    // Our own type: no maps with other than string keys, no I/O.
    let record = serde_json::to_vec(&erasure).unwrap_or_default();
    let first = eraser.entomb(&erasure, &record).await?;
    let index = leaf(&eraser, id, args.wait).await?;
    let erased = eraser.erase(id).await?;
    let what = match (erased, first) {
        (true, true) => format!("erased the summaries and the salt of `{id}`"),
        (true, false) => {
            format!("erased the summaries and the salt of `{id}`; an earlier reason stands")
        }
        (false, true) => format!("`{id}` had no summary to erase"),
        (false, false) => format!("`{id}` was erased before; nothing was left to erase"),
    };
    Ok(format!("{what}\nleaf {index} of the ledger says so\n").into_bytes())
}

/// The place of the tombstone's leaf, as soon as it has one.
async fn leaf(eraser: &Eraser, id: &str, wait: Duration) -> Result<i64, EraseError> {
    let began = Instant::now();
    loop {
        if let Some(index) = eraser.tombstone_index(id).await? {
            return Ok(index);
        }
        if began.elapsed() >= wait {
            return Err(EraseError::Waiting(id.to_owned()));
        }
        tokio::time::sleep(POLL).await;
    }
}

fn confirm(id: &str) -> bool {
    if !std::io::stdin().is_terminal() {
        return false;
    }
    eprint!("The summaries of `{id}` will be gone for good. Type `erase` to go on: ");
    let mut answer = String::new();
    std::io::stderr().flush().is_ok()
        && std::io::stdin().read_line(&mut answer).is_ok()
        && answer.trim() == "erase"
}

// === impl EraseError ===

impl EraseError {
    /// As the help says.
    pub fn exit_code(&self) -> u8 {
        match self {
            EraseError::Unconfirmed => 2,
            EraseError::Waiting(_) => 3,
            EraseError::Start(_)
            | EraseError::Store(_)
            | EraseError::Login(_)
            | EraseError::Unknown(_)
            | EraseError::Open(_) => 1,
        }
    }
}

// === impl Reason ===

impl FromStr for Reason {
    type Err = NoReason;

    fn from_str(text: &str) -> Result<Reason, NoReason> {
        let text = text.trim();
        let plain = !text.chars().any(char::is_control);
        let fits = (1..=REASON_CHARS_MAX).contains(&text.chars().count());
        if plain && fits { Ok(Reason(text.to_owned())) } else { Err(NoReason) }
    }
}
