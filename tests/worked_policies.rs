//! The worked policies of `docs/policies.md`: each loads, passes the cases that stand beside it, and is
//! seen by them both to fire and not to. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::path::PathBuf;
use std::process::Command;

const DOCUMENT: &str = include_str!("../docs/policies.md");

/// Title, policy and cases of each worked policy.
fn worked() -> Vec<(&'static str, &'static str, &'static str)> {
    let sections = DOCUMENT.split("\n### ").skip(1);
    sections
        .map(|section| {
            let title = section.lines().next().unwrap();
            let mut blocks = section.split("```yaml\n").skip(1);
            let mut block = || blocks.next().and_then(|block| block.split("```").next());
            let (policy, cases) = (block().unwrap(), block().unwrap());
            assert_eq!(block(), None, "{title}: a policy, its cases and nothing else");
            (title, policy, cases)
        })
        .collect()
}

#[test]
fn each_worked_policy_passes_its_cases_and_is_covered_by_them() {
    let worked = worked();
    assert_eq!(worked.len(), 20);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("worked-policies");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let mut wrong = Vec::new();
    for (index, (title, policy, cases)) in worked.into_iter().enumerate() {
        assert!(title.starts_with(&format!("{}. ", index + 1)), "{title}");
        let file = format!("policy-{}", index + 1);
        fs::write(folder.join(format!("{file}.yml")), policy).unwrap();
        fs::write(folder.join(format!("{file}_test.yml")), cases).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
        let command = command.current_dir(&folder).arg("test").arg(format!("{file}_test.yml"));
        let output = command.output().unwrap();
        let out = String::from_utf8(output.stdout).unwrap();
        println!("{title}\n{out}");
        let gaps = out.contains("never fires in a case") || out.contains("never seen not to fire");
        if !output.status.success() || gaps {
            wrong.push(format!("{title}\n{out}{}", String::from_utf8(output.stderr).unwrap()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
