//! `log-collector policy`: what the rules were, and when. Turns what the store knows into text;
//! prints nothing itself, and changes nothing.

mod diff;
mod git;
mod log;
pub mod moment;

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;

use crate::config::DatabaseArgs;
use crate::error::{StartError, StoreError};
use crate::policy::git::GitError;
use crate::policy::moment::{Moment, Pick};
use crate::store::history::Observation;
use crate::store::reader::Reader;

/// Counting the decisions of a policy reads all of them.
const PATIENCE: Duration = Duration::from_secs(300);

const EXIT_CODES: &str = "\
Use a login that is granted `governance_reader`.

Exit codes:
  0  printed, whether or not there is a difference
  1  there is no such policy, gateway or time, or no database that answers
  2  the arguments make no sense";

/// What `policy` is asked.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, after_help = EXIT_CODES)]
pub struct PolicyArgs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    in_force: InForceArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Print what changed between two policies.
    #[command(after_help = EXIT_CODES)]
    Diff(DiffArgs),
    /// List every change of policy, newest first, with its commit.
    #[command(after_help = EXIT_CODES)]
    Log(LogArgs),
    /// Print a policy's text, byte for byte.
    #[command(after_help = EXIT_CODES)]
    Show(ShowArgs),
}

#[derive(Args, Debug)]
struct InForceArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print the rules in force then, such as 2026-03-15T12:00Z; a date alone means 00:00Z. Now,
    /// if not given. A gateway that is gone keeps its last policy.
    #[arg(long, value_name = "TIME")]
    at: Option<Moment>,
    /// Only on this gateway (Envoy's node id).
    #[arg(long)]
    gateway: Option<String>,
}

#[derive(Args, Debug)]
struct DiffArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The start of a version, with or without `sha256:`, or a time.
    a: Pick,
    /// Likewise.
    b: Pick,
}

#[derive(Args, Debug)]
struct LogArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Where the policy is kept in git.
    #[arg(long, value_name = "DIR", default_value = ".")]
    repo: PathBuf,
    /// The policy's file, relative to that folder.
    #[arg(long, default_value = "governance.yml")]
    file: String,
    /// Only of this gateway (Envoy's node id).
    #[arg(long)]
    gateway: Option<String>,
    /// How it is printed.
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Args, Debug)]
struct ShowArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The start of a version, with or without `sha256:`.
    version: moment::Prefix,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Text,
    Json,
}

/// What is printed, and where.
#[derive(Debug, Default)]
pub struct Printout {
    /// For standard output.
    pub text: Vec<u8>,
    /// For standard error: what could not be told beside it.
    pub note: Option<GitError>,
}

/// Why there is nothing to print.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Arguments or the database.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The database, in the middle of it.
    #[error("reading the policies: {0}")]
    Store(#[from] StoreError),
    /// An empty history.
    #[error("no gateway has announced a policy yet")]
    NoneYet,
    /// A name that no row has.
    #[error("no gateway `{0}` has announced a policy")]
    UnknownGateway(String),
    /// Nothing is known of a time so early.
    #[error(
        "no policy was known at {at}: the first is {}, announced by gateway `{}` at {}",
        first.version, first.gateway, moment::time(first.since)
    )]
    BeforeFirst {
        /// The time asked for.
        at: Timestamp,
        /// What came first.
        first: Box<Observation>,
    },
    /// Nobody knows.
    #[error("{0} is still to come")]
    Future(Timestamp),
    /// A prefix of nothing.
    #[error("no policy's version begins with `{0}`")]
    UnknownVersion(String),
    /// A prefix of several.
    #[error("`{prefix}` is the start of more than one version, such as {}", found.join(" and "))]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// Two of them.
        found: Vec<String>,
    },
    /// A time at which there was no one policy.
    #[error("at {at} the gateways ran several policies: {}; name one of them", found.join(", "))]
    SeveralAt {
        /// The time asked for.
        at: Timestamp,
        /// Their versions.
        found: Vec<String>,
    },
}

