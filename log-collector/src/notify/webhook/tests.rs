//! What programs are sent, and that they can check who sent it.

use super::*;

/// The example of Standard Webhooks and its libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

#[test]
fn signature_is_the_one_of_the_specification() {
    let sign = |secrets: &str| {
        let keys = SigningKey::parse_all(secrets).unwrap();
        let body = r#"{"test": 2432232314}"#;
        signature(&keys, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body)
    };
    assert_eq!(sign(SECRET), SIGNATURE);
    let other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let both = sign(&format!("{other} {SECRET}"));
    let both: Vec<_> = both.split(' ').collect();
    assert_eq!((both.len(), both[1]), (2, SIGNATURE), "the new one first, then the old");
    assert_ne!(both[0], SIGNATURE);
}

#[test]
fn decision_is_an_event_with_its_names_and_no_more_of_its_summary_than_200_characters() {
    let record = include_str!("../../../../tests/fixtures/contract/v1.ndjson").lines().nth(1);
    let line: Value = serde_json::from_str(record.unwrap()).unwrap();
    let mut outcome: Outcome = serde_json::from_value(line["record"].clone()).unwrap();
    let policy = r#"{"policy":"confidence_gate","result":"fired","action":"flag_for_review",
        "enforced":true,"phase":"answer"}"#;
    outcome.triggered = vec![serde_json::from_str(policy).unwrap()];
    let (id, time) = (outcome.decision_id.clone(), outcome.created_at.clone());
    let summary = Some(format!("<b>\n{}", "y".repeat(300)));
    let content = Content::Decision { outcome: Box::new(outcome), summary };
    let message = Message { id: "m-1", public_url: Some("https://d.example.com"), content };
    let expected = json!({
        "specversion": "1.0",
        "id": "m-1",
        "source": "https://d.example.com",
        "type": "governance.decision.flagged",
        "subject": id,
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "decision_id": id,
            "policies": ["confidence_gate"],
            "outcome": "completed",
            "model": "gpt-4o-2025-12-17",
            "confidence": 0.62,
            "confidence_source": "logprobs",
            "caller": "key:0123456789abcdef",
            "review": null,
            "summary": format!("<b> {}", "y".repeat(196)),
            "url": format!("https://d.example.com/decisions/{id}"),
        },
    });
    assert_eq!(event(&message), expected);
}
