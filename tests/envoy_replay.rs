//! A candidate policy over ten thousand past records, read through the collector: every number of
//! the report against a count made here from what was put in. Real collector, real Postgres.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod stack;
}

use governance_filter::record::{Kind, Line, Outcome, Summaries, rfc3339, sha256_hex};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use support::client;
use support::stack::{PATIENCE, Stack, eventually};

/// In force when the calls were made.
const THEN: &str = "policies:
- name: doubt
  trigger: confidence < 0.5
  action: flag_for_review
- name: models
  allowed: [gpt-4o-2025-12-17, claude-sonnet-4-6]
- name: gone
  trigger: status >= 500
  action: log
";

const CANDIDATE: &str = "policies:
- name: doubt
  trigger: confidence < 0.75
  action: flag_for_review
- name: models
  allowed: [gpt-4o-2025-12-17]
- name: words
  trigger: prompt.contains('secret')
  action: flag_for_review
";

const CALLS: u64 = 10_000;

/// A call, decided by its number alone.
struct Call {
    model: &'static str,
    confidence: f64,
    caller: String,
    denied: bool,
}

impl Call {
    fn of(number: u64) -> Call {
        let denied = number % 20 == 7;
        let model = match number % 10 {
            _ if denied => "gpt-3.5-turbo-0125",
            0 | 1 => "claude-sonnet-4-6",
            _ => "gpt-4o-2025-12-17",
        };
        let confidence = [0.9, 0.6, 0.3][usize::try_from(number % 3).expect("small")];
        Call { model, confidence, caller: format!("key:{:016x}", number % 8), denied }
    }

    fn doubted(&self, threshold: f64) -> bool {
        !self.denied && self.confidence < threshold
    }

    /// Its outcome as the filter would have sent it.
    fn line(&self, number: u64, at_ms: u64) -> Line {
        let fired = |policy: &str, action: &str, phase: &str| {
            json!({"policy": policy, "result": "fired", "failure": null, "action": action,
                "enforced": true, "phase": phase})
        };
        let triggered = match (self.denied, self.doubted(0.5)) {
            (true, _) => vec![fired("models", "deny", "request")],
            (false, true) => vec![fired("doubt", "flag_for_review", "answer")],
            (false, false) => vec![],
        };
        let answered = |value: Value| if self.denied { Value::Null } else { value };
        let record = json!({
            "v": 1, "decision_id": format!("d-{at_ms:012x}7000800000000000{number:04x}"),
            "created_at": rfc3339(at_ms), "requested_at": rfc3339(at_ms),
            "policy_version": format!("sha256:{}", sha256_hex(THEN.as_bytes())),
            "model": self.model, "requested_model": self.model,
            "served_model": answered(json!(self.model)), "provider": "openai",
            "operation": "chat", "stream": false, "status": if self.denied { 403 } else { 200 },
            "outcome": if self.denied { "denied" } else { "completed" }, "categories": [],
            "actions": [], "triggered": triggered, "input_hash": "00", "input_bytes": 2,
            "input_tokens": 9, "output_tokens": 4, "usage": null, "finish_reason": null,
            "system_fingerprint": null, "refusal": false, "tool_names": [],
            "confidence": answered(json!(self.confidence)),
            "confidence_source": answered(json!("header")), "caller": self.caller,
            "route": null, "gateway": "gw", "trace_id": null, "request_id": null,
            "latency_ms": answered(json!(20)), "first_byte_ms": answered(json!(9)), "unread": null,
            "hold_mode": "strict", "output_summary_digest": null
        });
        let outcome: Outcome = serde_json::from_value(record).expect("a record");
        Line::outcome(&outcome, Summaries::default())
    }
}

fn governance(arguments: &[&str]) -> (String, Option<i32>) {
    let governance = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/release/governance");
    let output = Command::new(governance).arg("replay").args(arguments).output();
    let output = output.expect("run `make build`");
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    (if out.is_empty() { err } else { out }, output.status.code())
}

