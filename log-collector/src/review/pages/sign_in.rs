//! Signing in with a personal token, and out again.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::Query;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::asked::{Asked, Signed, next_of};
use super::layout::{Shell, hidden, notice};
use super::refusal::Refusal;
use super::verdicts::{field, fields};
use crate::clock::unix_ms;
use crate::review::session::Session;

/// How long a wrong token waits for its answer, and how many may wait at once. Tokens have 256
/// random bits, so guessing is hopeless anyway; and a right one is let in whoever else is guessing.
const WRONG_TOKEN_DELAY: Duration = Duration::from_secs(1);
static WRONG_TOKENS: Semaphore = Semaphore::const_new(8);

/// Where to go afterwards.
#[derive(Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// `GET /login?next=…`.
pub async fn get_login(asked: Asked, Query(Next { next }): Query<Next>) -> Response {
    form(&asked, next_of(&next), false)
}

/// `POST /login`.
pub async fn post_login(asked: Asked, body: Bytes) -> Result<Response, Refusal> {
    let sent = fields(&body);
    let next = next_of(field(&sent, "next"));
    let Some(reviewer) = asked.reviewing.reviewers.by_token(field(&sent, "token").trim()) else {
        let _waits = WRONG_TOKENS.try_acquire().map_err(|_| Refusal::TooMany)?;
        tokio::time::sleep(WRONG_TOKEN_DELAY).await;
        return Ok((StatusCode::UNAUTHORIZED, form(&asked, next, true)).into_response());
    };
    let cookie = Session::issue(&asked.secret, reviewer, unix_ms() / 1_000);
    let cookie = asked.site().set_cookie(&cookie);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&asked.path(next))).into_response())
}

/// `POST /logout`.
pub async fn post_logout(signed: Signed, body: Bytes) -> Result<Response, Refusal> {
    if !signed.session.is_form_token(field(&fields(&body), "form_token")) {
        return Err(Refusal::Stale);
    }
    let cookie = signed.asked.site().clear_cookie();
    let login = signed.asked.path("/login");
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&login)).into_response())
}

fn form(asked: &Asked, next: &str, wrong: bool) -> Response {
    let content: Markup = html! {
        div.login {
            h1 { "Sign in" }
            @if wrong { (notice("bad", "This token is not known. Nobody was signed in.")) }
            form method="post" action=(asked.path("/login")) {
                (hidden("next", next))
                label for="token" { "Personal token" }
                input #token type="password" name="token" required autocomplete="current-password"
                    spellcheck="false" aria-describedby="token-hint";
                p.hint #token-hint { "It begins with " code { "grv_" } " and is yours alone." }
                button type="submit" { "Sign in" }
            }
        }
    };
    let shell = Shell { prefix: asked.site().prefix(), title: "Sign in", who: None };
    shell.page(&content).into_response()
}
