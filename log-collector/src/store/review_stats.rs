//! How reviews went: which policies call for people in vain, how long verdicts and messages take,
//! and what waits.

use std::time::Duration;

use tokio_postgres::Row;

use crate::error::StoreError;
use crate::store::Store;
use crate::store::reader::Reader;

/// Policies told of at most.
const POLICIES_MAX: i64 = 500;

/// The queue in short, for the gauges.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReviewBacklog {
    /// Reviews without a verdict.
    pub open: i64,
    /// Those that are older than they should get.
    pub overdue: i64,
    /// Age of the oldest.
    pub oldest_seconds: f64,
}

/// How the reviews that one policy asked for went.
#[derive(Clone, Debug)]
pub struct PolicyStats {
    /// Its name.
    pub policy: String,
    /// Reviews.
    pub opened: i64,
    /// Those without a verdict.
    pub open: i64,
    /// Those whose newest verdict approves.
    pub approved: i64,
    /// Those whose newest verdict rejects.
    pub rejected: i64,
    /// Verdicts that a later one took the place of.
    pub superseded: i64,
    /// Half of the first verdicts came within so long.
    pub median_seconds: Option<f64>,
    /// And 99 of 100.
    pub p99_seconds: Option<f64>,
}

/// How long messages took, from the decision's record until their target had them.
#[derive(Clone, Debug)]
pub struct MessageStats {
    /// Where they went.
    pub target: String,
    /// How many.
    pub delivered: i64,
    /// Half of them came within so long.
    pub p50_seconds: f64,
    /// And 99 of 100.
    pub p99_seconds: f64,
}

/// By the time in the decisions' ids, so that the keys' indexes bound what is read. Who corrects a
/// verdict changes what was said, not when people came to look at it.
const POLICIES: &str = "
    WITH judged AS (
        SELECT decision_id, count(*) AS verdicts, min(created_at) AS first_at,
            (array_agg(verdict ORDER BY verdict_id DESC))[1] AS newest
        FROM public.ai_review_verdicts WHERE decision_id >= $1 GROUP BY decision_id),
    reviews AS (
        SELECT unnest(r.policies) AS policy, j.verdicts, j.newest,
            greatest(extract(epoch FROM j.first_at - r.opened_at), 0)::float8 AS seconds,
            j.first_at IS NOT NULL AS is_judged
        FROM public.ai_reviews r LEFT JOIN judged j USING (decision_id)
        WHERE r.decision_id >= $1)
    SELECT policy, count(*), count(*) FILTER (WHERE NOT is_judged),
        count(*) FILTER (WHERE newest = 'approved'), count(*) FILTER (WHERE newest = 'rejected'),
        coalesce(sum(verdicts - 1), 0)::bigint,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE is_judged),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds) FILTER (WHERE is_judged)
    FROM reviews GROUP BY policy ORDER BY count(*) DESC, policy LIMIT $2";

const MESSAGES: &str = "
    SELECT target, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds),
        percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds)
    FROM (SELECT m.target,
            greatest(extract(epoch FROM m.delivered_at - d.created_at), 0)::float8 AS seconds
        FROM public.outbox_messages m JOIN public.ai_decisions d USING (decision_id)
        WHERE m.state = 'delivered' AND m.decision_id >= $1 AND d.decision_id >= $1) AS sent
    GROUP BY target ORDER BY target";

// === impl Store ===

impl Store {
    /// The queue in short.
    pub async fn review_backlog(&self, max_age: Duration) -> Result<ReviewBacklog, StoreError> {
        let sql = "SELECT count(*), count(*) FILTER (
                     WHERE opened_at < clock_timestamp() - $1::float8 * interval '1 second'),
                 coalesce(extract(epoch FROM clock_timestamp() - min(opened_at)), 0)::float8
             FROM public.reviews_open";
        let max_age = max_age.as_secs_f64();
        self.bounded(async |client| {
            let row = client.query_one(sql, &[&max_age]).await?;
            Ok(ReviewBacklog { open: row.get(0), overdue: row.get(1), oldest_seconds: row.get(2) })
        })
        .await
    }
}

// === impl Reader ===

impl Reader {
    /// Reviews of decisions with ids from `from` on, the policies with most of them first.
    pub async fn policy_stats(&self, from: &str) -> Result<Vec<PolicyStats>, StoreError> {
        self.read(async |tx| {
            let rows = tx.query(POLICIES, &[&from, &POLICIES_MAX]).await?;
            Ok(rows.iter().map(policy_stats).collect())
        })
        .await
    }

    /// Delivered messages about decisions with ids from `from` on.
    pub async fn message_stats(&self, from: &str) -> Result<Vec<MessageStats>, StoreError> {
        self.read(async |tx| {
            let rows = tx.query(MESSAGES, &[&from]).await?;
            let stats = |row: &Row| MessageStats {
                target: row.get(0),
                delivered: row.get(1),
                p50_seconds: row.get(2),
                p99_seconds: row.get(3),
            };
            Ok(rows.iter().map(stats).collect())
        })
        .await
    }

    /// Open reviews younger than each bound that are no younger than the one before it; last those
    /// that no bound holds.
    pub async fn open_by_age(&self, bounds_seconds: &[f64]) -> Result<Vec<i64>, StoreError> {
        let sql = "SELECT coalesce(n, 0) FROM generate_series(0, cardinality($1::float8[])) AS b
             LEFT JOIN (
                 SELECT width_bucket(extract(epoch FROM clock_timestamp() - opened_at)::float8,
                     $1::float8[]) AS bucket, count(*) AS n
                 FROM public.reviews_open GROUP BY 1) AS ages ON bucket = b ORDER BY b";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&bounds_seconds]).await?;
            Ok(rows.iter().map(|row| row.get(0)).collect())
        })
        .await
    }
}

fn policy_stats(row: &Row) -> PolicyStats {
    PolicyStats {
        policy: row.get(0),
        opened: row.get(1),
        open: row.get(2),
        approved: row.get(3),
        rejected: row.get(4),
        superseded: row.get(5),
        median_seconds: row.get(6),
        p99_seconds: row.get(7),
    }
}
