//! Streams: what flows, what is held, at every split point.

use super::*;

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_flows_and_its_terminal_event_waits_at_every_split() {
    let stream = chat_stream();
    let terminal = stream.find("data: [DONE]").expect("it has one");
    for cut in 0..=stream.len() {
        let mut model = Model::new(SEED);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let (first, second) = stream.as_bytes().split_at(cut);
        model.answer_body(first, End::Open).answer_body(second, End::Open);
        let got = model.client_got().expect("headers");
        assert!(!got.contains("[DONE]"), "cut at {cut}: the terminal event before its ack");
        if cut <= terminal && first.ends_with(b"\n\n") {
            assert_eq!(got.as_bytes(), first, "cut at {cut}: whole events flow at once");
        }
        assert_eq!(model.outcome()["outcome"], "completed", "cut at {cut}");
        assert_eq!(model.line(Kind::Outcome)["output_summary"], "Héllo", "cut at {cut}");
        model.ack(Kind::Outcome).answer_body(b"", End::OfStream);
        assert_eq!(model.client_got().as_deref(), Some(stream.as_str()), "cut at {cut}");
        assert!(model.client_got_end(), "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn an_uncommitted_stream_ends_in_an_error_event_at_every_split() {
    let stream = chat_stream();
    for cut in 0..=stream.len() {
        let mut model = Model::new(SEED);
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        model.answer_headers(200, &[("content-type", SSE)], End::Open);
        let (first, second) = stream.as_bytes().split_at(cut);
        model.answer_body(first, End::Open).answer_body(second, End::Open);
        model.commit(Kind::Outcome, Commit::Expired).answer_body(b"", End::OfStream);
        let got = model.client_got().expect("headers");
        assert!(!got.contains("[DONE]"), "cut at {cut}");
        let last = got.trim_end().rsplit("\n\n").next().expect("an event");
        let error: Value = serde_json::from_str(last.trim_start_matches("data: ")).expect("JSON");
        assert!(error["error"]["message"].as_str().is_some_and(|m| m.contains(ID)), "cut at {cut}");
        assert_eq!(model.line(Kind::Delivery)["record"]["delivery"], "withheld");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn what_follows_a_stop_waits_with_it_at_every_split() {
    let stream: &[u8] = include_bytes!("../fixtures/bedrock_converse/stream.eventstream");
    let all = String::from_utf8_lossy(stream);
    let asked = r#"{"messages":[{"role":"user","content":[{"text":"hi"}]}]}"#;
    for (cut, commit) in (0..=stream.len()).flat_map(|cut| [(cut, true), (cut, false)]) {
        let mut model = Model::new("policies: []\n");
        model.post("/model/m/converse-stream", asked).ack(Kind::Intent);
        let kind = [("content-type", "application/vnd.amazon.eventstream")];
        model.answer_headers(200, &kind, End::Open);
        model.answer_body(&stream[..cut], End::Open).answer_body(&stream[cut..], End::Open);
        let got = model.client_got().expect("headers");
        assert!(!got.contains("messageStop"), "cut at {cut}: the stop before its ack");
        let outcome = model.outcome();
        assert_eq!((&outcome["output_tokens"], &outcome["unread"]), (&json!(5), &Value::Null));
        if commit {
            model.ack(Kind::Outcome).answer_body(b"", End::OfStream);
            assert!(model.client_got().is_some_and(|got| got == all), "cut at {cut}");
            continue;
        }
        model.commit(Kind::Outcome, Commit::Expired).answer_body(b"", End::OfStream);
        let got = model.client_got().expect("headers");
        let held = ["messageStop", "metadata"].iter().any(|name| got.contains(name));
        assert!(!held && got.contains("serviceUnavailableException"), "cut at {cut}: {got}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_compressed_stream_is_read_alike_however_it_is_cut() {
    let request = r#"{"model":"claude-sonnet-4-6","stream":true,"messages":[]}"#;
    let stop = r#"{"type":"message_stop"}"#;
    let text = r#"{"type":"content_block_delta","delta":{"type":"text_delta","text":"Hi"}}"#;
    let stream = format!("data: {text}\n\ndata: {stop}\n\n");
    let mut wire = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut wire, stream.as_bytes()).expect("writing to memory");
    let wire = wire.finish().expect("writing to memory");
    for cut in 1..wire.len() {
        let mut model = Model::new(SEED);
        model.post("/v1/messages", request).ack(Kind::Intent);
        let headers = [("content-type", SSE), ("content-encoding", "gzip")];
        model.answer_headers(200, &headers, End::Open);
        model.answer_body(&wire[..cut], End::Open).answer_body(&wire[cut..], End::OfStream);
        assert_eq!(model.outcome()["outcome"], "completed", "cut at {cut}");
        assert_eq!(model.outcome()["unread"], Value::Null, "cut at {cut}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_stream_that_cannot_be_decoded_is_held_whole() {
    // `approved_models` fails closed: an answer that names no readable model is not approved.
    let policy = "policies:\n- {name: note, trigger: \"output != ''\", action: flag_for_review}\n";
    let mut model = Model::new(policy);
    model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
    let headers = [("content-type", SSE), ("content-encoding", "compress")];
    model.answer_headers(200, &headers, End::Open);
    model.answer_body(b"\x1f\x9d", End::Open).answer_body(b"\x03", End::OfStream);
    assert_eq!(model.client_got(), None, "no terminal event is seen, so nothing leaves");
    assert_eq!(model.outcome()["unread"], "encoding");
    assert_eq!(model.outcome()["triggered"][0]["result"], "failed", "unknown is not false");
    model.ack(Kind::Outcome);
    assert!(model.client_got_end());
}

#[wasm_bindgen_test(unsupported = test)]
fn an_event_larger_than_any_limit_does_not_hide_the_terminal_event() {
    let large = format!("data: {{\"pad\":\"{}\"}}\n\n", "x".repeat(17 << 20));
    let stream = format!("{large}{}", chat_stream());
    let mut model = Model::new("policies: []\n");
    model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
    model.answer_headers(200, &[("content-type", SSE)], End::Open);
    for chunk in stream.as_bytes().chunks(100_000) {
        model.answer_body(chunk, End::Open);
    }
    let got = model.client_got().expect("headers");
    assert!(!got.contains("[DONE]"), "the terminal event waits");
    assert_eq!(model.outcome()["unread"], "truncated");
    model.ack(Kind::Outcome).answer_body(b"", End::OfStream);
    assert_eq!(model.client_got().as_deref(), Some(stream.as_str()));
}
