//! The stack's parts in the order in which they need each other: Postgres, the collector, Envoy.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::ready::{Pids, Ready};
use super::{Options, Stop};
use crate::cli::CliError;
use crate::cli::account::{self, Account};
use crate::cli::check;
use crate::cli::data_dir::{DataDir, replace_file};
use crate::cli::database::{self, Urls};
use crate::cli::envoy::{self, Admin, Upstream, Values};
use crate::cli::ledger::{self, Ledger};
use crate::cli::ports;
use crate::cli::postgres::EmbeddedPostgres;
use crate::cli::process::{DeathSignal, Launch, Running};
use crate::cli::psql;
use crate::cli::reviewers::{self, Reviewers};
use crate::cli::terminal::Terminal;
use crate::cli::tools;

/// A slow machine compiles the filter for seconds in every worker; nothing healthy takes longer.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// Each worker is a virtual machine of its own, about 40 MB; a local stack needs no more than this.
const WORKERS_MAX: usize = 4;

/// A program that is kept running.
#[derive(Debug)]
pub(crate) struct Service {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
    launch: Launch,
    pub(crate) running: Running,
    pub(crate) started: Instant,
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Stack {
    pub(crate) postgres: Option<(EmbeddedPostgres, Service)>,
    pub(crate) collector: Service,
    pub(crate) envoy: Service,
    pub(crate) admin: Admin,
    pub(crate) ecds_file: PathBuf,
    pub(crate) filter: PathBuf,
    pub(crate) policy_text: String,
    pub(crate) policy_version: String,
    urls: Urls,
    ledger: Ledger,
    reviewers: Reviewers,
    data: DataDir,
}

/// What is found before anything is started, so that a missing part leaves nothing behind.
struct Parts {
    envoy: PathBuf,
    collector: PathBuf,
    filter: PathBuf,
    ca_bundle: PathBuf,
    upstream: Upstream,
    listen: SocketAddr,
    admin: SocketAddr,
    collector_address: SocketAddr,
    account: Option<Account>,
}

impl Service {
    fn start(launch: Launch, address: SocketAddr) -> Result<Self, CliError> {
        let running = launch.spawn()?;
        Ok(Self { name: launch.name, address, launch, running, started: Instant::now() })
    }

    /// Starts the program once more, just as before.
    pub(crate) fn restart(&mut self) -> Result<(), CliError> {
        self.running = self.launch.spawn()?;
        self.started = Instant::now();
        Ok(())
    }
}

impl Stack {
    /// Returns when traffic can flow.
    pub(crate) fn start(
        options: &Options,
        stop: &Stop,
        terminal: &Terminal,
    ) -> Result<Self, CliError> {
        // What an earlier start that was killed left there is not true of this one.
        if let Some(path) = &options.ready_file {
            let _ = std::fs::remove_file(path);
        }
        let (policy_text, policy) = check::load(&options.policy)?;
        check::hash_key(&options.policy, &policy)?;
        let parts = Parts::find(options)?;
        let mut data = DataDir::open(&options.data_dir, parts.account.as_ref(), terminal)?;

        let mut postgres = match &options.database_url {
            Some(_) => None,
            None => Some(start_postgres(&mut data, parts.account.as_ref(), stop, terminal)?),
        };
        let admin_url = match (&options.database_url, &postgres) {
            (Some(url), _) => url.clone(),
            (None, Some((server, _))) => server.admin_url(),
            (None, None) => String::new(),
        };
        let embedded = postgres.is_some();
        let mut begun = || -> Result<(Urls, Ledger, Reviewers, Service), CliError> {
            terminal.step("migrating the database");
            let program = &parts.collector;
            let urls = database::provision(&admin_url, program, &mut data)?;
            let ledger = ledger::prepare(&admin_url, embedded, program, &data, terminal)?;
            let reviewers = reviewers::prepare(&data)?;
            let mut collector = collector_launch(&parts, options, &urls, &ledger, &data);
            collector.environment.extend(review_environment(&parts, &reviewers));
            let collector = start_collector(collector, &parts, stop, terminal)?;
            Ok((urls, ledger, reviewers, collector))
        };
        let (urls, ledger, reviewers, mut collector) =
            begun().inspect_err(|_| stop_postgres(&mut postgres))?;

        let ecds_file = data.path().join("ecds.json");
        let resource = envoy::filter_resource(&policy_text, &parts.filter);
        let envoy = replace_file(&ecds_file, resource.as_bytes(), 0o644)
            .and_then(|()| start_envoy(&parts, &ecds_file, &data, stop, terminal));
        let envoy = envoy.inspect_err(|_| {
            collector.running.stop(Signal::TERM, Duration::from_secs(5));
            stop_postgres(&mut postgres);
        })?;
        Ok(Self {
            postgres,
            collector,
            envoy,
            admin: Admin::new(ports::reachable(parts.admin)),
            ecds_file,
            filter: parts.filter,
            policy_text,
            policy_version: policy.version().to_string(),
            urls,
            ledger,
            reviewers,
            data,
        })
    }

