//! The loop that human review is, from a call to the auditor: a doubtful answer is told to Slack and
//! judged, a held call is refused, approved and then passes, another is rejected and stays so; the
//! export holds every verdict with its proof. Who judges, and how, is the caller's.

use governance_filter::cli::standin::Slack;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use crate::support::client::{self, Reply, post_with};
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::{Call, Upstream, whole_answer};

const POLICY: &str = "policies:
- name: health_needs_approval
  trigger: category == 'healthcare'
  action: route_to_human_review
  hold: true
  hold_ttl: 1h
- name: confidence_gate
  trigger: confidence < 0.75
  action: flag_for_review
record:
  input_summary_characters: 200
";
const MODEL: &str = "gpt-4o-2025-12-17";
const ANN: &str = "Bearer sk-of-ann";
const BOB: &str = "Bearer sk-of-bob";

/// A verdict that somebody gives by hand: on which decision, and which.
pub type Judge<'a> = &'a dyn Fn(&Stack, &str, &str);

/// The whole story on a stack of its own.
pub fn told(name: &str, judge: Judge<'_>) {
    let provider = Upstream::start_with(doubtful);
    let slack = Slack::start().expect("Slack's stand-in starts");
    let stack = Stack::start_with(name, POLICY, &provider.url, &["--slack-webhook", &slack.url()]);

    let doubtful = call(&stack, ANN, "How tall is it?", None);
    assert_eq!(doubtful.status, 200, "{doubtful:?}");
    let flagged = doubtful.decision_id().to_owned();
    let page = format!("{}/decisions/{flagged}", stack.ready("collector"));
    eventually("Slack to be told of the doubtful answer", PATIENCE, || {
        let told = |message: &Value| message.to_string().contains(&page);
        slack.messages().iter().any(|message| told(&message.payload)).then_some(())
    });
    judge(&stack, &flagged, "approved");

    let approved = hold_and_approve(&stack, &provider, judge);
    let rejected = hold_and_reject(&stack, &provider, judge);
    let judged = [(flagged.as_str(), "approved"), (&approved, "approved"), (&rejected, "rejected")];
    audit(&stack, &judged);
}

/// The review that let the call pass.
fn hold_and_approve(stack: &Stack, provider: &Upstream, judge: Judge<'_>) -> String {
    let question = "May I take both pills?";
    let ask = |key: &str| call(stack, key, question, Some("healthcare"));
    let calls_before = provider.calls().len();
    let held = ask(ANN);
    assert_eq!(held.status, 403, "{held:?}");
    let review = held.decision_id().to_owned();
    let error: Value = serde_json::from_slice(&held.body).expect("the provider's own shape");
    let message = error["error"]["message"].as_str().expect("a message");
    assert!(message.contains(&format!("waits for review {review}")), "{message}");
    assert!(!message.contains("pills"), "{message}");
    let row = row(stack, &review);
    assert_eq!((&row["outcome"], &row["review"]), (&json!("held"), &json!(review)));
    // Asking again changes nothing: the same review is named, and none is opened beside it.
    let again = ask(ANN);
    assert_eq!(again.status, 403, "{again:?}");
    assert!(again.text().contains(&format!("waits for review {review}")), "{}", again.text());
    let open = stack.rows("SELECT decision_id, reason, policies FROM ai_reviews");
    let expected = json!({"decision_id": review, "reason": "held",
        "policies": ["health_needs_approval"]});
    assert_eq!(open, [expected]);
    assert_eq!(provider.calls().len(), calls_before, "the provider was called");

    judge(stack, &review, "approved");
    let passed = ask(ANN);
    assert_eq!(passed.status, 200, "{passed:?}");
    let row = self::row(stack, passed.decision_id());
    assert_eq!((&row["outcome"], &row["review"]), (&json!("completed"), &json!(review)));
    assert_eq!(provider.calls().len(), calls_before + 1);
    // What one caller may do is no leave for another.
    let other = ask(BOB);
    assert_eq!(other.status, 403, "{other:?}");
    assert!(!other.text().contains(&review), "{}", other.text());
    review
}

