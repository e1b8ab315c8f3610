//! The history of policies: one row for each change, however many workers and replicas tell of it,
//! and a text for every decision, whoever tries to take it away.

use std::time::SystemTime;

use governance_filter::record::{AckStatus, rfc3339, sha256_hex};
use log_collector::config::Database as DatabaseConfig;
use log_collector::ledger::contents::Observation;
use log_collector::store::migrate::migrate;

use crate::support::{
    Collector, Database, POLICY, TOKEN, flagged, id, intent, line, now, outcome, version_of,
};

const A: &str = "policies: [] # A\n";
const B: &str = "policies: [] # B\n";

/// Announces a text as a worker that took it up at this time.
async fn announce(collector: &Collector, gateway: &str, text: &'static str, configured_ms: u64) {
    let url = format!("{}/v1/policies/{}", collector.url, version_of(text));
    let request = collector.http.put(url).bearer_auth(TOKEN).header("x-gateway", gateway);
    let request = request.header("x-configured-at", rfc3339(configured_ms));
    assert_eq!(request.body(text).send().await.unwrap().status(), 204);
}

/// What a gateway ran, oldest first.
async fn history(database: &Database, gateway: &str) -> Vec<String> {
    let sql = "SELECT policy_version FROM ai_policy_observations WHERE gateway = $1
        ORDER BY observation_id";
    let rows = database.admin().await.query(sql, &[&gateway]).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn policy_that_comes_back_is_a_row_of_its_own() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    let start = now();
    for (after_ms, text) in [(0, A), (0, A), (1, B), (1, B), (2, A), (2, A), (2, A)] {
        announce(&collector, "g", text, start + after_ms).await;
    }
    let expected = [A, B, A].map(version_of);
    assert_eq!(history(&database, "g").await, expected);
    let ordered = "SELECT count(*) FROM (SELECT first_seen, lag(first_seen) OVER (
        ORDER BY observation_id) AS before FROM ai_policy_observations) t WHERE before > first_seen";
    assert_eq!(database.count(ordered).await, 0);
}

#[tokio::test]
async fn observation_is_a_record_that_says_what_its_columns_say() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    announce(&collector, "g \"1\"", A, now()).await;
    let url = format!("{}/v1/policies/{}", collector.url, version_of(B));
    let request = collector.http.put(url).bearer_auth(TOKEN).header("x-gateway", "g \"1\"");
    assert_eq!(request.body(B).send().await.unwrap().status(), 204);
    let sql = "SELECT record, gateway, policy_version, first_seen, configured_at,
            observation_id FROM ai_policy_observations ORDER BY observation_id";
    let rows = database.admin().await.query(sql, &[]).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let time = |time: SystemTime| {
            let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let time = rfc3339(u64::try_from(since.as_millis()).unwrap());
            format!("{}000Z", time.trim_end_matches('Z'))
        };
        let record: Observation = serde_json::from_slice(row.get(0)).unwrap();
        let expected = Observation {
            v: 1,
            observation_id: row.get(5),
            gateway: row.get(1),
            policy_version: row.get(2),
            first_seen: time(row.get(3)),
            configured_at: row.get::<_, Option<SystemTime>>(4).map(time),
        };
        assert_eq!(record, expected);
    }
    let leaves = "SELECT count(*) FROM ai_ledger_pending WHERE kind = 'observation'";
    assert_eq!(database.count(leaves).await, 2);
}

#[tokio::test]
async fn late_word_of_an_old_policy_is_no_return_to_it() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    let start = now();
    announce(&collector, "g", A, start).await;
    announce(&collector, "g", B, start + 1).await;
    announce(&collector, "g", A, start).await;
    assert_eq!(history(&database, "g").await, [A, B].map(version_of));
    // In a database that knows neither, in the wrong order.
    let lost = "DROP TRIGGER refuse_change ON ai_policy_observations;
        DELETE FROM ai_policy_observations";
    database.admin().await.batch_execute(lost).await.unwrap();
    announce(&collector, "g", B, start + 1).await;
    announce(&collector, "g", A, start).await;
    assert_eq!(history(&database, "g").await, [version_of(B)]);
    announce(&collector, "other", A, start).await;
    assert_eq!(history(&database, "other").await, [version_of(A)], "each gateway has its own");
}

