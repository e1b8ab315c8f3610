//! Every API's requests and answers to facts, from fixtures that each show one oddity of the wire;
//! streams at every split point. The same suite runs natively and on wasm32-unknown-unknown.

// Clippy's exemption of tests does not reach helpers outside of test functions.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use governance_filter::facts::Unread;
use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{
    self, AnswerReading, Api, Framing, Refusal, RefusalKind, Rewrite, StreamSettings, Target,
    Traffic,
};
use wasm_bindgen_test::wasm_bindgen_test;

#[path = "providers/asides.rs"]
mod asides;
#[path = "providers/bedrock.rs"]
mod bedrock;
#[path = "providers/bounds.rs"]
mod bounds;
#[path = "support/brotli.rs"]
mod brotli;
#[cfg(not(target_family = "wasm"))]
#[path = "providers/cassettes.rs"]
mod cassettes;
#[path = "providers/choices.rs"]
mod choices;
#[path = "providers/cohere.rs"]
mod cohere;
#[path = "providers/cuts.rs"]
mod cuts;
#[path = "providers/drive.rs"]
mod drive;
#[path = "providers/expected.rs"]
mod expected;
#[path = "providers/fallbacks.rs"]
mod fallbacks;
#[path = "providers/google.rs"]
mod google;
#[path = "providers/input.rs"]
mod input;
#[path = "providers/last_message.rs"]
mod last_message;
#[path = "providers/ollama.rs"]
mod ollama;
#[path = "providers/openai.rs"]
mod openai;
#[path = "providers/shapes.rs"]
mod shapes;
#[cfg(not(target_family = "wasm"))]
#[path = "providers/stated.rs"]
mod stated;
#[path = "providers/text.rs"]
mod text;
#[path = "providers/tokens.rs"]
mod tokens;
#[path = "providers/watsonx.rs"]
mod watsonx;

const CHAT: &str = "/v1/chat/completions";
const MESSAGES: &str = "/v1/messages";

fn fixtures() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/fixtures.rs"))
}

fn fixture(name: &str) -> &'static [u8] {
    let found = fixtures().iter().find(|(known, _)| *known == name);
    found.unwrap_or_else(|| panic!("there is no fixture {name}")).1
}

/// What a POST of JSON to `path` is.
fn target(path: &str) -> Target {
    match llm::classify("POST", path, Some("application/json"), false) {
        Traffic::Inference(target) => target,
        other => panic!("{path} is {other:?}"),
    }
}

/// The framing of a fixture, by its ending; None for a whole answer.
fn framing_of(name: &str) -> Option<Framing> {
    match name.rsplit_once('.')?.1 {
        "sse" => Some(Framing::Sse),
        "ndjson" => Some(Framing::Lines),
        "array" => Some(Framing::JsonArray),
        "eventstream" => Some(Framing::EventStream),
        _ => None,
    }
}

/// Every streamed fixture: name, settings of its reader, bytes.
fn streams() -> impl Iterator<Item = (String, StreamSettings, &'static [u8])> {
    expected::FOLDERS.iter().flat_map(|folder| {
        let api = target(folder.path).api;
        folder.answers.iter().filter_map(move |(name, _)| {
            let settings = StreamSettings { framing: framing_of(name)?, ..drive::plain(api) };
            let name = format!("{}/{name}", folder.name);
            let body = fixture(&name);
            Some((name, settings, body))
        })
    })
}

