//! The error types and where each belongs: `StoreError` inside, wherever SQL runs; `StartError` for
//! whoever starts the process; `ApiError` at the HTTP edge, the only one a client sees.
//!
//! None of them carries a URL, a secret, or text of a record. Postgres quotes offending values in
//! its messages, so of an error about data only the SQLSTATE is kept.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use deadpool_postgres::HookError;
use tokio_postgres::error::SqlState;

/// Why the database did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection to be had.
    #[error("the database was not reached: {cause}")]
    Unreachable {
        /// The client library's words for sockets, TLS and sign-on, which quote no data.
        cause: String,
    },
    /// It did not answer in time.
    #[error("the database did not answer in time")]
    Timeout,
    /// The connection broke. What was being committed may or may not be there.
    #[error("the connection to the database was lost")]
    Lost,
    /// Rows that were being moved are no longer there.
    #[error("rows that were to be moved are gone")]
    Gone,
    /// It refused the data: trying again with the same data is pointless.
    #[error("the database refused the data with SQLSTATE {}", code.code())]
    Data {
        /// Class 22 or 23.
        code: SqlState,
    },
    /// It refused for a reason that lies not in the data.
    #[error("the database refused with SQLSTATE {}: {message}", code.code())]
    Server {
        /// Any other class.
        code: SqlState,
        /// Postgres's words, which name objects but quote no data.
        message: String,
    },
}

/// Why the process did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// What was configured makes no sense; every problem at once.
    #[error("{0}")]
    Config(#[from] crate::config::ConfigError),
    /// The database answered with an error, or not at all.
    #[error("{doing}: {source}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// What came of it.
        source: StoreError,
    },
    /// The tables are missing or older than this build.
    #[error(
        "the database is at schema {found}, this build needs {expected}; \
         run `log-collector migrate`"
    )]
    Schema {
        /// Newest migration found; 0 where there is none.
        found: i32,
        /// Newest migration of this build.
        expected: i32,
    },
    /// The service's login could change what it may only add to.
    #[error(
        "the login `{login}` may {privilege} ai_decisions, which must be append-only for the \
         service: use a login of its own that is granted only `app_service`"
    )]
    Privileged {
        /// Who connected.
        login: String,
        /// What it may do.
        privilege: String,
    },
    /// The service's login, or everyone, could shadow what the tables' owner calls.
    #[error(
        "the login `{login}` may CREATE in schema public, where nobody but `governance_owner` \
         should; as the schema's owner run:\n  \
         GRANT USAGE, CREATE ON SCHEMA public TO governance_owner;\n  \
         REVOKE CREATE ON SCHEMA public FROM PUBLIC, app_service;"
    )]
    OpenSchema {
        /// Who connected.
        login: String,
    },
    /// Acked would not mean durable.
    #[error("{setting} is `{found}`: what is acked could be lost; the server must run with `on`")]
    NotDurable {
        /// Which setting.
        setting: &'static str,
        /// Its value.
        found: String,
    },
    /// The migrating login can neither make the roles nor act as their owner.
    #[error(
        "the login `{login}` can not set up the roles (it needs CREATEROLE, and must own the \
         database); as an administrator run:\n{statements}\nthen run `log-collector migrate` again"
    )]
    Roles {
        /// Who connected.
        login: String,
        /// What an administrator can run instead.
        statements: String,
    },
    /// An applied migration is not the one this build carries.
    #[error("migration {version} was applied with other text than this build carries")]
    Changed {
        /// Its number.
        version: i32,
    },
    /// The ledger has one key at a time.
    #[error(
        "the ledger's key is `{registered}`, not `{given}`; to put another in its place run: \
         log-collector key rotate --signer-key-file OLD --new-public-key NEW"
    )]
    OtherKey {
        /// The one in force.
        registered: String,
        /// The one that was given.
        given: String,
    },
    /// A rotation keeps the name.
    #[error(
        "the new key is named `{given}`, the ledger `{registered}`; run: log-collector key new \
         --name {registered} --output FILE"
    )]
    OtherName {
        /// The name in force, which says whose tree it is.
        registered: String,
        /// The new one's.
        given: String,
    },
    /// There is nothing to rotate.
    #[error("the ledger has no key yet; run: log-collector migrate --ledger-public-key KEY")]
    NoKey,
    /// What was published last cannot be told, so nothing can be held against it.
    #[error(
        "CHECKPOINT_FILE: `{}` holds no checkpoint; if it is damaged, put a copy in its place",
        file.display()
    )]
    CheckpointFile {
        /// Which file.
        file: std::path::PathBuf,
    },
    /// The listener, the signal handlers or the TLS roots.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What came of it.
        source: std::io::Error,
    },
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] crate::spool::SpoolError),
    /// The HTTP client for alerts could not be built.
    #[error("cannot set up the client for alerts")]
    Client,
}

