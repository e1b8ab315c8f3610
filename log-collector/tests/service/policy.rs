//! `log-collector policy` as a program, before a database with a history: what it prints, byte for
//! byte, and how it exits.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::server::{path_of, with};
use crate::support::{Collector, Database, line, outcome, version_of};

const A: &str = "# A\npolicies: []\n";
const B: &str = "# B\npolicies: []\n";

/// A database in which `east` ran A, B and A again, and `west` B alone, with a reader's login.
struct History {
    database: Database,
    reader_url: String,
}

/// Exit code, standard output, standard error.
type Printed = (i32, String, String);

impl History {
    async fn fresh() -> History {
        let database = Database::fresh().await;
        let name = path_of(&database.admin_url).1;
        let admin = database.admin().await;
        let (a, b) = (version_of(A), version_of(B));
        let sql = format!(
            "CREATE ROLE read_{name} LOGIN PASSWORD 'x' IN ROLE governance_reader;
             INSERT INTO ai_policies (version, text, label, git_revision) VALUES
                ('{a}', convert_to('{A}', 'UTF8'), 'first', NULL),
                ('{b}', convert_to('{B}', 'UTF8'), NULL, '1a2b3c');
             INSERT INTO ai_policy_observations (gateway, policy_version, first_seen) VALUES
                ('east', '{a}', '2026-03-01T09:00Z'), ('east', '{b}', '2026-03-10T09:00Z'),
                ('west', '{b}', '2026-03-12T09:00Z'), ('east', '{a}', '2026-03-20T09:00:00.5Z')"
        );
        admin.batch_execute(&sql).await.unwrap();
        let reader_url = with(&database.admin_url, Some(&format!("read_{name}")), &name);
        History { database, reader_url }
    }

    fn run(&self, arguments: &[&str]) -> Printed {
        let output = Command::new(env!("CARGO_BIN_EXE_log-collector"))
            .arg("policy")
            .args(arguments)
            .env("DATABASE_URL", &self.reader_url)
            .env("RUST_LOG", "off")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }
}

fn ok(text: String) -> Printed {
    (0, text, String::new())
}

