//! The two endpoints of the filter: decisions and policies. Reads and checks requests, hands lines
//! to the writer and answers only after the commit. No SQL here.

pub mod bodies;
pub mod commit;
pub mod decision_log;
pub mod holds;
pub mod line;
pub mod queue;
pub mod writer;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use governance_filter::record::{Ack, IntentVerdict, Kind, sha256_hex};
use subtle::ConstantTimeEq;

use crate::clock::unix_ms;
use crate::config::Secret;
use crate::error::{ApiError, StoreError};
use crate::ingest::line::{Entry, is_policy_version};
use crate::ingest::queue::{PushError, Settled, Unavailable};
use crate::metrics::ReasonLabels;
use crate::routes::AppState;
use crate::spool::{Announced, Spool, SpoolError};
use crate::store::holds::Answer;
use crate::store::policies::NewPolicy;

/// Largest batch taken.
pub const BODY_BYTES_MAX: usize = 16 << 20;

/// Largest governance.yml taken.
const POLICY_BYTES_MAX: usize = 1 << 20;

/// A sender that stalls gives its memory back.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest header value kept beside a policy.
const LABEL_CHARS_MAX: usize = 200;

/// Proof that the request bore the token. Extracted before the body is read.
pub struct Authorized;

// === impl Authorized ===

impl FromRequestParts<AppState> for Authorized {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        if bears(&parts.headers, &app.token) { Ok(Authorized) } else { Err(ApiError::Unauthorized) }
    }
}

/// Whether a request bears this token.
pub fn bears(headers: &HeaderMap, token: &Secret) -> bool {
    let value = headers.get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let sent = value.and_then(|value| value.strip_prefix(b"Bearer ")).unwrap_or_default();
    // Of texts of unequal length only the lengths are compared; the token's is no secret.
    bool::from(sent.ct_eq(token.expose().as_bytes()))
}

/// `POST /v1/decisions`.
pub async fn post_decisions(
    _: Authorized,
    State(app): State<AppState>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let room = app.bodies.reserve(&headers).ok_or_else(|| {
        app.readiness.restart();
        refuse(&app, ApiError::Full)
    })?;
    let body = read_body(body, BODY_BYTES_MAX.min(room.bytes())).await?;
    let entries = parse_batch(&body, unix_ms())?;
    drop((body, room));
    let heads: Vec<_> = entries
        .iter()
        .map(|(entry, _)| (entry.decision_id.clone(), entry.kind, entry.digest.clone()))
        .collect();
    let asks = holds::asks(entries.iter().map(|(entry, _)| entry));
    let asking: HashSet<usize> = asks.iter().map(|(at, _)| *at).collect();
    let mut answers = app.queue.push(entries).map_err(|error| match error {
        PushError::TooLarge => ApiError::TooLarge,
        PushError::Full => {
            app.readiness.restart();
            refuse(&app, ApiError::Full)
        }
    })?;
    let mut settled: Vec<Option<Settled>> = vec![None; heads.len()];
    while let Some((index, result)) = answers.recv().await {
        if let Some(slot) = settled.get_mut(index) {
            *slot = Some(result);
        }
    }
    let mut answered = app.holds.answer(asks, &settled).await;
    let mut text = String::new();
    let lines = heads.into_iter().zip(settled).enumerate();
    for (at, ((decision_id, kind, digest), result)) in lines {
        // A line without an answer: the writer is gone, which is as good as no database.
        let status = match result.unwrap_or(Err(Unavailable::Database)) {
            Ok(status) => status,
            Err(Unavailable::Database) => return Err(refuse(&app, ApiError::Unavailable)),
            Err(Unavailable::SpoolFull) => return Err(refuse(&app, ApiError::SpoolFull)),
        };
        let goes_on = kind == Some(Kind::Intent) && status.is_durable() && !asking.contains(&at);
        let (verdict, review) = match answered.remove(&at) {
            Some(Answer { verdict, review }) => (Some(verdict), Some(review)),
            None => (goes_on.then_some(IntentVerdict::Proceed), None),
        };
        let ack = Ack { decision_id, kind, digest, status, verdict, review };
        text.push_str(&serde_json::to_string(&ack).map_err(|_| ApiError::Unavailable)?);
        text.push('\n');
    }
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], text).into_response())
}

