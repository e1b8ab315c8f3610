//! The sequencer's SQL: one turn is one transaction under the lock of `ai_ledger_head`, in which
//! pending runs get their places and, when it is time, the head of the tree is signed.

use std::time::Duration;

use deadpool_postgres::Transaction;

use crate::error::StoreError;
use crate::ledger::note::{Checkpoint, SignerKey};
use crate::ledger::sequence::{Placed, Run, place, split_hashes};
use crate::ledger::tree::{Frontier, cover};
use crate::store::subtrees::{begins_with, index, level, subtrees};
use crate::store::{Store, begin};

/// Runs of one turn, where the database is in time. A batch of records leaves at most four.
pub const RUNS_MAX: usize = 1_024;

/// Bytes of hashes after which a turn takes no further run: 65,536 leaves. One insert by hand can
/// be larger than that, and is then a turn of its own.
const HASH_BYTES_MAX: i32 = 2 << 20;

/// What a replica brings to its turn.
pub struct Turn<'a> {
    /// Signs checkpoints.
    pub key: &'a SignerKey,
    /// The largest checkpoint that it knows to be published: every tree must begin with it.
    pub published: Option<&'a Checkpoint>,
    /// The tree as this replica left it; as long as it finds it so, it need not look closer.
    pub left: Option<&'a Frontier>,
    /// The shortest time between two checkpoints.
    pub interval: Duration,
    /// How many runs it may take, from 1 to [`RUNS_MAX`].
    pub runs_max: usize,
}

/// What came of a turn.
#[derive(Debug, PartialEq, Eq)]
pub enum Turned {
    /// Everything has its place and is under a checkpoint.
    Idle,
    /// Another replica has the lock.
    Elsewhere,
    /// `migrate` registered no key yet.
    Unregistered,
    /// Another key is registered.
    OtherKey,
    /// The tree does not begin with what was published.
    Forked {
        /// How many leaves it has.
        size: u64,
    },
    /// Leaves have their places.
    Sequenced {
        /// The tree now.
        tree: Frontier,
        /// There may be more to do at once.
        more: bool,
    },
}

/// A checkpoint as it is kept.
pub struct Signed {
    /// The note.
    pub note: String,
    /// The records of the keys that may have signed it, oldest first.
    pub key_records: Vec<Vec<u8>>,
}

/// Runs that the lag is counted over: with no sequencer at all they would grow without end.
const LAG_RUNS_MAX: usize = 10_000;

/// How far the ledger is behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lag {
    /// Records without an index, of the oldest 10,000 statements that inserted some.
    pub pending: i64,
    /// Leaves of the tree.
    pub size: i64,
    /// Age of the oldest record that is under no checkpoint of that size; 0 where there is none.
    pub oldest_seconds: f64,
}

// === impl Store ===

impl Store {
    /// Takes one turn. An `Err` means that nothing changed.
    pub async fn take_turn(&self, turn: &Turn<'_>) -> Result<Turned, StoreError> {
        // A lock would cost a transaction's number, and this is asked several times a second. Who
        // was not here before looks closer once.
        let idle = "SELECT NOT EXISTS (SELECT FROM public.ai_ledger_pending)
             AND tree_size = coalesce((SELECT max(tree_size) FROM public.ai_ledger_checkpoints), 0)
             FROM public.ai_ledger_head";
        self.bounded_on(&self.sequencer, async |client| {
            if turn.left.is_some() {
                let statement = client.prepare_cached(idle).await?;
                if client.query_one(&statement, &[]).await?.get(0) {
                    return Ok(Turned::Idle);
                }
            }
            let tx = begin(client).await?;
            let turned = run(&tx, turn).await?;
            tx.commit().await?;
            Ok(turned)
        })
        .await
    }

