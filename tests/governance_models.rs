//! `governance models` as an operator runs it: the table, the lines for other programs, where its
//! policy comes from, and its exit status. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// A folder of a test's own.
struct Folder(PathBuf);

/// What a run printed and its exit status.
struct Ran {
    out: String,
    err: String,
    code: Option<i32>,
}

const POLICY: &str = "models:
  pins: { gpt-4o: gpt-4o-2025-12-17, fast: gpt-5.5 }
  deployments: { prod-chat: gpt-4o-2025-12-17, gpt-4.1: gpt-4.1-2025-04-14 }
  rules:
  - { match: 'acme-*-v[0-9]*', class: pinned }
";

// === impl Folder ===

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("models-{name}"));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn with(self, file: &str, text: &str) -> Self {
        fs::write(self.0.join(file), text).unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
        let output = command.arg("models").args(arguments).current_dir(&self.0).output().unwrap();
        Ran {
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
        }
    }
}

#[test]
fn each_name_is_a_line_of_five_keys() {
    let folder = Folder::new("lines").with("governance.yml", POLICY);
    let names = ["gpt-4o", "acme-chat-v2", "prod-chat", "a \"quoted\" name"];
    let ran = folder.run(&[&["--format", "json"], &names[..]].concat());
    assert_eq!(
        ran.out,
        r#"{"model":"gpt-4o","class":"floating","rule":"openai.alias","provider":"openai","source":"https://community.openai.com/t/1246138/19"}
{"model":"acme-chat-v2","class":"pinned","rule":"models.rules[0]","provider":"policy","source":"governance.yml:5"}
{"model":"prod-chat","class":"pinned","rule":"openai.dated","provider":"openai","source":"https://community.openai.com/t/1246138/19"}
{"model":"a \"quoted\" name","class":"unknown","rule":"none","provider":"unknown","source":""}
"#
    );
    assert_eq!((ran.err.as_str(), ran.code), ("", Some(0)));
}

#[test]
fn table_shows_rule_page_and_what_the_policy_makes_of_a_name() {
    let folder = Folder::new("table").with("governance.yml", POLICY);
    let ran = folder.run(&["gpt-4o", "acme-chat-v2", "prod-chat", "us.amazon.nova-lite-v1:0"]);
    assert_eq!(
        ran.out,
        "\
model                     class     rule               provider     normalised         source
gpt-4o                    floating  openai.alias       openai       gpt-4o             https://community.openai.com/t/1246138/19
  models.pins: sent as `gpt-4o-2025-12-17`, pinned by openai.dated
acme-chat-v2              pinned    models.rules[0]    policy       acme-chat-v2       governance.yml:5
prod-chat                 pinned    openai.dated       openai       gpt-4o-2025-12-17  https://community.openai.com/t/1246138/19
  models.deployments: a deployment of `gpt-4o-2025-12-17`
us.amazon.nova-lite-v1:0  pinned    bedrock.versioned  aws.bedrock  nova-lite-v1:0     https://docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle.html
"
    );
    assert_eq!(ran.err, "by governance.yml and the providers' rules\n");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn provider_decides_what_some_names_mean() {
    let folder = Folder::new("provider").with("governance.yml", POLICY);
    let cases = [
        ("ollama", "llama3:8b", "floating", "ollama.tag"),
        ("openai", "gpt-4.1", "floating", "openai.alias"),
        ("azure.ai.openai", "gpt-4.1", "pinned", "openai.dated"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "unknown", "azure.deployment"),
    ];
    for (provider, name, class, rule) in cases {
        let ran = folder.run(&["--provider", provider, "--format", "json", name]);
        let expected = format!(r#"{{"model":"{name}","class":"{class}","rule":"{rule}","#);
        assert!(ran.out.starts_with(&expected), "{provider} {name}: {}", ran.out);
    }
    let ran = folder.run(&["--provider", "azure.ai.openai", "chat"]);
    assert!(ran.out.ends_with("\n  models.deployments does not say which model it is\n"));
}

#[test]
fn policy_is_named_or_lies_in_the_folder_or_is_none() {
    let bare = Folder::new("bare");
    let ran = bare.run(&["acme-chat-v2"]);
    assert_eq!(ran.err, "by the providers' rules; there is no governance.yml\n");
    assert!(ran.out.contains("acme-chat-v2  unknown  none"), "{}", ran.out);

    let other = Folder::new("other").with("other.yml", POLICY);
    let ran = other.run(&["--policy", "other.yml", "acme-chat-v2"]);
    assert!(ran.out.ends_with("  other.yml:5\n"), "{}", ran.out);
}

#[test]
fn err_policy_that_cannot_be_read_or_does_not_load() {
    let bare = Folder::new("missing");
    let ran = bare.run(&["--policy", "no.yml", "gpt-4o"]);
    assert!(ran.err.starts_with("cannot read the policy `no.yml`: "), "{}", ran.err);
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));

    let wrong = Folder::new("wrong").with("governance.yml", "models: { rule: [] }\n");
    let ran = wrong.run(&["gpt-4o"]);
    let expected = "governance.yml:1:11: unknown key `rule`, did you mean `rules`?";
    assert_eq!(ran.err.lines().next(), Some(expected));
    assert_eq!((ran.out.as_str(), ran.code), ("", Some(1)));
}

#[test]
fn err_arguments() {
    let bare = Folder::new("arguments");
    for arguments in [&[][..], &["--provider", "olama", "llama3"], &["--format", "yaml", "x"]] {
        let ran = bare.run(arguments);
        assert_eq!((ran.out.as_str(), ran.code), ("", Some(2)), "{arguments:?}");
    }
    let ran = bare.run(&["--help"]);
    assert!(ran.out.contains("Exit status: 0"), "{}", ran.out);
}
