//! Which keys may sign which heads.

use std::io::Cursor;

use serde_json::json;

use super::*;
use crate::ledger::keys;
use crate::ledger::note::SignerKey;
use crate::ledger::tree::leaf_hash;

fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed("ledger", &[seed; 32]).unwrap()
}

/// A tree of the leaves: first key, an outcome, second key, an outcome. What is found of its four
/// heads, signed by the keys of these seeds in the database, and held elsewhere.
fn findings(kept: [u8; 4], held: Option<[u8; 4]>) -> Vec<String> {
    let second = keys::rotation(&key(1), &key(2).verifier(), 0);
    let records = [keys::first(&key(1).verifier(), 0), second];
    let records = records.map(|record| (String::new(), record.into_bytes()));
    let (chain, broken) = Chain::read(&records, &[key(1).verifier()]);
    assert_eq!(broken, []);
    let kinds = [LeafKind::Key, LeafKind::Outcome, LeafKind::Key, LeafKind::Outcome];
    let slot = |(index, kind): (u64, LeafKind)| Slot {
        index: Some(index),
        kind,
        reference: String::new(),
        hash: leaf_hash(&index.to_be_bytes()),
        created_at: SystemTime::UNIX_EPOCH,
        seen: true,
    };
    let slots: Vec<Slot> = (0..).zip(kinds).map(slot).collect();
    let notes = |seeds: [u8; 4]| {
        let mut tree = Frontier::default();
        let sign = |(slot, seed): (&Slot, u8)| {
            tree.push(slot.hash, |_, _| ());
            key(seed).sign_checkpoint(tree.size(), tree.root())
        };
        slots.iter().zip(seeds).map(sign).collect::<Vec<_>>()
    };
    let lines = |notes: Vec<String>| {
        let lines = notes.iter().map(|note| format!("{}\n", json!({ "checkpoint": note })));
        let lines: String = lines.collect();
        HeldFile::new(String::new(), Box::new(Cursor::new(lines.into_bytes()))).unwrap()
    };
    let held = held.map(notes).map(lines);
    let mut heads = Heads::new(held.into_iter().collect());
    let mut findings = heads.start(chain).unwrap();
    let kept: Vec<(i64, String)> = (1..).zip(notes(kept)).collect();
    findings.extend(heads.signed(&kept, 4, false));
    let mut tree = Frontier::default();
    for slot in &slots {
        tree.push(slot.hash, |_, _| ());
        findings.extend(heads.pushed(&tree, slot).unwrap());
    }
    findings.extend(heads.finish(tree.size()).unwrap());
    findings.into_iter().map(|finding| finding.what).collect()
}

#[test]
fn key_signs_no_head_over_the_leaf_of_its_successor() {
    let good = [1, 1, 2, 2];
    assert_eq!(findings(good, None), Vec::<String>::new());
    assert_eq!(findings(good, Some(good)), Vec::<String>::new());
    let outdated = |place: &str| {
        [3, 4].map(|size| {
            format!(
                "the checkpoint of {size} leaves {place} is signed by a key that was no longer in \
                 force"
            )
        })
    };
    assert_eq!(findings([1; 4], None), outdated("in the database"));
    assert_eq!(findings(good, Some([1; 4])), outdated("held elsewhere"));
    // A key's record is committed before it is a leaf, so it may sign until then, too.
    assert_eq!(findings([1, 2, 2, 2], None), Vec::<String>::new());
}

#[test]
fn heads_that_the_tree_cannot_come_to_are_counted_and_not_kept() {
    let record = keys::first(&key(1).verifier(), 0).into_bytes();
    let (chain, _) = Chain::read(&[(String::new(), record)], &[key(1).verifier()]);
    let mut heads = Heads::new(Vec::new());
    heads.start(chain).unwrap();
    let notes: Vec<(i64, String)> = (1..=100)
        .map(|size: i64| (size, key(1).sign_checkpoint(size.unsigned_abs(), [0; 32])))
        .collect();
    assert_eq!(heads.signed(&notes, 2, false), []);
    assert_eq!((heads.kept.len(), heads.kept_total), (2, 100));
    let findings = heads.finish(0).unwrap();
    let expected = "the tree has 0 leaves, and 100 checkpoints in the database have more, up to \
                    100: its end was cut off";
    assert_eq!(findings, [Finding::whole(expected.to_owned())]);
}
