//! Whole files: what holds, what is shown of it, and that no byte of it can be another.

use std::collections::HashMap;

use super::*;
use crate::ledger::contents::tests::{ID, POLICY, key_record, record, summaries, version};
use crate::ledger::note::SignerKey;
use crate::ledger::tree::{Frontier, Node, inclusion_path, range_heads};

fn signer(seed: u8) -> SignerKey {
    SignerKey::from_seed("governance", &[seed; 32]).unwrap()
}

/// A successor's record.
fn rotation(old: &SignerKey, new: &SignerKey) -> String {
    old.sign(&key_record(new))
}

/// A proof over a ledger of eight leaves with these records of the decision.
fn proof(records: &[(LeafKind, &str)], keys: &[&SignerKey]) -> Proof {
    let mut bytes = vec![record(LeafKind::Key, ""), POLICY.to_owned()];
    bytes.extend(records.iter().map(|(kind, word)| record(*kind, word)));
    bytes.resize(8, "of another decision".to_owned());
    let (mut tree, mut found) = (Frontier::default(), HashMap::new());
    for (index, bytes) in (0..).zip(&bytes) {
        let leaf = leaf_hash(bytes.as_bytes());
        found.insert(Node { level: 0, index }, leaf);
        tree.push(leaf, |node, hash| _ = found.insert(node, *hash));
    }
    let path = |index| {
        let hashes = range_heads(&inclusion_path(index, 8).unwrap(), &found).unwrap();
        hashes.into_iter().map(Base64Hash).collect()
    };
    let leaves = (2..).zip(records).map(|(index, (kind, word))| {
        let has_summary = ["completed", "denied"].contains(word);
        let summaries = has_summary.then(summaries);
        ProvenLeaf {
            kind: *kind,
            index,
            record: record(*kind, word),
            summaries,
            proof: path(index),
        }
    });
    let policy =
        ProvenPolicy { version: version(), index: 1, text: POLICY.to_owned(), proof: path(1) };
    let mut records = vec![key_record(keys[0])];
    records.extend(keys.windows(2).map(|pair| rotation(pair[0], pair[1])));
    Proof {
        governance_proof: FORMAT,
        decision_id: ID.to_owned(),
        leaves: leaves.collect(),
        policies: vec![policy],
        keys: records,
        checkpoint: keys[keys.len() - 1].sign_checkpoint(8, tree.root()),
    }
}

fn whole() -> Proof {
    let records = [
        (LeafKind::Intent, ""),
        (LeafKind::Outcome, "unknown"),
        (LeafKind::LateOutcome, "completed"),
        (LeafKind::Delivery, ""),
        (LeafKind::Erasure, ""),
        (LeafKind::Verdict, ""),
    ];
    proof(&records, &[&signer(1)])
}

fn plain_proof() -> Proof {
    proof(&[(LeafKind::Intent, ""), (LeafKind::Outcome, "completed")], &[&signer(1)])
}

const ORDER: &str = "its records are not in their order, or one that is no verdict stands twice";

fn refusal(proof: &Proof) -> String {
    proof.verify(&signer(1).verifier()).expect_err("it holds").to_string()
}

