//! `governance check`, `hash` and `completions` as an operator runs them: tables, objects for other
//! programs, annotations, exit statuses. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

const POLICY: &str = "version: v1
policies:
- {name: stop, trigger: \"model == 'x'\", action: deny}
- {name: mark, trigger: \"model == 'x'\", action: flag_for_review}
- {name: approved, allowed: [gpt-4o-2024-08-06, acme]}
models: {floating: allow}
";

const BROKEN: &str = "polices: []\nunreadable: never\n";

/// A folder of a test's own with a policy.
struct Folder(PathBuf);

/// What a run printed and its exit status.
struct Ran {
    out: String,
    err: String,
    code: Option<i32>,
}

// === impl Folder ===

impl Folder {
    fn new(name: &str, file: &str, policy: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("check-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(file), policy).unwrap();
        Folder(path)
    }

    fn run(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
        command.args(arguments).current_dir(&self.0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { out: text(output.stdout), err: text(output.stderr), code: output.status.code() }
    }
}

#[test]
fn tables_and_warnings_of_a_policy_that_loads() {
    let folder = Folder::new("text", "governance.yml", POLICY);
    let ran = folder.run(&["check"], "");
    let (first, tables) = ran.out.split_once('\n').unwrap();
    assert!(first.starts_with("ok: 3 policies, sha256:"), "{first}");
    assert!(first.ends_with(", version v1"), "{first}");
    assert_eq!(
        tables,
        "
policy    phase    action           mode     reads
stop      request  deny             enforce  model
mark      request  flag_for_review  enforce  model
approved  both     deny             enforce  model, served_model

approved model     class    rule          confidence  if stated
gpt-4o-2024-08-06  pinned   openai.dated  none        header, field, logprobs
acme               unknown  none          none        header, field, logprobs
"
    );
    assert_eq!(
        ran.err,
        "governance.yml:4:10: warning: policy `mark` changes nothing: `stop` on line 3 has the same trigger and the stronger action `deny`
  | - {name: mark, trigger: \"model == 'x'\", action: flag_for_review}
  |          ^
"
    );
    assert_eq!(ran.code, Some(0));
}

#[test]
fn what_holds_calls_shows_for_how_long_an_approval_counts() {
    let entry = |name: &str, ttl: &str| {
        format!(
            "- {{name: {name}, trigger: route == '{name}', action: route_to_human_review, \
             hold: true{ttl}}}\n"
        )
    };
    let [a, b, c] = [entry("a", ""), entry("b", ", hold_ttl: 120m"), entry("c", ", hold_ttl: 61m")];
    let folder = Folder::new("holds", "governance.yml", &format!("policies:\n{a}{b}{c}"));
    let ran = folder.run(&["check"], "");
    let (_, table) = ran.out.split_once('\n').unwrap();
    let expected = "
policy  phase    action                             mode     reads
a       request  route_to_human_review, held (1d)   enforce  route
b       request  route_to_human_review, held (2h)   enforce  route
c       request  route_to_human_review, held (61m)  enforce  route
";
    assert_eq!((table, ran.err.as_str(), ran.code), (expected, "", Some(0)));
    let ran = folder.run(&["check", "--format", "json"], "");
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(report["policies"][1]["hold_ttl_s"], 7200);
}

#[test]
fn errors_are_told_all_at_once() {
    let folder = Folder::new("errors", "governance.yml", BROKEN);
    let ran = folder.run(&["check"], "");
    assert_eq!(
        ran.err,
        "governance.yml:1:1: unknown key `polices`, did you mean `policies`?
  | polices: []
  | ^
governance.yml:2:13: `unreadable`: expected `default`, `deny`, `flag` or `allow`, found `never`
  | unreadable: never
  |             ^
"
    );
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
}

#[test]
fn json_is_one_object() {
    let folder = Folder::new("json", "governance.yml", POLICY);
    let ran = folder.run(&["check", "--format", "json"], "");
    let mut report: Value = serde_json::from_str(&ran.out).unwrap();
    let version = report["version"].take();
    assert!(version.as_str().unwrap().starts_with("sha256:"), "{version}");
    let possible = ["header", "field", "logprobs"];
    let stop = "policy `mark` changes nothing: `stop` on line 3 has the same trigger and the stronger action `deny`";
    let expected = json!({
        "file": "governance.yml", "ok": true, "version": null, "label": "v1",
        "policies": [
            {"name": "stop", "phase": "request", "action": "deny", "hold_ttl_s": null, "mode": "enforce", "reads": ["model"]},
            {"name": "mark", "phase": "request", "action": "flag_for_review", "hold_ttl_s": null, "mode": "enforce", "reads": ["model"]},
            {"name": "approved", "phase": "both", "action": "deny", "hold_ttl_s": null, "mode": "enforce", "reads": ["model", "served_model"]},
        ],
        "models": [
            {"name": "gpt-4o-2024-08-06", "class": "pinned", "rule": "openai.dated", "confidence": [], "if_stated": possible},
            {"name": "acme", "class": "unknown", "rule": "none", "confidence": [], "if_stated": possible},
        ],
        "errors": [],
        "warnings": [{"line": 4, "column": 10, "message": stop}],
    });
    assert_eq!(report, expected);
    assert_eq!((ran.err.as_str(), ran.out.lines().count(), ran.code), ("", 1, Some(0)));

    let ran = folder.run(&["check", "-", "--format", "json"], BROKEN);
    let report: Value = serde_json::from_str(&ran.out).unwrap();
    let first = "unknown key `polices`, did you mean `policies`?";
    assert_eq!(report["errors"][0], json!({"line": 1, "column": 1, "message": first}));
    assert_eq!((&report["file"], &report["ok"]), (&json!("standard input"), &json!(false)));
    assert_eq!((&report["version"], &report["policies"]), (&Value::Null, &json!([])));
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
}

#[test]
fn an_unreadable_file_is_an_object_too() {
    let folder = Folder::new("unread", "governance.yml", POLICY);
    let ran = folder.run(&["check", "nope.yml", "--format", "json"], "");
    let message = "cannot read the policy `nope.yml`: No such file or directory (os error 2)";
    let expected = json!({
        "file": "nope.yml", "ok": false, "version": null, "label": null, "policies": [],
        "models": [], "errors": [{"line": 0, "column": 0, "message": message}], "warnings": [],
    });
    assert_eq!(serde_json::from_str::<Value>(&ran.out).unwrap(), expected);
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));
    let ran = folder.run(&["check", "nope.yml"], "");
    assert_eq!((ran.err, ran.code), (format!("{message}\n"), Some(1)));
}

#[test]
fn one_policy_is_a_policy() {
    let policy = "policies: [{name: a, trigger: \"model == 'x'\", action: deny}]\n";
    let folder = Folder::new("one", "governance.yml", policy);
    let out = folder.run(&["check"], "").out;
    assert!(out.starts_with("ok: 1 policy, sha256:"), "{out}");
}

#[test]
fn annotations_are_escaped() {
    let folder = Folder::new(
        "github",
        "a,b:c%.yml",
        "policies:\n- {name: a, trigger: \"modl == 'x'\", action: deny}\n\"50%\": x\n",
    );
    let ran = folder.run(&["check", "--format", "github", "a,b:c%.yml"], "");
    assert_eq!(
        ran.out,
        "::error file=a%2Cb%3Ac%25.yml,line=2,col=23::trigger of policy `a`: unknown variable `modl`, did you mean `model`?
::error file=a%2Cb%3Ac%25.yml,line=3,col=1::unknown key `50%25`
"
    );
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(1)));

    let ran = folder.run(&["check", "--format", "github", "-"], POLICY);
    let expected = "::warning file=standard input,line=4,col=10::policy `mark` changes nothing: ";
    assert!(ran.out.starts_with(expected), "{}", ran.out);
    assert_eq!((ran.out.lines().count(), ran.code), (1, Some(0)));
}

#[test]
fn hash_is_that_of_the_bytes() {
    let folder = Folder::new("hash", "request.json", "abc");
    let of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n";
    assert_eq!(folder.run(&["hash", "request.json"], "").out, of_abc);
    let ran = folder.run(&["hash", "-"], "abc");
    assert_eq!((ran.out.as_str(), ran.code), (of_abc, Some(0)));
    let ran = folder.run(&["hash", "nowhere"], "");
    assert_eq!(ran.err, "cannot read `nowhere`: No such file or directory (os error 2)\n");
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
}

#[test]
fn completions_know_every_subcommand() {
    let folder = Folder::new("completions", "governance.yml", "");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let ran = folder.run(&["completions", shell], "");
        for word in ["governance", "check", "completions", "format"] {
            assert!(ran.out.contains(word), "{shell}: {word}");
        }
        assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)), "{shell}");
    }
}

#[test]
fn err_arguments_and_missing_files() {
    let folder = Folder::new("arguments", "governance.yml", POLICY);
    let cases: [&[&str]; 5] = [
        &["check", "a", "b"],
        &["check", "--format", "yaml"],
        &["hash"],
        &["completions", "tcsh"],
        &["schema", "x"],
    ];
    for arguments in cases {
        let ran = folder.run(arguments, "");
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{arguments:?}");
    }
    for command in ["check", "hash", "completions", "schema"] {
        let ran = folder.run(&[command, "--help"], "");
        assert!(ran.out.contains("Exit status: 0"), "{}", ran.out);
    }
    let ran = folder.run(&["check", "no.yml"], "");
    assert!(ran.err.starts_with("cannot read the policy `no.yml`: "), "{}", ran.err);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
}
