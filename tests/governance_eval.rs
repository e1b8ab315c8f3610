//! `governance eval` as a policy's author runs it on recorded exchanges. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

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
    assert_eq!(code, Some(0), "a refusal is a verdict, not a failure");
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
    assert!(out.contains("  failed      shut  deny: confidence_unknown  policy.yml:3\n"), "{out}");
    let counted =
        "  failed      told  flag_for_review, not enforced: confidence_unknown  policy.yml:6\n";
    assert!(out.contains(counted), "{out}");
    assert!(out.contains("              confidence = unknown\n"), "{out}");
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
    let headers = r#"{"x-team": "a", "x-pass": "open sesame", "authorization": "Bearer k"}"#;
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
