//! Tests of the tree: RFC 6962's heads, and another implementation as a second opinion.

use ct_merkle::mem_backed_tree::MemoryBackedTree;
use governance_filter::record::hex;
use std::collections::HashSet;

use super::*;
use crate::ledger::sequence::NODE_LEVEL_MIN;

/// Well past the sizes at which the shape of a tree changes.
const LEAVES: u64 = 70;

fn bytes(index: u64) -> Vec<u8> {
    format!("record {index}").into_bytes()
}

/// Our tree of so many leaves, with every complete subtree, and another's of the same.
struct Trees {
    frontier: Frontier,
    nodes: HashMap<Node, Hash>,
    other: MemoryBackedTree<Sha256, Vec<u8>>,
}

impl Trees {
    fn of(size: u64) -> Trees {
        let mut trees = Trees {
            frontier: Frontier::default(),
            nodes: HashMap::new(),
            other: MemoryBackedTree::new(),
        };
        for index in 0..size {
            let leaf = leaf_hash(&bytes(index));
            trees.nodes.insert(Node { level: 0, index }, leaf);
            let nodes = &mut trees.nodes;
            trees.frontier.push(leaf, |node, hash| _ = nodes.insert(node, *hash));
            trees.other.push(bytes(index));
        }
        trees
    }

    fn hashes(&self, path: &[(u64, u64)]) -> Vec<Hash> {
        range_heads(path, &self.nodes).unwrap()
    }
}

#[test]
fn heads_are_those_of_rfc_6962() {
    // The leaves and heads of the reference implementation's own test (certificate-transparency,
    // merkletree/merkle_tree_test.cc).
    let leaves: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let heads = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::default();
    assert_eq!(hex(&frontier.root()), heads[0]);
    for (leaf, head) in leaves.iter().zip(&heads[1..]) {
        frontier.push(leaf_hash(leaf), |_, _| {});
        assert_eq!(hex(&frontier.root()), *head, "{} leaves", frontier.size());
    }
}

#[test]
fn head_and_proofs_are_those_of_another_implementation() {
    for size in 0..=LEAVES {
        let trees = Trees::of(size);
        let root = trees.frontier.root();
        assert_eq!(root[..], trees.other.root().as_bytes()[..], "{size}");
        let kept = trees.frontier.roots().to_vec();
        assert_eq!(Frontier::from_parts(size, kept).as_ref(), Some(&trees.frontier), "{size}");
        for index in 0..size {
            let proof = trees.hashes(&inclusion_path(index, size).unwrap());
            let other = trees.other.prove_inclusion(index as usize);
            assert_eq!(proof.concat(), other.as_bytes(), "leaf {index} of {size}");
            let leaf = leaf_hash(&bytes(index));
            assert_eq!(root_of_inclusion(leaf, index, size, &proof), Some(root));
        }
        for old in 1..=size {
            let proof = trees.hashes(&consistency_path(old, size).unwrap());
            let other = trees.other.prove_consistency((size - old) as usize);
            assert_eq!(proof.concat(), other.as_bytes(), "{old} to {size}");
            let old_root = Trees::of(old).frontier.root();
            assert!(is_consistent((old, old_root), (size, root), &proof), "{old} to {size}");
        }
        assert!(is_consistent((0, empty_root()), (size, root), &[]));
    }
}

#[test]
fn no_proof_holds_for_another_leaf_place_size_or_head() {
    let size = 37;
    let trees = Trees::of(size);
    let root = trees.frontier.root();
    for index in 0..size {
        let leaf = leaf_hash(&bytes(index));
        let proof = trees.hashes(&inclusion_path(index, size).unwrap());
        let holds = |leaf, index, size, proof: &[Hash]| {
            root_of_inclusion(leaf, index, size, proof) == Some(root)
        };
        assert!(!holds(leaf_hash(b"another"), index, size, &proof));
        for other in (0..size).filter(|other| *other != index) {
            assert!(!holds(leaf, other, size, &proof), "{index} as {other}");
        }
        for at in 0..proof.len() {
            let mut altered = proof.clone();
            altered[at][7] ^= 1;
            assert!(!holds(leaf, index, size, &altered), "{index}");
            altered.remove(at);
            assert!(!holds(leaf, index, size, &altered), "{index}");
        }
        let mut longer = proof.clone();
        longer.push(root);
        assert!(!holds(leaf, index, size, &longer), "{index}");
    }
    assert_eq!(inclusion_path(size, size), None);
}

