//! The wire format v1, pinned: these types make exactly the fixture's bytes. The collector's tests
//! read the same file, so the two sides cannot drift apart unnoticed. Never edit the fixture for a
//! change of v1; a new shape is a new file.

use governance_filter::record::{
    Ack, AckStatus, Delivery, DeliveryKind, HoldAsk, Intent, IntentVerdict, Kind, Line, Outcome,
    OutcomeKind, ReceivedLine, Summaries, Triggered, sha256_hex, summary_digest,
};
use wasm_bindgen_test::wasm_bindgen_test;

const FIXTURE: &str = include_str!("fixtures/contract/v1.ndjson");
/// Fields that v1 gained: an older reader skips them, and a record without them is still v1.
const GAINED: &str = include_str!("fixtures/contract/v1_gained.ndjson");
/// The same of a call that a policy holds: what the intent asks, and what the outcome says of it.
const HELD: &str = include_str!("fixtures/contract/v1_held.ndjson");
const ID: &str = "d-019ab2c3d4e57f60a1b2c3d4e5f60718";
const SUMMARY: &str = "Call me at [email], \"Zoë\" <ok>";
const INPUT_SUMMARY: &str = "What is [phone]?";
const SALT: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255];

fn intent() -> Intent {
    Intent {
        v: 1,
        decision_id: ID.to_owned(),
        created_at: "2025-11-24T02:00:00.000Z".to_owned(),
        policy_version: format!("sha256:{}", sha256_hex(b"policies: []\n")),
        model: "gpt-4o-2025-12-17".to_owned(),
        requested_model: Some("gpt-4o".to_owned()),
        input_hash: sha256_hex(b"{}"),
        provider: "openai".to_owned(),
        operation: "chat".to_owned(),
        stream: true,
        caller: Some("key:0123456789abcdef".to_owned()),
        gateway: "gateway-1".to_owned(),
        hold: None,
    }
}

fn outcome() -> Outcome {
    let intent = intent();
    Outcome {
        v: 1,
        decision_id: intent.decision_id,
        created_at: "2025-11-24T02:00:01.250Z".to_owned(),
        requested_at: intent.created_at,
        policy_version: intent.policy_version,
        model: intent.model,
        requested_model: intent.requested_model,
        served_model: Some("gpt-4o-2025-12-17".to_owned()),
        provider: intent.provider,
        operation: intent.operation,
        stream: true,
        status: Some(200),
        outcome: OutcomeKind::Completed,
        categories: vec!["pii".to_owned()],
        actions: vec!["route_to_human_review".to_owned(), "flag_for_review".to_owned()],
        triggered: vec![
            triggered("high_risk_review", "fired", None, "route_to_human_review"),
            triggered("confidence_gate", "failed", Some("no_such_key"), "flag_for_review"),
        ],
        input_hash: intent.input_hash,
        input_bytes: 2,
        input_tokens: Some(12),
        output_tokens: Some(7),
        usage: Some(serde_json::json!({"completion_tokens": 7, "prompt_tokens": 12})),
        finish_reason: Some("stop".to_owned()),
        system_fingerprint: Some("fp_44709d6fcb".to_owned()),
        refusal: false,
        tool_names: vec!["lookup".to_owned()],
        confidence: Some(0.62),
        confidence_source: Some("logprobs".to_owned()),
        caller: intent.caller,
        route: Some("openai".to_owned()),
        gateway: intent.gateway,
        trace_id: Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned()),
        request_id: Some("6f2b1c1e-9a51-4d7c-8f0a-1b2c3d4e5f60".to_owned()),
        latency_ms: Some(1_250),
        first_byte_ms: Some(310),
        unread: None,
        hold_mode: "strict".to_owned(),
        output_summary_digest: Some(summary_digest(&SALT, SUMMARY)),
        media_parts: None,
        attempts: None,
        pinning: None,
        pinning_rule: None,
        input_summary_digest: None,
        review: None,
    }
}

fn outcome_with_all() -> Outcome {
    let mut triggered = outcome().triggered;
    triggered.push(Triggered {
        enforced: false,
        mode: Some("observe".to_owned()),
        ..self::triggered("no_free_text", "would_fire", None, "deny")
    });
    Outcome {
        triggered,
        media_parts: Some(2),
        attempts: Some(1),
        pinning: Some("floating".to_owned()),
        pinning_rule: Some("openai.alias".to_owned()),
        input_summary_digest: Some(summary_digest(&SALT, INPUT_SUMMARY)),
        ..outcome()
    }
}

fn held_intent() -> Intent {
    let policies = vec!["high_risk_review".to_owned(), "money".to_owned()];
    Intent { hold: Some(HoldAsk { policies, ttl_s: 86_400 }), ..intent() }
}

/// Approved, and answered.
fn held_outcome() -> Outcome {
    let of = |policy| Triggered {
        phase: "request".to_owned(),
        held: true,
        ..triggered(policy, "fired", None, "route_to_human_review")
    };
    Outcome {
        actions: vec!["route_to_human_review".to_owned()],
        triggered: vec![of("high_risk_review"), of("money")],
        review: Some("d-019ab2c3d4e57f60a1b2c3d4e5f60001".to_owned()),
        ..outcome_with_all()
    }
}

