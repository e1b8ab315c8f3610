//! What the owner of the database tries, and a replica does not sign or publish.

use log_collector::config::{Database as Settings, ServeConfig};
use log_collector::ledger::keys;
use log_collector::store::keys::rotate;

use crate::ledger::{covered, scratch, signer, signing, with_key};
use crate::support::{Collector, Database, id, line, now, outcome, until};

/// Lets the owner change what is append-only.
async fn unguarded(database: &Database) -> tokio_postgres::Client {
    let admin = database.admin().await;
    let tables = ["ai_ledger_leaves", "ai_ledger_checkpoints", "ai_ledger_keys"];
    let open = tables.map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER refuse_change;"));
    admin.batch_execute(&open.concat()).await.unwrap();
    admin
}

async fn send(collector: &Collector, count: usize) {
    let lines: Vec<_> = (0..count).map(|_| line(&outcome(&id()))).collect();
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
}

#[tokio::test]
async fn nodes_that_agree_with_two_trees_are_no_proof() {
    let database = with_key(1).await;
    let file = scratch("nodes").join("checkpoint");
    let config = || ServeConfig { checkpoint_file: Some(file.clone()), ..signing(&database, 1) };
    let collector = Collector::ready(config()).await;
    send(&collector, 297).await;
    assert_eq!(covered(&database, &signer(1).verifier()).await.size, 300);
    until("published", || async { collector.get("/checkpoint").await.1.contains("\n300\n") }).await;
    collector.stop().await;
    // The old nodes still make the published head, and the new ones another tree's of 512.
    let forgery = "
        INSERT INTO ai_ledger_leaves SELECT 300, 'outcome', array_agg(n::text),
            string_agg(sha256(n::text::bytea), ''), '0', '0', now() FROM generate_series(1, 212) n;
        INSERT INTO ai_ledger_nodes VALUES (8, 1, sha256('b')), (9, 0, sha256('c'));
        UPDATE ai_ledger_head SET tree_size = 512, frontier = sha256('c')";
    unguarded(&database).await.batch_execute(forgery).await.unwrap();
    let collector = Collector::ready(config()).await;
    send(&collector, 1).await;
    until("it says so", || async { collector.metric("collector_ledger_forked").await == 1.0 })
        .await;
    assert_eq!(database.count("SELECT max(tree_size) FROM ai_ledger_checkpoints").await, 300);
    let _ = std::fs::remove_dir_all(file.parent().unwrap());
}

#[tokio::test]
async fn checkpoint_by_a_key_that_nobody_vouched_for_is_not_published() {
    let database = with_key(1).await;
    let signs = Collector::ready(signing(&database, 1)).await;
    let reads = Collector::start(database.config()).await;
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    let size = format!("\n{}\n", checkpoint.size);
    for collector in [&signs, &reads] {
        until("published", || async { collector.get("/checkpoint").await.1.contains(&size) }).await;
    }
    let published = reads.get("/checkpoint").await;
    let thief = signer(9);
    let admin = unguarded(&database).await;
    admin
        .execute(
            "INSERT INTO ai_ledger_keys (verifier_key, record) VALUES ($1, $2)",
            &[&thief.verifier().to_string(), &keys::first(&thief.verifier(), now()).into_bytes()],
        )
        .await
        .unwrap();
    let sql = "INSERT INTO ai_ledger_checkpoints (tree_size, note) VALUES ($1, $2)";
    let size = i64::try_from(checkpoint.size).unwrap() + 1;
    let forged = thief.sign_checkpoint(checkpoint.size + 1, [7; 32]);
    admin.execute(sql, &[&size, &forged]).await.unwrap();
    until("it signs no more", || async {
        signs.metric("collector_ledger_key_mismatch").await == 1.0
    })
    .await;
    assert_eq!(signs.get("/checkpoint").await, published);
    assert_eq!(reads.get("/checkpoint").await, published);
    // Nor once the owner says that the thief's key was the first and only one.
    admin.batch_execute("DELETE FROM ai_ledger_keys WHERE key_seq = 1").await.unwrap();
    // It asks for nothing else on this connection.
    let looked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND query LIKE 'SELECT note%' AND state = 'idle' AND state_change > $1";
    let since = std::time::SystemTime::now();
    until("it looked again", || async {
        admin.query_one(looked, &[&since]).await.unwrap().get::<_, i64>(0) >= 1
    })
    .await;
    assert_eq!(signs.get("/checkpoint").await, published);
    assert_eq!(reads.get("/checkpoint").await, published);
}

#[tokio::test]
async fn key_signs_nothing_after_the_leaf_that_names_the_next() {
    let database = with_key(1).await;
    let owner = Settings::parse(&database.admin_url).unwrap();
    rotate(&owner, &signer(1), &signer(2).verifier()).await.unwrap();
    let signs = Collector::ready(signing(&database, 2)).await;
    send(&signs, 1).await;
    let checkpoint = covered(&database, &signer(2).verifier()).await;
    signs.stop().await;
    // Whoever finds the old key puts its name under the very same tree.
    let admin = unguarded(&database).await;
    let sql = "UPDATE ai_ledger_checkpoints SET note = $1 WHERE tree_size = $2";
    let size = i64::try_from(checkpoint.size).unwrap();
    let old = signer(1).sign_checkpoint(checkpoint.size, checkpoint.root);
    admin.execute(sql, &[&old, &size]).await.unwrap();
    let reads = Collector::start(database.config()).await;
    let looked = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND query IN ('COMMIT', 'SELECT note') AND state = 'idle' AND state_change > $1";
    let since = std::time::SystemTime::now();
    until("it looked", || async {
        admin.query_one(looked, &[&since]).await.unwrap().get::<_, i64>(0) >= 1
    })
    .await;
    assert_eq!(reads.get("/checkpoint").await.0, 404);
    let new = signer(2).sign_checkpoint(checkpoint.size, checkpoint.root);
    admin.execute(sql, &[&new, &size]).await.unwrap();
    until("published", || async { reads.get("/checkpoint").await.1 == new }).await;
}

#[tokio::test]
async fn checkpoint_that_contradicts_the_published_one_is_a_fork() {
    let database = with_key(1).await;
    let reads = Collector::start(database.config()).await;
    let signs = Collector::ready(signing(&database, 1)).await;
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    let size = format!("\n{}\n", checkpoint.size);
    until("handed on", || async { reads.get("/checkpoint").await.1.contains(&size) }).await;
    signs.stop().await;
    // Signed by the very key, as one that was restored from a backup with the database would.
    let admin = unguarded(&database).await;
    let other = signer(1).sign_checkpoint(checkpoint.size, [7; 32]);
    admin.execute("UPDATE ai_ledger_checkpoints SET note = $1", &[&other]).await.unwrap();
    until("it says so", || async { reads.metric("collector_ledger_forked").await == 1.0 }).await;
    assert!(reads.get("/checkpoint").await.1.contains(&size));
    assert_ne!(reads.get("/checkpoint").await.1, other);
}

#[tokio::test]
async fn checkpoint_of_the_future_holds_nothing_up() {
    let database = with_key(1).await;
    let collector = Collector::ready(signing(&database, 1)).await;
    assert_eq!(covered(&database, &signer(1).verifier()).await.size, 3);
    // As the database's clock leaves it when it is set back.
    let admin = unguarded(&database).await;
    let ahead = "UPDATE ai_ledger_checkpoints SET created_at = now() + interval '1 hour'";
    admin.batch_execute(ahead).await.unwrap();
    send(&collector, 1).await;
    assert_eq!(covered(&database, &signer(1).verifier()).await.size, 4);
}
