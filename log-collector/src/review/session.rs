//! Who is signed in to the pages. A session is a signed cookie and nothing on the server, so that
//! every replica knows it: its key is made of the secret that all replicas share and of the digest
//! of the reviewer's token, so that a changed token ends its sessions, and the file of reviewers
//! alone lets nobody in.

use axum::http::{HeaderMap, header};
use governance_filter::record::hex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::config::Secret;
use crate::review::reviewers::{Reviewer, Reviewers};

/// How long a session lasts: a working day.
pub const LIFETIME_SECONDS: u64 = 8 * 3_600;

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct Session {
    /// Who.
    pub reviewer: Reviewer,
    /// What each of this session's forms must bear.
    pub form_token: String,
}

/// Where cookies and forms belong.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a>(pub Option<&'a str>);

// === impl Session ===

impl Session {
    /// The cookie's value: when it ends, its signature, and the name.
    pub fn issue(secret: &Secret, reviewer: &Reviewer, now_s: u64) -> String {
        let ends = now_s.saturating_add(LIFETIME_SECONDS);
        let signature = sign(secret, reviewer, "session", ends);
        format!("{ends}:{signature}:{}", reviewer.name)
    }

    /// The session of a cookie's value, where it is genuine, not over, and of somebody who may
    /// still judge.
    pub fn open(
        secret: &Secret,
        reviewers: &Reviewers,
        value: &str,
        now_s: u64,
    ) -> Option<Session> {
        let (ends, rest) = value.split_once(':')?;
        let (signature, name) = rest.split_once(':')?;
        let ends: u64 = ends.parse().ok()?;
        let reviewer = reviewers.by_name(name)?.clone();
        let expected = sign(secret, &reviewer, "session", ends);
        let genuine = bool::from(expected.as_bytes().ct_eq(signature.as_bytes()));
        if !genuine || ends <= now_s {
            return None;
        }
        let form_token = sign(secret, &reviewer, "form", ends);
        Some(Session { reviewer, form_token })
    }

    /// Whether a form came from one of this session's pages.
    pub fn is_form_token(&self, sent: &str) -> bool {
        self.form_token.as_bytes().ct_eq(sent.as_bytes()).into()
    }
}

/// For one use, one reviewer, their present token, and one end.
fn sign(secret: &Secret, reviewer: &Reviewer, purpose: &str, ends: u64) -> String {
    // No part can hold a line break, so no two texts are the same.
    let Reviewer { name, token_sha256, .. } = reviewer;
    let text = format!("governance {purpose}\n{name}\n{token_sha256}\n{ends}");
    // HMAC takes keys of every length.
    let mac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes());
    mac.map_or_else(
        |_| String::new(),
        |mut mac| {
            mac.update(text.as_bytes());
            hex(&mac.finalize().into_bytes())
        },
    )
}

// === impl Site ===

impl<'a> Site<'a> {
    /// `Set-Cookie` of a session that begins.
    pub fn set_cookie(self, value: &str) -> String {
        self.cookie(value, LIFETIME_SECONDS)
    }

    /// `Set-Cookie` of a session that ends.
    pub fn clear_cookie(self) -> String {
        self.cookie("", 0)
    }

    fn cookie(self, value: &str, seconds: u64) -> String {
        let name = self.cookie_name();
        let secure = if self.is_https() { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}")
    }

    /// The session's cookie, as the browser sent it.
    pub fn read_cookie(self, headers: &HeaderMap) -> Option<&str> {
        let prefix = self.cookie_name();
        let sent = headers.get_all(header::COOKIE).iter();
        let mut pairs = sent.filter_map(|value| value.to_str().ok()).flat_map(|v| v.split(';'));
        pairs.find_map(|pair| pair.trim().strip_prefix(prefix)?.strip_prefix('='))
    }

    /// Whether a browser says that one of our own pages sent this. One that says nothing is
    /// refused: all of them send `Origin` along with a form.
    pub fn is_own_form(self, headers: &HeaderMap) -> bool {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        if let Some(site) = text("sec-fetch-site") {
            return site == "same-origin";
        }
        let Some(origin) = text("origin") else { return false };
        let host = origin.split_once("://").map(|(_, host)| host);
        self.origin() == Some(origin) || (host.is_some() && host == text("host"))
    }

