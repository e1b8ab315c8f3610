//! The API of reviews, for programs that people run: what waits, one decision with all beside it,
//! verdicts, and how reviews went. Opened by a reviewer's own token and by no other.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use governance_filter::record::rfc3339;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, StoreError};
use crate::ingest::line::id_unix_ms;
use crate::metrics::ReasonLabels;
use crate::policy::moment::{Moment, time};
use crate::review::answers::{
    Answer, Answered, Asked, Groups, Kept, OfAge, Open, OpenPage, RecordKind, Review, Said, Shown,
    Stats,
};
use crate::review::reviewers::Reviewer;
use crate::review::{NOTE_CHARACTERS_MAX, Reviewing};
use crate::routes::AppState;
use crate::store::decision::Decision;
use crate::store::intents::id_from;
use crate::store::reviews::{Judged, OpenFilter};

/// Groups of one answer.
const GROUPS_MAX: i64 = 100;

/// Ids of one group; the rest are a request away.
const GROUP_IDS_MAX: i32 = 10;

/// Reviews of one page.
const LIMIT_MAX: i64 = 1_000;

/// Decisions that one request judges: one commit each, some milliseconds.
pub const DECISIONS_MAX: usize = 256;

/// So many ids and digests with the longest note, however escaped, are shorter.
const BODY_BYTES_MAX: usize = 128 << 10;

/// A body of that length takes far less.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Decisions of the same caller shown, before and after.
const NEIGHBOURS_EACH_WAY: i64 = 5;

/// Upper ends of the ages that open reviews are counted by: 1 h, 4 h, 1 d, 3 d.
const AGES_SECONDS: [f64; 4] = [3_600.0, 14_400.0, 86_400.0, 259_200.0];

/// How far back is looked where nothing is said.
const STATS_SPAN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Proof that the request bore a reviewer's token.
pub struct AsReviewer {
    reviewing: Arc<Reviewing>,
    reviewer: Reviewer,
}

/// Which open reviews.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    policy: Option<String>,
    caller: Option<String>,
}

/// Which open reviews, one by one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedEach {
    policy: Option<String>,
    caller: Option<String>,
    group: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

/// From when on.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WantedStats {
    since: Option<String>,
}

/// Every route.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/v1/reviews", get(get_groups))
        .route("/v1/reviews/open", get(get_open))
        .route("/v1/reviews/stats", get(get_stats))
        .route("/v1/reviews/verdicts", post(post_verdicts))
        .route("/v1/reviews/{decision_id}", get(get_decision))
}

// === impl AsReviewer ===

impl FromRequestParts<AppState> for AsReviewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, ApiError> {
        let reviewing = app.reviewing.clone().ok_or(ApiError::ReviewOff)?;
        let value = parts.headers.get(header::AUTHORIZATION).and_then(|it| it.to_str().ok());
        let token = value.and_then(|value| value.strip_prefix("Bearer "));
        let reviewer = token.and_then(|token| reviewing.reviewers.by_token(token)).cloned();
        let reviewer = reviewer.ok_or(ApiError::Unauthorized)?;
        Ok(AsReviewer { reviewing, reviewer })
    }
}

/// `GET /v1/reviews?policy=…&caller=…`.
pub async fn get_groups(
    AsReviewer { reviewing, .. }: AsReviewer,
    State(app): State<AppState>,
    wanted: Result<Query<Wanted>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) =
        wanted.map_err(|_| ApiError::BadQuery("it takes `policy` and `caller`, each once"))?;
    let of = OpenFilter {
        policy: wanted.policy.as_deref(),
        caller: wanted.caller.as_deref(),
        group: None,
    };
    let _place = reviewing.begin()?;
    let max_age = reviewing.max_age;
    let found = reviewing.reader.review_groups(&of, max_age, GROUPS_MAX, GROUP_IDS_MAX).await;
    let found = found.map_err(|e| refuse(&app, &e))?;
    let listed = i64::try_from(found.groups.len()).unwrap_or(i64::MAX);
    Ok(json(
        StatusCode::OK,
        &Groups {
            open: found.open,
            overdue: found.overdue,
            max_age_seconds: max_age.as_secs(),
            groups: found.groups.into_iter().map(Into::into).collect(),
            more_groups: found.total - listed,
        },
    ))
}

