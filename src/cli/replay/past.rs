//! Past records and policies, as the collector's read-only endpoints give them.

use std::path::Path;
use std::time::Duration;

use crate::cli::CliError;
use crate::policy::Policy;
use crate::record::Outcome;

/// A page of a thousand records takes the database milliseconds.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Two pages are asked at once of a collector by anybody; the next is let through soon.
const BUSY_TRIES: u32 = 20;

/// Largest page: the collector ends one at 16 MiB and a record.
const PAGE_BYTES_MAX: u64 = 64 << 20;

/// Where `governance up` writes the read token, unless it is given another --data-dir.
const TOKEN_FILE: &str = ".governance/data/read-token";

/// The collector.
pub(super) struct Collector {
    url: String,
    authorization: String,
    agent: ureq::Agent,
}

/// Some records, in the order of their ids.
pub(super) struct Page {
    pub(super) records: Vec<Outcome>,
    /// Where the next page begins; `None` where this is the last.
    pub(super) next_after: Option<String>,
}

// === impl Collector ===

impl Collector {
    pub(super) fn new(url: &str, token_file: Option<&Path>) -> Result<Collector, CliError> {
        if !url.starts_with("http://") {
            let (given, expected) = (url.to_owned(), "http:// and the collector's address");
            return Err(CliError::Argument { name: "--collector", given, expected });
        }
        let token_file = match token_file {
            Some(given) => given,
            None if Path::new(TOKEN_FILE).exists() => Path::new(TOKEN_FILE),
            None => return Err(CliError::NoReadToken { path: TOKEN_FILE }),
        };
        let token = std::fs::read_to_string(token_file);
        let token = token.map_err(CliError::file("read the collector's token", token_file))?;
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let given = token_file.display().to_string();
            let expected = "a file that holds the read token and nothing else";
            return Err(CliError::Argument { name: "--token-file", given, expected });
        }
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build()
            .into();
        let url = url.trim_end_matches('/').to_owned();
        Ok(Collector { url, authorization: format!("Bearer {token}"), agent })
    }

    /// The records of a time, from behind the id `after`.
    pub(super) fn page(
        &self,
        since: &str,
        until: Option<&str>,
        after: Option<&str>,
    ) -> Result<Page, CliError> {
        let asked = [("since", Some(since)), ("until", until), ("after", after)];
        let (status, next_after, body) = self.get("/v1/decisions", &asked)?;
        if status != 200 {
            return Err(self.refused(status, &body));
        }
        let mut records = Vec::new();
        for (index, line) in body.lines().filter(|line| !line.is_empty()).enumerate() {
            let record = serde_json::from_str(line).map_err(|error| CliError::Line {
                path: format!("{}/v1/decisions", self.url).into(),
                number: index + 1,
                expected: "a decision record of format v1",
                column: error.column(),
            })?;
            records.push(record);
        }
        Ok(Page { records, next_after })
    }

    /// A policy of the past; `None` where its text is not one that this version can load.
    pub(super) fn policy(&self, version: &str) -> Result<Option<Policy>, CliError> {
        let (status, _, body) = self.get(&format!("/v1/policies/{version}"), &[])?;
        match status {
            200 => Ok(Policy::parse(&body).ok()),
            404 => Ok(None),
            _ => Err(self.refused(status, &body)),
        }
    }

    /// Status, where the next page begins, and body.
    fn get(
        &self,
        path: &str,
        query: &[(&str, Option<&str>)],
    ) -> Result<(u16, Option<String>, String), CliError> {
        let url = format!("{}{path}", self.url);
        for attempt in 1.. {
            let asked = query.iter().filter_map(|(name, value)| Some((*name, (*value)?)));
            let request = self.agent.get(&url).query_pairs(asked);
            let request = request.header("authorization", &self.authorization);
            let answer = request.call().map_err(|error| self.unreachable(&error))?;
            let status = answer.status().as_u16();
            if status == 503 && attempt < BUSY_TRIES {
                std::thread::sleep(Duration::from_millis(250));
                continue;
            }
            let next = answer.headers().get("x-next-after").and_then(|next| next.to_str().ok());
            let next = next.map(str::to_owned);
            let body = answer.into_body().into_with_config().limit(PAGE_BYTES_MAX);
            let body = body.read_to_string().map_err(|error| self.unreachable(&error))?;
            return Ok((status, next, body));
        }
        Err(CliError::Collector { url: self.url.clone(), why: "it stays busy".to_owned() })
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        CliError::Collector { url: self.url.clone(), why: error.to_string() }
    }

    /// The collector's own sentence says what is wrong with the question.
    fn refused(&self, status: u16, body: &str) -> CliError {
        let why = format!("it answers {status}: {}", body.trim());
        CliError::Collector { url: self.url.clone(), why }
    }
}
