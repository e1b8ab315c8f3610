//! What can go wrong on the command line, said so that the reader knows what to do next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::exchange::BrokenKey;

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum CliError {
    /// Something that must be on the machine is not; `install` is the command that puts it there.
    Missing { what: String, install: String },
    /// A file or folder could not be read, written or made.
    File { doing: &'static str, path: PathBuf, source: io::Error },
    /// A line of a file is not what it should be; what it holds is not shown.
    Line { path: PathBuf, number: usize, expected: &'static str, column: usize },
    /// The collector gives no answer, or not the one that was asked for.
    Collector { url: String, why: String },
    /// An exchange is JSON, but a key does not hold what it should; what it holds is not shown.
    Exchange { place: String, broken: BrokenKey },
    /// No read token is named, and none is where it is by default.
    NoReadToken { path: &'static str },
    /// A file of exchanges has none of that name.
    NoExchange { path: PathBuf, id: String },
    /// `governance test` is given no file, and the folder has none.
    NoCases,
    /// A program could not be started at all.
    Spawn { program: PathBuf, source: io::Error },
    /// A program ended before it had done its work; `tail` is the end of its log.
    Ended { name: &'static str, status: ExitStatus, log: PathBuf, tail: String },
    /// A program runs but does not answer.
    Unready { name: &'static str, log: PathBuf, tail: String },
    /// Envoy runs, but turned the filter or its policy down.
    FilterRefused { log: PathBuf },
    /// The data folder belongs to another major version of Postgres.
    PostgresMajor { data: PathBuf, written_by: String, found: Vec<String> },
    /// The database refused a statement or a connection.
    Database { doing: &'static str, source: ::postgres::Error },
    /// An argument that can't be used; `expected` says what can.
    Argument { name: &'static str, given: String, expected: &'static str },
    /// The address is another program's.
    AddressInUse { name: &'static str, address: String },
    /// Another `governance up` holds the data folder.
    DataInUse { path: PathBuf },
    /// The ledger's key can't be made or read; `said` is the collector's word on it.
    LedgerKey { said: String },
    /// The policy does not load; `printed` holds every error.
    Policy { printed: String },
    /// A file of the project's own holds a placeholder that nothing fills.
    Placeholder { name: String },
    /// The system gave no random bytes.
    Random,
    /// The operator asked to stop before the stack was up.
    Interrupted,
}

impl CliError {
    /// For `map_err`: what was being done with which file.
    pub(crate) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// For `map_err`: what was being asked of the database.
    pub(crate) fn database(doing: &'static str) -> impl FnOnce(::postgres::Error) -> Self {
        move |source| Self::Database { doing, source }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LedgerKey { said } => write!(f, "cannot use the ledger's key: {said}"),
            Self::Missing { what, install } => {
                write!(f, "missing: {what}\n  install it with: {install}")
            }
            Self::File { doing, path, source } => {
                write!(f, "cannot {doing} `{}`: {source}", path.display())
            }
            Self::Line { path, number, expected, column } => {
                write!(f, "{}:{number}:{column}: expected {expected}", path.display())
            }
            Self::Collector { url, why } => {
                write!(f, "cannot read the records of `{url}`: {why}")
            }
            Self::Exchange { place, broken } => write!(f, "{place}: {broken}"),
            Self::NoReadToken { path } => write!(
                f,
                "there is no read token in `{path}`; give its file by --token-file: `governance \
                 up` writes it into its --data-dir, and `read_token_file` of its ready file names \
                 it"
            ),
            Self::NoExchange { path, id } => {
                write!(f, "{}: expected an exchange with the id `{id}`, found none", path.display())
            }
            Self::NoCases => f.write_str(
                "this folder has no file of cases: none is called `*_test.yml`; name one",
            ),
            Self::Spawn { program, source } => {
                write!(f, "cannot start `{}`: {source}", program.display())
            }
            Self::Ended { name, status, log, tail } => {
                write!(f, "{name} ended ({status}); its log is {}\n{tail}", log.display())
            }
            Self::Unready { name, log, tail } => {
                write!(f, "{name} does not get ready; its log is {}\n{tail}", log.display())
            }
            Self::FilterRefused { log } => {
                write!(f, "Envoy refused the filter; its log {} says why", log.display())
            }
            Self::PostgresMajor { data, written_by, found } => write!(
                f,
                "the data folder `{}` was written by Postgres {written_by}, but only Postgres {} \
                 is here; install {written_by}, or give another --data-dir",
                data.display(),
                found.join(" and "),
            ),
            Self::Database { doing, source } => match source.as_db_error() {
                Some(error) => write!(f, "cannot {doing}: {}", error.message()),
                None => write!(f, "cannot {doing}: {source}"),
            },
            Self::Argument { name, given, expected } => {
                write!(f, "{name}: expected {expected}, found `{given}`")
            }
            Self::AddressInUse { name, address } => {
                write!(f, "{name} {address} is in use by another program; give another address")
            }
            Self::DataInUse { path } => write!(
                f,
                "another `governance up` runs on `{}`; stop it, or give another --data-dir",
                path.display()
            ),
            Self::Policy { printed } => f.write_str(printed.trim_end()),
            Self::Placeholder { name } => {
                write!(f, "a manifest: nothing fills the placeholder `{name}`")
            }
            Self::Random => f.write_str("the system gave no random bytes"),
            Self::Interrupted => f.write_str("stopped before everything was up"),
        }
    }
}

impl std::error::Error for CliError {}
