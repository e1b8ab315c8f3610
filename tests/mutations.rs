//! Broken input of every kind, made from the fixtures by seeded mutations: no parser panics, and a
//! stream's bytes come out as they went in. The same suite runs natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

use governance_filter::llm::content_coding::{self, Coding};
use governance_filter::llm::{
    self, AnswerStream, Framing, Rewrite, StreamSettings, Target, Traffic,
};
use governance_filter::{detect, facts::first_characters};
use wasm_bindgen_test::wasm_bindgen_test;

/// A path of each API.
const PATHS: [&str; 15] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/images/generations",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/complete",
    "/v1beta/models/m:streamGenerateContent",
    "/v1beta/models/m:embedContent",
    "/v1beta/interactions",
    "/model/m/converse-stream",
    "/model/m/invoke",
    "/api/chat",
    "/v2/chat",
    "/ml/v1/text/generation",
];
const FRAMINGS: [Framing; 4] =
    [Framing::Sse, Framing::Lines, Framing::JsonArray, Framing::EventStream];
const ROUNDS: u64 = 20;

fn targets() -> Vec<Target> {
    let target = |path| match llm::classify("POST", path, Some("application/json"), false) {
        Traffic::Inference(target) => target,
        other => panic!("{path} is {other:?}"),
    };
    PATHS.into_iter().map(target).collect()
}

fn fixtures() -> &'static [(&'static str, &'static [u8])] {
    include!(concat!(env!("OUT_DIR"), "/fixtures.rs"))
}

/// Every fixture of a few kilobytes, broken in several ways, with its seed.
fn broken() -> impl Iterator<Item = (u64, Vec<u8>)> {
    fixtures().iter().filter(|(_, bytes)| bytes.len() < 8192).enumerate().flat_map(
        |(at, (_, bytes))| {
            (0..ROUNDS).map(move |round| {
                let seed = at as u64 * ROUNDS + round + 1;
                (seed, Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15)).broken(bytes))
            })
        },
    )
}

#[wasm_bindgen_test(unsupported = test)]
fn no_broken_body_breaks_a_reader() {
    let targets = targets();
    for (_, body) in broken() {
        for target in &targets {
            let _ = target.read_request(&body);
            let _ = target.api.could_ask_logprobs(&body);
            let rewrite = Rewrite { model: Some("gpt-4o-2025-12-17"), ask_logprobs: true };
            let _ = target.rewrite("/v1/chat/completions", &body, &rewrite);
            let _ = target.api.read_answer(200, &body);
            let _ = target.api.strip_logprobs(&body);
        }
        let _ = content_coding::decode(Coding::Gzip, &body);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_broken_stream_comes_out_as_it_went_in() {
    let targets = targets();
    for (seed, body) in broken() {
        for (target, framing) in targets.iter().zip(FRAMINGS.into_iter().cycle()) {
            let settings = StreamSettings {
                api: target.api,
                framing: if seed % 2 == 0 { framing } else { Framing::Sse },
                coding: Coding::Identity,
                strip_logprobs: false,
                status: 200,
            };
            let mut stream = AnswerStream::new(settings);
            let mut random = Random(seed);
            let mut passed = Vec::new();
            let mut rest = body.as_slice();
            while !rest.is_empty() {
                let (chunk, more) = rest.split_at(1 + random.below(rest.len()));
                passed.extend(stream.push(chunk).replacement.unwrap_or_else(|| chunk.to_vec()));
                rest = more;
            }
            passed.extend(stream.finish().replacement.unwrap_or_default());
            assert!(passed == body, "seed {seed}: the bytes changed on their way");
            let _ = stream.reading();
        }
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn no_text_breaks_a_detector() {
    for (_, body) in broken() {
        let text = String::from_utf8_lossy(&body);
        for span in detect::find(&text) {
            assert!(text.get(span.start..span.end).is_some(), "a span on character boundaries");
        }
        let _ = detect::categories(&text);
        let _ = detect::redact(first_characters(&text, 100), &[detect::Kind::Email]);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }

    /// Bytes flipped, cut, repeated, or replaced by what JSON and SSE are sensitive to.
    fn broken(&mut self, bytes: &[u8]) -> Vec<u8> {
        const SHARP: [&[u8]; 10] = [
            b"\"", b"\\u0000", b"\\ud800", b"{", b"]", b"\n\n", b"\r", b"data:", b"\xff", b"1e999",
        ];
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(4) {
                0 => bytes.truncate(at),
                1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                2 => drop(bytes.splice(at..at, SHARP[self.below(SHARP.len())].iter().copied())),
                _ => {
                    let again = bytes.get(at..(at + 40).min(bytes.len())).unwrap_or_default();
                    let again = again.to_vec();
                    bytes.splice(at..at, again);
                }
            }
        }
        bytes
    }
}
