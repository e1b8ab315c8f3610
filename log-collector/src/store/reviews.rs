//! The queue of reviews and the verdicts on decisions.

use std::time::SystemTime;

use governance_filter::record::sha256_hex;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::review::{Reason, Verdict};
use crate::store::reader::Reader;
use crate::store::{Store, begin};

/// A review without a verdict.
#[derive(Clone, Debug)]
pub struct OpenReview {
    /// The decision that opened it.
    pub decision_id: String,
    /// Why.
    pub reason: Reason,
    /// Which policies ask for a person.
    pub policies: Vec<String>,
    /// Whose call.
    pub caller: Option<String>,
    /// The policy's version.
    pub policy_version: String,
    /// Since when.
    pub opened_at: SystemTime,
    /// How long that is, by the database's clock.
    pub age_seconds: f64,
}

/// A verdict as it stands.
#[derive(Clone, Debug)]
pub struct GivenVerdict {
    /// Its record.
    pub verdict: Verdict,
    /// The index of its leaf; `None` as long as it has none.
    pub leaf: Option<u64>,
}

/// What judging came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judged {
    /// The verdict is on record.
    Given(Verdict),
    /// The newest verdict is of the last minute, by the same reviewer, and says the same of the
    /// same record: a form that was sent twice. Nothing was added. Later, it renews an approval.
    Stands(Verdict),
    /// There is no such decision.
    Unknown,
    /// Another record than the one that was shown stands there now.
    Changed,
    /// The reviewer is the caller.
    OwnCall,
}

/// A verdict to be given.
pub struct NewVerdict<'a> {
    /// Its record; the policy's version is filled in from the decision's.
    pub verdict: Verdict,
    /// Whether a caller is the reviewer.
    pub is_own: &'a (dyn Fn(Option<&str>) -> bool + Sync),
}

/// The record that speaks for a decision: the late outcome, else the outcome, else the intent.
/// Column 1: its bytes, 2: its digest, 3: the policy's version, 4: the caller.
const SPEAKS: &str = "
    SELECT coalesce(l.record, d.record, i.record), coalesce(l.digest, d.digest, i.digest),
        coalesce(l.policy_version, d.policy_version, i.policy_version),
        coalesce(d.caller, i.caller)
    FROM (SELECT $1::text AS id) AS asked
        LEFT JOIN public.ai_late_outcomes l ON l.decision_id = asked.id
        LEFT JOIN public.ai_decisions d ON d.decision_id = asked.id
        LEFT JOIN public.ai_decision_intents i ON i.decision_id = asked.id";

// === impl Store ===

impl Store {
    /// Puts a verdict on record, once the record that was shown is the one that stands there.
    pub async fn judge(&self, new: &NewVerdict<'_>) -> Result<Judged, StoreError> {
        self.bounded(async |client| {
            let tx = begin(client).await?;
            let id = &new.verdict.decision_id;
            // Two verdicts on a decision come one after the other, so that "newest" has a meaning.
            let lock = "SELECT pg_advisory_xact_lock(716110620, hashtext($1))";
            tx.execute(&tx.prepare_cached(lock).await?, &[id]).await?;
            let row = tx.query_one(&tx.prepare_cached(SPEAKS).await?, &[id]).await?;
            let (Some(digest), Some(policy_version)) =
                (row.get::<_, Option<String>>(1), row.get::<_, Option<String>>(2))
            else {
                return Ok(Judged::Unknown);
            };
            if (new.is_own)(row.get(3)) {
                return Ok(Judged::OwnCall);
            }
            if digest != new.verdict.shown_digest {
                return Ok(Judged::Changed);
            }
            let newest = "SELECT record, created_at > clock_timestamp() - interval '1 minute'
                 FROM public.ai_review_verdicts WHERE decision_id = $1
                 ORDER BY verdict_id DESC LIMIT 1";
            let newest = tx.query_opt(&tx.prepare_cached(newest).await?, &[id]).await?;
            let newest = newest.filter(|row| row.get(1));
            if let Some(stands) = newest.and_then(|row| read(&row)).filter(|stands| {
                stands.reviewer == new.verdict.reviewer
                    && stands.verdict == new.verdict.verdict
                    && stands.note == new.verdict.note
                    && stands.shown_digest == digest
            }) {
                return Ok(Judged::Stands(stands));
            }
            let verdict = Verdict { policy_version, ..new.verdict.clone() };
            // Our own type: no maps with other than string keys, no I/O.
            let record = serde_json::to_vec(&verdict).unwrap_or_default();
            let sql = "INSERT INTO public.ai_review_verdicts (verdict_id, decision_id, verdict,
                     reviewer, note, shown_digest, policy_version, created_at, record, digest)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8::text::timestamptz, $9, $10)";
            let statement = tx.prepare_cached(sql).await?;
            let Verdict { verdict_id, decision_id, reviewer, note, shown_digest, .. } = &verdict;
            let (said, digest) = (verdict.verdict.as_str(), sha256_hex(&record));
            tx.execute(
                &statement,
                &[
                    verdict_id,
                    decision_id,
                    &said,
                    reviewer,
                    note,
                    shown_digest,
                    &verdict.policy_version,
                    &verdict.decided_at,
                    &record,
                    &digest,
                ],
            )
            .await?;
            tx.commit().await?;
            Ok(Judged::Given(verdict))
        })
        .await
    }
}

