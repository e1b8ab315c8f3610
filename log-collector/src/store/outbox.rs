//! `outbox_messages`: alerts to send, made in the transaction of the decision that asks for them.
//! What is due at a time becomes one message. A claim is a lease: a sender that dies leaves it to
//! run out, and the same message is sent again, with the same id and the same decisions in it.

use std::time::Duration;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::store::Store;

/// Decisions of one message. More, and marking them would outlast a short commit timeout; a longer
/// backlog is told in as many messages, one a turn.
const DECISIONS_MAX: i64 = 10_000;

/// What there is to do for a target.
#[derive(Debug)]
pub enum Turn {
    /// A message to send.
    Message(Claim),
    /// Nothing now: the target may not be sent anything for so long, or what is due waits.
    Busy(Duration),
    /// Nothing is due before so long, or before a commit brings something.
    Idle(Option<Duration>),
    /// Nothing, until a restart.
    Disabled,
}

/// A message that is ours to send until its lease runs out.
#[derive(Debug)]
pub struct Claim {
    /// The same for every attempt.
    pub message_id: String,
    /// This attempt is the how-manieth.
    pub attempts: i32,
    /// What it tells.
    pub subject: Subject,
}

/// What a message tells.
#[derive(Debug)]
pub enum Subject {
    /// A decision that asks for a human.
    Decision(String),
    /// So many of them.
    Digest(i64),
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
    },
    /// Not to be tried again before a restart.
    Failed {
        /// HTTP status, where there was an answer.
        status: Option<u16>,
        /// From a closed set.
        error: &'a str,
        /// Neither is anything else.
        disable: bool,
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

/// Is there anything to do? Asked without a lock, for it is asked after every commit.
const LOOK: &str = "
    SELECT t.state = 'disabled',
        (extract(epoch FROM t.free_at - now()) * 1000)::float8,
        EXISTS (SELECT FROM public.outbox_messages
            WHERE target = $1 AND state = 'pending' AND next_attempt_at <= now()
                AND (leased_until IS NULL OR leased_until <= now())),
        (SELECT (extract(epoch FROM min(next_attempt_at) - now()) * 1000)::float8
            FROM public.outbox_messages WHERE target = $1 AND state = 'pending')
    FROM public.notify_targets t WHERE t.target = $1";

/// Before any new message those that were begun, oldest first. Who holds the target's row is alone.
const REPEAT: &str = "
    UPDATE public.outbox_messages SET attempts = attempts + 1,
        leased_until = now() + interval '60 seconds',
        next_attempt_at = now() + interval '60 seconds'
    WHERE target = $1 AND state = 'pending' AND message_id = (
        SELECT message_id FROM public.outbox_messages
        WHERE target = $1 AND state = 'pending' AND message_id IS NOT NULL
            AND next_attempt_at <= now() AND (leased_until IS NULL OR leased_until <= now())
        ORDER BY next_attempt_at LIMIT 1)
    RETURNING id";

/// The oldest summary, on its own.
const DAY: &str = "
    UPDATE public.outbox_messages SET attempts = attempts + 1,
        message_id = 'm-' || replace(gen_random_uuid()::text, '-', ''),
        leased_until = now() + interval '60 seconds',
        next_attempt_at = now() + interval '60 seconds'
    WHERE id = (SELECT id FROM public.outbox_messages
        WHERE target = $1 AND state = 'pending' AND day IS NOT NULL AND message_id IS NULL
            AND next_attempt_at <= now()
        ORDER BY next_attempt_at, id LIMIT 1)
    RETURNING id";

/// All decisions that are due. Those whose key was told of lately wait until its window is over,
/// and are due again then. Each key that is told of now has a window from now on; unless there is
/// more than one message holds, for then the rest is told without waiting.
const DECISIONS: &str = "
    WITH due AS MATERIALIZED (
        SELECT id, alert_key FROM public.outbox_messages
        WHERE target = $1 AND state = 'pending' AND message_id IS NULL AND day IS NULL
            AND next_attempt_at <= now()
        ORDER BY next_attempt_at, id LIMIT $2),
    told AS MATERIALIZED (
        SELECT alert_key, open_until FROM public.notify_windows
        WHERE target = $1 AND open_until > now()),
    message AS MATERIALIZED (
        SELECT 'm-' || replace(gen_random_uuid()::text, '-', '') AS message_id),
    waiting AS (
        UPDATE public.outbox_messages o SET next_attempt_at = told.open_until
        FROM due JOIN told USING (alert_key) WHERE o.id = due.id),
    claimed AS (
        UPDATE public.outbox_messages o SET attempts = attempts + 1,
            message_id = message.message_id, leased_until = now() + interval '60 seconds',
            next_attempt_at = now() + interval '60 seconds'
        FROM due CROSS JOIN message WHERE o.id = due.id
            AND NOT EXISTS (SELECT FROM told WHERE told.alert_key = due.alert_key)
        RETURNING o.id, o.alert_key),
    opened AS (
        INSERT INTO public.notify_windows (target, alert_key, open_until)
        SELECT DISTINCT $1, alert_key, now() + $3::bigint * interval '1 millisecond' FROM claimed
        WHERE alert_key IS NOT NULL AND (SELECT count(*) FROM due) < $2
        ON CONFLICT (target, alert_key) DO UPDATE SET open_until = excluded.open_until),
    over AS (
        DELETE FROM public.notify_windows w WHERE target = $1 AND open_until <= now()
            AND NOT EXISTS (SELECT FROM claimed WHERE claimed.alert_key = w.alert_key))
    SELECT id FROM claimed";

// === impl Subject ===

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Subject::Decision(id) => write!(f, "the alert of decision {id}"),
            Subject::Digest(count) => write!(f, "the digest of {count} decisions"),
            Subject::Day(day) => write!(f, "the summary of {day}"),
        }
    }
}

