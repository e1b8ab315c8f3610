//! What the operator sets, by flag or environment; every mistake is reported at once. Secrets come
//! from the environment or a file and never show in `Debug`, errors or logs.

mod targets;
mod values;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use targets::{TargetArgs, Targets};
pub use values::{Database, Secret, SigningKey, Webhook, WebhookConfig, read_signer_key};

use reqwest::Url;

use crate::ledger::note::SignerKey;
use crate::review::reviewers::Reviewers;

/// Flags and variables as given.
#[derive(clap::Args, Debug)]
pub struct DatabaseArgs {
    /// Postgres URL. `sslmode` is honoured: `prefer` and `require` encrypt, `verify-full` also
    /// checks the server's name against the system's roots or `sslrootcert`.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<Secret>,
    /// File that holds the URL.
    #[arg(long, env = "DATABASE_URL_FILE")]
    pub database_url_file: Option<PathBuf>,
}

/// Flags and variables of `serve` as given.
#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Where to listen. Loopback unless told otherwise.
    #[arg(long, env = "COLLECTOR_LISTEN", default_value = "127.0.0.1:9080")]
    listen: String,
    /// Bearer token the filters send.
    #[arg(long, env = "GOVERNANCE_TOKEN", hide_env_values = true)]
    token: Option<Secret>,
    /// File that holds the token.
    #[arg(long, env = "GOVERNANCE_TOKEN_FILE")]
    token_file: Option<PathBuf>,
    /// Bearer token of programs that read decisions and policies; without one nobody can.
    #[arg(long, env = "GOVERNANCE_READ_TOKEN", hide_env_values = true)]
    read_token: Option<Secret>,
    /// File that holds it.
    #[arg(long, env = "GOVERNANCE_READ_TOKEN_FILE")]
    read_token_file: Option<PathBuf>,
    #[command(flatten)]
    targets: TargetArgs,
    /// How long further decisions wait after a message about the same policies and model; they are
    /// told together then.
    #[arg(long, env = "ALERT_WINDOW", default_value = "5m")]
    alert_window: String,
    /// File that holds the key which signs checkpoints (`log-collector key new` makes one);
    /// without it this replica leaves the ledger to others.
    #[arg(long, env = "LEDGER_KEY_FILE")]
    ledger_key_file: Option<PathBuf>,
    /// File that always holds the newest checkpoint; put it where the database's owner has no
    /// hand. Each checkpoint is also a line on standard output, and `GET /checkpoint`.
    #[arg(long, env = "CHECKPOINT_FILE")]
    checkpoint_file: Option<PathBuf>,
    /// Shortest time between two checkpoints.
    #[arg(long, env = "CHECKPOINT_INTERVAL", default_value = "2s")]
    checkpoint_interval: String,
    /// Age at which an intent without outcome is closed as `unknown`: the longest stream (1 h)
    /// and the filter's retries (10 min).
    #[arg(long, env = "CLOSE_AFTER", default_value = "1h 10m")]
    close_after: String,
    /// Longest one commit may take before its requests are answered 503.
    #[arg(long, env = "COMMIT_TIMEOUT", default_value = "5s")]
    commit_timeout: String,
    /// Lines waiting for a commit at most.
    #[arg(long, env = "QUEUE_LINES_MAX", default_value = "4096")]
    queue_lines_max: String,
    /// Bytes waiting for a commit at most.
    #[arg(long, env = "QUEUE_BYTES_MAX", default_value = "67108864")]
    queue_bytes_max: String,
    /// Directory on a disk that outlives this process, and that no other collector uses: lines go
    /// there while Postgres is away. Without one they are refused then.
    #[arg(long = "spool", env = "SPOOL_DIR", value_name = "DIR")]
    spool_dir: Option<PathBuf>,
    /// Bytes waiting in the spool at most.
    #[arg(long, env = "SPOOL_BYTES_MAX", default_value = "1073741824")]
    spool_bytes_max: String,
    /// File of those who may judge decisions (`log-collector review token NAME` makes an entry);
    /// without one nobody can.
    #[arg(long, env = "REVIEWERS_FILE")]
    reviewers_file: Option<PathBuf>,
    /// Age from which an open review is called overdue.
    #[arg(long, env = "REVIEW_MAX_AGE", default_value = "24h")]
    review_max_age: String,
    /// Where people reach this service, such as https://decisions.example.com: for the links in
    /// messages. Without one they have none.
    #[arg(long, env = "PUBLIC_URL")]
    public_url: Option<String>,
}

