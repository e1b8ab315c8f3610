//! Human review: who may judge, and the record of a verdict. The queue and the verdicts are in
//! `store::reviews`; a held call is answered in `ingest::holds`.

pub mod answers;
pub mod api;
pub mod command;
pub mod metrics;
pub mod pages;
pub mod reviewers;
pub mod session;

use std::sync::Arc;
use std::time::Duration;

use governance_filter::record::hex;
use serde::{Deserialize, Serialize};
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::config::Database;
use crate::error::{ApiError, StartError, StoreError};
use crate::review::reviewers::{Reviewer, Reviewers};
use crate::store::Store;
use crate::store::reader::Reader;
use crate::store::reviews::{Judged, NewVerdict};

/// The format of verdicts.
pub const FORMAT: u32 = 1;

/// Longest note, in characters.
pub const NOTE_CHARACTERS_MAX: usize = 1_000;

/// What a person says of a decision. Its JSON is a leaf of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// [`FORMAT`].
    pub v: u32,
    /// `v-` and the 32 hex digits of a UUIDv7.
    pub verdict_id: String,
    /// On what.
    pub decision_id: String,
    /// What it says.
    pub verdict: VerdictKind,
    /// Who, by the name of their token.
    pub reviewer: String,
    /// Why, in their words.
    pub note: String,
    /// Hex SHA-256 of the record that they were shown.
    pub shown_digest: String,
    /// The policy by which that record was made.
    pub policy_version: String,
    /// RFC 3339, UTC, milliseconds.
    pub decided_at: String,
}

/// What a verdict says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// It may stand, or pass.
    Approved,
    /// It may not.
    Rejected,
}

/// Why a review was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A policy routes the decision to people; the answer was not held for it.
    Routed,
    /// A policy holds the call until a person approves it.
    Held,
}

/// What people are shown, and their verdicts; for the API and the pages alike.
pub struct Reviewing {
    /// Who may judge.
    pub reviewers: Reviewers,
    /// Reads with the service's login, on connections of its own.
    pub reader: Reader,
    /// Where people reach this service.
    pub public_url: Option<String>,
    /// Age from which an open review is overdue.
    pub max_age: Duration,
    store: Arc<Store>,
    requests: Semaphore,
}

/// Connections; a page takes a handful of short statements.
const CONNECTIONS_MAX: usize = 2;

/// Requests answered at once: as many again wait for a connection.
const REQUESTS_MAX: usize = 4;

/// Where nothing else is said.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// A page is a few rows by their keys.
const QUERY_TIMEOUT: Duration = Duration::from_secs(10);

// === impl Reviewing ===

impl Reviewing {
    /// For those who may judge.
    pub fn new(
        database: &Database,
        store: Arc<Store>,
        reviewers: Reviewers,
        public_url: Option<String>,
    ) -> Result<Reviewing, StartError> {
        let reader = Reader::new(database, QUERY_TIMEOUT, CONNECTIONS_MAX)?;
        let requests = Semaphore::new(REQUESTS_MAX);
        Ok(Reviewing { reviewers, reader, public_url, max_age: MAX_AGE, store, requests })
    }

    /// With another age from which an open review is overdue.
    pub fn with_max_age(self, max_age: Duration) -> Reviewing {
        Reviewing { max_age, ..self }
    }

    /// A place among the requests that are answered at once.
    pub fn begin(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        self.requests.try_acquire().map_err(|_| ApiError::Busy)
    }

    /// Puts a verdict on record, where the reviewer may give it. `shown_digest` is the one of the
    /// record that they were shown; the note is cut at [`NOTE_CHARACTERS_MAX`].
    pub async fn judge(
        &self,
        reviewer: &Reviewer,
        decision_id: &str,
        verdict: VerdictKind,
        note: &str,
        shown_digest: &str,
    ) -> Result<Judged, StoreError> {
        let verdict = Verdict {
            v: FORMAT,
            verdict_id: String::new(),
            decision_id: decision_id.to_owned(),
            verdict,
            reviewer: reviewer.name.clone(),
            // Postgres keeps no NUL in text.
            note: note.trim().replace('\0', "").chars().take(NOTE_CHARACTERS_MAX).collect(),
            shown_digest: shown_digest.to_owned(),
            policy_version: String::new(),
            decided_at: String::new(),
        };
        let is_own = |caller: Option<&str>| reviewer.is_caller(caller);
        self.store.judge(&NewVerdict { verdict, is_own: &is_own }).await
    }
}

/// `v-` and a UUIDv7.
pub(crate) fn new_id(unix_ms: u64) -> Result<String, StoreError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| StoreError::Lost)?;
    let random = u128::from_be_bytes(bytes);
    // 48 bits of time, version 7, 12 random bits, variant 2, 62 random bits.
    let id = (u128::from(unix_ms) << 80) | (random & !(u128::MAX << 80));
    let id = (id & !(0xF << 76) & !(0x3 << 62)) | (0x7 << 76) | (0x2 << 62);
    Ok(format!("v-{}", hex(&id.to_be_bytes())))
}

// === impl VerdictKind ===

impl VerdictKind {
    /// The word of the record and the column.
    pub fn as_str(self) -> &'static str {
        match self {
            VerdictKind::Approved => "approved",
            VerdictKind::Rejected => "rejected",
        }
    }

    /// The kind of a word.
    pub fn parse(word: &str) -> Option<VerdictKind> {
        [VerdictKind::Approved, VerdictKind::Rejected]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

// === impl Reason ===

impl Reason {
    /// The word of the column.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Routed => "routed",
            Reason::Held => "held",
        }
    }

    /// The reason of a word.
    pub fn parse(word: &str) -> Option<Reason> {
        [Reason::Routed, Reason::Held].into_iter().find(|reason| reason.as_str() == word)
    }
}
