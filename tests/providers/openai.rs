//! Requests of OpenAI's APIs and of what shares their protocol, and what no fixture of an answer
//! shows: tokens in place of text, spoken answers, usage without output, bounds of what is restated.

use governance_filter::facts::{RequestFacts, Unread};
use governance_filter::llm::{AnswerReading, Api};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, summary, target};

const COMPLETIONS: &str = "/v1/completions";
const RESPONSES: &str = "/v1/responses";
const EMBEDDINGS: &str = "/v1/embeddings";

fn read(path: &str, name: &str) -> RequestFacts {
    target(path).read_request(fixture(name)).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn responses_requests_give_all_their_text() {
    let facts = read(RESPONSES, "openai_responses/request.json");
    assert_eq!((facts.requested_model.as_deref(), facts.stream), (Some("gpt-5"), false));
    assert_eq!((facts.deferred, facts.media_parts), (true, 6));
    assert_eq!(facts.metadata_category.as_deref(), Some("healthcare"));
    let text = [
        "Be brief.",
        "look",
        "Looks.",
        "What is on it?",
        "And here?",
        "a.pdf",
        "a thought",
        "a cat",
        "no",
        "look",
        r#"{"at":"it"}"#,
        "a dog",
        "a bird",
        "run",
        "print(1)",
        "1",
        "cat",
        "notes",
        "out",
        "err",
        "a",
        "+a line",
        "1+1",
        "2",
        "far",
        r#"{"to":"x"}"#,
        "y",
    ];
    assert_eq!(facts.prompt.as_str(), text.join("\n"));

    let facts = read(RESPONSES, "openai_responses/request_prompt.json");
    assert_eq!((facts.requested_model, facts.stream, facts.deferred), (None, true, false));
    assert_eq!((facts.prompt.as_str(), facts.media_parts), ("a name\na text\npicture\npaper", 2));

    let back = br#"{"model":"m","messages":[{"content":"a","reasoning":"b"}]}"#;
    assert_eq!(target(super::CHAT).read_request(back).unwrap().prompt.as_str(), "a\nb");

    let plain = br#"{"model":"m","input":"Hi","background":null,"stream":null}"#;
    let facts = target(RESPONSES).read_request(plain).unwrap();
    assert_eq!((facts.prompt.as_str(), facts.deferred, facts.stream), ("Hi", false, false));
}

#[wasm_bindgen_test(unsupported = test)]
fn other_requests_give_all_their_text() {
    let cases = [
        (COMPLETIONS, "openai_completions/request.json", "def f():\ndef g():\nreturn 1", 0, true),
        (
            "/v1/fim/completions",
            "openai_completions/request.json",
            "def f():\ndef g():\nreturn 1",
            0,
            true,
        ),
        (EMBEDDINGS, "embeddings/request.json", "one\ntwo", 0, false),
        ("/v1/images/edits", "openai_media/request_edit.json", "turn it green", 2, false),
        ("/v1/moderations", "openai_media/request_moderation.json", "is it bad?", 1, false),
        (
            "/v1/audio/speech",
            "openai_media/request_speech.json",
            "Good morning.\nWhisper.",
            0,
            false,
        ),
        ("/v1/complete", "anthropic_complete/request.json", "\n\nHuman: Hi\n\nAssistant:", 0, true),
    ];
    for (path, name, text, media, stream) in cases {
        let facts = read(path, name);
        assert_eq!(facts.prompt.as_str(), text, "{path}");
        assert_eq!((facts.media_parts, facts.stream), (media, stream), "{path}");
        assert!(!facts.prompt.truncated() && !facts.deferred, "{path}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn tokens_in_place_of_text_are_input_that_was_not_read() {
    let cases = [
        (r#""a""#, false),
        (r#"["a","b"]"#, false),
        ("[]", false),
        ("[1,2]", true),
        ("[[1],[2]]", true),
        (r#"["a",[1]]"#, true),
        ("[1.0]", true),
    ];
    for (input, cut) in cases {
        for (path, key) in [(COMPLETIONS, "prompt"), (EMBEDDINGS, "input")] {
            let body = format!(r#"{{"model":"m","{key}":{input}}}"#);
            let facts = target(path).read_request(body.as_bytes()).unwrap();
            assert_eq!(facts.prompt.truncated(), cut, "{path} {input}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn usage_of_embeddings_has_input_alone() {
    let usage = |name: &str| Api::Embeddings.read_answer(200, fixture(name)).facts.usage;
    let whole = usage("embeddings/whole.json");
    assert_eq!((whole.input_tokens, whole.output_tokens), (Some(4), None));
    let total_only = usage("embeddings/total_only.json");
    assert_eq!((total_only.input_tokens, total_only.output_tokens), (None, None));
    assert_eq!(total_only.raw.unwrap().to_string(), r#"{"total_tokens":4}"#);
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_spoken_stays_unknown() {
    let incomplete = |reading: &AnswerReading| (reading.unread, reading.facts.incomplete);
    let spoken = (Some(Unread::UnknownContent), true);
    for name in ["openai_media/speech.mp3", "openai_media/speech.json"] {
        assert_eq!(incomplete(&Api::OpenAiMedia.read_answer(200, fixture(name))), spoken, "{name}");
    }
    let stream = fixture("openai_media/stream_speech.sse");
    let run = drive::run(drive::plain(Api::OpenAiMedia), stream, &[]);
    assert_eq!(incomplete(&run.reading), spoken);
    let images = Api::OpenAiMedia.read_answer(200, fixture("openai_media/images.json"));
    assert_eq!(incomplete(&images), (None, false));
    let refused = Api::OpenAiMedia.read_answer(502, b"<html>");
    assert_eq!((incomplete(&refused), refused.facts.error), ((None, false), true));
    let nothing = Api::OpenAiMedia.read_answer(200, b"");
    assert_eq!(nothing.unread, Some(Unread::NoBody));
}

#[wasm_bindgen_test(unsupported = test)]
fn terminal_events_are_told_where_they_start() {
    let cases = [
        (Api::OpenAiCompletions, "openai_completions/stream.sse", "data: [DONE]"),
        (Api::OpenAiResponses, "openai_responses/stream.sse", "event: response.completed"),
        (Api::OpenAiResponses, "openai_responses/stream_failed.sse", "event: response.failed"),
        (Api::OpenAiResponses, "openai_responses/stream_incomplete.sse", "event: response.inc"),
        (Api::OpenAiResponses, "openai_responses/stream_error.sse", "event: error"),
        (Api::OpenAiMedia, "openai_media/stream_image.sse", "event: image_generation.completed"),
        (Api::OpenAiMedia, "openai_media/stream_image_edit_n2.sse", "event: image_edit.completed"),
        (Api::OpenAiMedia, "openai_media/stream_speech.sse", "event: speech.audio.done"),
        (Api::AnthropicComplete, "anthropic_complete/stream_error.sse", "event: error"),
    ];
    for (api, name, start) in cases {
        let body = fixture(name);
        let run = drive::run(drive::plain(api), body, &[]);
        let expected = std::str::from_utf8(body).unwrap().find(start);
        assert!(expected.is_some(), "{name}");
        assert_eq!(run.terminal, expected, "{name}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_response_that_is_stated_twice_is_kept_once_up_to_the_limit() {
    let piece = "x".repeat(400_000);
    let delta = |index: usize| {
        let kind = "response.output_text.delta";
        format!(r#"{{"type":"{kind}","output_index":{index},"delta":"{piece}"}}"#)
    };
    let message = format!(r#"{{"type":"message","content":[{{"text":"{piece}"}}]}}"#);
    let done = |index: usize| {
        let kind = "response.output_item.done";
        format!(r#"{{"type":"{kind}","output_index":{index},"item":{message}}}"#)
    };
    let whole = |items: &[&str]| {
        let output = items.join(",");
        format!(r#"{{"type":"response.completed","response":{{"output":[{output}]}}}}"#)
    };
    let run = |events: &[String]| {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        drive::run(drive::plain(Api::OpenAiResponses), body.as_bytes(), &[]).reading
    };
    let once = run(&[delta(0), done(0), delta(1), done(1), whole(&[&message, &message])]);
    assert_eq!(once.facts.output.as_str().len(), 800_000);
    assert_eq!((once.unread, once.facts.incomplete), (None, false));

    let many: Vec<String> = (0..4).flat_map(|index| [delta(index), done(index)]).collect();
    let many = run(&many);
    assert_eq!(many.facts.output.as_str().len(), 1 << 20);
    assert_eq!((many.unread, many.facts.incomplete), (Some(Unread::Truncated), true));

    let call = |index: usize| {
        let item = format!(r#"{{"type":"function_call","call_id":"c{index}","name":"f"}}"#);
        format!(r#"{{"type":"response.output_item.done","output_index":{index},"item":{item}}}"#)
    };
    let calls = run(&(0..200).map(call).collect::<Vec<_>>());
    assert_eq!(calls.facts.tool_calls.len(), 200);
    assert_eq!(calls.unread, Some(Unread::NoTerminator));
    let calls = run(&(0..300).chain(0..300).map(call).collect::<Vec<_>>());
    assert_eq!(calls.facts.tool_calls.len(), 256);
    assert_eq!(calls.unread, Some(Unread::Truncated));
}

#[wasm_bindgen_test(unsupported = test)]
fn an_empty_model_gives_way_to_a_name() {
    let named = r#"{"model":"","choices":[]}"#;
    assert_eq!(summary(&Api::OpenAiChat.read_answer(200, named.as_bytes())), r#" """#);
    let body = format!("data: {named}\n\ndata: {{\"model\":\"m\"}}\n\ndata: [DONE]\n\n");
    let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]);
    assert_eq!(summary(&run.reading), r#"m """#);
}
