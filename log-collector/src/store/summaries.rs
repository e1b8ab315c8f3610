//! The summary of a day: its place in the outbox, and what is counted for it.

use std::collections::BTreeMap;

use crate::error::StoreError;
use crate::store::Store;
use crate::store::intents::id_from;

/// A day is counted in as many statements: each has to end before the statement timeout.
const PARTS: u64 = 24;

const PART_MS: u64 = 86_400_000 / PARTS;

/// What happened on a day, by the gateways' clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DayCounts {
    /// Decisions by the word of their outcome.
    pub outcomes: BTreeMap<String, i64>,
    /// Those that asked for a human.
    pub flagged: i64,
    /// Lines that were refused or contradict a record.
    pub quarantined: i64,
}

// === impl Store ===

impl Store {
    /// Puts yesterday's summary into the outbox, once for all replicas. True where this one did.
    /// Days before the first whole one with this table have none.
    pub async fn enqueue_summary(&self, target: &str) -> Result<bool, StoreError> {
        let sql = "INSERT INTO public.outbox_messages (target, day)
             SELECT $1, today - 1 FROM (SELECT (now() AT TIME ZONE 'UTC')::date AS today) AS t
             WHERE EXISTS (SELECT FROM public.governance_migrations
                     WHERE version = 7 AND (applied_at AT TIME ZONE 'UTC')::date < today)
                 AND NOT EXISTS (SELECT FROM public.outbox_messages
                     WHERE target = $1 AND day = today - 1)
             ON CONFLICT DO NOTHING";
        self.bounded(async |client| Ok(client.execute(sql, &[&target]).await? == 1)).await
    }

    /// Counts a day, `2026-03-15`.
    pub async fn count_day(&self, day: &str) -> Result<DayCounts, StoreError> {
        let quarantine = "SELECT (extract(epoch FROM $1::text::date) * 1000)::bigint,
                 (SELECT count(*) FROM public.ai_quarantine
                  WHERE (received_at AT TIME ZONE 'UTC')::date = $1::text::date)";
        let row =
            self.bounded(async |client| Ok(client.query_one(quarantine, &[&day]).await?)).await?;
        let start = u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
        let mut counts = DayCounts { quarantined: row.get(1), ..DayCounts::default() };
        let sql = "SELECT outcome, count(*), count(*) FILTER (
                 WHERE actions && ARRAY['flag_for_review', 'route_to_human_review'])
             FROM public.ai_decisions WHERE decision_id >= $1 AND decision_id < $2
             GROUP BY outcome";
        for part in 0..PARTS {
            let from = id_from(start + part * PART_MS);
            let before = id_from(start + (part + 1) * PART_MS);
            let rows = self
                .bounded(async |client| {
                    let statement = client.prepare_cached(sql).await?;
                    Ok(client.query(&statement, &[&from, &before]).await?)
                })
                .await?;
            for row in &rows {
                *counts.outcomes.entry(row.get(0)).or_default() += row.get::<_, i64>(1);
                counts.flagged += row.get::<_, i64>(2);
            }
        }
        Ok(counts)
    }
}