fn err(code: i32, text: &str) -> Printed {
    (code, String::new(), format!("log-collector: {text}\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_of_a_day_are_printed_once_where_all_agree() {
    let history = History::fresh().await;
    let (a, b) = (version_of(A), version_of(B));
    let east = "  gateway east  since 2026-03-10T09:00:00Z  revision 1a2b3c\n";
    let west = "  gateway west  since 2026-03-12T09:00:00Z  revision 1a2b3c\n";
    let expected = format!("in force at 2026-03-15T12:00:00Z\n\npolicy {b}\n{east}{west}\n{B}");
    assert_eq!(history.run(&["--at", "2026-03-15T12:00Z"]), ok(expected));
    let again = "  gateway east  since 2026-03-20T09:00:00.5Z  label \"first\"\n";
    let mut both = [format!("\npolicy {a}\n{again}\n{A}"), format!("\npolicy {b}\n{west}\n{B}")];
    if b < a {
        both.reverse();
    }
    let expected = format!("in force at 2026-03-21T00:00:00Z\n{}", both.concat());
    assert_eq!(history.run(&["--at", "2026-03-21"]), ok(expected));
    let expected = format!("in force at 2026-03-20T09:00:00.5Z\n\npolicy {a}\n{again}\n{A}");
    let at_change = history.run(&["--at", "2026-03-20T09:00:00.5Z", "--gateway", "east"]);
    assert_eq!(at_change, ok(expected), "a time that was printed finds its own row");
    let (code, now, _) = history.run(&["--gateway", "west"]);
    assert_eq!((code, now.ends_with(&format!("\npolicy {b}\n{west}\n{B}"))), (0, true), "{now}");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_times_and_gateways_without_rules_are_named() {
    let history = History::fresh().await;
    let (a, b) = (version_of(A), version_of(B));
    let early = format!(
        "no policy was known at 2026-02-01T00:00:00Z: the first is {a}, announced by gateway \
         `east` at 2026-03-01T09:00:00Z"
    );
    assert_eq!(history.run(&["--at", "2026-02-01"]), err(1, &early));
    let early = format!(
        "no policy was known at 2026-03-11T00:00:00Z: the first is {b}, announced by gateway \
         `west` at 2026-03-12T09:00:00Z"
    );
    assert_eq!(history.run(&["--at", "2026-03-11", "--gateway", "west"]), err(1, &early));
    let unknown = err(1, "no gateway `north` has announced a policy");
    assert_eq!(history.run(&["--gateway", "north"]), unknown);
    assert_eq!(history.run(&["log", "--gateway", "north"]), unknown);
    let future = "2999-01-01T00:00:00Z is still to come";
    assert_eq!(history.run(&["--at", "2999-01-01"]), err(1, future));
    let (code, _, usage) = history.run(&["--at", "15 March"]);
    let expected = "expected a time such as 2026-03-15T12:00Z, or a date such as 2026-03-15";
    assert!(code == 2 && usage.contains(expected), "{code} {usage}");
    let empty = Database::fresh().await;
    let empty = History { reader_url: empty.service_url.clone(), database: empty };
    assert_eq!(empty.run(&[]), err(1, "no gateway has announced a policy yet"));
    assert_eq!(empty.run(&["log"]), err(1, "no gateway has announced a policy yet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn policies_are_named_by_the_start_of_their_hash_or_by_a_time() {
    let history = History::fresh().await;
    let (a, b) = (version_of(A), version_of(B));
    assert_eq!(history.run(&["show", &a]), ok(A.to_owned()));
    assert_eq!(history.run(&["show", &b["sha256:".len()..][..8]]), ok(B.to_owned()));
    assert_eq!(history.run(&["show", &b[.."sha256:".len() + 4]]), ok(B.to_owned()));
    let unknown = err(1, "no policy's version begins with `sha256:0000`");
    assert_eq!(history.run(&["show", "0000"]), unknown);
    let diff = format!("--- {a}\n+++ {b}\n@@ -1,2 +1,2 @@\n-# A\n+# B\n policies: []\n");
    assert_eq!(history.run(&["diff", &a, &b]), ok(diff.clone()));
    assert_eq!(history.run(&["diff", "2026-03-05", "2026-03-15T12:00Z"]), ok(diff));
    assert_eq!(history.run(&["diff", &a, "2026-03-05"]), ok(String::new()));
    let mut both = [a.clone(), b.clone()];
    both.sort();
    let several = format!(
        "at 2026-03-21T00:00:00Z the gateways ran several policies: {}; name one of them",
        both.join(", ")
    );
    assert_eq!(history.run(&["diff", &a, "2026-03-21"]), err(1, &several));
    let (code, _, usage) = history.run(&["diff", &a, "B"]);
    assert!(code == 2 && usage.contains("expected a version such as sha256:1f3a"), "{usage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn err_start_that_two_versions_share() {
    let history = History::fresh().await;
    // The first two texts of a row whose digests share four digits.
    let mut seen = std::collections::HashMap::new();
    let pair = (0..).find_map(|n| {
        let text = format!("# {n}\n");
        let version = version_of(&text);
        let start = version[.."sha256:".len() + 4].to_owned();
        seen.insert(start, text.clone()).map(|earlier| [earlier, text])
    });
    let mut versions = Vec::new();
    for text in pair.unwrap() {
        let sql = "INSERT INTO ai_policies (version, text) VALUES ($1, $2)";
        let version = version_of(&text);
        let admin = history.database.admin().await;
        admin.execute(sql, &[&version, &text.as_bytes()]).await.unwrap();
        versions.push(version);
    }
    versions.sort();
    let start = versions[0][.."sha256:".len() + 4].to_owned();
    let expected = format!(
        "`{start}` is the start of more than one version, such as {}",
        versions.join(" and ")
    );
    assert_eq!(history.run(&["show", &start]), err(1, &expected));
}

fn git(repo: &Path, date: &str, arguments: &[&str]) {
    let mut command = Command::new("git");
    command.arg("-C").arg(repo).args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]);
    let output = command.args(arguments).env("GIT_COMMITTER_DATE", date).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A repository that holds A, in a folder of its own; then a commit without it, and on another
/// branch one that brings it back.
fn repository() -> PathBuf {
    let repo = std::env::temp_dir().join(format!("collector-policies-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&repo);
    let folder = repo.join("gateway");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("governance.yml"), A).unwrap();
    for (date, arguments) in [
        ("2026-02-28T12:00:00Z", &["init", "--quiet"][..]),
        ("2026-02-28T12:00:00Z", &["add", "."]),
        ("2026-02-28T12:00:00Z", &["commit", "--quiet", "-m", "first"]),
        ("2026-03-09T12:00:00Z", &["rm", "--quiet", "--cached", "gateway/governance.yml"]),
        ("2026-03-09T12:00:00Z", &["commit", "--quiet", "-m", "gone"]),
        ("2026-03-19T12:00:00Z", &["add", "."]),
        ("2026-03-19T12:00:00Z", &["commit", "--quiet", "-m", "back"]),
        ("2026-03-19T12:00:00Z", &["branch", "other"]),
        ("2026-03-19T12:00:00Z", &["reset", "--quiet", "HEAD~1"]),
    ] {
        git(&repo, date, arguments);
    }
    repo
}

#[tokio::test(flavor = "multi_thread")]
async fn log_joins_observations_with_decisions_and_commits() {
    let history = History::fresh().await;
    let collector = Collector::start(history.database.config()).await;
    for (time, gateway, text) in [
        ("2026-03-02T00:00:00.000Z", "east", A),
        ("2026-03-02T00:00:01.000Z", "east", A),
        // A stream that began under A and ended under B.
        ("2026-03-10T09:30:00.000Z", "east", A),
        ("2026-03-21T00:00:00.000Z", "east", A),
        ("2026-03-11T00:00:00.000Z", "east", B),
    ] {
        let mut outcome = outcome(&crate::support::id());
        (outcome.created_at, outcome.gateway) = (time.to_owned(), gateway.to_owned());
        outcome.policy_version = version_of(text);
        collector.acks(&[&line(&outcome)]).await;
    }
    let (a, b) = (&version_of(A)[..19], &version_of(B)[..19]);
    let repo = repository();
    let folder = repo.join("gateway").display().to_string();
    let (code, text, note) = history.run(&["log", "--repo", &folder]);
    assert_eq!((code, note.as_str()), (0, ""));
    let mut commits = text.lines().filter_map(|line| line.strip_prefix("    commit "));
    let (back, first) = (commits.next().unwrap(), commits.next().unwrap());
    let digits = |commit: &str| commit.split(' ').next().unwrap().to_owned();
    let (back, first) = (digits(back), digits(first));
    assert!(back != first && back.len() == 12, "{text}");
    let back = format!("    commit {back}  2026-03-19T12:00:00Z  Ada\n");
    let first = format!("    commit {first}  2026-02-28T12:00:00Z  Ada\n");
    let never = "    NEVER COMMITTED as governance.yml\n";
    let expected = format!(
        "2026-03-20T09:00:00.5Z  east  {a}  1 decision  label \"first\"\n{back}\
         2026-03-12T09:00:00Z  west  {b}  0 decisions  revision 1a2b3c\n{never}\
         2026-03-10T09:00:00Z  east  {b}  1 decision  revision 1a2b3c\n{never}\
         2026-03-01T09:00:00Z  east  {a}  3 decisions  label \"first\"\n{first}"
    );
    assert_eq!(text, expected);

    let (_, text, _) = history.run(&["log", "--repo", &folder, "--format", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(rows[0]["commit"]["author"], "Ada");
    assert_eq!(rows[0]["committed"], true);
    assert_eq!(rows[1]["commit"], serde_json::Value::Null);
    assert_eq!(rows[1]["committed"], false);
    assert_eq!(rows[3]["policy_version"], version_of(A));
    assert_eq!(rows[3]["decisions"], 3);

    let (code, text, note) = history.run(&["log", "--repo", &folder, "--file", "other.yml"]);
    let expected = "log-collector: git: no commit holds a file `other.yml`; see --repo and --file; \
        shown without commits\n";
    assert_eq!((code, note.as_str()), (0, expected));
    assert_eq!(text.lines().count(), 4, "{text}");
    std::fs::remove_dir_all(&repo).unwrap();
    let (code, text, note) = history.run(&["log", "--repo", "/", "--gateway", "west"]);
    assert_eq!((code, text.lines().count()), (0, 1), "{text}");
    let expected = "log-collector: git: not a git repository (or any of the parent directories): \
        .git; shown without commits\n";
    assert_eq!(note, expected);
}
