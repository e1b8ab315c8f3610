//! What is read of a stream, and what the client gets of it, never hangs on where the network cut
//! it: input that once made a difference.

use governance_filter::llm::{Api, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::drive;

#[wasm_bindgen_test(unsupported = test)]
fn what_follows_the_end_of_a_stream_passes_as_it_came() {
    let event = |text: &str| {
        let choice = format!(r#"{{"delta":{{"content":"{text}"}},"logprobs":{{"content":[]}}}}"#);
        format!("data: {{\"choices\":[{choice}]}}\n\n")
    };
    let body = format!("{}data: [DONE]\n\n{}", event("a"), event("b"));
    let settings = StreamSettings { strip_logprobs: true, ..drive::plain(Api::OpenAiChat) };
    let whole = drive::run(settings, body.as_bytes(), &[]);
    let text = String::from_utf8(whole.passed.clone()).unwrap();
    assert!(text.ends_with(&event("b")) && !text.contains(&event("a")), "{text}");
    for cut in 0..=body.len() {
        assert_eq!(drive::run(settings, body.as_bytes(), &[cut]), whole, "cut at {cut}");
    }
}
