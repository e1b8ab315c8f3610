//! What a proof reads: records with what stands beside them, their places, hashes of the tree, the
//! newest checkpoint and the keys. A proof takes a handful of statements however large the tree.

use std::collections::HashMap;
use std::time::SystemTime;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::ledger::LeafKind;
use crate::ledger::contents::Summaries;
use crate::ledger::tree::{Hash, Node};
use crate::store::reader::Reader;
use crate::store::subtrees::{index, subtrees};

/// Bytes of a leaf, with what stands beside them.
pub struct Stored {
    /// What it is.
    pub kind: LeafKind,
    /// Whose.
    pub reference: String,
    /// The exact bytes that were hashed.
    pub record: Vec<u8>,
    /// Those that still exist.
    pub summaries: Option<Summaries>,
}

/// A leaf as the ledger has it.
pub struct Leaf {
    /// Its place.
    pub index: u64,
    /// What it is.
    pub kind: LeafKind,
    /// Whose.
    pub reference: String,
    /// Its hash.
    pub hash: Hash,
    /// When its statement ran.
    pub committed_at: SystemTime,
}

/// The planner does not know that ids and times rise together with runs, and would rather read the
/// whole ledger than the few pages that the summaries name.
const BY_SUMMARIES: &str = "SET LOCAL enable_seqscan = off";

// === impl Reader ===

impl Reader {
    /// Every record of a decision. The tombstone is read behind the outcomes, so a summary that is
    /// there has at most been erased since.
    pub async fn records_of(&self, decision_id: &str) -> Result<Vec<Stored>, StoreError> {
        const KINDS: [LeafKind; 5] = [
            LeafKind::Intent,
            LeafKind::Outcome,
            LeafKind::LateOutcome,
            LeafKind::Delivery,
            LeafKind::Erasure,
        ];
        let ids = [decision_id.to_owned()];
        self.read(async |tx| {
            let mut records = Vec::new();
            for kind in KINDS {
                records.extend(stored(tx, kind, &ids).await?.into_values());
            }
            let sql = "SELECT verdict_id FROM public.ai_review_verdicts WHERE decision_id = $1";
            let rows = tx.query(sql, &[&decision_id]).await?;
            let verdicts: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
            records.extend(stored(tx, LeafKind::Verdict, &verdicts).await?.into_values());
            Ok(records)
        })
        .await
    }

    /// The bytes of leaves of one kind, by reference.
    pub async fn stored(
        &self,
        kind: LeafKind,
        references: &[String],
    ) -> Result<HashMap<String, Stored>, StoreError> {
        self.read(async |tx| stored(tx, kind, references).await).await
    }

    /// The newest signed head of the tree, and the size of it.
    pub async fn checkpoint(&self) -> Result<Option<(u64, String)>, StoreError> {
        let sql = "SELECT tree_size, note FROM public.ai_ledger_checkpoints
             ORDER BY tree_size DESC LIMIT 1";
        self.read(async |tx| {
            let row = tx.query_opt(sql, &[]).await?;
            Ok(row.map(|row| (unsigned(row.get(0)), row.get(1))))
        })
        .await
    }