/// Puts the calls in, a batch at a time, as a gateway does.
fn put_calls(stack: &Stack) -> u64 {
    let state = std::fs::read_to_string(stack.folder().join("data/state.json"));
    let state: Value = serde_json::from_str(&state.expect("the state")).expect("JSON");
    let token = format!("Bearer {}", state["token"].as_str().expect("a token"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_millis();
    let first_ms = u64::try_from(now).expect("before the end of time") - 2 * CALLS;
    let numbers: Vec<u64> = (0..CALLS).collect();
    for batch in numbers.chunks(250) {
        let mut body = Vec::new();
        for number in batch {
            let line = Call::of(*number).line(*number, first_ms + number);
            assert_eq!(line.kind, Kind::Outcome);
            body.extend_from_slice(&line.bytes);
            body.push(b'\n');
        }
        let headers = [("content-type", "application/x-ndjson"), ("authorization", token.as_str())];
        let request = client::post_with("/v1/decisions", &headers, &body);
        let reply = client::send(&stack.address("collector"), &request);
        assert_eq!(reply.status, 200, "{}", reply.text());
        let acks = reply.text();
        let committed = acks.matches(r#""status":"committed""#).count();
        assert_eq!(committed, batch.len(), "{acks}");
    }
    first_ms
}

/// The report of a candidate, as an object, against what was put in.
fn compare(found: &Value) {
    let calls: Vec<Call> = (0..CALLS).map(Call::of).collect();
    let count = |holds: &dyn Fn(&Call) -> bool| calls.iter().filter(|call| holds(call)).count();
    let (denied, claude) = (count(&|c| c.denied), count(&|c| c.model == "claude-sonnet-4-6"));
    let doubt = [0.5, 0.75].map(|threshold| count(&|call| call.doubted(threshold)));
    assert_eq!(found["calls"], CALLS);
    let expected = json!({"before": denied, "after": denied + claude, "newly": claude,
        "no_longer": 0, "unknown": 0});
    assert_eq!(found["refused"], expected);
    let policies = &found["policies"];
    let expected = json!({"before": doubt[0], "after": doubt[1], "newly": doubt[1] - doubt[0],
        "no_longer": 0, "unknown": denied});
    assert_eq!(policies["doubt"]["fired"], expected);
    assert_eq!(policies["doubt"]["unknown"], json!({"the provider was not called": denied}));
    assert_eq!(policies["models"]["fired"]["newly"], claude);
    assert_eq!(policies["words"]["unknown"], json!({"`prompt` is not kept": CALLS}));
    assert_eq!(policies["gone"], Value::Null, "it never fired");
    let callers = found["callers"].as_object().expect("callers");
    assert_eq!(callers.len(), 8);
    for (caller, change) in callers {
        let of =
            |holds: &dyn Fn(&Call) -> bool| count(&|call| call.caller == *caller && holds(call));
        assert_eq!(change["calls"], of(&|_| true));
        let claude = of(&|call| call.model == "claude-sonnet-4-6");
        assert_eq!(change["newly_refused"], claude, "{caller}");
    }
    assert_eq!(found["newly_refused"].as_array().map(Vec::len), Some(5));
}

#[test]
fn a_candidate_tells_what_would_have_changed_and_what_cannot_be_known() {
    let stack = Stack::start("replay", THEN, "http://127.0.0.1:9");
    eventually("the policy to be announced", PATIENCE, || {
        stack.rows("SELECT version FROM ai_policies").pop()
    });
    let since = rfc3339(put_calls(&stack));
    let candidate = stack.folder().join("candidate.yml");
    std::fs::write(&candidate, CANDIDATE).expect("the candidate is written");
    let candidate = candidate.display().to_string();
    let token = stack.folder().join("data/read-token").display().to_string();
    let collector = format!("http://{}", stack.address("collector"));
    let common = ["--policy", &candidate, "--collector", &collector];
    let all = [&common[..], &["--token-file", &token, "--since", &since]].concat();

    let began = Instant::now();
    let (report, code) = governance(&all);
    println!("{report}\n{CALLS} records in {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(code, Some(0), "{report}");
    let (json, code) = governance(&[&all[..], &["--format", "json", "--exit-code"]].concat());
    assert_eq!(code, Some(3), "calls would be refused that were not");
    compare(&serde_json::from_str(&json).expect("JSON"));

    let wrong = stack.folder().join("wrong-token");
    std::fs::write(&wrong, "a-token-of-another-collector\n").expect("the token is written");
    let wrong = wrong.display().to_string();
    let other_token = ["--token-file", &wrong, "--since", &since];
    let (told, code) = governance(&[&common[..], &other_token].concat());
    assert!(told.contains("it answers 401"), "{told}");
    assert_eq!(code, Some(1));
    let no_token = ["--token-file", &candidate, "--since", &since];
    let (told, code) = governance(&[&common[..], &no_token].concat());
    assert!(told.starts_with("--token-file: expected a file that holds the read token"), "{told}");
    assert_eq!(code, Some(1));
    let no_time = ["--token-file", &token, "--since", "yesterday"];
    let (told, code) = governance(&[&common[..], &no_time].concat());
    assert!(told.contains("expected a time such as 2026-03-15T12:00Z, or a date"), "{told}");
    assert_eq!(code, Some(2));
}
