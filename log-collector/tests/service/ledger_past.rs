//! Records from before the ledger, and those that came while it was being set up.

use log_collector::config::Database as DatabaseConfig;
use log_collector::store::keys;
use log_collector::store::migrate::migrate;

use crate::ledger::{covered, signer, signing, tree_of_rows};
use crate::support::server::{path_of, shared_admin_url};
use crate::support::{Collector, Database, until};

const BEFORE: [(i32, &str, &str); 4] = [
    (1, "decisions", include_str!("../../migrations/0001_decisions.sql")),
    (2, "reading", include_str!("../../migrations/0002_reading.sql")),
    (3, "input_summary", include_str!("../../migrations/0003_input_summary.sql")),
    (4, "history", include_str!("../../migrations/0004_history.sql")),
];
const LEDGER: (i32, &str, &str) = (5, "ledger", include_str!("../../migrations/0005_ledger.sql"));

/// As `migrate` does it.
async fn apply(admin: &tokio_postgres::Client, (version, name, sql): (i32, &str, &str)) {
    admin.batch_execute("SET ROLE governance_owner").await.unwrap();
    admin.batch_execute(sql).await.unwrap();
    let digest = governance_filter::record::sha256_hex(sql.as_bytes());
    let applied = "INSERT INTO governance_migrations (version, name, digest) VALUES ($1, $2, $3)";
    admin.execute(applied, &[&version, &name, &digest]).await.unwrap();
    admin.batch_execute("RESET ROLE").await.unwrap();
}

/// A database of a build that knew no ledger.
async fn at_schema_4() -> Database {
    // Makes the roles, which belong to the server.
    Database::fresh().await;
    let database = Database::empty_on(&shared_admin_url()).await;
    let admin = database.admin().await;
    let history = "
        GRANT USAGE, CREATE ON SCHEMA public TO governance_owner;
        GRANT USAGE ON SCHEMA public TO app_service;
        SET ROLE governance_owner;
        CREATE TABLE governance_migrations (version INT PRIMARY KEY, name TEXT NOT NULL,
            digest TEXT NOT NULL, applied_at TIMESTAMPTZ NOT NULL DEFAULT now())";
    admin.batch_execute(history).await.unwrap();
    for migration in BEFORE {
        apply(&admin, migration).await;
    }
    let login = path_of(&database.service_url).0;
    let sql = format!("CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE app_service");
    admin.batch_execute(&sql).await.unwrap();
    database
}

/// Intents and outcomes of the numbers of a range, as any build writes them.
async fn insert(admin: &tokio_postgres::Client, first: i32, last: i32) {
    let sql = format!(
        "INSERT INTO ai_policies (version, text)
             VALUES ('sha256:' || encode(sha256('rules'), 'hex'), 'rules') ON CONFLICT DO NOTHING;
         INSERT INTO ai_decision_intents (decision_id, model, input_hash, policy_version,
                 created_at, record, digest)
             SELECT 'd-' || lpad(to_hex(n), 32, '0'), 'm', 'h', version, now(),
                 ('intent ' || n)::bytea, 'd' FROM generate_series({first}, {last}) n, ai_policies;
         INSERT INTO ai_decisions (decision_id, model, input_hash, policy_version, created_at,
                 outcome, categories, actions, triggered, tool_names, record, digest)
             SELECT 'd-' || lpad(to_hex(n), 32, '0'), 'm', 'h', version, now(),
                 'completed', '{{}}', '{{}}', '[]', '{{}}', ('outcome ' || n)::bytea, 'd'
             FROM generate_series({first}, {last}) n, ai_policies"
    );
    admin.batch_execute(&sql).await.unwrap();
}

#[tokio::test]
async fn every_record_from_before_the_ledger_and_during_the_upgrade_is_one_leaf() {
    let database = at_schema_4().await;
    let admin = database.admin().await;
    insert(&admin, 1, 300).await;
    // Replicas of the old build go on inserting while the new one migrates.
    apply(&admin, LEDGER).await;
    insert(&admin, 301, 310).await;
    let owner = DatabaseConfig::parse(&database.admin_url).unwrap();
    migrate(&owner).await.unwrap();
    insert(&admin, 311, 315).await;
    migrate(&owner).await.unwrap();
    keys::register(&owner, &signer(1).verifier()).await.unwrap();
    let collector = Collector::start(signing(&database, 1)).await;
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    let (tree, kinds) = tree_of_rows(&admin).await;
    let expected = [("intent", 315), ("key", 1), ("outcome", 315), ("policy", 1)];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)));
    assert_eq!((checkpoint.size, checkpoint.root), (tree.size(), tree.root()));
    collector.stop().await;
}

#[tokio::test]
async fn records_that_are_sequenced_before_the_past_is_read_come_once() {
    let database = at_schema_4().await;
    let admin = database.admin().await;
    insert(&admin, 1, 3).await;
    apply(&admin, LEDGER).await;
    insert(&admin, 4, 5).await;
    // Those of the trigger have their places already, and the past has none yet.
    let moved = "
        INSERT INTO ai_ledger_leaves SELECT (sum(cardinality(refs)) OVER w - cardinality(refs)),
            kind, refs, hashes, refs[1], refs[cardinality(refs)], created_at
        FROM ai_ledger_pending WINDOW w AS (ORDER BY pending_id);
        DELETE FROM ai_ledger_pending";
    admin.batch_execute(moved).await.unwrap();
    migrate(&DatabaseConfig::parse(&database.admin_url).unwrap()).await.unwrap();
    let leaves = "SELECT count(*) FROM (
        SELECT kind, unnest(refs) FROM ai_ledger_leaves UNION ALL
        SELECT kind, unnest(refs) FROM ai_ledger_pending) AS leaf";
    assert_eq!(database.count(leaves).await, 11, "five intents, five outcomes, a policy");
}

#[tokio::test]
async fn migrations_wait_for_a_long_read_and_decisions_do_not_wait_for_them() {
    let database = at_schema_4().await;
    let reader = database.admin().await;
    reader.batch_execute("BEGIN; SELECT FROM ai_decisions").await.unwrap();
    let config = DatabaseConfig::parse(&database.admin_url).unwrap();
    let migrating = tokio::spawn(async move { migrate(&config).await });
    let admin = database.admin().await;
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (
        SELECT oid FROM pg_database WHERE datname = current_database())";
    let watcher = database.admin().await;
    let waits = async || watcher.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0;
    until("a migration wants the table", async || migrating.is_finished() || waits().await).await;
    // Behind the one that waits, for as long as it may.
    insert(&admin, 1, 10).await;
    assert!(!migrating.is_finished());
    reader.batch_execute("ROLLBACK").await.unwrap();
    migrating.await.unwrap().unwrap();
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 10);
}
