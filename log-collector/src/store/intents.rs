//! Open intents: those without an outcome.

use std::time::Duration;

use governance_filter::record::{Intent, Outcome, sha256_hex};

use crate::error::StoreError;
use crate::store::batch::{closed_row, insert};
use crate::store::{Store, begin};

/// Intents looked at by one statement: few enough for any statement timeout, however many there
/// are. Written into the statement, for a parameter the planner guesses a tenth of the table.
const PAGE: usize = 1_000;

/// What a look at one page found.
pub struct Page {
    /// The last id looked at; `None` where there is none any more.
    pub last: Option<String>,
    /// To be closed.
    pub due: Vec<Intent>,
}

/// A decision that the collector closes.
pub struct Closing {
    /// What it says of it.
    pub outcome: Outcome,
    /// Its exact bytes.
    pub record: Vec<u8>,
}

// === impl Store ===

impl Store {
    /// Those of the next page of intents behind an id that have no outcome and were committed at
    /// least `age` ago, by the database's clock.
    pub async fn due_intents(&self, age: Duration, after: &str) -> Result<Page, StoreError> {
        let age_ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let sql = format!(
            "WITH page AS (
                 SELECT decision_id, received_at, record FROM public.ai_decision_intents
                 WHERE decision_id > $1 ORDER BY decision_id LIMIT {PAGE})
             SELECT p.decision_id, CASE WHEN d.decision_id IS NULL
                     AND p.received_at <= now() - $2::bigint * interval '1 millisecond'
                 THEN p.record END
             FROM page p LEFT JOIN public.ai_decisions d USING (decision_id)
             ORDER BY p.decision_id"
        );
        let rows = self
            .bounded(async |client| {
                let statement = client.prepare_cached(&sql).await?;
                Ok(client.query(&statement, &[&after, &age_ms]).await?)
            })
            .await?;
        let records = rows.iter().filter_map(|row| row.get::<_, Option<&[u8]>>(1));
        Ok(Page {
            last: rows.last().map(|row| row.get(0)),
            due: records.filter_map(|record| serde_json::from_slice(record).ok()).collect(),
        })
    }

    /// How many intents with ids from `from` on have no outcome.
    pub async fn open_intent_count(&self, from: &str) -> Result<i64, StoreError> {
        let sql = "SELECT count(*) FROM public.ai_decision_intents i
             WHERE i.decision_id >= $1 AND NOT EXISTS (
                 SELECT FROM public.ai_decisions d WHERE d.decision_id = i.decision_id)";
        self.bounded(async |client| Ok(client.query_one(sql, &[&from]).await?.get(0))).await
    }

    /// Closes decisions; one whose outcome came meanwhile stays as it is. Says which were closed.
    pub async fn close(&self, closings: &[Closing]) -> Result<Vec<String>, StoreError> {
        let digests: Vec<_> = closings.iter().map(|closing| sha256_hex(&closing.record)).collect();
        self.bounded(async |client| {
            let rows: Vec<_> = closings
                .iter()
                .zip(&digests)
                .map(|(closing, digest)| closed_row(&closing.outcome, &closing.record, digest))
                .collect();
            let tx = begin(client).await?;
            let closed = insert(&tx, "ai_decisions", &rows).await?;
            tx.commit().await?;
            Ok(closed.into_iter().collect())
        })
        .await
    }
}

/// The smallest id of a time: where a scan may start.
pub fn id_from(unix_ms: u64) -> String {
    format!("d-{unix_ms:012x}")
}
