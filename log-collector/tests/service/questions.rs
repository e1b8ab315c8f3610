//! The indexes for the questions people ask: built while decisions are taken, and used.

use governance_filter::record::AckStatus;
use log_collector::config::Database as DatabaseConfig;
use log_collector::store::migrate::migrate;
use tokio_postgres::Client;

use crate::support::{Collector, Database, id, line, outcome, until};

/// A database as it was before the indexes, with a month of 60,000 decisions.
const BEFORE: &str = "
    DROP INDEX ai_decisions_caller, ai_decisions_model, ai_decisions_outcome, ai_decisions_policy;
    DELETE FROM governance_migrations WHERE version = 10;
    INSERT INTO ai_policies (version, text)
        SELECT 'sha256:' || encode(sha256(text), 'hex'), text
        FROM (SELECT convert_to('policy ' || n, 'UTF8') FROM generate_series(0, 99) n) AS t (text);
    ALTER TABLE ai_decisions DISABLE TRIGGER append_leaves;
    INSERT INTO ai_decisions (decision_id, model, input_hash, policy_version, created_at, outcome,
        categories, actions, triggered, tool_names, caller, record, digest)
    SELECT 'd-' || lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0')
            || '7000800000' || lpad(to_hex(n), 10, '0'),
        'model-' || n % 50, '', 'sha256:' || encode(sha256(convert_to('policy ' || n / 600, 'UTF8')), 'hex'),
        at, CASE WHEN n % 100 = 0 THEN 'upstream_error' ELSE 'completed' END,
        '{}', '{}', '[]', '{}', 'key:' || n % 1000, convert_to(repeat('x', 150), 'UTF8'), ''
    FROM generate_series(0, 59999) n,
        LATERAL (SELECT date_trunc('month', now() AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'
            + n * interval '1 second') AS t (at);
    ALTER TABLE ai_decisions ENABLE ALWAYS TRIGGER append_leaves;";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indexes_are_built_while_decisions_are_taken_and_answer_questions() {
    let database = Database::fresh().await;
    let admin = database.admin().await;
    admin.batch_execute(BEFORE).await.unwrap();
    // A concurrent build waits for every snapshot that is older; this one keeps it from ending.
    let mut reader = database.admin().await;
    let builder = reader.build_transaction();
    let old = builder.isolation_level(tokio_postgres::IsolationLevel::RepeatableRead).start().await;
    let old = old.unwrap();
    old.batch_execute("SELECT txid_current_snapshot()").await.unwrap();
    let config = DatabaseConfig::parse(&database.admin_url).unwrap();
    let migrating = tokio::spawn(async move { migrate(&config).await });
    until("a build waits", || async {
        let sql = "SELECT count(*) FROM pg_stat_progress_create_index
            WHERE datname = current_database() AND command = 'CREATE INDEX CONCURRENTLY'
                AND phase LIKE 'waiting for %'";
        admin.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;

    let collector = Collector::ready(database.config()).await;
    let acks = collector.acks(&[&line(&outcome(&id()))]).await;
    assert_eq!(acks[0].status, AckStatus::Committed);
    assert!(!migrating.is_finished());
    old.commit().await.unwrap();
    migrating.await.unwrap().unwrap();
    let invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid";
    assert_eq!(database.count(invalid).await, 0);

    admin.batch_execute("VACUUM ANALYZE ai_decisions").await.unwrap();
    let month = "SELECT 'ai_decisions' || to_char(now() AT TIME ZONE 'UTC', '_YYYY_MM')";
    let month: String = admin.query_one(month, &[]).await.unwrap().get(0);
    for (question, index) in [
        ("caller = 'key:7' ORDER BY decision_id DESC LIMIT 20", "_caller"),
        ("model = 'model-7' ORDER BY decision_id DESC LIMIT 20", "_model"),
        ("outcome = 'upstream_error' ORDER BY decision_id DESC LIMIT 20", "_outcome"),
        (
            "policy_version = 'sha256:' || encode(sha256('policy 3'), 'hex')
                ORDER BY decision_id DESC LIMIT 20",
            "_pkey",
        ),
        ("policy_version = 'sha256:' || encode(sha256('policy 3'), 'hex')", "_policy"),
        (
            "created_at >= date_trunc('month', now()) + interval '1 hour'
                AND created_at < date_trunc('month', now()) + interval '2 hours'",
            "_created_at",
        ),
        (
            "decision_id >= 'd-' || lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint), 12, '0')",
            "_pkey",
        ),
    ] {
        let plan = plan(&admin, question).await;
        let used = plan.lines().any(|line| line.contains("Scan") && line.contains(index));
        // Partitions without rows are read through at no cost.
        let read_through = plan.contains(&format!("Seq Scan on {month} "));
        assert!(used && !read_through, "{question}:\n{plan}");
    }
    collector.stop().await;
}

async fn plan(admin: &Client, question: &str) -> String {
    let sql = format!("EXPLAIN (COSTS OFF) SELECT decision_id FROM ai_decisions WHERE {question}");
    let rows = admin.query(&sql, &[]).await.unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}
