//! Every route, and what the handlers share.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use governance_filter::record::DECISIONS_PATH;

use crate::config::Secret;
use crate::ingest::bodies::Bodies;
use crate::ingest::holds::Holds;
use crate::ingest::queue::Queue;
use crate::ledger::publisher::Published;
use crate::metrics::Metrics;
use crate::readiness::Readiness;
use crate::reading::Reading;
use crate::review::Reviewing;
use crate::spool::Spool;
use crate::store::Store;
use crate::{ingest, reading, review};

/// What the handlers share.
#[derive(Clone)]
pub struct AppState {
    /// Room for requests that are being read.
    pub bodies: Arc<Bodies>,
    /// Where lines wait for their commit.
    pub queue: Arc<Queue>,
    /// The database.
    pub store: Arc<Store>,
    /// Where lines go while the database is away; none unless it was turned on.
    pub spool: Option<Arc<Spool>>,
    /// Counts.
    pub metrics: Arc<Metrics>,
    /// Since when senders could get through.
    pub readiness: Arc<Readiness>,
    /// What senders must bear.
    pub token: Secret,
    /// What readers share; none without a token for them.
    pub reading: Option<Arc<Reading>>,
    /// The newest checkpoint that left.
    pub published: Published,
    /// Answers held calls.
    pub holds: Arc<Holds>,
    /// What reviewers are shown; none where nobody may judge.
    pub reviewing: Option<Arc<Reviewing>>,
}

/// Every route.
pub fn router(app: AppState) -> Router {
    Router::new()
        .route(DECISIONS_PATH, post(ingest::post_decisions).get(reading::get_decisions))
        .route("/v1/policies/{policy_version}", put(ingest::put_policy).get(reading::get_policy))
        .route("/checkpoint", get(checkpoint))
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_text))
        .merge(review::api::routes())
        .merge(review::pages::routes())
        .with_state(app)
}

async fn readyz(State(app): State<AppState>) -> Response {
    match (app.readiness.age(), &app.spool) {
        (Some(_), _) => "ready\n".into_response(),
        (None, Some(spool)) if spool.has_room() => {
            "ready: the database is away, lines go to the spool\n".into_response()
        }
        (None, _) => {
            (StatusCode::SERVICE_UNAVAILABLE, "the database is not ready\n").into_response()
        }
    }
}

/// No token: there is no secret in it, and the more who keep one, the better.
async fn checkpoint(State(app): State<AppState>) -> Response {
    match app.published.note() {
        Some(note) => ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], note).into_response(),
        None => (StatusCode::NOT_FOUND, "there is no checkpoint yet\n").into_response(),
    }
}

async fn metrics_text(State(app): State<AppState>) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.encode()).into_response()
}