// === impl Reader ===

impl Reader {
    /// Reviews without a verdict, oldest first, behind one of that age and id.
    pub async fn open_reviews(
        &self,
        behind: Option<(SystemTime, &str)>,
        limit: i64,
    ) -> Result<Vec<OpenReview>, StoreError> {
        let sql = "SELECT r.decision_id, r.reason, r.policies, r.caller, r.policy_version,
                 r.opened_at, extract(epoch FROM clock_timestamp() - r.opened_at)::float8
             FROM public.reviews_open o JOIN public.ai_reviews r USING (decision_id)
             WHERE $1::timestamptz IS NULL OR (o.opened_at, o.decision_id) > ($1, $2)
             ORDER BY o.opened_at, o.decision_id LIMIT $3";
        let (at, id) = behind.map_or((None, ""), |(at, id)| (Some(at), id));
        self.read(async |tx| {
            let rows = tx.query(sql, &[&at, &id, &limit]).await?;
            Ok(rows.iter().filter_map(open_review).collect())
        })
        .await
    }

    /// The verdicts on a decision, newest first, with the places of their leaves.
    pub async fn verdicts(&self, decision_id: &str) -> Result<Vec<GivenVerdict>, StoreError> {
        let sql =
            "SELECT v.record, (SELECT l.first_index + array_position(l.refs, v.verdict_id) - 1
                 FROM public.ai_ledger_leaves l WHERE l.kind = 'verdict'
                     AND l.ref_min <= v.verdict_id AND l.ref_max >= v.verdict_id
                     AND v.verdict_id = ANY(l.refs))
             FROM public.ai_review_verdicts v WHERE v.decision_id = $1 ORDER BY v.verdict_id DESC";
        self.read(async |tx| {
            // By the summaries of the ledger's references, not by reading all of it.
            tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
            let rows = tx.query(sql, &[&decision_id]).await?;
            let given = |row: &Row| {
                let leaf = row.get::<_, Option<i64>>(1).and_then(|leaf| u64::try_from(leaf).ok());
                Some(GivenVerdict { verdict: read(row)?, leaf })
            };
            Ok(rows.iter().filter_map(given).collect())
        })
        .await
    }
}

fn open_review(row: &Row) -> Option<OpenReview> {
    Some(OpenReview {
        decision_id: row.get(0),
        reason: Reason::parse(row.get(1))?,
        policies: row.get(2),
        caller: row.get(3),
        policy_version: row.get(4),
        opened_at: row.get(5),
        age_seconds: row.get(6),
    })
}

fn read(row: &Row) -> Option<Verdict> {
    serde_json::from_slice(row.get(0)).ok()
}
