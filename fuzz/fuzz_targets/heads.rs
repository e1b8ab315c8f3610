//! Header lists of requests and answers, one header a line: what is kept of them is bounded, and
//! holds nothing that a record or a log could not.
#![no_main]

use std::rc::Rc;

use governance_filter::exchange::{Origin, RequestHead, ResponseHead};
use governance_filter::llm;
use governance_filter::policy::Policy;
use libfuzzer_sys::fuzz_target;

/// Reads the whole head.
const READS_REQUEST: &str =
    "policies: [{name: a, trigger: \"request.method == 'PUT'\", action: deny}]";

thread_local! {
    static POLICY: Rc<Policy> = Rc::new(Policy::parse(READS_REQUEST).ok().unwrap());
}

const WORD_BYTES_MAX: usize = 256;

fuzz_target!(|data: &[u8]| {
    let headers: Vec<(Vec<u8>, Vec<u8>)> = data.split(|byte| *byte == b'\n').map(header).collect();
    let text = |at: usize| {
        let (_, value) = headers.get(at)?;
        String::from_utf8(value.clone()).ok()
    };
    let origin =
        Origin { spiffe: text(0), subject: text(1), source_address: text(2), route: text(3) };
    let policy = POLICY.with(Rc::clone);
    let head = RequestHead::read(&headers, origin, &policy);
    assert!(head.http.headers.len() <= 64);
    let kept: usize = head.http.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    // Replacement characters are longer than what they stand for.
    assert!(kept <= 3 * (16 << 10));
    assert!(!head.http.path.contains('?'));
    assert!(!head.http.headers.keys().any(|name| name.contains("authorization")));
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
