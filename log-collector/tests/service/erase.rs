//! `erase` as a program, and what its role may do: a tombstone's leaf first, then the summaries, and
//! nothing else ever.

use std::process::{Command, Stdio};

use governance_filter::record::Line;
use log_collector::ledger::contents::Erasure;

use crate::support::ledger::{close, register, sequence};
use crate::support::server::{path_of, with};
use crate::support::{Collector, Database, connect, flagged, id, intent};

const SUMMARY: &str = "Ann asked [EMAIL]";

const LEFT: &str = "SELECT count(*) FROM (
    SELECT output_summary, input_summary, summary_salt FROM ai_decisions UNION ALL
    SELECT output_summary, input_summary, summary_salt FROM ai_late_outcomes) AS t
    WHERE num_nonnulls(output_summary, input_summary, summary_salt) > 0";

const WHOLE: &str = "output_summary = NULL, input_summary = NULL, summary_salt = NULL";

/// Exit code, standard output, standard error.
type Printed = (i32, String, String);

/// A database with an eraser's login and a collector before it.
struct House {
    database: Database,
    collector: Collector,
    eraser_url: String,
    login: String,
}

impl House {
    async fn fresh() -> House {
        let database = Database::fresh().await;
        let name = path_of(&database.admin_url).1;
        let login = format!("erase_{name}");
        let admin = database.admin().await;
        let sql = format!("CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE governance_eraser");
        admin.batch_execute(&sql).await.unwrap();
        register(&database).await;
        let eraser_url = with(&database.admin_url, Some(&login), &name);
        let collector = Collector::ready(database.config()).await;
        House { database, collector, eraser_url, login }
    }

    /// A decision with a summary, in the ledger.
    async fn decision(&self) -> String {
        let decision = id();
        self.collector.acks(&[&flagged(&decision, SUMMARY)]).await;
        sequence(&self.database).await;
        decision
    }