#[test]
fn proof_shows_what_was_decided_and_what_it_cannot_show() {
    let key = signer(1).verifier();
    let version = version();
    let shown = plain_proof().verify(&key).unwrap().to_string();
    let expected = format!(
        "\
true: 2 records of decision {ID} in the ledger

  leaf 2          intent        2026-03-15T12:00:00.000Z
  leaf 3          outcome       2026-03-15T12:00:00.000Z  completed

outcome         completed
time            2026-03-15T12:00:00.000Z
model           gpt-4o-2025-12-17
provider        openai
caller          sub:a
input hash      00
categories      pii
output summary  He called [EMAIL]
policy version  {version} (leaf 1, its text is in the file)
checkpoint      of 8 leaves, signed by
                {key}

It does not show that the file holds every record of the decision, that the checkpoint is the newest
one, or that what the gateway recorded is what the provider did. Whether the key is the ledger's is
for you to know.
"
    );
    assert_eq!(shown, expected);
    let shown = whole().verify(&key).unwrap().to_string();
    for line in [
        "  leaf 3          outcome       2026-03-15T12:00:00.000Z  unknown",
        "  leaf 4          late_outcome  2026-03-15T12:00:00.000Z  completed",
        "  leaf 5          delivery      2026-03-15T12:00:02.000Z  withheld",
        "  leaf 6          erasure       2026-04-01T00:00:00.000Z  summaries erased by alice: request 17",
        "  leaf 7          verdict       2026-04-02T00:00:00.000Z  approved by ann: as agreed",
        "outcome         completed",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    let mut erased = plain_proof();
    erased.leaves[1].summaries = None;
    let shown = erased.verify(&key).unwrap().to_string();
    assert!(shown.contains("output summary  not in the file; the record has its digest\n"));
    let intent = proof(&[(LeafKind::Intent, "")], &[&signer(1)]);
    let shown = intent.verify(&key).unwrap().to_string();
    assert!(shown.starts_with("true: 1 record of decision "), "{shown}");
}

/// What is shown of a file's bytes, if it holds. A signature costs more than all the rest: where
/// the note and the keys are those of `proof`, it is not checked anew.
fn shown(bytes: &[u8], proof: &Proof, signed: &Signed) -> Option<String> {
    let altered = Proof::parse(bytes).ok()?;
    if altered.checkpoint != proof.checkpoint || altered.keys != proof.keys {
        return Some(altered.verify(&signer(1).verifier()).ok()?.to_string());
    }
    let contents = altered.check(&signed.checkpoint).ok()?;
    Some(Shown { proof: &altered, contents, signed: signed.clone() }.to_string())
}

#[test]
fn no_byte_of_a_proof_can_be_another() {
    let proof = whole();
    let holds = proof.verify(&signer(1).verifier()).unwrap();
    let (expected, signed) = (holds.to_string(), holds.signed.clone());
    let mut bytes = serde_json::to_vec(&proof).unwrap();
    assert_eq!(shown(&bytes, &proof, &signed), Some(expected.clone()));
    let mut refused = 0;
    for at in 0..bytes.len() {
        bytes[at] ^= 1;
        match shown(&bytes, &proof, &signed) {
            Some(other) => assert_eq!(other, expected, "byte {at}"),
            None => refused += 1,
        }
        bytes[at] ^= 1;
    }
    // But for the record of a key that nobody needs.
    assert!(refused > bytes.len() * 9 / 10, "{refused} of {}", bytes.len());
}

#[test]
fn err_every_kind_of_forgery_is_named() {
    let check = |expected: &str, change: fn(&mut Proof)| {
        let mut proof = whole();
        change(&mut proof);
        assert_eq!(refusal(&proof), expected);
    };
    let not_covered =
        "the checkpoint does not cover it: it was altered, or never was in this ledger";
    check(&format!("leaf 4 (late_outcome): {not_covered}"), |p| {
        p.leaves[2].record = p.leaves[2].record.replace("gpt-4o", "gpt-4x");
    });
    check(&format!("leaf 3 (intent): {not_covered}"), |p| p.leaves[0].index = 3);
    check(&format!("leaf 2 (intent): {not_covered}"), |p| _ = p.leaves[0].proof.pop());
    check(&format!("leaf 9 (policy): {not_covered}"), |p| p.policies[0].index = 9);
    check("leaf 2 (delivery): its record is not that of the kind `delivery`", |p| {
        p.leaves.truncate(1);
        p.leaves[0].kind = LeafKind::Delivery;
    });
    check("leaf 2 (intent): its record is of another id than it says", |p| {
        p.decision_id = "d-01980000000070008000000000000002".to_owned();
    });
    check(
        "leaf 4 (late_outcome): its output summary is not the one whose digest is in the record",
        |p| p.leaves[2].summaries.as_mut().unwrap().output = Some("other".to_owned()),
    );
    check("leaf 2 (intent): a record of the kind `intent` has no summaries", |p| {
        p.leaves[0].summaries = Some(summaries());
    });
    check("leaf 1 (policy): its record is of another id than it says", |p| {
        p.policies[0].text.push('#');
    });
    let policies = "its policies are not those that its records name, each once";
    check(policies, |p| p.policies.clear());
    check(policies, |p| p.policies.push(p.policies[0].clone()));
    check(ORDER, |p| p.leaves.swap(0, 1));
    check(ORDER, |p| {
        p.leaves.insert(0, p.leaves[0].clone());
    });
    check(ORDER, |p| p.leaves.push(p.leaves[5].clone()));
    check("a late outcome beside no outcome `unknown`", |p| _ = p.leaves.remove(1));
    check("it holds no record", |p| p.leaves.clear());
    check("its checkpoint: no signature by the key `f5675eb1` is on the note", |p| {
        p.checkpoint = signer(2).sign_checkpoint(8, [0; 32]);
    });
    check("its checkpoint: the signature by the key `f5675eb1` is false", |p| {
        p.checkpoint = p.checkpoint.replace("\n8\n", "\n9\n");
    });
}

#[test]
fn err_files_of_another_shape_are_refused() {
    let bytes = serde_json::to_string(&whole()).unwrap();
    let parse = |text: &str| Proof::parse(text.as_bytes()).map(|_| ());
    assert_eq!(parse(&bytes), Ok(()));
    let format = bytes.replacen("\"governance_proof\":1", "\"governance_proof\":2", 1);
    assert_eq!(parse(&format), Err(ProofError::Format(2)));
    let message = "a proof file of format 2; this build reads format 1";
    assert_eq!(ProofError::Format(2).to_string(), message);
    for (case, text) in [
        ("unknown key", bytes.replacen('{', "{\"more\":1,", 1)),
        ("twice", bytes.replacen('{', "{\"governance_proof\":1,", 1)),
        ("more behind", format!("{bytes}{{}}")),
        ("no kind", bytes.replacen("\"kind\":\"intent\"", "\"kind\":\"intend\"", 1)),
        ("short", bytes[..bytes.len() - 1].to_owned()),
        ("long hash", bytes.replacen("=\"", "AAAA=\"", 1)),
    ] {
        assert!(matches!(parse(&text), Err(ProofError::Json { .. })), "{case}");
    }
    let message = "line 1, column 7: not what a proof file holds there";
    assert_eq!(ProofError::Json { line: 1, column: 7 }.to_string(), message);
}

#[test]
fn trust_goes_from_an_old_key_to_its_successors_alone() {
    let (first, second, third) = (signer(1), signer(2), signer(3));
    let records = [(LeafKind::Intent, ""), (LeafKind::Outcome, "completed")];
    let proof = proof(&records, &[&first, &second, &third]);
    for trusted in [&first, &second, &third] {
        let shown = proof.verify(&trusted.verifier()).unwrap().to_string();
        assert!(shown.contains(&format!("{}", third.verifier())), "{shown}");
    }
    let shown = proof.verify(&first.verifier()).unwrap().to_string();
    let expected = format!(
        "signed by\n                {}  (trusted; names the next)\n                {}  (names the next)
                {}  (signed it)\n",
        first.verifier(),
        second.verifier(),
        third.verifier()
    );
    assert!(shown.contains(&expected), "{shown}");
    let mut gap = proof.clone();
    gap.keys.remove(1);
    let unsigned = Err(ProofError::Checkpoint(NoteError::Unsigned(0xf567_5eb1)));
    assert_eq!(gap.verify(&first.verifier()).map(|_| ()), unsigned);
    let mut forged = proof.clone();
    forged.keys[1] = rotation(&second, &third);
    assert_eq!(forged.verify(&first.verifier()).map(|_| ()), unsigned);
    let stranger = signer(9).verifier();
    assert!(matches!(proof.verify(&stranger), Err(ProofError::Checkpoint(_))));
}

/// What somebody was given must hold for as long as this format is read.
#[test]
fn file_of_this_format_still_holds() {
    let file = include_bytes!("../../../../tests/fixtures/ledger/proof.json");
    let then = Proof::parse(file).unwrap();
    assert!(then.verify(&signer(1).verifier()).is_ok());
    assert_eq!(then, whole());
}
