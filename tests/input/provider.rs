//! A provider that answers as `x-script` says: compressed, broken, cut short, huge. What it sends
//! is a function of the script, so that a test can compare byte for byte.

use crate::codings::STREAMS;
use crate::support::upstream::{self, Call};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use std::io::{Read, Result, Write};
use std::net::{Shutdown, TcpStream};

/// Bytes of the answer that no buffer holds.
const HUGE_BYTES: usize = 100 << 20;

/// Answers a call.
pub fn answer(stream: &mut TcpStream, call: &Call) -> Result<()> {
    const JSON: &str = "content-type: application/json";
    const TEXT: &str = "content-type: text/plain";
    const SSE: &str = "content-type: text/event-stream";
    const GZIP: &str = "content-encoding: gzip";
    let script = call.header("x-script").unwrap_or_default();
    let body = body(script);
    match script {
        "gzip" | "gzip-logprobs" | "bomb" => whole(stream, "200 OK", &[JSON, GZIP], &body),
        "br" => whole(stream, "200 OK", &[JSON, "content-encoding: br"], &body),
        "gzip-stream" | "gzip-stream-logprobs" => chunked(stream, &[SSE, GZIP], &body, ""),
        "trailers" => chunked(stream, &[JSON], &body, "x-trailer: late\r\n"),
        "stream-br" => chunked(stream, &[SSE, "content-encoding: br"], &body, ""),
        "stream-zstd" => chunked(stream, &[SSE, "content-encoding: zstd"], &body, ""),
        "endless-event" | "longest-event" => chunked_by(stream, &[SSE], &body, 64 << 10, ""),
        "no-event" => chunked(stream, &[SSE], &body, ""),
        "odd-status" => whole(stream, "999 Odd", &[JSON], &body),
        "odd-headers" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nx-ai-confidence: \xff\r\nx-any: \xff\xfe\r\n")?;
            write!(stream, "{JSON}\r\ncontent-length: {}\r\n\r\n", body.len())?;
            stream.write_all(&body)
        }
        "early-hints" => {
            write!(stream, "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")?;
            whole(stream, "200 OK", &[JSON], &body)
        }
        "switching" => {
            write!(stream, "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nhello")?;
            end(stream, script)
        }
        "no-http" => {
            write!(stream, "hello\r\n\r\n")?;
            end(stream, script)
        }
        "two-lengths" => whole(stream, "200 OK", &[JSON, "content-length: 1"], &body),
        "long-header" => {
            let long = format!("x-long: {}", "x".repeat(120_000));
            whole(stream, "200 OK", &[JSON, &long], &body)
        }
        // Without a look at the request, which may be large.
        "claude" => whole(stream, "200 OK", &[JSON], &body),
        "no-content" => write!(stream, "HTTP/1.1 204 No Content\r\n\r\n"),
        "429-json" => whole(stream, "429 Too Many Requests", &[JSON, "retry-after: 7"], &body),
        "500-json" => whole(stream, "500 Internal Server Error", &[JSON], &body),
        "500-text" => whole(stream, "500 Internal Server Error", &[TEXT], &body),
        "200-error" | "200-text" | "200-empty" => whole(stream, "200 OK", &[JSON], &body),
        "die-stream" | "stall-stream" => {
            write!(stream, "HTTP/1.1 200 OK\r\n{SSE}\r\ntransfer-encoding: chunked\r\n\r\n")?;
            let half = body.get(..body.len() / 2).unwrap_or_default();
            write!(stream, "{:x}\r\n", half.len())?;
            stream.write_all(&[half, b"\r\n"].concat())?;
            end(stream, script)
        }
        "die-at-once" => end(stream, script),
        "stall" | "die" => {
            let half = body.get(..body.len() / 2).unwrap_or_default();
            write!(stream, "HTTP/1.1 200 OK\r\n{JSON}\r\ncontent-length: {}\r\n\r\n", body.len())?;
            stream.write_all(half)?;
            end(stream, script)
        }
        "huge" => {
            write!(stream, "HTTP/1.1 200 OK\r\n{JSON}\r\ncontent-length: {HUGE_BYTES}\r\n\r\n")?;
            let piece = vec![b' '; 1 << 20];
            (0..HUGE_BYTES >> 20).try_for_each(|_| stream.write_all(&piece))
        }
        _ if call.target.starts_with("HEAD ") => {
            write!(stream, "HTTP/1.1 200 OK\r\n{JSON}\r\ncontent-length: 2\r\n\r\n")
        }
        _ => upstream::answer(stream, call),
    }
}

