//! `governance check`: does this policy load, what does it govern, and what looks like a mistake?
//! It evaluates nothing on traffic.

mod print;

use std::io::{read_to_string, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;

use super::CliError;
use crate::exchange::HashKey;
use crate::policy::Policy;

/// The policy that is read where none is named.
pub(crate) const DEFAULT_POLICY: &str = "governance.yml";

/// The end of `governance check --help`.
pub(crate) const EXAMPLES: &str = "\
Prints when each policy is judged, what it does and what it reads; the class of each approved model
and where its confidence comes from; then warnings: what loads, but should be looked at.

Exit status: 0 the policy loads, whatever the warnings; 1 it has errors or cannot be read; 2 the
arguments are wrong. With --format json a file that cannot be read is an error on line 0.

Examples:
  governance check
  governance check --format github governance.yml
  git show HEAD~1:governance.yml | governance check - --format json | jq .warnings";

/// What `governance check` is told.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The policy file; `-` is standard input
    #[arg(default_value = DEFAULT_POLICY)]
    file: PathBuf,
    /// What is printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Tables and quoted lines
    Text,
    /// One object `{"file", "ok", "version", "policies", "models", "errors", "warnings"}`
    Json,
    /// Annotations for a workflow of GitHub's
    Github,
}

/// Prints every error of the file, or what it says and what should be looked at.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let (file, text) = if options.file == Path::new("-") {
        let file = Path::new("standard input");
        (file, read_to_string(stdin()).map_err(CliError::file("read", file)))
    } else {
        (options.file.as_path(), read(&options.file))
    };
    let file = file.display().to_string();
    let text = match text {
        Err(error) if options.format == Format::Json => {
            print::unread_json(&file, &error.to_string());
            return Ok(ExitCode::FAILURE);
        }
        text => text?,
    };
    let reviewed = Policy::review(&text);
    match options.format {
        Format::Text => print::text(&file, &reviewed),
        Format::Json => print::json(&file, &reviewed),
        Format::Github => print::github(&file, &reviewed),
    }
    Ok(if reviewed.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Reads and compiles a policy file: its text as it stands, and the policy.
pub(crate) fn load(file: &Path) -> Result<(String, Policy), CliError> {
    let text = read(file)?;
    let policy = parse(file, &text)?;
    Ok((text, policy))
}

/// The key for inputs' hashes, if the policy names one, from this program's environment, which an
/// Envoy that it starts inherits.
pub(crate) fn hash_key(file: &Path, policy: &Policy) -> Result<Option<HashKey>, CliError> {
    HashKey::find(policy, |name| std::env::var(name).ok())
        .map_err(|error| CliError::Policy { printed: format!("{}: {error}", file.display()) })
}

/// Compiles a policy's text; the errors name `file`.
pub(crate) fn parse(file: &Path, text: &str) -> Result<Policy, CliError> {
    Policy::parse(text).map_err(|errors| CliError::Policy {
        printed: errors.display(&file.display().to_string()).to_string(),
    })
}

fn read(file: &Path) -> Result<String, CliError> {
    std::fs::read_to_string(file).map_err(CliError::file("read the policy", file))
}
