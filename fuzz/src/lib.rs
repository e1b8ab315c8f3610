//! What the fuzz targets share: how an input's first bytes choose what its other bytes are fed to,
//! and the tables they choose from. `seeds.py` writes inputs of the same form from the fixtures.

use governance_filter::llm::content_coding::Coding;
use governance_filter::llm::{self, Api, Framing, Target, Traffic};

/// The bytes of an input, taken from the front; where there are no more, zeros.
pub struct Input<'a>(&'a [u8]);

/// A path for each protocol, and for each place where a model's name can stand in a path.
/// `seeds.py` knows them by their places.
pub const PATHS: [&str; 20] = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/images/generations",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/complete",
    "/v1beta/models/gemini-2.5-flash:generateContent",
    "/v1beta/models/m:embedContent",
    "/v1beta/interactions",
    "/model/anthropic.claude-v2:1/converse",
    "/model/m/invoke",
    "/api/chat",
    "/v2/chat",
    "/ml/v1/text/generation",
    "/v1beta/models/m:streamGenerateContent",
    "/model/m/converse-stream",
    "/openai/deployments/d/chat/completions?api-version=1",
    "/api/generate",
    "/v2/rerank",
];

/// Every framing.
pub const FRAMINGS: [Framing; 4] =
    [Framing::Sse, Framing::Lines, Framing::JsonArray, Framing::EventStream];

/// Every coding.
pub const CODINGS: [Coding; 6] = [
    Coding::Identity,
    Coding::Gzip,
    Coding::Deflate,
    Coding::Brotli,
    Coding::Zstandard,
    Coding::Unknown,
];

/// What a POST of JSON to `path` asks.
pub fn target(path: &str) -> Target {
    match llm::classify("POST", path, Some("application/json"), false) {
        Traffic::Inference(target) => target,
        other => panic!("{path} is {other:?}"),
    }
}

/// One of the protocols.
pub fn api(choice: u8) -> Api {
    target(one_of(&PATHS, choice)).api
}

/// The one of `all` that `choice` stands for.
pub fn one_of<T: Copy>(all: &[T], choice: u8) -> T {
    all[usize::from(choice) % all.len()]
}

// === impl Input ===

impl<'a> Input<'a> {
    /// All of an input.
    pub fn new(bytes: &'a [u8]) -> Input<'a> {
        Input(bytes)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    /// The next two bytes as a number, the low one first.
    pub fn number(&mut self) -> usize {
        usize::from(u16::from_le_bytes([self.byte(), self.byte()]))
    }

    /// As many bytes as there are, up to `length`.
    pub fn take(&mut self, length: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// Up to seven numbers, behind one that says how many: where the bytes that follow are cut.
    pub fn cuts(&mut self) -> Vec<usize> {
        (0..self.byte() % 8).map(|_| self.number()).collect()
    }

    /// All that is left.
    pub fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// `bytes` in pieces, in order and none missing; some may be empty.
pub fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    // A number of a cut has two bytes: in longer input it counts in larger steps.
    let step = bytes.len() / (1 << 16) + 1;
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut * step % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::with_capacity(cuts.len() + 1);
    for cut in cuts.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..cut]);
        from = cut;
    }
    pieces
}
