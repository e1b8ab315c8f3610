//! Whole answers of every protocol: what is read of them, and what is left without logprobs.
#![no_main]

use fuzz::Input;
use governance_filter::facts::{AnswerFacts, TEXT_BYTES_MAX};
use governance_filter::llm::{AnswerReading, Api};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let api = fuzz::api(input.byte());
    let status = if input.byte() % 8 == 1 { 400 } else { 200 };
    let body = input.rest();
    let reading = api.read_answer(status, body);
    assert_bounds(&reading.facts);
    if let Some(stripped) = api.strip_logprobs(body) {
        assert_stripped(api, &stripped, &reading);
    }
});

fn assert_bounds(facts: &AnswerFacts) {
    assert!(facts.output.as_str().len() <= TEXT_BYTES_MAX);
    assert!(facts.tool_calls.len() <= 256);
    for call in &facts.tool_calls {
        assert!(call.name.chars().count() <= 256);
    }
    for confidence in [facts.logprob_confidence, facts.field_confidence].into_iter().flatten() {
        assert!(confidence.is_nan() || (0.0..=1.0).contains(&confidence), "{confidence}");
    }
}

/// It says the same but for the logprobs, of which none are left.
fn assert_stripped(api: Api, stripped: &[u8], before: &AnswerReading) {
    assert_eq!(api.strip_logprobs(stripped), None, "all were stripped");
    let mut after = api.read_answer(before.facts.status, stripped);
    assert_eq!(after.facts.logprob_confidence, None);
    after.facts.logprob_confidence = before.facts.logprob_confidence;
    // By their words: a confidence may be NaN, which equals nothing.
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
}
