//! `governance eval` as a policy's author runs it on recorded exchanges. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const RECORDED: &str = "tests/fixtures/exchanges/openai-unsure-stream.json";

/// Standard output, standard error and exit status.
fn eval(name: &str, policy: &str, exchange: &str) -> (String, String, Option<i32>) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join(format!("eval-{name}.yml"));
    fs::write(&file, policy).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    let command = command.current_dir(env!("CARGO_MANIFEST_DIR"));
    let output = command.args(["eval", "--policy"]).arg(&file).arg(exchange).output().unwrap();
    let shown = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap().replace(file.to_str().unwrap(), "policy.yml")
    };
    (shown(output.stdout), shown(output.stderr), output.status.code())
}

#[test]
fn each_trigger_shows_its_parts_what_it_read_and_what_came_of_it() {
    let policy = "policies:
- name: doubt
  trigger: \"confidence < 0.75 && (category == 'pii' || output.contains('Foo'))\"
  action: flag_for_review
- name: long
  trigger: output.size() > 100
  action: route_to_human_review
- name: models
  allowed: [gpt-4o-2024-08-06]
";
    let (out, err, code) = eval("parts", policy, RECORDED);
    let version = governance_filter::record::sha256_hex(policy.as_bytes());
    let expected = format!(
        "openai chat of `gpt-4o-2024-08-06` under sha256:{version}
before the provider is called
  unknown caller; categories: none
  not fired   models  policy.yml:8
              none of `allowed`
              model = 'gpt-4o-2024-08-06'
              allowed = ['gpt-4o-2024-08-06']
when the answer is complete
  fired       doubt  flag_for_review  policy.yml:3
              confidence < 0.75 && (category == 'pii' || output.contains('Foo'))
                true      confidence < 0.75
                true      (category == 'pii' || output.contains('Foo'))
              confidence = 0.2860754407212934
              category = 'general'
              output = 'Foo.'
  not fired   long  policy.yml:6
              output.size() > 100
              output = 'Foo.'
  not fired   models  policy.yml:8
              none of `allowed`
              served_model = 'gpt-4o-2024-08-06'
              allowed = ['gpt-4o-2024-08-06']
outcome: completed; actions: flag_for_review
"
    );
    assert_eq!((out.as_str(), err.as_str(), code), (expected.as_str(), "", Some(0)));
}

#[test]
fn a_refusal_shows_what_the_caller_is_told() {
    let policy = "policies:\n- name: models\n  allowed: [gpt-4o-2025-12-17]\n";
    let (out, _, code) = eval("refusal", policy, RECORDED);
    assert!(out.contains("  fired       models  deny  policy.yml:2\n"), "{out}");
    assert!(
        out.contains("outcome: denied; actions: deny\nthe caller is told: 403 {\"error\""),
        "{out}"
    );
    assert!(!out.contains("when the answer is complete"), "the provider is not called: {out}");
    let left = "the answer is not judged: the request is refused\noutcome: denied";
    assert!(out.contains(left), "{out}");
    assert_eq!(code, Some(0), "a refusal is a verdict, not a failure");
}

#[test]
fn a_hold_shows_what_the_caller_is_told_and_that_nobody_was_asked() {
    let policy = "policies:
- {name: desk, trigger: input.stream, action: route_to_human_review, hold: true, message: wait}
";
    let (out, _, code) = eval("hold", policy, RECORDED);
    assert!(
        out.contains("  fired       desk  route_to_human_review, held  policy.yml:2\n"),
        "{out}"
    );
    let left = "the answer is not judged: the request waits for an approval
outcome: held; actions: route_to_human_review
the caller is told: 403 {\"error\":{\"message\":\"wait (policy `desk`, waits for review d-";
    assert!(out.contains(left), "{out}");
    assert_eq!(code, Some(0), "a hold is a verdict, not a failure");
}

#[test]
fn what_cannot_be_evaluated_says_why_and_what_it_counts_as() {
    let policy = "policies:
- name: shut
  trigger: confidence < 0.75
  action: deny
- name: told
  trigger: confidence < 0.75
  action: flag_for_review
";
    let recorded = "tests/fixtures/exchanges/anthropic-plain.json";
    let (out, ..) = eval("failed", policy, recorded);
    let expected = "
  failed      shut  deny  policy.yml:3
              confidence_unknown: counts as fired
              confidence < 0.75
              confidence = unknown
  failed      told  flag_for_review  policy.yml:6
              confidence_unknown: not enforced
              confidence < 0.75
              confidence = unknown
";
    assert!(out.contains(expected), "{out}");
}

#[test]
fn one_exchange_of_a_file_is_found_by_its_id() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("eval-lines.jsonl");
    let line = |id: &str, path: &str| {
        format!(
            "{{\"id\": \"{id}\", \"request\": {{\"method\": \"GET\", \"path\": \"{path}\"}}}}\n"
        )
    };
    fs::write(&file, line("a", "/v1/chat/completions") + &line("b", "/v1/models")).unwrap();
    let file = file.to_str().unwrap();
    let (out, err, code) = eval("lines", "policies: []", &format!("{file}#b"));
    assert_eq!((out.as_str(), code), ("not governed: the path asks no model\n", Some(0)), "{err}");
    let (_, err, code) = eval("lines", "policies: []", &format!("{file}#c"));
    let missing = format!("{file}: expected an exchange with the id `c`, found none\n");
    assert_eq!((err, code), (missing, Some(1)));
}