#[tokio::test]
async fn clock_ahead_does_not_silence_what_comes_after() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    announce(&collector, "g", A, now() + 3_600_000).await;
    announce(&collector, "g", B, now() + 1_000).await;
    assert_eq!(history(&database, "g").await, [A, B].map(version_of));
    let url = format!("{}/v1/policies/{}", collector.url, version_of(A));
    let request = collector.http.put(url).bearer_auth(TOKEN).header("x-gateway", "g");
    // Neither is a time: as from a filter that does not say.
    let request = request.header("x-configured-at", "yesterday");
    assert_eq!(request.body(A).send().await.unwrap().status(), 204);
    assert_eq!(history(&database, "g").await, [A, B, A].map(version_of));
}

#[tokio::test]
async fn workers_and_replicas_that_tell_at_once_make_one_row_for_each_change() {
    let database = Database::fresh().await;
    let replicas =
        [Collector::start(database.config()).await, Collector::start(database.config()).await];
    let start = now();
    let texts = [A, B, A, B, POLICY];
    for (after_ms, text) in (0..).zip(texts) {
        let workers = (0..8).map(|worker| {
            let url = format!("{}/v1/policies/{}", replicas[worker % 2].url, version_of(text));
            let http = replicas[worker % 2].http.clone();
            tokio::spawn(async move {
                let request = http.put(url).bearer_auth(TOKEN).header("x-gateway", "g");
                let time = rfc3339(start + after_ms);
                let request = request.header("x-configured-at", time).body(text);
                assert_eq!(request.send().await.unwrap().status(), 204);
            })
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.await.unwrap();
        }
    }
    assert_eq!(history(&database, "g").await, texts.map(version_of));
}

#[tokio::test]
async fn rows_of_the_earlier_schema_are_kept_in_their_order() {
    let roles = Database::fresh().await;
    let database = Database::empty_on(&roles.admin_url).await;
    let admin = database.admin().await;
    let earlier = [
        (1, "decisions", include_str!("../../migrations/0001_decisions.sql")),
        (2, "reading", include_str!("../../migrations/0002_reading.sql")),
    ];
    admin.batch_execute("GRANT CREATE ON SCHEMA public TO governance_owner").await.unwrap();
    admin.batch_execute("SET ROLE governance_owner").await.unwrap();
    let table = "CREATE TABLE governance_migrations (version INT PRIMARY KEY, name TEXT NOT NULL,
        digest TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())";
    admin.batch_execute(table).await.unwrap();
    for (version, name, sql) in earlier {
        admin.batch_execute(sql).await.unwrap();
        let applied = "INSERT INTO governance_migrations VALUES ($1, $2, $3)";
        admin.execute(applied, &[&version, &name, &sha256_hex(sql.as_bytes())]).await.unwrap();
    }
    for (text, day) in [(A, "2026-03-01"), (B, "2026-03-02")] {
        let version = version_of(text);
        let policy = "INSERT INTO ai_policies (version, text) VALUES ($1, $2)";
        admin.execute(policy, &[&version, &text.as_bytes()]).await.unwrap();
        let seen = format!("INSERT INTO ai_policy_observations VALUES ('g', '{version}', '{day}')");
        admin.batch_execute(&seen).await.unwrap();
    }
    migrate(&DatabaseConfig::parse(&database.admin_url).unwrap()).await.unwrap();
    assert_eq!(history(&database, "g").await, [A, B].map(version_of));
    let kept = "SELECT count(*) FROM ai_policy_observations WHERE first_seen < '2026-03-03'";
    assert_eq!(database.count(kept).await, 2);
    let checked = "SELECT count(*) FROM pg_constraint
        WHERE conname = 'ai_policies_version_is_digest' AND convalidated";
    assert_eq!(database.count(checked).await, 1);
}

async fn code(client: &tokio_postgres::Client, sql: &str) -> String {
    let Err(error) = client.batch_execute(sql).await else { panic!("allowed: {sql}") };
    error.code().unwrap().code().to_owned()
}

