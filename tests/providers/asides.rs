//! Reasoning and refusals: text that reaches the client beside the answer's own. It is kept apart,
//! and a stream gives what the whole answer gives.

use governance_filter::llm::{Framing, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{CHAT, MESSAGES, drive, target};

const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";

#[wasm_bindgen_test(unsupported = test)]
fn what_is_said_beside_the_answer_is_kept_apart() {
    let cases = [
        (CHAT, r#"{"choices":[{"message":{"content":"Hi","reasoning_content":"hm"}}]}"#),
        (CHAT, r#"{"choices":[{"message":{"content":"Hi","reasoning":"hm"}}]}"#),
        (CHAT, r#"{"choices":[{"message":{"content":"Hi","reasoning_details":[{"text":"hm"}]}}]}"#),
        (
            CHAT,
            r#"{"choices":[{"message":{"content":[{"type":"text","text":"Hi"},
            {"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"output":[{"type":"reasoning","summary":[{"text":"h"}],"content":[{"text":"m"}]},
            {"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}"#,
        ),
        (
            MESSAGES,
            r#"{"content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"Hi"}]}"#,
        ),
        (
            GENERATE,
            r#"{"candidates":[{"content":{"parts":[{"thought":true,"text":"hm"},{"text":"Hi"}]}}]}"#,
        ),
        (
            "/v1beta/interactions",
            r#"{"steps":[{"type":"thought","summary":[{"type":"text","text":"hm"}]},
            {"type":"model_output","content":[{"type":"text","text":"Hi"}]}]}"#,
        ),
        (
            "/model/m/converse",
            r#"{"output":{"message":{"content":[{"text":"Hi"},
            {"reasoningContent":{"reasoningText":{"text":"hm"}}}]}}}"#,
        ),
        ("/api/chat", r#"{"message":{"content":"Hi","thinking":"hm"},"done":true}"#),
        ("/api/generate", r#"{"response":"Hi","thinking":"hm","done":true}"#),
        ("/v2/chat", r#"{"message":{"tool_plan":"hm","content":[{"type":"text","text":"Hi"}]}}"#),
    ];
    for (path, body) in cases {
        let reading = target(path).api.read_answer(200, body.as_bytes());
        assert_eq!(reading.facts.output.as_str(), "Hi", "{path} {body}");
        assert_eq!(reading.facts.other_text.as_str(), "hm", "{path} {body}");
        assert_eq!(reading.unread, None, "{path} {body}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_refusal_stands_apart_from_what_was_thought() {
    let body = br#"{"choices":[{"message":{"content":null,"refusal":"no","reasoning":"hm"}}]}"#;
    let facts = target(CHAT).api.read_answer(200, body).facts;
    assert_eq!((facts.other_text.as_str(), facts.refusal), ("no\nhm", true));
}

#[wasm_bindgen_test(unsupported = test)]
fn what_a_filter_of_the_provider_withholds_is_refused() {
    let filtered = r#"{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"},
        {"index":1,"message":{"content":""},"finish_reason":"content_filter"}]}"#;
    let incomplete = r#"{"status":"incomplete","incomplete_details":{"reason":"content_filter"},
        "output":[]}"#;
    for (path, body, refusal) in [
        (CHAT, filtered, true),
        (CHAT, &filtered.replace("content_filter", "length"), false),
        ("/v1/responses", incomplete, true),
        ("/v1/responses", &incomplete.replace("content_filter", "max_output_tokens"), false),
    ] {
        let facts = target(path).api.read_answer(200, body.as_bytes()).facts;
        assert_eq!(facts.refusal, refusal, "{path} {body}");
    }
    let piece = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"content_filter"}]}"#;
    let body = format!("data: {piece}\n\ndata: [DONE]\n\n");
    let facts = drive::run(drive::plain(target(CHAT).api), body.as_bytes(), &[]).reading.facts;
    assert_eq!((facts.refusal, facts.finish_reason.as_deref()), (true, Some("content_filter")));
}

#[wasm_bindgen_test(unsupported = test)]
fn pieces_of_what_is_said_beside_the_answer_are_joined() {
    let sse = |events: &[&str]| {
        events.iter().map(|event| format!("data: {event}\n\n")).collect::<String>()
    };
    let lines = |lines: &[&str]| lines.join("\n") + "\n";
    let cases = [
        (
            CHAT,
            Framing::Sse,
            sse(&[
                r#"{"choices":[{"delta":{"reasoning_content":"h"}}]}"#,
                r#"{"choices":[{"delta":{"reasoning_content":"m"}}]}"#,
                "[DONE]",
            ]),
        ),
        (
            "/v1/responses",
            Framing::Sse,
            sse(&[
                r#"{"type":"response.reasoning_summary_text.delta","delta":"h"}"#,
                r#"{"type":"response.reasoning_text.delta","delta":"m"}"#,
                "[DONE]",
            ]),
        ),
        (
            MESSAGES,
            Framing::Sse,
            sse(&[
                r#"{"type":"content_block_start","content_block":{"type":"thinking","thinking":""}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"h"}}"#,
                r#"{"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":"m"}}"#,
                r#"{"type":"message_stop"}"#,
            ]),
        ),
        (
            "/api/chat",
            Framing::Lines,
            lines(&[
                r#"{"message":{"content":"","thinking":"h"}}"#,
                r#"{"message":{"content":"","thinking":"m"}}"#,
                r#"{"done":true}"#,
            ]),
        ),
    ];
    for (path, framing, body) in cases {
        let settings = StreamSettings { framing, ..drive::plain(target(path).api) };
        let reading = drive::run(settings, body.as_bytes(), &[]).reading;
        assert_eq!(reading.facts.other_text.as_str(), "hm", "{path}");
        assert_eq!((reading.facts.output.as_str(), reading.unread), ("", None), "{path}");
    }
}