/// Answers. `colours` as the terminal can show them.
pub async fn run(args: PolicyArgs, colours: bool) -> Result<Printout, PolicyError> {
    let printed = |text: Vec<u8>| Printout { text, note: None };
    match args.command {
        None => in_force(args.in_force).await.map(printed),
        Some(Command::Diff(args)) => diff_of(args, colours).await.map(printed),
        Some(Command::Show(args)) => {
            let reader = open(args.database).await?;
            let version = resolve(&reader, args.version.as_str()).await?;
            text_of(&reader, &version).await.map(printed)
        }
        Some(Command::Log(args)) => {
            let reader = open(args.database).await?;
            let rows = reader.log(args.gateway.as_deref()).await?;
            if rows.is_empty() {
                return Err(args.gateway.map_or(PolicyError::NoneYet, PolicyError::UnknownGateway));
            }
            let (commits, note) = match git::Commits::of(&args.repo, &args.file) {
                Ok(commits) => (Some(commits), None),
                Err(error) => (None, Some(error)),
            };
            let text = match args.format {
                Format::Text => log::text(&rows, commits.as_ref(), &args.file),
                Format::Json => log::json(&rows, commits.as_ref()),
            };
            Ok(Printout { text: text.into_bytes(), note })
        }
    }
}

async fn open(database: DatabaseArgs) -> Result<Reader, PolicyError> {
    let database = database.parse().map_err(StartError::from)?;
    let reader = Reader::new(&database, PATIENCE, 1)?;
    reader.check().await?;
    Ok(reader)
}

async fn in_force(args: InForceArgs) -> Result<Vec<u8>, PolicyError> {
    let reader = open(args.database).await?;
    let at = args.at.map_or_else(Timestamp::now, Moment::timestamp);
    let rows = observed(&reader, at, args.gateway.as_deref()).await?;
    let mut text = format!("in force at {at}\n").into_bytes();
    for version in versions(&rows) {
        let running = rows.iter().filter(|row| row.version == version);
        text.extend_from_slice(format!("\npolicy {version}\n").as_bytes());
        for row in running {
            text.extend_from_slice(format!("  {}\n", log::running(row)).as_bytes());
        }
        text.push(b'\n');
        text.extend(text_of(&reader, version).await?);
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
    }
    Ok(text)
}

async fn diff_of(args: DiffArgs, colours: bool) -> Result<Vec<u8>, PolicyError> {
    let reader = open(args.database).await?;
    let (a, b) = (pick(&reader, &args.a).await?, pick(&reader, &args.b).await?);
    let (old, new) = (text_of(&reader, &a).await?, text_of(&reader, &b).await?);
    Ok(diff::unified((&a, &old), (&b, &new), colours).into_bytes())
}

/// What ran at a time; never empty.
async fn observed(
    reader: &Reader,
    at: Timestamp,
    gateway: Option<&str>,
) -> Result<Vec<Observation>, PolicyError> {
    if at > Timestamp::now() {
        return Err(PolicyError::Future(at));
    }
    // A Unix clock holds every time that can be written.
    let time = SystemTime::try_from(at).unwrap_or(SystemTime::UNIX_EPOCH);
    let rows = reader.in_force(time, gateway).await?;
    if !rows.is_empty() {
        return Ok(rows);
    }
    match (reader.first(gateway).await?, gateway) {
        (Some(first), _) => Err(PolicyError::BeforeFirst { at, first: Box::new(first) }),
        (None, Some(gateway)) => Err(PolicyError::UnknownGateway(gateway.to_owned())),
        (None, None) => Err(PolicyError::NoneYet),
    }
}

async fn pick(reader: &Reader, pick: &Pick) -> Result<String, PolicyError> {
    let at = match pick {
        Pick::Version(prefix) => return resolve(reader, prefix.as_str()).await,
        Pick::At(moment) => moment.timestamp(),
    };
    let rows = observed(reader, at, None).await?;
    match versions(&rows).as_slice() {
        [version] => Ok((*version).to_owned()),
        several => {
            let found = several.iter().map(|version| (*version).to_owned()).collect();
            Err(PolicyError::SeveralAt { at, found })
        }
    }
}

/// The one version that begins so.
async fn resolve(reader: &Reader, prefix: &str) -> Result<String, PolicyError> {
    let mut found = reader.versions(prefix).await?;
    match (found.pop(), found.is_empty()) {
        (None, _) => Err(PolicyError::UnknownVersion(prefix.to_owned())),
        (Some(version), true) => Ok(version),
        (Some(version), false) => {
            found.push(version);
            Err(PolicyError::Ambiguous { prefix: prefix.to_owned(), found })
        }
    }
}

async fn text_of(reader: &Reader, version: &str) -> Result<Vec<u8>, PolicyError> {
    let text = reader.policy_text(version).await?;
    text.ok_or_else(|| PolicyError::UnknownVersion(version.to_owned()))
}

/// Each version once.
fn versions(rows: &[Observation]) -> Vec<&str> {
    let mut versions: Vec<&str> = rows.iter().map(|row| row.version.as_str()).collect();
    versions.sort_unstable();
    versions.dedup();
    versions
}