#[tokio::test]
async fn every_decision_resolves_to_the_text_it_was_judged_by() {
    const DENIED: &str = "42501";
    const NO_TEXT: &str = "23503";
    const NOT_ITS_TEXT: &str = "23514";
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let mut unknown = outcome(&id());
    unknown.policy_version = version_of("never announced");
    assert_eq!(collector.acks(&[&line(&unknown)]).await[0].status, AckStatus::UnknownPolicy);
    let committed = [line(&outcome(&id())), flagged(&id(), "text")];
    let acks = collector.acks(&[&committed[0], &committed[1]]).await;
    assert!(acks.iter().all(|ack| ack.status == AckStatus::Committed));

    let service = database.service().await;
    let nowhere = version_of("never announced");
    // The service's own login, which may insert what it likes.
    let decide = |version: &str| {
        format!(
            "INSERT INTO ai_decisions (decision_id, model, input_hash, policy_version, outcome,
                categories, actions, triggered, tool_names, record, digest)
             VALUES ('{}', 'm', 'h', {version}, 'completed', '{{}}', '{{}}', '[]', '{{}}', '', '')",
            id()
        )
    };
    assert_eq!(code(&service, &decide(&format!("'{nowhere}'"))).await, NO_TEXT);
    assert_eq!(code(&service, &decide("NULL")).await, NOT_ITS_TEXT, "no policy at all");
    for sql in [
        format!(
            "INSERT INTO ai_decision_intents (decision_id, model, input_hash, policy_version,
            created_at, record, digest) VALUES ('{}', 'm', 'h', '{nowhere}', now(), '', '')",
            id()
        ),
        format!(
            "INSERT INTO ai_deliveries (decision_id, delivery, policy_version, created_at,
            record, digest) VALUES ('{}', 'withheld', '{nowhere}', now(), '', '')",
            id()
        ),
        format!(
            "INSERT INTO ai_late_outcomes (decision_id, outcome, policy_version, created_at,
            record, digest) VALUES ('{}', 'completed', '{nowhere}', now(), '', '')",
            id()
        ),
        format!(
            "INSERT INTO ai_policy_observations (gateway, policy_version)
            VALUES ('g', '{nowhere}')"
        ),
    ] {
        assert_eq!(code(&service, &sql).await, NO_TEXT, "{sql}");
    }
    let forged = format!("INSERT INTO ai_policies (version, text) VALUES ('{nowhere}', 'other')");
    assert_eq!(code(&service, &forged).await, NOT_ITS_TEXT);
    let changes = ["DELETE FROM ai_policies", "UPDATE ai_policies SET text = 'other'"];
    for sql in changes {
        assert_eq!(code(&service, sql).await, DENIED, "{sql}");
    }

    // The owner is stopped by the triggers; without them, by the keys.
    let owner = database.admin().await;
    owner.batch_execute("SET ROLE governance_owner").await.unwrap();
    for sql in changes {
        assert_eq!(code(&owner, sql).await, DENIED, "{sql}");
    }
    owner.batch_execute("ALTER TABLE ai_policies DISABLE TRIGGER USER").await.unwrap();
    for (sql, expected) in changes.iter().zip([NO_TEXT, NOT_ITS_TEXT]) {
        assert_eq!(code(&owner, sql).await, expected, "{sql}");
    }
    assert_eq!(code(&owner, &forged).await, NOT_ITS_TEXT);
    let resolved = "SELECT count(*) FROM ai_decisions d JOIN ai_policies p
        ON p.version = d.policy_version WHERE 'sha256:' || encode(sha256(p.text), 'hex')
            = convert_from(d.record, 'UTF8')::jsonb ->> 'policy_version'";
    assert_eq!(database.count(resolved).await, 2);
}

#[tokio::test]
async fn service_reads_no_salt() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let intent = governance_filter::record::Line::intent(&intent(&id()));
    collector.acks(&[&intent, &flagged(&id(), "text")]).await;
    let service = database.service().await;
    for table in ["ai_decisions", "ai_decisions_default", "ai_late_outcomes"] {
        for columns in ["summary_salt", "*"] {
            let sql = format!("SELECT {columns} FROM {table}");
            assert_eq!(code(&service, &sql).await, "42501", "{sql}");
        }
    }
    service.batch_execute("SELECT record, output_summary FROM ai_decisions").await.unwrap();
}
