//! What messages tell, read when they are sent; and for the operator, which message told of a
//! decision and what became of it. Of a digest nothing is read but counts and a page of ids.

use std::time::SystemTime;

use governance_filter::record::Outcome;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::notify::alert;
use crate::store::Store;
use crate::store::reader::Reader;

/// Groups that a digest names.
pub const GROUPS_MAX: i64 = 10;

/// Ids that a digest lists; a target may show fewer.
pub const IDS_MAX: i64 = 100;

/// What is told of a decision.
#[derive(Debug)]
pub struct Told {
    /// Its record; `None` where that cannot be read.
    pub outcome: Option<Box<Outcome>>,
    /// The redacted summary, if it is still there.
    pub summary: Option<String>,
}

/// Many decisions in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digest {
    /// How many.
    pub count: i64,
    /// When the first was committed.
    pub first: SystemTime,
    /// When the last was.
    pub last: SystemTime,
    /// The largest groups, the largest first.
    pub groups: Vec<Group>,
    /// How many groups there are.
    pub groups_total: i64,
    /// The first ids.
    pub ids: Vec<String>,
}

/// Decisions of a digest with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub count: i64,
    /// Which policies asked; none where no record can be read.
    pub policies: Vec<String>,
    /// About which model.
    pub model: String,
}

/// How a target was told of a decision.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Which target.
    pub target: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// Status of the last answer.
    pub last_status: Option<i32>,
    /// What was wrong with it.
    pub last_error: Option<String>,
    /// When it waits for.
    pub next_attempt_at: SystemTime,
    /// When the target took it.
    pub delivered_at: Option<SystemTime>,
    /// The message, once there is one.
    pub message_id: Option<String>,
    /// Decisions that the message tells of.
    pub decisions: i64,
}

/// A target that takes nothing.
#[derive(Clone, Debug)]
pub struct DisabledTarget {
    /// Which.
    pub target: String,
    /// Since when.
    pub since: SystemTime,
    /// Status of its last answer.
    pub last_status: Option<i32>,
}

// === impl Store ===

impl Store {
    /// What is told of a decision. Of one that was closed as `unknown` the true outcome, which came
    /// late.
    pub async fn told(&self, decision_id: &str) -> Result<Told, StoreError> {
        let sql = "SELECT coalesce(l.record, d.record),
                 CASE WHEN l.record IS NULL THEN d.output_summary ELSE l.output_summary END
             FROM (SELECT $1::text AS decision_id) AS asked
                 LEFT JOIN public.ai_decisions d USING (decision_id)
                 LEFT JOIN public.ai_late_outcomes l USING (decision_id)";
        self.bounded(async |client| {
            let statement = client.prepare_cached(sql).await?;
            let row = client.query_one(&statement, &[&decision_id]).await?;
            let outcome = outcome(&row, 0).map(Box::new);
            Ok(Told { outcome, summary: row.get(1) })
        })
        .await
    }

    /// What is told of the decisions of a message.
    pub async fn digest(&self, target: &str, message_id: &str) -> Result<Digest, StoreError> {
        let span = "SELECT count(*), min(created_at), max(created_at)
             FROM public.outbox_messages WHERE target = $1 AND message_id = $2";
        // One decision speaks for its group: the key says that the others have the same names.
        let groups = "SELECT g.total, g.count, coalesce(l.record, d.record) FROM (
                 SELECT coalesce(alert_key, decision_id) AS key, count(*) AS count,
                     min(decision_id) AS decision_id, count(*) OVER () AS total
                 FROM public.outbox_messages WHERE target = $1 AND message_id = $2
                 GROUP BY 1 ORDER BY 2 DESC, 3 LIMIT $3) AS g
             LEFT JOIN public.ai_decisions d USING (decision_id)
             LEFT JOIN public.ai_late_outcomes l USING (decision_id)
             ORDER BY g.count DESC, g.decision_id";
        let ids = "SELECT decision_id FROM public.outbox_messages
             WHERE target = $1 AND message_id = $2 ORDER BY decision_id LIMIT $3";
        self.bounded(async |client| {
            let span = client.query_one(span, &[&target, &message_id]).await?;
            let groups = client.query(groups, &[&target, &message_id, &GROUPS_MAX]).await?;
            let ids = client.query(ids, &[&target, &message_id, &IDS_MAX]).await?;
            let now = SystemTime::now();
            Ok(Digest {
                count: span.get(0),
                first: span.get::<_, Option<_>>(1).unwrap_or(now),
                last: span.get::<_, Option<_>>(2).unwrap_or(now),
                groups_total: groups.first().map_or(0, |row| row.get(0)),
                groups: groups.iter().map(group).collect(),
                ids: ids.iter().map(|row| row.get(0)).collect(),
            })
        })
        .await
    }
}

// === impl Reader ===

impl Reader {
    /// How each target was told of a decision.
    pub async fn deliveries(&self, decision_id: &str) -> Result<Vec<Delivery>, StoreError> {
        let sql = "SELECT target, state, attempts, last_status, last_error, next_attempt_at,
                 delivered_at, message_id, (SELECT count(*) FROM public.outbox_messages m
                     WHERE m.message_id = o.message_id)
             FROM public.outbox_messages o WHERE decision_id = $1 ORDER BY target";
        self.read(async |tx| {
            Ok(tx.query(sql, &[&decision_id]).await?.iter().map(delivery).collect())
        })
        .await
    }

    /// The decisions that a message tells of.
    pub async fn decisions_of(&self, message_id: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT decision_id FROM public.outbox_messages
             WHERE message_id = $1 AND decision_id IS NOT NULL ORDER BY decision_id";
        self.read(async |tx| {
            Ok(tx.query(sql, &[&message_id]).await?.iter().map(|row| row.get(0)).collect())
        })
        .await
    }

    /// Targets that take nothing until a restart.
    pub async fn disabled_targets(&self) -> Result<Vec<DisabledTarget>, StoreError> {
        let sql = "SELECT target, changed_at, last_status FROM public.notify_targets
             WHERE state = 'disabled' ORDER BY target";
        self.read(async |tx| {
            let rows = tx.query(sql, &[]).await?;
            let target = |row: &Row| DisabledTarget {
                target: row.get(0),
                since: row.get(1),
                last_status: row.get(2),
            };
            Ok(rows.iter().map(target).collect())
        })
        .await
    }
}

fn outcome(row: &Row, at: usize) -> Option<Outcome> {
    row.get::<_, Option<&[u8]>>(at).and_then(|record| serde_json::from_slice(record).ok())
}

fn group(row: &Row) -> Group {
    let outcome = outcome(row, 2);
    Group {
        count: row.get(1),
        policies: outcome.as_ref().map(alert::policies).unwrap_or_default(),
        model: outcome.map(|outcome| outcome.model).unwrap_or_default(),
    }
}

fn delivery(row: &Row) -> Delivery {
    Delivery {
        target: row.get(0),
        state: row.get(1),
        attempts: row.get(2),
        last_status: row.get(3),
        last_error: row.get(4),
        next_attempt_at: row.get(5),
        delivered_at: row.get(6),
        message_id: row.get(7),
        decisions: row.get(8),
    }
}
