//! Requests to Bedrock's Converse and InvokeModel, each vendor's body, and what of its answers
//! and streams no summary in one line shows.

use governance_filter::facts::{RequestFacts, Unread};
use governance_filter::llm::{AnswerStream, Api, Framing, Refusal, RefusalKind, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, target};

/// An ARN, as SDKs write it into a path, and as it reads.
const ARN: [&str; 2] =
    ["arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Ax%2Fm", "arn:aws:bedrock:us-east-1::x/m"];

fn frames(api: Api) -> StreamSettings {
    StreamSettings { framing: Framing::EventStream, ..drive::plain(api) }
}

fn request(verb: &str, name: &str) -> RequestFacts {
    let path = format!("/model/{}/{verb}", ARN[0]);
    let facts = target(&path).read_request(fixture(name)).unwrap();
    assert_eq!(facts.requested_model.as_deref(), Some(ARN[1]), "{name}");
    assert_eq!(facts.stream, verb.ends_with("stream"), "{name}");
    assert!(!facts.prompt.truncated(), "{name}");
    facts
}

#[wasm_bindgen_test(unsupported = test)]
fn converse_requests_read_as_expected() {
    let facts = request("converse-stream", "bedrock_converse/request.json");
    let parts = [
        "Be brief.",
        "What is it?",
        "notes",
        "from the desk",
        "plain notes",
        "scan",
        "guarded",
        "https://example.com",
        "A page",
        "found",
        "hm",
        "cited",
        "look",
        "at",
        "it",
        "card",
        "4111111111111111",
        "seen",
        "a cat",
        "a dog",
        "look",
        "Looks.",
    ];
    assert_eq!(facts.prompt.as_str().split('\n').collect::<Vec<_>>(), parts);
    // Two images, a file and a video; the document that is text is none.
    assert_eq!(facts.media_parts, 4);
    let facts = request("converse", "bedrock_converse/request_prompt.json");
    assert_eq!(facts.prompt.as_str(), "Köln\nday\nMonday");
}

#[wasm_bindgen_test(unsupported = test)]
fn every_vendors_request_reads_as_expected() {
    let cases = [
        ("claude", "Be brief.\nWhat is it?", 1),
        ("nova", "Be brief.\nWhat is it?", 1),
        ("titan", "Good morning?", 0),
        ("llama", "Good morning?", 2),
        ("command_r", "Who is it?\nBe brief.\nHello\nNotes\nAda lives here.", 0),
        ("titan_embedding", "a cat", 1),
        ("nova_embedding", "a cat", 0),
        ("nova_canvas", "the hat\na red hat\na blue hat", 1),
    ];
    for (vendor, prompt, media_parts) in cases {
        for verb in ["invoke", "invoke-with-response-stream"] {
            let facts = request(verb, &format!("bedrock_invoke/request_{vendor}.json"));
            assert_eq!(facts.prompt.as_str(), prompt, "{vendor}");
            assert_eq!(facts.media_parts, media_parts, "{vendor}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn metrics_are_the_usage_where_the_vendor_has_none() {
    for (name, key) in [
        ("titan", "inputTokenCount"),
        ("llama", "inputTokenCount"),
        ("nova", "inputTokens"),
        ("claude", "input_tokens"),
    ] {
        let body = fixture(&format!("bedrock_invoke/stream_{name}.eventstream"));
        let usage =
            drive::run(frames(Api::BedrockInvoke), body, &[]).reading.facts.usage.raw.unwrap();
        assert!(usage.get(key).is_some(), "{name}: {usage}");
    }
    let body = fixture("bedrock_invoke/titan_embedding.json");
    let usage = Api::BedrockInvoke.read_answer(200, body).facts.usage;
    assert_eq!((usage.input_tokens, usage.output_tokens, usage.raw), (Some(3), None, None));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_converse_stream_is_held_from_its_stop_on_and_over_with_its_metadata() {
    let body = fixture("bedrock_converse/stream.eventstream");
    let at = |name: &str| body.windows(name.len()).position(|window| window == name.as_bytes());
    let settings = frames(Api::BedrockConverse);
    let (stop, metadata) = (at("messageStop").unwrap(), at("metadata").unwrap());
    // An event starts with its lengths and the name of the header that names it.
    let terminal = drive::run(settings, body, &[]).terminal.unwrap();
    assert_eq!(stop - terminal, 12 + 1 + ":event-type".len() + 3);
    let mut stream = AnswerStream::new(settings);
    assert!(!stream.push(&body[..metadata]).ended, "usage may follow");
    assert!(stream.push(&body[metadata..]).ended);
}

#[wasm_bindgen_test(unsupported = test)]
fn an_event_that_is_too_long_takes_nothing_else_with_it() {
    let message = "x".repeat(17 << 20);
    let (kind, decision_id) = (RefusalKind::Unavailable, "d-1".to_owned());
    let refusal = Refusal { kind, message, decision_id, policy: None };
    let long = Api::BedrockInvoke.refusal_event(Framing::EventStream, &refusal).unwrap();
    let body = [&long, fixture("bedrock_invoke/stream_llama.eventstream")].concat();
    let whole = drive::run(frames(Api::BedrockInvoke), &body, &[]);
    assert!(whole.passed == body);
    assert_eq!(whole.terminal, Some(0), "it may be the terminal one");
    assert_eq!(whole.reading.unread, Some(Unread::Truncated));
    assert_eq!(whole.reading.facts.output.as_str(), "Good morning.");
    for cut in [1, 13, long.len() - 1, long.len(), long.len() + 1] {
        assert!(drive::run(frames(Api::BedrockInvoke), &body, &[cut]) == whole, "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn our_own_exception_ends_a_stream_as_an_error() {
    for kind in [RefusalKind::PolicyDenied, RefusalKind::Unavailable] {
        let refusal =
            Refusal { kind, message: "no".to_owned(), decision_id: "d-1".to_owned(), policy: None };
        for api in [Api::BedrockConverse, Api::BedrockInvoke] {
            let event = api.refusal_event(Framing::EventStream, &refusal).unwrap();
            let run = drive::run(frames(api), &event, &[]);
            assert!(run.reading.facts.error, "{api:?}");
            assert_eq!(run.terminal, Some(0), "{api:?}");
        }
    }
}
