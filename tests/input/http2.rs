//! What HTTP/2 alone can send: bodies that end in trailers, streams that are reset, many calls on
//! one connection. Frames are written by hand, header blocks uncompressed (RFC 9113 §4, RFC 7541
//! §6.2.2); of what comes back only the data frames are read.

use crate::rig::{CHAT, MESSAGES, Rig, differs, hello};
use crate::support::client;
use crate::support::stack::{PATIENCE, eventually};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

#[test]
fn every_http2_request_has_its_row() {
    let mut rig = Rig::start("http2");
    let mut problems = Vec::new();
    bodies_that_end_in_trailers_are_read(&rig, &mut problems);
    reset_streams_are_recorded(&rig, &mut problems);
    streams_of_one_connection_are_each_governed(&rig, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

fn bodies_that_end_in_trailers_are_read(rig: &Rig, problems: &mut Vec<String>) {
    let claude = hello("claude-sonnet-4-6");
    let cases = [
        ("h2-trailers", MESSAGES, claude.as_str(), "completed", None, Some(claude.as_str())),
        ("h2-trailers-pinned", CHAT, &hello("gpt-4o"), "completed", None, None),
        ("h2-trailers-denied", CHAT, &hello("gpt-4"), "denied", None, None),
        ("h2-trailers-malformed", CHAT, "{", "denied", Some("malformed_json"), None),
        ("h2-trailers-alone", CHAT, "", "denied", Some("no_body"), None),
    ];
    for (id, path, body, outcome, unread, arrives) in cases {
        let mut connection = connect(rig);
        let mut wire = frame(HEADERS, END_HEADERS, 1, &head(id, path, &[]));
        // Two frames and an empty one, or none at all.
        if !body.is_empty() {
            let (first, second) = body.as_bytes().split_at(body.len() / 2);
            for data in [first, second, b""] {
                wire.extend(frame(DATA, 0, 1, data));
            }
        }
        let trailers = literal("x-trailer", b"late");
        wire.extend(frame(HEADERS, END_HEADERS | END_STREAM, 1, &trailers));
        connection.write_all(&wire).expect("sent");
        let ended = read_until_ended(&mut connection, 1);
        differs(problems, &format!("{id}: ended"), &json!(ended), &json!([1]));
        let row = rig.row(id);
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!(outcome));
        differs(problems, &format!("{id}: unread"), &row["unread"], &json!(unread));
        let called = usize::from(outcome == "completed");
        differs(problems, &format!("{id}: calls"), &json!(rig.calls(id)), &json!(called));
        if let Some(arrives) = arrives {
            let call = rig.upstream.latest().expect("the provider was called");
            let text = String::from_utf8_lossy(&call.body).into_owned();
            differs(problems, &format!("{id}: body"), &json!(text), &json!(arrives));
        }
    }
    let call = rig.upstream.latest().expect("the provider was called");
    let model = &call.json()["model"];
    differs(problems, "h2-trailers-pinned: model", model, &json!("gpt-4o-2025-12-17"));
}

fn reset_streams_are_recorded(rig: &Rig, problems: &mut Vec<String>) {
    let body = hello("claude-sonnet-4-6");
    let cancel = frame(RESET, 0, 1, &8_u32.to_be_bytes());
    for (id, script, reset_after_call) in [
        ("h2-reset-early", "", false),
        ("h2-reset-late", "stall", true),
        ("h2-reset-stream", "stall-stream", true),
    ] {
        let mut connection = connect(rig);
        let head = head(id, MESSAGES, &[("x-script", script.as_bytes())]);
        let end = if reset_after_call { END_STREAM } else { 0 };
        connection.write_all(&frame(HEADERS, END_HEADERS, 1, &head)).expect("sent");
        connection.write_all(&frame(DATA, end, 1, body.as_bytes())).expect("sent");
        if reset_after_call {
            eventually(id, PATIENCE, || (rig.calls(id) > 0).then_some(()));
        }
        connection.write_all(&cancel).expect("sent");
        let row = rig.row(id);
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!("aborted"));
        let called = usize::from(reset_after_call);
        differs(problems, &format!("{id}: calls"), &json!(rig.calls(id)), &json!(called));
    }
}

fn streams_of_one_connection_are_each_governed(rig: &Rig, problems: &mut Vec<String>) {
    const STREAMS: u32 = 50;
    let body = hello("claude-sonnet-4-6");
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    for number in 0..STREAMS {
        let stream = number * 2 + 1;
        let keys: &[(&str, &[u8])] =
            &[("authorization", b"Bearer a"), ("authorization", b"Bearer b")];
        let keys = if number % 5 == 0 { keys } else { &keys[1..] };
        let head = head(&format!("h2-many-{number}"), MESSAGES, keys);
        heads.extend(frame(HEADERS, END_HEADERS, stream, &head));
        bodies.extend(frame(DATA, END_STREAM, stream, body.as_bytes()));
    }
    let mut connection = connect(rig);
    connection.write_all(&[heads, bodies].concat()).expect("sent");
    let ended = read_until_ended(&mut connection, STREAMS as usize);
    differs(problems, "h2-many: ended", &json!(ended.len()), &json!(STREAMS));
    for number in 0..STREAMS {
        let id = format!("h2-many-{number}");
        let row = rig.row(&id);
        let refused = number % 5 == 0;
        let outcome = if refused { "denied" } else { "completed" };
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!(outcome));
        let unread = refused.then_some("duplicate_header");
        differs(problems, &format!("{id}: unread"), &row["unread"], &json!(unread));
    }
}

fn connect(rig: &Rig) -> TcpStream {
    let mut connection = client::connect(&rig.gateway).expect("a connection");
    connection.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, b"")].concat()).expect("sent");
    connection
}

fn head(id: &str, path: &str, more: &[(&str, &[u8])]) -> Vec<u8> {
    let own: [(&str, &[u8]); 6] = [
        (":method", b"POST"),
        (":scheme", b"http"),
        (":authority", b"gateway"),
        (":path", path.as_bytes()),
        ("content-type", b"application/json"),
        ("x-request-id", id.as_bytes()),
    ];
    own.iter().chain(more).flat_map(|(name, value)| literal(name, value)).collect()
}

/// A header that is neither indexed nor compressed; both parts are shorter than 127 bytes.
fn literal(name: &str, value: &[u8]) -> Vec<u8> {
    let size = |bytes: &[u8]| vec![u8::try_from(bytes.len()).expect("short")];
    [vec![0], size(name.as_bytes()), name.as_bytes().to_vec(), size(value), value.to_vec()].concat()
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).expect("short").to_be_bytes();
    [&size[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// Reads frames until so many streams have ended; which those are.
fn read_until_ended(connection: &mut TcpStream, streams: usize) -> BTreeSet<u32> {
    let mut ended = BTreeSet::new();
    while ended.len() < streams {
        let mut head = [0; 9];
        if connection.read_exact(&mut head).is_err() {
            break;
        }
        let size = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        let mut payload = vec![0; size as usize];
        connection.read_exact(&mut payload).expect("a whole frame");
        match (head[3], head[4]) {
            (DATA | HEADERS, flags) if flags & END_STREAM != 0 => {
                ended.insert(stream);
            }
            (SETTINGS, 0) => connection.write_all(&frame(SETTINGS, ACK, 0, b"")).expect("sent"),
            _ => {}
        }
    }
    ended
}
