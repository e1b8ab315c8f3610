//! Odd answers: passed byte for byte where they can be, recorded as what they were in any case.

use crate::provider;
use crate::rig::{CHAT, MESSAGES, Request, Rig, differs, hello, post};
use crate::support::client::Reply;
use crate::support::stack::{PATIENCE, eventually};
use serde_json::{Value, json};

/// An answer's script, the model asked, what the client's status is, what the row says.
struct Case {
    script: &'static str,
    status: u16,
    outcome: &'static str,
    unread: Option<&'static str>,
}

const fn case(
    script: &'static str,
    status: u16,
    outcome: &'static str,
    unread: Option<&'static str>,
) -> Case {
    Case { script, status, outcome, unread }
}

/// Those that reach the client as the provider sent them.
const UNCHANGED: [Case; 16] = [
    case("", 200, "completed", None),
    case("gzip", 200, "completed", None),
    case("gzip-stream", 200, "completed", None),
    case("trailers", 200, "completed", None),
    case("no-content", 204, "completed", Some("no_body")),
    case("429-json", 429, "upstream_error", None),
    case("500-json", 500, "upstream_error", None),
    case("500-text", 500, "upstream_error", None),
    case("endless-event", 200, "completed", Some("truncated")),
    case("longest-event", 200, "completed", Some("truncated")),
    case("no-event", 200, "completed", Some("no_terminator")),
    case("odd-status", 999, "upstream_error", None),
    case("odd-headers", 200, "completed", None),
    case("early-hints", 200, "completed", None),
    case("200-error", 200, "upstream_error", None),
    case("200-empty", 200, "completed", Some("no_body")),
];

/// Those whose model could not be read: `approved_models` denies, and doubt lets nothing through.
const UNREAD: [Case; 4] = [
    case("bomb", 200, "denied", Some("bomb")),
    case("br", 200, "denied", Some("encoding")),
    case("200-text", 200, "denied", Some("malformed_json")),
    case("switching", 101, "denied", Some("upgrade")),
];

#[test]
fn every_answer_is_passed_as_it_is_or_recorded_as_broken() {
    let mut rig = Rig::start("odd-answers");
    let mut problems = Vec::new();
    for case in UNCHANGED {
        passes_unchanged(&rig, &case, &mut problems);
    }
    for case in UNREAD {
        is_refused_because_it_was_not_read(&rig, &case, &mut problems);
    }
    a_dying_provider_is_recorded_as_such(&rig, &mut problems);
    logprobs_are_taken_out_of_compressed_answers(&rig, &mut problems);
    an_answer_over_the_buffer_is_refused(&rig, &mut problems);
    a_client_that_leaves_is_recorded(&rig, &mut problems);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    rig.assert_nothing_passed_unrecorded();
    rig.assert_unharmed();
}

fn passes_unchanged(rig: &Rig, case: &Case, problems: &mut Vec<String>) {
    let id = format!("answer-{}", case.script);
    let reply = rig.send(&ask(MESSAGES, &claude(), case.script).wire(&id));
    let expected = match case.script {
        "no-content" => Vec::new(),
        script => provider::body(script),
    };
    if reply.body != expected {
        let (found, expected) = (reply.body.len(), expected.len());
        problems.push(format!("{id}: {found} bytes arrived, {expected} were sent, or others"));
    }
    if !reply.complete {
        problems.push(format!("{id}: the answer has no end"));
    }
    differs(problems, &format!("{id}: status"), &json!(reply.status), &json!(case.status));
    let named = reply.header("x-decision-id").is_some();
    differs(problems, &format!("{id}: decision named"), &json!(named), &json!(true));
    check_row(rig, &id, case.outcome, case.unread, Some(case.status), problems);
    let call = rig.upstream.latest().expect("the provider was called");
    differs(problems, &id, &json!(call.header("accept-encoding")), &Value::Null);
}

/// `case.status` is the provider's.
fn is_refused_because_it_was_not_read(rig: &Rig, case: &Case, problems: &mut Vec<String>) {
    let id = format!("answer-{}", case.script);
    let reply = rig.send(&ask(MESSAGES, &claude(), case.script).wire(&id));
    differs(problems, &format!("{id}: status"), &json!(reply.status), &json!(403));
    let retry = reply.header("x-should-retry");
    differs(problems, &format!("{id}: retry"), &json!(retry), &json!("false"));
    let named = reply.text().contains("approved_models");
    differs(problems, &format!("{id}: {}", reply.text()), &json!(named), &json!(true));
    check_row(rig, &id, case.outcome, case.unread, Some(case.status), problems);
}

