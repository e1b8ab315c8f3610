//! `governance test` as a policy's author runs it: the shipped policy's own cases, what a failing
//! case shows, the report for build servers, and its exit status. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder of a test's own.
struct Folder(PathBuf);

/// What a run printed and its exit status.
struct Ran {
    out: String,
    err: String,
    code: Option<i32>,
}

const POLICY: &str = "policies:
- name: doubt
  trigger: confidence < 0.5
  action: flag_for_review
- name: secrecy
  trigger: prompt.contains('secret')
  action: deny
";

const CASES: &str = "cases:
- name: doubt is flagged
  request: { model: m, prompt: Hello }
  answer: { output: Hi, confidence: 0.4 }
  expect: { fired: [doubt], actions: [flag_for_review] }
- name: secrets <pass>
  request: { model: m, prompt: a secret }
  expect: { verdict: allowed, fired: [], message: please }
- name: another
  request: { model: m, prompt: Hello }
  answer: { output: Hi }
  expect: { failed: [], fired: [dout] }
";

const ONE: &str = "cases:
- name: doubt
  request: { model: m }
  answer: { confidence: 0.4 }
  expect: { fired: [doubt] }
";

// === impl Folder ===

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("test-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn with(self, file: &str, text: &str) -> Self {
        fs::write(self.0.join(file), text).unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(&self.0, arguments)
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    let output = command.arg("test").args(arguments).current_dir(folder).output().unwrap();
    Ran {
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code(),
    }
}

#[test]
fn the_shipped_policy_passes_its_own_cases_which_cover_it() {
    let ran = run(Path::new(env!("CARGO_MANIFEST_DIR")), &[]);
    println!("{}", ran.out);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert!(ran.out.contains("3 of 3 policies are seen both to fire and not to"));
    assert!(!ran.out.contains("FAIL"));
}

#[test]
fn a_failing_case_shows_what_was_expected_and_found() {
    let folder = Folder::new("failing").with("p.yml", POLICY).with("p_test.yml", CASES);
    let ran = folder.run(&[]);
    let version = governance_filter::record::sha256_hex(POLICY.as_bytes());
    let expected = format!(
        "p_test.yml under p.yml
  ok    doubt is flagged
  FAIL  secrets <pass>  p_test.yml:6
        verdict: expected allowed, found denied
        fired: expected none, found secrecy
        message: expected `please` in it, found `refused by policy `secrecy``
  FAIL  another  p_test.yml:9
        fired: expected dout (there is no policy `dout`), found none
        failed: expected none, found doubt
coverage of p.yml sha256:{version}
  doubt    fired 1, not fired 0, failed 1, not judged 1  never seen not to fire
  secrecy  fired 1, not fired 2
  1 of 2 policies are seen both to fire and not to
1 of 3 cases pass
"
    );
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), (expected.as_str(), "", Some(1)));
}

#[test]
fn a_policy_that_no_case_sets_off_is_called_out() {
    let folder = Folder::new("gaps").with("p.yml", POLICY).with("p_test.yml", ONE);
    let ran = folder.run(&["p_test.yml"]);
    assert!(
        ran.out.contains("  doubt    fired 1, not fired 0  never seen not to fire\n"),
        "{}",
        ran.out
    );
    assert!(
        ran.out.contains("  secrecy  fired 0, not fired 1  never fires in a case\n"),
        "{}",
        ran.out
    );
    assert_eq!(ran.code, Some(0), "a gap is no failure");
}

#[test]
fn build_servers_get_junit() {
    let folder = Folder::new("junit").with("p.yml", POLICY).with("p_test.yml", CASES);
    let ran = folder.run(&["--format", "junit"]);
    let expected = r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="p_test.yml" tests="3" failures="2" errors="0">
    <testcase name="doubt is flagged" classname="p_test.yml" file="p_test.yml" line="2"/>
    <testcase name="secrets &lt;pass&gt;" classname="p_test.yml" file="p_test.yml" line="6"><failure message="verdict: expected allowed, found denied; fired: expected none, found secrecy; message: expected `please` in it, found `refused by policy `secrecy``"/></testcase>
    <testcase name="another" classname="p_test.yml" file="p_test.yml" line="9"><failure message="fired: expected dout (there is no policy `dout`), found none; failed: expected none, found doubt"/></testcase>
  </testsuite>
</testsuites>
"#;
    assert_eq!((ran.out.as_str(), ran.code), (expected, Some(1)));
}