/// What `serve` runs with.
#[derive(Debug)]
pub struct ServeConfig {
    /// Where to listen.
    pub listen: SocketAddr,
    /// The service's own login.
    pub database: Database,
    /// Bearer token the filters send.
    pub token: Secret,
    /// Bearer token of programs that read.
    pub read_token: Option<Secret>,
    /// Where alerts go.
    pub targets: Targets,
    /// How long further decisions of the same policies and model wait after a message.
    pub alert_window: Duration,
    /// Signs checkpoints.
    pub ledger_key: Option<SignerKey>,
    /// Always holds the newest checkpoint.
    pub checkpoint_file: Option<PathBuf>,
    /// Each checkpoint is a line on standard output.
    pub print_checkpoints: bool,
    /// Shortest time between two checkpoints.
    pub checkpoint_interval: Duration,
    /// Age at which an intent without outcome is closed.
    pub close_after: Duration,
    /// Longest one commit may take.
    pub commit_timeout: Duration,
    /// Lines waiting for a commit at most.
    pub queue_lines_max: usize,
    /// Bytes waiting for a commit at most.
    pub queue_bytes_max: usize,
    /// Where lines go while Postgres is away.
    pub spool_dir: Option<PathBuf>,
    /// Bytes waiting there at most.
    pub spool_bytes_max: u64,
    /// Who may judge decisions.
    pub reviewers: Reviewers,
    /// Age from which an open review is overdue.
    pub review_max_age: Duration,
    /// Where people reach this service; ends without a slash.
    pub public_url: Option<String>,
}

/// Everything wrong with what was given.
#[derive(Debug, PartialEq, Eq)]
pub struct ConfigError(pub Vec<String>);

/// Collects problems, so that one run shows them all.
#[derive(Default)]
pub(crate) struct Problems(pub(crate) Vec<String>);

// === impl DatabaseArgs ===

impl DatabaseArgs {
    /// The database alone, for commands that need no more.
    pub fn parse(self) -> Result<Database, ConfigError> {
        let mut problems = Problems::default();
        let database = self.read(&mut problems);
        match database {
            Some(database) if problems.0.is_empty() => Ok(database),
            _ => Err(ConfigError(problems.0)),
        }
    }

    fn read(self, problems: &mut Problems) -> Option<Database> {
        let url = problems.secret("DATABASE_URL", self.database_url, self.database_url_file);
        if url.is_none() && !problems.mention("DATABASE_URL") {
            problems.add("DATABASE_URL is not set (nor DATABASE_URL_FILE)".to_owned());
        }
        url.and_then(|url| problems.keep("DATABASE_URL", Database::parse(url.expose())))
    }
}

// === impl ServeArgs ===

impl ServeArgs {
    /// Checks everything, then says everything that is wrong.
    pub fn parse(self) -> Result<ServeConfig, ConfigError> {
        let mut problems = Problems::default();
        let database = self.database.read(&mut problems);
        let token = problems.secret("GOVERNANCE_TOKEN", self.token, self.token_file);
        problems.short("GOVERNANCE_TOKEN", token.as_ref());
        if token.is_none() && !problems.mention("GOVERNANCE_TOKEN") {
            problems.add(
                "GOVERNANCE_TOKEN is not set (nor GOVERNANCE_TOKEN_FILE); filters must send it"
                    .to_owned(),
            );
        }
        let read_token =
            problems.secret("GOVERNANCE_READ_TOKEN", self.read_token, self.read_token_file);
        problems.short("GOVERNANCE_READ_TOKEN", read_token.as_ref());
        if read_token.is_some() && read_token == token {
            problems.add("GOVERNANCE_READ_TOKEN is that of the filters, who may not read".into());
        }
        let targets = self.targets.read(&mut problems);
        let alert_window = problems.duration("ALERT_WINDOW", &self.alert_window);
        let listen = problems.keep(
            "COLLECTOR_LISTEN",
            self.listen.parse().map_err(|_| "expected an address such as 127.0.0.1:9080"),
        );
        let ledger_key = self.ledger_key_file.filter(|file| !file.as_os_str().is_empty());
        let ledger_key = ledger_key.and_then(|file| problems.signer_key(&file));
        let checkpoint_file = self.checkpoint_file.filter(|file| !file.as_os_str().is_empty());
        let checkpoint_interval =
            problems.duration("CHECKPOINT_INTERVAL", &self.checkpoint_interval);
        let close_after = problems.duration("CLOSE_AFTER", &self.close_after);
        let commit_timeout = problems.duration("COMMIT_TIMEOUT", &self.commit_timeout);
        let queue_lines_max = problems.count("QUEUE_LINES_MAX", &self.queue_lines_max);
        let queue_bytes_max = problems.count("QUEUE_BYTES_MAX", &self.queue_bytes_max);
        let spool_bytes_max = problems.count("SPOOL_BYTES_MAX", &self.spool_bytes_max);
        let spool_bytes_max = spool_bytes_max.map(|bytes| u64::try_from(bytes).unwrap_or(u64::MAX));
        let reviewers = self.reviewers_file.filter(|file| !file.as_os_str().is_empty());
        let reviewers = reviewers.map(|file| problems.reviewers(&file)).unwrap_or_default();
        let review_max_age = problems.duration("REVIEW_MAX_AGE", &self.review_max_age);
        let public_url = self.public_url.filter(|url| !url.trim().is_empty());
        let public_url =
            public_url.and_then(|url| problems.keep("PUBLIC_URL", read_public_url(&url)));
        let config = (|| {
            Some(ServeConfig {
                listen: listen?,
                database: database?,
                token: token?,
                read_token,
                targets,
                alert_window: alert_window?,
                ledger_key,
                checkpoint_file,
                print_checkpoints: true,
                checkpoint_interval: checkpoint_interval?,
                close_after: close_after?,
                commit_timeout: commit_timeout?,
                queue_lines_max: queue_lines_max?,
                queue_bytes_max: queue_bytes_max?,
                spool_dir: self.spool_dir.filter(|dir| !dir.as_os_str().is_empty()),
                spool_bytes_max: spool_bytes_max?,
                reviewers,
                review_max_age: review_max_age?,
                public_url,
            })
        })();
        match config {
            Some(config) if problems.0.is_empty() => Ok(config),
            _ => Err(ConfigError(problems.0)),
        }
    }
}