/// `GET /v1/reviews/open?policy=…&caller=…&group=…&after=<decision_id>&limit=…`.
pub async fn get_open(
    AsReviewer { reviewing, .. }: AsReviewer,
    State(app): State<AppState>,
    wanted: Result<Query<WantedEach>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|_| {
        ApiError::BadQuery("it takes `policy`, `caller`, `group`, `after` and `limit`, each once")
    })?;
    let after = wanted.after.as_deref();
    if after.is_some_and(|after| id_unix_ms(after).is_none()) {
        return Err(ApiError::BadQuery("`after` is no decision id"));
    }
    let limit = wanted.limit.unwrap_or(LIMIT_MAX);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(ApiError::BadQuery("`limit` goes from 1 to 1000"));
    }
    let of = OpenFilter {
        policy: wanted.policy.as_deref(),
        caller: wanted.caller.as_deref(),
        group: wanted.group.as_deref(),
    };
    let _place = reviewing.begin()?;
    let found = reviewing.reader.open_reviews(&of, after, limit).await;
    let found = found.map_err(|e| refuse(&app, &e))?;
    let full = i64::try_from(found.len()) == Ok(limit);
    let next_after = found.last().filter(|_| full).map(|last| last.decision_id.clone());
    let max_age = reviewing.max_age;
    let reviews = found.into_iter().map(|review| Open::new(review, max_age)).collect();
    Ok(json(StatusCode::OK, &OpenPage { reviews, next_after }))
}

/// `GET /v1/reviews/{decision_id}`.
pub async fn get_decision(
    AsReviewer { reviewing, reviewer }: AsReviewer,
    State(app): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    if id_unix_ms(&id).is_none() {
        return Err(ApiError::NoDecision);
    }
    let _place = reviewing.begin()?;
    let shown = shown(&reviewing, &reviewer, &id).await.map_err(|e| refuse(&app, &e))?;
    Ok(json(StatusCode::OK, &shown.ok_or(ApiError::NoDecision)?))
}

/// `POST /v1/reviews/verdicts`.
pub async fn post_verdicts(
    AsReviewer { reviewing, reviewer }: AsReviewer,
    State(app): State<AppState>,
    body: Body,
) -> Result<Response, ApiError> {
    // The limit is the only way to fail, but for a client that left and hears no answer.
    let body = tokio::time::timeout(BODY_TIMEOUT, to_bytes(body, BODY_BYTES_MAX)).await;
    let body = body.map_err(|_| ApiError::BadVerdict("it did not arrive in time"))?;
    let asked = read(&body.map_err(|_| ApiError::TooLarge)?)?;
    let _place = reviewing.begin()?;
    let mut results = Vec::new();
    for of in asked.decisions {
        let (id, digest) = (&of.decision_id, &of.shown_digest);
        // Should this one fail, those before it are on record, and stand when they are asked again.
        let judged = reviewing.judge(&reviewer, id, asked.verdict, &asked.note, digest).await;
        let judged = judged.map_err(|e| refuse(&app, &e))?;
        let (result, status, verdict_id) = match judged {
            Judged::Given(verdict) => (Said::Given, StatusCode::OK, Some(verdict.verdict_id)),
            Judged::Stands(verdict) => (Said::Stands, StatusCode::OK, Some(verdict.verdict_id)),
            Judged::Changed => (Said::Changed, StatusCode::CONFLICT, None),
            Judged::OwnCall => (Said::OwnCall, StatusCode::FORBIDDEN, None),
            Judged::Unknown => (Said::Unknown, StatusCode::NOT_FOUND, None),
        };
        let (decision_id, status) = (of.decision_id, status.as_u16());
        results.push(Answer { decision_id, result, status, verdict_id });
    }
    Ok(json(status_of(&results), &Answered { results }))
}

/// `GET /v1/reviews/stats?since=…`.
pub async fn get_stats(
    AsReviewer { reviewing, .. }: AsReviewer,
    State(app): State<AppState>,
    wanted: Result<Query<WantedStats>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(wanted) = wanted.map_err(|_| ApiError::BadQuery("it takes `since`, once"))?;
    let since = match wanted.since {
        Some(text) => text.parse::<Moment>().map(Moment::system_time).map_err(|_| {
            ApiError::BadQuery("`since` is a time such as 2026-03-15T12:00Z, or a date")
        })?,
        None => SystemTime::now() - STATS_SPAN,
    };
    let _place = reviewing.begin()?;
    let stats = stats(&reviewing, &app, since).await.map_err(|e| refuse(&app, &e))?;
    Ok(json(StatusCode::OK, &stats))
}

async fn stats(
    reviewing: &Reviewing,
    app: &AppState,
    since: SystemTime,
) -> Result<Stats, StoreError> {
    let unix = since.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    // No id is older than 1970.
    let unix_ms = u64::try_from(unix.as_millis()).unwrap_or(0);
    let from = id_from(unix_ms);
    let policies = reviewing.reader.policy_stats(&from).await?;
    let messages = reviewing.reader.message_stats(&from).await?;
    let ages = reviewing.reader.open_by_age(&AGES_SECONDS).await?;
    let backlog = app.store.review_backlog(reviewing.max_age).await?;
    let bounds = AGES_SECONDS.iter().map(|bound| Some(*bound)).chain([None]);
    Ok(Stats {
        since: rfc3339(unix_ms),
        policies: policies.into_iter().map(Into::into).collect(),
        open: backlog.open,
        overdue: backlog.overdue,
        max_age_seconds: reviewing.max_age.as_secs(),
        open_by_age: bounds.zip(ages).map(|(b, open)| OfAge { under_seconds: b, open }).collect(),
        messages: messages.into_iter().map(Into::into).collect(),
    })
}

