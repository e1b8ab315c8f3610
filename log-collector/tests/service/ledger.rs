//! The ledger over real Postgres: each record one leaf, one sequencer at a time, and no signature
//! under a tree that does not begin with what was published.

use std::path::PathBuf;
use std::sync::Arc;

use governance_filter::record::Line;
use log_collector::config::{Database as DatabaseConfig, ServeConfig};
use log_collector::error::StartError;
use log_collector::ledger::note::{Checkpoint, SignerKey, VerifierKey};
use log_collector::ledger::tree::{Frontier, Hash, leaf_hash};
use log_collector::store::keys;
use tokio_postgres::Client;

use crate::support::{Collector, Database, POLICY, id, intent, line, outcome, until, withheld};

pub(crate) fn signer(seed: u8) -> SignerKey {
    SignerKey::from_seed("test/ledger", &[seed; 32]).unwrap()
}

pub(crate) fn signing(database: &Database, seed: u8) -> ServeConfig {
    ServeConfig { ledger_key: Some(signer(seed)), ..database.config() }
}

/// A database whose ledger has the key of a seed.
pub(crate) async fn with_key(seed: u8) -> Database {
    let database = Database::fresh().await;
    keys::register(&owner(&database), &signer(seed).verifier()).await.unwrap();
    database
}

pub(crate) fn owner(database: &Database) -> DatabaseConfig {
    DatabaseConfig::parse(&database.admin_url).unwrap()
}

/// Waits for a checkpoint over all that is committed, and opens it.
pub(crate) async fn covered(database: &Database, key: &VerifierKey) -> Checkpoint {
    let left = "SELECT count(*) FROM (SELECT FROM ai_ledger_pending UNION ALL
        SELECT FROM ai_ledger_head h WHERE tree_size > coalesce(
            (SELECT max(tree_size) FROM ai_ledger_checkpoints), 0)) AS left_over";
    until("a checkpoint over everything", || async { database.count(left).await == 0 }).await;
    let sql = "SELECT note FROM ai_ledger_checkpoints ORDER BY tree_size DESC LIMIT 1";
    let note: String = database.admin().await.query_one(sql, &[]).await.unwrap().get(0);
    key.open_checkpoint(&note).unwrap()
}

