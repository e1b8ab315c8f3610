//! The read-only endpoints, for programs that replay decisions: records as they were hashed, and
//! the policies they were judged by. They have a token, connections and bounds of their own, and
//! hand out neither summaries nor salts.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::{Database, Secret};
use crate::error::{ApiError, StartError, StoreError};
use crate::ingest::bears;
use crate::ingest::line::{id_unix_ms, is_policy_version};
use crate::metrics::ReasonLabels;
use crate::policy::moment::Moment;
use crate::routes::AppState;
use crate::store::intents::id_from;
use crate::store::reader::{Reader, Selection};

/// Records of one page.
const LIMIT_MAX: i64 = 1_000;

/// Bytes of one page, give or take a record: two pages at once are held in memory.
const PAGE_BYTES_MAX: i64 = 16 << 20;

/// Questions answered at once; the database's time belongs to commits.
const QUERIES_MAX: usize = 2;

/// A page is a walk along an index.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the next page begins; absent where nothing more was found.
const NEXT_AFTER: HeaderName = HeaderName::from_static("x-next-after");

/// What readers share.
pub struct Reading {
    reader: Reader,
    token: Secret,
    queries: Semaphore,
}

/// Proof that the request bore the read token.
pub struct MayRead(Arc<Reading>);

/// Which decisions, by the time in their ids: when the call came in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    since: Option<String>,
    until: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

// === impl Reading ===

impl Reading {
    /// Reads with the service's login, on connections of its own.
    pub fn new(database: &Database, token: Secret) -> Result<Reading, StartError> {
        let reader = Reader::new(database, QUERY_TIMEOUT, QUERIES_MAX)?;
        Ok(Reading { reader, token, queries: Semaphore::new(QUERIES_MAX) })
    }

    fn begin(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.queries.try_acquire().map_err(|_| ApiError::Busy)
    }
}

// === impl MayRead ===

impl FromRequestParts<AppState> for MayRead {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let reading = app.reading.as_ref().ok_or(ApiError::ReadingOff)?;
        if bears(&parts.headers, &reading.token) {
            Ok(MayRead(reading.clone()))
        } else {
            Err(ApiError::Unauthorized)
        }
    }
}

/// `GET /v1/decisions?since=…&until=…&after=<decision_id>&limit=…`.
pub async fn get_decisions(
    MayRead(reading): MayRead,
    State(app): State<AppState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|_| {
        ApiError::BadQuery("it takes `since`, `until`, `after` and `limit`, each once")
    })?;
    let from = wanted.since.as_deref().map(id_at).transpose()?.unwrap_or_default();
    // Every id begins with `d-`.
    let before = wanted.until.as_deref().map(id_at).transpose()?.unwrap_or_else(|| "e".to_owned());
    let after = wanted.after.unwrap_or_default();
    if !after.is_empty() && id_unix_ms(&after).is_none() {
        return Err(ApiError::BadQuery("`after` is no decision id"));
    }
    let limit = wanted.limit.unwrap_or(LIMIT_MAX);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::BadQuery("`limit` goes from 1 to 1000"));
    }
    let _permit = reading.begin()?;
    let part = Selection {
        from: &from,
        before: &before,
        after: &after,
        records_max: limit,
        bytes_max: PAGE_BYTES_MAX,
    };
    let records = reading.reader.records(&part).await.map_err(|e| unavailable(&app, &e))?;
    let mut body = Vec::new();
    for record in &records {
        body.extend_from_slice(&record.record);
        body.push(b'\n');
    }
    let full = i64::try_from(records.len()) == Ok(limit)
        || i64::try_from(body.len()).is_ok_and(|bytes| bytes >= PAGE_BYTES_MAX);
    let mut response = ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response();
    if let Some(last) = records.last().filter(|_| full)
        && let Ok(last) = HeaderValue::from_str(&last.decision_id)
    {
        response.headers_mut().insert(NEXT_AFTER, last);
    }
    Ok(response)
}

/// `GET /v1/policies/{policy_version}`.
pub async fn get_policy(
    MayRead(reading): MayRead,
    State(app): State<AppState>,
    Path(version): Path<String>,
) -> Result<Response, ApiError> {
    if !is_policy_version(&version) {
        return Err(ApiError::BadPolicy("its version is not `sha256:` and 64 hex digits"));
    }
    let _permit = reading.begin()?;
    let text = reading.reader.policy_text(&version).await.map_err(|e| unavailable(&app, &e))?;
    let text = text.ok_or(ApiError::NoPolicy)?;
    Ok(([(header::CONTENT_TYPE, "application/yaml")], text).into_response())
}

/// The smallest id of a time.
fn id_at(text: &str) -> Result<String, ApiError> {
    let moment: Moment = text.parse().map_err(|_| {
        ApiError::BadQuery("`since` and `until` are times such as 2026-03-15T12:00Z, or dates")
    })?;
    // No id is older than 1970.
    Ok(id_from(u64::try_from(moment.timestamp().as_millisecond()).unwrap_or(0)))
}

fn unavailable(app: &AppState, failure: &StoreError) -> ApiError {
    tracing::warn!("could not read: {failure}");
    app.metrics.refused.get_or_create(&ReasonLabels { reason: "database" }).inc();
    ApiError::Unavailable
}