/// What a client is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// No token, or another one.
    #[error("a valid bearer token is needed")]
    Unauthorized,
    /// The body as a whole is no NDJSON.
    #[error("the body is no NDJSON: {0}")]
    NotNdjson(&'static str),
    /// The policy's text or its version.
    #[error("bad policy: {0}")]
    BadPolicy(&'static str),
    /// A question that cannot be understood.
    #[error("bad query: {0}")]
    BadQuery(&'static str),
    /// No such policy.
    #[error("there is no policy of this version")]
    NoPolicy,
    /// Nobody may read, for no token was set.
    #[error("reading is off: this collector was started without GOVERNANCE_READ_TOKEN")]
    ReadingOff,
    /// A verdict that cannot be understood.
    #[error("bad verdict: {0}")]
    BadVerdict(&'static str),
    /// No such decision.
    #[error("there is no decision of this id")]
    NoDecision,
    /// Nobody may judge, for nobody was named.
    #[error("review is off: this collector was started without REVIEWERS_FILE")]
    ReviewOff,
    /// As many questions as are answered at once.
    #[error("too many readers at once")]
    Busy,
    /// More than one request may carry.
    #[error("the body is too large")]
    TooLarge,
    /// The queue is full.
    #[error("the queue is full")]
    Full,
    /// The database is away, and the spool takes no more.
    #[error("the spool is full")]
    SpoolFull,
    /// Nothing was committed, or nobody knows.
    #[error("the database is not available")]
    Unavailable,
}

// === impl StoreError ===

impl StoreError {
    /// A lock was not to be had in time: somebody works on the same table.
    pub fn is_locked(&self) -> bool {
        matches!(self, StoreError::Server { code, .. } if *code == SqlState::LOCK_NOT_AVAILABLE)
    }

    /// It may pass by itself: the server is away, starting, stopping or out of connections.
    pub fn is_outage(&self) -> bool {
        match self {
            StoreError::Unreachable { .. } | StoreError::Timeout | StoreError::Lost => true,
            // 08 connection, 53 resources, 57 operator intervention, 58 system error.
            StoreError::Server { code, .. } => {
                matches!(code.code().get(..2), Some("08" | "53" | "57" | "58"))
            }
            StoreError::Data { .. } | StoreError::Gone => false,
        }
    }

    /// Says what was being done when a start fails.
    pub fn during(self, doing: &'static str) -> StartError {
        StartError::Store { doing, source: self }
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> StoreError {
        let Some(database) = error.as_db_error() else {
            return if error.is_closed() { StoreError::Lost } else { unreachable(&error) };
        };
        let code = database.code().clone();
        match code.code().get(..2) {
            // 22 data exception, 23 integrity violation, 54 a program limit (row too big).
            Some("22" | "23" | "54") => StoreError::Data { code },
            _ if code == SqlState::QUERY_CANCELED => StoreError::Timeout,
            _ => StoreError::Server { code, message: database.message().to_owned() },
        }
    }
}

impl From<deadpool_postgres::PoolError> for StoreError {
    fn from(error: deadpool_postgres::PoolError) -> StoreError {
        match error {
            deadpool_postgres::PoolError::Backend(error) => error.into(),
            deadpool_postgres::PoolError::Timeout(_) => StoreError::Timeout,
            deadpool_postgres::PoolError::PostCreateHook(HookError::Backend(error)) => error.into(),
            other => unreachable(&other),
        }
    }
}

fn unreachable(error: &dyn std::error::Error) -> StoreError {
    let mut cause = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let text = error.to_string();
        if !cause.contains(&text) {
            cause = format!("{cause}: {text}");
        }
        source = error.source();
    }
    StoreError::Unreachable { cause }
}

// === impl ApiError ===

impl ApiError {
    fn status(self) -> StatusCode {
        match self {
            ApiError::Unauthorized => StatusCode::UNAUTHORIZED,
            ApiError::NotNdjson(_)
            | ApiError::BadPolicy(_)
            | ApiError::BadQuery(_)
            | ApiError::BadVerdict(_) => StatusCode::BAD_REQUEST,
            ApiError::NoPolicy | ApiError::NoDecision | ApiError::ReviewOff => {
                StatusCode::NOT_FOUND
            }
            ApiError::ReadingOff => StatusCode::FORBIDDEN,
            ApiError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            ApiError::Full | ApiError::SpoolFull | ApiError::Busy | ApiError::Unavailable => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        let text = format!("{self}\n");
        if status == StatusCode::SERVICE_UNAVAILABLE {
            (status, [(header::RETRY_AFTER, "1")], text).into_response()
        } else {
            (status, text).into_response()
        }
    }
}