/// `PUT /v1/policies/{policy_version}`.
pub async fn put_policy(
    _: Authorized,
    State(app): State<AppState>,
    Path(version): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let text = read_body(body, POLICY_BYTES_MAX).await?;
    if !is_policy_version(&version) {
        return Err(ApiError::BadPolicy("its version is not `sha256:` and 64 hex digits"));
    }
    if version != format!("sha256:{}", sha256_hex(&text)) {
        return Err(ApiError::BadPolicy("its version is not the SHA-256 of its text"));
    }
    let policy = NewPolicy {
        version: &version,
        text: &text,
        label: label(&headers, "x-policy-label"),
        git_revision: label(&headers, "x-policy-git-revision"),
        gateway: label(&headers, "x-gateway"),
        configured_at: label(&headers, "x-configured-at")
            .and_then(|time| humantime::parse_rfc3339(&time).ok()),
    };
    // A database that hangs would outlast the sender's patience, so a spool is asked first.
    let pending = app.spool.as_ref().is_some_and(|spool| spool.takes_all(&app.readiness));
    let stored = if pending { None } else { Some(app.store.put_policy(&policy).await) };
    match (stored, &app.spool) {
        (Some(Err(StoreError::Data { .. })), _) => {
            Err(ApiError::BadPolicy("the database refused it"))
        }
        (Some(Ok(())), None) => Ok(StatusCode::NO_CONTENT),
        (Some(Ok(())), Some(spool)) => keep_policy(&app, spool, &policy, false).await,
        (None | Some(Err(_)), Some(spool)) => keep_policy(&app, spool, &policy, true).await,
        (failed, None) => {
            if let Some(Err(failure)) = failed {
                tracing::warn!("could not store a policy: {failure}");
            }
            Err(refuse(&app, ApiError::Unavailable))
        }
    }
}

/// Keeps a policy in the spool, so that lines that name it can be taken there.
async fn keep_policy(
    app: &AppState,
    spool: &Arc<Spool>,
    policy: &NewPolicy<'_>,
    pending: bool,
) -> Result<StatusCode, ApiError> {
    let announced = Announced::from(policy);
    match spool.blocking(move |spool| spool.put_policy(&announced, pending)).await {
        Ok(()) => Ok(StatusCode::NO_CONTENT),
        // Postgres has it. Should a line meet the spool, it is announced again.
        Err(SpoolError::Full) if !pending => Ok(StatusCode::NO_CONTENT),
        Err(SpoolError::Full) => Err(refuse(app, ApiError::SpoolFull)),
        Err(failure) => {
            tracing::error!("could not keep a policy: {failure}");
            Err(refuse(app, ApiError::Unavailable))
        }
    }
}

/// A batch's lines with the memory each one takes. Only a body that is no NDJSON at all fails here.
pub fn parse_batch(body: &[u8], now_unix_ms: u64) -> Result<Vec<(Entry, usize)>, ApiError> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::NotNdjson("not UTF-8"))?;
    let mut lines = text.lines().filter(|line| !line.trim().is_empty()).peekable();
    let first = *lines.peek().ok_or(ApiError::NotNdjson("empty"))?;
    if !first.trim_start().starts_with('{')
        || serde_json::from_str::<&serde_json::value::RawValue>(first).is_err()
    {
        return Err(ApiError::NotNdjson("the first line is no JSON object"));
    }
    let entries = lines.map(|line| Entry::parse(line.as_bytes(), now_unix_ms));
    Ok(entries
        .map(|entry| (entry.footprint(), entry))
        .map(|(bytes, entry)| (entry, bytes))
        .collect())
}

async fn read_body(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    // The limit is the only way this fails, but for a client that left and hears no answer.
    match tokio::time::timeout(BODY_TIMEOUT, axum::body::to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(ApiError::TooLarge),
        Err(_) => Err(ApiError::NotNdjson("it did not arrive in time")),
    }
}

fn refuse(app: &AppState, error: ApiError) -> ApiError {
    let reason = match error {
        ApiError::Full => "queue_full",
        ApiError::SpoolFull => "spool_full",
        _ => "database",
    };
    app.metrics.refused.get_or_create(&ReasonLabels { reason }).inc();
    error
}

fn label(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?;
    Some(text.chars().take(LABEL_CHARS_MAX).collect()).filter(|text: &String| !text.is_empty())
}