#[test]
fn a_candidate_can_be_put_in_the_policys_place() {
    let candidate = POLICY.replace("confidence < 0.5", "confidence < 0.3");
    let folder = Folder::new("candidate").with("p.yml", POLICY).with("p_test.yml", CASES);
    let folder = folder.with("candidate.yml", &candidate);
    let ran = folder.run(&["--policy", "candidate.yml", "p_test.yml"]);
    assert!(ran.out.contains("fired: expected doubt, found none"), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn only_what_was_evaluated_to_false_counts_as_not_fired() {
    let policy = "policies:
- name: gate
  trigger: confidence < 0.5
  action: flag_for_review
- name: models
  allowed: [m]
- name: trial
  trigger: output.contains('trial')
  action: deny
  mode: observe
";
    let cases = "cases:
- name: doubtful
  request: { model: m }
  answer: { confidence: 0.4, output: a trial, served_model: m }
  expect: { fired: [gate], would_fire: [trial] }
- name: sure
  request: { model: m }
  answer: { confidence: 0.9, served_model: m }
  expect: { fired: [] }
- name: unknown
  request: { model: m }
  answer: { output: Hi, served_model: m }
  expect: { failed: [gate] }
- name: refused before
  request: { model: x }
  answer: { confidence: 0.4, output: a trial }
  expect: { fired: [models] }
- name: without an answer
  request: { model: m }
  expect: { fired: [] }
- name: nothing but an error
  request: { model: m }
  answer: { status: 500 }
  expect: { fired: [] }
- name: from a file
  exchange: exchange.json
  expect: { verdict: denied }
";
    let exchange = r#"{"request": {"path": "/v1/chat/completions", "body": "{\"model\": \"x\", \"messages\": []}"},
        "response": {"status": 200}}"#;
    let folder = Folder::new("judged").with("p.yml", policy).with("p_test.yml", cases);
    let ran = folder.with("exchange.json", exchange).run(&[]);
    let (_, coverage) = ran.out.split_once("coverage of p.yml ").unwrap();
    let (_, coverage) = coverage.split_once('\n').unwrap();
    let expected = "  gate    fired 1, not fired 1, failed 1, not judged 4
  models  fired 2, not fired 5
  trial   fired 1, not fired 2, not judged 4
  3 of 3 policies are seen both to fire and not to
7 of 7 cases pass
";
    assert_eq!((coverage, ran.code), (expected, Some(0)), "{}", ran.out);
}

#[test]
fn a_failing_exchange_leads_to_its_explanation() {
    let cases = "policy: ../p.yml
cases:
- name: facts
  request: { model: m }
  expect: { fired: [secrecy] }
- name: recorded
  exchange: calls.jsonl#b
  expect: { verdict: denied }
";
    let exchange =
        "{\"id\": \"b\", \"request\": {\"path\": \"/v1/models\", \"method\": \"GET\"}}\n";
    let folder = Folder::new("lead").with("p.yml", POLICY);
    fs::create_dir(folder.0.join("cases")).unwrap();
    let folder = folder.with("cases/a_test.yml", cases).with("cases/calls.jsonl", exchange);
    let ran = folder.run(&["cases/a_test.yml"]);
    let last = "0 of 2 cases pass\n`governance eval --policy cases/../p.yml cases/calls.jsonl#b` says why\n";
    assert!(ran.out.ends_with(last), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_policy_that_could_not_be_evaluated_says_why_it_did_not_fire() {
    let cases = "cases:
- name: no confidence
  request: { model: m, prompt: Hello }
  answer: { output: Hi }
  expect: { fired: [doubt, secrecy], message: no }
";
    let folder = Folder::new("why").with("p.yml", POLICY).with("p_test.yml", cases);
    let ran = folder.run(&[]);
    let expected =
        "        fired: expected doubt, secrecy, found none (doubt failed: confidence_unknown)
        message: expected `no` in it, found no refusal
";
    assert!(ran.out.contains(expected), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_call_that_waits_for_a_person_is_held() {
    let policy = "policies:
- {name: desk, trigger: route == 'a', action: route_to_human_review, hold: true}
- {name: stop, trigger: model == 'x', action: deny}
- {name: late, trigger: status == 200, action: log}
";
    let cases = "cases:
- name: held, its answer not judged
  request: { model: m, route: a }
  answer: { output: Hi }
  expect: { verdict: held, fired: [desk], message: must approve }
- name: what refuses is stronger
  request: { model: x, route: a }
  expect: { verdict: denied, fired: [desk, stop] }
- name: no hold
  request: { model: m, route: b }
  answer: { output: Hi }
  expect: { verdict: held }
- name: recorded
  exchange: call.json
  expect: { verdict: held, actions: [route_to_human_review], message: waits for review }
";
    let exchange = r#"{"request": {"path": "/v1/chat/completions", "body":
        "{\"model\":\"m\",\"messages\":[]}"}, "route": "a"}"#;
    let folder = Folder::new("held").with("p.yml", policy).with("p_test.yml", cases);
    let ran = folder.with("call.json", exchange).run(&[]);
    let expected = "p_test.yml under p.yml
  ok    held, its answer not judged
  ok    what refuses is stronger
  FAIL  no hold  p_test.yml:9
        verdict: expected held, found allowed
  ok    recorded
";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
    assert_eq!(ran.code, Some(1));
}

#[test]
fn what_cannot_be_read_fails_alone_and_is_said_with_its_place() {
    let folder = Folder::new("broken").with("p.yml", POLICY);
    let ran = folder.run(&[]);
    let none = "this folder has no file of cases: none is called `*_test.yml`; name one\n";
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), ("", none, Some(1)));

    let cases = "policy: p.yml
cases:
- name: gone
  exchange: gone.json
  expect: { verdict: allowed }
- name: broken
  exchange: broken.json
  expect: { verdict: allowed }
- name: whole
  request: { model: m, prompt: a secret }
  expect: { verdict: denied }
";
    let folder = folder.with("a_test.yml", cases).with("broken.json", "{\"request\": \n<");
    let folder = folder.with("b_test.yml", "cases:\n- nam: x\n").with("cases.yml", ONE);
    let ran = folder.run(&["a_test.yml", "b_test.yml", "cases.yml", "no_test.yml"]);
    let version = governance_filter::record::sha256_hex(POLICY.as_bytes());
    let not_found = "No such file or directory (os error 2)";
    let no_json = "broken.json:2:1: expected an exchange {\"request\": {\"path\": …}, \"response\": {\"status\": …}}";
    let expected = format!(
        "a_test.yml under p.yml
  FAIL  gone  a_test.yml:3
        cannot read `gone.json`: {not_found}
  FAIL  broken  a_test.yml:6
        {no_json}
  ok    whole
b_test.yml cannot be run
cases.yml cannot be run
no_test.yml cannot be run
coverage of p.yml sha256:{version}
  doubt    fired 0, not fired 0, not judged 1  never fires in a case
  secrecy  fired 1, not fired 0  never seen not to fire
  0 of 2 policies are seen both to fire and not to
1 of 3 cases pass; 3 files cannot be run
"
    );
    assert_eq!((ran.out.as_str(), ran.code), (expected.as_str(), Some(1)));
    let unnamed = "FILE: expected a name that ends in `_test.yml`, a key `policy` in it, or --policy, found `cases.yml`\n";
    assert!(
        ran.err.starts_with("b_test.yml:2:3: unknown key `nam`, did you mean `name`?\n"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains(unnamed), "{}", ran.err);
    let last = format!("cannot read the cases `no_test.yml`: {not_found}\n");
    assert!(ran.err.ends_with(&last), "{}", ran.err);

    let ran = folder.run(&["--format", "junit", "a_test.yml", "no_test.yml"]);
    let no_json = no_json.replace('"', "&quot;");
    let expected = format!(
        r#"<?xml version="1.0" encoding="UTF-8"?>
<testsuites>
  <testsuite name="a_test.yml" tests="3" failures="0" errors="2">
    <testcase name="gone" classname="a_test.yml" file="a_test.yml" line="3"><error message="cannot read `gone.json`: {not_found}"/></testcase>
    <testcase name="broken" classname="a_test.yml" file="a_test.yml" line="6"><error message="{no_json}"/></testcase>
    <testcase name="whole" classname="a_test.yml" file="a_test.yml" line="9"/>
  </testsuite>
  <testsuite name="no_test.yml" tests="1" failures="0" errors="1">
    <testcase name="no_test.yml" classname="no_test.yml" file="no_test.yml"><error message="cannot read the cases `no_test.yml`: {not_found}"/></testcase>
  </testsuite>
</testsuites>
"#
    );
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), (expected.as_str(), "", Some(1)));
}

#[test]
fn help_lists_every_key_of_a_case() {
    let ran = run(Path::new(env!("CARGO_MANIFEST_DIR")), &["--help"]);
    let words: Vec<&str> = ran.out.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    let keys = include_str!("../src/policy/cases/keys.rs");
    let keys: Vec<&str> = keys.lines().filter(|line| !line.starts_with("//")).collect();
    let keys = keys.join("\n");
    let keys: Vec<&str> = keys.split('"').skip(1).step_by(2).collect();
    assert!(keys.contains(&"message") && keys.contains(&"reasoning_tokens"), "{keys:?}");
    let missing: Vec<&&str> = keys.iter().filter(|key| !words.contains(key)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