/// A reading in one line, what is absent left out: model@fingerprint, finish reason, tokens in+out,
/// text, calls, then what else there is.
fn summary(reading: &AnswerReading) -> String {
    let facts = &reading.facts;
    let fingerprint = facts.system_fingerprint.as_ref().map(|known| format!("@{known}"));
    let model = facts.served_model.clone().map(|model| model + &fingerprint.unwrap_or_default());
    let tokens = facts.usage.input_tokens.zip(facts.usage.output_tokens);
    let calls = facts.tool_calls.iter().map(|call| format!("{}({})", call.name, call.arguments));
    let words = [
        model,
        facts.finish_reason.clone(),
        tokens.map(|(input, output)| format!("{input}+{output}")),
        Some(format!("{:?}", facts.output.as_str())),
        facts.refusal.then(|| "refusal".to_owned()),
        facts.error.then(|| "error".to_owned()),
        facts.logprob_confidence.map(|value| format!("logprobs {value:.4}")),
        facts.field_confidence.map(|value| format!("field {value}")),
        reading.unread.map(|unread| unread.as_str().to_owned()),
    ];
    words.into_iter().flatten().chain(calls).collect::<Vec<_>>().join(" ")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[wasm_bindgen_test(unsupported = test)]
fn every_answer_reads_as_expected() {
    for folder in expected::FOLDERS {
        let api = target(folder.path).api;
        for (name, expected) in folder.answers {
            let name = format!("{}/{name}", folder.name);
            let body = fixture(&name);
            let reading = match framing_of(&name) {
                Some(framing) => {
                    let settings = StreamSettings { framing, ..drive::plain(api) };
                    drive::run(settings, body, &[]).reading
                }
                None => api.read_answer(200, body),
            };
            assert_eq!(summary(&reading), *expected, "{name}");
        }
        let answers = fixtures().iter().filter(|(name, _)| {
            let ours = name.strip_prefix(folder.name).is_some_and(|rest| rest.starts_with('/'));
            ours && !name.contains("/request")
        });
        assert_eq!(folder.answers.len(), answers.count(), "{}: all are expected", folder.name);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_reads_alike_at_every_split_point() {
    for (name, settings, body) in streams() {
        let whole = drive::run(settings, body, &[]);
        assert_eq!(whole.passed, body, "{name}");
        for cut in 0..=body.len() {
            assert_eq!(drive::run(settings, body, &[cut]), whole, "{name} cut at {cut}");
        }
        let every: Vec<usize> = (0..body.len()).collect();
        assert_eq!(drive::run(settings, body, &every), whole, "{name} byte by byte");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_compressed_stream_reads_like_the_plain_one() {
    for (name, settings, body) in streams() {
        let plain = drive::run(settings, body, &[]);
        let settings = StreamSettings { coding: Coding::Gzip, ..settings };
        let wire = gzip(body);
        for cut in 0..=wire.len() {
            let run = drive::run(settings, &wire, &[cut]);
            assert_eq!(run.passed, wire, "{name} cut at {cut}");
            assert_eq!(run.reading, plain.reading, "{name} cut at {cut}");
            assert_eq!(run.terminal.is_some(), plain.terminal.is_some(), "{name} cut at {cut}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn logprobs_are_taken_out_of_streams_at_every_split_point() {
    let (api, body) = (Api::OpenAiChat, fixture("openai_chat/stream_logprobs_n2.sse"));
    let plain = drive::run(drive::plain(api), body, &[]);
    let settings = StreamSettings { strip_logprobs: true, ..drive::plain(api) };
    let whole = drive::run(settings, body, &[]);
    let text = String::from_utf8(whole.passed.clone()).unwrap();
    assert_eq!(text.matches(r#""logprobs":null"#).count(), 4, "{text}");
    assert!(!text.contains("top_logprobs"), "{text}");
    assert_eq!(text.matches("\r\n\r\n").count(), 1, "line ends stay: {text}");
    assert_eq!(whole.reading, plain.reading, "they are read before they go");
    for cut in 0..=body.len() {
        assert_eq!(drive::run(settings, body, &[cut]), whole, "cut at {cut}");
    }
    let wire = gzip(body);
    let settings = StreamSettings { coding: Coding::Gzip, ..settings };
    for cut in 0..=wire.len() {
        assert_eq!(drive::run(settings, &wire, &[cut]), whole, "compressed, cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn logprobs_are_taken_out_of_whole_answers() {
    let body = fixture("openai_chat/logprobs_n2.json");
    let stripped = Api::OpenAiChat.strip_logprobs(body).unwrap();
    let text = String::from_utf8(stripped).unwrap();
    assert_eq!(text.matches(r#""logprobs": null"#).count(), 2, "{text}");
    assert_eq!(Api::OpenAiChat.strip_logprobs(text.as_bytes()), None);
    assert_eq!(Api::OpenAiChat.strip_logprobs(b"{"), None);
}

#[wasm_bindgen_test(unsupported = test)]
fn an_answer_beside_an_error_is_read() {
    let openai = br#"{"error":{},"choices":[{"message":{"content":"Hi"}}]}"#;
    let anthropic = br#"{"type":"error","content":[{"type":"text","text":"Hi"}]}"#;
    let bodies: [(Api, &[u8]); 2] =
        [(Api::OpenAiChat, openai), (Api::AnthropicMessages, anthropic)];
    for (api, body) in bodies {
        for status in [200, 500] {
            assert_eq!(summary(&api.read_answer(status, body)), r#""Hi" error"#, "{api:?}");
        }
    }
    let event = br#"data: {"error":{},"choices":[{"delta":{"content":"Hi"}}]}"#;
    let run = drive::run(drive::plain(Api::OpenAiChat), event, &[]);
    assert_eq!(summary(&run.reading), r#""Hi" error"#);
    assert_eq!(run.terminal, Some(0));
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_stream_that_breaks_is_told() {
    let body = fixture("openai_chat/stream.sse");
    let wire = gzip(body);
    let settings = StreamSettings { coding: Coding::Gzip, ..drive::plain(Api::OpenAiChat) };
    let cut = drive::run(settings, &wire[..wire.len() / 2], &[]);
    assert_eq!(cut.reading.unread, Some(Unread::Encoding));
    let settings = StreamSettings { coding: Coding::Unknown, ..settings };
    let unknown = drive::run(settings, body, &[7]);
    assert!(unknown.passed == body);
    assert_eq!(unknown.terminal, Some(usize::MAX), "it may be anywhere");
    assert_eq!(unknown.reading.unread, Some(Unread::Encoding));
}

#[wasm_bindgen_test(unsupported = test)]
fn requests_read_as_expected() {
    let facts = target(CHAT).read_request(fixture("openai_chat/request.json")).unwrap();
    assert_eq!((facts.provider, facts.operation), ("openai", "chat"));
    assert_eq!(facts.requested_model.as_deref(), Some("gpt-4o"));
    assert_eq!(facts.model, facts.requested_model);
    assert!(facts.stream);
    assert_eq!(facts.metadata_category.as_deref(), Some("healthcare"));
    assert_eq!(facts.prompt.as_str(), "Be brief.\nWhat is on it?\nlook\n{\"at\":\"it\"}\na cat");

    let facts = target(MESSAGES).read_request(fixture("anthropic/request.json")).unwrap();
    assert_eq!((facts.provider, facts.stream), ("anthropic", false));
    assert_eq!(
        facts.prompt.as_str(),
        "Be brief.\nNotes\nplain notes\nWho is it?\nlook\nat\nit\n4111111111111111\na cat\na dog"
    );
}

#[wasm_bindgen_test(unsupported = test)]
fn err_requests_say_why_they_are_not_read() {
    let deep = format!(r#"{{"model":"m","messages":{}{}}}"#, "[".repeat(80), "]".repeat(80));
    let cases: [(&[u8], Unread); 12] = [
        (b"", Unread::NoBody),
        (b" \n", Unread::NoBody),
        (b"{", Unread::MalformedJson),
        (b"{\"model\":\"\xff\",\"messages\":[]}", Unread::MalformedJson),
        (br#"{"model":"m","messages":[]} x"#, Unread::MalformedJson),
        (b"[]", Unread::UnknownShape),
        (br#"{"messages":[]}"#, Unread::UnknownShape),
        (br#"{"model":"m"}"#, Unread::UnknownShape),
        (br#"{"model":"m","messages":[],"stream":"yes"}"#, Unread::UnknownShape),
        (br#"{"model":"m","messages":[],"mod\u0065l":"n"}"#, Unread::DuplicateKey),
        (br#"{"model":"m","messages":[{"content":"a","content":"b"}]}"#, Unread::DuplicateKey),
        (deep.as_bytes(), Unread::TooDeep),
    ];
    for (body, expected) in cases {
        for path in [CHAT, MESSAGES] {
            let shown = String::from_utf8_lossy(body);
            assert_eq!(target(path).read_request(body), Err(expected), "{path} {shown}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn rewrites_touch_nothing_else() {
    let (api, chat) = (Api::OpenAiChat, target(CHAT));
    let rewritten = |body: &str, rewrite: &Rewrite| {
        let rewritten = chat.rewrite(CHAT, body.as_bytes(), rewrite)?;
        assert_eq!(rewritten.path, None);
        Ok(rewritten.body.map(|body| String::from_utf8(body).unwrap()))
    };
    let cases = [
        (r#"{ "a" : 1, "model" : "x" }"#, r#"{"logprobs":true, "a" : 1, "model" : "y\"z" }"#),
        (r#"{"logprobs":null,"model":"x"}"#, r#"{"logprobs":true,"model":"y\"z"}"#),
        (r#"{"model":"x","logprobs": false}"#, r#"{"model":"y\"z","logprobs": true}"#),
    ];
    for (body, expected) in cases {
        assert!(api.could_ask_logprobs(body.as_bytes()), "{body}");
        assert!(!Api::AnthropicMessages.could_ask_logprobs(body.as_bytes()), "{body}");
        let rewrite = Rewrite { model: Some("y\"z"), ask_logprobs: true };
        assert_eq!(rewritten(body, &rewrite).unwrap().as_deref(), Some(expected));
        assert_eq!(rewritten(body, &Rewrite::default()), Ok(None));
    }
    for body in [r#"{"logprobs":true}"#, r#"{"top_logprobs":2}"#, "[]"] {
        assert!(!api.could_ask_logprobs(body.as_bytes()), "{body}");
    }
    let model = Rewrite { model: Some("y"), ask_logprobs: false };
    assert_eq!(rewritten("{}", &model), Err(Unread::UnknownShape));
    let twice = r#"{"model":"a","model":"b"}"#;
    assert_eq!(rewritten(twice, &model), Err(Unread::DuplicateKey));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_model_is_rewritten_wherever_it_is_named() {
    const BATCH: &str = "/v1beta/models/e:batchEmbedContents";
    const MISTRAL: &str = "/v1/publishers/mistralai/models/e:rawPredict";
    const AZURE: &str = "/openai/deployments/e/embeddings";
    let repeated = |name: &str| format!(r#"{{"requests":[{{"model":"{name}"}},{{"model":"e"}}]}}"#);
    let plain = |name: &str| format!(r#"{{"model" : "{name}","messages":[]}}"#);
    let other = r#"{"model":"gpt-4","input":"x"}"#;
    let cases = [
        (BATCH, repeated("models/e"), Ok(Some(repeated("models/n").replace("\"e\"", "\"n\"")))),
        (BATCH, repeated("models/other"), Err(Unread::UnknownShape)),
        (BATCH, repeated("models/not-e"), Err(Unread::UnknownShape)),
        (BATCH, r#"{"requests":[{"content":{}}]}"#.to_owned(), Ok(None)),
        (
            BATCH,
            r#"{"requests":[{"model":"e","model":"e"}]}"#.to_owned(),
            Err(Unread::DuplicateKey),
        ),
        (MISTRAL, plain("e"), Ok(Some(plain("n")))),
        (MISTRAL, plain("other"), Err(Unread::UnknownShape)),
        (AZURE, other.to_owned(), Ok(None)),
    ];
    for (path, body, expected) in cases {
        let rewrite = Rewrite { model: Some("n"), ask_logprobs: false };
        let rewritten = target(path).rewrite(path, body.as_bytes(), &rewrite);
        let is_there =
            |path: &Option<String>| path.as_ref().is_some_and(|path| path.contains("/n"));
        assert!(rewritten.as_ref().is_ok_and(|new| is_there(&new.path)) || expected.is_err());
        let body_of = |body: Vec<u8>| String::from_utf8(body).unwrap();
        assert_eq!(rewritten.map(|new| new.body.map(body_of)), expected, "{path} {body}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn refusals_speak_the_providers_language() {
    let refusal = Refusal {
        kind: RefusalKind::PolicyDenied,
        message: "denied by \"p\" (d-1)".to_owned(),
        decision_id: "d-1".to_owned(),
        policy: Some("p".to_owned()),
    };
    let openai = String::from_utf8(Api::OpenAiChat.refusal(&refusal)).unwrap();
    assert_eq!(
        openai,
        concat!(
            r#"{"error":{"message":"denied by \"p\" (d-1)","type":"permission_error","#,
            r#""param":null,"code":"governance_denied","decision_id":"d-1","policy":"p"}}"#,
        )
    );
    let held = Refusal { kind: RefusalKind::Held, ..refusal.clone() };
    let of_held = String::from_utf8(Api::OpenAiChat.refusal(&held)).unwrap();
    assert_eq!(of_held, openai.replace("governance_denied", "governance_held"));
    let anthropic = String::from_utf8(Api::AnthropicMessages.refusal(&refusal)).unwrap();
    assert_eq!(Api::AnthropicMessages.refusal(&held), anthropic.as_bytes());
    assert_eq!(
        anthropic,
        concat!(
            r#"{"type":"error","error":{"type":"permission_error","#,
            r#""message":"denied by \"p\" (d-1)","policy":"p"},"request_id":"d-1"}"#,
        )
    );
    for api in [Api::OpenAiChat, Api::AnthropicMessages] {
        let event = api.refusal_event(Framing::Sse, &refusal).unwrap();
        let run = drive::run(drive::plain(api), &event, &[]);
        assert!(run.reading.facts.error, "our own event ends a stream as an error");
        assert_eq!(run.terminal, Some(0));
        assert!(api.read_answer(200, &api.refusal(&refusal)).facts.error);
    }
}