async fn shown(
    reviewing: &Reviewing,
    reviewer: &Reviewer,
    id: &str,
) -> Result<Option<Shown>, StoreError> {
    let reader = &reviewing.reader;
    let Some(decision) = reader.decision(id).await? else { return Ok(None) };
    let Decision { intent, outcome, erased, .. } = decision;
    let of_outcome = outcome.as_ref().and_then(|outcome| outcome.caller.clone());
    let caller = of_outcome.or_else(|| intent.as_ref().and_then(|it| it.caller.clone()));
    let neighbours = match &caller {
        Some(caller) => reader.neighbours(id, caller, NEIGHBOURS_EACH_WAY).await?,
        None => Vec::new(),
    };
    let policy = reader.policy_text(&decision.policy_version).await?;
    let verdicts = reader.verdicts(id).await?;
    let review = decision.review.map(|review| Review {
        reason: review.reason,
        policies: review.policies,
        opened_at: time(review.opened_at),
        open: review.open,
    });
    Ok(Some(Shown {
        decision_id: id.to_owned(),
        record_kind: if outcome.is_some() { RecordKind::Outcome } else { RecordKind::Intent },
        // Ingest takes only JSON; a row that was altered since shows as null.
        record: serde_json::from_slice(&decision.record).unwrap_or_default(),
        record_digest: decision.digest,
        record_leaf: decision.leaf,
        hold: intent.and_then(|intent| intent.hold),
        policy_version: decision.policy_version,
        policy_text: policy.map(|text| String::from_utf8_lossy(&text).into_owned()),
        triggered: outcome.map(|outcome| outcome.triggered).unwrap_or_default(),
        input: Kept::new("input", decision.input_summary, erased),
        output: Kept::new("output", decision.output_summary, erased),
        review,
        own_call: reviewer.is_caller(caller.as_deref()),
        verdicts: verdicts.into_iter().map(Into::into).collect(),
        messages: decision.messages.into_iter().map(Into::into).collect(),
        neighbours: neighbours.into_iter().map(Into::into).collect(),
    }))
}

/// The verdicts that a body asks for.
fn read(body: &[u8]) -> Result<Asked, ApiError> {
    const SHAPE: &str = "expected {\"verdict\": \"approved\" or \"rejected\", \"note\": …, \
        \"decisions\": [{\"decision_id\", \"shown_digest\"}]}";
    let asked: Asked = serde_json::from_slice(body).map_err(|_| ApiError::BadVerdict(SHAPE))?;
    if !(1..=DECISIONS_MAX).contains(&asked.decisions.len()) {
        return Err(ApiError::BadVerdict("`decisions` has 1 to 256 entries"));
    }
    if asked.note.chars().count() > NOTE_CHARACTERS_MAX {
        return Err(ApiError::BadVerdict("`note` is longer than 1000 characters"));
    }
    let mut ids = HashSet::new();
    for of in &asked.decisions {
        if id_unix_ms(&of.decision_id).is_none() {
            return Err(ApiError::BadVerdict("a `decision_id` is no decision id"));
        }
        let hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if of.shown_digest.len() != 64 || !of.shown_digest.bytes().all(hex) {
            return Err(ApiError::BadVerdict("a `shown_digest` is not 64 lower-case hex digits"));
        }
        if !ids.insert(&of.decision_id) {
            return Err(ApiError::BadVerdict("a decision stands there twice"));
        }
    }
    Ok(asked)
}

/// The one status of all, else 207: each has its own.
fn status_of(results: &[Answer]) -> StatusCode {
    let mut statuses = results.iter().map(|answer| answer.status);
    let first = statuses.next().unwrap_or_default();
    let alike = statuses.all(|status| status == first);
    let status = StatusCode::from_u16(first).ok().filter(|_| alike);
    status.unwrap_or(StatusCode::MULTI_STATUS)
}

fn json<T: Serialize>(status: StatusCode, answer: &T) -> Response {
    // Our own types: no maps with other than string keys, no I/O.
    let mut body = serde_json::to_vec(answer).unwrap_or_default();
    body.push(b'\n');
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (status, headers, body).into_response()
}

fn refuse(app: &AppState, failure: &StoreError) -> ApiError {
    // Of all that is asked only a filter can hold what Postgres has no text for.
    if matches!(failure, StoreError::Data { .. }) {
        return ApiError::BadQuery("the database refused it");
    }
    tracing::warn!("could not answer a reviewer: {failure}");
    app.metrics.refused.get_or_create(&ReasonLabels { reason: "database" }).inc();
    ApiError::Unavailable
}
