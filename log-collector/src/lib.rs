//! `log-collector`: takes decision records from the filters, commits them to Postgres before it
//! acks them, and calls Slack for those that ask for a human.
//!
//! ```text
//! ingest (HTTP, checks) -> queue -> writer (group commit) -> store (all SQL) -> Postgres
//!                                            \-> spool -> drain -> store, while Postgres is away
//! ledger: committed records -> leaves of a Merkle tree -> signed checkpoints
//! notify: outbox -> targets      closing: intents without outcome        readiness: the watch
//! reading (HTTP), policy, prove and export (commands) -> store::reader -> Postgres
//! review (HTTP) -> store, store::reader -> Postgres      review::command -> review, over HTTP
//! erase (the command) -> store::erasures -> Postgres      verify_proof (the command) -> files
//! verify (the command) -> store::audit -> Postgres
//! ```

mod clock;
pub mod closing;
pub mod config;
pub mod erase;
pub mod error;
pub mod export;
pub mod ingest;
pub mod key;
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod policy;
pub mod prove;
pub mod readiness;
pub mod reading;
pub mod review;
pub mod routes;
pub mod spool;
pub mod store;
pub mod verify;
pub mod verify_proof;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve as serve_http;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinSet};
use tracing::{info, warn};

use crate::closing::Closer;
use crate::config::ServeConfig;
use crate::error::StartError;
use crate::ingest::commit::Committer;
use crate::ingest::decision_log::DecisionLog;
use crate::ingest::holds::Holds;
use crate::ingest::queue::{Queue, Taker};
use crate::ingest::writer::Writer;
use crate::ledger::note::SignerKey;
use crate::ledger::publisher::{Published, Publisher};
use crate::ledger::sequencer::Sequencer;
use crate::metrics::Metrics;
use crate::notify::Alerts;
use crate::notify::target::Target;
use crate::readiness::{Readiness, Watch};
use crate::reading::Reading;
use crate::review::Reviewing;
use crate::routes::{AppState, router};
use crate::spool::Spool;
use crate::spool::drain::Drain;
use crate::store::Store;

/// After this a stopping service no longer waits for clients that hold their connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// A service that is listening but not yet running.
pub struct Service {
    config: ServeConfig,
    listener: TcpListener,
    app: AppState,
    publisher: Publisher,
    targets: Vec<Target>,
}

// === impl Service ===

