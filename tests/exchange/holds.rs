//! Calls that a person must approve: what the collector is asked, and what its answer makes of them.

use super::*;
use governance_filter::record::IntentVerdict;

const HOLD: &str = "policies:
- name: money
  trigger: \"category == 'financial'\"
  action: route_to_human_review
  hold: true
- name: pictures
  trigger: input.images > 0
  action: route_to_human_review
  hold: true
  hold_ttl: 90m
";
const REVIEW: &str = "d-019a0000000070008000000000000001";
const PATHS: [&str; 7] = [
    CHAT,
    MESSAGES,
    "/v1beta/models/m:generateContent",
    "/model/m/converse",
    "/api/chat",
    "/v2/chat",
    "/v1/responses",
];

/// A call that the policy holds, its intent at the collector.
fn held(policy: &str) -> Model {
    let mut model = Model::new(policy);
    post(&mut model, CHAT);
    model
}

/// A request whose header names the category, in a shape that the path's API reads.
fn post(model: &mut Model, path: &str) {
    let (text, parts) = (json!("hi"), json!([{"text": "hi"}]));
    let body = match path {
        "/v1beta/models/m:generateContent" => json!({"contents": [{"parts": parts}]}),
        "/model/m/converse" => json!({"messages": [{"role": "user", "content": parts}]}),
        "/v1/responses" => json!({"model": "m", "input": text}),
        _ => {
            json!({"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": text}]})
        }
    };
    let head = [(":method", "POST"), (":path", path), ("content-type", JSON)];
    let category = [("x-ai-category", "financial")];
    model.request_headers(&[head.as_slice(), &category].concat());
    model.request_body(body.to_string().as_bytes(), End::OfStream);
}

fn triggered() -> Value {
    json!([{"policy": "money", "result": "fired", "failure": null,
        "action": "route_to_human_review", "enforced": true, "phase": "request", "held": true}])
}

/// The reply's status, message and header of this name.
fn told(model: &Model, header: &str) -> (u16, String, Option<String>) {
    let reply = model.reply.as_ref().expect("a reply");
    let body: Value = serde_json::from_slice(&reply.body).expect("an error is JSON");
    let set = reply.headers.iter().find(|(name, _)| *name == header);
    let message = body["error"]["message"].as_str().expect("a message").to_owned();
    (reply.status, message, set.map(|(_, value)| value.clone()))
}

