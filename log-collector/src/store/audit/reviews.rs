//! Reviews beside the records that ask for them, and the queue beside the reviews.

use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::{Audit, Part};
use crate::error::StoreError;

/// So many rows of the queue are named.
const NAMED_MAX: i64 = 21;

/// A row of `ai_reviews`.
pub struct Review {
    /// The decision that it is named by.
    pub decision_id: String,
    /// The records that may have opened it.
    pub records: Vec<Vec<u8>>,
    /// Its word.
    pub reason: String,
    /// Which policies ask.
    pub policies: Vec<String>,
    /// Whose call.
    pub caller: Option<String>,
    /// Of the input.
    pub input_hash: String,
    /// The policy's version.
    pub policy_version: String,
    /// Somebody said something of its decision.
    pub judged: bool,
    /// It stands in the queue, since when it was opened.
    pub queued: bool,
}

/// The record is looked up by key, so that Postgres does not read all of them for a few reviews.
const REVIEWS: &str = "
    SELECT r.decision_id,
        CASE r.reason WHEN 'held' THEN (SELECT i.record FROM public.ai_decision_intents i
                WHERE i.decision_id = r.decision_id)
            ELSE (SELECT d.record FROM public.ai_decisions d
                WHERE d.decision_id = r.decision_id) END,
        CASE r.reason WHEN 'routed' THEN (SELECT l.record FROM public.ai_late_outcomes l
                WHERE l.decision_id = r.decision_id) END,
        r.reason, r.policies, r.caller, r.input_hash, r.policy_version,
        EXISTS (SELECT FROM public.ai_review_verdicts v WHERE v.decision_id = r.decision_id),
        EXISTS (SELECT FROM public.reviews_open o
            WHERE o.decision_id = r.decision_id AND o.opened_at = r.opened_at)
    FROM public.ai_reviews r";

const ORPHANED: &str = "
    SELECT o.decision_id FROM public.reviews_open o
    WHERE NOT EXISTS (SELECT FROM public.ai_reviews r WHERE r.decision_id = o.decision_id)
    ORDER BY 1 LIMIT $1";

// === impl Audit ===

impl Audit<'_> {
    /// Sends all reviews, and what stands in the queue without one.
    pub(super) async fn reviews(&self) -> Result<(), StoreError> {
        let statement = self.tx.prepare_cached(REVIEWS).await?;
        let none: [&(dyn ToSql + Sync); 0] = [];
        let rows = self.tx.query_raw(&statement, none).await?;
        self.forward(rows, |rows| Part::Reviews(rows.iter().map(review).collect())).await?;
        let orphaned = self.query(ORPHANED, &[&NAMED_MAX]).await?;
        let orphaned = orphaned.iter().map(|row| row.get(0)).collect();
        self.send(Part::Orphaned(orphaned)).await
    }
}

fn review(row: &Row) -> Review {
    let records = [row.get::<_, Option<Vec<u8>>>(1), row.get(2)];
    Review {
        decision_id: row.get(0),
        records: records.into_iter().flatten().collect(),
        reason: row.get(3),
        policies: row.get(4),
        caller: row.get(5),
        input_hash: row.get(6),
        policy_version: row.get(7),
        judged: row.get(8),
        queued: row.get(9),
    }
}