// === impl Store ===

impl Store {
    /// Of decisions and their keys.
    pub(super) async fn enqueue_alerts(
        &self,
        tx: &Transaction<'_>,
        alerts: &[(&str, String)],
    ) -> Result<(), StoreError> {
        if alerts.is_empty() {
            return Ok(());
        }
        let (ids, keys): (Vec<_>, Vec<_>) = alerts.iter().map(|(id, key)| (*id, key)).unzip();
        for target in &self.targets {
            let sql = "INSERT INTO public.outbox_messages (target, decision_id, alert_key)
                 SELECT $1, id, key FROM unnest($2::text[], $3::text[]) AS u(id, key)
                 ON CONFLICT DO NOTHING";
            let statement = tx.prepare_cached(sql).await?;
            tx.execute(&statement, &[target, &ids, &keys]).await?;
        }
        Ok(())
    }

    /// The next message of a target, leased for a minute: far longer than one attempt may take.
    /// `pace` keeps the attempts of all replicas apart, `window` the messages of one key.
    pub async fn claim_alert(
        &self,
        target: &str,
        pace: Duration,
        window: Duration,
    ) -> Result<Turn, StoreError> {
        let (pace_ms, window_ms) = (millis(pace), millis(window));
        self.bounded(async |client| {
            let look = client.prepare_cached(LOOK).await?;
            if let Some(turn) = looked(client.query_opt(&look, &[&target]).await?.as_ref()) {
                return Ok(turn);
            }
            let tx = client.transaction().await?;
            let lock = "SELECT state = 'disabled', greatest(0, extract(epoch FROM
                     free_at - clock_timestamp()) * 1000)::float8, true, NULL::float8
                 FROM public.notify_targets WHERE target = $1 FOR UPDATE";
            let lock = tx.prepare_cached(lock).await?;
            if let Some(turn) = looked(tx.query_opt(&lock, &[&target]).await?.as_ref()) {
                return Ok(turn);
            }
            let repeat = tx.prepare_cached(REPEAT).await?;
            let mut rows = tx.query(&repeat, &[&target]).await?;
            if rows.is_empty() {
                let day = tx.prepare_cached(DAY).await?;
                rows = tx.query(&day, &[&target]).await?;
            }
            if rows.is_empty() {
                let decisions = tx.prepare_cached(DECISIONS).await?;
                rows = tx.query(&decisions, &[&target, &DECISIONS_MAX, &window_ms]).await?;
            }
            let Some(first) = rows.first() else {
                tx.commit().await?;
                // What is due waits for its window; a burst shall not cost a look each commit.
                return Ok(Turn::Busy(pace));
            };
            let busy = "UPDATE public.notify_targets SET
                     free_at = clock_timestamp() + $2::bigint * interval '1 millisecond'
                 WHERE target = $1";
            tx.execute(busy, &[&target, &pace_ms]).await?;
            let told = "SELECT message_id, attempts, decision_id, to_char(day, 'YYYY-MM-DD')
                 FROM public.outbox_messages WHERE id = $1";
            let row = tx.query_one(told, &[&first.get::<_, i64>(0)]).await?;
            tx.commit().await?;
            Ok(Turn::Message(claim(&row, rows.len())))
        })
        .await
    }

    /// Writes down what became of a message, and from when on its target takes the next one. The
    /// seconds that each of its decisions waited, where it was delivered.
    pub async fn settle_alert(
        &self,
        target: &str,
        message_id: &str,
        sent: Sent<'_>,
        pause: Duration,
    ) -> Result<Vec<f64>, StoreError> {
        let (state, status, error, disable) = match sent {
            Sent::Delivered { status } => ("delivered", Some(status), None, false),
            Sent::Again { status, error } => ("pending", status, Some(error), false),
            Sent::Failed { status, error, disable } => ("failed", status, Some(error), disable),
        };
        let (status, pause_ms) = (status.map(i32::from), millis(pause));
        let rows = "UPDATE public.outbox_messages SET state = $3, last_status = $4,
                 last_error = $5, next_attempt_at = now() + $6::bigint * interval '1 millisecond',
                 leased_until = NULL,
                 delivered_at = CASE WHEN $3 = 'delivered' THEN now() END
             WHERE target = $1 AND message_id = $2 AND state <> 'delivered'
             RETURNING extract(epoch FROM now() - created_at)::float8, decision_id IS NOT NULL";
        let own = "UPDATE public.notify_targets SET last_status = $2, last_error = $3,
                 free_at = clock_timestamp() + $4::bigint * interval '1 millisecond',
                 state = CASE WHEN $5 THEN 'disabled' ELSE state END,
                 changed_at = CASE WHEN $5 THEN now() ELSE changed_at END
             WHERE target = $1";
        self.bounded(async |client| {
            let tx = client.transaction().await?;
            let rows = tx.prepare_cached(rows).await?;
            let rows = tx
                .query(&rows, &[&target, &message_id, &state, &status, &error, &pause_ms])
                .await?;
            let own = tx.prepare_cached(own).await?;
            tx.execute(&own, &[&target, &status, &error, &pause_ms, &disable]).await?;
            if disable {
                // Nobody was told, so after the restart nothing has to wait.
                let windows = "DELETE FROM public.notify_windows WHERE target = $1";
                tx.execute(windows, &[&target]).await?;
            }
            tx.commit().await?;
            let waited = rows.iter().filter(|row| state == "delivered" && row.get(1));
            Ok(waited.map(|row| row.get(0)).collect())
        })
        .await
    }

    /// Gives a target and what it refused another chance: a restart is how an operator says it is
    /// mended.
    pub async fn revive_alerts(&self, target: &str) -> Result<(), StoreError> {
        let own = "INSERT INTO public.notify_targets (target) VALUES ($1)
             ON CONFLICT (target) DO UPDATE SET state = 'enabled', changed_at = now()
             WHERE notify_targets.state = 'disabled'";
        let rows = "UPDATE public.outbox_messages SET state = 'pending', next_attempt_at = now()
             WHERE id = ANY (ARRAY(SELECT id FROM public.outbox_messages
                 WHERE target = $1 AND state = 'failed' LIMIT 50000))";
        loop {
            let revived = self
                .bounded(async |client| {
                    client.execute(own, &[&target]).await?;
                    Ok(client.execute(rows, &[&target]).await?)
                })
                .await?;
            if revived == 0 {
                return Ok(());
            }
        }
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

/// What a look at the target leaves to do; `None` where there is a message to make.
fn looked(row: Option<&Row>) -> Option<Turn> {
    // Not there: nobody has revived it yet.
    let Some(row) = row else { return Some(Turn::Idle(None)) };
    let (disabled, free_in_ms, due): (bool, f64, bool) = (row.get(0), row.get(1), row.get(2));
    // The cast ends at the bounds of the type.
    let duration = |ms: f64| Duration::from_millis(ms.ceil() as u64);
    if disabled {
        return Some(Turn::Disabled);
    }
    if !due {
        return Some(Turn::Idle(row.get::<_, Option<f64>>(3).map(duration)));
    }
    (free_in_ms > 0.0).then(|| Turn::Busy(duration(free_in_ms)))
}

fn claim(row: &Row, rows: usize) -> Claim {
    let subject = match (row.get(3), row.get::<_, Option<String>>(2)) {
        (Some(day), _) => Subject::Day(day),
        (None, Some(id)) if rows == 1 => Subject::Decision(id),
        (None, _) => Subject::Digest(i64::try_from(rows).unwrap_or(i64::MAX)),
    };
    Claim { message_id: row.get(0), attempts: row.get(1), subject }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
