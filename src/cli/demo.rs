//! `governance demo`: the whole stack with stand-ins, a guided tour of real calls, and what was
//! recorded of them. It proves nothing about speed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, SystemTime};

use clap::Args;
use rustix::process::Signal;

use super::CliError;
use super::account;
use super::data_dir::{make_folder, place};
use super::process::{DeathSignal, Launch, Running};
use super::standin::{Provider, Slack};
use super::terminal::Terminal;
use super::tools::{self, project_root};
use super::up::Ready;

mod ledger;
mod report;
mod review;

/// Between two events of a replayed stream: slow enough to be seen.
const PACE: Duration = Duration::from_millis(40);

/// The tour waits for an edited policy and little else.
const START_PATIENCE: Duration = Duration::from_secs(120);

/// What can be set.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A real provider in place of the built-in one; keys come from OPENAI_API_KEY
    #[arg(long, value_name = "URL", env = "UPSTREAM")]
    upstream: Option<String>,
    /// The policy that the demo copies, and edits in the copy
    #[arg(long, value_name = "FILE", default_value = "governance.yml")]
    policy: PathBuf,
    /// A Postgres of your own
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    #[arg(long, value_name = "FILE", hide = true)]
    wasm: Option<PathBuf>,
    #[arg(long, value_name = "FILE", hide = true)]
    log_collector: Option<PathBuf>,
}

/// The demo's own folder and what is in it.
struct Workshop {
    folder: PathBuf,
    policy: PathBuf,
    ready_file: PathBuf,
    results: PathBuf,
}

/// Succeeds only if every step did what it says, in the client and in the database.
pub(crate) fn run(options: &Options) -> Result<ExitCode, CliError> {
    let terminal = Terminal::new();
    let python = tools::python()?;
    let upstream = options.upstream.clone().filter(|url| !url.is_empty());
    let replay = upstream.is_none();
    let started = |source| CliError::Spawn { program: "the stand-ins".into(), source };
    let provider = Provider::start(PACE).map_err(started)?;
    let slack = Slack::start().map_err(started)?;
    let workshop = Workshop::make(options, &terminal)?;

    let begun = SystemTime::now();
    let upstream = upstream.unwrap_or_else(|| provider.url());
    let mut up = start(options, &workshop, &upstream, &slack.url())?;
    let toured = up
        .wait_ready(START_PATIENCE, &|| false, &mut || Ready::read(&workshop.ready_file).is_some())
        .and_then(|()| Ready::read(&workshop.ready_file).ok_or(CliError::Interrupted))
        .and_then(|ready| tour(&workshop, &python, &ready, replay, &terminal).map(|ok| (ready, ok)))
        .and_then(|(ready, ok)| {
            let results = std::fs::read_to_string(&workshop.results).unwrap_or_default();
            let mut problems = report::database(&ready.database_url, &results, begun, &terminal)?;
            problems.extend(report::slack(&slack, &results, replay, &terminal));
            let collector = tools::collector(options.log_collector.as_deref())?;
            problems.extend(review::judge(&ready, &collector, &terminal)?);
            problems.extend(ledger::prove(&ready, &collector, &workshop.folder, &terminal)?);
            Ok((ok, problems))
        });
    up.stop(Signal::TERM, Duration::from_secs(90));
    let (calls_held, problems) = toured?;
    for problem in &problems {
        terminal.error(problem);
    }
    if calls_held && problems.is_empty() {
        terminal.good("\nEvery step did what it says.");
        let _ = std::fs::remove_dir_all(&workshop.folder);
        return Ok(ExitCode::SUCCESS);
    }
    terminal.error(&format!("\nNot every step held; logs are in {}", workshop.folder.display()));
    Ok(ExitCode::FAILURE)
}

impl Workshop {
    fn make(options: &Options, terminal: &Terminal) -> Result<Self, CliError> {
        let name = format!(".governance/demo-{}", std::process::id());
        let account = match &options.database_url {
            Some(url) if !url.is_empty() => None,
            Some(_) | None => account::unprivileged()?,
        };
        let folder = place(&project_root().join(name), account.as_ref(), terminal)?;
        let _ = std::fs::remove_dir_all(&folder);
        make_folder(&folder)?;
        let policy = folder.join("governance.yml");
        std::fs::copy(&options.policy, &policy)
            .map_err(CliError::file("copy the policy", &options.policy))?;
        let (ready_file, results) = (folder.join("ready.json"), folder.join("tour.jsonl"));
        Ok(Self { folder, policy, ready_file, results })
    }
}

/// The same command that an operator types, on free ports.
fn start(
    options: &Options,
    workshop: &Workshop,
    upstream: &str,
    slack: &str,
) -> Result<Running, CliError> {
    let program =
        std::env::current_exe().map_err(CliError::file("find", Path::new("governance")))?;
    let data = workshop.folder.join("data");
    let mut arguments: Vec<std::ffi::OsString> = vec!["up".into()];
    let policy = Some(workshop.policy.as_path());
    for (name, file) in [
        ("--policy", policy),
        ("--data-dir", Some(data.as_path())),
        ("--ready-file", Some(workshop.ready_file.as_path())),
        ("--wasm", options.wasm.as_deref()),
        ("--log-collector", options.log_collector.as_deref()),
    ] {
        if let Some(file) = file {
            let file = std::path::absolute(file).map_err(CliError::file("find", file))?;
            arguments.extend([name.into(), file.into()]);
        }
    }
    for (name, value) in
        [("--upstream", upstream), ("--slack-webhook", slack), ("--listen", "127.0.0.1:0")]
    {
        arguments.extend([name.into(), value.into()]);
    }
    let launch = Launch {
        name: "governance up",
        program,
        arguments,
        // Nobody watches for five minutes; and the demo judges as whom this stack makes.
        environment: [("ALERT_WINDOW", "1s"), ("REVIEWERS_FILE", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        account: None,
        directory: project_root(),
        log: workshop.folder.join("up.log"),
        on_death: DeathSignal::Kill,
        relay: Some(|line| Terminal::new().step(line)),
    };
    launch.spawn()
}

/// True if every call did what its step says.
fn tour(
    workshop: &Workshop,
    python: &Path,
    ready: &Ready,
    replay: bool,
    terminal: &Terminal,
) -> Result<bool, CliError> {
    terminal.title(&format!("\nCalls through {}, by the official clients", ready.gateway));
    let flag = if replay { "1" } else { "0" };
    let environment = [
        ("GATEWAY", ready.gateway.clone()),
        ("POLICY", workshop.policy.display().to_string()),
        ("TOUR_RESULTS", workshop.results.display().to_string()),
        ("REPLAY", flag.to_owned()),
        // The gateway is on this machine; a proxy for the outside is none of its business.
        ("NO_PROXY", "*".to_owned()),
    ];
    let launch = Launch {
        name: "the tour",
        program: python.to_owned(),
        arguments: vec![project_root().join("tests/demo/tour.py").into()],
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        account: None,
        directory: workshop.folder.clone(),
        log: workshop.folder.join("tour.log"),
        on_death: DeathSignal::Kill,
        relay: Some(|line| Terminal::new().result(line)),
    };
    match launch.complete() {
        Ok(()) => Ok(true),
        Err(CliError::Ended { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}
