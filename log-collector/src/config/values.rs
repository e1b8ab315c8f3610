//! What single settings are parsed into. None of them shows itself in `Debug`, errors or logs.

use std::fmt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;

use crate::ledger::note::SignerKey;

/// A parsed Postgres URL.
#[derive(Clone)]
pub struct Database {
    /// What the client library understands.
    pub postgres: tokio_postgres::Config,
    /// `sslmode` was `verify-ca` or `verify-full`; both check the name, too.
    pub verify: bool,
    /// `sslrootcert`, in place of the system's roots.
    pub root_cert: Option<PathBuf>,
}

/// A parsed webhook URL, secret because it alone lets one post.
#[derive(Clone)]
pub struct Webhook(pub Url);

/// A receiver of signed events.
#[derive(Clone, Debug)]
pub struct WebhookConfig {
    /// Where it listens.
    pub url: Webhook,
    /// What it checks signatures with; two while it is being given another.
    pub keys: Vec<SigningKey>,
}

/// The key of a signature that both sides know.
#[derive(Clone)]
pub struct SigningKey(Vec<u8>);

/// Text that never shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

// === impl Database ===

impl Database {
    /// Parses a URL. The client library knows neither `verify-*` nor `sslrootcert`, so these are
    /// taken out first. The reason never quotes the URL, which holds a password.
    pub fn parse(text: &str) -> Result<Database, &'static str> {
        const SHAPE: &str = "expected a URL such as postgres://user@host:5432/name";
        let mut url = text.trim().to_owned();
        let (mut verify, mut root_cert) = (false, None);
        if let Ok(mut parsed) = Url::parse(&url)
            && parsed.query().is_some()
        {
            let mut kept = Vec::new();
            for (key, value) in parsed.query_pairs() {
                match (key.as_ref(), value.as_ref()) {
                    ("sslmode", "verify-ca" | "verify-full") => {
                        verify = true;
                        kept.push(("sslmode".to_owned(), "require".to_owned()));
                    }
                    ("sslrootcert", path) => root_cert = Some(PathBuf::from(path)),
                    _ => kept.push((key.into_owned(), value.into_owned())),
                }
            }
            parsed.set_query(None);
            // Not the form encoding of `query_pairs_mut`: its `+` is no space to libpq's grammar.
            let query: Vec<String> = kept
                .iter()
                .map(|(key, value)| {
                    format!(
                        "{key}={}",
                        value.replace('%', "%25").replace('&', "%26").replace(' ', "%20")
                    )
                })
                .collect();
            url = if query.is_empty() {
                parsed.to_string()
            } else {
                format!("{parsed}?{}", query.join("&"))
            };
        }
        let postgres = url.parse::<tokio_postgres::Config>().map_err(|_| SHAPE)?;
        if postgres.get_hosts().is_empty() {
            return Err(SHAPE);
        }
        Ok(Database { postgres, verify, root_cert })
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

// === impl Webhook ===

impl Webhook {
    /// Parses Slack's `http` or `https` URL.
    pub fn parse(text: &str) -> Result<Webhook, &'static str> {
        Webhook::read(text).ok_or("expected a URL such as https://hooks.slack.com/services/…")
    }

    /// Parses anybody's.
    pub fn parse_any(text: &str) -> Result<Webhook, &'static str> {
        Webhook::read(text).ok_or("expected a URL such as https://alerts.example.com/hooks/…")
    }

    fn read(text: &str) -> Option<Webhook> {
        let url = Url::parse(text.trim()).ok()?;
        matches!(url.scheme(), "http" | "https").then_some(Webhook(url))
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

// === impl SigningKey ===

impl SigningKey {
    /// As Standard Webhooks writes secrets, separated by spaces.
    pub fn parse_all(text: &str) -> Result<Vec<SigningKey>, &'static str> {
        const BYTES: std::ops::RangeInclusive<usize> = 24..=64;
        let key = |word: &str| {
            let bytes = STANDARD.decode(word.strip_prefix("whsec_")?).ok()?;
            BYTES.contains(&bytes.len()).then_some(SigningKey(bytes))
        };
        let keys: Option<Vec<_>> = text.split_whitespace().map(key).collect();
        keys.filter(|keys| (1..=2).contains(&keys.len())).ok_or(
            "expected `whsec_` and 24 to 64 bytes in Base64, or two of them, the new one first",
        )
    }

    /// The key itself, for the one place that signs.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

// === impl Secret ===

impl Secret {
    /// The text itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Secret, Self::Err> {
        Ok(Secret(text.trim().to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// The key that signs checkpoints, from a file that is its owner's alone. Says what is wrong.
pub fn read_signer_key(file: &Path) -> Result<SignerKey, String> {
    let shown = file.display();
    let unreadable = |error: std::io::Error| format!("cannot read `{shown}`: {error}");
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode();
    if mode & 0o077 != 0 {
        return Err(format!("`{shown}` can be read by others; run: chmod 600 '{shown}'"));
    }
    let text = std::fs::read_to_string(file).map_err(unreadable)?;
    SignerKey::parse(&text).map_err(|problem| format!("`{shown}`: {problem}"))
}
