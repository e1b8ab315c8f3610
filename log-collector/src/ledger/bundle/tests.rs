//! Folders that hold and folders that do not: each way to tamper, and the line that is named.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::ledger::contents::tests::{ID, POLICY, record, summaries, version};
use crate::ledger::note::SignerKey;
use crate::ledger::sequence::NODE_LEVEL_MIN;
use crate::ledger::tree::{Frontier, Hash, Node, cover, inclusion_path, leaf_hash, range_heads};

const KINDS: [LeafKind; 8] = [
    LeafKind::Key,
    LeafKind::Policy,
    LeafKind::Observation,
    LeafKind::Intent,
    LeafKind::Outcome,
    LeafKind::Delivery,
    LeafKind::Erasure,
    LeafKind::LateOutcome,
];

/// A folder of the leaves `[first, end)` of a ledger of eight leaves; gone when dropped.
struct Bundle(PathBuf);

impl Bundle {
    fn of(first: u64, end: u64) -> Bundle {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("bundle-{}-{next}", std::process::id()));
        std::fs::create_dir_all(folder.join(POLICIES)).unwrap();
        let (mut tree, mut found) = (Frontier::default(), HashMap::new());
        let mut lines = String::new();
        for (index, kind) in (0..).zip(KINDS) {
            let bytes = record(kind, "completed");
            let leaf = leaf_hash(bytes.as_bytes());
            found.insert(Node { level: 0, index }, leaf);
            tree.push(leaf, |node, hash| _ = found.insert(node, *hash));
            let reference = match kind {
                LeafKind::Policy => version(),
                LeafKind::Key | LeafKind::Observation => "1".to_owned(),
                _ => ID.to_owned(),
            };
            let outcome = kind == LeafKind::Outcome;
            let line = RecordLine {
                index,
                leaf: Base64Hash(leaf),
                kind,
                reference,
                committed_at: "2026-03-15T12:00:00Z".to_owned(),
                record: (kind != LeafKind::Policy).then_some(bytes),
                summaries: outcome.then(summaries),
            };
            if (first..end).contains(&index) {
                lines += &format!("{}\n", serde_json::to_string(&line).unwrap());
            }
        }
        let hashes = |hashes: Vec<Hash>| hashes.into_iter().map(Base64Hash).collect();
        let side = |first, end| cover(first, end).iter().map(|node| found[node]).collect();
        let path = inclusion_path(1, tree.size()).unwrap();
        let policy = PolicyPlace {
            version: version(),
            index: 1,
            proof: hashes(range_heads(&path, &found).unwrap()),
        };
        let manifest = Manifest {
            governance_bundle: FORMAT,
            since: "2026-03-15T00:00:00Z".to_owned(),
            until: "2026-03-16T00:00:00Z".to_owned(),
            first_index: first,
            end_index: end,
            left: hashes(side(0, first)),
            right: hashes(side(end, tree.size())),
            policies: vec![policy],
            keys: Vec::new(),
        };
        let bundle = Bundle(folder);
        bundle.write(MANIFEST, &serde_json::to_string_pretty(&manifest).unwrap());
        bundle.write(CHECKPOINT, &signer().sign_checkpoint(tree.size(), tree.root()));
        bundle.write(RECORDS, &lines);
        bundle.write(&policy_path(), POLICY);
        bundle
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        self.read(RECORDS).lines().map(str::to_owned).collect()
    }

    fn verify(&self) -> Result<String, String> {
        let shown = verify(&self.0, &signer().verifier());
        shown.map(|shown| shown.to_string()).map_err(|e| e.to_string())
    }
}

