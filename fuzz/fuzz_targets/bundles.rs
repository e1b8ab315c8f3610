//! A bundle's manifest and, behind an empty line, its records: what holds under one head holds
//! under no other, and has as many leaves as it says.
#![no_main]

use std::collections::BTreeMap;
use std::path::Path;

use fuzz::Input;
use libfuzzer_sys::fuzz_target;
use log_collector::ledger::bundle::{Manifest, RecordLine, check};
use log_collector::ledger::note::Checkpoint;
use log_collector::ledger::tree::{Frontier, SIZE_MAX, cover};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let behind = input.number() as u64;
    let rest = input.rest();
    let end = rest.windows(2).position(|pair| pair == b"\n\n").unwrap_or(rest.len());
    let Ok(manifest) = Manifest::parse(&rest[..end]) else { return };
    let written = serde_json::to_vec(&manifest).unwrap();
    assert_eq!(Manifest::parse(&written).unwrap(), manifest);
    let lines = rest.get(end + 2..).unwrap_or_default();
    let parsed = lines.split(|byte| *byte == b'\n').map(RecordLine::parse);
    let parsed: Vec<RecordLine> = parsed.filter_map(Result::ok).collect();
    for line in &parsed {
        let written = serde_json::to_vec(line).unwrap();
        assert_eq!(RecordLine::parse(&written).as_ref(), Ok(line));
    }
    let leaves = parsed.iter().map(|line| (&line.reference, line.leaf.0));
    let leaves: BTreeMap<_, _> = leaves.collect();
    let policies = manifest.policies.iter().map(|place| {
        (place.version.clone(), leaves.get(&place.version).copied().unwrap_or_default())
    });
    let policies: BTreeMap<_, _> = policies.collect();
    // Nobody guesses a signature, so a head is made that fits the hashes.
    let size = manifest.end_index.saturating_add(behind).min(SIZE_MAX);
    let mut head = Checkpoint { origin: "o".to_owned(), size, root: [0; 32] };
    head.root = root(&manifest, &parsed, size).unwrap_or(head.root);
    let file = Path::new("records.jsonl");
    let Ok(counts) = check(&manifest, &head, &policies, (file, lines)) else { return };
    assert_eq!(counts.iter().sum::<u64>(), manifest.end_index - manifest.first_index);
    head.root[0] ^= 1;
    assert!(check(&manifest, &head, &policies, (file, lines)).is_err());
});

fn root(manifest: &Manifest, lines: &[RecordLine], size: u64) -> Option<[u8; 32]> {
    let left = manifest.left.iter().map(|hash| hash.0).collect();
    let mut tree = Frontier::from_parts(manifest.first_index, left)?;
    lines.iter().for_each(|line| tree.push(line.leaf.0, |_, _| ()));
    if tree.size() != manifest.end_index {
        return None;
    }
    for (node, hash) in cover(manifest.end_index, size).into_iter().zip(&manifest.right) {
        _ = tree.push_subtree(node.level, hash.0);
    }
    Some(tree.root())
}
