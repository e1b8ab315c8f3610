//! Events that cannot be read, because they are too long or broken: any of them may be the terminal
//! one, so none leaves before the outcome is committed.

use super::*;
use flate2::Crc;

const DENY: &str = "policies:\n- {name: d, trigger: \"output.contains('S')\", action: deny}\n\
    models: {floating: allow}\n";
const PAD_BYTES: usize = 1_500_000;

/// A stream of each framing, whose terminal event is long.
struct Stream {
    path: &'static str,
    content_type: &'static str,
    /// An event that is read before it.
    first: Vec<u8>,
    terminal: Vec<u8>,
    /// The framing has a place for an error.
    tells_errors: bool,
}

fn streams() -> Vec<Stream> {
    let pad = "A".repeat(PAD_BYTES);
    let usage = r#""usage":{"input_tokens":3,"output_tokens":4}"#;
    let result = format!(r#"{{"type":"image_generation_call","result":"{pad}"}}"#);
    let response = format!(r#"{{"status":"completed","model":"m","output":[{result}],{usage}}}"#);
    let responses = format!(r#"{{"type":"response.completed","response":{response}}}"#);
    let image = format!(r#"{{"type":"image_generation.completed","b64_json":"{pad}",{usage}}}"#);
    let gemini = |data: &str, more: &str| {
        let part = format!(r#"{{"inlineData":{{"mimeType":"image/png","data":"{data}"}}}}"#);
        format!(r#"{{"candidates":[{{"content":{{"parts":[{part}]}}{more}}}]}}"#)
    };
    let counts = r#""usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}"#;
    let stop = gemini(&pad, r#","finishReason":"STOP""#).replacen('{', &format!("{{{counts},"), 1);
    let event = |name: &str, data: &str| format!("event: {name}\ndata: {data}\n\n").into_bytes();
    let converse =
        format!(r#"{{"stopReason":"end_turn","additionalModelResponseFields":"{pad}"}}"#);
    let lines = format!(
        r#"{{"model":"m","done":true,"prompt_eval_count":3,"eval_count":4,"context":"{pad}"}}"#
    );
    let sse = |path, first: Vec<u8>, terminal| Stream {
        path,
        content_type: SSE,
        first,
        terminal,
        tells_errors: true,
    };
    vec![
        sse("/v1/responses", event("a", r#"{"type":"response.created"}"#), event("b", &responses)),
        sse("/v1/images/generations", event("a", r#"{"type":"x"}"#), event("b", &image)),
        sse(
            "/v1beta/models/m:streamGenerateContent?alt=sse",
            format!("data: {}\r\n\r\n", gemini("", "")).into_bytes(),
            format!("data: {stop}\r\n\r\n").into_bytes(),
        ),
        Stream {
            path: "/v1beta/models/m:streamGenerateContent",
            content_type: JSON,
            first: format!("[{}", gemini("", "")).into_bytes(),
            terminal: format!("\n,{stop}").into_bytes(),
            tells_errors: false,
        },
        Stream {
            path: "/api/chat",
            content_type: "application/x-ndjson",
            first: b"{\"model\":\"m\",\"done\":false}\n".to_vec(),
            terminal: format!("{lines}\n").into_bytes(),
            tells_errors: true,
        },
        Stream {
            path: "/model/m/converse-stream",
            content_type: "application/vnd.amazon.eventstream",
            first: message("messageStart", r#"{"role":"assistant"}"#),
            terminal: message("messageStop", &converse),
            tells_errors: true,
        },
    ]
}

/// A message of Amazon's event stream.
fn message(event: &str, payload: &str) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in [(":event-type", event), (":message-type", "event")] {
        headers.push(name.len() as u8);
        headers.extend_from_slice(name.as_bytes());
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let checked = |bytes: &mut Vec<u8>| {
        let mut crc = Crc::new();
        crc.update(bytes);
        bytes.extend_from_slice(&crc.sum().to_be_bytes());
    };
    let mut message = ((16 + headers.len() + payload.len()) as u32).to_be_bytes().to_vec();
    message.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    checked(&mut message);
    message.extend_from_slice(&headers);
    message.extend_from_slice(payload.as_bytes());
    checked(&mut message);
    message
}

fn ask_for(path: &str) -> String {
    let text = json!([{"text": "hi"}]);
    let content = if path.starts_with("/model/") { text.clone() } else { json!("hi") };
    json!({"model": "m", "stream": true, "input": "x", "prompt": "x",
        "contents": [{"parts": text}], "messages": [{"role": "user", "content": content}]})
    .to_string()
}

/// The model after all of the stream but its end, `terminal` in pieces of so many bytes.
fn run(stream: &Stream, budget: usize, piece: usize) -> Model {
    let mut model = Model::with_budget(DENY, budget);
    model.post(stream.path, &ask_for(stream.path)).ack(Kind::Intent);
    model.answer_headers(200, &[("content-type", stream.content_type)], End::Open);
    model.answer_body(&stream.first, End::Open);
    for chunk in stream.terminal.chunks(piece) {
        model.answer_body(chunk, End::Open);
        let got = model.client_got().expect("headers");
        let first = String::from_utf8_lossy(&stream.first);
        assert!(got == first, "{}: {} bytes before the ack", stream.path, got.len());
    }
    model
}

#[wasm_bindgen_test(unsupported = test)]
fn a_long_terminal_event_is_read_and_held_like_any_other() {
    for stream in streams() {
        for piece in [usize::MAX, 16 << 10] {
            let mut model = run(&stream, 64 << 20, piece);
            model.answer_body(b"", End::OfStream);
            let outcome = model.outcome();
            assert_eq!(outcome["unread"], Value::Null, "{}", stream.path);
            assert_eq!(outcome["outcome"], "completed", "{}", stream.path);
            if !stream.path.starts_with("/model/") {
                let tokens = (&outcome["input_tokens"], &outcome["output_tokens"]);
                assert_eq!(tokens, (&json!(3), &json!(4)), "{}", stream.path);
            }
            model.ack(Kind::Outcome);
            let all = [stream.first.as_slice(), &stream.terminal].concat();
            let got = model.client_got().expect("headers");
            assert!(got == String::from_utf8_lossy(&all), "{}", stream.path);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_terminal_event_longer_than_what_may_be_kept_never_leaves_unjudged() {
    for stream in streams() {
        for piece in [usize::MAX, 16 << 10] {
            let mut model = run(&stream, 1 << 20, piece);
            assert!(model.lines.iter().all(|line| line.kind != Kind::Outcome), "{}", stream.path);
            model.answer_body(b"", End::OfStream);
            let outcome = model.outcome();
            assert_eq!(outcome["unread"], "truncated", "{}", stream.path);
            assert_eq!(outcome["outcome"], "denied", "{}", stream.path);
            assert_eq!(outcome["triggered"][0]["result"], "failed", "{}", stream.path);
            model.ack(Kind::Outcome);
            assert_eq!(model.reset, !stream.tells_errors, "{}", stream.path);
            let got = model.client_got().expect("headers");
            assert!(got.len() < stream.first.len() + 2000, "{}: {}", stream.path, got.len());
            assert_eq!(got.contains("could not be evaluated"), stream.tells_errors);
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_with_a_broken_event_is_held_from_it_to_its_terminal_event() {
    let broken = "data: {\"choices\":[\n\n";
    let stream = chat_stream().replacen("data: [DONE]", &format!("{broken}data: [DONE]"), 1);
    let from = stream.find(broken).expect("it is there");
    for cut in 0..=stream.len() {
        let mut model = Model::new("policies: []\n");
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let (first, second) = stream.as_bytes().split_at(cut);
        model.answer_body(first, End::Open).answer_body(second, End::Open);
        assert!(model.client_got().expect("headers").len() <= from, "cut at {cut}");
        assert_eq!(model.outcome()["unread"], "malformed_json", "cut at {cut}");
        model.ack(Kind::Outcome).answer_body(b"", End::OfStream);
        assert_eq!(model.client_got().as_deref(), Some(stream.as_str()), "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_compressed_stream_that_breaks_is_held_from_there_to_its_end() {
    let mut wire = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut wire, chat_stream().as_bytes()).expect("writing to memory");
    let mut wire = wire.finish().expect("writing to memory");
    // Stored, not compressed: behind the gzip header of ten bytes stand a block's lengths.
    wire.splice(15.., [b"data: {}\n\n".as_slice(), &[0xff; 64]].concat());
    wire[11..15].copy_from_slice(&[10, 0, 0xf5, 0xff]);
    wire[10] = 0;
    let mut model = Model::new(DENY);
    model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
    let headers = [("content-type", SSE), ("content-encoding", "gzip")];
    model.answer_headers(200, &headers, End::Open).answer_body(&wire[..25], End::Open);
    let passed = model.client_got().expect("headers");
    model.answer_body(&wire[25..40], End::Open).answer_body(&wire[40..], End::Open);
    assert_eq!(model.client_got(), Some(passed), "nothing leaves from the break on");
    model.answer_body(b"", End::OfStream).ack(Kind::Outcome);
    assert_eq!(model.outcome()["unread"], "encoding");
    assert_eq!(model.outcome()["outcome"], "denied");
    assert!(model.reset, "nothing can be written into it");
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_stream_whose_window_is_larger_than_what_may_be_kept_is_held_from_there() {
    let plain = "data: {\"choices\":[]}\n\n".repeat(40_000) + &chat_stream();
    let wire = brotli::stored(plain.as_bytes());
    for (budget, unread) in [(128 << 10, json!("truncated")), (4 << 20, Value::Null)] {
        let mut model = Model::with_budget(DENY, budget);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        let headers = [("content-type", SSE), ("content-encoding", "br")];
        model.answer_headers(200, &headers, End::Open);
        let (mut passed, mut pieces) = (0, wire.chunks(16 << 10).peekable());
        while let Some(piece) = pieces.next() {
            passed = model.client_got().expect("headers").len();
            let end = if pieces.peek().is_some() { End::Open } else { End::OfStream };
            model.answer_body(piece, end);
        }
        let whole = unread == Value::Null;
        assert_eq!(passed < wire.len() / 2, !whole, "{passed} bytes of {budget}");
        assert_eq!(model.outcome()["unread"], unread);
        assert_eq!(model.outcome()["outcome"], if whole { "completed" } else { "denied" });
        model.ack(Kind::Outcome);
        assert_eq!(model.reset, !whole, "nothing can be written into it");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_is_read_as_far_as_there_is_room_and_held_from_there() {
    let piece = "x".repeat(1000);
    let event = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{piece}\"}}}}]}}\n\n");
    for (budget, unread) in [(64 << 10, json!("truncated")), (1 << 20, Value::Null)] {
        let mut model = Model::with_budget(DENY, budget);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        for _ in 0..300 {
            model.answer_body(event.as_bytes(), End::Open);
        }
        let passed = model.client_got().expect("headers").len();
        let whole = unread == Value::Null;
        assert_eq!(passed == 300 * event.len(), whole, "{passed} bytes of {budget}");
        assert!(passed > 128 * event.len(), "what every stream may keep");
        model.answer_body(b"data: [DONE]\n\n", End::OfStream);
        assert_eq!(model.outcome()["unread"], unread);
        assert_eq!(model.outcome()["outcome"], if whole { "completed" } else { "denied" });
    }
}