    /// Whether every part answers.
    pub(crate) fn is_ready(&self) -> bool {
        self.postgres.as_ref().is_none_or(|(server, _)| server.is_ready())
            && collector_ready(self.collector.address)
            && self.admin.is_ready()
    }

    /// Where everything is, as of now.
    pub(crate) fn ready(&self) -> Ready {
        Ready {
            gateway: format!("http://{}", self.envoy.address),
            collector: format!("http://{}", self.collector.address),
            read_token_file: self.data.read_token_file(),
            envoy_admin: self.admin.url().to_owned(),
            database_url: self.urls.reader.clone(),
            database_admin_url: self.postgres.as_ref().map(|(server, _)| server.admin_url()),
            ledger_public_key: self.ledger.public_key.clone(),
            checkpoint_file: self.ledger.checkpoint_file.clone(),
            review_token_file: self.reviewers.token_file.clone(),
            pids: Pids {
                envoy: self.envoy.running.id(),
                collector: self.collector.running.id(),
                postgres: self.postgres.as_ref().map(|(_, service)| service.running.id()),
            },
        }
    }

    /// Writes a command that opens the database as the reader; `None` where no psql is at hand.
    pub(crate) fn write_psql(&self) -> Option<PathBuf> {
        let script = psql::script(&tools::psql()?, &self.urls.reader)?;
        let path = self.data.path().join("psql");
        // It holds the reader's password, so it is its owner's alone.
        replace_file(&path, script.as_bytes(), 0o700).ok()?;
        Some(path)
    }

