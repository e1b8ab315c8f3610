//! The Merkle tree of RFC 6962 §2.1 (and RFC 9162 §2.1): hashes, growth, and the two kinds of
//! proof. Pure; where hashes are kept is the caller's affair.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// No tree here is larger: indices are Postgres's BIGINT.
pub const SIZE_MAX: u64 = i64::MAX as u64;

/// The head of an empty tree: the hash of nothing.
pub fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The hash of a leaf's bytes.
pub fn leaf_hash(bytes: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update([0]);
    hasher.update(bytes);
    hasher.finalize().into()
}

/// The hash of two subtrees.
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    let mut bytes = [0_u8; 65];
    let (mark, hashes) = bytes.split_at_mut(1);
    let (first, second) = hashes.split_at_mut(32);
    mark.copy_from_slice(&[1]);
    first.copy_from_slice(left);
    second.copy_from_slice(right);
    Sha256::digest(bytes).into()
}

/// A complete subtree: the leaves `[index << level, (index + 1) << level)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Node {
    /// Its height; a leaf is at 0.
    pub level: u32,
    /// Its place among those of its height.
    pub index: u64,
}

/// The right edge of a tree: all that is needed to append to it and to know its head. Constant
/// memory, however large the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, largest first; one for each bit of `size`.
    roots: Vec<Hash>,
}

// === impl Node ===

impl Node {
    /// The first leaf.
    pub fn first(self) -> u64 {
        self.index << self.level
    }

    /// One past the last leaf.
    pub fn end(self) -> u64 {
        (self.index + 1) << self.level
    }
}

// === impl Frontier ===

impl Frontier {
    /// A frontier as it was kept; `None` where the number of hashes is not that of the size.
    pub fn from_parts(size: u64, roots: Vec<Hash>) -> Option<Frontier> {
        let fits = size <= SIZE_MAX && roots.len() == size.count_ones() as usize;
        fits.then_some(Frontier { size, roots })
    }

