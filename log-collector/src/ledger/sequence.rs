//! Where leaves go: pending runs in, their places and the completed nodes out. Pure; the sequencer
//! reads and writes, under the lock of the head.

use super::tree::{Frontier, Hash, Node};

/// Smaller subtrees are recomputed from the leaves.
pub const NODE_LEVEL_MIN: u32 = 8;

/// Records that one statement inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// `ai_ledger_pending.pending_id`.
    pub pending_id: i64,
    /// Of its leaves, in order.
    pub hashes: Vec<Hash>,
}

/// What became of some runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// Each run with the index of its first leaf.
    pub firsts: Vec<(i64, u64)>,
    /// Complete subtrees of [`NODE_LEVEL_MIN`] and up.
    pub nodes: Vec<(Node, Hash)>,
}

/// Appends the runs to the tree, in their order.
pub fn place(frontier: &mut Frontier, runs: &[Run]) -> Placed {
    let mut placed = Placed::default();
    for run in runs {
        placed.firsts.push((run.pending_id, frontier.size()));
        for leaf in &run.hashes {
            frontier.push(*leaf, |node, hash| {
                if node.level >= NODE_LEVEL_MIN {
                    placed.nodes.push((node, *hash));
                }
            });
        }
    }
    placed
}

/// Hashes as they are kept: 32 bytes each. `None` where some are left over.
pub fn split_hashes(bytes: &[u8]) -> Option<Vec<Hash>> {
    let (hashes, rest) = bytes.as_chunks::<32>();
    rest.is_empty().then(|| hashes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tree::leaf_hash;

    #[test]
    fn runs_follow_each_other_and_nodes_are_kept_from_256_leaves_up() {
        let leaf = |index: u64| leaf_hash(&index.to_be_bytes());
        let run = |pending_id, leaves: std::ops::Range<u64>| Run {
            pending_id,
            hashes: leaves.map(leaf).collect(),
        };
        let mut frontier = Frontier::default();
        let placed = place(&mut frontier, &[run(9, 0..200), run(4, 200..255)]);
        assert_eq!(placed.firsts, [(9, 0), (4, 200)]);
        assert_eq!(placed.nodes, []);
        let placed = place(&mut frontier, &[run(11, 255..600)]);
        assert_eq!(placed.firsts, [(11, 255)]);
        let places: Vec<Node> = placed.nodes.iter().map(|(node, _)| *node).collect();
        let node = |level, index| Node { level, index };
        assert_eq!(places, [node(8, 0), node(8, 1), node(9, 0)]);
        let mut alone = Frontier::default();
        (0..512).for_each(|index| alone.push(leaf(index), |_, _| {}));
        assert_eq!(placed.nodes[2].1, alone.root());
    }
}