    /// Lets running requests end, then stops Envoy, the collector and Postgres, in that order: each
    /// may still need the next.
    pub(crate) fn stop(mut self) {
        const REQUESTS: Duration = Duration::from_secs(30);
        self.admin.drain();
        // Envoy closes its listeners when its drain time is over, and only then is zero final.
        std::thread::sleep(Duration::from_secs(DRAIN_SECONDS) + Duration::from_millis(100));
        let deadline = Instant::now() + REQUESTS;
        while self.admin.active_requests().is_some_and(|active| active > 0)
            && Instant::now() < deadline
        {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.envoy.running.stop(Signal::TERM, Duration::from_secs(5));
        self.collector.running.stop(Signal::TERM, Duration::from_secs(10));
        stop_postgres(&mut self.postgres);
    }
}

/// Envoy's own drain time: new connections are still taken for so long, as a load balancer expects.
const DRAIN_SECONDS: u64 = 1;

impl Parts {
    fn find(options: &Options) -> Result<Self, CliError> {
        Ok(Self {
            upstream: Upstream::parse(&options.upstream)?,
            envoy: tools::envoy()?,
            filter: tools::filter(options.wasm.as_deref())?,
            collector: tools::collector(options.log_collector.as_deref())?,
            ca_bundle: tools::ca_bundle()?,
            listen: ports::resolve("--listen", options.listen)?,
            admin: ports::resolve("--admin", options.admin)?,
            collector_address: ports::resolve("--collector", options.collector)?,
            account: match options.database_url {
                Some(_) => None,
                None => account::unprivileged()?,
            },
        })
    }
}

fn start_postgres(
    data: &mut DataDir,
    account: Option<&Account>,
    stop: &Stop,
    terminal: &Terminal,
) -> Result<(EmbeddedPostgres, Service), CliError> {
    let server = EmbeddedPostgres::prepare(data, account, terminal)?;
    terminal.step("starting Postgres");
    server.await_release();
    let address = SocketAddr::from(([127, 0, 0, 1], server.port));
    let service = Service::start(server.launch.clone(), address)?;
    let mut started = Some((server, service));
    if let Some((server, service)) = &mut started {
        service
            .running
            .wait_ready(START_PATIENCE, &|| stop.asked(), &mut || server.is_ready())
            .and_then(|()| server.create_database())
            .inspect_err(|_| service.running.stop(Signal::INT, Duration::from_secs(5)))?;
    }
    started.ok_or(CliError::Interrupted)
}

fn stop_postgres(postgres: &mut Option<(EmbeddedPostgres, Service)>) {
    if let Some((_, service)) = postgres {
        // INT is Postgres' fast shutdown: sessions are ended, everything is written.
        service.running.stop(Signal::INT, Duration::from_secs(30));
    }
}

fn collector_launch(
    parts: &Parts,
    options: &Options,
    urls: &Urls,
    ledger: &Ledger,
    data: &DataDir,
) -> Launch {
    let text = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let environment = [
        ("DATABASE_URL", urls.app.clone()),
        ("GOVERNANCE_TOKEN", data.state().token.clone()),
        ("GOVERNANCE_READ_TOKEN_FILE", text(&data.read_token_file())),
        ("SLACK_WEBHOOK_URL", options.slack_webhook.clone().unwrap_or_default()),
        // Kept where another account's environment begins empty; the demo sets it.
        ("ALERT_WINDOW", std::env::var("ALERT_WINDOW").unwrap_or_default()),
        ("LEDGER_KEY_FILE", ledger.key_file.as_deref().map(text).unwrap_or_default()),
        ("CHECKPOINT_FILE", text(&ledger.checkpoint_file)),
        // The lines that are relayed are text.
        ("LOG_FORMAT", "text".to_owned()),
        // Set for another collector, these would contradict the ones above.
        ("DATABASE_URL_FILE", String::new()),
        ("GOVERNANCE_TOKEN_FILE", String::new()),
        ("GOVERNANCE_READ_TOKEN", String::new()),
        ("SLACK_WEBHOOK_URL_FILE", String::new()),
    ];
    Launch {
        name: "the collector",
        program: parts.collector.clone(),
        arguments: ["serve", "--listen", &parts.collector_address.to_string()]
            .map(Into::into)
            .to_vec(),
        environment: environment.map(|(name, value)| (name.to_owned(), value)).to_vec(),
        account: None,
        directory: data.path().to_owned(),
        log: data.log("collector"),
        on_death: DeathSignal::Kill,
        relay: Some(relay_decision),
    }
}

/// Where people sign in and judge; the links in messages lead there.
fn review_environment(parts: &Parts, reviewers: &Reviewers) -> [(String, String); 2] {
    // An address for people, where the collector stands behind something.
    let given = std::env::var("PUBLIC_URL").ok().filter(|url| !url.is_empty());
    let here = || format!("http://{}", ports::reachable(parts.collector_address));
    let file = reviewers.file.to_string_lossy().into_owned();
    [("REVIEWERS_FILE".to_owned(), file), ("PUBLIC_URL".to_owned(), given.unwrap_or_else(here))]
}

fn start_collector(
    launch: Launch,
    parts: &Parts,
    stop: &Stop,
    terminal: &Terminal,
) -> Result<Service, CliError> {
    terminal.step("starting the collector");
    let address = ports::reachable(parts.collector_address);
    let mut service = Service::start(launch, address)?;
    service
        .running
        .wait_ready(START_PATIENCE, &|| stop.asked(), &mut || collector_ready(address))
        .inspect_err(|_| service.running.stop(Signal::TERM, Duration::from_secs(5)))?;
    Ok(service)
}

fn start_envoy(
    parts: &Parts,
    ecds_file: &std::path::Path,
    data: &DataDir,
    stop: &Stop,
    terminal: &Terminal,
) -> Result<Service, CliError> {
    terminal.step("starting Envoy with the filter");
    let node_id = format!("up-{}", rustix::system::uname().nodename().to_string_lossy());
    let config = envoy::render(&Values {
        node_id: &node_id,
        listen: parts.listen,
        admin: parts.admin,
        upstream: &parts.upstream,
        collector: &ports::reachable(parts.collector_address).into(),
        ca_bundle: &parts.ca_bundle,
        ecds_file,
    })?;
    let path = data.path().join("envoy.yaml");
    replace_file(&path, config.as_bytes(), 0o644)?;
    let workers = std::thread::available_parallelism().map_or(1, |n| n.get().min(WORKERS_MAX));
    let mut arguments: Vec<std::ffi::OsString> = vec!["--config-path".into(), path.into()];
    arguments.extend(["--disable-hot-restart", "--log-level", "warning"].map(Into::into));
    for (name, value) in [("--concurrency", workers as u64), ("--drain-time-s", DRAIN_SECONDS)] {
        arguments.extend([name.into(), value.to_string().into()]);
    }
    let launch = Launch {
        name: "Envoy",
        program: parts.envoy.clone(),
        arguments,
        environment: vec![("GOVERNANCE_TOKEN".to_owned(), data.state().token.clone())],
        account: None,
        directory: data.path().to_owned(),
        log: data.log("envoy"),
        on_death: DeathSignal::Kill,
        relay: None,
    };
    let admin = Admin::new(ports::reachable(parts.admin));
    let mut service = Service::start(launch, ports::reachable(parts.listen))?;
    // Envoy starts without a filter that was refused; it would then refuse every request.
    let mut refused = false;
    let waited = service.running.wait_ready(START_PATIENCE, &|| stop.asked(), &mut || {
        refused = admin.reloads().is_some_and(|reloads| reloads.refused > 0);
        refused || admin.is_ready()
    });
    let waited = waited.and_then(|()| match refused {
        true => Err(CliError::FilterRefused { log: data.log("envoy") }),
        false => Ok(()),
    });
    waited.inspect_err(|_| service.running.stop(Signal::TERM, Duration::from_secs(5)))?;
    Ok(service)
}

fn collector_ready(address: SocketAddr) -> bool {
    envoy::answers(&format!("http://{address}/readyz"))
}

/// Passes on the collector's line for each decision, without its time, level and target.
fn relay_decision(line: &str) {
    if let Some((_, decision)) = line.split_once(" decision: ") {
        Terminal::new().result(decision);
    }
}