    /// The newest checkpoint, with the records of all keys.
    pub async fn newest_checkpoint(&self) -> Result<Option<Signed>, StoreError> {
        let sql = "SELECT note, ARRAY(SELECT record FROM public.ai_ledger_keys
                 ORDER BY key_seq) FROM public.ai_ledger_checkpoints
             WHERE tree_size <= (SELECT tree_size FROM public.ai_ledger_head)
             ORDER BY tree_size DESC LIMIT 1";
        self.bounded_on(&self.sequencer, async |client| {
            let statement = client.prepare_cached(sql).await?;
            let row = client.query_opt(&statement, &[]).await?;
            Ok(row.map(|row| Signed { note: row.get(0), key_records: row.get(1) }))
        })
        .await
    }

    /// The place of the leaf that names a key; `None` as long as it has none.
    pub async fn key_leaf(&self, record: &[u8]) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT l.first_index + array_position(l.refs, k.key_seq::text) - 1
             FROM public.ai_ledger_keys k JOIN public.ai_ledger_leaves l ON l.kind = 'key'
                 AND l.ref_min <= k.key_seq::text AND l.ref_max >= k.key_seq::text
                 AND k.key_seq::text = ANY(l.refs)
             WHERE k.record = $1";
        self.bounded_on(&self.sequencer, async |client| {
            let tx = client.transaction().await?;
            // By the summaries of the references, not by reading all of the ledger.
            tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
            let row = tx.query_opt(sql, &[&record]).await?;
            tx.commit().await?;
            Ok(row.and_then(|row| u64::try_from(row.get::<_, i64>(0)).ok()))
        })
        .await
    }

    /// Whether the database can show that the tree of one checkpoint begins with that of another.
    pub async fn begins_with(
        &self,
        old: &Checkpoint,
        checkpoint: &Checkpoint,
    ) -> Result<bool, StoreError> {
        self.bounded_on(&self.sequencer, async |client| {
            let tx = client.transaction().await?;
            begins_with(&tx, old, checkpoint.size, checkpoint.root).await
        })
        .await
    }

    /// How far the ledger is behind a checkpoint of so many leaves.
    pub async fn ledger_lag(&self, published: u64) -> Result<Lag, StoreError> {
        let sql = format!(
            "SELECT (SELECT coalesce(sum(octet_length(hashes)) / 32, 0)::bigint
                 FROM (SELECT hashes FROM public.ai_ledger_pending
                       ORDER BY pending_id LIMIT {LAG_RUNS_MAX}) AS oldest),
             (SELECT tree_size FROM public.ai_ledger_head),
             coalesce(extract(epoch FROM clock_timestamp() - least(
                 (SELECT created_at FROM public.ai_ledger_pending ORDER BY pending_id LIMIT 1),
                 (SELECT created_at FROM public.ai_ledger_leaves WHERE first_index >= $1
                  ORDER BY first_index LIMIT 1))), 0)::float8"
        );
        let published = i64::try_from(published).unwrap_or(i64::MAX);
        self.bounded(async |client| {
            let statement = client.prepare_cached(&sql).await?;
            let row = client.query_one(&statement, &[&published]).await?;
            Ok(Lag { pending: row.get(0), size: row.get(1), oldest_seconds: row.get(2) })
        })
        .await
    }
}

async fn run(tx: &Transaction<'_>, turn: &Turn<'_>) -> Result<Turned, StoreError> {
    // Whoever holds the row is the sequencer; nobody waits for it.
    let sql = "SELECT tree_size, frontier FROM public.ai_ledger_head FOR UPDATE SKIP LOCKED";
    let statement = tx.prepare_cached(sql).await?;
    let Some(row) = tx.query_opt(&statement, &[]).await? else { return Ok(Turned::Elsewhere) };
    let size = u64::try_from(row.get::<_, i64>(0)).unwrap_or_default();
    // A statement of its own: it sees what was committed before the lock, as no rotation is after.
    let sql = "SELECT verifier_key FROM public.ai_ledger_keys ORDER BY key_seq DESC LIMIT 1";
    let statement = tx.prepare_cached(sql).await?;
    match tx.query_opt(&statement, &[]).await? {
        None => return Ok(Turned::Unregistered),
        Some(row) if row.get::<_, &str>(0) != turn.key.verifier().to_string() => {
            return Ok(Turned::OtherKey);
        }
        Some(_) => {}
    }
    let roots = split_hashes(row.get(1)).and_then(|roots| Frontier::from_parts(size, roots));
    let Some(mut tree) = roots else { return Ok(Turned::Forked { size }) };
    if turn.left != Some(&tree) && !follows(tx, &tree, turn.published).await? {
        return Ok(Turned::Forked { size });
    }
    let (runs, more) = pending(tx, turn.runs_max).await?;
    let placed = place(&mut tree, &runs);
    if !runs.is_empty() {
        write(tx, &placed, &tree).await?;
    }
    checkpoint(tx, &tree, turn).await?;
    Ok(Turned::Sequenced { tree, more })
}

/// The oldest runs, and whether there may be more.
async fn pending(tx: &Transaction<'_>, runs_max: usize) -> Result<(Vec<Run>, bool), StoreError> {
    let limit = i64::try_from(runs_max).unwrap_or(i64::MAX);
    let sql = format!(
        "SELECT pending_id, hashes, bytes FROM (
             SELECT pending_id, hashes, sum(octet_length(hashes)) OVER (
                 ORDER BY pending_id ROWS UNBOUNDED PRECEDING)::bigint AS bytes
             FROM (SELECT pending_id, hashes FROM public.ai_ledger_pending
                   ORDER BY pending_id LIMIT $1) AS oldest) AS page
         WHERE bytes - octet_length(hashes) < {HASH_BYTES_MAX} ORDER BY pending_id"
    );
    let statement = tx.prepare_cached(&sql).await?;
    let rows = tx.query(&statement, &[&limit]).await?;
    let more = rows.last().is_some_and(|row| {
        rows.len() == runs_max || row.get::<_, i64>(2) >= i64::from(HASH_BYTES_MAX)
    });
    // The table takes whole hashes only.
    let run = |row: &tokio_postgres::Row| Run {
        pending_id: row.get(0),
        hashes: split_hashes(row.get(1)).unwrap_or_default(),
    };
    Ok((rows.iter().map(run).collect(), more))
}

