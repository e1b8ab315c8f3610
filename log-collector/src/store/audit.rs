//! What `verify` reads: the whole ledger and every row under it, in one snapshot, in the order of
//! the leaves. Says nothing about what it reads; whoever takes it believes none of it.

mod queries;
mod reviews;

pub use queries::table_of;

use std::time::{Duration, SystemTime};

use deadpool_postgres::Transaction;
use futures_util::TryStreamExt;
use tokio::sync::mpsc::Sender;
use tokio_postgres::types::ToSql;
use tokio_postgres::{IsolationLevel, Row};

use crate::config::Database;
use crate::error::{StartError, StoreError};
use crate::ledger::LeafKind;
use crate::ledger::sequence::split_hashes;
use crate::ledger::tree::{Hash, Node};
use crate::store::{connect, migrate};

pub use reviews::Review;

/// Leaves whose rows are asked for at once.
const LEAVES_MAX: i64 = 2_048;

/// Rows are handed on in groups of so many, or of so many bytes if that is less.
const ROWS_MAX: usize = 256;
const BYTES_MAX: usize = 1 << 20;

/// Counting a table reads all of it.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// A connection that yields nothing for so long is lost.
const SILENCE: Duration = Duration::from_secs(600);

/// A piece of what is read.
pub enum Part {
    /// Comes first.
    Start(Start),
    /// Leaves whose rows follow.
    Runs(Vec<Run>),
    /// Rows of the runs before, in any order.
    Rows(LeafKind, Vec<Row>),
    /// Sizes and notes, up to the end of the runs; behind the last leaf, those of larger trees.
    Checkpoints(Vec<(i64, String)>),
    /// No more of the runs; the subtrees that were kept of those that their leaves complete.
    End(Vec<(Node, Hash)>),
    /// Behind the last rows.
    Reviews(Vec<Review>),
    /// The first few decisions in the queue that have no review.
    Orphaned(Vec<String>),
    /// Comes last: of every kind how its table and its leaves compare.
    Totals(Vec<Total>),
}

/// What the ledger says of itself.
pub struct Start {
    /// Now, by the database's clock.
    pub at: SystemTime,
    /// How many leaves it has.
    pub size: i64,
    /// The right edge of the tree.
    pub frontier: Vec<u8>,
    /// Verifier keys and their records, oldest first.
    pub keys: Vec<(String, Vec<u8>)>,
    /// Versions that there are.
    pub policies: Vec<String>,
    /// Of the tables that have one for each month.
    pub partitions: Vec<Partition>,
}

/// A partition by its bounds: ids from `low` on, below `high`.
pub struct Partition {
    /// Of whose table.
    pub kind: LeafKind,
    /// Its first id.
    pub low: String,
    /// The first id behind it.
    pub high: String,
}

/// Leaves that one statement made.
pub struct Run {
    /// The index of the first; `None` where they have none yet.
    pub first: Option<i64>,
    /// As it stands there.
    pub kind: String,
    /// Whose records.
    pub refs: Vec<String>,
    /// Of each.
    pub hashes: Vec<Hash>,
    /// When.
    pub created_at: SystemTime,
}

/// A kind's table beside its leaves.
pub struct Total {
    /// Which.
    pub kind: LeafKind,
    /// Rows in its table.
    pub rows: i64,
    /// Leaves, with those that have no index yet.
    pub leaves: i64,
    /// Rows without a leaf: the first few.
    pub without_leaf: Vec<String>,
    /// Rows with several leaves: the first few.
    pub repeated: Vec<String>,
}

/// One transaction of one connection.
struct Audit<'a> {
    tx: Transaction<'a>,
    to: Sender<Part>,
}

/// Reads everything. Ends early without an error when nobody listens any more.
pub async fn read(database: &Database, to: Sender<Part>) -> Result<(), StartError> {
    let pool = connect(database, PATIENCE, 1)?;
    let client = pool.get().await.map_err(StoreError::from);
    let mut client = client.map_err(|e| e.during("connecting to the database"))?;
    let found = migrate::version(&client).await.map_err(|e| e.during("reading the schema"))?;
    if found < migrate::VERSION {
        return Err(StartError::Schema { found, expected: migrate::VERSION });
    }
    let snapshot = client.build_transaction().read_only(true);
    let tx = snapshot.isolation_level(IsolationLevel::RepeatableRead).start().await;
    let tx = tx.map_err(|e| StoreError::from(e).during("reading the ledger"))?;
    let audit = Audit { tx, to };
    audit.all().await.map_err(|e| e.during("reading the ledger"))
}

// === impl Audit ===

