//! Tests of notes: the reference implementation's own, and every broken shape.

use super::*;
use crate::ledger::tree::{empty_root, leaf_hash};

fn signer(name: &str) -> SignerKey {
    SignerKey::from_seed(name, &[7; 32]).unwrap()
}

#[test]
fn keys_and_notes_of_the_reference_implementation_are_read() {
    // From the documentation of golang.org/x/mod/sumdb/note.
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let public = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    let note = "If you think cryptography is the answer to your problem,\n\
                then you don't know what your problem is.\n\n\
                — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqf\
                qdngotpRZb6KE6RyyBwJnAM=\n";
    let key = SignerKey::parse(secret).unwrap();
    assert_eq!(key.verifier().to_string(), public);
    assert_eq!(key.to_secret_text(), secret);
    let verifier = VerifierKey::parse(public).unwrap();
    let text = verifier.open(note).unwrap();
    assert!(text.ends_with("problem is.\n"));
    assert_eq!(key.sign(text), note);
}

#[test]
fn checkpoint_is_text_that_others_read() {
    let key = signer("governance.example/ledger");
    let note = key.sign_checkpoint(0, empty_root());
    let head = "governance.example/ledger\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— ";
    assert!(note.starts_with(head), "{note}");
    let read = key.verifier().open_checkpoint(&note).unwrap();
    assert_eq!((read.size, read.root), (0, empty_root()));
}

#[test]
fn signatures_by_others_are_passed_over() {
    let key = signer("ledger");
    let note = key.sign_checkpoint(1, leaf_hash(b"x"));
    let text = key.verifier().open(&note).unwrap().to_owned();
    let witness = SignerKey::from_seed("witness", &[9; 32]).unwrap().sign(&text);
    let line = witness.rsplit_once("\n\n").unwrap().1;
    let both = format!("{note}{line}");
    assert_eq!(key.verifier().open_checkpoint(&both).unwrap().size, 1);
    // Same name, another key: a rotation may leave both on one note.
    let old = SignerKey::from_seed("ledger", &[8; 32]).unwrap().sign(&text);
    let both = format!("{note}{}", old.rsplit_once("\n\n").unwrap().1);
    assert_eq!(key.verifier().open_checkpoint(&both).unwrap().size, 1);
}

#[test]
fn err_a_changed_byte_of_a_note_is_noticed() {
    let key = signer("ledger").verifier();
    let note = signer("ledger").sign_checkpoint(12, leaf_hash(b"x"));
    for at in (0..note.len()).filter(|at| note.is_char_boundary(*at)) {
        let old = note[at..].chars().next().unwrap();
        let new = if old == 'A' { 'B' } else { 'A' };
        let changed = format!("{}{new}{}", &note[..at], &note[at + old.len_utf8()..]);
        assert!(key.open_checkpoint(&changed).is_err(), "{changed}");
    }
}

#[test]
fn err_notes_say_what_is_wrong() {
    let key = signer("ledger");
    let verifier = key.verifier();
    let other = SignerKey::from_seed("ledger", &[8; 32]).unwrap();
    let note = key.sign_checkpoint(1, leaf_hash(b"x"));
    let cases = [
        ("", "expected a signed note: text, an empty line, and lines that begin with `— `"),
        (
            "text\n\nno signature\n",
            "expected a signed note: text, an empty line, and lines that begin with `— `",
        ),
        (
            &other.sign_checkpoint(1, leaf_hash(b"x")),
            "no signature by the key `be3581eb` is on the note",
        ),
        (&note.replacen("\n1\n", "\n2\n", 1), "the signature by the key `be3581eb` is false"),
        (
            &key.sign("ledger\n01\nAAAA\n"),
            "expected a checkpoint: an origin, a size, and 32 bytes as base64, a line each",
        ),
        (
            &key.sign(&Checkpoint { origin: "x".into(), size: 1, root: [0; 32] }.to_string()),
            "the checkpoint is of another origin than the key's name",
        ),
    ];
    for (note, expected) in cases {
        let error = verifier.open_checkpoint(note).unwrap_err().to_string();
        assert_eq!(error, expected, "{note}");
    }
}

#[test]
fn err_keys_say_what_is_wrong() {
    let public = signer("ledger").verifier().to_string();
    let secret = signer("ledger").to_secret_text();
    assert_eq!(VerifierKey::parse(&public).unwrap(), signer("ledger").verifier());
    for (text, expected) in [
        ("ledger", NoteError::VerifierKey),
        ("ledger+00000000+AAAA", NoteError::VerifierKey),
        (&public.replace("ledger", "other"), NoteError::KeyId),
        (&public.replace("ledger", "le dger"), NoteError::Name),
    ] {
        assert_eq!(VerifierKey::parse(text), Err(expected), "{text}");
    }
    for (text, expected) in [
        (public.as_str(), NoteError::SignerKey),
        (&secret.replace("ledger", "other"), NoteError::KeyId),
    ] {
        assert_eq!(SignerKey::parse(text).err(), Some(expected));
    }
    assert_eq!(SignerKey::from_seed("a+b", &[7; 32]).err(), Some(NoteError::Name));
    assert_eq!(format!("{:?}", signer("ledger")), "[redacted]");
}