/// The body that goes with a script.
pub fn body(script: &str) -> Vec<u8> {
    const CLAUDE: &str = "claude-sonnet-4-6";
    const GPT: &str = "gpt-4o-2025-12-17";
    let plain = upstream::whole_answer(
        if script.ends_with("logprobs") { "/v1/chat/completions" } else { "/v1/messages" },
        CLAUDE,
    );
    let token = json!({"token": "Hello", "logprob": -0.1, "bytes": null, "top_logprobs": []});
    let logprobs = json!({"content": [token], "refusal": null});
    match script {
        "gzip" => gzip(plain.as_bytes()),
        "gzip-logprobs" => {
            let message = json!({"role": "assistant", "content": upstream::ANSWER});
            let choice = json!({"index": 0, "finish_reason": "stop", "logprobs": logprobs,
                "message": message});
            gzip(json!({"model": GPT, "choices": [choice]}).to_string().as_bytes())
        }
        "gzip-stream" => gzip(claude_stream().as_bytes()),
        "gzip-stream-logprobs" => {
            let choice = json!({"index": 0, "delta": {"content": upstream::ANSWER},
                "logprobs": logprobs, "finish_reason": null});
            let event = json!({"model": GPT, "choices": [choice]});
            gzip(format!("data: {event}\n\ndata: [DONE]\n\n").as_bytes())
        }
        // Members of a mebibyte, 200 times: quicker to make than one of 200, as large unpacked.
        "bomb" => gzip(&vec![b' '; 1 << 20]).repeat(200),
        "br" => b"\x8b\x02\x80not really brotli\x03".to_vec(),
        "die-stream" | "stall-stream" => claude_stream().into_bytes(),
        "429-json" => {
            json!({"type": "error", "error": {"type": "rate_limit_error"}}).to_string().into_bytes()
        }
        "500-json" | "200-error" => {
            json!({"type": "error", "error": {"type": "api_error"}}).to_string().into_bytes()
        }
        "500-text" => b"upstream connect error or disconnect/reset before headers".to_vec(),
        "200-text" => b"<html>a captive portal</html>".to_vec(),
        "endless-event" | "longest-event" => {
            // More text than is read, and more than one event may be.
            let bytes = if script == "endless-event" { 3 << 20 } else { 20 << 20 };
            let text = "x".repeat(bytes);
            claude_stream().replace(upstream::ANSWER, &text).into_bytes()
        }
        "200-empty" | "no-event" => Vec::new(),
        "stream-br" | "stream-zstd" => {
            let stream = STREAMS.iter().find(|(name, _)| *name == script);
            stream.map(|(_, bytes)| bytes.to_vec()).unwrap_or_default()
        }
        _ => plain.into_bytes(),
    }
}

/// A stream of the messages API with its terminal event.
fn claude_stream() -> String {
    let usage = json!({"input_tokens": 3, "output_tokens": 1});
    let message = json!({"id": "msg_1", "model": "claude-sonnet-4-6", "usage": usage});
    let block = json!({"type": "text", "text": ""});
    let delta = json!({"type": "text_delta", "text": upstream::ANSWER});
    let events = [
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
        json!({"type": "content_block_delta", "index": 0, "delta": delta}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}}),
        json!({"type": "message_stop"}),
    ];
    let event = |data: &serde_json::Value| {
        let name = data["type"].as_str().unwrap_or_default();
        format!("event: {name}\ndata: {data}\n\n")
    };
    events.iter().map(event).collect()
}

/// Bytes as one gzip member.
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("writing to memory");
    encoder.finish().expect("writing to memory")
}

fn whole(stream: &mut TcpStream, status: &str, headers: &[&str], body: &[u8]) -> Result<()> {
    let headers = headers.join("\r\n");
    let length = body.len();
    write!(stream, "HTTP/1.1 {status}\r\n{headers}\r\ncontent-length: {length}\r\n\r\n")?;
    stream.write_all(body)
}

/// In pieces of seven bytes: no event, no code of the compression is whole in one.
fn chunked(stream: &mut TcpStream, headers: &[&str], body: &[u8], trailers: &str) -> Result<()> {
    chunked_by(stream, headers, body, 7, trailers)
}

fn chunked_by(
    stream: &mut TcpStream,
    headers: &[&str],
    body: &[u8],
    size: usize,
    trailers: &str,
) -> Result<()> {
    let headers = headers.join("\r\n");
    write!(stream, "HTTP/1.1 200 OK\r\n{headers}\r\ntransfer-encoding: chunked\r\n\r\n")?;
    for piece in body.chunks(size) {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(&[piece, b"\r\n"].concat())?;
    }
    write!(stream, "0\r\n{trailers}\r\n")
}

/// Dies, or is silent until the gateway gives up.
fn end(stream: &mut TcpStream, script: &str) -> Result<()> {
    if script.starts_with("stall") {
        while stream.read(&mut [0; 1024]).is_ok_and(|size| size > 0) {}
    }
    stream.shutdown(Shutdown::Both)
}