#[wasm_bindgen_test(unsupported = test)]
fn the_intent_asks_and_an_approval_lets_the_call_go_on() {
    let mut model = held(HOLD);
    let ask = json!({"policies": ["money"], "ttl_s": 86_400});
    assert_eq!(model.line(Kind::Intent)["record"]["hold"], ask);
    assert_eq!(model.provider_got(), None);
    model.answer_hold(IntentVerdict::Proceed, REVIEW);
    assert!(model.provider_got().is_some());
    model.answer(200, &chat("Hello.")).ack(Kind::Outcome);
    assert!(model.client_got_end());
    let outcome = model.outcome();
    assert_eq!((&outcome["outcome"], &outcome["review"]), (&json!("completed"), &json!(REVIEW)));
    assert_eq!(outcome["triggered"], triggered());
    assert_eq!(model.header(Side::Response, "x-decision-flags"), Some("money"));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_held_call_is_refused_once_its_outcome_is_committed() {
    let mut model = held(HOLD);
    model.answer_hold(IntentVerdict::Held, REVIEW);
    assert_eq!(model.reply, None, "its own record first");
    let outcome = model.outcome();
    assert_eq!((&outcome["outcome"], &outcome["review"]), (&json!("held"), &json!(REVIEW)));
    assert_eq!((&outcome["status"], &outcome["latency_ms"]), (&json!(403), &Value::Null));
    assert_eq!(outcome["triggered"], triggered());
    assert_eq!(outcome["actions"], json!(["route_to_human_review"]));
    model.ack(Kind::Outcome);
    let expected = format!(
        "a person must approve this call; send the same request again once it is approved \
         (policy `money`, waits for review {REVIEW}, decision {ID})"
    );
    let flags = Some("money".to_owned());
    assert_eq!(told(&model, "x-decision-flags"), (403, expected, flags));
    assert_eq!(told(&model, "x-should-retry").2, None, "no client tries a 403 again");
    assert_eq!(model.provider_got(), None);
    assert_eq!(model.counts, [Counter::Governed, Counter::Held]);
    model.done(Ending::Complete);
    assert_eq!(model.lines.len(), 2);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_rejected_call_is_denied() {
    let mut model = held(HOLD);
    model.answer_hold(IntentVerdict::Rejected, REVIEW);
    let outcome = model.outcome();
    assert_eq!((&outcome["outcome"], &outcome["review"]), (&json!("denied"), &json!(REVIEW)));
    assert_eq!((&outcome["status"], &outcome["triggered"]), (&json!(403), &triggered()));
    model.commit(Kind::Outcome, Commit::Expired);
    let expected = format!(
        "a person was asked to approve this call and rejected it (policy `money`, rejected in \
         review {REVIEW}, decision {ID})"
    );
    assert_eq!(told(&model, "x-decision-id"), (403, expected, Some(ID.to_owned())));
    assert_eq!(model.provider_got(), None);
    let counts = [Counter::Governed, Counter::Denied, Counter::DenialUncommitted];
    assert_eq!(model.counts, counts);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_policys_message_takes_the_place_of_the_filters() {
    let policy = HOLD.replacen("hold: true", "hold: true\n  message: ask the desk", 1);
    for (verdict, state) in
        [(IntentVerdict::Held, "waits for"), (IntentVerdict::Rejected, "rejected in")]
    {
        let mut model = held(&policy);
        model.answer_hold(verdict, REVIEW).ack(Kind::Outcome);
        let expected =
            format!("ask the desk (policy `money`, {state} review {REVIEW}, decision {ID})");
        assert_eq!(told(&model, "").1, expected);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn without_an_answer_nothing_is_approved_whatever_on_failure_says() {
    for on_failure in ["deny", "allow"] {
        for commit in [Commit::Acked(None), Commit::Refused, Commit::Expired] {
            let mut model = held(&format!("{HOLD}record: {{on_failure: {on_failure}}}\n"));
            model.commit(Kind::Intent, commit.clone());
            let expected = format!(
                "this call needs a person's approval, and whether it has one could not be asked, \
                 so the provider was not called (policy `record`, decision {ID})"
            );
            let retry_after = Some("1".to_owned());
            assert_eq!(told(&model, "retry-after"), (503, expected, retry_after), "{commit:?}");
            assert_eq!(model.provider_got(), None, "{on_failure} {commit:?}");
            let outcome = model.outcome();
            assert_eq!(outcome["outcome"], "uncommitted_refused");
            assert_eq!((&outcome["review"], &outcome["triggered"]), (&Value::Null, &triggered()));
            assert_eq!(model.counts, [Counter::Governed, Counter::IntentUncommitted]);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_another_rule_refuses_is_not_held() {
    let refusing = format!("{HOLD}- {{name: approved, allowed: [n]}}\n");
    let pinned = format!("{HOLD}models: {{pins: {{m: m-001}}}}\n");
    let signed = [("authorization", "AWS4-HMAC-SHA256 Credential=a/20260101/x/y, Signature=b")];
    for (policy, more) in [(&refusing, [].as_slice()), (&pinned, &signed)] {
        let mut model = Model::new(policy);
        let head = [(":method", "POST"), (":path", CHAT), ("content-type", JSON)];
        let category = [("x-ai-category", "financial")];
        model.request_headers(&[head.as_slice(), &category, more].concat());
        model.request_body(ask("m").as_bytes(), End::OfStream).ack(Kind::Outcome);
        assert!(!model.waiting.contains(&Kind::Intent), "nobody is asked");
        let outcome = model.outcome();
        assert_eq!((&outcome["outcome"], &outcome["review"]), (&json!("denied"), &Value::Null));
        assert_eq!(outcome["triggered"][0]["policy"], "money");
        assert_eq!(outcome["triggered"][0]["held"], Value::Null);
    }
}

/// A retry would bring another answer, so there is nothing to wait for.
#[wasm_bindgen_test(unsupported = test)]
fn a_category_that_only_the_answer_has_is_put_before_a_person_and_not_held() {
    let policy = HOLD.replace("'financial'", "'pii'");
    let mut model = Model::new(&policy);
    model.post(CHAT, &ask("m")).ack(Kind::Intent);
    assert_eq!(model.line(Kind::Intent)["record"]["hold"], Value::Null);
    model.answer(200, &chat("Write to jane.doe@example.com.")).ack(Kind::Outcome);
    assert!(model.client_got_end());
    let outcome = model.outcome();
    assert_eq!(outcome["outcome"], "completed");
    assert_eq!(outcome["triggered"][0]["phase"], "answer");
    assert_eq!(outcome["triggered"][0]["held"], Value::Null);
}

#[wasm_bindgen_test(unsupported = test)]
fn the_client_leaves_while_the_answer_is_awaited() {
    let mut model = held(HOLD);
    model.done(Ending::ClientLeft);
    let outcome = model.outcome();
    assert_eq!((&outcome["outcome"], &outcome["triggered"]), (&json!("aborted"), &triggered()));
    model.answer_hold(IntentVerdict::Held, REVIEW);
    assert_eq!((&model.reply, model.lines.len()), (&None, 2));
}

#[wasm_bindgen_test(unsupported = test)]
fn every_api_tells_of_a_hold_in_its_own_shape() {
    for path in PATHS {
        let mut model = Model::new(HOLD);
        post(&mut model, path);
        model.answer_hold(IntentVerdict::Held, REVIEW).ack(Kind::Outcome);
        let reply = model.reply.as_ref().unwrap_or_else(|| panic!("{path}: no reply"));
        assert_eq!(reply.status, 403, "{path}");
        let body: Value = serde_json::from_slice(&reply.body).expect("an error is JSON");
        let expected = match path {
            CHAT | "/v1/responses" => {
                json!([body["error"]["type"], body["error"]["code"]])
                    == json!(["permission_error", "governance_held"])
            }
            MESSAGES => body["error"]["type"] == "permission_error",
            "/model/m/converse" => {
                let name = ("x-amzn-errortype", "AccessDeniedException".to_owned());
                reply.headers.contains(&name)
            }
            "/v1beta/models/m:generateContent" => body["error"]["status"] == "PERMISSION_DENIED",
            _ => true,
        };
        assert!(expected, "{path}: {body}");
        assert!(body.to_string().contains(&format!("waits for review {REVIEW}")), "{path}: {body}");
    }
}
