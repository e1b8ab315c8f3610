//! What a superuser can do to the records, with every trigger off, and that `verify` names it.

mod cases;
mod reviews;

use log_collector::config::Database as DatabaseConfig;
use log_collector::ledger::note::SignerKey;
use tokio_postgres::Client;

use self::cases::{CASES, ROTATED};
use self::reviews::REVIEW_CASES;
use crate::support::tamper::{
    Original, rewrite, sequence, sign_again, sign_head, signer, swap_key, verify,
};
use crate::support::{Collector, Database, id, line, outcome};

/// What an attacker does beside the SQL.
enum Then {
    Nothing,
    /// Leaves from the rows, all signed again with this key.
    Rewrite(u8),
    /// Signed again as the leaves are.
    SignAgain,
    /// The ledger's key of this number is replaced, and all rewritten.
    SwapKey(i64, u8),
    /// The checkpoint of so many leaves is signed by this key.
    SignHead(i64, u8),
}

/// A tampering, and the verdict's line.
struct Case {
    name: &'static str,
    sql: &'static str,
    then: Then,
    verdict: &'static str,
}

const fn case(name: &'static str, sql: &'static str, verdict: &'static str) -> Case {
    Case { name, sql, then: Then::Nothing, verdict }
}

async fn tamper(original: &Original, case: &Case) -> Client {
    let copy = original.copy().await;
    copy.batch_execute(&original.sql(case.sql)).await.unwrap();
    match case.then {
        Then::Nothing => {}
        Then::Rewrite(seed) => rewrite(&copy, &signer(seed)).await,
        Then::SignAgain => sign_again(&copy, &signer(1)).await,
        Then::SwapKey(seq, seed) => {
            swap_key(&copy, seq, &signer(seed)).await;
            rewrite(&copy, &signer(seed)).await;
        }
        Then::SignHead(size, seed) => sign_head(&copy, size, &signer(seed)).await,
    }
    copy
}

fn public(key: &SignerKey) -> String {
    key.verifier().to_string()
}

/// Tampers with copies, and fails with what was not named as it should be.
async fn check(original: &Original, cases: &[Case]) {
    let (key, held) = (public(&signer(1)), original.held.to_str().unwrap());
    let arguments = ["--public-key", &key, "--checkpoint", held];
    let mut wrong = Vec::new();
    for case in cases {
        let copy = tamper(original, case).await;
        let said = original.verify(&copy, &arguments).await;
        let verdicts = ["altered", "incomplete", "intact"];
        let start = verdicts.iter().find_map(|word| said.text.find(&format!("\n{word}")));
        let verdict = start.and_then(|at| said.text[at + 1..].lines().next()).unwrap_or_default();
        let verdict = verdict.replace(&key, "{key}");
        let code = match case.verdict.split(':').next() {
            Some("intact") => 0,
            Some("altered") => 1,
            _ => 3,
        };
        if (verdict.as_str(), said.code, said.errors.as_str()) != (case.verdict, code, "") {
            wrong.push(format!("{}: {} {verdict}\n{}", case.name, said.code, said.errors));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let _ = std::fs::remove_file(&original.held);
}

#[tokio::test]
async fn each_tampering_is_named() {
    check(&Original::make().await, CASES).await;
}

#[tokio::test]
async fn each_tampering_with_a_review_is_named() {
    check(&reviews::make().await, REVIEW_CASES).await;
}

#[tokio::test]
async fn rotated_ledger_is_intact_and_each_forged_rotation_is_named() {
    let original = Original::make().await;
    original.rotate().await;
    check(&original, ROTATED).await;
}

#[tokio::test]
async fn untouched_ledger_is_intact_and_says_what_was_looked_at() {
    let original = Original::make().await;
    let copy = original.copy().await;
    let (key, held) = (public(&signer(1)), original.held.to_str().unwrap());
    let said = original.verify(&copy, &["--public-key", &key, "--checkpoint", held]).await;
    let at = said.text.find(", until ").unwrap();
    let text = said.text.replace(&said.text[at + 8..at + 32], "{time}");
    let expected = "\
kind                    rows        leaves
intent                     4             4
outcome                    5             5
late_outcome               1             1
delivery                   1             1
policy                     1             1
erasure                    1             1
key                        1             1

tree          14 leaves
checkpoints   5 in the database, 1 held elsewhere
signed        14 leaves, until {time}
not yet       0 records

intact
";
    assert_eq!((text.as_str(), said.errors.as_str(), said.code), (expected, "", 0));
    // As programs read it, and with checkpoints as the collector prints them.
    let lines = format!("{{\"checkpoint\":{}}}\n", {
        serde_json::to_string(&std::fs::read_to_string(held).unwrap()).unwrap()
    });
    std::fs::write(held, format!("starting\n{lines}{lines}")).unwrap();
    let arguments = ["--public-key", &key, "--checkpoint", held, "--format", "json"];
    let said = original.verify(&copy, &arguments).await;
    let json: serde_json::Value = serde_json::from_str(&said.text).unwrap();
    assert_eq!(
        (said.code, &json["verdict"], &json["signed_leaves"]),
        (0, &"intact".into(), &14.into())
    );
    // Without a checkpoint it says what it cannot see.
    let said = original.verify(&copy, &["--public-key", &key]).await;
    let expected = "
No checkpoint held elsewhere was given (--checkpoint): that the end was cut off, or that
whoever has the signing key rewrote everything, cannot be seen without one.

intact
";
    assert!(said.text.ends_with(expected), "{}", said.text);
    assert_eq!(said.code, 0);
    // Whatever else is missing with a month is not said again of each record.
    let sql = original.sql(
        "DO $$ BEGIN EXECUTE format('ALTER TABLE ai_decisions DETACH PARTITION %s', (
            SELECT tableoid::regclass FROM ai_decisions WHERE decision_id = '{a}')); END $$",
    );
    copy.batch_execute(&sql).await.unwrap();
    let said = original.verify(&copy, &["--public-key", &key, "--checkpoint", held]).await;
    let verdict = said.text.split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1;
    let expected = "\
altered: outcome {a} (leaf 5): its row and those of 4 others of {month} are not in ai_decisions, \
which has no partition of that month: it was detached or dropped
";
    assert_eq!((verdict, said.code), (expected, 1));
    let _ = std::fs::remove_file(held);
}

