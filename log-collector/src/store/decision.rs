//! One decision as a reviewer is shown it, with what stands beside it. Reads no salts.

use std::time::SystemTime;

use governance_filter::record::{Intent, Outcome};
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::review::Reason;
use crate::store::reader::Reader;

/// What is known of a decision.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Its intent; `None` of a call that was refused before one was made.
    pub intent: Option<Intent>,
    /// Its outcome; `None` while the call is under way. The true one, where that came late.
    pub outcome: Option<Outcome>,
    /// Hex SHA-256 of the record that speaks for it: of the outcome, else of the intent. A verdict
    /// names it.
    pub digest: String,
    /// The exact bytes of that record.
    pub record: Vec<u8>,
    /// The policy by which that record was made.
    pub policy_version: String,
    /// Redacted start of the answer, where it is kept and was not erased.
    pub output_summary: Option<String>,
    /// The same of the last user message.
    pub input_summary: Option<String>,
    /// Its summaries were erased.
    pub erased: bool,
    /// The review that it opened.
    pub review: Option<Review>,
    /// The index of the leaf of that record; `None` as long as it has none.
    pub leaf: Option<u64>,
    /// Messages about it: target, state, HTTP status, when it was delivered.
    pub messages: Vec<Message>,
}

/// A review.
#[derive(Clone, Debug)]
pub struct Review {
    /// Why it was opened.
    pub reason: Reason,
    /// By which policies.
    pub policies: Vec<String>,
    /// When.
    pub opened_at: SystemTime,
    /// Nobody has judged it.
    pub open: bool,
}

/// A message about a decision.
#[derive(Clone, Debug)]
pub struct Message {
    /// Where it goes.
    pub target: String,
    /// `pending`, `delivered` or `failed`.
    pub state: String,
    /// Attempts so far.
    pub attempts: i32,
    /// Status of the last answer.
    pub last_status: Option<i32>,
    /// When the target took it.
    pub delivered_at: Option<SystemTime>,
}

/// Another decision of the same caller.
#[derive(Clone, Debug)]
pub struct Neighbour {
    /// Which.
    pub decision_id: String,
    /// Its record's time.
    pub created_at: SystemTime,
    /// As recorded.
    pub model: String,
    /// As recorded.
    pub outcome: String,
    /// As recorded.
    pub actions: Vec<String>,
}

// === impl Reader ===

impl Reader {
    /// Everything about one decision; `None` where there is none.
    pub async fn decision(&self, id: &str) -> Result<Option<Decision>, StoreError> {
        let sql = "SELECT i.record, coalesce(l.record, d.record),
                 coalesce(l.digest, d.digest, i.digest),
                 coalesce(l.policy_version, d.policy_version, i.policy_version),
                 CASE WHEN l.record IS NULL THEN d.output_summary ELSE l.output_summary END,
                 CASE WHEN l.record IS NULL THEN d.input_summary ELSE l.input_summary END,
                 EXISTS (SELECT FROM public.ai_erasures e WHERE e.decision_id = asked.id),
                 r.reason, r.policies, r.opened_at,
                 EXISTS (SELECT FROM public.reviews_open o WHERE o.decision_id = asked.id),
                 CASE WHEN l.record IS NOT NULL THEN 'late_outcome'
                     WHEN d.record IS NOT NULL THEN 'outcome' ELSE 'intent' END
             FROM (SELECT $1::text AS id) AS asked
                 LEFT JOIN public.ai_decision_intents i ON i.decision_id = asked.id
                 LEFT JOIN public.ai_decisions d ON d.decision_id = asked.id
                 LEFT JOIN public.ai_late_outcomes l ON l.decision_id = asked.id
                 LEFT JOIN public.ai_reviews r ON r.decision_id = asked.id";
        self.read(async |tx| {
            let row = tx.query_one(sql, &[&id]).await?;
            let Some(mut decision) = decision(&row) else { return Ok(None) };
            let messages = "SELECT target, state, attempts, last_status, delivered_at
                 FROM public.outbox_messages WHERE decision_id = $1 ORDER BY target";
            decision.messages = tx.query(messages, &[&id]).await?.iter().map(message).collect();
            // By the summaries of the ledger's references, not by reading all of it.
            tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
            let leaf = "SELECT first_index + array_position(refs, $1) - 1
                 FROM public.ai_ledger_leaves WHERE kind = $2
                     AND ref_min <= $1 AND ref_max >= $1 AND $1 = ANY(refs) LIMIT 1";
            let leaf = tx.query_opt(leaf, &[&id, &row.get::<_, &str>(11)]).await?;
            decision.leaf = leaf.and_then(|row| u64::try_from(row.get::<_, i64>(0)).ok());
            Ok(Some(decision))
        })
        .await
    }

    /// What the same caller did just before and after, newest first, without the decision itself.
    pub async fn neighbours(
        &self,
        id: &str,
        caller: &str,
        each_way: i64,
    ) -> Result<Vec<Neighbour>, StoreError> {
        let sql = "SELECT d.decision_id, d.created_at, d.model, d.outcome, d.actions FROM (
                 (SELECT decision_id FROM public.ai_decisions
                  WHERE caller = $2 AND decision_id < $1 ORDER BY decision_id DESC LIMIT $3)
                 UNION ALL
                 (SELECT decision_id FROM public.ai_decisions
                  WHERE caller = $2 AND decision_id > $1 ORDER BY decision_id LIMIT $3)) AS near
             JOIN public.ai_decisions d USING (decision_id) ORDER BY d.decision_id DESC";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&id, &caller, &each_way]).await?;
            Ok(rows.iter().map(neighbour).collect())
        })
        .await
    }
}

fn decision(row: &Row) -> Option<Decision> {
    let (intent, outcome): (Option<&[u8]>, Option<&[u8]>) = (row.get(0), row.get(1));
    let reason = row.get::<_, Option<&str>>(7).and_then(Reason::parse);
    let review = reason.map(|reason| Review {
        reason,
        policies: row.get(8),
        opened_at: row.get(9),
        open: row.get(10),
    });
    Some(Decision {
        intent: intent.and_then(|record| serde_json::from_slice(record).ok()),
        outcome: outcome.and_then(|record| serde_json::from_slice(record).ok()),
        digest: row.get::<_, Option<String>>(2)?,
        record: outcome.or(intent)?.to_vec(),
        policy_version: row.get::<_, Option<String>>(3)?,
        output_summary: row.get(4),
        input_summary: row.get(5),
        erased: row.get(6),
        review,
        leaf: None,
        messages: Vec::new(),
    })
}

fn message(row: &Row) -> Message {
    Message {
        target: row.get(0),
        state: row.get(1),
        attempts: row.get(2),
        last_status: row.get(3),
        delivered_at: row.get(4),
    }
}

fn neighbour(row: &Row) -> Neighbour {
    Neighbour {
        decision_id: row.get(0),
        created_at: row.get(1),
        model: row.get(2),
        outcome: row.get(3),
        actions: row.get(4),
    }
}
