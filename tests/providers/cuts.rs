//! What is read of a stream, and what the client gets of it, never hangs on where the network cut
//! it: input that once made a difference.

use governance_filter::facts::Unread;
use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{Api, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, gzip};

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

#[wasm_bindgen_test(unsupported = test)]
fn events_before_broken_bytes_are_read_in_whichever_chunk_those_come() {
    let mut wire = gzip(fixture("openai_chat/stream_logprobs_n2.sse"));
    let checksum = wire.len() - 8;
    wire[checksum] ^= 1;
    let plain = drive::plain(Api::OpenAiChat);
    let settings = StreamSettings { coding: Coding::Gzip, strip_logprobs: true, ..plain };
    let whole = drive::run(settings, &wire, &[]);
    assert_eq!(whole.reading.unread, Some(Unread::Encoding));
    assert_eq!(whole.reading.facts.finish_reason.as_deref(), Some("stop"));
    let text = String::from_utf8(whole.passed.clone()).unwrap();
    assert!(text.ends_with("data: [DONE]\n\n"), "{text}");
    for cut in 0..=wire.len() {
        assert_eq!(drive::run(settings, &wire, &[cut]), whole, "cut at {cut}");
    }
}
