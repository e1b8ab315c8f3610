//! What becomes of an action: in the record, on the answer, and where it is not to count.

use super::*;

const POLICIES: &str = "policies:
- {name: notes, trigger: \"category == 'pii'\", action: log}
- {name: sees_answer, trigger: \"output != ''\", action: log}
";

#[wasm_bindgen_test(unsupported = test)]
fn log_is_the_weakest_action_and_asks_for_nobody() {
    let policies = format!("{POLICIES}- {{name: marks, trigger: 'true', action: flag_for_review}}");
    let mut model = Model::new(&policies);
    let body = ask("gpt-4o-2025-12-17").replace("hi", "mail bob@example.com");
    model.post(CHAT, &body).ack(Kind::Intent).answer(200, &chat("Hello.")).ack(Kind::Outcome);
    assert_eq!(model.client_got().as_deref(), Some(chat("Hello.").as_str()));
    let outcome = model.outcome();
    assert_eq!(outcome["outcome"], "completed");
    assert_eq!(outcome["actions"], json!(["flag_for_review", "log"]), "strongest first");
    let noted = json!({"policy": "notes", "result": "fired", "failure": null, "action": "log",
        "enforced": true, "phase": "request"});
    assert_eq!(outcome["triggered"][0], noted);
    let flags = model.header(Side::Response, "x-decision-flags");
    assert_eq!(flags, Some("notes, marks, sees_answer"));
}

const OBSERVED: &str = "policies:
- {name: asked, mode: observe, trigger: \"category == 'pii'\", action: deny}
- {name: listed, mode: observe, allowed: [some-other-model]}
- {name: answered, mode: observe, trigger: \"output != ''\", action: deny}
- {name: unknown, mode: observe, trigger: 'confidence < 0.5', action: deny}
";

#[wasm_bindgen_test(unsupported = test)]
fn an_observed_policy_is_in_the_record_and_nowhere_else() {
    let stream = chat_stream();
    for streamed in [false, true] {
        let mut model = Model::new(OBSERVED);
        let ask = if streamed { ask_stream } else { ask };
        let body = ask("gpt-4o-2025-12-17").replace("hi", "mail bob@example.com");
        model.post(CHAT, &body).ack(Kind::Intent);
        assert_eq!(model.provider_got().as_deref(), Some(body.as_str()));
        if streamed {
            model.answer_headers(200, &[("content-type", SSE)], End::Open);
            model.answer_body(stream.as_bytes(), End::OfStream);
        } else {
            model.answer(200, &chat("Hello."));
        }
        model.ack(Kind::Outcome);
        let expected = if streamed { stream.clone() } else { chat("Hello.") };
        assert_eq!(model.client_got(), Some(expected), "byte for byte");
        assert_eq!(model.header(Side::Response, "x-decision-flags"), None);
        assert!(!model.counts.contains(&Counter::Denied));
        let outcome = model.outcome();
        assert_eq!((&outcome["outcome"], &outcome["actions"]), (&json!("completed"), &json!([])));
        let told: Vec<(&Value, &Value, &Value, &Value)> = outcome["triggered"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| (&one["policy"], &one["result"], &one["enforced"], &one["mode"]))
            .collect();
        let (no, observe) = (&json!(false), &json!("observe"));
        assert_eq!(
            told,
            [
                (&json!("asked"), &json!("would_fire"), no, observe),
                (&json!("listed"), &json!("would_fire"), no, observe),
                (&json!("listed"), &json!("would_fire"), no, observe),
                (&json!("answered"), &json!("would_fire"), no, observe),
                (&json!("unknown"), &json!("would_fire"), no, observe),
            ]
        );
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_policy_in_force_has_no_mode_in_the_record() {
    let mut model = Model::new(SEED);
    model.post(CHAT, &ask("gpt-3.5-turbo-0125"));
    assert!(model.outcome()["triggered"][0].get("mode").is_none());
}