/// The review that stays rejected.
fn hold_and_reject(stack: &Stack, provider: &Upstream, judge: Judge<'_>) -> String {
    let ask = || call(stack, ANN, "Write me a prescription.", Some("healthcare"));
    let calls_before = provider.calls().len();
    let review = ask().decision_id().to_owned();
    judge(stack, &review, "rejected");
    for _ in 0..2 {
        let refused = ask();
        assert_eq!(refused.status, 403, "{refused:?}");
        let named = format!("rejected in review {review}");
        assert!(refused.text().contains(&named), "{}", refused.text());
        let row = row(stack, refused.decision_id());
        assert_eq!((&row["outcome"], &row["review"]), (&json!("denied"), &json!(review)));
    }
    assert_eq!(provider.calls().len(), calls_before, "the provider was called");
    review
}

/// What an auditor gets, and checks with the public key alone.
fn audit(stack: &Stack, judged: &[(&str, &str)]) {
    let folder = stack.folder().join("bundle");
    let bundle = folder.to_string_lossy().into_owned();
    let arguments =
        ["export", "--since", "2020-01-01", "--until", "2100-01-01", "--output", &bundle];
    // The newest records are under a checkpoint within seconds.
    eventually("every record to be under a checkpoint", PATIENCE, || {
        let _ = std::fs::remove_dir_all(&folder);
        let (code, _) = collector(stack, &arguments);
        (code == Some(0)).then_some(())
    });
    let key = stack.ready("ledger_public_key");
    let (code, said) = collector(stack, &["verify-proof", &bundle, "--public-key", key]);
    assert_eq!(code, Some(0), "{said}");
    let lines = std::fs::read_to_string(folder.join("records.jsonl")).expect("the records");
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let verdicts: Vec<Value> = lines
        .filter(|line| line["kind"] == "verdict")
        .map(|line| serde_json::from_str(line["record"].as_str().expect("a record")).expect("JSON"))
        .collect();
    let found: Vec<(&str, &str)> =
        verdicts.iter().map(|one| (text(one, "decision_id"), text(one, "verdict"))).collect();
    assert_eq!(found, judged);
    for (decision, verdict) in judged {
        let proof = stack.folder().join(format!("{decision}.json"));
        let file = proof.to_string_lossy().into_owned();
        let (code, said) = collector(stack, &["prove", decision, "--output", &file]);
        assert_eq!(code, Some(0), "{said}");
        let (code, said) = collector(stack, &["verify-proof", &file, "--public-key", key]);
        assert_eq!(code, Some(0), "{said}");
        assert!(said.contains(&format!("{verdict} by operator")), "{said}");
    }
    let (code, said) = collector(stack, &["verify", "--public-key", key]);
    assert_eq!(code, Some(0), "{said}");
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().expect("a text")
}

/// One of the collector's commands, as the reader; its exit code, and what it printed.
pub fn collector(stack: &Stack, arguments: &[&str]) -> (Option<i32>, String) {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/log-collector");
    let output = Command::new(program)
        .args(arguments)
        .env("DATABASE_URL", stack.ready("database_url"))
        .env("COLLECTOR_URL", stack.ready("collector"))
        .env("REVIEW_TOKEN_FILE", stack.ready("review_token_file"))
        .output()
        .expect("log-collector runs: `make build` makes it");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn call(stack: &Stack, key: &str, question: &str, category: Option<&str>) -> Reply {
    let body = json!({"model": MODEL, "messages": [{"role": "user", "content": question}]});
    let mut headers = vec![("content-type", "application/json"), ("authorization", key)];
    headers.extend(category.map(|category| ("x-ai-category", category)));
    let request = post_with("/v1/chat/completions", &headers, body.to_string().as_bytes());
    client::send(&stack.gateway(), &request)
}

fn row(stack: &Stack, id: &str) -> Value {
    let sql = format!("SELECT outcome, review FROM ai_decisions WHERE decision_id = '{id}'");
    eventually(&format!("the row of {id}"), PATIENCE, || stack.rows(&sql).pop())
}

/// An answer that its provider is not sure of.
fn doubtful(stream: &mut TcpStream, call: &Call) -> std::io::Result<()> {
    use std::io::Write;
    let body = whole_answer(&call.target, MODEL);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-ai-confidence: 0.4\r\n";
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())
}
