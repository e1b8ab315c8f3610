//! `prove`, `verify-proof` and `export` as programs: what leaves the house, and how it is checked
//! where there is no database.

use std::path::{Path, PathBuf};
use std::process::Command;

use governance_filter::record::Line;
use log_collector::review::VerdictKind;
use log_collector::store::reviews::Judged;
use serde_json::Value;

use crate::reviews::reviewing;
use crate::support::ledger::{close, register, sequence, signer};
use crate::support::server::{path_of, with};
use crate::support::{Collector, Database, flagged, id, intent, line, outcome, routed, withheld};

/// Exit code, standard output, standard error.
type Printed = (i32, String, String);

/// A database with a reader's login, and a folder for what is written.
struct House {
    database: Database,
    reader_url: String,
    folder: PathBuf,
}

impl House {
    async fn fresh() -> House {
        let database = Database::fresh().await;
        let name = path_of(&database.admin_url).1;
        let admin = database.admin().await;
        let sql = format!("CREATE ROLE read_{name} LOGIN PASSWORD 'x' IN ROLE governance_reader");
        admin.batch_execute(&sql).await.unwrap();
        register(&database).await;
        let reader_url = with(&database.admin_url, Some(&format!("read_{name}")), &name);
        let folder = std::env::temp_dir().join(format!("proof-{name}"));
        std::fs::create_dir(&folder).unwrap();
        House { database, reader_url, folder }
    }

