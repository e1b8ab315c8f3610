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
  doubt    fired 1, not fired 2
  secrecy  fired 1, not fired 2
  2 of 2 policies are seen both to fire and not to
1 of 3 cases pass
"
    );
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), (expected.as_str(), "", Some(1)));
}

#[test]
fn a_policy_that_no_case_sets_off_is_called_out() {
    let one = "cases:
- name: doubt
  request: { model: m }
  answer: { confidence: 0.4 }
  expect: { fired: [doubt] }
";
    let folder = Folder::new("gaps").with("p.yml", POLICY).with("p_test.yml", one);
    let ran = folder.run(&["p_test.yml"]);
    assert!(
        ran.out.contains("  doubt    fired 1, not fired 0  fires in every case\n"),
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
  <testsuite name="p_test.yml" tests="3" failures="2">
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
fn what_cannot_be_read_is_said_with_its_place() {
    let folder = Folder::new("broken").with("p.yml", POLICY);
    let ran = folder.run(&[]);
    let none = "FILE: expected a file of cases, found `a folder without *_test.yml`\n";
    assert_eq!((ran.err.as_str(), ran.code), (none, Some(1)));
    let folder = folder.with(
        "p_test.yml",
        "cases:\n- name: x\n  exchange: gone.json\n  expect: { verdict: allowed }\n",
    );
    let ran = folder.run(&[]);
    assert!(ran.err.starts_with("cannot read `gone.json`: "), "{}", ran.err);
    let folder = folder.with("gone.json", "{\"request\": 1}");
    let ran = folder.run(&[]);
    let broken = "gone.json:1:13: expected an exchange {\"request\": {\"path\": …}, \"response\": {\"status\": …}}\n";
    assert_eq!((ran.err.as_str(), ran.code), (broken, Some(1)));
    let folder = folder.with("cases.yml", "cases: []\n");
    let ran = folder.run(&["cases.yml"]);
    let unnamed = "FILE: expected a name that ends in `_test.yml`, a key `policy` in it, or --policy, found `cases.yml`\n";
    assert_eq!((ran.err.as_str(), ran.code), (unnamed, Some(1)));
}