// === impl ConfigError ===

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

impl std::error::Error for ConfigError {}

// === impl Problems ===

impl Problems {
    fn add(&mut self, problem: String) {
        self.0.push(problem);
    }

    fn mention(&self, name: &str) -> bool {
        self.0.iter().any(|problem| problem.starts_with(name))
    }

    fn keep<T>(&mut self, name: &str, parsed: Result<T, &'static str>) -> Option<T> {
        parsed.map_err(|problem| self.add(format!("{name}: {problem}"))).ok()
    }

    /// Shorter tokens can be guessed.
    fn short(&mut self, name: &str, token: Option<&Secret>) {
        if token.is_some_and(|token| token.expose().len() < 16) {
            self.add(format!("{name} is shorter than 16 characters"));
        }
    }

    /// A key that others may read signs nothing.
    fn signer_key(&mut self, file: &Path) -> Option<SignerKey> {
        match read_signer_key(file) {
            Ok(key) => Some(key),
            Err(problem) => {
                self.add(format!("LEDGER_KEY_FILE: {problem}"));
                None
            }
        }
    }

    fn reviewers(&mut self, file: &Path) -> Reviewers {
        Reviewers::read(file).unwrap_or_else(|problem| {
            self.add(format!("REVIEWERS_FILE: {problem}"));
            Reviewers::default()
        })
    }

    fn duration(&mut self, name: &str, text: &str) -> Option<Duration> {
        let parsed = humantime::parse_duration(text).ok().filter(|value| !value.is_zero());
        self.keep(name, parsed.ok_or("expected a duration such as `5s` or `1h 10m`"))
    }

    fn count(&mut self, name: &str, text: &str) -> Option<usize> {
        let parsed = text.parse().ok().filter(|count| *count > 0);
        self.keep(name, parsed.ok_or("expected a whole number above 0"))
    }

    /// From the variable or its file, not both; an empty one counts as not set, for that is how
    /// compose files and shells pass on what they do not have.
    pub(crate) fn secret(
        &mut self,
        name: &str,
        value: Option<Secret>,
        file: Option<PathBuf>,
    ) -> Option<Secret> {
        let value = value.filter(|secret| !secret.expose().is_empty());
        match (value, file) {
            (Some(_), Some(_)) => {
                self.add(format!("{name} and {name}_FILE are both set"));
                None
            }
            (Some(value), None) => Some(value),
            (None, None) => None,
            (None, Some(path)) => match std::fs::read_to_string(&path) {
                Ok(text) if text.trim().is_empty() => {
                    self.add(format!("{name}_FILE: `{}` is empty", path.display()));
                    None
                }
                Ok(text) => text.parse().ok(),
                Err(error) => {
                    self.add(format!("{name}_FILE: cannot read `{}`: {error}", path.display()));
                    None
                }
            },
        }
    }
}

/// An address for people, to which paths are added.
fn read_public_url(text: &str) -> Result<String, &'static str> {
    match Url::parse(text.trim()) {
        Ok(url)
            if matches!(url.scheme(), "http" | "https")
                && url.query().is_none()
                && url.fragment().is_none() =>
        {
            Ok(url.as_str().trim_end_matches('/').to_owned())
        }
        _ => Err("expected a URL such as https://decisions.example.com"),
    }
}

#[cfg(test)]
mod tests;
