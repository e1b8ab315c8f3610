//! Erasure, with a login that may do nothing else: a tombstone first, and once that is a leaf of
//! the ledger, summaries and salt. The database refuses the second without the first.

use std::time::Duration;

use deadpool_postgres::{Object, Pool};

use crate::config::Database;
use crate::error::{StartError, StoreError};
use crate::ledger::contents::Erasure;
use crate::store::{begin, connect, migrate};

/// Both are a row by its key, behind whatever lock another session holds.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);

/// The database, for erasures.
pub struct Eraser {
    pool: Pool,
}

/// What the tables hold of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Unknown,
    /// An intent alone: no summary has come yet.
    Open,
    /// An outcome.
    Closed,
}

// === impl Eraser ===

impl Eraser {
    /// Sets up the connection; connects only on first use.
    pub fn new(database: &Database) -> Result<Eraser, StartError> {
        Ok(Eraser { pool: connect(database, STATEMENT_TIMEOUT, 1)? })
    }

    /// Refuses a database without the tables of this build; the login's name, and whether it may
    /// erase. A superuser may not: it would leave a tombstone and be refused the rest.
    pub async fn check(&self) -> Result<(String, bool), StartError> {
        let client = self.client().await.map_err(|e| e.during("connecting to the database"))?;
        let found = migrate::version(&client).await.map_err(|e| e.during("reading the schema"))?;
        if found < migrate::VERSION {
            return Err(StartError::Schema { found, expected: migrate::VERSION });
        }
        let sql = "SELECT session_user::text, NOT rolsuper
                 AND pg_has_role(current_user, 'governance_eraser', 'USAGE')
             FROM pg_roles WHERE rolname = current_user";
        let row = client.query_one(sql, &[]).await;
        let row = row.map_err(|e| StoreError::from(e).during("reading the login"))?;
        Ok((row.get(0), row.get(1)))
    }

    /// Whether there is anything to erase.
    pub async fn standing(&self, decision_id: &str) -> Result<Standing, StoreError> {
        let sql = "SELECT
             EXISTS (SELECT FROM public.ai_decisions WHERE decision_id = $1),
             EXISTS (SELECT FROM public.ai_decision_intents WHERE decision_id = $1)";
        let row = self.client().await?.query_one(sql, &[&decision_id]).await?;
        Ok(match (row.get(0), row.get(1)) {
            (true, _) => Standing::Closed,
            (false, true) => Standing::Open,
            (false, false) => Standing::Unknown,
        })
    }

    /// Commits a tombstone; false where there is one already, which then stands.
    pub async fn entomb(&self, erasure: &Erasure, record: &[u8]) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = begin(&mut client).await?;
        let Erasure { decision_id, erased_at, reason, erased_by, .. } = erasure;
        let added = tx
            .execute(
                "INSERT INTO public.ai_erasures
                     (decision_id, reason, erased_by, created_at, record)
                 VALUES ($1, $2, $3, $4::text::timestamptz, $5) ON CONFLICT DO NOTHING",
                &[decision_id, reason, erased_by, erased_at, &record],
            )
            .await?;
        tx.commit().await?;
        Ok(added == 1)
    }

    /// The place of the tombstone's leaf, once it has one.
    pub async fn tombstone_index(&self, decision_id: &str) -> Result<Option<i64>, StoreError> {
        let mut client = self.client().await?;
        let tx = client.transaction().await?;
        // By the summaries of the ids in the ledger, not by reading all of it.
        tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
        let row = tx
            .query_opt(
                "SELECT first_index + array_position(refs, $1) - 1 FROM public.ai_ledger_leaves
                 WHERE kind = 'erasure' AND ref_min <= $1 AND ref_max >= $1 AND $1 = ANY(refs)",
                &[&decision_id],
            )
            .await?;
        tx.commit().await?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Nulls what is left of the summaries and their salts; false where nothing was.
    pub async fn erase(&self, decision_id: &str) -> Result<bool, StoreError> {
        let mut client = self.client().await?;
        let tx = begin(&mut client).await?;
        let mut rows = 0;
        for table in ["ai_decisions", "ai_late_outcomes"] {
            let sql = format!(
                "UPDATE public.{table} SET output_summary = NULL, input_summary = NULL,
                 summary_salt = NULL WHERE decision_id = $1"
            );
            rows += tx.execute(&sql, &[&decision_id]).await?;
        }
        tx.commit().await?;
        Ok(rows > 0)
    }

    async fn client(&self) -> Result<Object, StoreError> {
        Ok(self.pool.get().await?)
    }
}
