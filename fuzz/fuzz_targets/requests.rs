//! Bodies of requests of every protocol: what is read of them, and what a pin and logprobs change.
//! A rewritten body says what it said before but for what was to change.
#![no_main]

use fuzz::{Input, PATHS, one_of};
use governance_filter::facts::RequestFacts;
use governance_filter::llm::{Api, Rewrite, Target};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const PIN: &str = "gpt-4o-2025-12-17 \"é\"/:";

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let path = one_of(&PATHS, input.byte());
    let target = fuzz::target(path);
    let body = input.rest();
    let read = target.read_request(body);
    let asks = target.api.could_ask_logprobs(body);
    if let Ok(facts) = &read {
        assert!(facts.prompt.as_str().len() <= governance_filter::facts::TEXT_BYTES_MAX);
        pinned(&target, path, body, facts);
    }
    if asks {
        logprobs_asked(&target, path, body);
    }
    let both = Rewrite { model: Some(PIN), ask_logprobs: true };
    let _ = target.rewrite(path, body, &both);
});

/// The pin stands where the model stood; nothing else reads otherwise.
fn pinned(target: &Target, path: &str, body: &[u8], facts: &RequestFacts) {
    let rewrite = Rewrite { model: Some(PIN), ask_logprobs: false };
    if facts.requested_model.is_none() {
        return;
    }
    let Ok(rewritten) = target.rewrite(path, body, &rewrite) else { return };
    let target = rewritten.path.as_deref().map_or(target.clone(), fuzz::target);
    let body = rewritten.body.as_deref().unwrap_or(body);
    let again = target.read_request(body).expect("what could be read still can");
    assert_eq!(again.requested_model.as_deref(), Some(PIN));
    assert_eq!(again.model.as_deref(), Some(PIN));
    let named = RequestFacts {
        requested_model: again.requested_model,
        model: again.model,
        ..facts.clone()
    };
    let again = RequestFacts {
        requested_model: named.requested_model.clone(),
        model: named.model.clone(),
        ..target.read_request(body).expect("it was read before")
    };
    assert_eq!(again, named);
}

/// Logprobs are asked for, once, and every other member is what it was.
fn logprobs_asked(target: &Target, path: &str, body: &[u8]) {
    let rewrite = Rewrite { model: None, ask_logprobs: true };
    let Ok(rewritten) = target.rewrite(path, body, &rewrite) else { return };
    let rewritten = rewritten.body.expect("a body that asks");
    let twice = rewritten.windows(10).filter(|window| *window == b"\"logprobs\"").count();
    let before = body.windows(10).filter(|window| *window == b"\"logprobs\"").count();
    assert!(twice <= before + 1);
    assert_eq!(target.api, Api::OpenAiChat);
    assert!(!target.api.could_ask_logprobs(&rewritten), "it asks now");
    // Numbers too large for `Value` are no error for a reader that does not look at them.
    let (Ok(Value::Object(mut before)), Ok(Value::Object(mut after))) =
        (serde_json::from_slice(body), serde_json::from_slice(&rewritten))
    else {
        return;
    };
    before.remove("logprobs");
    assert_eq!(after.remove("logprobs"), Some(Value::Bool(true)));
    assert_eq!(before, after);
}