async fn write(tx: &Transaction<'_>, placed: &Placed, tree: &Frontier) -> Result<(), StoreError> {
    let (ids, firsts): (Vec<i64>, Vec<i64>) =
        placed.firsts.iter().map(|(id, first)| (*id, index(*first))).unzip();
    // The references never leave the database.
    let sql = "
        WITH moved AS (
            DELETE FROM public.ai_ledger_pending WHERE pending_id = ANY($1)
            RETURNING pending_id, kind, refs, hashes, created_at)
        INSERT INTO public.ai_ledger_leaves
            (first_index, kind, refs, hashes, ref_min, ref_max, created_at)
        SELECT placed.first_index, kind, refs, hashes,
            (SELECT min(ref COLLATE \"C\") FROM unnest(refs) AS r (ref)),
            (SELECT max(ref COLLATE \"C\") FROM unnest(refs) AS r (ref)), created_at
        FROM moved JOIN unnest($1, $2::bigint[]) AS placed (pending_id, first_index)
            USING (pending_id)";
    let statement = tx.prepare_cached(sql).await?;
    let moved = tx.execute(&statement, &[&ids, &firsts]).await?;
    // The lock keeps every other sequencer away, but not somebody with a client of their own.
    if usize::try_from(moved) != Ok(ids.len()) {
        return Err(StoreError::Gone);
    }
    if !placed.nodes.is_empty() {
        let levels: Vec<i16> = placed.nodes.iter().map(|(node, _)| level(*node)).collect();
        let places: Vec<i64> = placed.nodes.iter().map(|(node, _)| index(node.index)).collect();
        let hashes: Vec<&[u8]> = placed.nodes.iter().map(|(_, hash)| hash.as_slice()).collect();
        let sql = "INSERT INTO public.ai_ledger_nodes (level, node_index, hash)
             SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[])";
        let statement = tx.prepare_cached(sql).await?;
        tx.execute(&statement, &[&levels, &places, &hashes]).await?;
    }
    let statement =
        tx.prepare_cached("UPDATE public.ai_ledger_head SET tree_size = $1, frontier = $2").await?;
    tx.execute(&statement, &[&index(tree.size()), &tree.roots().concat()]).await?;
    Ok(())
}

async fn checkpoint(
    tx: &Transaction<'_>,
    tree: &Frontier,
    turn: &Turn<'_>,
) -> Result<(), StoreError> {
    // One of the future was made before the clock was set back; it holds nothing up.
    let sql = "SELECT tree_size < $1 AND created_at NOT BETWEEN
             clock_timestamp() - $2::bigint * interval '1 millisecond' AND clock_timestamp()
         FROM public.ai_ledger_checkpoints
         WHERE tree_size <= (SELECT tree_size FROM public.ai_ledger_head)
         ORDER BY tree_size DESC LIMIT 1";
    let interval_ms = i64::try_from(turn.interval.as_millis()).unwrap_or(i64::MAX);
    let statement = tx.prepare_cached(sql).await?;
    let newest = tx.query_opt(&statement, &[&index(tree.size()), &interval_ms]).await?;
    let due = newest.map_or(tree.size() > 0, |row| row.get(0));
    if due {
        let note = turn.key.sign_checkpoint(tree.size(), tree.root());
        let sql = "INSERT INTO public.ai_ledger_checkpoints (tree_size, note) VALUES ($1, $2)";
        let statement = tx.prepare_cached(sql).await?;
        tx.execute(&statement, &[&index(tree.size()), &note]).await?;
    }
    Ok(())
}

/// Whether the leaves make this tree, and it begins with what was published.
async fn follows(
    tx: &Transaction<'_>,
    tree: &Frontier,
    published: Option<&Checkpoint>,
) -> Result<bool, StoreError> {
    let nodes = cover(0, tree.size());
    let hashes = subtrees(tx, &nodes).await?;
    let same = nodes.iter().zip(tree.roots()).all(|(node, root)| hashes.get(node) == Some(root));
    match published {
        Some(published) if same => begins_with(tx, published, tree.size(), tree.root()).await,
        _ => Ok(same),
    }
}
