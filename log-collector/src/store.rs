//! Everything that talks SQL. Above this module nobody sees a connection, below it nobody sees
//! HTTP.
//!
//! Every session is set up here, so that nothing waits for ever, and every transaction that is
//! acked begins here, so that its commit is durable. Every name of ours says `public`, and nothing
//! else is looked up there: whoever may create in that schema could put a function there that fits
//! a call better than pg_catalog's.

pub mod audit;
mod batch;
pub mod columns;
pub mod decision;
pub mod erasures;
pub mod history;
pub mod holds;
mod indexes;
pub mod intents;
pub mod keys;
pub mod ledger;
pub mod listed;
pub mod messages;
pub mod migrate;
pub mod outbox;
pub mod policies;
pub mod proofs;
mod quarantine;
pub mod reader;
pub mod review_stats;
pub mod reviews;
pub mod routed;
mod subtrees;
pub mod summaries;
mod tls;
pub mod watch;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Object, Pool, RecyclingMethod};
use deadpool_postgres::{Runtime, Timeouts, Transaction};

use crate::config::Database;
use crate::error::{StartError, StoreError};
use crate::metrics::Metrics;

/// Two targets of alerts, the closer, the watch and policies: one each, and one to spare.
const CONNECTIONS_MAX: usize = 6;

/// See `ingest::writer`.
pub const WRITERS: usize = 2;

/// A database that does not take a connection in this time is not available.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// What every session starts with.
const SESSION: &str = "
    SET search_path = pg_catalog, pg_temp;
    SET idle_in_transaction_session_timeout = '30s'";

/// What every transaction that is acked starts with; a pooler may give each to another session.
/// `remote_apply` is stronger than `on`, so it stays.
const DURABLE: &str = "
    SELECT set_config('synchronous_commit', 'on', true)
     WHERE current_setting('synchronous_commit') NOT IN ('on', 'remote_apply')";

/// The database, as the service's own login sees it.
pub struct Store {
    pool: Pool,
    /// Connections that nothing but commits can take.
    writer: Pool,
    /// One for the ledger.
    sequencer: Pool,
    /// One for held calls: they wait for each other anyway, and nobody else shall wait for them.
    holds: Pool,
    commit_timeout: Duration,
    /// Versions known to be in `ai_policies`, whose rows go only when a backup is restored.
    policies: Mutex<HashSet<String>>,
    /// Alert targets that get a row for each decision that asks for one.
    targets: Vec<&'static str>,
    metrics: Arc<Metrics>,
}

// === impl Store ===

impl Store {
    /// Sets up the pool; connects only on first use.
    pub fn new(
        database: &Database,
        commit_timeout: Duration,
        targets: Vec<&'static str>,
        metrics: Arc<Metrics>,
    ) -> Result<Store, StartError> {
        let pool = connect(database, commit_timeout, CONNECTIONS_MAX)?;
        let writer = connect(database, commit_timeout, WRITERS)?;
        let sequencer = connect(database, commit_timeout, 1)?;
        let holds = connect(database, holds::PATIENCE, 1)?;
        let policies = Mutex::default();
        Ok(Store { pool, writer, sequencer, holds, commit_timeout, policies, targets, metrics })
    }

    /// Refuses to start on a database that could lose or change what was acked.
    pub async fn check(&self) -> Result<(), StartError> {
        let mut client = self.client().await.map_err(|e| e.during("connecting to the database"))?;
        let found = migrate::version(&client).await.map_err(|e| e.during("reading the schema"))?;
        if found < migrate::VERSION {
            return Err(StartError::Schema { found, expected: migrate::VERSION });
        }
        let doing = "checking the login's rights";
        let tx = begin(&mut client).await.map_err(|e| e.during(doing))?;
        let row = tx
            .query_one(
                "SELECT current_setting('synchronous_commit'), current_user::text,
                    concat_ws(', ',
                        CASE WHEN has_any_column_privilege('public.ai_decisions', 'UPDATE')
                            THEN 'UPDATE' END,
                        CASE WHEN has_table_privilege('public.ai_decisions', 'DELETE')
                            THEN 'DELETE' END,
                        CASE WHEN has_table_privilege('public.ai_decisions', 'TRUNCATE')
                            THEN 'TRUNCATE' END),
                    has_schema_privilege('public', 'CREATE'), current_setting('fsync')",
                &[],
            )
            .await
            .map_err(|e| StoreError::from(e).during(doing))?;
        let (durable, login, privilege): (String, String, String) =
            (row.get(0), row.get(1), row.get(2));
        if !matches!(durable.as_str(), "on" | "remote_apply") {
            return Err(StartError::NotDurable { setting: "synchronous_commit", found: durable });
        }
        let fsync: String = row.get(4);
        if fsync != "on" {
            return Err(StartError::NotDurable { setting: "fsync", found: fsync });
        }
        if !privilege.is_empty() {
            return Err(StartError::Privileged { login, privilege });
        }
        if row.get(3) {
            return Err(StartError::OpenSchema { login });
        }
        Ok(())
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }

    /// Runs `work` on a connection that is thrown away when it fails or does not end in time: a
    /// transaction left half done must not meet the next user, nor a connection that hangs.
    async fn bounded<T>(
        &self,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.bounded_on(&self.pool, work).await
    }

    async fn bounded_on<T>(
        &self,
        pool: &Pool,
        work: impl AsyncFnOnce(&mut Object) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        bounded_within(self.commit_timeout, pool.get().await?, work).await
    }

    fn policies(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.policies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// See [`Store::bounded`].
async fn bounded_within<T>(
    patience: Duration,
    mut client: Object,
    work: impl AsyncFnOnce(&mut Object) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let result = tokio::time::timeout(patience, work(&mut client)).await;
    if !matches!(result, Ok(Ok(_))) {
        drop(Object::take(client));
    }
    result.unwrap_or(Err(StoreError::Timeout))
}

/// Begins a transaction whose commit is durable, whatever its session says.
async fn begin(client: &mut Object) -> Result<Transaction<'_>, StoreError> {
    let tx = client.transaction().await?;
    tx.batch_execute(DURABLE).await?;
    Ok(tx)
}

/// A pool whose sessions are set up as [`SESSION`] says.
fn connect(
    database: &Database,
    statement_timeout: Duration,
    connections_max: usize,
) -> Result<Pool, StartError> {
    let mut postgres = database.postgres.clone();
    postgres.application_name("log-collector");
    postgres.connect_timeout(CONNECT_TIMEOUT);
    let config = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(postgres, tls::connector(database)?, config);
    let timeout_ms = statement_timeout.as_millis();
    let hook = Hook::async_fn(move |client: &mut deadpool_postgres::ClientWrapper, _| {
        Box::pin(async move {
            let session = format!("SET statement_timeout = {timeout_ms}; {SESSION}");
            client.batch_execute(&session).await.map_err(HookError::Backend)
        })
    });
    let timeouts = Timeouts {
        wait: Some(CONNECT_TIMEOUT),
        create: Some(CONNECT_TIMEOUT),
        recycle: Some(CONNECT_TIMEOUT),
    };
    let pool = Pool::builder(manager)
        .max_size(connections_max)
        .runtime(Runtime::Tokio1)
        .timeouts(timeouts)
        .post_create(hook)
        .build();
    // Only a missing runtime can fail here, and it was just given.
    pool.map_err(|error| {
        let cause = error.to_string();
        StoreError::Unreachable { cause }.during("setting up the connections")
    })
}