/// The tree over the rows that the leaves name, and how many there are of each kind.
pub(crate) async fn tree_of_rows(admin: &Client) -> (Frontier, Vec<(String, i64)>) {
    let sql = "
        WITH leaf AS (
            SELECT first_index + n - 1 AS at, kind, ref
            FROM ai_ledger_leaves, unnest(refs) WITH ORDINALITY AS r (ref, n)),
        bytes AS (
            SELECT 'intent' AS kind, decision_id AS ref, record FROM ai_decision_intents
            UNION ALL SELECT 'outcome', decision_id, record FROM ai_decisions
            UNION ALL SELECT 'late_outcome', decision_id, record FROM ai_late_outcomes
            UNION ALL SELECT 'delivery', decision_id, record FROM ai_deliveries
            UNION ALL SELECT 'policy', version, text FROM ai_policies
            UNION ALL SELECT 'observation', observation_id::text, record
                FROM ai_policy_observations
            UNION ALL SELECT 'key', key_seq::text, record FROM ai_ledger_keys)
        SELECT at, kind, record FROM leaf JOIN bytes USING (kind, ref) ORDER BY at";
    let mut tree = Frontier::default();
    let mut kinds: Vec<(String, i64)> = Vec::new();
    for row in admin.query(sql, &[]).await.unwrap() {
        assert_eq!(row.get::<_, i64>(0), i64::try_from(tree.size()).unwrap(), "no gap, none twice");
        tree.push(leaf_hash(row.get(2)), |_, _| {});
        let kind: String = row.get(1);
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((kind, 1)),
        }
    }
    kinds.sort();
    (tree, kinds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_record_is_one_leaf_though_replicas_race_under_load() {
    let database = with_key(1).await;
    let a = Arc::new(Collector::ready(signing(&database, 1)).await);
    let b = Arc::new(Collector::ready(signing(&database, 1)).await);
    let senders: Vec<_> = (0..4)
        .map(|sender| {
            let collector = if sender % 2 == 0 { a.clone() } else { b.clone() };
            tokio::spawn(async move {
                for _ in 0..20 {
                    let ids: Vec<_> = (0..10).map(|_| id()).collect();
                    let intents: Vec<_> = ids.iter().map(|id| Line::intent(&intent(id))).collect();
                    let outcomes: Vec<_> = ids.iter().map(|id| line(&outcome(id))).collect();
                    let deliveries: Vec<_> = ids.iter().take(1).map(|id| withheld(id)).collect();
                    for lines in [intents, outcomes, deliveries] {
                        collector.acks(&lines.iter().collect::<Vec<_>>()).await;
                    }
                }
            })
        })
        .collect();
    for sender in senders {
        sender.await.unwrap();
    }
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    let (tree, kinds) = tree_of_rows(&database.admin().await).await;
    assert_eq!((checkpoint.size, checkpoint.root), (tree.size(), tree.root()));
    let expected = [
        ("delivery", 80),
        ("intent", 800),
        ("key", 1),
        ("observation", 1),
        ("outcome", 800),
        ("policy", 1),
    ];
    assert_eq!(kinds, expected.map(|(kind, count)| (kind.to_owned(), count)));
    let nodes = "SELECT count(*) FROM ai_ledger_nodes WHERE level = 8";
    assert_eq!(database.count(nodes).await, i64::try_from(tree.size() / 256).unwrap());
    // What replicas signed are heads of one and the same tree.
    let heads = heads_of(&database.admin().await).await;
    let sql = "SELECT tree_size, note FROM ai_ledger_checkpoints ORDER BY tree_size";
    for row in database.admin().await.query(sql, &[]).await.unwrap() {
        let signed = signer(1).verifier().open_checkpoint(row.get(1)).unwrap();
        assert_eq!(i64::try_from(signed.size).unwrap(), row.get::<_, i64>(0));
        assert_eq!(signed.root, heads[usize::try_from(signed.size).unwrap()]);
    }
    a.get("/metrics").await;
}

/// The head of the stored leaves at every size.
async fn heads_of(admin: &Client) -> Vec<Hash> {
    let mut tree = Frontier::default();
    let mut heads = vec![tree.root()];
    let sql = "SELECT hashes FROM ai_ledger_leaves ORDER BY first_index";
    for row in admin.query(sql, &[]).await.unwrap() {
        for hash in row.get::<_, &[u8]>(0).as_chunks::<32>().0 {
            tree.push(*hash, |_, _| {});
            heads.push(tree.root());
        }
    }
    heads
}

#[tokio::test]
async fn checkpoint_leaves_by_file_and_by_http() {
    let database = with_key(1).await;
    let file = scratch("published").join("checkpoint");
    let mut config = signing(&database, 1);
    config.checkpoint_file = Some(file.clone());
    let collector = Collector::start(config).await;
    until("a checkpoint", || async { collector.get("/checkpoint").await.0 == 200 }).await;
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    collector.acks(&[&line(&outcome(&id()))]).await;
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    until("it is published", || async {
        let (_, note) = collector.get("/checkpoint").await;
        let kept = std::fs::read_to_string(&file).unwrap_or_default();
        note == kept && signer(1).verifier().open_checkpoint(&note).unwrap() == checkpoint
    })
    .await;
    until("no record is unpublished", || async {
        collector.metric("collector_ledger_leaves").await == 4.0
            && collector.metric("collector_ledger_unpublished_seconds").await == 0.0
    })
    .await;
    collector.stop().await;
    // A replica without the key hands on what others signed.
    let reader = Collector::start(database.config()).await;
    until("handed on", || async { reader.get("/checkpoint").await.0 == 200 }).await;
    let _ = std::fs::remove_dir_all(file.parent().unwrap());
}

#[tokio::test]
async fn before_the_first_checkpoint_there_is_none() {
    let database = Database::fresh().await;
    let collector = Collector::ready(signing(&database, 1)).await;
    let none = (404, "there is no checkpoint yet\n".to_owned());
    assert_eq!(collector.get("/checkpoint").await, none);
    collector.acks(&[&line(&outcome(&id()))]).await;
    keys::register(&owner(&database), &signer(1).verifier()).await.unwrap();
    // What came before the key has its leaf, too.
    assert_eq!(covered(&database, &signer(1).verifier()).await.size, 4);
}

#[tokio::test]
async fn replica_with_another_key_signs_nothing_and_records_as_before() {
    let database = with_key(1).await;
    let collector = Collector::ready(signing(&database, 2)).await;
    collector.acks(&[&line(&outcome(&id()))]).await;
    until("it says so", || async {
        collector.metric("collector_ledger_key_mismatch").await == 1.0
    })
    .await;
    assert_eq!(database.count("SELECT count(*) FROM ai_ledger_leaves").await, 0);
    let other = keys::register(&owner(&database), &signer(2).verifier()).await.unwrap_err();
    let expected = format!(
        "the ledger's key is `{}`, not `{}`; to put another in its place run: \
         log-collector key rotate --signer-key-file OLD --new-public-key NEW",
        signer(1).verifier(),
        signer(2).verifier(),
    );
    assert_eq!(other.to_string(), expected);
    // Once the old key has vouched for it, it signs, and the change is a leaf.
    keys::rotate(&owner(&database), &signer(1), &signer(2).verifier()).await.unwrap();
    keys::rotate(&owner(&database), &signer(1), &signer(2).verifier()).await.unwrap();
    assert_eq!(covered(&database, &signer(2).verifier()).await.size, 5);
    let (tree, kinds) = tree_of_rows(&database.admin().await).await;
    assert_eq!((tree.size(), kinds[0].clone()), (5, ("key".to_owned(), 2)));
}

#[tokio::test]
async fn err_key_is_not_replaced_but_by_the_one_in_force() {
    let database = Database::fresh().await;
    let owner = owner(&database);
    let none = keys::rotate(&owner, &signer(1), &signer(2).verifier()).await.unwrap_err();
    let expected = "the ledger has no key yet; run: log-collector migrate --ledger-public-key KEY";
    assert_eq!(none.to_string(), expected);
    keys::register(&owner, &signer(1).verifier()).await.unwrap();
    keys::register(&owner, &signer(1).verifier()).await.unwrap();
    let other = keys::rotate(&owner, &signer(3), &signer(2).verifier()).await.unwrap_err();
    assert!(matches!(other, StartError::OtherKey { .. }), "{other}");
    let renamed = SignerKey::from_seed("else", &[2; 32]).unwrap().verifier();
    let renamed = keys::rotate(&owner, &signer(1), &renamed).await.unwrap_err();
    let expected = "the new key is named `else`, the ledger `test/ledger`; run: log-collector key \
        new --name test/ledger --output FILE";
    assert_eq!(renamed.to_string(), expected);
    assert_eq!(database.count("SELECT count(*) FROM ai_ledger_keys").await, 1);
}

#[tokio::test]
async fn nothing_is_signed_once_the_tree_has_lost_what_was_published() {
    let file = scratch("forked").join("checkpoint");
    for (case, tampering) in [
        (
            "the end is cut off",
            "DELETE FROM ai_ledger_leaves WHERE first_index > 0;
             DELETE FROM ai_ledger_checkpoints;
             UPDATE ai_ledger_head SET tree_size = 1, frontier = (
                 SELECT hashes FROM ai_ledger_leaves WHERE first_index = 0)",
        ),
        (
            "a leaf is rewritten",
            "UPDATE ai_ledger_leaves SET hashes = sha256('') WHERE first_index = 1",
        ),
        (
            "a leaf and the head are rewritten",
            "UPDATE ai_ledger_leaves SET hashes = sha256('') WHERE first_index = 0;
             UPDATE ai_ledger_head SET tree_size = 1, frontier = sha256('');
             DELETE FROM ai_ledger_leaves WHERE first_index > 0",
        ),
    ] {
        let _ = std::fs::remove_file(&file);
        let database = with_key(1).await;
        let config =
            || ServeConfig { checkpoint_file: Some(file.clone()), ..signing(&database, 1) };
        let collector = Collector::ready(config()).await;
        collector.acks(&[&line(&outcome(&id()))]).await;
        assert_eq!(covered(&database, &signer(1).verifier()).await.size, 4, "{case}");
        until("published", || async { std::fs::read_to_string(&file).is_ok() }).await;
        collector.stop().await;
        let admin = database.admin().await;
        let tables = ["ai_ledger_leaves", "ai_ledger_checkpoints"];
        let open = tables.map(|table| format!("ALTER TABLE {table} DISABLE TRIGGER USER;"));
        admin.batch_execute(&open.concat()).await.unwrap();
        admin.batch_execute(tampering).await.unwrap();
        let checkpoints = "SELECT count(*) FROM ai_ledger_checkpoints";
        let before = database.count(checkpoints).await;
        // Whoever starts next knows from its file what was published.
        let collector = Collector::ready(config()).await;
        collector.acks(&[&line(&outcome(&id()))]).await;
        until(case, || async { collector.metric("collector_ledger_forked").await == 1.0 }).await;
        assert_eq!(database.count(checkpoints).await, before, "{case}");
        assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 2, "{case}");
        collector.stop().await;
    }
    let _ = std::fs::remove_dir_all(file.parent().unwrap());
}

