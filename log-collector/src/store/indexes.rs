//! Indexes of partitions that are too large to be indexed under a lock: built concurrently after
//! the migrations, each of which is a transaction and so cannot. Decides on no index itself.

use std::time::Duration;

use deadpool_postgres::Object;
use tracing::info;

use crate::error::{StartError, StoreError};
use crate::store::migrate::LOCK_TIMEOUT;

/// Any number, the same in every collector: only one builds at a time.
const LOCK: i64 = 7_161_106_206_005;

/// How often whoever waits for the lock tries again.
const TRY_AGAIN: Duration = Duration::from_millis(200);

/// Partitions without an index that their parent has declared, the newest first.
const MISSING: &str = "
    SELECT format('%I', parent.relname), format('%I', part.relname),
        format('%I', part.relname || replace(parent.relname, 'ai_decisions', '')),
        regexp_replace(pg_get_indexdef(parent.oid), '^.* USING ', 'USING ')
     FROM pg_index i
     JOIN pg_class parent ON parent.oid = i.indexrelid
     JOIN pg_inherits h ON h.inhparent = i.indrelid
     JOIN pg_class part ON part.oid = h.inhrelid
    WHERE i.indrelid = 'public.ai_decisions'::regclass AND NOT i.indisvalid AND NOT EXISTS (
        SELECT FROM pg_inherits attached JOIN pg_index own ON own.indexrelid = attached.inhrelid
         WHERE attached.inhparent = parent.oid AND own.indrelid = part.oid)
    ORDER BY part.relname DESC, parent.relname";

/// Builds what is missing, without a lock that a decision would wait for.
pub(super) async fn build(client: &Object) -> Result<(), StartError> {
    let store = |e: tokio_postgres::Error| StoreError::from(e).during("building an index");
    // A large partition takes as long as it takes.
    client
        .batch_execute("SET ROLE governance_owner; SET statement_timeout = 0")
        .await
        .map_err(store)?;
    // Not `pg_advisory_lock`: a build waits for the statements of all others, also for that one.
    while !client
        .query_one("SELECT pg_try_advisory_lock($1)", &[&LOCK])
        .await
        .map_err(store)?
        .get::<_, bool>(0)
    {
        tokio::time::sleep(TRY_AGAIN).await;
    }
    for row in client.query(MISSING, &[]).await.map_err(store)? {
        let [parent, part, name, body]: [String; 4] = [0, 1, 2, 3].map(|at| row.get(at));
        info!("building index {name}");
        // What an interrupted build left is no index.
        let statements = [
            format!("DROP INDEX CONCURRENTLY IF EXISTS public.{name}"),
            format!("CREATE INDEX CONCURRENTLY {name} ON public.{part} {body}"),
        ];
        for statement in statements {
            client.batch_execute(&statement).await.map_err(store)?;
        }
        attach(client, &parent, &name).await.map_err(|e| e.during("attaching an index"))?;
    }
    client.execute("SELECT pg_advisory_unlock($1)", &[&LOCK]).await.map_err(store)?;
    client.batch_execute("RESET ROLE; RESET statement_timeout").await.map_err(store)
}

/// The one step with a strong lock: never waited for, but asked for again.
async fn attach(client: &Object, parent: &str, name: &str) -> Result<(), StoreError> {
    let statement = format!(
        "BEGIN; {LOCK_TIMEOUT}; ALTER INDEX public.{parent} ATTACH PARTITION public.{name}; COMMIT"
    );
    loop {
        let attached = client.batch_execute(&statement).await.map_err(StoreError::from);
        if attached.is_err() {
            client.batch_execute("ROLLBACK").await?;
        }
        match attached {
            Err(failure) if failure.is_locked() => tokio::time::sleep(TRY_AGAIN).await,
            other => return other,
        }
    }
}
