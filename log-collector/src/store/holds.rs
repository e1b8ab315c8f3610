//! Whether a held call may go on: what people said of the same input to the same model by the same
//! caller, or else the review that asks them. Every answer is looked up anew, so a repeat of an
//! intent is answered by what is true then.

use std::collections::HashMap;
use std::time::Duration;

use deadpool_postgres::Transaction;
use governance_filter::record::IntentVerdict;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::review::{Reason, VerdictKind};
use crate::store::columns::{array, without_nul};
use crate::store::{Store, begin, bounded_within};

/// For a connection, and then for the answer. The acks of a whole request wait for both, so they
/// are below what a gateway waits for an ack.
pub(super) const PATIENCE: Duration = Duration::from_millis(750);

/// An intent that asks.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose call.
    pub decision_id: String,
    /// Of the intent's bytes.
    pub digest: String,
    /// The policies that hold it.
    pub policies: Vec<String>,
    /// For how many seconds an approval counts.
    pub ttl_s: u64,
}

/// What an intent is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// May it go on?
    pub verdict: IntentVerdict,
    /// The review that says so.
    pub review: String,
}

/// A call that nobody has been asked about.
struct Unasked {
    at: usize,
    decision_id: String,
    policies: Vec<String>,
    /// Caller, hash of the input, model, provider and operation.
    question: [Option<String>; 5],
}

/// Replicas must not open two reviews of one question.
const LOCK: &str = "SELECT pg_advisory_xact_lock(716110621)";

/// What is known of each ask whose intent is there. Column 0: which; 1: the newest verdict; 2: on
/// which review; 3: whether an approval still counts; 4: a review that waits for a verdict; 5 to 9:
/// what was asked. The model may stand in the path, of which the hash of the input knows nothing.
/// Callers that nobody knows are not one: an approval of theirs lets nobody pass.
const LOOK_UP: &str = "
    SELECT ask.at - 1, newest.verdict, newest.decision_id, newest.counts, open.decision_id,
        i.caller, i.input_hash, i.model, i.provider, i.operation
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[]) WITH ORDINALITY
            AS ask (decision_id, digest, policies, ttl_s, at)
        JOIN public.ai_decision_intents i
            ON i.decision_id = ask.decision_id AND i.digest = ask.digest
        LEFT JOIN LATERAL (
            SELECT v.verdict, v.decision_id,
                v.created_at > clock_timestamp() - ask.ttl_s * interval '1 second' AS counts
            FROM public.ai_reviews r JOIN public.ai_review_verdicts v USING (decision_id)
                JOIN public.ai_decision_intents a USING (decision_id)
            WHERE r.reason = 'held' AND md5(r.input_hash) = md5(i.input_hash)
                AND coalesce(md5(r.caller), '') = coalesce(md5(i.caller), '')
                AND r.caller = i.caller AND r.input_hash = i.input_hash
                AND (a.model, a.provider, a.operation)
                    IS NOT DISTINCT FROM (i.model, i.provider, i.operation)
                AND r.policies @> ask.policies::text[]
            ORDER BY v.verdict_id DESC LIMIT 1) AS newest ON true
        LEFT JOIN LATERAL (
            SELECT r.decision_id FROM public.ai_reviews r
                JOIN public.ai_decision_intents a USING (decision_id)
            WHERE r.reason = 'held' AND md5(r.input_hash) = md5(i.input_hash)
                AND coalesce(md5(r.caller), '') = coalesce(md5(i.caller), '')
                AND r.caller = i.caller AND r.input_hash = i.input_hash
                AND (a.model, a.provider, a.operation)
                    IS NOT DISTINCT FROM (i.model, i.provider, i.operation)
                AND r.policies @> ask.policies::text[]
                AND NOT EXISTS (SELECT FROM public.ai_review_verdicts v
                    WHERE v.decision_id = r.decision_id)
            ORDER BY r.decision_id LIMIT 1) AS open ON true
    ORDER BY ask.at";

/// Reviews under the ids of intents, from whose rows the rest is taken.
const OPEN: &str = "
    INSERT INTO public.ai_reviews
        (decision_id, reason, policies, caller, input_hash, policy_version)
    SELECT i.decision_id, $3, u.policies::text[], i.caller, i.input_hash, i.policy_version
        FROM unnest($1::text[], $2::text[]) AS u(decision_id, policies)
        JOIN public.ai_decision_intents i USING (decision_id)
    ON CONFLICT DO NOTHING";

// === impl Store ===

