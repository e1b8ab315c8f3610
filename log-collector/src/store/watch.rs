//! What readiness and the gauges ask the database.

use crate::error::StoreError;
use crate::store::{Store, migrate};

/// How the database stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Health {
    /// Newest migration applied.
    pub schema: i32,
    /// Next month's partitions are there.
    pub partitions_ahead: bool,
}

// === impl Store ===

impl Store {
    /// Reaches the database, and writes nothing.
    pub async fn health(&self) -> Result<Health, StoreError> {
        self.bounded(async |client| {
            let schema = migrate::version(client).await?;
            let row = client
                .query_one(
                    "SELECT count(to_regclass('public.' || parent || to_char(
                         now() AT TIME ZONE 'UTC' + interval '1 month', '_YYYY_MM'))) = 2
                     FROM unnest(ARRAY['ai_decisions', 'ai_decision_intents']) AS u(parent)",
                    &[],
                )
                .await?;
            Ok(Health { schema, partitions_ahead: row.get(0) })
        })
        .await
    }

    /// Makes this month's partitions and the next two; says how many were new. Waits for no lock
    /// longer than a moment, for behind it decisions would wait.
    pub async fn make_partitions(&self) -> Result<i32, StoreError> {
        self.bounded(async |client| {
            let tx = client.transaction().await?;
            tx.batch_execute(migrate::LOCK_TIMEOUT).await?;
            let row = tx.query_one("SELECT public.governance_make_partitions()", &[]).await?;
            tx.commit().await?;
            Ok(row.get(0))
        })
        .await
    }

    /// Rows that no monthly partition took.
    pub async fn default_rows(&self) -> Result<i64, StoreError> {
        let sql = "SELECT (SELECT count(*) FROM public.ai_decisions_default)
             + (SELECT count(*) FROM public.ai_decision_intents_default)";
        self.bounded(async |client| Ok(client.query_one(sql, &[]).await?.get(0))).await
    }
}
