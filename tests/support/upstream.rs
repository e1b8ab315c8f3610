//! A provider under the test's control: speaks HTTP/1.1, notes when it was called and with what,
//! and answers as scripted by the request's `x-script` header: `die`, `hold`.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// A call that the provider saw.
#[derive(Clone, Debug)]
pub struct Call {
    /// When its last byte had come.
    pub at: Instant,
    /// Method and path, as in the request line.
    pub target: String,
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
    answer: Answer,
    calls: Arc<Mutex<Vec<Call>>>,
    let_go: Arc<LetGo>,
}

/// Ids of the held calls that may be answered.
#[derive(Default)]
struct LetGo {
    ids: Mutex<Vec<String>>,
    more: Condvar,
}

/// Time between two events of a stream.
const PACE: Duration = Duration::from_millis(15);

/// Answers a call on its connection; an error ends the connection.
pub type Answer = fn(&mut TcpStream, &Call) -> std::io::Result<()>;

pub const ANSWER: &str = "Hello from the provider.";

// === impl Upstream ===

impl Upstream {
    /// Listens on a free port.
    pub fn start() -> Upstream {
        Upstream::start_with(answer)
    }

    /// The same with answers of the test's own.
    pub fn start_with(answer: Answer) -> Upstream {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let url = format!("http://{address}");
        let upstream = Upstream { url, answer, calls: Arc::default(), let_go: Arc::default() };
        let provider = upstream.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let provider = provider.clone();
                std::thread::spawn(move || serve(stream, &provider));
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
        let calls = self.calls.lock().expect("no thread panicked");
        calls.iter().filter(|call| call.id == id).cloned().collect()
    }

    /// How many calls are such, without a copy of their bodies.
    pub fn count(&self, such: impl Fn(&Call) -> bool) -> usize {
        self.calls.lock().expect("no thread panicked").iter().filter(|call| such(call)).count()
    }

    /// The latest call.
    pub fn latest(&self) -> Option<Call> {
        self.calls.lock().expect("no thread panicked").last().cloned()
    }

    /// Answers a call with `x-script: hold`, which is silent until then.
    pub fn let_go(&self, id: &str) {
        self.let_go.ids.lock().expect("no thread panicked").push(id.to_owned());
        self.let_go.more.notify_all();
    }
}

// === impl Call ===

impl Call {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The body, `null` where it is no JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }
}

// === impl LetGo ===

impl LetGo {
    fn wait_for(&self, id: &str) {
        let ids = self.ids.lock().expect("no thread panicked");
        let held = |ids: &mut Vec<String>| !ids.iter().any(|one| one == id);
        let _ids = self.more.wait_while(ids, held).expect("no thread panicked");
    }
}

fn serve(mut stream: TcpStream, provider: &Upstream) {
    let _ = stream.set_nodelay(true);
    let Ok(read_half) = stream.try_clone() else { return };
    let mut reader = BufReader::new(read_half);
    while let Some(call) = read_call(&mut reader) {
        provider.calls.lock().expect("no thread panicked").push(call.clone());
        if call.header("x-script") == Some("hold") {
            provider.let_go.wait_for(&call.id);
        }
        if (provider.answer)(&mut stream, &call).is_err() {
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
    let mut target = line.split(' ');
    let target = [target.next()?, target.next()?].join(" ");
    let mut call =
        Call { at: Instant::now(), target, id: String::new(), headers, body: Vec::new() };
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

/// Answers in the shape of the path's API, streamed where the request asks for it.
pub fn answer(stream: &mut TcpStream, call: &Call) -> std::io::Result<()> {
    let request = call.json();
    let model = request["model"].as_str().unwrap_or("gpt-4o-2025-12-17").to_owned();
    if request["stream"] == true {
        return stream_answer(stream, &model);
    }
    let body = whole_answer(&call.target, &model);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    match call.header("x-script") {
        // Dies in the middle of its answer.
        Some("die") => {
            let half = body.get(..body.len() / 2).unwrap_or_default();
            write!(stream, "{head}content-length: {}\r\n\r\n{half}", body.len())?;
            stream.shutdown(std::net::Shutdown::Both)
        }
        _ => write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len()),
    }
}

/// A whole answer in the shape of the path's API.
pub fn whole_answer(target: &str, model: &str) -> String {
    if target.contains("/v1/messages") {
        let block = json!({"type": "text", "text": ANSWER});
        return json!({"id": "msg_1", "type": "message", "role": "assistant", "model": model,
            "content": [block], "stop_reason": "end_turn", "stop_sequence": null,
            "usage": {"input_tokens": 3, "output_tokens": 5}})
        .to_string();
    }
    let choice = json!({"index": 0, "finish_reason": "stop", "logprobs": null,
        "message": {"role": "assistant", "content": ANSWER}});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8});
    json!({"id": "chatcmpl-1", "object": "chat.completion", "model": model,
        "choices": [choice], "usage": usage})
    .to_string()
}

fn stream_answer(stream: &mut TcpStream, model: &str) -> std::io::Result<()> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n";
    write!(stream, "{head}transfer-encoding: chunked\r\n\r\n")?;
    let mut event = |data: String| {
        // As a model writes: what comes at once would be one chunk, and its terminal event with it.
        std::thread::park_timeout(PACE);
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
