//! Answers whose text stands in a form that no version of their API has had: what was not read is
//! told, for a client may find text where this reader finds none.

use governance_filter::facts::Unread;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CHAT, MESSAGES, drive, target};

const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const CONVERSE: &str = "/model/m/converse";
const INVOKE: &str = "/model/m/invoke";

#[wasm_bindgen_test(unsupported = test)]
fn err_text_in_an_unknown_form_is_told() {
    let cases = [
        (CHAT, r#"{"choices":[{"message":{"content":{"text":"secret"}}}]}"#),
        (CHAT, r#"{"choices":[{"message":{"content":["secret"]}}]}"#),
        (CHAT, r#"{"choices":[{"message":{"content":[{"type":"text_new","text":"secret"}]}}]}"#),
        (CHAT, r#"{"choices":[{"message":"secret"}]}"#),
        (CHAT, r#"{"choices":["secret"]}"#),
        (CHAT, r#"{"choices":[{"message":{"tool_calls":{"function":{"name":"pay"}}}}]}"#),
        ("/v1/completions", r#"{"choices":[{"text":["secret"]}]}"#),
        ("/v1/responses", r#"{"output":[{"type":"message","content":"secret"}]}"#),
        ("/v1/responses", r#"{"output":[{"type":"message_new","content":[{"text":"secret"}]}]}"#),
        ("/v1/responses", r#"{"output":["secret"]}"#),
        (MESSAGES, r#"{"content":[{"type":"text_new","text":"secret"}]}"#),
        (MESSAGES, r#"{"content":[{"type":"text","text":["secret"]}]}"#),
        (MESSAGES, r#"{"content":["secret"]}"#),
        ("/v1/complete", r#"{"completion":{"text":"secret"}}"#),
        (GENERATE, r#"{"candidates":[{"content":{"parts":"secret"}}]}"#),
        (GENERATE, r#"{"candidates":[{"content":"secret"}]}"#),
        (GENERATE, r#"{"candidates":[{"content":{"parts":[{"text":{"a":"secret"}}]}}]}"#),
        (CONVERSE, r#"{"output":{"message":{"content":[{"text":["secret"]}]}}}"#),
        (INVOKE, r#"{"generation":{"text":"secret"}}"#),
        (INVOKE, r#"{"outputs":[{"text":["secret"]}]}"#),
        ("/api/chat", r#"{"message":{"content":["secret"]},"done":true}"#),
        ("/api/generate", r#"{"response":["secret"],"done":true}"#),
        ("/v2/chat", r#"{"message":{"content":[{"type":"text","text":["secret"]}]}}"#),
        ("/v1/chat", r#"{"text":["secret"]}"#),
        ("/ml/v1/text/generation", r#"{"results":[{"generated_text":["secret"]}]}"#),
    ];
    for (path, body) in cases {
        let reading = target(path).api.read_answer(200, body.as_bytes());
        assert_eq!(reading.unread, Some(Unread::UnknownShape), "{path} {body}");
        assert!(reading.facts.incomplete, "{path} {body}");
        let refused = target(path).api.read_answer(500, body.as_bytes());
        assert!(refused.facts.error, "{path} {body}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_text_in_an_unknown_form_is_told_of_a_stream() {
    let cases = [
        (CHAT, r#"{"choices":[{"delta":{"content":{"text":"secret"}}}]}"#, "[DONE]"),
        (CHAT, r#"{"choices":[{"delta":"secret"}]}"#, "[DONE]"),
        ("/v1/responses", r#"{"type":"response.output_text.delta","delta":["secret"]}"#, "[DONE]"),
        (
            MESSAGES,
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"new","text":"secret"}}"#,
            r#"{"type":"message_stop"}"#,
        ),
    ];
    for (path, event, end) in cases {
        let body = format!("data: {event}\n\ndata: {end}\n\n");
        let run = drive::run(drive::plain(target(path).api), body.as_bytes(), &[]);
        assert_eq!(run.reading.unread, Some(Unread::UnknownShape), "{path} {event}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn text_of_a_choice_itself_is_read_once() {
    let cases = [
        (r#"{"text":"a"}"#, "a"),
        (r#"{"text":"a","message":{"content":"a"}}"#, "a"),
        (r#"{"text":"b","message":{"content":"a"}}"#, "ba"),
        (r#"{"text":"","message":{"content":"a"}}"#, "a"),
    ];
    for (choice, text) in cases {
        let body = format!(r#"{{"choices":[{choice}]}}"#);
        for path in [CHAT, "/v1/completions", INVOKE] {
            let reading = target(path).api.read_answer(200, body.as_bytes());
            assert_eq!(reading.facts.output.as_str(), text, "{path} {choice}");
            assert_eq!(reading.unread, None, "{path} {choice}");
        }
    }
}
