//! A client of the API of reviews: a request, its answer, and in words why there is none.

use std::time::Duration;

use reqwest::{Method, StatusCode, Url, header, redirect};
use serde::de::DeserializeOwned;

use crate::config::Secret;

/// 256 verdicts are as many commits.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Enough for any of the collector's own errors.
const ERROR_CHARACTERS_MAX: usize = 300;

/// Speaks to one collector.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: Secret,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The client could not be set up.
    #[error("cannot set up the HTTP client")]
    SetUp,
    /// Nothing answers there.
    #[error("no collector answers at {at}: {cause}; set --collector, or COLLECTOR_URL")]
    Unreachable {
        /// Scheme, host and port.
        at: String,
        /// From a closed set.
        cause: &'static str,
    },
    /// It said no.
    #[error("the collector answered {status}: {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// Its words.
        text: String,
    },
    /// It is another program, or of another version.
    #[error("the collector's answer is not what this version reads")]
    Unreadable,
}

// === impl Client ===

impl Client {
    /// Sets up the client; connects only on the first request.
    pub fn new(url: Url, token: Secret) -> Result<Client, ClientError> {
        // The first caller in the process wins, and all choose the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none());
        Ok(Client { http: http.build().map_err(|_| ClientError::SetUp)?, url, token })
    }

    /// The body of a `GET` below `/v1` that was answered 200.
    pub async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Vec<u8>, ClientError> {
        let mut url = self.at(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.send(Method::GET, url, Vec::new()).await
    }

    /// The body of a `POST` below `/v1` that was answered in JSON, whatever its status.
    pub async fn post(&self, path: &[&str], body: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        self.send(Method::POST, self.at(path), body).await
    }

    fn at(&self, path: &[&str]) -> Url {
        let mut url = self.url.clone();
        url.set_query(None);
        // A URL of `http` has segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        url
    }

    async fn send(&self, method: Method, url: Url, body: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let unreachable = |error: reqwest::Error| {
            let cause = match () {
                () if error.is_timeout() => "it did not answer in time",
                () if error.is_connect() => "the connection failed",
                () => "the connection broke",
            };
            ClientError::Unreachable { at: self.url.origin().ascii_serialization(), cause }
        };
        let request = self.http.request(method, url).bearer_auth(self.token.expose()).body(body);
        let response = request.send().await.map_err(unreachable)?;
        let status = response.status();
        let kind = response.headers().get(header::CONTENT_TYPE);
        let is_json = kind.is_some_and(|kind| kind == "application/json");
        let body = response.bytes().await.map_err(unreachable)?;
        if is_json || status == StatusCode::OK {
            return Ok(body.to_vec());
        }
        let text = String::from_utf8_lossy(&body);
        let text = text.trim().chars().take(ERROR_CHARACTERS_MAX);
        let text = text.map(|c| if c.is_control() { ' ' } else { c }).collect();
        Err(ClientError::Refused { status: status.as_u16(), text })
    }
}

/// Reads an answer.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ClientError> {
    serde_json::from_slice(body).map_err(|_| ClientError::Unreadable)
}
