//! A client that sees bytes: HTTP/1.1 by hand, every read with its time. The SDK tests use the
//! official packages; this one shows what left the gateway and when.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// What a call brought back.
#[derive(Debug, Default)]
pub struct Reply {
    /// Status; 0 where not even a status line came.
    pub status: u16,
    /// Header lines, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, transfer coding removed.
    pub body: Vec<u8>,
    /// Every read: when it came, and what.
    pub reads: Vec<(Instant, Vec<u8>)>,
    /// The body came to its end.
    pub complete: bool,
}

/// Longest silence a call sits through.
const SILENCE: Duration = Duration::from_secs(60);

/// A request with a JSON body.
pub fn post(path: &str, body: &str) -> Vec<u8> {
    post_with(path, &[("content-type", "application/json")], body.as_bytes())
}

/// A POST with these headers and a `content-length`.
pub fn post_with(path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut request = format!("POST {path} HTTP/1.1\r\nhost: gateway\r\nconnection: close\r\n");
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    [request.as_bytes(), body].concat()
}

/// Body of a GET.
pub fn get(address: &str, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    String::from_utf8_lossy(&send(address, request.as_bytes()).body).into_owned()
}

/// Sends raw bytes and reads to the end of the answer. Reads while it sends: a gateway that
/// refuses early stops reading, and what it answered is lost once it has closed.
pub fn send(address: &str, request: &[u8]) -> Reply {
    let Some(stream) = connect(address) else { return Reply::default() };
    let Ok(mut sending) = stream.try_clone() else { return Reply::default() };
    std::thread::scope(|scope| {
        scope.spawn(move || sending.write_all(request));
        let closing = stream.try_clone();
        let reply = read(stream);
        // Whatever is still being sent has nobody left to read it.
        let _ = closing.map(|stream| stream.shutdown(Shutdown::Both));
        reply
    })
}

/// Sends raw bytes and leaves the answer unread.
pub fn open(address: &str, request: &[u8]) -> Option<TcpStream> {
    let mut stream = connect(address)?;
    // A gateway that refuses early stops reading: what matters then is its answer.
    let _ = stream.write_all(request);
    Some(stream)
}

/// A connection that fails rather than waits for ever.
pub fn connect(address: &str) -> Option<TcpStream> {
    let stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(SILENCE)).ok()?;
    stream.set_nodelay(true).ok()?;
    Some(stream)
}

/// Reads an answer to its end.
pub fn read(mut stream: TcpStream) -> Reply {
    let mut reply = Reply::default();
    let mut wire = Vec::new();
    let mut chunk = vec![0; 64 << 10];
    while !reply.complete {
        match stream.read(&mut chunk) {
            Ok(0) | Err(_) => {
                reply.parse(&wire, true);
                break;
            }
            Ok(size) => {
                let bytes = chunk.get(..size).unwrap_or_default();
                reply.reads.push((Instant::now(), bytes.to_vec()));
                wire.extend_from_slice(bytes);
                reply.parse(&wire, false);
            }
        }
    }
    reply
}

// === impl Reply ===

impl Reply {
    /// Value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// The decision's id.
    pub fn decision_id(&self) -> &str {
        self.header("x-decision-id").unwrap_or_else(|| panic!("no x-decision-id: {self:?}"))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// When the wire first showed these bytes, all reads taken together.
    pub fn seen_at(&self, bytes: &[u8]) -> Option<Instant> {
        let mut so_far = Vec::new();
        self.reads.iter().find_map(|(at, read)| {
            so_far.extend_from_slice(read);
            so_far.windows(bytes.len()).any(|window| window == bytes).then_some(*at)
        })
    }

    fn parse(&mut self, wire: &[u8], closed: bool) {
        let Some(end) = wire.windows(4).position(|window| window == b"\r\n\r\n") else { return };
        let (head, rest) = wire.split_at(end + 4);
        if head.starts_with(b"HTTP/1.1 100") || head.starts_with(b"HTTP/1.1 103") {
            // An interim answer; the answer follows.
            return self.parse(rest, closed);
        }
        let head = String::from_utf8_lossy(head);
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        self.status = status.and_then(|status| status.parse().ok()).unwrap_or(0);
        self.headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let length = self.header("content-length").and_then(|length| length.parse::<usize>().ok());
        if self.header("transfer-encoding") == Some("chunked") {
            (self.body, self.complete) = dechunked(rest);
        } else {
            self.body = rest.to_vec();
            self.complete = match length {
                Some(length) => rest.len() >= length,
                None => closed || self.status == 204,
            };
        }
    }
}

/// The chunks' bytes, and whether the last chunk was among them.
fn dechunked(mut rest: &[u8]) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    while let Some(line_end) = rest.windows(2).position(|window| window == b"\r\n") {
        let (line, after) = rest.split_at(line_end);
        let size = usize::from_str_radix(String::from_utf8_lossy(line).trim(), 16).unwrap_or(0);
        if size == 0 {
            return (body, true);
        }
        let Some(chunk) = after.get(2..2 + size) else { break };
        body.extend_from_slice(chunk);
        rest = after.get(2 + size + 2..).unwrap_or_default();
    }
    (body, false)
}