    /// The records of the ledger's keys, oldest first.
    pub async fn key_records(&self) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT record FROM public.ai_ledger_keys ORDER BY key_seq";
        self.read(async |tx| {
            let rows = tx.query(sql, &[]).await?;
            Ok(rows.iter().map(|row| String::from_utf8_lossy(row.get(0)).into_owned()).collect())
        })
        .await
    }

    /// Where leaves are, by kind and reference; those without a place are left out.
    pub async fn places(
        &self,
        leaves: &[(LeafKind, String)],
    ) -> Result<HashMap<(LeafKind, String), u64>, StoreError> {
        let sql = "SELECT u.at, l.first_index + array_position(l.refs, u.ref) - 1
             FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS u(kind, ref, at)
             CROSS JOIN LATERAL (
                 SELECT first_index, refs FROM public.ai_ledger_leaves
                 WHERE kind = u.kind AND ref_min <= u.ref AND ref_max >= u.ref
                     AND u.ref = ANY(refs) LIMIT 1) AS l";
        let kinds: Vec<&str> = leaves.iter().map(|(kind, _)| kind.as_str()).collect();
        let references: Vec<&str> = leaves.iter().map(|(_, reference)| &**reference).collect();
        self.read(async |tx| {
            tx.batch_execute(BY_SUMMARIES).await?;
            let mut places = HashMap::new();
            for row in tx.query(sql, &[&kinds, &references]).await? {
                let at = usize::try_from(row.get::<_, i64>(0)).unwrap_or(0);
                if let Some(leaf) = at.checked_sub(1).and_then(|at| leaves.get(at)) {
                    places.insert(leaf.clone(), unsigned(row.get(1)));
                }
            }
            Ok(places)
        })
        .await
    }

    /// The hashes of complete subtrees; what is not there is left out.
    pub async fn subtrees(&self, nodes: &[Node]) -> Result<HashMap<Node, Hash>, StoreError> {
        self.read(async |tx| subtrees(tx, nodes).await).await
    }

    /// From the first to past the last leaf whose statement ran in `[since, until)`. The range has
    /// no gaps, so a few that ran just before or after may be in it.
    pub async fn range(
        &self,
        since: SystemTime,
        until: SystemTime,
    ) -> Result<Option<(u64, u64)>, StoreError> {
        let sql = "SELECT min(first_index), max(first_index + cardinality(refs))
             FROM public.ai_ledger_leaves WHERE created_at >= $1 AND created_at < $2";
        self.read(async |tx| {
            tx.batch_execute(BY_SUMMARIES).await?;
            let row = tx.query_one(sql, &[&since, &until]).await?;
            let range: (Option<i64>, Option<i64>) = (row.get(0), row.get(1));
            Ok(range.0.zip(range.1).map(|(first, end)| (unsigned(first), unsigned(end))))
        })
        .await
    }

    /// How many records whose statement ran in `[since, until)` have no leaf yet.
    pub async fn pending(&self, since: SystemTime, until: SystemTime) -> Result<u64, StoreError> {
        let sql = "SELECT coalesce(sum(cardinality(refs)), 0)::bigint
             FROM public.ai_ledger_pending WHERE created_at >= $1 AND created_at < $2";
        self.read(async |tx| Ok(unsigned(tx.query_one(sql, &[&since, &until]).await?.get(0)))).await
    }

    /// The leaves of `[first, end)`, in order.
    pub async fn leaves(&self, first: u64, end: u64) -> Result<Vec<Leaf>, StoreError> {
        let sql = "SELECT first_index, kind, refs, hashes, created_at
             FROM public.ai_ledger_leaves
             WHERE first_index < $2 AND first_index >= coalesce(
                 (SELECT max(first_index) FROM public.ai_ledger_leaves WHERE first_index <= $1), 0)
             ORDER BY first_index";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&index(first), &index(end)]).await?;
            let leaves = rows.iter().flat_map(leaves_of);
            Ok(leaves.filter(|leaf| (first..end).contains(&leaf.index)).collect())
        })
        .await
    }
}

fn leaves_of(row: &Row) -> Vec<Leaf> {
    let (first, references): (u64, Vec<String>) = (unsigned(row.get(0)), row.get(2));
    let Some(kind) = LeafKind::parse(row.get(1)) else { return Vec::new() };
    let leaf = |(at, (reference, hash))| Leaf {
        index: at,
        kind,
        reference,
        hash,
        committed_at: row.get(4),
    };
    (first..).zip(references.into_iter().zip(hashes(row.get(3)))).map(leaf).collect()
}

async fn stored(
    tx: &Transaction<'_>,
    kind: LeafKind,
    references: &[String],
) -> Result<HashMap<String, Stored>, StoreError> {
    const NONE: &str = "NULL::text, NULL::text, NULL::bytea";
    const BESIDE: &str = "output_summary, input_summary, summary_salt";
    let (table, reference, bytes, beside) = match kind {
        LeafKind::Intent => ("ai_decision_intents", "decision_id", "record", NONE),
        LeafKind::Outcome => ("ai_decisions", "decision_id", "record", BESIDE),
        LeafKind::LateOutcome => ("ai_late_outcomes", "decision_id", "record", BESIDE),
        LeafKind::Delivery => ("ai_deliveries", "decision_id", "record", NONE),
        LeafKind::Policy => ("ai_policies", "version", "text", NONE),
        LeafKind::Observation => ("ai_policy_observations", "observation_id", "record", NONE),
        LeafKind::Erasure => ("ai_erasures", "decision_id", "record", NONE),
        LeafKind::Verdict => ("ai_review_verdicts", "verdict_id", "record", NONE),
        LeafKind::Key => ("ai_ledger_keys", "key_seq", "record", NONE),
    };
    let array = match kind {
        LeafKind::Observation | LeafKind::Key => "$1::text[]::bigint[]",
        _ => "$1::text[]",
    };
    let sql = format!(
        "SELECT {reference}::text, {bytes}, {beside} FROM public.{table}
         WHERE {reference} = ANY({array}) AND {bytes} IS NOT NULL"
    );
    let statement = tx.prepare_cached(&sql).await?;
    let rows = tx.query(&statement, &[&references]).await?;
    let stored = |row: &Row| {
        let summaries = Summaries::of_row(row.get(2), row.get(3), row.get(4));
        let reference: String = row.get(0);
        (reference.clone(), Stored { kind, reference, record: row.get(1), summaries })
    };
    Ok(rows.iter().map(stored).collect())
}

fn hashes(bytes: &[u8]) -> impl Iterator<Item = Hash> {
    bytes.chunks_exact(32).filter_map(|chunk| chunk.try_into().ok())
}

/// Indices are not negative in the database either.
fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
