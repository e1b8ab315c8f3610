//! Ollama's requests, where its streams are held, and its counts.

use governance_filter::facts::Unread;
use governance_filter::llm::{Api, Framing, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, target};

#[wasm_bindgen_test(unsupported = test)]
fn requests_read_as_expected() {
    let facts = target("/api/chat").read_request(fixture("ollama/request.json")).unwrap();
    assert_eq!((facts.provider, facts.operation), ("ollama", "chat"));
    assert_eq!(facts.requested_model.as_deref(), Some("llama3.2"));
    assert!(facts.stream, "it streams unless told not to");
    assert_eq!(facts.media_parts, 2);
    assert_eq!(facts.prompt.as_str(), "Be brief.\nWho is it?\n\nhm\nlook\nat\nit\na cat\nlook");

    let body = fixture("ollama/request_generate.json");
    let facts = target("/api/generate").read_request(body).unwrap();
    assert!(!facts.stream);
    assert_eq!(facts.media_parts, 1);
    assert_eq!(facts.prompt.as_str(), "Be brief.\n{{ .Prompt }}\nWho is it?\nBye.");
    assert!(!facts.prompt.truncated());

    let tokens = br#"{"model":"m","prompt":"on","context":[1,2]}"#;
    let facts = target("/api/generate").read_request(tokens).unwrap();
    assert!(facts.prompt.truncated(), "tokens are input that cannot be read");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_load_and_an_embedding_are_requests_too() {
    let facts = target("/api/generate").read_request(br#"{"model":"m"}"#).unwrap();
    assert_eq!((facts.prompt.as_str(), facts.stream), ("", true));
    let embed = br#"{"model":"m","input":["one","two"]}"#;
    let facts = target("/api/embed").read_request(embed).unwrap();
    assert_eq!((facts.prompt.as_str(), facts.stream), ("one\ntwo", false));
    let facts = target("/api/embeddings").read_request(br#"{"model":"m","prompt":"one"}"#).unwrap();
    assert_eq!((facts.prompt.as_str(), facts.stream), ("one", false));
    assert_eq!(target("/api/chat").read_request(b"{}"), Err(Unread::UnknownShape));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_is_held_from_the_line_that_is_done() {
    let cases = [
        ("ollama/stream.ndjson", Some(3)),
        ("ollama/stream_marker_in_text.ndjson", Some(1)),
        ("ollama/stream_error.ndjson", Some(1)),
        // It ends within its second line, and what stands in that nobody knows.
        ("ollama/stream_cut.ndjson", Some(1)),
    ];
    for (name, line) in cases {
        let body = fixture(name);
        let lengths = body.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::len);
        let at = line.map(|line| lengths.take(line).sum::<usize>());
        let settings = StreamSettings { framing: Framing::Lines, ..drive::plain(Api::Ollama) };
        assert_eq!(drive::run(settings, body, &[]).terminal, at, "{name}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn counts_are_gathered_into_one_object() {
    let usage = |name: &str| Api::Ollama.read_answer(200, fixture(name)).facts.usage;
    let whole = usage("ollama/whole.json");
    let raw = serde_json::json!({ "prompt_eval_count": 9, "eval_count": 3 });
    assert_eq!((whole.input_tokens, whole.output_tokens, whole.raw), (Some(9), Some(3), Some(raw)));
    let embed = usage("ollama/embed.json");
    assert_eq!((embed.input_tokens, embed.output_tokens), (Some(8), None));
    assert_eq!(usage("ollama/load.json").raw, None);
}
