//! The two pages for reviewers: what is open, and one decision. Rendered here, without scripts;
//! verdicts are plain forms. What a browser may do with them is said in every answer's headers.

mod asked;
mod decision;
mod facts;
mod layout;
mod list;
mod policy_text;
mod refusal;
mod sign_in;
mod verdicts;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use crate::ingest::line::id_unix_ms;
use crate::routes::AppState;
use crate::store::reviews::OpenFilter;
use asked::{Page, Signed};
use layout::Shell;
use refusal::Refusal;
use verdicts::Tally;

/// Forms at most: a page's decisions, and a note of which each character takes twelve bytes.
const FORM_BYTES_MAX: usize = 64 << 10;

/// Decisions of the same caller before and after.
const NEIGHBOURS_EACH_WAY: i64 = 4;

/// Scripts, frames and other sites' content there are none; styles and forms are ours.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; form-action 'self'; \
                                       base-uri 'none'; frame-ancestors 'none'";

/// Their routes.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(to_reviews))
        .route("/reviews", get(get_reviews))
        .route("/decisions/{id}", get(get_decision))
        .route("/verdicts", post(verdicts::post_verdicts))
        .route("/login", get(sign_in::get_login).post(sign_in::post_login))
        .route("/logout", post(sign_in::post_logout))
        .route("/style.css", get(style))
        .layer(DefaultBodyLimit::max(FORM_BYTES_MAX))
        .layer(map_response(harden))
}

/// `GET /`.
async fn to_reviews(asked: asked::Asked) -> Redirect {
    Redirect::to(&asked.path("/reviews"))
}

/// `GET /reviews?after=…&select=…`.
async fn get_reviews(signed: Signed, Query(page): Query<Page>) -> Result<Response, Refusal> {
    let reader = &signed.asked.reviewing.reader;
    let all = OpenFilter::default();
    // One more, to know whether there is a next page.
    let mut open = reader.open_reviews(&all, page.behind(), list::PAGE_ROWS + 1).await?;
    let more = open.len() > list::page_rows();
    open.truncate(list::page_rows());
    let ids: Vec<&str> = open.iter().map(|review| review.decision_id.as_str()).collect();
    let decisions = reader.listed(&ids).await?;
    let max_age = signed.asked.reviewing.max_age;
    let list = list::List { open: &open, decisions: &decisions, more, page: &page, max_age };
    let shell = Shell::of(&signed, "Open reviews");
    Ok(shell.page(&list.render(&signed, &Tally::of(&page))).into_response())
}

/// `GET /decisions/{id}`.
async fn get_decision(
    signed: Signed,
    State(app): State<AppState>,
    Path(id): Path<String>,
    Query(page): Query<Page>,
) -> Result<Response, Refusal> {
    if id_unix_ms(&id).is_none() {
        return Err(Refusal::Unknown);
    }
    let reader = &signed.asked.reviewing.reader;
    let decision = reader.decision(&id).await?.ok_or(Refusal::Unknown)?;
    let verdicts = reader.verdicts(&id).await?;
    let policy = reader.policy_text(&decision.policy_version).await?;
    let neighbours = match decision::caller(&decision) {
        Some(caller) => reader.neighbours(&id, caller, NEIGHBOURS_EACH_WAY).await?,
        None => Vec::new(),
    };
    let shown = decision::Shown {
        id: &id,
        decision: &decision,
        verdicts: &verdicts,
        policy: policy.as_deref().and_then(|text| std::str::from_utf8(text).ok()),
        neighbours: &neighbours,
        published: app.published.size(),
    };
    let shell = Shell::of(&signed, "Decision");
    Ok(shell.page(&shown.render(&signed, &Tally::of(&page))).into_response())
}

/// `GET /style.css`.
async fn style() -> Response {
    let kind = HeaderValue::from_static("text/css; charset=utf-8");
    ([(header::CONTENT_TYPE, kind)], include_str!("pages/style.css")).into_response()
}

/// What no answer goes without. `same-origin`, for without any referrer browsers send our own forms
/// with `Origin: null`; other sites are told nothing either way.
async fn harden(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
