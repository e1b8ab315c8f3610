//! Header lists of requests and answers, one header a line: what is kept of them is bounded, and
//! holds nothing that a record or a log could not.
#![no_main]

use governance_filter::exchange::{Origin, RequestHead, ResponseHead};
use governance_filter::llm;
use libfuzzer_sys::fuzz_target;

const WORD_BYTES_MAX: usize = 256;

fuzz_target!(|data: &[u8]| {
    let headers: Vec<(Vec<u8>, Vec<u8>)> = data.split(|byte| *byte == b'\n').map(header).collect();
    let text = |at: usize| {
        let (_, value) = headers.get(at)?;
        String::from_utf8(value.clone()).ok()
    };
    let origin =
        Origin { spiffe: text(0), subject: text(1), source_address: text(2), route: text(3) };
    let head = RequestHead::read(&headers, origin);
    let words = [&head.route, &head.request_id, &head.caller.subject];
    for word in words.into_iter().flatten() {
        assert!(word.len() <= WORD_BYTES_MAX);
    }
    assert!(head.categories.len() <= 16);
    for category in &head.categories {
        let plain =
            category.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
        assert!(plain && !category.is_empty() && category.len() <= 64, "{category:?}");
    }
    assert!(head.trace_id.as_ref().is_none_or(|id| id.len() == 32));
    assert!(head.caller.api_key_hash.as_ref().is_none_or(|hash| hash.len() == 16));
    let _ = head.caller.strongest();
    let content_type = head.content_type.as_deref();
    let _ = llm::classify(&head.method, &head.path, content_type, head.upgrade);
    let _ = head.signature.as_ref().map(|signature| signature.covers("accept-encoding"));

    let head = ResponseHead::read(&headers, false, None);
    assert!(head.confidence.is_none_or(|confidence| (0.0..=1.0).contains(&confidence)));
    let mut facts = governance_filter::facts::AnswerFacts::default();
    head.fill_in("aws.bedrock", &mut facts);
});

/// The first colon that is not the first byte parts name and value, for `:path` is a name.
fn header(line: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let colon = line.iter().skip(1).position(|byte| *byte == b':').map(|at| at + 1);
    match colon {
        Some(at) => (line[..at].to_vec(), line[at + 1..].trim_ascii_start().to_vec()),
        None => (line.to_vec(), Vec::new()),
    }
}
