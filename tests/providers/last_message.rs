//! What the user said last, in each API's own way to say who speaks.

use super::{CHAT, MESSAGES, target};

const RESPONSES: &str = "/v1/responses";
const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const CONVERSE: &str = "/model/m/converse";
const COHERE: &str = "/v1/chat";

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn last_user_message_of_each_api() {
    let cases = [
        (
            CHAT,
            r#"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]}"#,
            "a",
        ),
        (
            CHAT,
            r#"{"model":"m","messages":[{"content":"a","role":"User"},{"role":"tool","content":"b"}]}"#,
            "a",
        ),
        (
            CHAT,
            r#"{"model":"m","messages":[{"role":"user","content":"a"},{"\u0072ole":"\u0075ser","content":"b"}]}"#,
            "b",
        ),
        (
            CHAT,
            r#"{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"tools":[{"role":"user","x":"c"}]}"#,
            "a\nb",
        ),
        (
            CHAT,
            r#"{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","tag":{"role":"user"},"content":"b"}]}"#,
            "a",
        ),
        (CHAT, r#"{"model":"m","messages":[{"role":"user","content":""}]}"#, ""),
        (MESSAGES, r#"{"model":"m","messages":[{"role":"user","content":"a"}],"system":"s"}"#, "a"),
        (RESPONSES, r#"{"model":"m","instructions":"s","input":"a"}"#, "a"),
        (
            RESPONSES,
            r#"{"model":"m","input":[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":"b"}],"instructions":"s"}"#,
            "a",
        ),
        (
            GEMINI,
            r#"{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]}]}"#,
            "a",
        ),
        (
            CONVERSE,
            r#"{"messages":[{"role":"user","content":[{"text":"a"}]}],"system":[{"text":"s"}]}"#,
            "a",
        ),
        (COHERE, r#"{"message":"b","chat_history":[{"role":"USER","message":"a"}]}"#, "b"),
        (COHERE, r#"{"chat_history":[{"role":"USER","message":"a"}],"message":"b"}"#, "b"),
        ("/v1/completions", r#"{"model":"m","suffix":"z","prompt":"a"}"#, "a"),
        ("/api/generate", r#"{"model":"m","system":"s","prompt":"a"}"#, "a"),
        ("/v1/embeddings", r#"{"model":"m","input":["a","b"]}"#, "a\nb"),
        (GEMINI, r#"{"contents":[{"parts":[{"text":"a"}]}]}"#, "a"),
    ];
    for (path, body, expected) in cases {
        let facts = target(path).read_request(body.as_bytes()).unwrap();
        assert_eq!(facts.last_user_text(), expected, "{path} {body}");
    }
}

#[wasm_bindgen_test::wasm_bindgen_test(unsupported = test)]
fn last_user_message_behind_the_cap_is_unknown_and_no_other_one() {
    let long = "x".repeat(governance_filter::facts::TEXT_BYTES_MAX);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{long}"}},{{"role":"user","content":"b"}}]}}"#
    );
    let facts = target(CHAT).read_request(body.as_bytes()).unwrap();
    assert!(facts.prompt.truncated());
    assert_eq!(facts.last_user_text(), "");
}
