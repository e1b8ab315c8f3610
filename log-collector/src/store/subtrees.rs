//! Hashes of the tree as the database has them: from the kept nodes, and below these from leaves.
//! However large the tree, a proof reads a node a level and, of leaves, the runs of two groups.
//! Nothing here is believed by itself; whoever asks compares it with what was signed.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use tokio_postgres::Row;

use crate::error::StoreError;
use crate::ledger::note::Checkpoint;
use crate::ledger::sequence::{NODE_LEVEL_MIN, split_hashes};
use crate::ledger::tree::{
    Frontier, Hash, Node, consistency_path, cover, is_consistent, range_heads,
};

/// Whether the database can prove that a tree begins with that of a checkpoint. Comparing the old
/// head alone would not do: kept nodes can be altered so that they agree with both trees.
pub(super) async fn begins_with(
    tx: &Transaction<'_>,
    old: &Checkpoint,
    size: u64,
    root: Hash,
) -> Result<bool, StoreError> {
    let Some(path) = consistency_path(old.size, size) else { return Ok(false) };
    let nodes: Vec<Node> = path.iter().flat_map(|(first, end)| cover(*first, *end)).collect();
    let proof = range_heads(&path, &subtrees(tx, &nodes).await?);
    Ok(proof.is_some_and(|proof| is_consistent((old.size, old.root), (size, root), &proof)))
}

/// The hashes of complete subtrees. What is not there is left out.
pub(super) async fn subtrees(
    tx: &Transaction<'_>,
    nodes: &[Node],
) -> Result<HashMap<Node, Hash>, StoreError> {
    let (kept, small): (Vec<Node>, Vec<Node>) =
        nodes.iter().partition(|node| node.level >= NODE_LEVEL_MIN);
    let mut hashes = HashMap::new();
    if !kept.is_empty() {
        hashes.extend(kept_nodes(tx, &kept).await?);
    }
    if !small.is_empty() {
        hashes.extend(small_nodes(tx, &small).await?);
    }
    Ok(hashes)
}

async fn kept_nodes(tx: &Transaction<'_>, nodes: &[Node]) -> Result<Vec<(Node, Hash)>, StoreError> {
    let levels: Vec<i16> = nodes.iter().map(|node| level(*node)).collect();
    let places: Vec<i64> = nodes.iter().map(|node| index(node.index)).collect();
    let sql = "SELECT level, node_index, hash FROM public.ai_ledger_nodes
         JOIN unnest($1::smallint[], $2::bigint[]) AS wanted (level, node_index)
             USING (level, node_index)";
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&levels, &places]).await?;
    let node = |row: &Row| {
        let level = u32::try_from(row.get::<_, i16>(0)).ok()?;
        let index = u64::try_from(row.get::<_, i64>(1)).ok()?;
        Some((Node { level, index }, row.get::<_, &[u8]>(2).try_into().ok()?))
    };
    Ok(rows.iter().filter_map(node).collect())
}

async fn small_nodes(
    tx: &Transaction<'_>,
    nodes: &[Node],
) -> Result<Vec<(Node, Hash)>, StoreError> {
    // The run that the first leaf is in may begin before it, and the last one end behind.
    let sql = "SELECT place, substring(l.hashes
             FROM (1 + 32 * greatest(w.first - l.first_index, 0))::int
             FOR (32 * (w.past - greatest(w.first, l.first_index)))::int)
         FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS w (first, past, place)
             CROSS JOIN LATERAL (
                 SELECT first_index, hashes FROM public.ai_ledger_leaves
                 WHERE first_index < w.past AND first_index >= (
                     SELECT max(first_index) FROM public.ai_ledger_leaves
                     WHERE first_index <= w.first)) AS l
         ORDER BY place, l.first_index";
    let firsts: Vec<i64> = nodes.iter().map(|node| index(node.first())).collect();
    let ends: Vec<i64> = nodes.iter().map(|node| index(node.end())).collect();
    let statement = tx.prepare_cached(sql).await?;
    let rows = tx.query(&statement, &[&firsts, &ends]).await?;
    let mut found = Vec::new();
    for (place, node) in (1..).zip(nodes) {
        let mut part = Frontier::default();
        for row in rows.iter().filter(|row| row.get::<_, i64>(0) == place) {
            let leaves = split_hashes(row.get(1)).unwrap_or_default();
            leaves.into_iter().for_each(|leaf| part.push(leaf, |_, _| {}));
        }
        // With a gap in the leaves there are too few.
        if part.size() == node.end() - node.first() {
            found.push((*node, part.root()));
        }
    }
    Ok(found)
}

/// Sizes and indices are Postgres's own, so they fit.
pub(super) fn index(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn level(node: Node) -> i16 {
    i16::try_from(node.level).unwrap_or(i16::MAX)
}
