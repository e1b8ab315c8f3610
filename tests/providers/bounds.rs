//! What is too long or broken: it goes by unread, nothing else goes with it, and the reading says
//! that something may be missing.

use governance_filter::facts::Unread;
use governance_filter::llm::{AnswerReading, Api};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{drive, fixture};

#[wasm_bindgen_test(unsupported = test)]
fn an_event_that_is_too_long_takes_nothing_else_with_it() {
    let max = 1 << 20;
    let text = r#"data: {"choices":[{"delta":{"content":"Hi"}}]}"#;
    for (length, end, read) in [
        (max, "\n\n", true),
        (max + 1, "\n\n", false),
        (max, "\r\n\r\n", true),
        (max + 1, "\r\n\r\n", false),
        (3 * max, "\r\r", false),
    ] {
        // A LF behind the CR of a blank line does not count: it may come a chunk later.
        let rest = length - end.len().min(3) - r#"data: {"pad":""}"#.len();
        let long = format!(r#"data: {{"pad":"{}"}}{end}"#, "x".repeat(rest));
        let body = format!("{text}{end}{long}{text}{end}data: [DONE]{end}");
        let whole = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]);
        assert!(whole.passed == body.as_bytes(), "{length} {end:?}");
        let unread = (!read).then_some(Unread::Truncated);
        assert_eq!(whole.reading.facts.output.as_str(), "HiHi", "{length} {end:?}");
        assert_eq!(whole.reading.unread, unread, "{length} {end:?}");
        assert_eq!(whole.reading.facts.incomplete, !read, "{length} {end:?}");
        assert_eq!(whole.terminal, body.find("data: [DONE]"), "{length} {end:?}");
        let (from, to) = (text.len() + end.len(), text.len() + end.len() + long.len());
        let cuts = [from, from + 1, from + max - 1, from + max, from + max + 1];
        for cut in cuts.into_iter().chain(to - 4..to + 2) {
            let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[cut]);
            assert!(run == whole, "{length} {end:?} cut at {cut}");
        }
        let every: Vec<usize> = (0..body.len()).step_by(100_000).collect();
        let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &every);
        assert!(run == whole, "{length} {end:?} in small pieces");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_an_event_without_end_is_passed_on_and_told() {
    let body = format!("data: {}", "x".repeat(3 << 19));
    for cuts in [vec![], vec![1 << 20], vec![10, 1 << 19, (1 << 20) + 1]] {
        let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &cuts);
        assert_eq!(run.passed, body.as_bytes());
        assert_eq!((run.terminal, run.reading.unread), (None, Some(Unread::Truncated)));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_may_be_missing_is_told_beside_the_facts() {
    let stream = |body: &str| drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]);
    let text = r#"data: {"choices":[{"delta":{"content":"Hi"}}]}"#;
    let cases = [
        (format!("{text}\n\ndata: [DONE]\n\n"), false),
        (format!("{text}\n\n"), false),
        (format!("{text}\n\ndata: {{\n\ndata: [DONE]\n\n"), true),
        (format!("data:\n\ndata: {{\n\n{text}\n\n"), true),
        (format!("{text}\n\ndata: \"\n\ndata: {{\"error\":{{}}}}\n\n"), true),
    ];
    for (body, incomplete) in cases {
        assert_eq!(stream(&body).reading.facts.incomplete, incomplete, "{body}");
    }
    let cases = [
        (200, fixture("openai_chat/whole.json"), false),
        (200, fixture("openai_chat/error.json"), false),
        (200, fixture("openai_chat/other_shape.json"), true),
        (200, b"<html>", true),
        (502, b"<html>", false),
        (200, br#"{"choices":[],"choices":[]}"#, true),
    ];
    for (status, body, incomplete) in cases {
        let reading = Api::OpenAiChat.read_answer(status, body);
        assert_eq!(reading.facts.incomplete, incomplete, "{}", String::from_utf8_lossy(body));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_gathered_over_a_stream_is_bounded() {
    let run = |events: Vec<String>| {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]).reading
    };
    let truncated = |reading: &AnswerReading| reading.unread == Some(Unread::Truncated);
    let usage = |key: usize| format!(r#"{{"usage":{{"prompt_tokens":{key},"key{key}":{key}}}}}"#);
    let many = run((0..10_000).map(usage).collect());
    let written = many.facts.usage.raw.as_ref().unwrap().to_string();
    assert!((16_000..=16 << 10).contains(&written.len()), "{}", written.len());
    assert_eq!(many.facts.usage.input_tokens, Some(9_999), "what has its place is kept up");
    assert!(truncated(&many) && many.facts.incomplete);
    let same = run((0..10_000).map(|_| usage(1)).collect());
    assert_eq!(same.unread, Some(Unread::NoTerminator));

    let call = |index: usize, name: &str, arguments: &str| {
        let function = format!(r#"{{"name":"{name}","arguments":"{arguments}"}}"#);
        let call = format!(r#"{{"index":{index},"id":"c{index}","function":{function}}}"#);
        format!(r#"{{"choices":[{{"index":0,"delta":{{"tool_calls":[{call}]}}}}]}}"#)
    };
    let long = run(vec![call(0, &"n".repeat(200), ""), call(0, &"m".repeat(200), "")]);
    assert_eq!(long.facts.tool_calls[0].name, "n".repeat(200) + &"m".repeat(56));
    assert!(truncated(&long));
    let long = run((0..300).map(|index| call(index, "f", "")).collect());
    assert_eq!(long.facts.tool_calls.len(), 256);
    assert!(truncated(&long));
    let piece = "a".repeat(100_000);
    let large = run((0..20).map(|index| call(index, "f", &piece)).collect());
    let bytes: usize = large.facts.tool_calls.iter().map(|call| call.arguments.len()).sum();
    assert_eq!(bytes, 1 << 20);
    assert!(truncated(&large));
    let large = run((0..10).map(|_| call(0, "f", &piece)).collect());
    assert_eq!(large.facts.tool_calls[0].arguments.len(), 1_000_000);
    assert_eq!(large.unread, Some(Unread::NoTerminator));
}