#[tokio::test]
async fn err_arguments_are_2_and_a_database_that_is_away_is_3() {
    let key = public(&signer(1));
    let away = "postgres://nobody@127.0.0.1:1/nothing";
    let said = verify(away, &["--public-key", &key]);
    let start = "log-collector: connecting to the database: the database was not reached: ";
    assert!(said.errors.starts_with(start), "{}", said.errors);
    assert_eq!((said.code, said.text.as_str()), (3, ""));
    for (arguments, error) in [
        (&[][..], "log-collector: --public-key is not given (nor --public-key-file)\n"),
        (
            &["--public-key", &key, "--checkpoint", "/dev/null"],
            "log-collector: --checkpoint: `/dev/null`: there is no checkpoint in it\n",
        ),
    ] {
        let said = verify(away, arguments);
        assert_eq!((said.code, said.errors.as_str()), (2, error));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledger_is_intact_while_records_are_written_and_a_wrong_node_is_named() {
    let database = Database::fresh().await;
    let owner = DatabaseConfig::parse(&database.admin_url).unwrap();
    log_collector::store::keys::register(&owner, &signer(1).verifier()).await.unwrap();
    let mut config = database.config();
    config.ledger_key = Some(signer(1));
    let collector = Collector::ready(config).await;
    let key = public(&signer(1));
    let write = async {
        for _ in 0..20 {
            let lines: Vec<_> = (0..20).map(|_| line(&outcome(&id()))).collect();
            collector.acks(&lines.iter().collect::<Vec<_>>()).await;
        }
    };
    let url = database.admin_url.clone();
    let arguments = key.clone();
    let check = tokio::task::spawn_blocking(move || {
        (0..3).map(|_| verify(&url, &["--public-key", &arguments])).collect::<Vec<_>>()
    });
    let ((), said) = tokio::join!(write, check);
    for said in said.unwrap() {
        assert_eq!((said.code, said.errors.as_str()), (0, ""), "{}", said.text);
    }
    collector.stop().await;
    sequence(&database, &signer(1)).await;
    let admin = database.admin().await;
    let sql = "ALTER TABLE ai_ledger_nodes DISABLE TRIGGER ALL;
        UPDATE ai_ledger_nodes SET hash = sha256('')";
    admin.batch_execute(sql).await.unwrap();
    let said = verify(&database.admin_url, &["--public-key", &key]);
    let verdict = "altered: the subtree over the leaves 0 to 255 is not kept as they make it\n";
    assert!(said.text.ends_with(verdict), "{}", said.text);
    assert_eq!(said.code, 1);
}
