//! `ai_quarantine`: lines that were refused, up to a bound. Judges none itself.

use deadpool_postgres::Transaction;

use crate::error::StoreError;
use crate::ingest::line::{Content, Entry, Reason, Refused};
use crate::store::{Store, begin};

/// Rows kept. They are there to be looked at, and 4 KiB each are 40 MB.
const ROWS_MAX: i64 = 10_000;

/// A conflict is an alarm, so lines that are merely bad leave it this room.
const ROWS_MAX_FOR_CONFLICTS: i64 = 2 * ROWS_MAX;

// === impl Store ===

impl Store {
    /// Keeps a single entry as refused.
    pub async fn quarantine(&self, entry: &Entry, reason: Reason) -> Result<(), StoreError> {
        let refused = Refused::new(reason, entry.bytes());
        self.bounded_on(&self.writer, async |client| {
            let tx = begin(client).await?;
            self.insert_refused(&tx, &[(entry, &refused)]).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Keeps what is refused among `entries`, and the conflicts.
    pub(super) async fn quarantine_all(
        &self,
        tx: &Transaction<'_>,
        entries: &[&Entry],
        conflicts: &[&Entry],
    ) -> Result<(), StoreError> {
        let clashes: Vec<_> = conflicts
            .iter()
            .map(|entry| (*entry, Refused::new(Reason::Conflict, entry.bytes())))
            .collect();
        let refused = entries.iter().filter_map(|entry| match &entry.content {
            Content::Refused(refused) => Some((*entry, refused)),
            _ => None,
        });
        let all: Vec<_> = refused.chain(clashes.iter().map(|(entry, r)| (*entry, r))).collect();
        self.insert_refused(tx, &all).await
    }

    /// The bound is not exact: replicas that reach it together each add what they count room for.
    async fn insert_refused(
        &self,
        tx: &Transaction<'_>,
        refused: &[(&Entry, &Refused)],
    ) -> Result<(), StoreError> {
        if refused.is_empty() {
            return Ok(());
        }
        let count = "SELECT count(*) FROM (SELECT FROM public.ai_quarantine LIMIT $1) AS kept";
        let statement = tx.prepare_cached(count).await?;
        let row = tx.query_one(&statement, &[&ROWS_MAX_FOR_CONFLICTS]).await?;
        let mut rows: i64 = row.get(0);
        for (entry, refused) in refused {
            let alarm = refused.reason == Reason::Conflict;
            let rows_max = if alarm { ROWS_MAX_FOR_CONFLICTS } else { ROWS_MAX };
            if rows < rows_max {
                rows += insert(tx, entry, refused).await?;
            } else {
                self.metrics.quarantine_dropped.inc();
            }
        }
        Ok(())
    }
}

/// A line that was kept before is not kept twice. Says how many rows that made.
async fn insert(tx: &Transaction<'_>, entry: &Entry, refused: &Refused) -> Result<i64, StoreError> {
    let sql = "INSERT INTO public.ai_quarantine
            (line_digest, reason, decision_id, kind, bytes, bytes_total)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let kind = entry.kind.and_then(|kind| serde_json::to_value(kind).ok());
    let kind = kind.as_ref().and_then(|kind| kind.as_str());
    let id = Some(entry.decision_id.as_str()).filter(|id| !id.is_empty());
    let total = i64::try_from(refused.bytes_total).unwrap_or(i64::MAX);
    let statement = tx.prepare_cached(sql).await?;
    let made = tx
        .execute(
            &statement,
            &[&entry.digest, &refused.reason.as_str(), &id, &kind, &refused.bytes, &total],
        )
        .await?;
    Ok(i64::from(made > 0))
}
