//! What a request asks for: of which service, by whom, and which part of the list.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Method;
use axum::http::request::Parts;
use serde::Deserialize;

use super::refusal::Refusal;
use crate::clock::unix_ms;
use crate::config::Secret;
use crate::ingest::line::id_unix_ms;
use crate::review::Reviewing;
use crate::review::session::{Session, Site};
use crate::routes::AppState;

/// A request where somebody may judge.
pub struct Asked {
    /// What the pages share.
    pub reviewing: Arc<Reviewing>,
    /// What sessions are signed with.
    pub secret: Secret,
}

/// A request of somebody who is signed in.
pub struct Signed {
    /// Of which service.
    pub asked: Asked,
    /// By whom.
    pub session: Session,
}

/// What stands behind `?` in our own links: which part of the list, and what verdicts came to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Page {
    /// The last review of the page before, by its decision.
    pub after: Option<String>,
    /// The first review of the group of which all are ticked.
    pub select: Option<String>,
    /// Verdicts that were put on record.
    pub given: u16,
    /// Verdicts that stood there already.
    pub stands: u16,
    /// Decisions that have another record than the one that was shown.
    pub changed: u16,
    /// Decisions on the reviewer's own calls.
    pub own: u16,
    /// Decisions that are not there.
    pub unknown: u16,
}

// === impl Asked ===

impl Asked {
    /// Where its cookies and forms belong.
    pub fn site(&self) -> Site<'_> {
        Site(self.reviewing.public_url.as_deref())
    }

    /// A path of ours as browsers know it.
    pub fn path(&self, path: &str) -> String {
        format!("{}{path}", self.site().prefix())
    }
}

impl FromRequestParts<AppState> for Asked {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        let reviewing = app.reviewing.clone().ok_or(Refusal::Off)?;
        let asked = Asked { reviewing, secret: app.token.clone() };
        if parts.method == Method::POST && !asked.site().is_own_form(&parts.headers) {
            return Err(Refusal::Foreign);
        }
        Ok(asked)
    }
}

// === impl Signed ===

impl FromRequestParts<AppState> for Signed {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, Refusal> {
        let asked = Asked::from_request_parts(parts, app).await?;
        let cookie = asked.site().read_cookie(&parts.headers);
        let reviewers = &asked.reviewing.reviewers;
        let session = cookie
            .and_then(|cookie| Session::open(&asked.secret, reviewers, cookie, unix_ms() / 1_000));
        match session {
            Some(session) => Ok(Signed { asked, session }),
            // A strict cookie does not come along when another site's link is followed, but does
            // when our own page leads to the same place.
            None if cookie.is_none() && is_from_elsewhere(parts) => {
                Err(Refusal::Elsewhere(asked.path(parts.uri.path())))
            }
            None => {
                let path = parts.uri.path();
                let next = if path.starts_with("/decisions/") { path } else { "/reviews" };
                Err(Refusal::SignIn(asked.path(&format!("/login?next={next}"))))
            }
        }
    }
}

fn is_from_elsewhere(parts: &Parts) -> bool {
    let site = parts.headers.get("sec-fetch-site");
    parts.method == Method::GET && site.is_some_and(|site| site == "cross-site")
}

/// A place to go to after signing in: the list, or a decision. Nothing else is led to.
pub fn next_of(sent: &str) -> &str {
    let id = sent.strip_prefix("/decisions/");
    if id.is_some_and(|id| id_unix_ms(id).is_some()) { sent } else { "/reviews" }
}

// === impl Page ===

impl Page {
    /// Behind which review the page begins.
    pub fn behind(&self) -> Option<&str> {
        self.after.as_deref().filter(|id| id_unix_ms(id).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        let decision = "/decisions/d-0198c0ffee007000800000000000002a";
        assert_eq!(next_of(decision), decision);
        for elsewhere in ["https://evil.example.com", "//evil", "/decisions/../x", "", "/logout"] {
            assert_eq!(next_of(elsewhere), "/reviews");
        }
    }
}
