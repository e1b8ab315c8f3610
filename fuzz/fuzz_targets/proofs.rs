//! Proof files, as anyone hands them to an auditor: what is read is written and read again as the
//! same, and what holds under one head holds under no other.
#![no_main]

use libfuzzer_sys::fuzz_target;
use log_collector::ledger::note::{Checkpoint, VerifierKey};
use log_collector::ledger::proof::Proof;
use log_collector::ledger::tree::{leaf_hash, root_of_inclusion};

/// That of tests/fixtures/ledger.
const KEY: &str = "governance+f5675eb1+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

fuzz_target!(|data: &[u8]| {
    let Ok(proof) = Proof::parse(data) else { return };
    let written = serde_json::to_vec(&proof).unwrap();
    assert_eq!(Proof::parse(&written).as_ref(), Ok(&proof));
    // Nobody guesses a signature, so a head is made that fits the first record.
    let stated = proof.checkpoint.split_once("\n\n").map(|(text, _)| Checkpoint::parse(text));
    if let Some(Ok(mut head)) = stated
        && let Some(first) = proof.leaves.first()
    {
        let path: Vec<_> = first.proof.iter().map(|hash| hash.0).collect();
        let leaf = leaf_hash(first.record.as_bytes());
        head.root = root_of_inclusion(leaf, first.index, head.size, &path).unwrap_or(head.root);
        if let Ok(contents) = proof.check(&head) {
            assert_eq!(contents.len(), proof.leaves.len());
            assert!(proof.leaves.iter().all(|leaf| leaf.index < head.size));
            assert!(proof.policies.iter().all(|policy| policy.index < head.size));
            head.root[0] ^= 1;
            assert!(proof.check(&head).is_err());
        }
    }
    if let Ok(shown) = proof.verify(&VerifierKey::parse(KEY).unwrap()) {
        assert!(shown.to_string().starts_with("true: "));
    }
});
