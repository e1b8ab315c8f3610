//! Answers of several choices: a client may take any of them, so all are read.

use governance_filter::facts::Unread;
use governance_filter::llm::Api;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, summary};

#[wasm_bindgen_test(unsupported = test)]
fn every_choice_is_read_the_first_one_first() {
    let api = Api::OpenAiChat;
    let whole = br#"{"choices":[
        {"index":2,"message":{"content":null,"tool_calls":[
            {"function":{"name":"pay","arguments":"{}"}}]}},
        {"index":1,"message":{"content":"no"},"finish_reason":"length"},
        {"index":0,"message":{"content":"yes","tool_calls":[
            {"function":{"name":"time","arguments":"{}"}}]},"finish_reason":"stop"}]}"#;
    let expected = r#"stop "yes\nno" time({}) pay({})"#;
    assert_eq!(summary(&api.read_answer(200, whole)), expected);

    let call = |choice: u32, piece: &str| {
        let call = format!(r#"{{"index":0,"function":{piece}}}"#);
        format!(r#"{{"index":{choice},"delta":{{"tool_calls":[{call}]}}}}"#)
    };
    let text =
        |choice: u32, text: &str| format!(r#"{{"index":{choice},"delta":{{"content":"{text}"}}}}"#);
    let events = [
        call(2, r#"{"name":"pay","arguments":"{"}"#),
        text(1, "n"),
        call(0, r#"{"name":"time","arguments":"{"}"#),
        text(0, "ye"),
        call(2, r#"{"arguments":"}"}"#),
        format!("{},{}", text(1, "o"), text(0, "s")),
        call(0, r#"{"arguments":"}"}"#),
        r#"{"index":1,"delta":{},"finish_reason":"length"}"#.to_owned(),
        r#"{"index":0,"delta":{},"finish_reason":"stop"}"#.to_owned(),
    ];
    let events = events.map(|choices| format!("data: {{\"choices\":[{choices}]}}\n\n"));
    let body = format!("{}data: [DONE]\n\n", events.concat());
    for cut in 0..=body.len() {
        let run = drive::run(drive::plain(api), body.as_bytes(), &[cut]);
        assert_eq!(summary(&run.reading), expected, "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn confidence_is_that_of_the_least_certain_choice() {
    let choice = |index: u32, confidence: &str, logprob: &str| {
        let content = format!(r#""{{\"confidence\":{confidence}}}""#);
        let logprobs = format!(r#"{{"content":[{{"logprob":{logprob}}}]}}"#);
        format!(r#"{{"index":{index},"message":{{"content":{content}}},"logprobs":{logprobs}}}"#)
    };
    let choices = [choice(0, "0.9", "-0.1"), choice(1, "0.2", "-0.7"), choice(2, "0.8", "-0.2")];
    let body = format!(r#"{{"choices":[{}]}}"#, choices.join(","));
    let facts = Api::OpenAiChat.read_answer(200, body.as_bytes()).facts;
    assert_eq!(facts.field_confidence, Some(0.2));
    assert_eq!(facts.logprob_confidence, Some((-0.7f64).exp()));
}

#[wasm_bindgen_test(unsupported = test)]
fn other_choices_cannot_take_the_first_one_s_room() {
    let piece = "x".repeat(500_000);
    let event = |choice: u32| {
        format!(
            "data: {{\"choices\":[{{\"index\":{choice},\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n"
        )
    };
    let body = format!("{}{}{}{}", event(1), event(2), event(1), event(0));
    let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]);
    let facts = run.reading.facts;
    assert!(facts.output.as_str().starts_with(&piece), "the first choice is whole");
    assert_eq!(facts.output.as_str().len(), 1 << 20);
    assert_eq!((run.reading.unread, facts.incomplete), (Some(Unread::Truncated), true));

    let choice = |index: usize| format!(r#"{{"index":{index},"message":{{"content":"a"}}}}"#);
    for (count, unread) in [(128, None), (129, Some(Unread::Truncated))] {
        let choices = (0..count).map(choice).collect::<Vec<_>>().join(",");
        let body = format!(r#"{{"choices":[{choices}]}}"#);
        let reading = Api::OpenAiChat.read_answer(200, body.as_bytes());
        assert_eq!(reading.facts.output.as_str().len(), 255, "{count}");
        assert_eq!(reading.unread, unread, "{count}");
    }
}