#[tokio::test]
async fn sequencer_goes_on_where_another_was_killed() {
    let database = with_key(1).await;
    for _ in 0..5 {
        let collector = Collector::ready(signing(&database, 1)).await;
        let lines: Vec<_> = (0..100).map(|_| line(&outcome(&id()))).collect();
        collector.acks(&lines.iter().collect::<Vec<_>>()).await;
        collector.kill();
    }
    let collector = Collector::ready(signing(&database, 1)).await;
    let checkpoint = covered(&database, &signer(1).verifier()).await;
    let (tree, _) = tree_of_rows(&database.admin().await).await;
    assert_eq!((checkpoint.size, checkpoint.root), (503, tree.root()));
    collector.stop().await;
}

#[tokio::test]
async fn err_checkpoint_file_that_holds_something_else_is_refused() {
    let database = with_key(1).await;
    let file = scratch("odd").join("checkpoint");
    std::fs::write(&file, "no note").unwrap();
    let config = ServeConfig { checkpoint_file: Some(file.clone()), ..signing(&database, 1) };
    let Err(error) = log_collector::Service::bind(config).await else { panic!("started") };
    let expected = format!(
        "CHECKPOINT_FILE: `{}` holds no checkpoint; if it is damaged, put a copy in its place",
        file.display()
    );
    assert_eq!(error.to_string(), expected);
    let _ = std::fs::remove_dir_all(file.parent().unwrap());
}

pub(crate) fn scratch(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ledger-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
