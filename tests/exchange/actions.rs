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