#[test]
fn no_consistency_proof_holds_for_another_past() {
    let size = 37;
    let trees = Trees::of(size);
    let now = (size, trees.frontier.root());
    for old in 1..size {
        let past = Trees::of(old).frontier.root();
        let proof = trees.hashes(&consistency_path(old, size).unwrap());
        let mut other = past;
        other[0] ^= 1;
        assert!(!is_consistent((old, other), now, &proof), "{old}");
        assert!(!is_consistent((old, past), (size, other), &proof), "{old}");
        assert!(!is_consistent((old, past), now, &proof[..proof.len() - 1]), "{old}");
        for at in 0..proof.len() {
            let mut altered = proof.clone();
            altered[at][7] ^= 1;
            assert!(!is_consistent((old, past), now, &altered), "{old}");
        }
    }
    assert!(!is_consistent((size + 1, now.1), now, &[]));
    assert!(!is_consistent((0, now.1), now, &[]));
}

#[test]
fn proof_is_found_in_two_groups_of_leaves_and_a_node_a_level() {
    let size = 3 * 4_096_u64 + 700;
    let (mut tree, mut nodes) = (Frontier::default(), HashMap::new());
    for index in 0..size {
        let leaf = leaf_hash(&bytes(index));
        nodes.insert(Node { level: 0, index }, leaf);
        tree.push(leaf, |node, hash| _ = nodes.insert(node, *hash));
    }
    for index in [0, 255, 256, 5_000, 8_191, size - 1] {
        let path = inclusion_path(index, size).unwrap();
        let wanted = path.iter().flat_map(|(first, end)| cover(*first, *end));
        let (kept, small): (Vec<Node>, Vec<Node>) =
            wanted.partition(|node| node.level >= NODE_LEVEL_MIN);
        let groups: HashSet<u64> =
            small.iter().map(|node| node.first() >> NODE_LEVEL_MIN).collect();
        assert!(groups.len() <= 2 && kept.len() <= 16, "{index}: {groups:?} {kept:?}");
        let proof = range_heads(&path, &nodes).unwrap();
        let leaf = leaf_hash(&bytes(index));
        assert_eq!(root_of_inclusion(leaf, index, size, &proof), Some(tree.root()), "{index}");
    }
    assert_eq!(range_heads(&inclusion_path(3, 5).unwrap(), &HashMap::new()), None);
}

#[test]
fn frontier_of_another_size_is_refused() {
    assert_eq!(Frontier::from_parts(3, vec![empty_root()]), None);
    assert_eq!(Frontier::from_parts(u64::MAX, vec![empty_root(); 64]), None);
}

#[test]
fn largest_tree_has_proofs_too() {
    for index in [0, 1, SIZE_MAX / 2, SIZE_MAX - 1] {
        assert!(inclusion_path(index, SIZE_MAX).unwrap().len() <= 63);
        assert!(consistency_path(index, SIZE_MAX).unwrap().len() <= 64);
    }
    assert_eq!(cover(0, SIZE_MAX).len(), 63);
}

#[test]
fn tree_is_the_same_of_leaves_and_of_the_subtrees_around_a_range() {
    for size in 1..LEAVES {
        let trees = Trees::of(size);
        for first in 0..size {
            for end in (first + 1)..=size {
                let left = cover(0, first).iter().map(|node| trees.nodes[node]).collect();
                let mut frontier = Frontier::from_parts(first, left).unwrap();
                for index in first..end {
                    frontier.push(leaf_hash(&bytes(index)), |_, _| ());
                }
                for node in cover(end, size) {
                    assert!(frontier.push_subtree(node.level, trees.nodes[&node]), "{node:?}");
                }
                assert_eq!(frontier, trees.frontier, "{first}..{end} of {size}");
            }
        }
    }
    let mut frontier = Trees::of(6).frontier;
    for level in [2, 63, 64, u32::MAX] {
        assert!(!frontier.push_subtree(level, empty_root()), "{level}");
    }
    assert_eq!(frontier, Trees::of(6).frontier);
}