    /// How many leaves there are.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Roots of the complete subtrees, largest first.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Appends a leaf; `completed` is told of every subtree of at least two leaves that it
    /// completes, smallest first.
    pub fn push(&mut self, leaf: Hash, mut completed: impl FnMut(Node, &Hash)) {
        let mut hash = leaf;
        let mut level = 0;
        // Each trailing 1 of the size is a subtree that this leaf's one joins.
        while (self.size >> level) & 1 == 1 {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(&left, &hash);
            level += 1;
            completed(Node { level, index: self.size >> level }, &hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// Appends a complete subtree of which only the hash is known. False, and nothing appended,
    /// where the tree's size is no place for one of this height.
    #[must_use]
    pub fn push_subtree(&mut self, level: u32, hash: Hash) -> bool {
        let aligned = self.size == 0 || self.size.trailing_zeros() >= level;
        let Some(size) = 1_u64.checked_shl(level).and_then(|more| self.size.checked_add(more))
        else {
            return false;
        };
        if !aligned || size > SIZE_MAX {
            return false;
        }
        let (mut hash, mut at) = (hash, level);
        while (self.size >> at) & 1 == 1 {
            let Some(left) = self.roots.pop() else { break };
            hash = node_hash(&left, &hash);
            at += 1;
        }
        self.roots.push(hash);
        self.size = size;
        true
    }

    /// The head of the tree.
    pub fn root(&self) -> Hash {
        fold(self.roots.iter().copied()).unwrap_or_else(empty_root)
    }
}

/// The head over complete subtrees, largest first.
fn fold(roots: impl DoubleEndedIterator<Item = Hash>) -> Option<Hash> {
    roots.rev().reduce(|right, left| node_hash(&left, &right))
}

/// The complete subtrees that `[first, end)` consists of, left to right. For [`range_heads`] to
/// find the head of the range, `first` must be where a subtree that holds all of it may begin: 0,
/// or a split that the tree itself makes.
pub fn cover(first: u64, end: u64) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut at = first;
    while at < end {
        let aligned = if at == 0 { 63 } else { at.trailing_zeros() };
        let level = aligned.min((end - at).ilog2());
        nodes.push(Node { level, index: at >> level });
        at += 1 << level;
    }
    nodes
}

/// Which hashes prove that leaf `index` is in a tree of `size`: each a range of leaves whose
/// subtree hash is wanted, from the leaf up. `None` where there is no such leaf.
pub fn inclusion_path(index: u64, size: u64) -> Option<Vec<(u64, u64)>> {
    if index >= size {
        return None;
    }
    let (mut first, mut end) = (0, size);
    let mut path = Vec::new();
    while end - first > 1 {
        let middle = first + split(end - first);
        if index < middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((first, middle));
            first = middle;
        }
    }
    path.reverse();
    Some(path)
}

/// Which hashes prove that a tree of `size` begins with one of `old`: ranges as in
/// [`inclusion_path`], in the order of RFC 6962. `None` where `old` is larger.
pub fn consistency_path(old: u64, size: u64) -> Option<Vec<(u64, u64)>> {
    if old > size {
        return None;
    }
    if old == 0 || old == size {
        return Some(Vec::new());
    }
    let (mut first, mut end) = (0, size);
    let mut path = Vec::new();
    // RFC 6962's SUBPROOF(m, D[n], b), iteratively: `b` holds until the first step right.
    while old != end {
        let middle = first + split(end - first);
        if old <= middle {
            path.push((middle, end));
            end = middle;
        } else {
            path.push((first, middle));
            first = middle;
        }
    }
    if first != 0 {
        path.push((first, end));
    }
    path.reverse();
    Some(path)
}

/// The head of a tree of `size` in which leaf `index` has this hash, as the proof has it; `None`
/// where the proof has not the length that it must have.
pub fn root_of_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    let path = inclusion_path(index, size)?;
    if path.len() != proof.len() {
        return None;
    }
    let steps = path.iter().zip(proof);
    Some(steps.fold(leaf, |hash, ((first, _), other)| {
        if *first > index { node_hash(&hash, other) } else { node_hash(other, &hash) }
    }))
}

/// Whether the proof shows that the tree with head `root` begins with the one with head `old_root`.
pub fn is_consistent(
    (old, old_root): (u64, Hash),
    (size, root): (u64, Hash),
    proof: &[Hash],
) -> bool {
    let Some(path) = consistency_path(old, size) else { return false };
    if path.len() != proof.len() {
        return false;
    }
    if old == 0 {
        return old_root == empty_root();
    }
    let mut hashes = proof.iter().copied();
    let mut ranges = path.into_iter();
    // Where the old tree is itself a complete subtree of the new one, its head begins both.
    let seed = if old.is_power_of_two() || old == size {
        Some(old_root)
    } else {
        ranges.next();
        hashes.next()
    };
    let Some(seed) = seed else { return false };
    let (mut before, mut now) = (seed, seed);
    for ((first, _), hash) in ranges.zip(hashes) {
        if first < old {
            before = node_hash(&hash, &before);
            now = node_hash(&hash, &now);
        } else {
            now = node_hash(&now, &hash);
        }
    }
    before == old_root && now == root
}

/// The heads of ranges of leaves from the hashes of their complete subtrees, as a path names them;
/// `None` where one is missing.
pub fn range_heads(ranges: &[(u64, u64)], hashes: &HashMap<Node, Hash>) -> Option<Vec<Hash>> {
    let head = |(first, end): &(u64, u64)| {
        let nodes = cover(*first, *end).into_iter();
        let hashes: Option<Vec<Hash>> = nodes.map(|node| hashes.get(&node).copied()).collect();
        fold(hashes?.into_iter())
    };
    ranges.iter().map(head).collect()
}

/// RFC 6962's k: the largest power of two below `n`, which is at least 2.
fn split(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests;
