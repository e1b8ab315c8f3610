//! Records of every kind, which the tests of proofs and bundles use as well.

use super::*;
use crate::ledger::note::SignerKey;

pub const ID: &str = "d-01980000000070008000000000000001";
pub const VERDICT_ID: &str = "v-01980000000070008000000000000002";
pub const POLICY: &str = "policies: []\n";
pub const SALT: [u8; 16] = [7; 16];
pub const SUMMARY: &str = "He called [EMAIL]";

pub fn version() -> String {
    format!("sha256:{}", governance_filter::record::sha256_hex(POLICY.as_bytes()))
}

pub fn summaries() -> Summaries {
    Summaries { output: Some(SUMMARY.to_owned()), input: None, salt: hex(&SALT) }
}

/// A record of a decision; `outcome` is the word of an outcome's.
pub fn record(kind: LeafKind, outcome: &str) -> String {
    let version = version();
    let call = format!(
        r#""v":1,"decision_id":"{ID}","created_at":"2026-03-15T12:00:00.000Z","policy_version":"{version}","model":"gpt-4o-2025-12-17","requested_model":null,"input_hash":"00","provider":"openai","operation":"chat","stream":false,"caller":"sub:a","gateway":"g""#
    );
    match kind {
        LeafKind::Intent => format!("{{{call}}}"),
        LeafKind::Outcome | LeafKind::LateOutcome => {
            let digest = match outcome {
                "unknown" => "null".to_owned(),
                _ => format!("\"{}\"", summary_digest(&SALT, SUMMARY)),
            };
            format!(
                r#"{{{call},"requested_at":"2026-03-15T12:00:00.000Z","served_model":null,"status":200,"outcome":"{outcome}","categories":["pii"],"actions":[],"triggered":[],"input_bytes":2,"input_tokens":1,"output_tokens":1,"usage":null,"finish_reason":"stop","system_fingerprint":null,"refusal":false,"tool_names":[],"confidence":null,"confidence_source":null,"route":null,"trace_id":null,"request_id":null,"latency_ms":1,"first_byte_ms":1,"unread":null,"hold_mode":"strict","output_summary_digest":{digest}}}"#
            )
        }
        LeafKind::Delivery => format!(
            r#"{{"v":1,"decision_id":"{ID}","created_at":"2026-03-15T12:00:02.000Z","policy_version":"{version}","delivery":"withheld"}}"#
        ),
        LeafKind::Erasure => format!(
            r#"{{"v":1,"decision_id":"{ID}","erased_at":"2026-04-01T00:00:00.000Z","reason":"request 17","erased_by":"alice"}}"#
        ),
        LeafKind::Verdict => format!(
            r#"{{"v":1,"verdict_id":"{VERDICT_ID}","decision_id":"{ID}","verdict":"approved","reviewer":"ann","note":"as agreed","shown_digest":"00","policy_version":"{version}","decided_at":"2026-04-02T00:00:00.000Z"}}"#
        ),
        LeafKind::Observation => format!(
            r#"{{"v":1,"observation_id":1,"gateway":"g","policy_version":"{version}","first_seen":"2026-03-15T11:00:00.000Z","configured_at":null}}"#
        ),
        LeafKind::Policy => POLICY.to_owned(),
        LeafKind::Key => key_record(&SignerKey::from_seed("governance", &[1; 32]).unwrap()),
    }
}

/// The first key's record.
pub fn key_record(key: &SignerKey) -> String {
    format!("governance ledger key\n{}\n2026-03-01T00:00:00Z\n", key.verifier())
}

#[test]
fn bytes_are_of_one_kind_only() {
    for kind in LeafKind::ALL {
        let bytes = record(kind, "completed");
        for claimed in LeafKind::ALL {
            // Any bytes may be a policy; which one it is, their digest says.
            if claimed == LeafKind::Policy {
                continue;
            }
            let read = Content::read(claimed, bytes.as_bytes());
            let late = [LeafKind::Outcome, LeafKind::LateOutcome];
            if claimed == kind || late.contains(&kind) && late.contains(&claimed) {
                read.expect(&bytes);
            } else {
                assert_eq!(read, Err(ContentError::Kind(claimed)), "{bytes}");
            }
        }
    }
    let unknown = record(LeafKind::Outcome, "unknown");
    assert!(Content::read(LeafKind::Outcome, unknown.as_bytes()).is_ok());
    let late = Content::read(LeafKind::LateOutcome, unknown.as_bytes());
    assert_eq!(late, Err(ContentError::Kind(LeafKind::LateOutcome)));
    let old = SignerKey::from_seed("governance", &[2; 32]).unwrap();
    let successor = old.sign(&record(LeafKind::Key, ""));
    assert_eq!(Content::read(LeafKind::Key, successor.as_bytes()), Ok(Content::Key));
}

#[test]
fn references_are_those_that_the_bytes_name() {
    for kind in LeafKind::ALL {
        let content = Content::read(kind, record(kind, "completed").as_bytes()).unwrap();
        for (reference, fits) in [
            (ID.to_owned(), content.decision_id().is_some() && kind != LeafKind::Verdict),
            (VERDICT_ID.to_owned(), kind == LeafKind::Verdict),
            (version(), kind == LeafKind::Policy),
            // A key is numbered by the database alone.
            ("17".to_owned(), kind == LeafKind::Key),
            ("017".to_owned(), false),
            ("1".to_owned(), [LeafKind::Observation, LeafKind::Key].contains(&kind)),
            (String::new(), false),
        ] {
            assert_eq!(content.check_reference(&reference).is_ok(), fits, "{kind:?} {reference}");
        }
    }
}

#[test]
fn summaries_are_those_that_the_record_has_the_digest_of() {
    let kind = LeafKind::Outcome;
    let content = Content::read(kind, record(kind, "completed").as_bytes()).unwrap();
    let check = |change: fn(&mut Summaries)| {
        let mut summaries = summaries();
        change(&mut summaries);
        content.check_summaries(kind, &summaries)
    };
    assert_eq!(check(|_| ()), Ok(()));
    assert_eq!(check(|s| s.output = Some("x".into())), Err(ContentError::Summary("output")));
    assert_eq!(check(|s| s.input = Some(SUMMARY.into())), Err(ContentError::Summary("input")));
    assert_eq!(check(|s| s.salt = "08".repeat(16)), Err(ContentError::Summary("output")));
    assert_eq!(check(|s| s.salt = "0G".repeat(16)), Err(ContentError::Salt));
    assert_eq!(check(|s| s.salt.clear()), Err(ContentError::Salt));
    assert_eq!(check(|s| s.output = None), Err(ContentError::NoSummaries(kind)));
    let intent = record(LeafKind::Intent, "");
    let intent = Content::read(LeafKind::Intent, intent.as_bytes()).unwrap();
    let refused = intent.check_summaries(LeafKind::Intent, &summaries());
    assert_eq!(refused, Err(ContentError::NoSummaries(LeafKind::Intent)));
}
