//! `log-collector`: takes decision records from the filters, commits them to Postgres before it
//! acks them, and calls Slack for those that ask for a human.
//!
//! ```text
//! ingest (HTTP, checks) -> queue -> writer (group commit) -> store (all SQL) -> Postgres
//! notify: outbox -> Slack        closing: intents without outcome        readiness: the watch
//! reading (HTTP) and policy (the command) -> store::reader -> Postgres
//! ```

pub mod closing;
pub mod config;
pub mod error;
pub mod ingest;
pub mod ledger;
pub mod metrics;
pub mod notify;
pub mod policy;
pub mod readiness;
pub mod reading;
pub mod store;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::serve::ListenerExt;
use axum::{Router, serve as serve_http};
use governance_filter::record::DECISIONS_PATH;
use tokio::net::TcpListener;
use tokio::sync::{Notify, oneshot, watch};
use tracing::{info, warn};

use crate::closing::Closer;
use crate::config::{Secret, ServeConfig};
use crate::error::StartError;
use crate::ingest::bodies::Bodies;
use crate::ingest::decision_log::DecisionLog;
use crate::ingest::queue::Queue;
use crate::ingest::writer::Writer;
use crate::metrics::Metrics;
use crate::notify::slack::Slack;
use crate::notify::{Alerts, SLACK};
use crate::readiness::{Readiness, Watch};
use crate::reading::Reading;
use crate::store::Store;

/// After this a stopping service no longer waits for clients that hold their connections.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// Room for requests that are being read.
    pub bodies: Arc<Bodies>,
    /// Where lines wait for their commit.
    pub queue: Arc<Queue>,
    /// The database.
    pub store: Arc<Store>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Since when senders could get through.
    pub readiness: Arc<Readiness>,
    /// What senders must bear.
    pub token: Secret,
    /// What readers share; none without a token for them.
    pub reading: Option<Arc<Reading>>,
}

/// A service that is listening but not yet running.
pub struct Service {
    config: ServeConfig,
    listener: TcpListener,
    app: AppState,
}

/// Every route.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route(DECISIONS_PATH, post(ingest::post_decisions).get(reading::get_decisions))
        .route("/v1/policies/{policy_version}", put(ingest::put_policy).get(reading::get_policy))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .with_state(app)
}

// === impl Service ===

impl Service {
    /// Checks the database and listens; nothing is taken before [`Service::run`].
    pub async fn bind(config: ServeConfig) -> Result<Service, StartError> {
        let metrics = Arc::new(Metrics::default());
        let targets = config.slack.iter().map(|_| SLACK).collect();
        let store = Store::new(&config.database, config.commit_timeout, targets, metrics.clone())?;
        store.check().await?;
        store.make_partitions().await.map_err(|e| e.during("making partitions"))?;
        let listener = TcpListener::bind(config.listen).await;
        let listener = listener.map_err(|source| StartError::Io { doing: "listening", source })?;
        let queue = Queue::new(config.queue_lines_max, config.queue_bytes_max, metrics.clone());
        let reading = config.read_token.clone();
        let reading = reading.map(|token| Reading::new(&config.database, token)).transpose()?;
        let reading = reading.map(Arc::new);
        let readiness = Arc::new(Readiness::default());
        readiness.up();
        let app = AppState {
            bodies: Arc::default(),
            queue: Arc::new(queue),
            store: Arc::new(store),
            metrics,
            readiness,
            token: config.token.clone(),
            reading,
        };
        Ok(Service { config, listener, app })
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
        let Service { config, listener, app } = self;
        let (stopping, stop) = watch::channel(false);
        let committed = Arc::new(Notify::new());
        let writer = Writer {
            queue: app.queue.clone(),
            store: app.store.clone(),
            metrics: app.metrics.clone(),
            readiness: app.readiness.clone(),
            committed: committed.clone(),
            decisions: DecisionLog::start(),
        };
        let mut writer = spawn_writer(writer)?;
        let mut helpers = spawn_helpers(config, &app, &committed, &stop)?;
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
        tokio::select! {
            () = shutdown => {}
            _ = &mut server => warn!("the listener ended"),
            // Only a panic ends it early. Nothing would be acked from here on; whoever started
            // this process can start it again.
            _ = &mut writer => {
                let source = std::io::Error::other("the writer ended");
                return Err(StartError::Io { doing: "committing", source });
            }
        }
        info!("stopping: finishing what was taken");
        let _ = stopping.send(true);
        if !server.is_finished() && tokio::time::timeout(DRAIN_TIMEOUT, server).await.is_err() {
            warn!("some clients kept their connections; leaving them");
        }
        app.queue.close();
        let _ = writer.await;
        let finish = async { while helpers.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, finish).await;
        Ok(())
    }
}

/// Runs the writer, with its connection, on a thread of its own: between its statements Postgres
/// would wait until requests that are read on the same thread have been.
fn spawn_writer(writer: Writer) -> Result<oneshot::Receiver<()>, StartError> {
    let failed = |source| StartError::Io { doing: "starting the writer", source };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let (ended, end) = oneshot::channel();
    let run = move || {
        runtime.block_on(writer.run());
        // Nobody waits where the service was dropped.
        let _ = ended.send(());
    };
    std::thread::Builder::new().name("writer".to_owned()).spawn(run).map_err(failed)?;
    Ok(end)
}

fn spawn_helpers(
    config: ServeConfig,
    app: &AppState,
    committed: &Arc<Notify>,
    stop: &watch::Receiver<bool>,
) -> Result<tokio::task::JoinSet<()>, StartError> {
    let mut helpers = tokio::task::JoinSet::new();
    let (store, metrics, readiness) = (&app.store, &app.metrics, &app.readiness);
    let watch = Watch {
        store: store.clone(),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        stop: stop.clone(),
    };
    helpers.spawn(watch.run());
    let closer = Closer {
        store: store.clone(),
        metrics: metrics.clone(),
        readiness: readiness.clone(),
        close_after: config.close_after,
        stop: stop.clone(),
    };
    helpers.spawn(closer.run());
    if let Some(webhook) = config.slack {
        let alerts = Alerts {
            store: store.clone(),
            metrics: metrics.clone(),
            slack: Slack::new(webhook)?,
            committed: committed.clone(),
            stop: stop.clone(),
        };
        helpers.spawn(alerts.run());
    }
    Ok(helpers)
}

async fn readyz(State(app): State<AppState>) -> Response {
    match app.readiness.age() {
        Some(_) => "ready\n".into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the database is not ready\n").into_response(),
    }
}

async fn metrics_text(State(app): State<AppState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.encode()).into_response()
}