impl Store {
    /// Answers the asks of one request, each in its place; `None` where its intent is not there.
    pub async fn answer_holds(&self, asks: &[Ask]) -> Result<Vec<Option<Answer>>, StoreError> {
        let client = tokio::time::timeout(PATIENCE, self.holds.get()).await;
        let client = client.map_err(|_| StoreError::Timeout)??;
        bounded_within(PATIENCE, client, async |client| {
            let tx = begin(client).await?;
            tx.execute(&tx.prepare_cached(LOCK).await?, &[]).await?;
            let answers = answer(&tx, asks).await?;
            tx.commit().await?;
            Ok(answers)
        })
        .await
    }
}

async fn answer(tx: &Transaction<'_>, asks: &[Ask]) -> Result<Vec<Option<Answer>>, StoreError> {
    let ids: Vec<&str> = asks.iter().map(|ask| ask.decision_id.as_str()).collect();
    let digests: Vec<&str> = asks.iter().map(|ask| ask.digest.as_str()).collect();
    let policies: Vec<String> = asks.iter().map(|ask| array(&ask.policies)).collect();
    let ttls = asks.iter().map(|ask| i64::try_from(ask.ttl_s).unwrap_or(i64::MAX));
    let ttls: Vec<i64> = ttls.collect();
    let statement = tx.prepare_cached(LOOK_UP).await?;
    let mut answers: Vec<Option<Answer>> = vec![None; asks.len()];
    let mut unasked = Vec::new();
    for row in tx.query(&statement, &[&ids, &digests, &policies, &ttls]).await? {
        let at = usize::try_from(row.get::<_, i64>(0)).unwrap_or(usize::MAX);
        let (Some(slot), Some(ask)) = (answers.get_mut(at), asks.get(at)) else { continue };
        match found(&row) {
            Some(answer) => *slot = Some(answer),
            None => unasked.push(Unasked {
                at,
                decision_id: ask.decision_id.clone(),
                policies: ask.policies.iter().map(|name| without_nul(name).into_owned()).collect(),
                question: [5, 6, 7, 8, 9].map(|column| row.get(column)),
            }),
        }
    }
    let opened = opened(unasked, &mut answers);
    if !opened.is_empty() {
        let ids: Vec<&str> = opened.iter().map(|review| review.decision_id.as_str()).collect();
        let policies: Vec<String> = opened.iter().map(|review| array(&review.policies)).collect();
        let statement = tx.prepare_cached(OPEN).await?;
        tx.execute(&statement, &[&ids, &policies, &Reason::Held.as_str()]).await?;
    }
    Ok(answers)
}

/// What people have said, or are being asked; `None` where they are not.
fn found(row: &Row) -> Option<Answer> {
    let newest: Option<(&str, String)> =
        row.get::<_, Option<&str>>(1).zip(row.get::<_, Option<String>>(2));
    let counts = row.get::<_, Option<bool>>(3).unwrap_or_default();
    if let Some((word, review)) = newest {
        match VerdictKind::parse(word) {
            Some(VerdictKind::Rejected) => {
                return Some(Answer { verdict: IntentVerdict::Rejected, review });
            }
            Some(VerdictKind::Approved) if counts => {
                return Some(Answer { verdict: IntentVerdict::Proceed, review });
            }
            _ => {}
        }
    }
    let open = row.get::<_, Option<String>>(4);
    open.map(|review| Answer { verdict: IntentVerdict::Held, review })
}

/// Which reviews to open, so that calls of one request that ask the same share one. Fills in the
/// answers.
fn opened(mut unasked: Vec<Unasked>, answers: &mut [Option<Answer>]) -> Vec<Unasked> {
    // Whoever asks for most comes first: the others may find their policies there.
    unasked.sort_by_key(|call| std::cmp::Reverse(call.policies.len()));
    let mut opened: HashMap<[Option<String>; 5], Vec<Unasked>> = HashMap::new();
    for call in unasked {
        let same = opened.entry(call.question.clone()).or_default();
        let covers = |review: &&Unasked| call.policies.iter().all(|p| review.policies.contains(p));
        let there = same.iter().find(covers).map(|review| review.decision_id.clone());
        let review = there.clone().unwrap_or_else(|| call.decision_id.clone());
        if let Some(slot) = answers.get_mut(call.at) {
            *slot = Some(Answer { verdict: IntentVerdict::Held, review });
        }
        if there.is_none() {
            same.push(call);
        }
    }
    let mut opened: Vec<Unasked> = opened.into_values().flatten().collect();
    // As a writer inserts them, so that neither waits for the other.
    opened.sort_by(|a, b| a.decision_id.cmp(&b.decision_id));
    opened
}
