//! The queue of reviews and the verdicts on decisions.

use std::time::{Duration, SystemTime};

use deadpool_postgres::Transaction;
use governance_filter::record::{rfc3339, sha256_hex};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::error::StoreError;
use crate::review::{Reason, Verdict, new_id};
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

/// Which of the open reviews; all where nothing is said.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenFilter<'a> {
    /// Those that this policy asks for, maybe with others.
    pub policy: Option<&'a str>,
    /// Those of this caller; of calls without one where it is empty.
    pub caller: Option<&'a str>,
    /// Those of one group, by [`ReviewGroup::key`].
    pub group: Option<&'a str>,
}

/// Open reviews with the same reason, policies and caller: what one verdict can often answer.
#[derive(Clone, Debug)]
pub struct ReviewGroup {
    /// Names the three in 32 hex digits.
    pub key: String,
    /// Why they were opened.
    pub reason: Reason,
    /// Which policies ask for a person.
    pub policies: Vec<String>,
    /// Whose calls.
    pub caller: Option<String>,
    /// How many.
    pub count: i64,
    /// How many of them are older than they should get.
    pub overdue: i64,
    /// Since when the oldest is open.
    pub oldest_at: SystemTime,
    /// And the newest.
    pub newest_at: SystemTime,
    /// How old the oldest is, by the database's clock.
    pub oldest_age_seconds: f64,
    /// The decisions of the oldest.
    pub decision_ids: Vec<String>,
}

/// The groups with the oldest reviews, and how much there is in all.
#[derive(Clone, Debug, Default)]
pub struct ReviewGroups {
    /// The one with the oldest review first.
    pub groups: Vec<ReviewGroup>,
    /// Groups there are.
    pub total: i64,
    /// Reviews in them.
    pub open: i64,
    /// Those that are older than they should get.
    pub overdue: i64,
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
    /// Its record; the policy's version is filled in from the decision's, id and time here.
    pub verdict: Verdict,
    /// Whether a caller is the reviewer.
    pub is_own: &'a (dyn Fn(Option<&str>) -> bool + Sync),
}

/// The record that speaks for a decision: the late outcome, else the outcome, else the intent.
/// Column 1: its bytes, 2: its digest, 3: the policy's version, 4: the caller, 5: the policies that
/// asked for a review of it.
const SPEAKS: &str = "
    SELECT coalesce(l.record, d.record, i.record), coalesce(l.digest, d.digest, i.digest),
        coalesce(l.policy_version, d.policy_version, i.policy_version),
        coalesce(d.caller, i.caller), r.policies
    FROM (SELECT $1::text AS id) AS asked
        LEFT JOIN public.ai_late_outcomes l ON l.decision_id = asked.id
        LEFT JOIN public.ai_decisions d ON d.decision_id = asked.id
        LEFT JOIN public.ai_decision_intents i ON i.decision_id = asked.id
        LEFT JOIN public.ai_reviews r ON r.decision_id = asked.id";

/// Open reviews, by an [`OpenFilter`].
const OPEN: &str = "
    FROM (SELECT q.decision_id, q.opened_at, r.reason, r.policies, r.caller, r.policy_version,
            md5(jsonb_build_array(r.reason, r.policies, r.caller)::text) AS key
        FROM public.reviews_open q JOIN public.ai_reviews r USING (decision_id)) AS o
    WHERE ($1::text IS NULL OR $1 = ANY(o.policies))
        AND ($2::text IS NULL OR $2 = coalesce(o.caller, ''))
        AND ($3::text IS NULL OR $3 = o.key)";

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
            let at = next_unix_ms(&tx, id).await?;
            let (verdict_id, decided_at) = (new_id(at)?, rfc3339(at));
            let said = new.verdict.clone();
            let verdict = Verdict { verdict_id, policy_version, decided_at, ..said };
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
            self.metrics.reviews.count_verdict(row.get(4), verdict.verdict);
            Ok(Judged::Given(verdict))
        })
        .await
    }
}

