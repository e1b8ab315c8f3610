//! Odd requests: each has its status and its row, and none reaches the provider unrecorded.

use crate::rig::{CHAT, MESSAGES, Request, Rig, chunks, differs, hello, post};
use crate::support::client;
use crate::support::stack::{PATIENCE, eventually};
use serde_json::json;
use std::io::Read;

const GPT: &str = "gpt-4o-2025-12-17";

/// What is to become of a request.
#[derive(Clone, Copy)]
enum Fate {
    /// The provider answered.
    Completed,
    /// Refused with this status, and `unread` says why.
    Denied(u16, Option<&'static str>),
    /// No inference: passed, counted, no row.
    Passed,
    /// Envoy refuses it before any filter sees it: no call, no row.
    ByEnvoy(u16),
}
use Fate::{ByEnvoy, Completed, Denied, Passed};

/// Name, bytes, fate.
type Case = (&'static str, Vec<u8>, Fate);

#[test]
fn every_request_has_its_status_and_its_row() {
    let mut rig = Rig::start("odd-requests");
    let mut problems = Vec::new();
    let cases = [bodies(), shapes(), headers(), paths(), protocol()].concat();
    for (name, wire, fate) in &cases {
        check(&rig, name, wire, *fate, &mut problems);
    }
    identity_is_what_the_header_says(&rig, &mut problems);
    pipelined_requests_are_each_governed(&rig, &mut problems);
    a_client_that_leaves_early_is_recorded(&rig, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

fn check(rig: &Rig, name: &str, wire: &[u8], fate: Fate, problems: &mut Vec<String>) {
    let passed_before = rig.stack.counter("requests_passed_total");
    let reply = rig.send(wire);
    let (status, called) = match fate {
        Completed | Passed => (200, 1),
        Denied(status, _) | ByEnvoy(status) => (status, 0),
    };
    differs(problems, &format!("{name}: status"), &json!(reply.status), &json!(status));
    if let Completed | Denied(..) = fate {
        if reply.header("x-decision-id").is_none() {
            problems.push(format!("{name}: the answer names no decision: {}", reply.text()));
            return;
        }
        let row = rig.stack.decision(reply.decision_id());
        let (outcome, unread) = match fate {
            Denied(_, unread) => ("denied", unread),
            Completed | Passed | ByEnvoy(_) => ("completed", None),
        };
        differs(problems, &format!("{name}: outcome"), &row["outcome"], &json!(outcome));
        differs(problems, &format!("{name}: unread"), &row["unread"], &json!(unread));
        differs(problems, &format!("{name}: recorded status"), &row["status"], &json!(status));
    }
    if let Passed | ByEnvoy(_) = fate {
        let passed = rig.stack.counter("requests_passed_total") - passed_before;
        let expected = u64::from(matches!(fate, Passed));
        differs(problems, &format!("{name}: counted as passed"), &json!(passed), &json!(expected));
        differs(problems, &format!("{name}: rows"), &json!(rig.rows(name)), &json!([]));
    }
    differs(problems, &format!("{name}: calls"), &json!(rig.calls(name)), &json!(called));
}

/// A chat request of these bytes.
fn chat(name: &'static str, body: impl AsRef<[u8]>, fate: Fate) -> Case {
    (name, post(CHAT, body.as_ref()).wire(name), fate)
}

/// A chat request that is in order but for these headers.
fn with(name: &'static str, headers: &[(&str, &[u8])], fate: Fate) -> Case {
    let body = hello(GPT);
    let mut request = post(CHAT, body.as_bytes());
    for (name, value) in headers {
        request = request.with(name, value);
    }
    (name, request.wire(name), fate)
}

fn bodies() -> Vec<Case> {
    let deep = format!(r#"{{"model":"{GPT}","x":{}1{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let bom = ["\u{feff}", hello(GPT).as_str()].concat();
    let latin = hello(GPT).replace("hello", "h\u{e9}llo");
    let latin: Vec<u8> = latin.chars().map(|one| one as u8).collect();
    vec![
        chat("malformed", r#"{"model":"#, Denied(403, Some("malformed_json"))),
        chat("no-json", "hello", Denied(403, Some("malformed_json"))),
        chat("two-values", hello(GPT).repeat(2), Denied(403, Some("malformed_json"))),
        chat("an-array", "[]", Denied(403, Some("unknown_shape"))),
        chat("no-messages", r#"{"model":"gpt-4o"}"#, Denied(403, Some("unknown_shape"))),
        chat("no-body", "", Denied(403, Some("no_body"))),
        chat("blank-body", " \r\n", Denied(403, Some("no_body"))),
        chat("deep", deep, Denied(403, Some("too_deep"))),
        chat("byte-order-mark", bom, Denied(403, Some("malformed_json"))),
        chat("not-utf-8", latin, Denied(403, Some("malformed_json"))),
        chat("nul-bytes", [0; 64], Denied(403, Some("malformed_json"))),
    ]
}

fn shapes() -> Vec<Case> {
    let body = |more: &str| hello(GPT).replacen('{', &format!("{{{more},"), 1);
    let says = |text: &str| hello(GPT).replace("hello", text);
    let keys: Vec<String> = (0..100_000).map(|n| format!(r#""k{n}":{n}"#)).collect();
    let duplicate = Denied(403, Some("duplicate_key"));
    let malformed = Denied(403, Some("malformed_json"));
    vec![
        chat("model-twice", body(r#""model":"gpt-4""#), duplicate),
        chat("model-twice-escaped", body(r#""\u006dodel":"gpt-4""#), duplicate),
        chat("messages-twice", body(r#""messages":[]"#), duplicate),
        chat("harmless-key-twice", body(r#""user":"a","user":"b""#), Completed),
        chat("hundred-thousand-keys", body(&keys.join(",")), Completed),
        chat("huge-number", body(r#""temperature":1e400000"#), Completed),
        chat("huge-number-in-a-flag", body(r#""stream":1e400000"#), malformed),
        chat("surrogate-in-the-prompt", says(r"\ud800"), malformed),
        chat("surrogate-elsewhere", body(r#""user":"\ud800""#), Completed),
        chat("nul-in-the-prompt", says(r"a\u0000b"), Completed),
        chat("nul-in-the-model", hello(r"gpt\u0000"), Denied(403, None)),
        chat("nul-in-the-category", body(r#""metadata":{"category":"a\u0000"}"#), Completed),
        chat("model-of-a-megabyte", hello(&"x".repeat(1 << 20)), Denied(403, None)),
        chat("stream-as-text", body(r#""stream":"yes""#), Denied(403, Some("unknown_shape"))),
    ]
}

fn headers() -> Vec<Case> {
    let duplicate = Denied(403, Some("duplicate_header"));
    let content = Denied(403, Some("unknown_content"));
    let encoding = Denied(403, Some("encoding"));
    let bearer: &[u8] = b"Bearer \xff\xfe\x80";
    let long = vec![b'x'; 50_000];
    let too_long = vec![b'x'; 62_000];
    let (json, form): (&[u8], &[u8]) = (b"application/json", b"multipart/form-data; boundary=x");
    let body = hello(GPT);
    let typed = |name: &'static str, value: &[u8], fate: Fate| {
        let request = Request {
            method: "POST",
            path: CHAT,
            headers: vec![("content-type", value)],
            body: body.as_bytes(),
        };
        (name, request.wire(name), fate)
    };
    vec![
        with("key-not-utf-8", &[("authorization", bearer)], Completed),
        with("category-not-utf-8", &[("x-ai-category", b"\xff,pii")], Completed),
        with("trace-not-utf-8", &[("traceparent", b"00-\xff-\xff-01")], Completed),
        with("any-not-utf-8", &[("x-any", b"\xc0\xaf\xed\xa0\x80")], Completed),
        typed("type-not-utf-8", b"application/json\xff", content),
        typed("text", b"text/plain", content),
        typed("form", form, content),
        with("type-twice", &[("content-type", json)], content),
        with(
            "key-twice",
            &[("authorization", b"Bearer a"), ("authorization", b"Bearer b")],
            duplicate,
        ),
        with("key-with-a-comma", &[("authorization", b"AWS4-HMAC-SHA256 a=b, c=d")], Completed),
        with("x-key-twice", &[("x-api-key", b"a"), ("x-api-key", b"b")], duplicate),
        with("gzip-request", &[("content-encoding", b"gzip")], encoding),
        with("identity-request", &[("content-encoding", b"identity")], Completed),
        with("long-header", &[("x-long", &long)], Completed),
        with("too-long-header", &[("x-long", &too_long)], ByEnvoy(431)),
        with("many-categories", &[("x-ai-category", &b"a,".repeat(5_000))], Completed),
    ]
}

fn paths() -> Vec<Case> {
    let body = hello(GPT);
    let bare = |name: &'static str, method: &str, path: &str, fate: Fate| {
        let request = Request { method, path, headers: Vec::new(), body: b"" };
        (name, [request.head(name), b"\r\n".to_vec()].concat(), fate)
    };
    let to = |name: &'static str, path: &str, fate: Fate| {
        (name, post(path, body.as_bytes()).wire(name), fate)
    };
    let path = Denied(403, Some("unknown_path"));
    let content = Denied(403, Some("unknown_content"));
    vec![
        to("unknown-path", "/v1/unheard_of", path),
        to("path-in-capitals", "/V1/Chat/Completions", path),
        to("empty-segment", "/v1//chat/completions", Completed),
        to("empty-first-segment", "//v1/chat/completions", Completed),
        to("slash-at-the-end", "/v1/chat/completions/", path),
        to("escaped-slash", "/v1/chat%2fcompletions", path),
        to("path-behind-a-query", "/v1/unheard_of?/v1/models", path),
        to("post-to-the-models", "/v1/models", content),
        bare("get-chat", "GET", CHAT, content),
        bare("head-chat", "HEAD", CHAT, content),
        bare("delete-messages", "DELETE", MESSAGES, content),
        bare("post-without-length", "POST", CHAT, content),
        bare("get-root", "GET", "/", path),
        bare("models", "GET", "/v1/models", Passed),
        bare("head-of-models", "HEAD", "/v1/models", Passed),
        bare("options-of-chat", "OPTIONS", CHAT, Passed),
    ]
}

fn protocol() -> Vec<Case> {
    let body = hello(GPT);
    let request = post(CHAT, body.as_bytes());
    let mut trailers = [request.head("trailers"), b"transfer-encoding: chunked\r\n\r\n".to_vec()];
    trailers[1].extend([chunks(body.as_bytes(), 5), b"x-trailer: late\r\n\r\n".to_vec()].concat());
    let both: &[(&str, &[u8])] = &[("transfer-encoding", b"chunked")];
    let websocket: &[(&str, &[u8])] = &[("connection", b"upgrade"), ("upgrade", b"websocket")];
    let h2c: &[(&str, &[u8])] = &[("connection", b"upgrade"), ("upgrade", b"h2c")];
    let connect = b"CONNECT example.org:443 HTTP/1.1\r\nhost: example.org:443\r\n\
                    x-request-id: connect\r\n\r\n";
    let old = request.wire("http-1-0");
    let old = String::from_utf8(old).expect("text").replace("HTTP/1.1", "HTTP/1.0");
    vec![
        ("in-chunks", request.chunked("in-chunks"), Completed),
        ("trailers", trailers.concat(), Completed),
        with("expects-100", &[("expect", b"100-continue")], Completed),
        with("websocket", websocket, Denied(403, Some("upgrade"))),
        with("h2c", h2c, Completed),
        ("connect", connect.to_vec(), Denied(403, Some("upgrade"))),
        with("length-and-chunks", both, ByEnvoy(400)),
        with("two-lengths", &[("content-length", b"1")], ByEnvoy(400)),
        ("http-1-0", old.into_bytes(), ByEnvoy(426)),
        ("no-http", b"hello\r\n\r\n".to_vec(), ByEnvoy(400)),
    ]
}

fn identity_is_what_the_header_says(rig: &Rig, problems: &mut Vec<String>) {
    let hash = |key: &[u8]| governance_filter::record::sha256_hex(key)[..16].to_owned();
    let body = hello(GPT);
    for (id, key) in [("caller", b"sk-plain".as_slice()), ("caller-not-utf-8", b"\xff\xfe\x80")] {
        let header = [b"Bearer ", key].concat();
        rig.send(&post(CHAT, body.as_bytes()).with("authorization", &header).wire(id));
        let expected = json!(format!("key:{}", hash(key)));
        differs(problems, &format!("{id}: caller"), &rig.row(id)["caller"], &expected);
    }
    let row = rig.row("category-not-utf-8");
    differs(problems, "category beside bad bytes", &row["categories"], &json!([]));
    let row = rig.row("trace-not-utf-8");
    differs(problems, "trace of bad bytes", &row["trace_id"], &json!(null));
}

fn pipelined_requests_are_each_governed(rig: &Rig, problems: &mut Vec<String>) {
    let body = hello(GPT);
    let ids = ["pipelined-1", "pipelined-2", "pipelined-3", "pipelined-4"];
    let mut wire = Vec::new();
    for (number, id) in ids.iter().enumerate() {
        let body = if number == 1 { "{}" } else { body.as_str() };
        let text = String::from_utf8(post(CHAT, body.as_bytes()).wire(id)).expect("text");
        let last = number + 1 == ids.len();
        let connection = if last { "connection: close" } else { "connection: keep-alive" };
        wire.extend(text.replace("connection: close", connection).into_bytes());
    }
    let mut answers = Vec::new();
    let mut stream = client::open(&rig.gateway, &wire).expect("a connection");
    stream.read_to_end(&mut answers).expect("answers");
    let answers = String::from_utf8_lossy(&answers).into_owned();
    let statuses: Vec<&str> = answers
        .match_indices("HTTP/1.1 ")
        .filter_map(|(at, _)| answers.get(at + 9..at + 12))
        .collect();
    differs(problems, "pipelined", &json!(statuses), &json!(["200", "403", "200", "200"]));
    for id in ids {
        rig.row(id);
    }
}

fn a_client_that_leaves_early_is_recorded(rig: &Rig, problems: &mut Vec<String>) {
    let body = hello(GPT);
    let half = |wire: Vec<u8>| wire[..wire.len() - 20].to_vec();
    let request = post(CHAT, body.as_bytes());
    for (id, wire) in [
        ("left-early", half(request.wire("left-early"))),
        ("left-early-in-chunks", half(request.chunked("left-early-in-chunks"))),
        ("left-before-the-body", request.with("content-length", b"9").head("left-before-the-body")),
    ] {
        let ended = if id == "left-before-the-body" { b"\r\n".to_vec() } else { Vec::new() };
        let governed = rig.stack.counter("exchanges_governed_total");
        let client = client::open(&rig.gateway, &[wire, ended].concat());
        eventually(id, PATIENCE, || {
            (rig.stack.counter("exchanges_governed_total") > governed).then_some(())
        });
        drop(client);
        let row = rig.row(id);
        differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!("aborted"));
        let unread = json!("input_incomplete");
        differs(problems, &format!("{id}: unread"), &row["unread"], &unread);
        differs(problems, &format!("{id}: calls"), &json!(rig.calls(id)), &json!(0));
    }
}
