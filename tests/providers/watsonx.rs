//! watsonx.ai's requests, of models and of deployments, and where its streams are held.

use governance_filter::facts::Unread;
use governance_filter::llm::Api;
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, target};

#[wasm_bindgen_test(unsupported = test)]
fn requests_read_as_expected() {
    let generation = fixture("watsonx/request.json");
    let facts = target("/ml/v1/text/generation?version=1").read_request(generation).unwrap();
    assert_eq!((facts.provider, facts.operation), ("ibm.watsonx.ai", "text_completion"));
    assert_eq!(facts.requested_model.as_deref(), Some("ibm/granite-13b-instruct-v2"));
    assert_eq!((facts.prompt.as_str(), facts.stream), ("Who is it?", false));
    assert!(target("/ml/v1/text/generation_stream").read_request(generation).unwrap().stream);

    let chat = fixture("watsonx/request_chat.json");
    let facts = target("/ml/v1/text/chat").read_request(chat).unwrap();
    assert_eq!(facts.requested_model.as_deref(), Some("ibm/granite-3-8b-instruct"));
    assert_eq!((facts.prompt.as_str(), facts.media_parts), ("Be brief.\nWho is it?", 1));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_deployment_stands_for_the_model() {
    let body = br#"{"input":"Who is it?"}"#;
    let path = "/ml/v1/deployments/support/text/generation?version=1";
    let facts = target(path).read_request(body).unwrap();
    assert_eq!((facts.requested_model.as_deref(), facts.deployment), (Some("support"), true));
    let nameless = target("/ml/v1/text/generation").read_request(body);
    assert_eq!(nameless, Err(Unread::UnknownShape));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_is_held_from_its_finish_or_its_close() {
    let cases = [
        ("watsonx/stream.sse", Some("id: 5\n")),
        ("watsonx/stream_no_close.sse", Some("id: 2\n")),
        ("watsonx/stream_error.sse", Some("id: 2\n")),
        ("watsonx/stream_chat.sse", Some("id: 5\nevent: close")),
        ("watsonx/stream_cut.sse", None),
    ];
    for (name, start) in cases {
        let body = fixture(name);
        let text = std::str::from_utf8(body).unwrap();
        let at = start.map(|start| text.find(start).unwrap());
        assert_eq!(drive::run(drive::plain(Api::Watsonx), body, &[]).terminal, at, "{name}");
    }
}
