//! A provider under the test's control: speaks HTTP/1.1, notes when it was called and with what,
//! and answers as scripted by the request's path and `x-script` header.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// A call that the provider saw.
#[derive(Clone, Debug)]
pub struct Call {
    /// When its last byte had come.
    pub at: Instant,
    /// `x-test-id` of the request.
    pub id: String,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// The provider; runs until the test's process ends.
#[derive(Clone)]
pub struct Upstream {
    pub url: String,
    calls: Arc<Mutex<Vec<Call>>>,
}

pub const ANSWER: &str = "Hello from the provider.";

// === impl Upstream ===

impl Upstream {
    /// Listens on a free port.
    pub fn start() -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let upstream = Upstream { url: format!("http://{address}"), calls: Arc::default() };
        let calls = Arc::clone(&upstream.calls);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let calls = Arc::clone(&calls);
                std::thread::spawn(move || serve(stream, &calls));
            }
        });
        upstream
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.lock().expect("no thread panicked").clone()
    }

    /// The calls of one request.
    pub fn calls_of(&self, id: &str) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.id == id).collect()
    }
}

// === impl Call ===

impl Call {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

fn serve(mut stream: TcpStream, calls: &Mutex<Vec<Call>>) {
    let _ = stream.set_nodelay(true);
    let Ok(read_half) = stream.try_clone() else { return };
    let mut reader = BufReader::new(read_half);
    while let Some(call) = read_call(&mut reader) {
        calls.lock().expect("no thread panicked").push(call.clone());
        if answer(&mut stream, &call).is_err() {
            return;
        }
    }
}

fn read_call(reader: &mut BufReader<TcpStream>) -> Option<Call> {
    let mut headers = Vec::new();
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|size| *size > 0)?;
    loop {
        let mut bytes = Vec::new();
        reader.read_until(b'\n', &mut bytes).ok().filter(|size| *size > 0)?;
        let line = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None if line.is_empty() => break,
            None => {}
        }
    }
    let mut call = Call { at: Instant::now(), id: String::new(), headers, body: Vec::new() };
    call.id = call.header("x-test-id").unwrap_or_default().to_owned();
    if let Some(length) = call.header("content-length").and_then(|length| length.parse().ok()) {
        call.body = vec![0; length];
        reader.read_exact(&mut call.body).ok()?;
    } else if call.header("transfer-encoding") == Some("chunked") {
        call.body = read_chunks(reader)?;
    }
    call.at = Instant::now();
    Some(call)
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim(), 16).ok()?;
        let mut chunk = vec![0; size];
        reader.read_exact(&mut chunk).ok()?;
        body.append(&mut chunk);
        if size == 0 {
            // Trailers, up to an empty line.
            let mut trailer = String::from("x");
            while !trailer.trim().is_empty() {
                trailer.clear();
                reader.read_line(&mut trailer).ok()?;
            }
            return Some(body);
        }
        reader.read_line(&mut String::new()).ok()?;
    }
}

fn answer(stream: &mut TcpStream, call: &Call) -> std::io::Result<()> {
    let request = call.json();
    let model = request["model"].as_str().unwrap_or("gpt-4o-2025-12-17").to_owned();
    if request["stream"] == true {
        return stream_answer(stream, &model);
    }
    let choice = json!({"index": 0, "finish_reason": "stop", "logprobs": null,
        "message": {"role": "assistant", "content": ANSWER}});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    let body = json!({"id": "chatcmpl-1", "object": "chat.completion", "model": model,
        "choices": [choice], "usage": usage})
    .to_string();
    match call.header("x-script") {
        // Dies in the middle of its answer.
        Some("die") => {
            let half = body.get(..body.len() / 2).unwrap_or_default();
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{half}", body.len())?;
            stream.shutdown(std::net::Shutdown::Both)
        }
        _ => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())
        }
    }
}

fn stream_answer(stream: &mut TcpStream, model: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n")?;
    let mut event = |data: String| {
        let event = format!("data: {data}\n\n");
        write!(stream, "{:x}\r\n{event}\r\n", event.len())
    };
    for word in ANSWER.split_inclusive(' ') {
        let choice = json!({"index": 0, "delta": {"content": word}, "finish_reason": null});
        event(json!({"model": model, "choices": [choice]}).to_string())?;
    }
    let choice = json!({"index": 0, "delta": {}, "finish_reason": "stop"});
    event(json!({"model": model, "choices": [choice]}).to_string())?;
    event("[DONE]".to_owned())?;
    write!(stream, "0\r\n\r\n")
}
