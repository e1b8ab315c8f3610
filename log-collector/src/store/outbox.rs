//! `outbox_messages`: alerts to send, made in the transaction of the decision that asks for them
//! and claimed with SKIP LOCKED. A claim is a lease: a sender that dies leaves it to run out.

use deadpool_postgres::Transaction;
use governance_filter::record::Outcome;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::store::Store;

/// A message that is ours to send until its lease runs out.
pub struct Claim {
    /// The row.
    pub id: i64,
    /// What it tells.
    pub subject: Subject,
}

/// What a message tells.
pub enum Subject {
    /// A decision that asks for a human.
    Decision {
        /// Which one.
        id: String,
        /// Its record; `None` where that cannot be read.
        outcome: Option<Box<Outcome>>,
        /// The redacted summary, if it is still there.
        summary: Option<String>,
    },
    /// A day's counts.
    Day(String),
}

/// What became of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent<'a> {
    /// The target took it.
    Delivered {
        /// HTTP status.
        status: u16,
    },
    /// To be tried again.
    Again {
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// From a closed set.
        error: &'a str,
        /// Not before.
        after_ms: i64,
    },
    /// Not to be tried again by this process.
    Failed {
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// From a closed set.
        error: &'a str,
    },
}

/// How the outbox stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Backlog {
    /// Not yet delivered.
    pub pending: i64,
    /// Given up.
    pub failed: i64,
    /// Age of the oldest pending one.
    pub oldest_seconds: f64,
}

// === impl Subject ===

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Decision { id, .. } => write!(f, "the alert of decision {id}"),
            Subject::Day(day) => write!(f, "the summary of {day}"),
        }
    }
}

// === impl Store ===

impl Store {
    pub(super) async fn enqueue_alerts(
        &self,
        tx: &Transaction<'_>,
        ids: &[&str],
    ) -> Result<(), StoreError> {
        if ids.is_empty() {
            return Ok(());
        }
        for target in &self.targets {
            let sql = "INSERT INTO public.outbox_messages (target, decision_id)
                 SELECT $1, id FROM unnest($2::text[]) AS u(id) ON CONFLICT DO NOTHING";
            let statement = tx.prepare_cached(sql).await?;
            tx.execute(&statement, &[target, &ids]).await?;
        }
        Ok(())
    }

    /// The oldest alert that is due, leased for a minute: far longer than one attempt may take.
    /// Of a decision that was closed as `unknown` it tells the true outcome, which came late.
    pub async fn claim_alert(&self, target: &str) -> Result<Option<Claim>, StoreError> {
        let sql = "WITH claimed AS (
                 UPDATE public.outbox_messages SET
                     leased_until = now() + interval '60 seconds', attempts = attempts + 1
                 WHERE id = (
                     SELECT id FROM public.outbox_messages
                     WHERE target = $1 AND state = 'pending' AND next_attempt_at <= now()
                         AND (leased_until IS NULL OR leased_until <= now())
                     ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
                 RETURNING id, decision_id, day)
             SELECT c.id, c.decision_id, coalesce(l.record, d.record),
                 CASE WHEN l.record IS NULL THEN d.output_summary ELSE l.output_summary END,
                 to_char(c.day, 'YYYY-MM-DD')
             FROM claimed c LEFT JOIN public.ai_decisions d USING (decision_id)
                 LEFT JOIN public.ai_late_outcomes l USING (decision_id)";
        let row: Option<Row> = self
            .bounded(async |client| {
                let statement = client.prepare_cached(sql).await?;
                Ok(client.query_opt(&statement, &[&target]).await?)
            })
            .await?;
        Ok(row.map(|row| {
            let record: Option<&[u8]> = row.get(2);
            let subject = match row.get(4) {
                Some(day) => Subject::Day(day),
                None => Subject::Decision {
                    id: row.get::<_, Option<String>>(1).unwrap_or_default(),
                    outcome: record.and_then(|record| serde_json::from_slice(record).ok()),
                    summary: row.get(3),
                },
            };
            Claim { id: row.get(0), subject }
        }))
    }

    /// Writes down what became of a claim and gives it back.
    pub async fn settle_alert(&self, id: i64, sent: Sent<'_>) -> Result<(), StoreError> {
        let (state, status, error, after_ms) = match sent {
            Sent::Delivered { status } => ("delivered", Some(status), None, 0),
            Sent::Again { status, error, after_ms } => ("pending", status, Some(error), after_ms),
            Sent::Failed { status, error } => ("failed", status, Some(error), 0),
        };
        let status = status.map(i32::from);
        let sql = "UPDATE public.outbox_messages SET state = $2, last_status = $3, last_error = $4,
                 next_attempt_at = now() + $5::bigint * interval '1 millisecond',
                 leased_until = NULL,
                 delivered_at = CASE WHEN $2 = 'delivered' THEN now() END
             WHERE id = $1";
        self.bounded(async |client| {
            let statement = client.prepare_cached(sql).await?;
            client.execute(&statement, &[&id, &state, &status, &error, &after_ms]).await?;
            Ok(())
        })
        .await
    }

    /// Gives what a target refused another chance: a restart is how an operator says it is mended.
    pub async fn revive_alerts(&self, target: &str) -> Result<u64, StoreError> {
        let sql = "UPDATE public.outbox_messages SET state = 'pending', next_attempt_at = now()
             WHERE target = $1 AND state = 'failed'";
        self.bounded(async |client| Ok(client.execute(sql, &[&target]).await?)).await
    }

    /// How the outbox stands.
    pub async fn backlog(&self) -> Result<Backlog, StoreError> {
        let sql = "SELECT count(*) FILTER (WHERE state = 'pending'),
                 count(*) FILTER (WHERE state = 'failed'),
                 coalesce(extract(epoch FROM now() -
                     min(created_at) FILTER (WHERE state = 'pending')), 0)::float8
             FROM public.outbox_messages WHERE state <> 'delivered'";
        self.bounded(async |client| {
            let row = client.query_one(sql, &[]).await?;
            Ok(Backlog { pending: row.get(0), failed: row.get(1), oldest_seconds: row.get(2) })
        })
        .await
    }
}
