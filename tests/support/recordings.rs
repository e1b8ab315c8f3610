//! The recorded answers in `tests/sdk/recordings`: which of them a request gets, and cut into the
//! pieces in which its provider sends it.

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// One file, as far as replaying and judging need it.
#[derive(Clone, Debug, Deserialize)]
pub struct Recording {
    /// The file's name without its ending.
    #[serde(skip)]
    pub name: String,
    #[serde(rename = "match")]
    matches: Match,
    /// What the recorded request asked for.
    pub model: String,
    pub expect: Expect,
    pub response: Response,
}

#[derive(Clone, Debug, Deserialize)]
struct Match {
    /// `*` stands for anything.
    path: String,
    query: Option<String>,
    stream: Option<bool>,
    #[serde(default)]
    tools: bool,
}

/// What the answer says, as read by another parser than the filter's; None: not stated.
#[derive(Clone, Debug, Deserialize)]
pub struct Expect {
    pub served_model: Option<String>,
    pub finish_reason: Option<String>,
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    pub output_text: Option<String>,
    pub tool_calls: Value,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Response {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    body: Option<String>,
    body_b64: Option<String>,
}

/// All of them.
pub fn all() -> Vec<Recording> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk/recordings");
    let files = std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path());
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "json"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("UTF-8");
            let recording: Recording = serde_json::from_str(&text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
            Recording { name, ..recording }
        })
        .collect()
}

// === impl Recording ===

impl Recording {
    /// It answers such a request: path with query, and body.
    pub fn answers(&self, target: &str, body: &Value) -> bool {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let like = match self.matches.path.split_once('*') {
            Some((before, after)) => path.starts_with(before) && path.ends_with(after),
            None => path == self.matches.path,
        };
        let tools = ["tools", "toolConfig"].iter().any(|key| body[*key].is_object())
            || body["tools"].as_array().is_some_and(|tools| !tools.is_empty());
        like && self.matches.query.as_ref().is_none_or(|wanted| query.contains(wanted))
            && self.matches.stream.is_none_or(|stream| (body["stream"] == true) == stream)
            && self.matches.tools == tools
    }

    /// More demanding than another that fits as well.
    pub fn demands(&self) -> usize {
        usize::from(self.matches.query.is_some())
    }
}

// === impl Response ===

impl Response {
    /// The body: a stream's events one by one, anything else in one piece.
    pub fn pieces(&self) -> Vec<Vec<u8>> {
        let bytes = match (&self.body, &self.body_b64) {
            (Some(text), _) => text.clone().into_bytes(),
            (None, encoded) => base64(encoded.as_deref().unwrap_or_default()),
        };
        let kind = self.headers.get("content-type").map(String::as_str).unwrap_or_default();
        match kind.split(';').next().unwrap_or_default() {
            "text/event-stream" => split_after(&bytes, &[b"\n\n", b"\r\n\r\n"]),
            "application/x-ndjson" => split_after(&bytes, &[b"\n"]),
            "application/vnd.amazon.eventstream" => messages(&bytes),
            // Gemini's array: an element and the comma behind it.
            _ if bytes.starts_with(b"[") => split_after(&bytes, &[b"\n,\r\n"]),
            _ => vec![bytes],
        }
    }
}

fn split_after(mut bytes: &[u8], ends: &[&[u8]]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let ended = |size: &usize| ends.iter().any(|end| bytes[..*size].ends_with(end));
        let (piece, rest) = bytes.split_at((1..bytes.len()).find(ended).unwrap_or(bytes.len()));
        pieces.push(piece.to_vec());
        bytes = rest;
    }
    pieces
}

/// A message begins with its length.
fn messages(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some((length, _)) = bytes.split_first_chunk::<4>() {
        let (message, rest) = bytes.split_at(u32::from_be_bytes(*length) as usize);
        pieces.push(message.to_vec());
        bytes = rest;
    }
    pieces
}

fn base64(encoded: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut held, mut bits) = (0u32, 0);
    for symbol in encoded.bytes().filter(|symbol| *symbol != b'=') {
        let value = ALPHABET.iter().position(|known| *known == symbol).expect("base64");
        held = held << 6 | value as u32;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    bytes
}