    /// Of the partition that now has the decisions.
    async fn month(&self) -> String {
        let sql = "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')";
        self.database.admin().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    fn erase(&self, arguments: &[&str]) -> Printed {
        erase_as(&self.eraser_url, arguments)
    }

    /// As one who finds no sequencer.
    fn erase_in_vain(&self, decision: &str) -> Printed {
        self.erase(&[decision, "--reason", "request 17", "--yes", "--wait", "0s"])
    }
}

fn erase_as(url: &str, arguments: &[&str]) -> Printed {
    let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
    command.arg("erase").args(arguments).env("DATABASE_URL", url).env("RUST_LOG", "off");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

fn ok(text: &str) -> Printed {
    (0, text.to_owned(), String::new())
}

fn err(code: i32, text: &str) -> Printed {
    (code, String::new(), format!("log-collector: {text}\n"))
}

fn waiting(decision: &str) -> Printed {
    err(
        3,
        &format!(
            "nothing was erased yet: the tombstone of `{decision}` is committed and has no place in \
             the ledger so far. Is a `log-collector serve` running with the ledger's key? Run the \
             same command again to go on"
        ),
    )
}

async fn refusal(client: &tokio_postgres::Client, sql: &str) -> String {
    let Err(error) = client.batch_execute(sql).await else { panic!("allowed: {sql}") };
    error.as_db_error().unwrap().message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tombstone_is_a_leaf_before_anything_is_gone() {
    let house = House::fresh().await;
    let (decision, other) = (house.decision().await, house.decision().await);
    // No sequencer runs: as if this had been killed between the two steps.
    assert_eq!(house.erase_in_vain(&decision), waiting(&decision));
    assert_eq!(house.database.count(LEFT).await, 2, "nothing is gone");
    let pending = "SELECT count(*) FROM ai_ledger_pending WHERE kind = 'erasure'";
    assert_eq!(house.database.count(pending).await, 1, "the tombstone is committed");
    assert_eq!(house.erase_in_vain(&decision), waiting(&decision));
    assert_eq!(house.database.count(pending).await, 1, "once");

    sequence(&house.database).await;
    assert_eq!(house.database.count(LEFT).await, 2);
    let again = house.erase(&[&decision, "--reason", "another", "--yes"]);
    let said = format!(
        "erased the summaries and the salt of `{decision}`; an earlier reason stands\n\
         leaf 5 of the ledger says so\n"
    );
    assert_eq!(again, ok(&said));
    assert_eq!(house.database.count(LEFT).await, 1, "the other decision's is there");
    let again = house.erase(&[&decision, "--reason", "request 17", "--yes"]);
    let said = format!(
        "`{decision}` was erased before; nothing was left to erase\nleaf 5 of the ledger says so\n"
    );
    assert_eq!(again, ok(&said));

    let admin = house.database.admin().await;
    let row = admin.query_one("SELECT * FROM ai_erasures", &[]).await.unwrap();
    let tombstone: Erasure = serde_json::from_slice(row.get("record")).unwrap();
    assert_eq!((tombstone.v, tombstone.decision_id), (1, decision));
    assert_eq!((&*tombstone.reason, &tombstone.erased_by), ("request 17", &house.login));
    let columns: (String, String) = (row.get("reason"), row.get("erased_by"));
    assert_eq!(columns, (tombstone.reason, tombstone.erased_by));
    let sql = "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')
        FROM ai_erasures";
    let created: String = admin.query_one(sql, &[]).await.unwrap().get(0);
    assert_eq!(created, tombstone.erased_at);
    let kept = "SELECT count(*) FROM ai_decisions WHERE encode(sha256(record), 'hex') = digest";
    assert_eq!(house.database.count(kept).await, 2, "records stay");
    let kept = format!(
        "SELECT count(*) FROM ai_decisions WHERE decision_id = '{other}'
            AND output_summary = '{SUMMARY}'"
    );
    assert_eq!(house.database.count(&kept).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn late_outcome_is_erased_too() {
    let house = House::fresh().await;
    let decision = id();
    close(&house.database, &decision).await;
    assert_eq!(house.erase_in_vain(&decision), waiting(&decision));
    sequence(&house.database).await;
    let erase = || house.erase(&[&decision, "--reason", "request 17", "--yes"]);
    let before = format!(
        "`{decision}` was erased before; nothing was left to erase\nleaf 4 of the ledger says so\n"
    );
    assert_eq!(erase(), ok(&before));
    house.collector.acks(&[&flagged(&decision, SUMMARY)]).await;
    let late = "SELECT count(*) FROM ai_late_outcomes";
    assert_eq!(house.database.count(late).await, 1, "its record is kept");
    assert_eq!(house.database.count(LEFT).await, 0, "what was erased does not come back");
    assert_eq!(erase(), ok(&before));
}

#[tokio::test(flavor = "multi_thread")]
async fn err_what_is_not_erased_says_why() {
    let house = House::fresh().await;
    let decision = house.decision().await;
    let unknown = id();
    assert_eq!(house.erase_in_vain(&unknown), err(1, &format!("there is no decision `{unknown}`")));
    house.collector.acks(&[&Line::intent(&intent(&unknown))]).await;
    let open = format!(
        "decision `{unknown}` has no outcome yet, and so no summary: erase it when it has ended"
    );
    assert_eq!(house.erase_in_vain(&unknown), err(1, &open));
    let ask = house.erase(&[&decision, "--reason", "request 17"]);
    let unconfirmed = "nothing was erased: answer `erase` on a terminal, or say --yes";
    assert_eq!(ask, err(2, unconfirmed));
    let long = "x".repeat(501);
    for reason in ["", "  ", "two\nlines", &long] {
        let (code, _, usage) = house.erase(&[&decision, "--reason", reason, "--yes"]);
        let expected = "expected one line of 1 to 500 characters";
        assert!(code == 2 && usage.contains(expected), "{reason:?}: {usage}");
    }
    for url in [&house.database.admin_url, &house.database.service_url] {
        let said = format!(
            "the login `{}` may not erase: use one that is granted `governance_eraser` and is no \
             superuser",
            path_of(url).0
        );
        assert_eq!(erase_as(url, &[&decision, "--reason", "x", "--yes"]), err(1, &said));
    }
    assert_eq!(house.database.count("SELECT count(*) FROM ai_erasures").await, 0);
    assert_eq!(house.database.count(LEFT).await, 1);
}

#[tokio::test]
async fn eraser_may_null_three_columns_and_nothing_else() {
    let house = House::fresh().await;
    let decision = house.decision().await;
    let null = |columns: &str| {
        format!("UPDATE ai_decisions SET {columns} WHERE decision_id = '{decision}'")
    };
    let eraser = connect(&house.eraser_url).await;
    let month = house.month().await;
    let no_leaf = format!("ai_decisions_{month}: no leaf of the ledger says that this is erased");
    assert_eq!(refusal(&eraser, &null(WHOLE)).await, no_leaf);
    assert_eq!(house.erase_in_vain(&decision), waiting(&decision));
    assert_eq!(refusal(&eraser, &null(WHOLE)).await, no_leaf, "a tombstone without its leaf");
    sequence(&house.database).await;

    let append_only = format!("ai_decisions_{month} is append-only: UPDATE refused");
    for columns in [
        "output_summary = 'other', input_summary = NULL, summary_salt = NULL",
        "output_summary = NULL, input_summary = NULL",
        "output_summary = NULL",
        "summary_salt = NULL",
    ] {
        assert_eq!(refusal(&eraser, &null(columns)).await, append_only, "{columns}");
    }
    let partition = null(WHOLE).replace("ai_decisions", &format!("ai_decisions_{month}"));
    for sql in [
        null("model = 'other'"),
        null(&format!("model = 'other', {WHOLE}")),
        partition,
        "UPDATE ai_decision_intents SET model = 'x'".to_owned(),
        "UPDATE ai_erasures SET reason = 'x'".to_owned(),
        "DELETE FROM ai_erasures".to_owned(),
        "DELETE FROM ai_decisions".to_owned(),
        "TRUNCATE ai_decisions".to_owned(),
        "SELECT output_summary FROM ai_decisions".to_owned(),
        "SELECT summary_salt FROM ai_decisions".to_owned(),
        "SELECT record FROM ai_decisions".to_owned(),
        "INSERT INTO ai_decisions (decision_id) VALUES ('x')".to_owned(),
        "INSERT INTO ai_ledger_leaves (first_index) VALUES (1)".to_owned(),
        "INSERT INTO ai_ledger_pending (kind) VALUES ('x')".to_owned(),
        "ALTER TABLE ai_decisions DISABLE TRIGGER USER".to_owned(),
    ] {
        let refused = refusal(&eraser, &sql).await;
        let denied =
            refused.starts_with("permission denied") || refused.starts_with("must be owner");
        assert!(denied, "{sql}: {refused}");
    }
    // Nor a tombstone in another's name, with other words than its record, or of no decision.
    let other = house.decision().await;
    let login = eraser.query_one("SELECT session_user::text", &[]).await.unwrap();
    let login = login.get::<_, &str>(0);
    let tombstone = |decision: &str, reason: &str, by: &str| {
        format!(
            "INSERT INTO ai_erasures (decision_id, reason, erased_by, created_at, record)
             VALUES ('{decision}', '{reason}', '{by}', '2026-04-01T00:00:00Z', convert_to('{{\"v\":1,
             \"decision_id\":\"{decision}\",\"erased_at\":\"2026-04-01T00:00:00.000Z\",
             \"reason\":\"asked\",\"erased_by\":\"{by}\"}}', 'UTF8'))"
        )
    };
    for (decision, reason, by) in
        [(other.as_str(), "asked", "alice"), (&other, "other", login), ("d-none", "asked", login)]
    {
        let refused = refusal(&eraser, &tombstone(decision, reason, by)).await;
        let expected = "ai_erasures: the tombstone is not of this login, or says something else \
                        than its record, or is of no decision";
        assert_eq!(refused, expected);
    }
    // Not of another decision, nor of all.
    assert_eq!(refusal(&eraser, &null(WHOLE).replace(&decision, &other)).await, no_leaf);
    assert_eq!(refusal(&eraser, &format!("UPDATE ai_decisions SET {WHOLE}")).await, no_leaf);
    assert_eq!(house.database.count(LEFT).await, 2);
    eraser.batch_execute(&null(WHOLE)).await.unwrap();
    assert_eq!(house.database.count(LEFT).await, 1);
}

#[tokio::test]
async fn nobody_else_may_erase_not_even_after_the_tombstone() {
    let house = House::fresh().await;
    let decision = house.decision().await;
    assert_eq!(house.erase_in_vain(&decision), waiting(&decision));
    sequence(&house.database).await;
    let append_only =
        format!("ai_decisions_{} is append-only: UPDATE refused", house.month().await);
    let erase = format!("UPDATE ai_decisions SET {WHOLE}");
    for setting in ["SET ROLE governance_owner", "SET session_replication_role = replica", ""] {
        let admin = house.database.admin().await;
        admin.batch_execute(setting).await.unwrap();
        assert_eq!(refusal(&admin, &erase).await, append_only, "{setting}");
        let delete = refusal(&admin, "DELETE FROM ai_decisions").await;
        assert_eq!(delete, append_only.replace("UPDATE", "DELETE"), "{setting}");
    }
    let name = path_of(&house.database.admin_url).1;
    let sql = format!("CREATE ROLE read_{name} LOGIN PASSWORD 'x' IN ROLE governance_reader");
    house.database.admin().await.batch_execute(&sql).await.unwrap();
    let reader_url = with(&house.database.admin_url, Some(&format!("read_{name}")), &name);
    for url in [&house.database.service_url, &reader_url] {
        let refused = refusal(&connect(url).await, &erase).await;
        assert!(refused.starts_with("permission denied"), "{refused}");
    }
    assert_eq!(house.database.count(LEFT).await, 1);
}

#[tokio::test]
async fn months_made_later_are_guarded_as_well() {
    let database = Database::fresh().await;
    let service = database.service().await;
    service.query_one("SELECT governance_make_partitions(6)", &[]).await.unwrap();
    let unguarded = "SELECT count(*) FROM pg_class c
        WHERE relkind = 'r' AND relname ~ '^ai_(decisions_|late_outcomes)' AND NOT EXISTS (
            SELECT FROM pg_trigger t WHERE tgrelid = c.oid AND tgname = 'refuse_change'
                AND tgenabled = 'A' AND tgfoid = 'governance_erase_only'::regproc)";
    assert_eq!(database.count(unguarded).await, 0);
    let guarded = unguarded.replace("NOT EXISTS", "EXISTS");
    assert_eq!(database.count(&guarded).await, 9, "seven months, the default, and late outcomes");
}
