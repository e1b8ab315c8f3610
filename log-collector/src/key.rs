//! `log-collector key`: makes the key that signs checkpoints, and puts another in its place.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use crate::config::{ConfigError, DatabaseArgs, read_signer_key};
use crate::error::StartError;
use crate::ledger::note::{SignerKey, VerifierKey};
use crate::store::keys;

/// What `key` is asked.
#[derive(Args, Debug)]
pub struct KeyArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Make a key: the secret half into a new file, the public half printed.
    New(NewArgs),
    /// Print the public half of a key.
    Show(ShowArgs),
    /// Let another key sign from now on; with the database owner's login. The old key vouches for
    /// the new one, and both stand in the ledger.
    Rotate(Box<RotateArgs>),
}

#[derive(Args, Debug)]
struct NewArgs {
    /// What the tree is called, the first line of every checkpoint, such as `example.com/llm`.
    #[arg(long)]
    name: String,
    /// The new file; one that is there is never overwritten.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Args, Debug)]
struct ShowArgs {
    /// As `key new` made it.
    file: PathBuf,
}

#[derive(Args, Debug)]
struct RotateArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// The key that is in force.
    #[arg(long, value_name = "FILE", env = "LEDGER_KEY_FILE")]
    signer_key_file: PathBuf,
    /// The public half of its successor, as `key new` printed it.
    #[arg(long, value_name = "KEY")]
    new_public_key: VerifierKey,
}

/// Does it; returns what is printed.
pub async fn run(args: KeyArgs) -> Result<String, StartError> {
    match args.command {
        Command::New(args) => make(&args.name, &args.output),
        Command::Show(args) => Ok(format!("{}\n", read(&args.file)?.verifier())),
        Command::Rotate(args) => {
            let old = read(&args.signer_key_file)?;
            keys::rotate(&args.database.parse()?, &old, &args.new_public_key).await?;
            Ok(String::new())
        }
    }
}

fn read(file: &Path) -> Result<SignerKey, StartError> {
    Ok(read_signer_key(file).map_err(|problem| ConfigError(vec![problem]))?)
}

fn make(name: &str, file: &Path) -> Result<String, StartError> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|_| StartError::Io {
        doing: "drawing a random key",
        source: std::io::Error::other("the system has no random numbers"),
    })?;
    let key = SignerKey::from_seed(name, &seed)
        .map_err(|problem| ConfigError(vec![format!("--name: {problem}")]))?;
    let written = || {
        let mut options = std::fs::OpenOptions::new();
        let mut handle = options.write(true).create_new(true).mode(0o600).open(file)?;
        handle.write_all(format!("{}\n", key.to_secret_text()).as_bytes())?;
        handle.sync_all()
    };
    written().map_err(|error| {
        ConfigError(vec![format!("--output: cannot make `{}`: {error}", file.display())])
    })?;
    Ok(format!("{}\n", key.verifier()))
}