impl Audit<'_> {
    async fn all(&self) -> Result<(), StoreError> {
        let start = self.start().await?;
        self.send(Part::Start(start)).await?;
        // None should begin below 0.
        let (mut from, mut at) = (i64::MIN, 0);
        loop {
            let runs = self.leaves(from).await?;
            let Some(last) = runs.last() else { break };
            let end = last.first.unwrap_or_default().saturating_add(length(&last.refs));
            self.rows(runs).await?;
            self.checkpoints(at, end).await?;
            let nodes = self.nodes(at, end).await?;
            self.send(Part::End(nodes)).await?;
            at = end.max(at);
            from = end.max(from.saturating_add(1));
        }
        self.checkpoints(at, i64::MAX).await?;
        let mut after = i64::MIN;
        loop {
            let runs = self.pending(&mut after).await?;
            if runs.is_empty() {
                break;
            }
            self.rows(runs).await?;
            self.send(Part::End(Vec::new())).await?;
        }
        self.reviews().await?;
        let totals = self.totals().await?;
        self.send(Part::Totals(totals)).await
    }

    async fn send(&self, part: Part) -> Result<(), StoreError> {
        // Whoever listened has seen enough; there is nobody to tell.
        self.to.send(part).await.map_err(|_| StoreError::Lost)
    }

    async fn query(
        &self,
        sql: &str,
        parameters: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, StoreError> {
        let statement = self.tx.prepare_cached(sql).await?;
        Ok(self.tx.query(&statement, parameters).await?)
    }

    async fn start(&self) -> Result<Start, StoreError> {
        let at = self.query("SELECT clock_timestamp()", &[]).await?;
        let at = at.first().map_or_else(SystemTime::now, |row| row.get(0));
        let head = "SELECT tree_size, frontier FROM public.ai_ledger_head";
        let head = self.query(head, &[]).await?;
        let (size, frontier) = head.first().map(|row| (row.get(0), row.get(1))).unwrap_or_default();
        let keys = "SELECT verifier_key, record FROM public.ai_ledger_keys ORDER BY key_seq";
        let keys = self.query(keys, &[]).await?;
        let policies = self.query("SELECT version FROM public.ai_policies", &[]).await?;
        Ok(Start {
            at,
            size,
            frontier,
            keys: keys.iter().map(|row| (row.get(0), row.get(1))).collect(),
            policies: policies.iter().map(|row| row.get(0)).collect(),
            partitions: self.partitions().await?,
        })
    }

    async fn partitions(&self) -> Result<Vec<Partition>, StoreError> {
        let mut partitions = Vec::new();
        for kind in [LeafKind::Intent, LeafKind::Outcome] {
            let rows = self.query(queries::PARTITIONS, &[&queries::table_of(kind)]).await?;
            let partition = |row: &Row| Partition { kind, low: row.get(0), high: row.get(1) };
            partitions.extend(rows.iter().map(partition));
        }
        Ok(partitions)
    }

    /// Runs from an index on; behind a gap those from its end on. None at the end of all.
    async fn leaves(&self, at: i64) -> Result<Vec<Run>, StoreError> {
        let sql = "SELECT kind, refs, hashes, created_at, first_index
             FROM public.ai_ledger_leaves,
                 (SELECT min(first_index) AS low FROM public.ai_ledger_leaves
                  WHERE first_index >= $1) AS next
             WHERE first_index >= low AND first_index - low < $2 ORDER BY first_index";
        Ok(self.query(sql, &[&at, &LEAVES_MAX]).await?.iter().map(|row| run(row, true)).collect())
    }

    async fn pending(&self, after: &mut i64) -> Result<Vec<Run>, StoreError> {
        let sql = "SELECT kind, refs, hashes, created_at, pending_id
             FROM public.ai_ledger_pending WHERE pending_id > $1 ORDER BY pending_id LIMIT 8";
        let rows = self.query(sql, &[after]).await?;
        if let Some(last) = rows.last() {
            *after = last.get(4);
        }
        Ok(rows.iter().map(|row| run(row, false)).collect())
    }

    /// Sends runs and then their rows.
    async fn rows(&self, runs: Vec<Run>) -> Result<(), StoreError> {
        let mut wanted: Vec<(LeafKind, Vec<String>)> = Vec::new();
        for kind in LeafKind::ALL {
            let of_kind = runs.iter().filter(|run| run.kind == kind.as_str());
            let refs: Vec<String> = of_kind.flat_map(|run| run.refs.clone()).collect();
            if !refs.is_empty() {
                wanted.push((kind, refs));
            }
        }
        self.send(Part::Runs(runs)).await?;
        let most = usize::try_from(LEAVES_MAX).unwrap_or(usize::MAX);
        for (kind, mut refs) in wanted {
            refs.sort_unstable();
            let statement = self.tx.prepare_cached(queries::rows_of(kind)).await?;
            // A statement may insert as many rows as it likes, and so may a run be of any length.
            for refs in refs.chunks(most) {
                let (Some(low), Some(high)) = (refs.first(), refs.last()) else { continue };
                let parameters: [&(dyn ToSql + Sync); 3] = [&refs, low, high];
                let rows = self.tx.query_raw(&statement, parameters).await?;
                self.forward(rows, |group| Part::Rows(kind, group)).await?;
            }
        }
        Ok(())
    }

    async fn forward(
        &self,
        rows: tokio_postgres::RowStream,
        part: impl Fn(Vec<Row>) -> Part,
    ) -> Result<(), StoreError> {
        let mut rows = std::pin::pin!(rows);
        let (mut group, mut bytes) = (Vec::new(), 0);
        loop {
            let next = tokio::time::timeout(SILENCE, rows.try_next()).await;
            let row = next.map_err(|_| StoreError::Timeout)??;
            let more = row.is_some();
            if let Some(row) = row {
                bytes += row.raw_size_bytes();
                group.push(row);
            }
            if !group.is_empty() && (!more || group.len() >= ROWS_MAX || bytes >= BYTES_MAX) {
                bytes = 0;
                self.send(part(std::mem::take(&mut group))).await?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    async fn nodes(&self, from: i64, end: i64) -> Result<Vec<(Node, Hash)>, StoreError> {
        let sql = "SELECT n.level, n.node_index, n.hash
             FROM generate_series(8, 62) AS height (level)
                 JOIN public.ai_ledger_nodes n ON n.level = height.level::smallint
                     AND n.node_index >= $1::bigint >> height.level
                     AND n.node_index < $2::bigint >> height.level
             ORDER BY n.level, n.node_index";
        let rows = self.query(sql, &[&from, &end]).await?;
        let node = |row: &Row| {
            let level = u32::try_from(row.get::<_, i16>(0)).ok()?;
            let index = u64::try_from(row.get::<_, i64>(1)).ok()?;
            Some((Node { level, index }, row.get::<_, &[u8]>(2).try_into().ok()?))
        };
        Ok(rows.iter().filter_map(node).collect())
    }

    async fn checkpoints(&self, mut from: i64, end: i64) -> Result<(), StoreError> {
        let sql = "SELECT tree_size, note FROM public.ai_ledger_checkpoints
             WHERE tree_size > $1 AND tree_size <= $2 ORDER BY tree_size LIMIT $3";
        loop {
            let rows = self.query(sql, &[&from, &end, &LEAVES_MAX]).await?;
            let Some(last) = rows.last() else { return Ok(()) };
            from = last.get(0);
            let notes = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
            self.send(Part::Checkpoints(notes)).await?;
        }
    }

    /// Counts, and names what has no leaf or several. Equal counts are no proof that each has its
    /// own, so sums of hashes are compared, too, under a seed that nobody knew.
    async fn totals(&self) -> Result<Vec<Total>, StoreError> {
        let mut seed = [0; 8];
        getrandom::fill(&mut seed).map_err(|_| StoreError::Lost)?;
        let seed = i64::from_be_bytes(seed);
        let sql = format!(
            "SELECT kind, count(*), sum(hashtextextended(ref, $1)::numeric)::text
             FROM ({ALL_LEAVES}) AS leaf GROUP BY kind"
        );
        let leaves = self.query(&sql, &[&seed]).await?;
        let mut totals = Vec::new();
        for kind in LeafKind::ALL {
            let sql = format!(
                "SELECT count(*), sum(hashtextextended(ref, $1)::numeric)::text
                 FROM ({}) AS referred",
                queries::refs_of(kind)
            );
            let rows = self.query(&sql, &[&seed]).await?;
            let rows: (i64, Option<String>) =
                rows.first().map(|row| (row.get(0), row.get(1))).unwrap_or_default();
            let of_kind = leaves.iter().find(|row| row.get::<_, &str>(0) == kind.as_str());
            let leaves: (i64, Option<String>) =
                of_kind.map(|row| (row.get(1), row.get(2))).unwrap_or_default();
            let (without_leaf, repeated) = match rows == leaves {
                true => (Vec::new(), Vec::new()),
                false => (self.without_leaf(kind).await?, self.repeated(kind).await?),
            };
            totals.push(Total { kind, rows: rows.0, leaves: leaves.0, without_leaf, repeated });
        }
        Ok(totals)
    }

    async fn without_leaf(&self, kind: LeafKind) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "{} EXCEPT SELECT ref FROM ({ALL_LEAVES}) AS leaf WHERE kind = $1
             ORDER BY 1 LIMIT 21",
            queries::refs_of(kind)
        );
        let rows = self.query(&sql, &[&kind.as_str()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    async fn repeated(&self, kind: LeafKind) -> Result<Vec<String>, StoreError> {
        let sql = format!(
            "SELECT ref FROM ({ALL_LEAVES}) AS leaf WHERE kind = $1
             GROUP BY ref HAVING count(*) > 1 ORDER BY 1 LIMIT 21"
        );
        let rows = self.query(&sql, &[&kind.as_str()]).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}

const ALL_LEAVES: &str = "
    SELECT kind, unnest(refs) AS ref FROM public.ai_ledger_leaves
    UNION ALL SELECT kind, unnest(refs) FROM public.ai_ledger_pending";

fn run(row: &Row, placed: bool) -> Run {
    Run {
        first: placed.then(|| row.get(4)),
        kind: row.get(0),
        refs: row.get(1),
        hashes: split_hashes(row.get(2)).unwrap_or_default(),
        created_at: row.get(3),
    }
}

fn length(refs: &[String]) -> i64 {
    i64::try_from(refs.len()).unwrap_or(i64::MAX)
}