impl Drop for Bundle {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

fn signer() -> SignerKey {
    SignerKey::from_seed("governance", &[1; 32]).unwrap()
}

fn policy_path() -> String {
    format!("{POLICIES}/{}", policy_file(&version()))
}

#[test]
fn bundle_of_any_range_holds_and_says_what_is_in_it() {
    for first in 0..KINDS.len() as u64 {
        for end in (first + 1)..=KINDS.len() as u64 {
            // A range of keys and tombstones alone names no policy.
            let named = (first..end).any(|at| ![0, 6].contains(&at));
            let verified = Bundle::of(first, end).verify();
            let unnamed = verified.as_ref().is_err_and(|e| e.ends_with("or for no record"));
            assert!(if named { verified.is_ok() } else { unnamed }, "{first}..{end} {verified:?}");
        }
    }
    let expected = format!(
        "\
true: 4 leaves of the ledger, complete and as committed

          1  intent
          1  outcome
          1  delivery
          1  observation

leaves          from 2 to 5
policies        1
checkpoint      of 8 leaves, signed by
                {}

It does not show when the records were committed: `committed_at`, `since` and `until` are the
database's word. It does not show that the checkpoint is the newest one, or that what a gateway
recorded is what the provider did. Whether the key is the ledger's is for you to know.
",
        signer().verifier()
    );
    assert_eq!(Bundle::of(2, 6).verify(), Ok(expected));
}

/// Tampers with the lines of the leaves 1 to 6, and expects this refusal.
fn check_lines(expected: &str, change: impl FnOnce(&mut Vec<String>)) {
    let bundle = Bundle::of(1, 7);
    let mut lines = bundle.lines();
    change(&mut lines);
    bundle.write(RECORDS, &lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    assert_eq!(bundle.verify(), Err(expected.to_owned()));
}

#[test]
fn err_first_bad_line_is_named() {
    check_lines(
        "records.jsonl: line 3: leaf 3 belongs here, not leaf 4: lines were removed, added or moved",
        |lines| _ = lines.remove(2),
    );
    check_lines("records.jsonl: line 6: missing: leaf 6 belongs here", |lines| _ = lines.pop());
    check_lines(
        "records.jsonl: line 4: leaf 4 belongs here, not leaf 3: lines were removed, added or moved",
        |lines| lines.insert(3, lines[2].clone()),
    );
    check_lines("records.jsonl: line 7: one too many: the range ends at leaf 7", |lines| {
        lines.push(lines[5].replace("\"index\":6", "\"index\":7"));
    });
    check_lines(
        "records.jsonl: line 2: leaf 2 belongs here, not leaf 3: lines were removed, added or moved",
        |lines| lines.swap(1, 2),
    );
    check_lines("records.jsonl: line 2: altered: its text is not the one of its leaf", |lines| {
        // Moved, and renumbered.
        lines.swap(1, 2);
        lines[1] = lines[1].replace("\"index\":3", "\"index\":2").replace("sub:a", "sub:b");
    });
    let altered = |at: usize, from: &'static str, to: &'static str| {
        move |lines: &mut Vec<String>| {
            assert!(lines[at].contains(from), "{}", lines[at]);
            lines[at] = lines[at].replacen(from, to, 1);
        }
    };
    let text = "records.jsonl: line 4: altered: its text is not the one of its leaf";
    check_lines(text, altered(3, "gpt-4o-2025", "gpt-4o-2026"));
    let summary = "records.jsonl: line 4: its output summary is not the one whose digest is in the \
                   record";
    check_lines(summary, altered(3, "He called", "She called"));
    check_lines(summary, altered(3, "\"salt\":\"0", "\"salt\":\"1"));
    let kind = "records.jsonl: line 4: its record is not that of the kind `intent`";
    check_lines(kind, altered(3, "\"kind\":\"outcome\"", "\"kind\":\"intent\""));
    let reference = "records.jsonl: line 4: its record is of another id than it says";
    check_lines(reference, altered(3, "\"ref\":\"d-0", "\"ref\":\"d-1"));
    let time = "records.jsonl: line 4: `committed_at` is no time";
    check_lines(time, altered(3, "2026-03-15T12:00:00Z", "yesterday"));
    let holds = "records.jsonl: line 4: not what a line holds";
    check_lines(holds, altered(3, "{\"index\"", "{\"more\":1,\"index\""));
    check_lines(holds, |lines| lines[3].clear());
    let place = "records.jsonl: line 1: a policy's text is its file, every other record's is in its \
                 line";
    check_lines(place, altered(0, "\"committed_at\"", "\"record\":\"\",\"committed_at\""));
    check_lines("records.jsonl: line 1: altered: its text is not the one of its leaf", |lines| {
        let mut line: RecordLine = serde_json::from_str(&lines[0]).unwrap();
        line.leaf = Base64Hash([7; 32]);
        lines[0] = serde_json::to_string(&line).unwrap();
    });
}

#[test]
fn err_line_and_leaf_changed_together_are_noticed() {
    check_lines(
        "no line is bad by itself, but lines and hashes together are not what the checkpoint signs",
        |lines| {
            let mut line: RecordLine = serde_json::from_str(&lines[3]).unwrap();
            let record = line.record.as_mut().unwrap();
            *record = record.replace("sub:a", "sub:b");
            line.leaf = Base64Hash(leaf_hash(record.as_bytes()));
            lines[3] = serde_json::to_string(&line).unwrap();
        },
    );
}

#[test]
fn err_other_parts_are_refused_by_their_names() {
    let check = |expected: &str, change: fn(&Bundle)| {
        let bundle = Bundle::of(1, 7);
        change(&bundle);
        let refused = bundle.verify().expect_err(expected);
        assert_eq!(refused.replace(&bundle.0.display().to_string(), "DIR"), expected);
    };
    let replace = |bundle: &Bundle, name: &str, from: &str, to: &str| {
        let text = bundle.read(name);
        assert!(text.contains(from), "{text}");
        bundle.write(name, &text.replacen(from, to, 1));
    };
    let policy = policy_path();
    let altered = format!("{policy}: altered: its name is not the SHA-256 of its text");
    check(&altered, |b| b.write(&policy_path(), "policies: [] # none\n"));
    check("policies/more.yml: not in the manifest", |b| b.write("policies/more.yml", POLICY));
    let gone = format!("cannot read `DIR/{policy}`: No such file or directory (os error 2)");
    check(&gone, |b| std::fs::remove_file(b.0.join(policy_path())).unwrap());
    let gone = "cannot read `DIR/records.jsonl`: No such file or directory (os error 2)";
    check(gone, |b| std::fs::remove_file(b.0.join(RECORDS)).unwrap());
    check("records.jsonl: line 1: the policy that it names is not in the bundle", |b| {
        let mut manifest: Manifest = serde_json::from_str(&b.read(MANIFEST)).unwrap();
        manifest.policies.clear();
        b.write(MANIFEST, &serde_json::to_string(&manifest).unwrap());
        std::fs::remove_file(b.0.join(policy_path())).unwrap();
    });
    let range = "manifest.json: its range and its hashes do not fit the checkpoint's size";
    for (from, to) in [
        ("\"end_index\": 7", "\"end_index\": 9"),
        ("\"first_index\": 1", "\"first_index\": 3"),
        ("\"first_index\": 1", "\"first_index\": 8"),
        ("\"end_index\": 7", "\"end_index\": 5"),
    ] {
        let bundle = Bundle::of(1, 7);
        replace(&bundle, MANIFEST, from, to);
        assert_eq!(bundle.verify(), Err(range.to_owned()), "{to}");
    }
    // As many hashes, and another range.
    let bundle = Bundle::of(1, 7);
    replace(&bundle, MANIFEST, "\"first_index\": 1", "\"first_index\": 2");
    let moved = "records.jsonl: line 1: leaf 2 belongs here, not leaf 1: lines were removed, added \
                 or moved";
    assert_eq!(bundle.verify(), Err(moved.to_owned()));
    let bundle = Bundle::of(1, 7);
    replace(&bundle, MANIFEST, "\"governance_bundle\": 1", "\"governance_bundle\": 2");
    let format = "manifest.json: a bundle of format 2; this build reads format 1";
    assert_eq!(bundle.verify(), Err(format.to_owned()));
    check("manifest.json: line 1, column 1: not what a manifest holds there", |b| {
        b.write(MANIFEST, "x");
    });
    check("checkpoint: the signature by the key `f5675eb1` is false", |b| {
        b.write(CHECKPOINT, &b.read(CHECKPOINT).replace("\n8\n", "\n9\n"));
    });
    check("checkpoint: no signature by the key `f5675eb1` is on the note", |b| {
        let other = SignerKey::from_seed("governance", &[2; 32]).unwrap();
        b.write(CHECKPOINT, &other.sign_checkpoint(8, [0; 32]));
    });
}

#[test]
fn sides_of_a_range_are_few_hashes() {
    let nodes = [cover(0, 1_000_003), cover(2_000_001, 9_000_000)].concat();
    let (kept, small): (Vec<Node>, Vec<Node>) =
        nodes.into_iter().partition(|node| node.level >= NODE_LEVEL_MIN);
    let groups: HashSet<u64> = small.iter().map(|node| node.first() >> NODE_LEVEL_MIN).collect();
    assert!(groups.len() <= 3 && kept.len() <= 40, "{groups:?} {kept:?}");
}

/// What auditors have must hold for as long as this format is read.
#[test]
fn folder_of_this_format_still_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/ledger/bundle");
    assert!(verify(&folder, &signer().verifier()).is_ok());
    let now = Bundle::of(2, 6);
    for name in [MANIFEST, CHECKPOINT, RECORDS, &policy_path()] {
        let then = std::fs::read_to_string(folder.join(name)).unwrap();
        assert_eq!(then, now.read(name), "{name}");
    }
}