fn a_dying_provider_is_recorded_as_such(rig: &Rig, problems: &mut Vec<String>) {
    let cases = [
        ("die", 502, "cut", Some("output_incomplete"), Some(200)),
        ("die-stream", 200, "cut", Some("no_terminator"), Some(200)),
        ("no-http", 502, "upstream_error", None, Some(502)),
        ("two-lengths", 502, "upstream_error", None, Some(502)),
        ("long-header", 502, "upstream_error", None, Some(502)),
        ("die-at-once", 503, "upstream_error", None, Some(503)),
    ];
    for (script, status, outcome, unread, recorded) in cases {
        let id = format!("answer-{script}");
        let reply = rig.send(&ask(MESSAGES, &claude(), script).wire(&id));
        differs(problems, &format!("{id}: status"), &json!(reply.status), &json!(status));
        let whole = reply.status == 200 && reply.complete;
        differs(problems, &format!("{id}: arrived whole"), &json!(whole), &json!(false));
        check_row(rig, &id, outcome, unread, recorded, problems);
    }
}

fn logprobs_are_taken_out_of_compressed_answers(rig: &Rig, problems: &mut Vec<String>) {
    for script in ["gzip-logprobs", "gzip-stream-logprobs"] {
        let id = format!("answer-{script}");
        let reply = rig.send(&ask(CHAT, &hello("gpt-4o"), script).wire(&id));
        let text = reply.text();
        let readable = text.contains("Hello from the provider.") && !text.contains("-0.1");
        differs(problems, &format!("{id}: {text}"), &json!(readable), &json!(true));
        differs(problems, &id, &json!(reply.header("content-encoding")), &Value::Null);
        check_row(rig, &id, "completed", None, Some(200), problems);
        let confidence = rig.row(&id)["confidence"].as_f64().unwrap_or(0.0);
        if (confidence - (-0.1_f64).exp()).abs() > 0.001 {
            problems.push(format!("{id}: the confidence is {confidence}"));
        }
    }
}

fn an_answer_over_the_buffer_is_refused(rig: &Rig, problems: &mut Vec<String>) {
    let reply: Reply = rig.send(&ask(MESSAGES, &claude(), "huge").wire("answer-huge"));
    differs(problems, "answer-huge: status", &json!(reply.status), &json!(500));
    let unread = Some("output_incomplete");
    check_row(rig, "answer-huge", "cut", unread, Some(200), problems);
}

fn a_client_that_leaves_is_recorded(rig: &Rig, problems: &mut Vec<String>) {
    let cases = [("stall", "output_incomplete"), ("stall-stream", "no_terminator")];
    for (script, unread) in cases {
        let id = format!("answer-{script}");
        let wire = ask(MESSAGES, &claude(), script).wire(&id);
        let client = crate::support::client::open(&rig.gateway, &wire);
        eventually("the provider's call", PATIENCE, || (rig.calls(&id) > 0).then_some(()));
        if script == "stall-stream" {
            let mut first = [0];
            let read = std::io::Read::read(&mut client.as_ref().expect("connected"), &mut first);
            assert_eq!(read.expect("the stream flows"), 1);
        }
        drop(client);
        check_row(rig, &id, "aborted", Some(unread), None, problems);
    }
}

fn check_row(
    rig: &Rig,
    id: &str,
    outcome: &str,
    unread: Option<&str>,
    status: Option<u16>,
    problems: &mut Vec<String>,
) {
    let row = rig.row(id);
    differs(problems, &format!("{id}: outcome"), &row["outcome"], &json!(outcome));
    differs(problems, &format!("{id}: unread"), &row["unread"], &json!(unread));
    if let Some(status) = status {
        differs(problems, &format!("{id}: recorded status"), &row["status"], &json!(status));
    }
}

fn ask<'a>(path: &'a str, body: &'a str, script: &'a str) -> Request<'a> {
    post(path, body.as_bytes()).with("x-script", script.as_bytes())
}

fn claude() -> String {
    hello("claude-sonnet-4-6")
}
