//! Bodies in a content coding, of requests and of answers: read alike, changed only where policy
//! says so, and never expanded without bound.

use super::*;

const PLAIN: &str = include_str!("../fixtures/codings/request.json");
const REQUESTS: [(&str, &[u8]); 4] = [
    ("gzip", include_bytes!("../fixtures/codings/request.gz")),
    ("deflate", include_bytes!("../fixtures/codings/request.zlib")),
    ("br", include_bytes!("../fixtures/codings/request.br")),
    ("zstd", include_bytes!("../fixtures/codings/request.zst")),
];
const STREAM: &str = include_str!("../fixtures/codings/stream.txt");
const STREAMS: [(&str, &[u8]); 4] = [
    ("gzip", include_bytes!("../fixtures/codings/stream.gz")),
    ("deflate", include_bytes!("../fixtures/codings/stream.zlib")),
    ("br", include_bytes!("../fixtures/codings/stream.br")),
    ("zstd", include_bytes!("../fixtures/codings/stream.zst")),
];

fn post_coded(model: &mut Model, coding: &str, body: &[u8]) {
    model.request_headers(&[
        (":method", "POST"),
        (":path", CHAT),
        ("content-type", JSON),
        ("content-encoding", coding),
    ]);
    let (first, second) = body.split_at(body.len() / 2);
    model.request_body(first, End::Open).request_body(second, End::OfStream);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_coded_request_is_read_and_goes_up_as_it_came() {
    for (coding, wire) in REQUESTS {
        let mut model = Model::new("policies: []\n");
        post_coded(&mut model, coding, wire);
        let intent = model.line(Kind::Intent)["record"].clone();
        assert_eq!(intent["model"], "gpt-4o", "{coding}");
        assert_eq!(intent["input_hash"], sha256_hex(wire), "{coding}: what came is hashed");
        model.ack(Kind::Intent);
        assert_eq!(model.provider_got(), Some(String::from_utf8_lossy(wire).into_owned()));
        assert_eq!(model.header(Side::Request, "content-encoding"), None);
        model.answer(200, &chat("Yes.")).ack(Kind::Outcome);
        assert_eq!(model.outcome()["categories"], json!(["pii"]), "{coding}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_pin_on_a_coded_request_sends_it_up_plain() {
    let policy = "models: {pins: {gpt-4o: gpt-4o-2024-08-06}}\npolicies: []\n";
    let pinned = PLAIN.trim_end().replace("gpt-4o", "gpt-4o-2024-08-06");
    for (coding, wire) in REQUESTS {
        let mut model = Model::new(policy);
        post_coded(&mut model, coding, wire);
        model.ack(Kind::Intent);
        let got = model.provider_got().expect("the call went up");
        assert_eq!(got.trim_end(), pinned, "{coding}");
        let coded = model.headers.iter().rev().find(|(_, name, _)| *name == "content-encoding");
        assert_eq!(coded, Some(&(Side::Request, "content-encoding", None)), "{coding}");
        let length = got.len().to_string();
        assert_eq!(model.header(Side::Request, "content-length"), Some(length.as_str()));
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn err_a_request_that_cannot_be_decoded_is_refused_and_says_why() {
    let bombs: [(&str, &[u8], &str); 2] = [
        ("br", include_bytes!("../fixtures/codings/bomb.br"), "bomb"),
        ("zstd", include_bytes!("../fixtures/codings/bomb.zst"), "bomb"),
    ];
    let broken = REQUESTS.map(|(coding, wire)| (coding, &wire[..wire.len() / 2], "encoding"));
    let unknown: [(&str, &[u8], &str); 2] =
        [("compress", b"\x1f\x9d", "encoding"), ("gzip, br", REQUESTS[0].1, "encoding")];
    for (coding, wire, reason) in bombs.into_iter().chain(broken).chain(unknown) {
        let mut model = Model::new("unreadable: deny\npolicies: []\n");
        post_coded(&mut model, coding, wire);
        let outcome = model.outcome();
        assert_eq!(outcome["unread"], reason, "{coding}");
        assert_eq!(outcome["outcome"], "denied", "{coding}");
        assert_eq!(outcome["input_bytes"], wire.len(), "{coding}");
        model.ack(Kind::Outcome);
        let reply = model.reply.clone().expect("a refusal");
        assert!((400..500).contains(&reply.status), "{coding}: {}", reply.status);
        assert_eq!(model.provider_got(), None, "{coding}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_coded_stream_is_read_and_released_as_it_came_at_every_split() {
    let said = "Grüße, 世界 and more.";
    for (coding, wire) in STREAMS {
        for cut in 0..=wire.len() {
            let mut model = Model::new("policies: []\n");
            model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
            let headers = [("content-type", SSE), ("content-encoding", coding)];
            model.answer_headers(200, &headers, End::Open);
            model.answer_body(&wire[..cut], End::Open).answer_body(&wire[cut..], End::OfStream);
            let outcome = model.outcome();
            assert_eq!(outcome["outcome"], "completed", "{coding}, cut at {cut}");
            assert_eq!(outcome["unread"], Value::Null, "{coding}, cut at {cut}");
            assert_eq!(outcome["served_model"], "gpt-4o-2025-12-17", "{coding}, cut at {cut}");
            let summary = model.line(Kind::Outcome)["output_summary"].clone();
            assert!(summary.as_str().is_some_and(|text| text.starts_with(said)), "{summary}");
            assert!(!model.client_got_end(), "{coding}, cut at {cut}: the end before its ack");
            model.ack(Kind::Outcome);
            let got = model.client_got().expect("headers");
            assert_eq!(got, String::from_utf8_lossy(wire), "{coding}, cut at {cut}");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_coded_stream_does_not_end_for_the_client_before_its_record() {
    let events = STREAM.split("\n\n").filter(|event| !event.trim().is_empty()).count();
    assert_eq!(events, 5, "the fixture ends in a terminal event of its own");
    for (coding, wire) in STREAMS {
        let mut model = Model::new("policies: []\n");
        model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
        let headers = [("content-type", SSE), ("content-encoding", coding)];
        model.answer_headers(200, &headers, End::Open);
        for byte in wire {
            model.answer_body(&[*byte], End::Open);
        }
        model.answer_body(b"", End::OfStream);
        let got = model.client_got().unwrap_or_default();
        assert!(got.len() < String::from_utf8_lossy(wire).len(), "{coding}: all is out");
        model.commit(Kind::Outcome, Commit::Expired);
        assert!(!model.client_got_end() || model.counts.contains(&Counter::Withheld), "{coding}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_bomb_for_an_answer_is_recorded_as_one_and_not_expanded() {
    for (coding, wire) in [
        ("br", &include_bytes!("../fixtures/codings/bomb.br")[..]),
        ("zstd", &include_bytes!("../fixtures/codings/bomb.zst")[..]),
    ] {
        for content_type in [JSON, SSE] {
            let mut model = Model::new("policies: []\n");
            model.post(CHAT, &ask_stream("gpt-4o-2025-12-17")).ack(Kind::Intent);
            let headers = [("content-type", content_type), ("content-encoding", coding)];
            model.answer_headers(200, &headers, End::Open).answer_body(wire, End::OfStream);
            assert_eq!(model.outcome()["unread"], "bomb", "{coding} {content_type}");
            model.ack(Kind::Outcome);
            assert!(model.client_got_end(), "{coding} {content_type}: no policy refuses it");
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn log_probabilities_asked_for_by_policy_are_taken_out_of_a_coded_answer() {
    let policy = "confidence: {request_logprobs: [gpt-4o]}\npolicies: []\n";
    let answer = json!({
        "model": "gpt-4o", "choices": [{"index": 0, "finish_reason": "stop",
            "message": {"role": "assistant", "content": "Hi"},
            "logprobs": {"content": [{"token": "Hi", "logprob": -0.1, "top_logprobs": []}]}}],
    });
    let mut wire = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    std::io::Write::write_all(&mut wire, answer.to_string().as_bytes()).expect("to memory");
    let wire = wire.finish().expect("to memory");
    let mut model = Model::new(policy);
    model.post(CHAT, PLAIN).ack(Kind::Intent);
    assert!(model.provider_got().is_some_and(|got| got.contains("logprobs")));
    let headers = [("content-type", JSON), ("content-encoding", "gzip")];
    model.answer_headers(200, &headers, End::Open).answer_body(&wire, End::OfStream);
    model.ack(Kind::Outcome);
    let got = model.client_got().expect("the answer");
    let got: Value = serde_json::from_str(&got).expect("plain JSON");
    assert_eq!(got["choices"][0]["logprobs"], Value::Null);
    assert_eq!(got["choices"][0]["message"]["content"], "Hi");
    let coded = model.headers.iter().rev().find(|(_, name, _)| *name == "content-encoding");
    assert_eq!(coded, Some(&(Side::Response, "content-encoding", None)));
}