/// The database's time, and later than any verdict on the decision: whichever replica took it and
/// however its clock stands, the newest verdict is the one that was given last.
async fn next_unix_ms(tx: &Transaction<'_>, decision_id: &str) -> Result<u64, StoreError> {
    let sql = "SELECT greatest((extract(epoch FROM clock_timestamp()) * 1000)::bigint,
         1 + coalesce((SELECT ('x' || substr(max(verdict_id), 3, 12))::bit(48)::bigint
             FROM public.ai_review_verdicts WHERE decision_id = $1), 0))";
    let row = tx.query_one(&tx.prepare_cached(sql).await?, &[&decision_id]).await?;
    Ok(u64::try_from(row.get::<_, i64>(0)).unwrap_or_default())
}

// === impl Reader ===

impl Reader {
    /// Open reviews, oldest first, behind the one of a decision, which may be closed by now.
    pub async fn open_reviews(
        &self,
        of: &OpenFilter<'_>,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<OpenReview>, StoreError> {
        let sql = format!(
            "SELECT o.decision_id, o.reason, o.policies, o.caller, o.policy_version,
                 o.opened_at, extract(epoch FROM clock_timestamp() - o.opened_at)::float8
             {OPEN} AND ($4::text IS NULL OR (o.opened_at, o.decision_id) > (
                 SELECT b.opened_at, b.decision_id FROM public.ai_reviews b
                 WHERE b.decision_id = $4))
             ORDER BY o.opened_at, o.decision_id LIMIT $5"
        );
        self.read(async |tx| {
            let rows = tx.query(&sql, &[&of.policy, &of.caller, &of.group, &after, &limit]).await?;
            Ok(rows.iter().filter_map(open_review).collect())
        })
        .await
    }

    /// Open reviews by reason, policies and caller, with the first `ids` decisions of each.
    pub async fn review_groups(
        &self,
        of: &OpenFilter<'_>,
        max_age: Duration,
        limit: i64,
        ids: i32,
    ) -> Result<ReviewGroups, StoreError> {
        let sql = format!(
            "SELECT o.key, o.reason, o.policies, o.caller, count(*), count(*) FILTER (
                     WHERE o.opened_at < clock_timestamp() - $4::float8 * interval '1 second'),
                 min(o.opened_at), max(o.opened_at),
                 extract(epoch FROM clock_timestamp() - min(o.opened_at))::float8,
                 (array_agg(o.decision_id ORDER BY o.opened_at, o.decision_id))[1:$5::int],
                 count(*) OVER (), (sum(count(*)) OVER ())::bigint,
                 (sum(count(*) FILTER (WHERE o.opened_at
                     < clock_timestamp() - $4::float8 * interval '1 second')) OVER ())::bigint
             {OPEN} GROUP BY o.key, o.reason, o.policies, o.caller
             ORDER BY min(o.opened_at), o.key LIMIT $6"
        );
        let max_age = max_age.as_secs_f64();
        self.read(async |tx| {
            let asked: [&(dyn ToSql + Sync); 6] =
                [&of.policy, &of.caller, &of.group, &max_age, &ids, &limit];
            let rows = tx.query(&sql, &asked).await?;
            let groups = rows.iter().filter_map(review_group).collect();
            let totals = rows.first().map_or((0, 0, 0), |r| (r.get(10), r.get(11), r.get(12)));
            let (total, open, overdue) = totals;
            Ok(ReviewGroups { groups, total, open, overdue })
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

fn review_group(row: &Row) -> Option<ReviewGroup> {
    Some(ReviewGroup {
        key: row.get(0),
        reason: Reason::parse(row.get(1))?,
        policies: row.get(2),
        caller: row.get(3),
        count: row.get(4),
        overdue: row.get(5),
        oldest_at: row.get(6),
        newest_at: row.get(7),
        oldest_age_seconds: row.get(8),
        decision_ids: row.get(9),
    })
}

fn read(row: &Row) -> Option<Verdict> {
    serde_json::from_slice(row.get(0)).ok()
}