impl Service {
    /// Checks the database and listens; nothing is taken before [`Service::run`].
    pub async fn bind(mut config: ServeConfig) -> Result<Service, StartError> {
        let metrics = Arc::new(Metrics::default());
        let targets = Target::all(std::mem::take(&mut config.targets))?;
        let names = targets.iter().map(Target::name).collect();
        let store = Store::new(&config.database, config.commit_timeout, names, metrics.clone())?;
        let spool = match &config.spool_dir {
            Some(dir) => Some(Arc::new(Spool::open(dir, config.spool_bytes_max)?)),
            None => None,
        };
        if let Some(spool) = &spool {
            metrics.spool.show(&spool.stats());
        }
        let readiness = Arc::new(Readiness::default());
        match (look_at(&store).await, &spool) {
            (Ok(()), _) => readiness.up(),
            (Err(StartError::Store { doing, source }), Some(spool)) if source.is_outage() => {
                warn!("starting without the database, lines go to the spool: {doing}: {source}");
                spool.distrust_database();
            }
            (Err(refusal), _) => return Err(refusal),
        }
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|source| StartError::Io { doing: "listening", source })?;
        let queue = Queue::new(config.queue_lines_max, config.queue_bytes_max, metrics.clone());
        let reading = config.read_token.clone();
        let reading = reading.map(|token| Reading::new(&config.database, token)).transpose()?;
        let reading = reading.map(Arc::new);
        let published = Published::default();
        let (file, print) = (config.checkpoint_file.clone(), config.print_checkpoints);
        let trusted = config.ledger_key.as_ref().map(SignerKey::verifier);
        let publisher = Publisher::new(file, print, trusted, published.clone(), metrics.clone())?;
        let store = Arc::new(store);
        let reviewers = std::mem::take(&mut config.reviewers);
        let reviewing = (!reviewers.is_empty()).then(|| {
            let url = config.public_url.clone();
            let reviewing = Reviewing::new(&config.database, store.clone(), reviewers, url)?;
            Ok::<_, StartError>(reviewing.with_max_age(config.review_max_age))
        });
        let reviewing = reviewing.transpose()?.map(Arc::new);
        let app = AppState {
            holds: Arc::new(Holds::new(store.clone(), metrics.clone())),
            bodies: Arc::default(),
            queue: Arc::new(queue),
            store,
            spool,
            metrics,
            readiness,
            token: config.token.clone(),
            reading,
            published,
            reviewing,
        };
        Ok(Service { config, listener, app, publisher, targets })
    }

    /// Where it listens, with the port that was chosen.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        let address = self.listener.local_addr();
        address.map_err(|source| StartError::Io { doing: "reading the address", source })
    }

    /// Serves until `shutdown`; then takes no more, commits what it took, and returns.
    pub async fn run(
        self,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), StartError> {
        let Service { mut config, listener, app, publisher, targets } = self;
        let sequencer = |stop| Sequencer {
            store: app.store.clone(),
            metrics: app.metrics.clone(),
            key: config.ledger_key.take(),
            interval: config.checkpoint_interval,
            publisher,
            stop,
        };
        let (stopping, stop) = watch::channel(false);
        let committed = Arc::new(watch::Sender::default());
        let committer = Committer {
            store: app.store.clone(),
            metrics: app.metrics.clone(),
            committed: committed.clone(),
        };
        let decisions = Arc::new(DecisionLog::start());
        let mut writers = JoinSet::new();
        for taker in [Taker::First, Taker::Second] {
            let writer = Writer {
                queue: app.queue.clone(),
                committer: committer.clone(),
                spool: app.spool.clone(),
                readiness: app.readiness.clone(),
                decisions: decisions.clone(),
                taker,
            };
            spawn_writer(writer, &mut writers)?;
        }
        let (sequenced, last_turn) = watch::channel(false);
        let mut sequencer = tokio::spawn(sequencer(last_turn).run());
        let mut drain = spawn_drain(&app, committer, &stop);
        let mut helpers = spawn_helpers(config, targets, &app, &committed, &stop);
        let mut stopped = stop.clone();
        let signal = async move {
            // An error means that the sender is gone, which is as good as a stop.
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        // An ack is two small writes; with Nagle's algorithm the second waits for the peer's
        // delayed acknowledgement of the first, 40 ms in which calls are held.
        let listener = listener.tap_io(|stream| {
            let _ = stream.set_nodelay(true);
        });
        let server = serve_http(listener, router(app.clone())).with_graceful_shutdown(signal);
        let mut server = tokio::spawn(server.into_future());
        // Only a panic or the spool's disk ends these two early. Nothing would be acked from here
        // on; whoever started this process can start it again.
        let mut failure = None;
        tokio::select! {
            () = shutdown => {}
            _ = &mut server => warn!("the listener ended"),
            Some(ended) = writers.join_next() => failure = Some(early("a writer ended", ended)),
            _ = &mut sequencer => failure = Some(early("the sequencer ended", Ok(Ok(())))),
            Some(ended) = drain.join_next() => failure = Some(early("the drain ended", ended)),
        }
        info!("stopping: finishing what was taken");
        let _ = stopping.send(true);
        if !server.is_finished() && tokio::time::timeout(DRAIN_TIMEOUT, server).await.is_err() {
            warn!("some clients kept their connections; leaving them");
        }
        app.queue.close();
        while writers.join_next().await.is_some() {}
        let finish = async {
            while helpers.join_next().await.is_some() {}
            while drain.join_next().await.is_some() {}
            // Behind the last commit, so that it is sequenced, too.
            let _ = sequenced.send(true);
            if !sequencer.is_finished() {
                let _ = sequencer.await;
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, finish).await;
        failure.map_or(Ok(()), Err)
    }
}

/// Runs a writer, with its connection, on a thread of its own: between its statements Postgres
/// would wait until requests that are read on the same thread have been.
fn spawn_writer(
    writer: Writer,
    writers: &mut JoinSet<Result<(), StartError>>,
) -> Result<(), StartError> {
    let failed = |source| StartError::Io { doing: "starting the writer", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let (ended, end) = oneshot::channel();
    let run = move || {
        // Nobody waits where the service was dropped.
        let _ = ended.send(runtime.block_on(writer.run()));
    };
    std::thread::Builder::new().name("writer".to_owned()).spawn(run).map_err(failed)?;
    // A thread that panicked says nothing.
    writers.spawn(async { end.await.map_or(Ok(()), |result| result.map_err(Into::into)) });
    Ok(())
}

/// Why a task that should run for as long as the service ended before it.
fn early(what: &'static str, ended: Result<Result<(), StartError>, JoinError>) -> StartError {
    match ended {
        Ok(Err(failure)) => failure,
        Ok(Ok(())) | Err(_) => {
            StartError::Io { doing: "committing", source: std::io::Error::other(what) }
        }
    }
}

/// Whether the database can be committed to, and what a start leaves it with.
async fn look_at(store: &Store) -> Result<(), StartError> {
    store.check().await?;
    match store.make_partitions().await {
        // Somebody reads for long; the watch tries again, and next month is ready.
        Err(failure)
            if failure.is_locked()
                && store.health().await.is_ok_and(|health| health.partitions_ahead) =>
        {
            warn!("could not make partitions yet: {failure}");
            Ok(())
        }
        made => made.map(|_| ()).map_err(|e| e.during("making partitions")),
    }
}

/// Runs the drain, where there is a spool.
fn spawn_drain(
    app: &AppState,
    committer: Committer,
    stop: &watch::Receiver<bool>,
) -> JoinSet<Result<(), StartError>> {
    let mut tasks = JoinSet::new();
    if let Some(spool) = &app.spool {
        let (spool, readiness) = (spool.clone(), app.readiness.clone());
        let drain = Drain { spool, committer, readiness, stop: stop.clone() };
        tasks.spawn(drain.run());
    }
    tasks
}

fn spawn_helpers(
    config: ServeConfig,
    targets: Vec<Target>,
    app: &AppState,
    committed: &watch::Sender<()>,
    stop: &watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut helpers = JoinSet::new();
    let (store, metrics, readiness) = (&app.store, &app.metrics, &app.readiness);
    let watch = Watch {
        store: store.clone(),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        published: app.published.clone(),
        spool: app.spool.clone(),
        review_max_age: config.review_max_age,
        stop: stop.clone(),
    };
    helpers.spawn(watch.run());
    let closer = Closer {
        store: store.clone(),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        spool: app.spool.clone(),
        close_after: config.close_after,
        stop: stop.clone(),
    };
    helpers.spawn(closer.run());
    for target in targets {
        let alerts = Alerts {
            store: store.clone(),
            metrics: metrics.clone(),
            target,
            window: config.alert_window,
            public_url: config.public_url.clone(),
            published: app.published.clone(),
            committed: committed.subscribe(),
            stop: stop.clone(),
        };
        helpers.spawn(alerts.run());
    }
    helpers
}
