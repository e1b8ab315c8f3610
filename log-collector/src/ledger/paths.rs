//! From ranges of leaves to the rows whose hashes answer for them, and back. The database keeps the
//! hashes of leaves, and those of complete subtrees from [`NODE_LEVEL_MIN`] up; what lies between
//! is computed. So a proof reads the group of its leaf, the last group, and a row a level. Pure.

use std::collections::{BTreeSet, HashMap};

use super::sequence::NODE_LEVEL_MIN;
use super::tree::{Frontier, Hash, Node, cover, inclusion_path, range_root};

/// Which rows are wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Groups of 256 leaves, by number.
    pub groups: BTreeSet<u64>,
    /// Subtrees that are kept.
    pub nodes: BTreeSet<Node>,
}

/// What was found of them.
#[derive(Debug, Default)]
pub struct Found {
    /// Hashes of leaves.
    pub leaves: HashMap<u64, Hash>,
    /// Hashes of subtrees that are kept.
    pub nodes: HashMap<Node, Hash>,
}

// === impl Wanted ===

impl Wanted {
    /// What proves that a leaf is in a tree of `size`.
    pub fn inclusion(&mut self, index: u64, size: u64) {
        for (first, end) in inclusion_path(index, size).unwrap_or_default() {
            self.cover(first, end);
        }
    }

    /// The complete subtrees of a range.
    pub fn cover(&mut self, first: u64, end: u64) {
        for node in cover(first, end) {
            if node.level >= NODE_LEVEL_MIN {
                self.nodes.insert(node);
            } else {
                self.groups.insert(node.first() >> NODE_LEVEL_MIN);
            }
        }
    }
}

// === impl Found ===

impl Found {
    /// A leaf's proof; `None` where a hash is missing.
    pub fn inclusion(&self, index: u64, size: u64) -> Option<Vec<Hash>> {
        let path = inclusion_path(index, size)?;
        path.into_iter()
            .map(|(first, end)| range_root(self.cover(first, end)?.into_iter()))
            .collect()
    }

    /// The hashes of a range's complete subtrees, left to right; `None` where one is missing.
    pub fn cover(&self, first: u64, end: u64) -> Option<Vec<Hash>> {
        cover(first, end).into_iter().map(|node| self.hash(node)).collect()
    }

    fn hash(&self, node: Node) -> Option<Hash> {
        if node.level >= NODE_LEVEL_MIN {
            return self.nodes.get(&node).copied();
        }
        let mut tree = Frontier::default();
        for index in node.first()..node.end() {
            tree.push(*self.leaves.get(&index)?, |_, _| ());
        }
        Some(tree.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::tree::{leaf_hash, root_of_inclusion};

    #[test]
    fn proof_is_found_in_two_groups_and_a_row_a_level() {
        let size = 3 * 4_096_u64 + 700;
        let mut tree = Frontier::default();
        let mut all = Found::default();
        for index in 0..size {
            let leaf = leaf_hash(&index.to_be_bytes());
            all.leaves.insert(index, leaf);
            tree.push(leaf, |node, hash| _ = all.nodes.insert(node, *hash));
        }
        for index in [0, 255, 256, 5_000, 8_191, size - 1] {
            let mut wanted = Wanted::default();
            wanted.inclusion(index, size);
            assert!(wanted.groups.len() <= 2, "{index}: {wanted:?}");
            assert!(wanted.nodes.len() <= 16, "{index}: {wanted:?}");
            let mut found = Found::default();
            for group in &wanted.groups {
                for leaf in (group * 256)..((group + 1) * 256).min(size) {
                    found.leaves.insert(leaf, all.leaves[&leaf]);
                }
            }
            for node in &wanted.nodes {
                found.nodes.insert(*node, all.nodes[node]);
            }
            let proof = found.inclusion(index, size).expect("every hash");
            let root = root_of_inclusion(all.leaves[&index], index, size, &proof);
            assert_eq!(root, Some(tree.root()), "{index}");
        }
        assert_eq!(Found::default().inclusion(3, 5), None);
    }
}
