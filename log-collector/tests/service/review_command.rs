//! `log-collector review` as a program: the desk on a terminal.

use std::process::Command;
use std::time::Duration;

use governance_filter::record::{Line, sha256_hex};
use serde_json::{Value, json};

use crate::support::desk::{ANN, BOB, CALLER, open, reviewed};
use crate::support::{Collector, Database, TOKEN, flagged, id};

/// Exit code, standard output, standard error.
type Printed = (i32, String, String);

/// With no terminal.
async fn review(url: &str, token: Option<&str>, arguments: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
    command.arg("review").args(arguments).env_clear().env("COLLECTOR_URL", url);
    command.envs(token.map(|token| ("REVIEW_TOKEN", token))).stdin(std::process::Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output().unwrap());
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn desk_on_a_terminal_lists_shows_and_judges_what_it_showed() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let ids: Vec<String> = (0..4).map(|_| id()).collect();
    let lines: Vec<Line> = ids.iter().map(|id| flagged(id, "Ann asked [EMAIL]")).collect();
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let of: Vec<&str> = ids.iter().map(String::as_str).collect();
    open(&database, &of[..1], "confidence_gate", 90_000).await;
    open(&database, &of[1..], "high_risk", 60).await;
    let url = collector.url.as_str();

    let (code, shown, errors) = review(url, Some(ANN), &["list"]).await;
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(shown.starts_with("open 4, overdue 1 (over 1d)\nCOUNT  OLDEST"), "{shown}");
    let oldest = format!("1      1d 1h   1        routed  confidence_gate  {CALLER}  {}\n", of[0]);
    assert!(shown.contains(&oldest), "{shown}");
    let (_, listed, _) = review(url, Some(ANN), &["list", "--format", "json"]).await;
    assert_eq!(serde_json::from_str::<Value>(&listed).unwrap()["open"], json!(4));
    let (_, each, _) = review(url, Some(ANN), &["list", "--each", "--policy", "high_risk"]).await;
    assert_eq!(each.lines().count(), 4, "{each}");

    let unasked = review(url, Some(ANN), &["approve", of[0]]).await;
    let nobody = "log-collector: there is nobody to ask: give --yes\n";
    assert_eq!(unasked, (2, String::new(), nobody.to_owned()));
    let arguments = ["approve", of[0], of[0], "--note", "harmless", "--yes"];
    let (code, told, judged) = review(url, Some(ANN), &arguments).await;
    assert_eq!((code, told.lines().count()), (0, 1), "{told}");
    assert!(told.starts_with(of[0]) && told.ends_with("  approved\n"), "{told}");
    assert!(judged.contains("output      Ann asked [EMAIL]\n"), "{judged}");
    let group = ["--group", "--policy", "high_risk", "--caller", CALLER, "--yes"];
    let (code, told, _) = review(url, Some(BOB), &[&["reject"], &group[..]].concat()).await;
    assert_eq!((code, told.matches("own call: nobody judges their own").count()), (1, 3));
    let (code, told, _) = review(url, Some(ANN), &[&["reject"], &group[..]].concat()).await;
    assert_eq!((code, told.matches("  rejected\n").count()), (0, 3), "{told}");
    let gone = review(url, Some(ANN), &[&["reject"], &group[..]].concat()).await;
    assert_eq!(gone, (1, String::new(), "log-collector: there are no such open reviews\n".into()));

    let (code, shown, _) = review(url, Some(ANN), &["show", of[0], "--policy-text"]).await;
    assert_eq!(code, 0);
    assert!(shown.contains("review      judged, routed by confidence_gate at "), "{shown}");
    assert!(shown.contains("  approved by ann, leaf not yet: harmless\n"), "{shown}");
    assert!(shown.contains("input       input not kept\n"), "{shown}");
    assert!(shown.ends_with("\npolicies: []\n"), "{shown}");
    let (code, shown, _) = review(url, Some(ANN), &["stats", "--since", "2020-01-01"]).await;
    assert_eq!(code, 0);
    let row = shown.lines().find(|line| line.starts_with("high_risk")).unwrap();
    let cells: Vec<&str> = row.split_whitespace().take(7).collect();
    assert_eq!(cells, ["high_risk", "3", "0", "0", "3", "0", "%"], "{shown}");
}

#[tokio::test]
async fn err_desk_on_a_terminal_says_what_is_wrong() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let url = collector.url.as_str();
    let err = |code, text: &str| (code, String::new(), format!("log-collector: {text}\n"));
    let unset = "REVIEW_TOKEN is not set (nor REVIEW_TOKEN_FILE); `log-collector review token NAME` \
        makes one";
    assert_eq!(review(url, None, &["list"]).await, err(2, unset));
    let both = format!("COLLECTOR_URL: expected a URL such as http://127.0.0.1:9080\n{unset}");
    assert_eq!(review("here", None, &["list"]).await, err(2, &both));
    let other = "the collector answered 401: a valid bearer token is needed";
    assert_eq!(review(url, Some(TOKEN), &["list"]).await, err(1, other));
    let none = "the collector answered 404: there is no decision of this id";
    assert_eq!(review(url, Some(ANN), &["show", &id()]).await, err(1, none));
    let away = "no collector answers at http://127.0.0.1:1: the connection failed; set --collector, \
        or COLLECTOR_URL";
    assert_eq!(review("http://127.0.0.1:1", Some(ANN), &["list"]).await, err(1, away));
    let (code, _, usage) = review(url, Some(ANN), &["approve", "d-1"]).await;
    assert!(
        code == 2 && usage.contains("expected a decision id: `d-` and 32 hex digits"),
        "{usage}"
    );
    let (code, token, entry) = review(url, None, &["token", "eve", "--caller", "sub:e"]).await;
    assert!(code == 0 && token.starts_with("grv_"), "{token}");
    let digest = sha256_hex(token.trim().as_bytes());
    let expected = format!(
        "the entry for `reviewers` in REVIEWERS_FILE:\n\
         {{\"name\":\"eve\",\"token_sha256\":\"{digest}\",\"callers\":[\"sub:e\"]}}\n"
    );
    assert_eq!(entry, expected);
}
