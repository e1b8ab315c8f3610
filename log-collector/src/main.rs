//! `log-collector`: the command line of the service. Reads arguments, sets up logging, and hands
//! over to the library.

use std::error::Error;
use std::io::{ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use log_collector::Service;
use log_collector::config::{ConfigError, DatabaseArgs, ServeArgs};
use log_collector::erase::{self, EraseArgs, EraseError};
use log_collector::error::StartError;
use log_collector::export::{self, ExportArgs};
use log_collector::key::{self, KeyArgs};
use log_collector::ledger::note::VerifierKey;
use log_collector::notify::command::{self as notify, NotifyArgs};
use log_collector::policy::{self, PolicyArgs, Printout};
use log_collector::prove::{self, ProveArgs};
use log_collector::review::command::{self as review, ReviewArgs, ReviewError};
use log_collector::store::keys;
use log_collector::store::migrate::migrate;
use log_collector::verify::{self, VerifyArgs, VerifyError};
use log_collector::verify_proof::{self, VerifyProofArgs, VerifyProofError};
use tokio::signal::unix::{SignalKind, signal};
use tracing::info;
use tracing_subscriber::EnvFilter;

/// Commits decision records to Postgres and calls Slack.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make the roles and bring the schema up to date; with the database owner's login.
    Migrate(Box<MigrateArgs>),
    /// Take decision records; with a login that is granted `app_service`.
    Serve(Box<ServeArgs>),
    /// Make, show or change the key that signs checkpoints.
    Key(KeyArgs),
    /// Recompute the whole ledger from the rows, and say whether anything was altered.
    Verify(Box<VerifyArgs>),
    /// Tell which rules were in force when, and where they came from.
    Policy(Box<PolicyArgs>),
    /// List, show and judge the decisions that wait for people, with a reviewer's token.
    Review(Box<ReviewArgs>),
    /// Write a file that proves the records of one decision.
    Prove(Box<ProveArgs>),
    /// Check a proof or a bundle, offline, with the ledger's public key.
    VerifyProof(Box<VerifyProofArgs>),
    /// Write an auditor's bundle: all records of a span of time, with their proof.
    Export(Box<ExportArgs>),
    /// Erase the summaries of one decision, and say so in the ledger.
    Erase(Box<EraseArgs>),
    /// Try the alerts' targets, or tell what became of an alert.
    Notify(Box<NotifyArgs>),
}

#[derive(clap::Args)]
struct MigrateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The public half of the key that signs checkpoints (`log-collector key new` prints it).
    #[arg(long, value_name = "KEY", env = "LEDGER_PUBLIC_KEY")]
    ledger_public_key: Option<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    set_up_logging();
    // Only the service has work for many threads; elsewhere they would just wake one another.
    let mut runtime = match cli.command {
        Command::Serve(_) => tokio::runtime::Builder::new_multi_thread(),
        _ => tokio::runtime::Builder::new_current_thread(),
    };
    let runtime = runtime.enable_all().build();
    let result = runtime
        .map_err(|source| StartError::Io { doing: "starting the runtime", source }.into())
        .and_then(|runtime| runtime.block_on(run(cli.command)));
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("log-collector: {error}");
            exit_code(&*error)
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Migrate(args) => {
            let database = args.database.parse().map_err(StartError::from)?;
            migrate(&database).await?;
            // An empty variable is none.
            if let Some(key) = args.ledger_public_key.filter(|key| !key.trim().is_empty()) {
                let key = VerifierKey::parse(&key).map_err(|problem| {
                    StartError::from(ConfigError(vec![format!("LEDGER_PUBLIC_KEY: {problem}")]))
                })?;
                keys::register(&database, &key).await?;
            }
        }
        Command::Key(args) => {
            let text = key::run(args).await?.into_bytes();
            print(&Printout { text, note: None })?;
        }
        Command::Policy(args) => {
            print(&policy::run(*args, colours()).await?)?;
        }
        Command::Verify(args) => {
            let (text, code) = verify::run(*args, colours()).await?;
            print(&Printout { text: text.into_bytes(), note: None })?;
            return Ok(ExitCode::from(code));
        }
        Command::Review(args) => {
            let done = review::run(*args, colours()).await?;
            print_bytes(&done.text)?;
            return Ok(ExitCode::from(done.code));
        }
        Command::Prove(args) => print_bytes(&prove::run(*args).await?)?,
        Command::VerifyProof(args) => print_bytes(&verify_proof::run(*args)?)?,
        Command::Export(args) => {
            let exported = export::run(*args).await?;
            print_bytes(exported.told.as_bytes())?;
            return Ok(ExitCode::from(if exported.whole { 0 } else { 3 }));
        }
        Command::Erase(args) => print_bytes(&erase::run(*args).await?)?,
        Command::Notify(args) => {
            let (text, good) = notify::run(*args).await?;
            print_bytes(text.as_bytes())?;
            return Ok(ExitCode::from(u8::from(!good)));
        }
        Command::Serve(args) => {
            let config = args.parse().map_err(StartError::from)?;
            // Before anything is taken, so that no signal finds the default handler.
            let stop = |kind| {
                signal(kind).map_err(|source| StartError::Io { doing: "handling signals", source })
            };
            let (mut term, mut int) =
                (stop(SignalKind::terminate())?, stop(SignalKind::interrupt())?);
            let service = Service::bind(config).await?;
            info!("listening on {}", service.address()?);
            let stopped = service.run(async move {
                tokio::select! {
                    _ = term.recv() => {}
                    _ = int.recv() => {}
                }
            });
            stopped.await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// As standard output can show them.
fn colours() -> bool {
    let terminal = std::io::stdout().is_terminal();
    terminal && std::env::var_os("NO_COLOR").is_none_or(|it| it.is_empty())
}

/// 1, where a command has no word of its own.
fn exit_code(error: &(dyn Error + 'static)) -> ExitCode {
    let erase = error.downcast_ref().map(EraseError::exit_code);
    let proof = || error.downcast_ref().map(VerifyProofError::exit_code);
    let review = || error.downcast_ref().map(ReviewError::exit_code);
    let code = erase
        .or_else(proof)
        .or_else(review)
        .or_else(|| error.downcast_ref().map(VerifyError::exit_code));
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}

fn print(printout: &Printout) -> Result<(), StartError> {
    if let Some(note) = &printout.note {
        eprintln!("log-collector: {note}");
    }
    print_bytes(&printout.text)
}

/// A reader that has seen enough, such as `head`, is no failure.
fn print_bytes(text: &[u8]) -> Result<(), StartError> {
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != ErrorKind::BrokenPipe => {
            Err(StartError::Io { doing: "printing", source })
        }
        _ => Ok(()),
    }
}

fn set_up_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        lines.json().init();
    } else {
        lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init();
    }
}
