//! The redacted start of the last user message: kept beside the record, only where policy says so.

use super::*;
use governance_filter::record::summary_digest;

fn kept(characters: usize, body: &Value) -> (Value, Value) {
    let mut model =
        Model::new(&format!("record: {{input_summary_characters: {characters}}}\n{SEED}"));
    model.post(CHAT, &body.to_string()).ack(Kind::Intent).answer(200, &chat("Hello."));
    (model.line(Kind::Outcome)["input_summary"].clone(), model.outcome())
}

fn conversation(last: &str) -> Value {
    json!({"model": "gpt-4o-2025-12-17", "messages": [
        {"role": "system", "content": "Be kind."}, {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"}, {"role": "user", "content": last}]})
}

#[wasm_bindgen_test(unsupported = test)]
fn last_user_message_is_kept_redacted_and_cut_beside_the_record() {
    let cases = [
        ("Mail ann@example.com now", 500, "Mail [email] now"),
        ("Mail ann@example.com now", 9, "Mail [ema"),
        ("Ünïcödé", 3, "Ünï"),
    ];
    for (last, characters, expected) in cases {
        let (summary, record) = kept(characters, &conversation(last));
        assert_eq!(summary, expected);
        assert_eq!(record["input_summary_digest"], summary_digest(&[7; 16], expected));
        assert!(!record.to_string().contains(expected), "the record holds a digest alone");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn nothing_of_the_input_is_kept_unless_policy_says_so() {
    let mut model = Model::new(SHIPPED);
    model.post(CHAT, &conversation("quite private").to_string());
    model.ack(Kind::Intent).answer(200, &chat("Hello."));
    let line = model.line(Kind::Outcome);
    assert!(line.get("input_summary").is_none());
    assert!(line["record"].get("input_summary_digest").is_none());
    assert!(!line.to_string().contains("private"));
}

#[wasm_bindgen_test(unsupported = test)]
fn an_empty_message_has_no_summary_and_other_kinds_stay_readable() {
    assert_eq!(kept(500, &conversation("")).0, Value::Null);
    let policy = "record: {input_summary_characters: 99, redact: [phone]}\n";
    let mut model = Model::new(policy);
    model.post(CHAT, &conversation("Mail ann@example.com").to_string()).ack(Kind::Intent);
    model.answer(200, &chat(""));
    let line = model.line(Kind::Outcome);
    assert_eq!(line["input_summary"], "Mail ann@example.com");
    assert_eq!(
        (&line["output_summary"], &line["summary_salt"]),
        (&Value::Null, &json!("07".repeat(16)))
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn a_refused_request_has_its_summary_too() {
    let mut model = Model::new(&format!("record: {{input_summary_characters: 9}}\n{SEED}"));
    model.post(CHAT, &ask("gpt-3.5-turbo-0125"));
    assert_eq!(model.line(Kind::Outcome)["input_summary"], "hi");
}
