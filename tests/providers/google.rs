//! Google's requests, where its streams are held, and what of its answers a line does not show.

use governance_filter::facts::{RequestFacts, Unread};
use governance_filter::llm::{Api, Framing, Refusal, RefusalKind, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture, summary, target};

const GENERATE: &str = "/v1beta/models/gemini-2.5-flash:generateContent";
const STREAM: &str = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
const BATCH_EMBED: &str = "/v1beta/models/gemini-embedding-001:batchEmbedContents";
const PREDICT: &str = "/v1/projects/p/locations/l/publishers/google/models/m:predict";
const INTERACTIONS: &str = "/v1beta/interactions";

fn request(path: &str, name: &str) -> RequestFacts {
    target(path).read_request(fixture(name)).unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn requests_read_as_expected() {
    let facts = request(GENERATE, "gemini/request.json");
    assert_eq!(facts.requested_model.as_deref(), Some("gemini-2.5-flash"));
    assert!(!facts.stream);
    assert_eq!(facts.media_parts, 3);
    assert_eq!(
        facts.prompt.as_str(),
        "Be brief.\nWho is it?\nhm\nlook\nat\nit\n4111111111111111\n1 + 1\nlook\na cat\nhits\na dog\nlook"
    );
    let facts = request(STREAM, "gemini/request_snake.json");
    assert!(facts.stream);
    assert_eq!(facts.media_parts, 2);
    assert_eq!(facts.prompt.as_str(), "Be brief.\nlook\n$.at\nit\nlook\na cat\n2");
}

#[wasm_bindgen_test(unsupported = test)]
fn embedding_requests_read_as_expected() {
    let facts = request(BATCH_EMBED, "gemini_embeddings/request_batch.json");
    assert_eq!((facts.provider, facts.operation), ("gcp.gemini", "embeddings"));
    assert_eq!((facts.prompt.as_str(), facts.media_parts), ("one\ntwo", 1));
    let facts = request(PREDICT, "gemini_embeddings/request_predict.json");
    assert_eq!(facts.prompt.as_str(), "a title\none\ntwo\nthree");
    assert_eq!(facts.media_parts, 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn interactions_requests_read_as_expected() {
    let facts = request(INTERACTIONS, "gemini_interactions/request.json");
    assert_eq!(facts.requested_model.as_deref(), Some("gemini-2.5-flash"));
    assert!(facts.stream);
    assert_eq!(facts.media_parts, 3, "short base64 beside its `type` is no text");
    assert_eq!(facts.prompt.as_str(), "Be brief.\nWho is it?\nlook\nat\nit\nseen\na cat");
}

#[wasm_bindgen_test(unsupported = test)]
fn words_are_text_whatever_they_are_called() {
    let input = |part: &str| {
        let body = format!(r#"{{"model":"m","input":[{part}]}}"#);
        target(INTERACTIONS).read_request(body.as_bytes())
    };
    let cases = [
        (r#"{"data":"iVBORw0K\/w==","type":"image"}"#, ("", 1)),
        (r#"{"data":"a card, 4111","type":"image"}"#, ("a card, 4111", 0)),
        (r#"{"data":"iVBORw0K","type":"text"}"#, ("iVBORw0K", 0)),
        (r#"{"data":{"a":"b"},"type":"document"}"#, ("a\nb", 0)),
        (r#"{"type":"image"}"#, ("", 0)),
    ];
    for (part, expected) in cases {
        let facts = input(part).unwrap();
        assert_eq!((facts.prompt.as_str(), facts.media_parts), expected, "{part}");
    }
    let twice = r#"{"type":"text","data":"aGk=","type":"image"}"#;
    assert_eq!(input(twice), Err(Unread::DuplicateKey));
}

/// Where the terminal event of a fixture starts.
fn terminal(api: Api, framing: Framing, name: &str) -> Option<usize> {
    let settings = StreamSettings { framing, ..drive::plain(api) };
    drive::run(settings, fixture(name), &[]).terminal
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_is_held_from_its_first_finish() {
    let (sse, array) = (Framing::Sse, Framing::JsonArray);
    let cases = [
        ("gemini/stream.sse", sse, Some(1)),
        ("gemini/stream_usage_last.sse", sse, Some(1)),
        ("gemini/stream_unspecified.sse", sse, Some(1)),
        ("gemini/stream_blocked_prompt.sse", sse, Some(0)),
        ("gemini/stream_error.sse", sse, Some(1)),
        ("gemini/stream_cut.sse", sse, None),
        ("gemini/stream.array", array, Some(1)),
        ("gemini/stream_candidates.array", array, Some(1)),
        ("gemini/stream_error.array", array, Some(1)),
        ("gemini/stream_error_alone.array", array, Some(0)),
    ];
    for (name, framing, event) in cases {
        let text = std::str::from_utf8(fixture(name)).unwrap();
        let (between, length) = if framing == sse { ("\r\n\r\n", 4) } else { ("\n,\r\n", 0) };
        let starts = text.match_indices(between).map(|(at, _)| at + length);
        let at = event.map(|event| [0].into_iter().chain(starts).nth(event).unwrap());
        assert_eq!(terminal(Api::Gemini, framing, name), at, "{name}");
    }
    let name = "gemini_interactions/stream.sse";
    let text = std::str::from_utf8(fixture(name)).unwrap();
    let at = text.find("event: interaction.completed");
    assert_eq!(terminal(Api::GeminiInteractions, Framing::Sse, name), at, "{name}");
}

#[wasm_bindgen_test(unsupported = test)]
fn arguments_that_come_by_their_places_are_bounded() {
    let event = |call: &str| {
        let part = format!(r#"{{"functionCall":{{{call},"willContinue":true}}}}"#);
        format!("data: {{\"candidates\":[{{\"content\":{{\"parts\":[{part}]}}}}]}}\n\n")
    };
    let pieces = |from: usize| {
        let piece = |at: usize| format!(r#"{{"jsonPath":"$.a[{at}]","boolValue":true}}"#);
        let pieces: Vec<String> = (from..from + 1000).map(piece).collect();
        event(&format!(r#""partialArgs":[{}]"#, pieces.join(",")))
    };
    let body = event(r#""name":"f""#) + &(0..20).map(|n| pieces(n * 1000)).collect::<String>();
    let facts = drive::run(drive::plain(Api::Gemini), body.as_bytes(), &[]).reading;
    assert_eq!(facts.unread, Some(Unread::Truncated));
    let arguments = &facts.facts.tool_calls[0].arguments;
    assert!((16_000..17_000).contains(&arguments.matches("true").count()), "64 bytes a place");

    let long =
        format!(r#""partialArgs":[{{"jsonPath":"$.a","stringValue":"{}"}}]"#, "é".repeat(250_000));
    let body = event(r#""name":"f""#) + &event(&long).repeat(3);
    let facts = drive::run(drive::plain(Api::Gemini), body.as_bytes(), &[]).reading;
    assert_eq!(facts.unread, Some(Unread::Truncated));
    assert!(facts.facts.tool_calls[0].arguments.len() <= 1 << 20);
}

#[wasm_bindgen_test(unsupported = test)]
fn usage_behind_the_finish_counts() {
    let settings = drive::plain(Api::Gemini);
    let run = drive::run(settings, fixture("gemini/stream_blocked_prompt.sse"), &[]);
    assert_eq!(run.reading.facts.usage.input_tokens, Some(9));
    let whole = Api::Gemini.read_answer(200, fixture("gemini/whole.json")).facts.usage;
    let raw = whole.raw.unwrap();
    assert_eq!((whole.output_tokens, &raw["thoughtsTokenCount"]), (Some(3), &5.into()));
}

#[wasm_bindgen_test(unsupported = test)]
fn embeddings_count_the_tokens_that_are_stated() {
    let cases = [
        ("batch.json", Some(4)),
        ("one.json", None),
        ("predict.json", Some(13)),
        ("predict_image.json", None),
    ];
    for (name, expected) in cases {
        let body = fixture(&format!("gemini_embeddings/{name}"));
        let usage = Api::GeminiEmbeddings.read_answer(200, body).facts.usage;
        assert_eq!(usage.input_tokens, expected, "{name}");
    }
    let partly =
        br#"{"predictions":[{"embeddings":{"statistics":{"token_count":1}}},{"embeddings":{}}]}"#;
    let usage = Api::GeminiEmbeddings.read_answer(200, partly).facts.usage;
    assert_eq!(usage.input_tokens, None, "a part of the sum is not the sum");
}

#[wasm_bindgen_test(unsupported = test)]
fn every_finish_reason_is_a_refusal_or_not() {
    let cases = [
        (r#""STOP""#, "STOP \"\""),
        (r#""RECITATION""#, "RECITATION \"\" refusal"),
        (r#""MALFORMED_FUNCTION_CALL""#, "MALFORMED_FUNCTION_CALL \"\""),
        (r#""OTHER""#, "OTHER \"\""),
        (r#""A_WORD_TO_COME""#, "A_WORD_TO_COME \"\""),
        ("1", "\"\""),
        ("4", "\"\" refusal"),
        ("5", "\"\""),
    ];
    for (reason, expected) in cases {
        let body = format!(r#"{{"candidates":[{{"finishReason":{reason}}}]}}"#);
        assert_eq!(summary(&Api::Gemini.read_answer(200, body.as_bytes())), expected, "{reason}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_our_own_events_read_as_errors() {
    let refusal = Refusal {
        kind: RefusalKind::PolicyDenied,
        message: "denied".to_owned(),
        decision_id: "d-1".to_owned(),
        policy: None,
    };
    let cases = [
        (Api::Gemini, Framing::Sse),
        (Api::GeminiInteractions, Framing::Sse),
        (Api::Ollama, Framing::Lines),
        (Api::Watsonx, Framing::Sse),
    ];
    for (api, framing) in cases {
        let event = api.refusal_event(framing, &refusal).unwrap();
        let run = drive::run(StreamSettings { framing, ..drive::plain(api) }, &event, &[]);
        assert_eq!(
            (summary(&run.reading).as_str(), run.terminal),
            ("\"\" error", Some(0)),
            "{api:?}"
        );
        assert!(api.read_answer(200, &api.refusal(&refusal)).facts.error, "{api:?}");
    }
    assert_eq!(Api::Gemini.refusal_event(Framing::JsonArray, &refusal), None);
    let embeddings = Api::GeminiEmbeddings;
    assert!(embeddings.read_answer(200, &embeddings.refusal(&refusal)).facts.error);
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_refused_stream_in_an_array_is_an_error_whatever_its_status() {
    let body = br#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#;
    assert_eq!(summary(&Api::Gemini.read_answer(400, body)), "\"\" error");
    assert_eq!(target(STREAM).framing("application/json; charset=UTF-8"), Some(Framing::JsonArray));
    assert_eq!(target(GENERATE).framing("application/json; charset=UTF-8"), None);
    let settings = StreamSettings { framing: Framing::JsonArray, ..drive::plain(Api::Gemini) };
    let run = drive::run(settings, body, &[]);
    assert_eq!((summary(&run.reading).as_str(), run.terminal), ("\"\" error", Some(0)));
}