fn triggered(policy: &str, result: &str, failure: Option<&str>, action: &str) -> Triggered {
    Triggered {
        policy: policy.to_owned(),
        result: result.to_owned(),
        failure: failure.map(str::to_owned),
        action: action.to_owned(),
        enforced: true,
        phase: "answer".to_owned(),
        mode: None,
        held: false,
    }
}

fn delivery() -> Delivery {
    Delivery {
        v: 1,
        decision_id: ID.to_owned(),
        created_at: "2025-11-24T02:00:03.300Z".to_owned(),
        policy_version: intent().policy_version,
        delivery: DeliveryKind::Withheld,
    }
}

fn summaries(input: Option<&str>) -> Summaries<'_> {
    Summaries { output: Some(SUMMARY), input, salt: SALT }
}

fn lines() -> [Line; 3] {
    [
        Line::intent(&intent()),
        Line::outcome(&outcome(), summaries(None)),
        Line::delivery(&delivery()),
    ]
}

#[wasm_bindgen_test(unsupported = test)]
fn types_make_the_fixtures_bytes() {
    let mut made = Vec::new();
    for line in lines() {
        made.extend_from_slice(&line.bytes);
        made.push(b'\n');
    }
    assert_eq!(String::from_utf8(made).unwrap(), FIXTURE, "the wire format v1 changed");
}

#[wasm_bindgen_test(unsupported = test)]
fn gained_fields_stand_behind_the_first_ones() {
    let line = Line::outcome(&outcome_with_all(), summaries(Some(INPUT_SUMMARY)));
    assert_eq!(String::from_utf8(line.bytes).unwrap() + "\n", GAINED, "the wire format changed");
    let received: ReceivedLine<'_> = serde_json::from_str(GAINED.trim_end()).unwrap();
    let read: Outcome = serde_json::from_str(received.record.get()).unwrap();
    assert_eq!(read, outcome_with_all());
    assert_eq!(received.input_summary.as_deref(), Some(INPUT_SUMMARY));
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_said_of_a_hold_stands_behind_everything_else() {
    let lines = [
        Line::intent(&held_intent()),
        Line::outcome(&held_outcome(), summaries(Some(INPUT_SUMMARY))),
    ];
    let made: Vec<String> =
        lines.into_iter().map(|line| String::from_utf8(line.bytes).unwrap() + "\n").collect();
    assert_eq!(made.concat(), HELD, "the wire format changed");
    let records: Vec<ReceivedLine<'_>> =
        HELD.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [intent, outcome] = records.as_slice() else { panic!("two lines") };
    let intent: Intent = serde_json::from_str(intent.record.get()).unwrap();
    let outcome: Outcome = serde_json::from_str(outcome.record.get()).unwrap();
    assert_eq!((intent, outcome), (held_intent(), held_outcome()));
}

#[wasm_bindgen_test(unsupported = test)]
fn fixture_is_read_back_as_it_was_made() {
    assert_eq!(FIXTURE.lines().count(), lines().len());
    for (line, made) in FIXTURE.lines().zip(lines()) {
        let received: ReceivedLine<'_> = serde_json::from_str(line).unwrap();
        assert_eq!(received.kind, made.kind);
        assert_eq!(received.digest, sha256_hex(received.record.get().as_bytes()));
        match received.kind {
            Kind::Intent => {
                let read: Intent = serde_json::from_str(received.record.get()).unwrap();
                assert_eq!(read, intent());
            }
            Kind::Outcome => {
                let read: Outcome = serde_json::from_str(received.record.get()).unwrap();
                assert_eq!(read, outcome());
                assert_eq!(received.output_summary.as_deref(), Some(SUMMARY));
            }
            Kind::Delivery => {
                let read: Delivery = serde_json::from_str(received.record.get()).unwrap();
                assert_eq!(read, delivery());
            }
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn ack_spells_status_and_verdict_in_one_way() {
    let ack = Ack {
        decision_id: ID.to_owned(),
        kind: Some(Kind::Intent),
        digest: "00".to_owned(),
        status: AckStatus::UnknownPolicy,
        verdict: Some(IntentVerdict::Proceed),
        review: None,
    };
    let text = format!(
        "{{\"decision_id\":\"{ID}\",\"kind\":\"intent\",\"digest\":\"00\",\
         \"status\":\"unknown_policy\",\"verdict\":\"proceed\"}}"
    );
    assert_eq!(serde_json::to_string(&ack).unwrap(), text);
    for (status, word) in [
        (AckStatus::Committed, "committed"),
        (AckStatus::Duplicate, "duplicate"),
        (AckStatus::Spooled, "spooled"),
        (AckStatus::Rejected, "rejected"),
        (AckStatus::Quarantined, "quarantined"),
    ] {
        let text = text.replace("unknown_policy", word);
        assert_eq!(serde_json::from_str::<Ack>(&text).unwrap(), Ack { status, ..ack.clone() });
    }
    for (verdict, word) in [(IntentVerdict::Held, "held"), (IntentVerdict::Rejected, "rejected")] {
        let (verdict, review) = (Some(verdict), Some("d-1".to_owned()));
        let answer = format!(r#""verdict":"{word}","review":"d-1""#);
        let text = text.replace(r#""verdict":"proceed""#, &answer);
        let ack = Ack { verdict, review, ..ack.clone() };
        assert_eq!(serde_json::to_string(&ack).unwrap(), text);
        assert_eq!(serde_json::from_str::<Ack>(&text).unwrap(), ack);
    }
}
