//! Requests to Cohere's chat, embed and rerank, both versions, and what of its answers no summary
//! in one line shows.

use governance_filter::facts::RequestFacts;
use governance_filter::llm::{Api, Framing, Refusal, RefusalKind, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, target};

fn request(path: &str, name: &str) -> (RequestFacts, String) {
    let facts = target(path).read_request(fixture(&format!("cohere/{name}.json"))).unwrap();
    let prompt = facts.prompt.as_str().to_owned();
    (facts, prompt)
}

#[wasm_bindgen_test(unsupported = test)]
fn cohere_requests_read_as_expected() {
    let (facts, prompt) = request("/v2/chat", "request");
    assert_eq!(facts.requested_model.as_deref(), Some("command-a-03-2025"));
    assert!(facts.stream);
    assert_eq!(facts.media_parts, 1);
    let parts = [
        "loose notes",
        "d1",
        "Notes",
        "body",
        "Ada lives here.",
        "Be brief.",
        "Who is it?",
        "I will look.",
        "look",
        r#"{"at":"it"}"#,
        "a cat",
        "look",
        "Looks.",
    ];
    assert_eq!(prompt.split('\n').collect::<Vec<_>>(), parts);

    let (facts, prompt) = request("/v1/chat", "request_v1");
    assert_eq!((facts.requested_model, facts.stream), (None, false));
    let parts = [
        "Who is it?",
        "Be brief.",
        "Hello",
        "I will look.",
        "look",
        "at",
        "it",
        "look",
        "at",
        "it",
        "seen",
        "a cat",
        "Notes",
        "Ada lives here.",
        "call",
        "number",
        "4111111111111111",
        "said",
        "hello",
    ];
    assert_eq!(prompt.split('\n').collect::<Vec<_>>(), parts);

    let (facts, prompt) = request("/v2/embed", "request_embed");
    assert_eq!((prompt.as_str(), facts.media_parts), ("a cat\na dog", 2));
    let (_, prompt) = request("/v2/rerank", "request_rerank");
    assert_eq!(prompt, "Who is it?\na cat\nNotes\na dog");
}

#[wasm_bindgen_test(unsupported = test)]
fn tokens_that_are_only_billed_count_and_the_object_is_kept_whole() {
    let usage = |name: &str| {
        let body = fixture(&format!("cohere/{name}.json"));
        Api::Cohere.read_answer(200, body).facts.usage
    };
    let embed = usage("embed");
    assert_eq!((embed.input_tokens, embed.output_tokens), (Some(3), None));
    assert_eq!(usage("rerank").raw.unwrap()["billed_units"]["search_units"], 1);
    let chat = usage("whole");
    assert_eq!((chat.input_tokens, chat.output_tokens), (Some(10), Some(5)));
    assert_eq!(chat.raw.unwrap()["billed_units"]["output_tokens"], 2.0);
}

#[wasm_bindgen_test(unsupported = test)]
fn our_own_error_ends_a_stream_as_an_error() {
    let refusal = Refusal {
        kind: RefusalKind::PolicyDenied,
        message: "no".to_owned(),
        decision_id: "d-1".to_owned(),
        policy: None,
    };
    assert!(Api::Cohere.read_answer(200, &Api::Cohere.refusal(&refusal)).facts.error);
    for framing in [Framing::Sse, Framing::Lines] {
        let event = Api::Cohere.refusal_event(framing, &refusal).unwrap();
        let settings = StreamSettings { framing, ..drive::plain(Api::Cohere) };
        let run = drive::run(settings, &event, &[]);
        assert!(run.reading.facts.error, "{framing:?}");
        assert_eq!(run.terminal, Some(0), "{framing:?}");
    }
}