    async fn sequence(&self) {
        sequence(&self.database).await;
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Printed {
        run(arguments, Some(&self.reader_url))
    }
}

impl Drop for House {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn run(arguments: &[&str], database_url: Option<&str>) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
    command.args(arguments).env_clear().env("RUST_LOG", "off");
    let output = command.envs(database_url.map(|url| ("DATABASE_URL", url))).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// Where there is nothing but the program.
fn verify(path: &str) -> Printed {
    run(&["verify-proof", path, "--public-key", &signer().verifier().to_string()], None)
}

fn err(code: i32, text: &str) -> Printed {
    (code, String::new(), format!("log-collector: {text}\n"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_record_is_proven_where_there_is_no_database() {
    let house = House::fresh().await;
    let collector = Collector::ready(house.database.config()).await;
    let decision = id();
    collector.acks(&[&Line::intent(&intent(&decision)), &withheld(&decision)]).await;
    close(&house.database, &decision).await;
    collector.acks(&[&flagged(&decision, "Ann asked [EMAIL]")]).await;
    // The tree has groups of leaves and subtrees above them.
    for _ in 0..3 {
        let lines: Vec<_> = (0..200).map(|_| line(&outcome(&id()))).collect();
        collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    }
    let tombstone = format!(
        "ALTER TABLE ai_erasures DISABLE TRIGGER check_tombstone;
         INSERT INTO ai_erasures (decision_id, reason, erased_by, record) VALUES ('{decision}',
            'request 17', 'alice', convert_to('{{\"v\":1,\"decision_id\":\"{decision}\",\"erased_at\":
            \"2026-04-01T00:00:00.000Z\",\"reason\":\"request 17\",\"erased_by\":\"alice\"}}', 'UTF8'))"
    );
    house.database.admin().await.batch_execute(&tombstone).await.unwrap();
    house.sequence().await;

    let file = house.path("proof.json");
    assert_eq!(
        house.run(&["prove", &decision, "--output", &file]),
        (0, String::new(), String::new())
    );
    let (code, shown, stderr) = verify(&file);
    assert_eq!((code, stderr.as_str()), (0, ""), "{shown}");
    let begins = format!("true: 5 records of decision {decision} in the ledger\n");
    assert!(shown.starts_with(&begins), "{shown}");
    for (kind, says) in [
        ("intent", "Z"),
        ("outcome", "Z  unknown"),
        ("late_outcome", "Z  completed"),
        ("delivery", "Z  withheld"),
        ("erasure", "Z  summaries erased by alice: request 17"),
    ] {
        let line = shown.lines().find(|line| line.split_whitespace().nth(2) == Some(kind));
        assert!(line.is_some_and(|line| line.ends_with(says)), "{kind}: {shown}");
    }
    assert!(shown.contains("\noutput summary  Ann asked [EMAIL]\n"), "{shown}");
    let (code, printed, _) = house.run(&["prove", &decision]);
    assert_eq!((code, printed), (0, std::fs::read_to_string(&file).unwrap()));
    let exists = format!("writing `{file}`: File exists (os error 17)");
    assert_eq!(house.run(&["prove", &decision, "--output", &file]), err(1, &exists));

    let key = house.path("key");
    std::fs::write(&key, format!("{}\n", signer().verifier())).unwrap();
    let by_file = run(&["verify-proof", &file, "--public-key-file", &key], None);
    assert_eq!(by_file, (0, shown, String::new()));
    let altered = std::fs::read_to_string(&file).unwrap().replacen("gpt-4o", "gpt-4x", 1);
    std::fs::write(&file, altered).unwrap();
    let (code, stdout, stderr) = verify(&file);
    let ends = "(intent): the checkpoint does not cover it: it was altered, or never was in this \
                ledger\n";
    assert!(code == 1 && stdout.is_empty(), "{code} {stdout}");
    assert!(
        stderr.starts_with("log-collector: false: leaf ") && stderr.ends_with(ends),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_cannot_be_proven_says_why() {
    let house = House::fresh().await;
    let collector = Collector::ready(house.database.config()).await;
    let decision = id();
    let unknown = err(1, &format!("there is no decision `{decision}`"));
    assert_eq!(house.run(&["prove", &decision]), unknown);
    collector.acks(&[&flagged(&decision, "text")]).await;
    let pending =
        format!("no signed checkpoint covers decision `{decision}` yet: try again in some seconds");
    assert_eq!(house.run(&["prove", &decision]), err(1, &pending));
    house.sequence().await;
    assert_eq!(house.run(&["prove", &decision]).0, 0);
    collector.acks(&[&withheld(&decision)]).await;
    assert_eq!(house.run(&["prove", &decision]), err(1, &pending), "one record is not covered yet");
    house.sequence().await;
    let admin = house.database.admin().await;
    let change = "ALTER TABLE ai_decisions DISABLE TRIGGER USER;
        UPDATE ai_decisions SET output_summary = 'other'";
    admin.batch_execute(change).await.unwrap();
    let (code, _, stderr) = house.run(&["prove", &decision]);
    let says = "its output summary is not the one whose digest is in the record; run \
                `log-collector verify` to find out more\n";
    assert!(code == 1 && stderr.ends_with(says), "{stderr}");

    let (code, _, usage) = house.run(&["prove", "d-1"]);
    assert!(
        code == 2 && usage.contains("expected a decision id: `d-` and 32 hex digits"),
        "{usage}"
    );
    let (code, _, usage) = run(&["verify-proof", "x"], None);
    assert!(code == 2 && usage.contains("--public-key <KEY>"), "{usage}");
    let (code, _, usage) = run(&["verify-proof", "x", "--public-key", "y"], None);
    let expected = "expected a verifier key such as `name+01234567+AbCd…`";
    assert!(code == 2 && usage.contains(expected), "{usage}");
    let missing = house.path("missing");
    let gone = format!("cannot read `{missing}`: No such file or directory (os error 2)");
    assert_eq!(verify(&missing), err(2, &gone));
    let no_key = run(&["verify-proof", "x", "--public-key-file", &missing], None);
    assert_eq!(no_key, err(2, &gone));
    let nothing = house.path("nothing");
    std::fs::write(&nothing, "{}").unwrap();
    let expected = "false: line 1, column 2: not what a proof file holds there";
    assert_eq!(verify(&nothing), err(1, expected));
    let bad = run(&["verify-proof", "x", "--public-key-file", &nothing], None);
    assert_eq!(
        bad,
        err(
            2,
            &format!(
                "`{nothing}`: {expected}",
                expected = "expected a verifier key such as `name+01234567+AbCd…`"
            )
        )
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verdicts_are_proven_with_their_decision_and_stand_in_a_bundle() {
    let house = House::fresh().await;
    let collector = Collector::ready(house.database.config()).await;
    let decision = id();
    let since = moment(&house.database).await;
    collector.acks(&[&line(&routed(&decision))]).await;
    let (reviewing, ann) = reviewing(&house.database);
    let shown = reviewing.reader.decision(&decision).await.unwrap().unwrap().digest;
    for (said, note) in [(VerdictKind::Rejected, "not yet\nnot so"), (VerdictKind::Approved, "")] {
        let given = reviewing.judge(&ann, &decision, said, note, &shown).await.unwrap();
        assert!(matches!(given, Judged::Given(_)), "{given:?}");
        house.sequence().await;
    }
    let file = house.path("proof.json");
    assert_eq!(house.run(&["prove", &decision, "--output", &file]).0, 0);
    let (code, shown, stderr) = verify(&file);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let verdicts: Vec<&str> =
        shown.lines().filter_map(|line| line.split_once("  verdict       ")?.1.get(26..)).collect();
    assert_eq!(verdicts, ["rejected by ann: not yet\u{fffd}not so", "approved by ann"]);
    let altered = std::fs::read_to_string(&file).unwrap().replacen("not so", "not no", 1);
    std::fs::write(&file, altered).unwrap();
    assert!(verify(&file).2.contains("(verdict): the checkpoint does not cover it"));

    let (until, folder) = (moment(&house.database).await, house.path("bundle"));
    let span = ["export", "--since", &since, "--until", &until, "--output", &folder];
    assert_eq!(house.run(&span), (0, "3 leaves, from 3 to 5\n".to_owned(), String::new()));
    let (code, shown, stderr) = verify(&folder);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert!(shown.contains("          1  outcome\n          2  verdict\n"), "{shown}");
    let found = lines(&folder);
    let record: Value = serde_json::from_str(found[1]["record"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&found[1]["kind"], &found[1]["ref"], &record["decision_id"]),
        (&"verdict".into(), &record["verdict_id"], &decision.into())
    );
}

fn lines(folder: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(Path::new(folder).join("records.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A time between two commits, by the database's clock.
async fn moment(database: &Database) -> String {
    let sql =
        "SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')";
    database.admin().await.query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn bundle_of_a_span_is_complete_and_verifies_anywhere() {
    let house = House::fresh().await;
    let collector = Collector::ready(house.database.config()).await;
    let post = async |count: usize| {
        let lines: Vec<_> = (0..count).map(|_| flagged(&id(), "Ann asked [EMAIL]")).collect();
        collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    };
    post(300).await;
    let since = moment(&house.database).await;
    post(40).await;
    collector.put_policy("policies: [] # other\n").await;
    post(260).await;
    let until = moment(&house.database).await;
    post(200).await;
    house.sequence().await;

    let folder = house.path("bundle");
    let span = ["--since", &since, "--until", &until, "--output", &folder];
    let export = |output: &str| {
        let mut arguments = vec!["export"];
        arguments.extend(span);
        arguments[6] = output;
        house.run(&arguments)
    };
    // Key, policy and observation are leaves before the 300.
    let told = "302 leaves, from 303 to 604\n".to_owned();
    assert_eq!(export(&folder), (0, told, String::new()));
    let (code, shown, stderr) = verify(&folder);
    assert_eq!((code, stderr.as_str()), (0, ""));
    let begins = "true: 302 leaves of the ledger, complete and as committed\n\n        \
                  300  outcome\n          1  policy\n          1  observation\n";
    assert!(shown.starts_with(begins), "{shown}");
    let found = lines(&folder);
    assert_eq!(found.len(), 302);
    assert_eq!(found[0]["summaries"]["output"], "Ann asked [EMAIL]");
    let record: Value = serde_json::from_str(found[0]["record"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&found[0]["ref"], &record["outcome"]),
        (&record["decision_id"], &"completed".into())
    );
    let readme = std::fs::read_to_string(Path::new(&folder).join("README.md")).unwrap();
    assert!(readme.contains("log-collector verify-proof FOLDER --public-key"), "{readme}");
    let policies = std::fs::read_dir(Path::new(&folder).join("policies")).unwrap().count();
    assert_eq!(policies, 2);
    let exists = format!("writing `{folder}`: File exists (os error 17)");
    assert_eq!(export(&folder), err(1, &exists));

    // A row that was changed behind the ledger's back: the export goes out, and says which.
    let changed = found[7]["ref"].as_str().unwrap();
    let admin = house.database.admin().await;
    let sql = format!(
        "ALTER TABLE ai_decisions DISABLE TRIGGER USER;
         UPDATE ai_decisions SET record = convert_to(replace(convert_from(record, 'UTF8'),
            'gpt-4o', 'gpt-4x'), 'UTF8') WHERE decision_id = '{changed}'"
    );
    admin.batch_execute(&sql).await.unwrap();
    let second = house.path("changed");
    assert_eq!(export(&second).0, 0);
    let bad = "false: records.jsonl: line 8: altered: its text is not the one of its leaf";
    assert_eq!(verify(&second), err(1, bad));
    let sql = format!("DELETE FROM ai_decisions WHERE decision_id = '{changed}'");
    admin.batch_execute(&sql).await.unwrap();
    let gone = format!(
        "the record of leaf 310 (outcome {changed}) is gone; run `log-collector verify` to find out more"
    );
    assert_eq!(export(&house.path("gone")), err(1, &gone));

    let nothing =
        ["export", "--since", "2020-01-01", "--until", "2020-01-02T00:00Z", "--output", "x"];
    let none = "no record was committed from 2020-01-01T00:00:00Z until 2020-01-02T00:00:00Z";
    assert_eq!(house.run(&nothing), err(1, none));
}

#[tokio::test]
async fn what_has_no_place_yet_is_not_left_out_without_a_word() {
    let house = House::fresh().await;
    let collector = Collector::ready(house.database.config()).await;
    let post = async || collector.acks(&[&line(&outcome(&id()))]).await;
    let since = moment(&house.database).await;
    post().await;
    house.sequence().await;
    post().await;
    let until = moment(&house.database).await;
    let export = |folder: &str| {
        let folder = house.path(folder);
        house.run(&["export", "--since", &since, "--until", &until, "--output", &folder])
    };
    let told = "1 leaves, from 3 to 3; no checkpoint covers the 1 after them yet\n".to_owned();
    assert_eq!(export("early"), (3, told, String::new()));
    house.sequence().await;
    assert_eq!(export("later"), (0, "2 leaves, from 3 to 4\n".to_owned(), String::new()));
}
