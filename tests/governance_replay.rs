//! The arguments of `governance replay` as an operator gives them; the records themselves are read in
//! `envoy_replay`. Native only.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests are not seen as tests")]

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

/// Runs it in a folder of the test's own, whose path it gets: standard error and exit status.
fn replay(name: &str, token: Option<&str>, arguments: &[&str]) -> (String, Option<i32>) {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("replay-{name}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join(".governance/data")).unwrap();
    fs::write(folder.join("governance.yml"), "policies: []").unwrap();
    if let Some(token) = token {
        fs::write(folder.join(".governance/data/read-token"), token).unwrap();
    }
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    command.arg("replay").args(arguments).current_dir(folder).env_remove("COLLECTOR");
    let output = command.output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "");
    (String::from_utf8(output.stderr).unwrap(), output.status.code())
}

#[test]
fn a_time_is_checked_before_anything_is_asked() {
    let wrong = [
        "",
        "yesterday",
        "2026",
        "2026-03",
        "2026-02-30",
        "2026-3-15",
        "2026-03-15T",
        "12:00Z",
        "2026-03-15T12:00",
        "2026-03-15T25:00Z",
        "2026-03-15T12Z",
        "2026-03-15 12:00Z",
        "2026-03-15T12:00Zulu",
        "2026-03-15T12:00+2",
        "2026-03-15T12:00+25:00",
        "2026-03-15Z",
    ];
    for time in wrong {
        for name in ["--since", "--until"] {
            let other = if name == "--since" { "--until=2026-03-16" } else { "--since=2026-03-16" };
            let (err, code) = replay("wrong", None, &[&format!("{name}={time}"), other]);
            let expected = "expected a time such as 2026-03-15T12:00Z, or a date\n";
            assert!(err.contains(expected) && err.contains(name), "{time}: {err}");
            assert_eq!(code, Some(2), "{time}");
        }
    }
    let right = [
        "2026-03-15",
        "2026-03-15T12:00Z",
        "2026-03-15T12:00:01Z",
        "2026-03-15T12:00:01.5Z",
        "2026-03-15T12:00+02:00",
        "2026-03-15t12:00:00z",
        "2026-03-15T12:00:00-11:30",
    ];
    for time in right {
        let (err, code) = replay("right", None, &["--since", time]);
        assert!(err.starts_with("there is no read token"), "{time}: {err}");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn a_token_that_is_not_there_is_said_to_be_where_up_writes_it() {
    let (err, code) = replay("token", None, &["--since", "2026-03-15"]);
    let expected = "there is no read token in `.governance/data/read-token`; give its file by \
        --token-file: `governance up` writes it into its --data-dir, and `read_token_file` of its \
        ready file names it\n";
    assert_eq!((err.as_str(), code), (expected, Some(1)));
    let given = ["--since", "2026-03-15", "--token-file", "gone"];
    let (err, code) = replay("token", Some("a-token"), &given);
    assert!(err.starts_with("cannot read the collector's token `gone`: "), "{err}");
    assert_eq!(code, Some(1));
}

#[test]
fn the_token_of_up_is_found() {
    // Nobody listens on a port that was just given back.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let collector = format!("http://127.0.0.1:{port}");
    let arguments = ["--since", "2026-03-15", "--collector", &collector];
    let (err, code) = replay("found", Some("a-token\n"), &arguments);
    let expected = format!("cannot read the records of `{collector}`: ");
    assert!(err.starts_with(&expected), "{err}");
    assert_eq!(code, Some(1));
}

#[test]
fn the_collector_is_where_it_listens_by_default() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_governance"));
    let output = command.args(["replay", "--help"]).output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("[default: http://127.0.0.1:9080]"), "{help}");
}
