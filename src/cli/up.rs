//! `governance up`: the whole stack before one provider, staying up until it is asked to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::CliError;
use super::terminal::Terminal;

mod policy_watch;
mod ready;
mod stack;
mod supervise;

pub(crate) use ready::Ready;

/// What the operator can set.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The policy file; a change is taken up without dropping a request
    #[arg(long, value_name = "FILE", default_value = "governance.yml")]
    policy: PathBuf,
    /// The provider, such as https://api.openai.com
    #[arg(long, value_name = "URL", env = "UPSTREAM")]
    upstream: String,
    /// Where applications send their calls; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:10000")]
    listen: SocketAddr,
    /// Where the embedded Postgres, generated passwords and logs are kept
    #[arg(long, value_name = "DIR", default_value = ".governance/data")]
    data_dir: PathBuf,
    /// A Postgres of your own; its user owns the database and may create roles
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Slack's incoming webhook, called for what a policy flags
    #[arg(long, value_name = "URL", env = "SLACK_WEBHOOK_URL", hide_env_values = true)]
    slack_webhook: Option<String>,
    /// Envoy's admin interface
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    admin: SocketAddr,
    /// The collector
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    collector: SocketAddr,
    /// Written as JSON when traffic can flow, replaced when a restarted part has another process id
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
    /// The filter, where it is not what `make build` makes
    #[arg(long, value_name = "FILE", hide = true)]
    wasm: Option<PathBuf>,
    /// The collector's program, where it is not beside this one
    #[arg(long, value_name = "FILE", hide = true)]
    log_collector: Option<PathBuf>,
}

/// Starts everything, says so, and stays until SIGTERM, SIGHUP or Ctrl-C.
pub(crate) fn run(mut options: Options) -> Result<ExitCode, CliError> {
    // Make passes on variables that are set and empty.
    options.database_url = options.database_url.filter(|url| !url.is_empty());
    options.slack_webhook = options.slack_webhook.filter(|url| !url.is_empty());
    let terminal = Terminal::new();
    let stop = Stop::listen();
    let stack = stack::Stack::start(&options, &stop, &terminal)?;
    supervise::run(stack, &options, &stop, &terminal)?;
    Ok(ExitCode::SUCCESS)
}

/// Whether the operator asked to stop.
#[derive(Debug, Clone)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Takes SIGTERM, SIGINT and SIGHUP; a second one ends the process at once, and its children
    /// with it.
    fn listen() -> Self {
        let asked = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT, SIGHUP] {
            // The order matters: the first signal finds the flag unset and only sets it.
            let _ = signal_hook::flag::register_conditional_shutdown(signal, 1, asked.clone());
            let _ = signal_hook::flag::register(signal, asked.clone());
        }
        Self(asked)
    }

    fn asked(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
