//! Files in any state, and that no more of them is kept than is needed.

use std::io::Cursor;

use super::*;
use crate::ledger::keys;
use crate::ledger::note::SignerKey;

fn key(seed: u8) -> SignerKey {
    SignerKey::from_seed("ledger", &[seed; 32]).unwrap()
}

fn chain() -> Chain {
    let record = keys::first(&key(1).verifier(), 0).into_bytes();
    Chain::read(&[(String::new(), record)], &[key(1).verifier()]).0
}

fn note(size: u64) -> String {
    key(1).sign_checkpoint(size, [0; 32])
}

/// As the collector prints it.
fn line(note: &str) -> String {
    format!("{}\n", serde_json::json!({ "checkpoint": note }))
}

fn file(text: String) -> Result<HeldFile, String> {
    HeldFile::new("f".to_owned(), Box::new(Cursor::new(text.into_bytes())))
}

/// Keeps four of each.
fn few(files: Vec<HeldFile>) -> Held {
    Held { ahead_max: 4, ..Held::new(files) }
}

/// Sizes, in the order in which they are taken, and what was found.
fn sizes(texts: Vec<String>) -> Result<(Vec<u64>, Vec<String>), String> {
    let files = texts.into_iter().map(file).collect::<Result<_, _>>()?;
    let (chain, mut held) = (chain(), few(files));
    let (mut sizes, mut findings) = (Vec::new(), held.read(&chain)?);
    loop {
        let (signed, others) = held.take(&chain)?;
        findings.extend(others);
        let Some(signed) = signed else { break };
        sizes.push(signed.checkpoint.size);
    }
    findings.extend(held.finish());
    assert_eq!(held.taken(), sizes.len());
    Ok((sizes, findings.iter().map(ToString::to_string).collect()))
}

#[test]
fn checkpoints_come_in_the_order_of_their_sizes_and_each_once() {
    let lines = |sizes: &[u64]| sizes.iter().map(|size| line(&note(*size))).collect::<String>();
    let (first, second) = (lines(&[2, 2, 5, 4]), format!("up\n{{}}\n{}", lines(&[4, 9])));
    let found = sizes(vec![first, second, note(3)]);
    assert_eq!(found, Ok((vec![2, 3, 4, 5, 9], Vec::new())));
}

#[test]
fn no_more_is_read_than_is_needed() {
    let text: String = (1..=20).map(|size| line(&note(size))).collect();
    let (chain, mut held) = (chain(), few(vec![file(text).unwrap()]));
    assert_eq!(held.read(&chain), Ok(Vec::new()));
    for size in 1..=20 {
        assert!(held.is_at(size));
        assert!(held.files[0].ahead.len() <= 4);
        let (signed, _) = held.take(&chain).unwrap();
        assert_eq!(signed.map(|signed| signed.checkpoint.size), Some(size));
    }
    assert!(held.take(&chain).unwrap().0.is_none());
    // Two logs, one behind the other.
    let text: String = (2..=20).chain([1]).map(|size| line(&note(size))).collect();
    let expected = "f: its checkpoints are not in order: one of 1 leaves stands far behind one of \
                    17; give each log with a --checkpoint of its own";
    assert_eq!(sizes(vec![text]), Err(expected.to_owned()));
}

#[test]
fn strangers_are_named_once_and_counted() {
    let forged = key(2).sign_checkpoint(7, [0; 32]);
    let named = "the checkpoint of 7 leaves held elsewhere is signed by none of the ledger's keys"
        .to_owned();
    let found = sizes(vec![line(&note(1)) + &line(&forged)]);
    assert_eq!(found, Ok((vec![1], vec![named.clone()])));
    let others = "2 more checkpoints held elsewhere are signed by none of the ledger's keys, or by \
                  one from before the trusted one";
    let found = sizes(vec![line(&forged).repeat(3)]);
    assert_eq!(found, Ok((Vec::new(), vec![named, others.to_owned()])));
}

#[test]
fn err_file_without_a_checkpoint_and_one_of_another_ledger() {
    let none = Err("f: there is no checkpoint in it".to_owned());
    let long = format!("{{\"checkpoint\":\"{}\"}}\n", "x".repeat(LINE_BYTES_MAX as usize));
    for text in [String::new(), "{}\n".to_owned(), "starting\n".repeat(20_000), long.clone()] {
        assert_eq!(sizes(vec![text]), none);
    }
    assert_eq!(sizes(vec![long + &line(&note(1))]), Ok((vec![1], Vec::new())));
    let other = SignerKey::from_seed("other", &[1; 32]).unwrap().sign_checkpoint(1, [0; 32]);
    let expected = Err("f: the checkpoint is of another ledger".to_owned());
    assert_eq!(sizes(vec![other]), expected);
}
