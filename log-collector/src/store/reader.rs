//! A login that reads: its own connections, so that no reader waits in a writer's place, and
//! read-only transactions, whatever the login may do.

use std::time::Duration;

use deadpool_postgres::{Object, Pool, Transaction};

use crate::config::Database;
use crate::error::{StartError, StoreError};
use crate::store::{connect, migrate};

/// The database, for questions only.
pub struct Reader {
    pool: Pool,
    timeout: Duration,
}

/// Part of the records, in the order of their ids.
pub struct Selection<'a> {
    /// Ids from here on.
    pub from: &'a str,
    /// Ids before this one.
    pub before: &'a str,
    /// Ids behind this one.
    pub after: &'a str,
    /// Records at most.
    pub records_max: i64,
    /// No record after so many bytes; the first comes whatever its length.
    pub bytes_max: i64,
}

/// An id and the exact bytes that were hashed.
pub struct Record {
    /// Which decision.
    pub decision_id: String,
    /// Its bytes.
    pub record: Vec<u8>,
}

// === impl Reader ===

impl Reader {
    /// Sets up the connections; connects only on first use.
    pub fn new(
        database: &Database,
        timeout: Duration,
        connections_max: usize,
    ) -> Result<Reader, StartError> {
        Ok(Reader { pool: connect(database, timeout, connections_max)?, timeout })
    }

    /// Refuses a database without the tables of this build.
    pub async fn check(&self) -> Result<(), StartError> {
        let client = self.pool.get().await.map_err(StoreError::from);
        let client = client.map_err(|e| e.during("connecting to the database"))?;
        let found = migrate::version(&client).await.map_err(|e| e.during("reading the schema"))?;
        if found < migrate::VERSION {
            return Err(StartError::Schema { found, expected: migrate::VERSION });
        }
        Ok(())
    }

    /// The records of decisions. Names no other column: a summary is not part of what was hashed.
    pub async fn records(&self, part: &Selection<'_>) -> Result<Vec<Record>, StoreError> {
        let sql = "SELECT decision_id, record FROM (
                 SELECT decision_id, record, sum(octet_length(record)) OVER (ORDER BY decision_id)
                     - octet_length(record) AS bytes_before
                 FROM public.ai_decisions
                 WHERE decision_id >= $1 AND decision_id < $2 AND decision_id > $3
                 ORDER BY decision_id LIMIT $4) AS page
             WHERE bytes_before < $5 ORDER BY decision_id";
        self.read(async |tx| {
            let parameters: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&part.from, &part.before, &part.after, &part.records_max, &part.bytes_max];
            let rows = tx.query(sql, &parameters).await?;
            let record =
                |row: &tokio_postgres::Row| Record { decision_id: row.get(0), record: row.get(1) };
            Ok(rows.iter().map(record).collect())
        })
        .await
    }

    /// A policy's exact bytes.
    pub async fn policy_text(&self, version: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let sql = "SELECT text FROM public.ai_policies WHERE version = $1";
        self.read(async |tx| Ok(tx.query_opt(sql, &[&version]).await?.map(|row| row.get(0)))).await
    }

    /// Runs `work` in a read-only transaction, on a connection that is thrown away when it fails.
    pub(super) async fn read<T>(
        &self,
        work: impl AsyncFnOnce(&Transaction<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut client = self.pool.get().await?;
        let bounded = async {
            let tx = client.build_transaction().read_only(true).start().await?;
            let result = work(&tx).await?;
            tx.commit().await?;
            Ok(result)
        };
        let result = tokio::time::timeout(self.timeout, bounded).await;
        if !matches!(result, Ok(Ok(_))) {
            drop(Object::take(client));
        }
        result.unwrap_or(Err(StoreError::Timeout))
    }
}