/// A gateway of somebody's may take its key in any header.
#[test]
fn of_the_headers_only_those_are_shown_that_the_trigger_names() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("eval-headers.json");
    let headers =
        r#"{"x-team": "a", "x-pass": "open sesame", "te": "sesame", "authorization": "Bearer k"}"#;
    let body = r#"{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"#;
    let request =
        format!(r#"{{"path": "/v1/chat/completions", "headers": {headers}, "body": "{body}"}}"#);
    fs::write(&file, format!("{{\"request\": {request}}}")).unwrap();
    let policy =
        "policies:\n- {name: team, trigger: \"request.headers['x-team'] == 'a'\", action: log}\n";
    let (out, err, code) = eval("headers", policy, file.to_str().unwrap());
    let shown = "request = {method: 'POST', path: '/v1/chat/completions', headers: {x-team: 'a'}}";
    assert!(out.contains(shown), "{out}{err}");
    assert!(!out.contains("sesame") && !out.contains("Bearer"), "{out}");
    assert_eq!(code, Some(0));
}

/// What is said of an exchange on standard input.
fn eval_input(name: &str, input: &str, exchange: &str) -> (String, String, Option<i32>) {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("eval-{name}.yml"));
    fs::write(&file, "policies: []").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    command.args(["eval", exchange, "--policy"]).arg(&file);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn the_broken_key_of_an_exchange_is_named_and_its_value_is_not() {
    let request = "{\"path\": \"/v1/chat/completions\"}";
    let cases = [
        ("[1]", "expected an exchange, which is an object, found a list"),
        ("{}", "`request`: expected an object, found none"),
        ("{\"request\": {}}", "`request.path`: expected a text, found none"),
        ("{\"request\": {\"path\": 5}}", "`request.path`: expected a text, found a number"),
        (
            "{\"request\": {\"path\": \"/\", \"body\": {\"prompt\": \"hush\"}}}",
            "`request.body`: expected a text, found an object",
        ),
        (
            "{\"request\": {\"path\": \"/\", \"headers\": {\"x-a\": [\"hush\"]}}}",
            "`request.headers.x-a`: expected a text, found a list",
        ),
        (
            "{\"request\": {\"path\": \"/\", \"headers\": [\"hush\"]}}",
            "`request.headers`: expected an object of texts, found a list",
        ),
        (
            "{\"request\": REQUEST, \"response\": {\"status\": \"hush\"}}",
            "`response.status`: expected a status from 100 to 599, found a text",
        ),
        (
            "{\"request\": REQUEST, \"response\": {\"status\": 99}}",
            "`response.status`: expected a status from 100 to 599, found a number",
        ),
        (
            "{\"request\": REQUEST, \"caller\": {\"subject\": false}}",
            "`caller.subject`: expected a text, found true or false",
        ),
    ];
    for (exchange, expected) in cases {
        let exchange = exchange.replace("REQUEST", request);
        let (out, err, code) = eval_input("shape", &exchange, "-");
        let expected = format!("standard input: {expected}\n");
        assert_eq!((out.as_str(), err, code), ("", expected, Some(1)), "{exchange}");
    }
    let lines = format!("{{\"id\": \"a\", \"request\": {request}}}\n{{\"id\": 7}}\n");
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("eval-shape.jsonl");
    fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let (_, err, _) = eval("shape", "policies: []", &format!("{file}#b"));
    assert_eq!(err, format!("{file}:2: `id`: expected a text, found a number\n"));
    let (_, err, code) = eval_input("shape", "{\"request\": hush}", "-");
    let expected = "standard input:1:13: expected an exchange {\"request\": {\"path\": …}, \"response\": {\"status\": …}}\n";
    assert_eq!((err.as_str(), code), (expected, Some(1)));
    // A recorder may write what it has not as null.
    let null = "{\"id\": null, \"request\": {\"path\": \"/v1/models\", \"method\": \"GET\", \"headers\": null}, \
         \"response\": null, \"caller\": null, \"route\": null}";
    let (out, err, code) = eval_input("shape", null, "-");
    assert_eq!((out.as_str(), code), ("not governed: the path asks no model\n", Some(0)), "{err}");
}

#[test]
fn a_path_that_is_not_known_is_said_to_be_that() {
    let exchange = "{\"request\": {\"path\": \"/v9/think\", \"body\": \"{}\"}}";
    let (out, err, code) = eval_input("path", exchange, "-");
    let version = governance_filter::record::sha256_hex(b"policies: []");
    let expected = format!(
        "the path is none that is known, under sha256:{version}
not read whole: unknown_path
"
    );
    assert!(out.starts_with(&expected), "{out}{err}");
    assert_eq!(code, Some(0));
}
