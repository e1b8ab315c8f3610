//! What is too long or broken: it goes by unread, nothing else goes with it, and the reading says
//! that something may be missing.

use governance_filter::facts::Unread;
use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{AnswerReading, AnswerStream, Api, StreamSettings};
use wasm_bindgen_test::wasm_bindgen_test;

use super::{brotli, drive, fixture};

#[wasm_bindgen_test(unsupported = test)]
fn an_event_that_is_too_long_may_be_the_terminal_one_and_takes_nothing_else_with_it() {
    let max = 1 << 20;
    let text = r#"data: {"choices":[{"delta":{"content":"Hi"}}]}"#;
    let room = max + "Hi".len();
    let run = |body: &str, cuts: &[usize]| {
        drive::run_within(room, drive::plain(Api::OpenAiChat), body.as_bytes(), cuts)
    };
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
        let whole = run(&body, &[]);
        assert!(whole.passed == body.as_bytes(), "{length} {end:?}");
        let unread = (!read).then_some(Unread::Truncated);
        assert_eq!(whole.reading.facts.output.as_str(), "HiHi", "{length} {end:?}");
        assert_eq!(whole.reading.unread, unread, "{length} {end:?}");
        assert_eq!(whole.reading.facts.incomplete, !read, "{length} {end:?}");
        let (from, to) = (text.len() + end.len(), text.len() + end.len() + long.len());
        let terminal = if read { body.find("data: [DONE]") } else { Some(from) };
        assert_eq!(whole.terminal, terminal, "{length} {end:?}");
        let cuts = [from, from + 1, from + max - 1, from + max, from + max + 1];
        for cut in cuts.into_iter().chain(to - 4..to + 2) {
            assert!(run(&body, &[cut]) == whole, "{length} {end:?} cut at {cut}");
        }
        let every: Vec<usize> = (0..body.len()).step_by(100_000).collect();
        assert!(run(&body, &every) == whole, "{length} {end:?} in small pieces");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_an_event_without_end_is_told_as_the_terminal_one() {
    let body = format!("data: {}", "x".repeat(17 << 20));
    for cuts in [vec![], vec![16 << 20], vec![10, 1 << 19, (16 << 20) + 1]] {
        let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &cuts);
        assert!(run.passed == body.as_bytes());
        assert_eq!((run.terminal, run.reading.unread), (Some(0), Some(Unread::Truncated)));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_an_event_that_cannot_be_read_is_told_as_the_terminal_one() {
    let text = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n";
    let deep = format!("data: {{\"a\":{}{}}}\n\n", "[".repeat(64), "]".repeat(64));
    for (broken, unread) in [
        ("data: {\n\n", Unread::MalformedJson),
        ("data: {\"choices\":[],\"choices\":[]}\n\n", Unread::DuplicateKey),
        (&deep, Unread::TooDeep),
    ] {
        let body = format!("{text}{broken}{text}data: [DONE]\n\n");
        let whole = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[]);
        assert_eq!(whole.terminal, Some(text.len()), "{broken}");
        assert_eq!(whole.reading.unread, Some(unread), "{broken}");
        assert_eq!(whole.reading.facts.output.as_str(), "HiHi", "{broken}");
        for cut in 0..body.len() {
            let run = drive::run(drive::plain(Api::OpenAiChat), body.as_bytes(), &[cut]);
            assert!(run == whole, "{broken} cut at {cut}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn log_probabilities_behind_an_event_that_cannot_be_read_pass_wherever_it_is_cut() {
    let text = "data: {\"choices\":[{\"delta\":{},\"logprobs\":{\"content\":[]}}]}\n\n";
    let body = format!("{text}data: {{\n\n{text}data: [DONE]\n\n");
    let settings = StreamSettings { strip_logprobs: true, ..drive::plain(Api::OpenAiChat) };
    let whole = drive::run(settings, body.as_bytes(), &[]);
    let passed = String::from_utf8_lossy(&whole.passed).into_owned();
    assert!(passed.ends_with(&body[text.len()..]), "{passed}");
    assert!(passed.starts_with(&text.replace("{\"content\":[]}", "null")), "{passed}");
    for cut in 0..body.len() {
        assert_eq!(drive::run(settings, body.as_bytes(), &[cut]), whole, "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_is_kept_of_an_answer_ends_with_its_room() {
    let text = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "x".repeat(999)
    );
    let body = format!("{}data: [DONE]\n\n", text.repeat(100));
    let within = |cuts: &[usize]| {
        drive::run_within(10_000, drive::plain(Api::OpenAiChat), body.as_bytes(), cuts)
    };
    let every: Vec<usize> = (0..body.len()).step_by(text.len()).collect();
    let run = within(&every);
    assert!(run.passed == body.as_bytes());
    assert_eq!(run.terminal, Some(text.len() * 9), "the tenth is longer than what is left");
    assert_eq!(run.reading.unread, Some(Unread::Truncated));
    assert_eq!(run.reading.facts.output.as_str().len(), 999 * 9);
    assert_eq!(within(&[]).reading.unread, Some(Unread::Truncated));
}

#[wasm_bindgen_test(unsupported = test)]
fn a_window_counts_against_what_may_be_kept_and_is_given_up_with_the_stream() {
    let event = "data: {\"choices\":[]}\n\n";
    let body = event.repeat(40_000) + "data: [DONE]\n\n";
    let wire = brotli::stored(body.as_bytes());
    for (room, strip_logprobs) in [(200_000, false), (200_000, true), (4 << 20, false)] {
        let coding = Coding::Brotli;
        let settings = StreamSettings { coding, strip_logprobs, ..drive::plain(Api::OpenAiChat) };
        let mut stream = AnswerStream::new(settings);
        stream.keep_at_most(room);
        let (mut passed, mut told) = (Vec::new(), 0);
        for chunk in wire.chunks(10_000) {
            let pushed = stream.push(chunk);
            told += usize::from(pushed.terminal.is_some());
            passed.extend(pushed.replacement.as_deref().unwrap_or(chunk));
            let kept = stream.kept_bytes();
            assert!(strip_logprobs || kept <= room, "{kept} of {room}");
        }
        passed.extend(stream.finish().replacement.unwrap_or_default());
        let expected = if strip_logprobs { body.as_bytes() } else { &wire };
        assert!(passed == expected, "{room} {strip_logprobs}");
        assert_eq!(told, 1, "{room} {strip_logprobs}");
        let lost = room < wire.len();
        let unread = lost.then_some(Unread::Truncated);
        assert_eq!(stream.reading().unread, unread, "{room} {strip_logprobs}");
        let window = stream.kept_bytes();
        // Who gets it decoded needs the decoder to the end.
        assert_eq!(window == 0, lost && !strip_logprobs, "{window} {room} {strip_logprobs}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn reasoning_and_names_of_calls_count_against_what_may_be_kept() {
    let name = "n".repeat(200);
    let reasoning = |_| format!(r#"{{"reasoning_content":"{name}"}}"#);
    let call = |index: usize| {
        let call = format!(r#"{{"index":{index},"id":"{name}{index}","function":{{"name":"f"}}}}"#);
        format!(r#"{{"tool_calls":[{call}]}}"#)
    };
    let event = |delta: String| format!("data: {{\"choices\":[{{\"delta\":{delta}}}]}}\n\n");
    let bodies: [String; 2] =
        [(0..50).map(reasoning).map(event).collect(), (0..50).map(call).map(event).collect()];
    for body in bodies {
        let body = body + "data: [DONE]\n\n";
        for (room, unread) in [(5_000, Some(Unread::Truncated)), (20_000, None)] {
            let plain = drive::plain(Api::OpenAiChat);
            let every: Vec<usize> = (0..body.len()).step_by(100).collect();
            let whole = drive::run_within(room, plain, body.as_bytes(), &[]);
            assert_eq!(whole.reading.unread, unread, "{room}");
            assert!(whole.passed == body.as_bytes());
            let cut = drive::run_within(room, plain, body.as_bytes(), &every);
            assert_eq!(cut.reading, whole.reading, "{room}: where it is cut changes nothing");
        }
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
