//! Why a page is not shown, and what is shown in its place.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{DOCTYPE, Markup, html};

use crate::error::StoreError;

/// Why a page is not shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody may judge.
    Off,
    /// Nobody is signed in; where one can be.
    SignIn(String),
    /// Another site's link led here, to this path.
    Elsewhere(String),
    /// The form is not one of ours.
    Foreign,
    /// Another token than the session's stands in the form.
    Stale,
    /// A form that none of our pages has.
    Malformed,
    /// A verdict on no decision.
    NoneTicked,
    /// The reviewer's own call.
    OwnCall,
    /// No such decision.
    Unknown,
    /// As many wrong tokens as are answered at once.
    TooMany,
    /// The database is away.
    Unavailable,
}

// === impl Refusal ===

impl Refusal {
    fn text(&self) -> (StatusCode, &'static str) {
        match self {
            Refusal::Off => (
                StatusCode::NOT_FOUND,
                "Reviewing is off: this collector was started without REVIEWERS_FILE.",
            ),
            Refusal::SignIn(_) => (StatusCode::SEE_OTHER, ""),
            Refusal::Elsewhere(_) => (StatusCode::OK, "Opening the decision."),
            Refusal::Foreign => (
                StatusCode::FORBIDDEN,
                "This form was sent by another site, or by a browser that does not say.",
            ),
            Refusal::Stale => (
                StatusCode::FORBIDDEN,
                "This form is of an older session. Go back, load the page again and repeat it.",
            ),
            Refusal::Malformed => (StatusCode::BAD_REQUEST, "This form cannot be understood."),
            Refusal::NoneTicked => (
                StatusCode::BAD_REQUEST,
                "No decision was ticked. Go back and tick those that your verdict is on.",
            ),
            Refusal::OwnCall => {
                (StatusCode::FORBIDDEN, "This is your own call. Somebody else must judge it.")
            }
            Refusal::Unknown => (StatusCode::NOT_FOUND, "There is no such decision."),
            Refusal::TooMany => (
                StatusCode::TOO_MANY_REQUESTS,
                "Too many wrong tokens at once. Try again in a moment.",
            ),
            Refusal::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "The database is not available. Nothing was put on record; try again.",
            ),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, text) = self.text();
        match &self {
            Refusal::SignIn(login) => Redirect::to(login).into_response(),
            Refusal::Off => (status, format!("{text}\n")).into_response(),
            Refusal::Elsewhere(path) => (status, page(text, Some(path))).into_response(),
            Refusal::TooMany | Refusal::Unavailable => {
                (status, [(header::RETRY_AFTER, "1")], page(text, None)).into_response()
            }
            _ => (status, page(text, None)).into_response(),
        }
    }
}

/// A bare page, for nothing is known of whom it is for.
fn page(text: &str, onward: Option<&str>) -> axum::response::Html<String> {
    let body: Markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(path) = onward {
                    meta http-equiv="refresh" content=(format!("0; url={path}"));
                }
                title { "Reviews" }
            }
            body {
                main {
                    h1 { (text) }
                    @if let Some(path) = onward { p { a href=(path) { "Go on" } } }
                }
            }
        }
    };
    axum::response::Html(body.into_string())
}

impl From<StoreError> for Refusal {
    fn from(failure: StoreError) -> Refusal {
        tracing::warn!("could not serve a page: {failure}");
        Refusal::Unavailable
    }
}