    /// What stands before every path of ours where a proxy takes it off again; mostly nothing.
    pub fn prefix(self) -> &'a str {
        self.split().map_or("", |(_, path)| path)
    }

    fn is_https(self) -> bool {
        self.0.is_some_and(|url| url.starts_with("https://"))
    }

    /// Browsers take a cookie of this prefix only over TLS, and for this host alone.
    fn cookie_name(self) -> &'static str {
        if self.is_https() { "__Host-governance_session" } else { "governance_session" }
    }

    /// Scheme and authority.
    fn origin(self) -> Option<&'a str> {
        self.split().map(|(origin, _)| origin)
    }

    fn split(self) -> Option<(&'a str, &'a str)> {
        let url = self.0?;
        let authority = url.find("://")? + 3;
        let slash = url.get(authority..)?.find('/');
        url.split_at_checked(slash.map_or(url.len(), |slash| authority + slash))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use governance_filter::record::sha256_hex;

    use super::*;

    fn reviewers(token: &str) -> Reviewers {
        let digest = sha256_hex(token.as_bytes());
        let entry = format!(r#"{{"name":"ann","token_sha256":"{digest}"}}"#);
        Reviewers::parse(&format!(r#"{{"reviewers":[{entry}]}}"#)).unwrap()
    }

    fn secret(text: &str) -> Secret {
        text.parse().unwrap()
    }

    #[test]
    fn session_is_open_until_it_ends() {
        let (secret, all) = (secret("0123456789abcdef"), reviewers("grv_a"));
        let cookie = Session::issue(&secret, all.by_name("ann").unwrap(), 1_000);
        let open = |now| Session::open(&secret, &all, &cookie, now);
        let session = open(1_000).unwrap();
        assert_eq!(session.reviewer.name, "ann");
        assert!(session.is_form_token(&session.form_token.clone()));
        assert!(!session.is_form_token(""));
        assert!(!cookie.contains(&session.form_token));
        assert!(open(1_000 + LIFETIME_SECONDS - 1).is_some());
        assert!(open(1_000 + LIFETIME_SECONDS).is_none());
    }

    #[test]
    fn session_is_nobody_else_s() {
        let (ours, all) = (secret("0123456789abcdef"), reviewers("grv_a"));
        let cookie = Session::issue(&ours, all.by_name("ann").unwrap(), 1_000);
        let longer = cookie.replacen("29800", "99999", 1);
        let other_name = cookie.replace(":ann", ":bob");
        for forged in [longer.as_str(), &other_name, "", "29800::ann", "x:y:ann"] {
            assert!(Session::open(&ours, &all, forged, 1_000).is_none(), "{forged}");
        }
        let changed = reviewers("grv_b");
        assert!(Session::open(&ours, &changed, &cookie, 1_000).is_none(), "a new token");
        let theirs = secret("another-secret-of-somebody");
        assert!(Session::open(&theirs, &all, &cookie, 1_000).is_none(), "another service");
    }

    #[test]
    fn cookie_is_as_strict_as_the_site() {
        let plain = Site(None).set_cookie("1:2:ann");
        let expected = "governance_session=1:2:ann; Path=/; Max-Age=28800; HttpOnly; \
                        SameSite=Strict";
        assert_eq!(plain, expected);
        let site = Site(Some("https://d.example.com/ai"));
        let expected = "__Host-governance_session=; Path=/; Max-Age=0; HttpOnly; \
                        SameSite=Strict; Secure";
        assert_eq!(site.clear_cookie(), expected);
        assert_eq!(site.prefix(), "/ai");
        let mut headers = HeaderMap::new();
        let sent = "a=b; __Host-governance_session=1:2:ann; governance_session=no";
        headers.insert(header::COOKIE, HeaderValue::from_static(sent));
        assert_eq!(site.read_cookie(&headers), Some("1:2:ann"));
    }

    #[test]
    fn form_of_another_site_is_refused() {
        let site = Site(Some("https://d.example.com"));
        for (name, value, own) in [
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "none", false),
            ("origin", "https://d.example.com", true),
            ("origin", "http://10.0.0.1:9080", true),
            ("origin", "https://evil.example.com", false),
            ("origin", "null", false),
            ("x-other", "", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("10.0.0.1:9080"));
            headers.insert(name, HeaderValue::from_static(value));
            assert_eq!(site.is_own_form(&headers), own, "{name}: {value}");
        }
    }
}
