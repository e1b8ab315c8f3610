//! `governance hash`: the hash by which a record names an input, of the very bytes that were sent.

use std::fs::File;
use std::io::{Read, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::CliError;
use super::check;
use super::terminal::Terminal;
use crate::exchange::input_hash;

/// The end of `governance hash --help`.
pub(crate) const EXAMPLES: &str = "\
Prints the SHA-256 of the bytes as the record's `input_hash` holds it; where the policy has a
`record.hash_key_env`, the HMAC by the key in that variable. A body that was sent compressed is
hashed as it was sent.

Exit status: 0 the hash is printed; 1 a file or the key cannot be read; 2 the arguments are wrong.

Examples:
  governance hash request.json
  curl -s https://example.org/request.json | governance hash -";

/// What `governance hash` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The body of a request; `-` is standard input
    file: PathBuf,
    /// The policy that says how inputs are hashed [default: governance.yml, if there is one]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

/// Prints the hash.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let default = Path::new(check::DEFAULT_POLICY);
    let policy = options.policy.as_deref().or_else(|| default.exists().then_some(default));
    let key = match policy {
        Some(file) => check::hash_key(file, &check::load(file)?.1)?,
        None => None,
    };
    let mut bytes = Vec::new();
    let read = match options.file.as_path() {
        file if file == Path::new("-") => stdin().lock().read_to_end(&mut bytes),
        file => File::open(file).and_then(|mut file| file.read_to_end(&mut bytes)),
    };
    read.map_err(CliError::file("read", &options.file))?;
    Terminal::new().result(&input_hash(key.as_ref(), &bytes));
    Ok(ExitCode::SUCCESS)
}
