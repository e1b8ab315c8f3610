//! A ledger that grows when a test says so: the sequencer's turns, without its loop.

use std::sync::Arc;
use std::time::Duration;

use governance_filter::record::{OutcomeKind, sha256_hex};
use log_collector::config::Database as DatabaseConfig;
use log_collector::ledger::note::SignerKey;
use log_collector::metrics::Metrics;
use log_collector::store::Store;
use log_collector::store::keys::register as register_key;
use log_collector::store::ledger::{RUNS_MAX, Turn, Turned};

use super::{Database, POLICY, outcome, version_of};

pub fn signer() -> SignerKey {
    SignerKey::from_seed("governance", &[1; 32]).unwrap()
}

pub async fn register(database: &Database) {
    let admin = DatabaseConfig::parse(&database.admin_url).unwrap();
    register_key(&admin, &signer().verifier()).await.unwrap();
}

/// Gives all that is committed its place, under a checkpoint.
pub async fn sequence(database: &Database) {
    let service = DatabaseConfig::parse(&database.service_url).unwrap();
    let patience = Duration::from_secs(10);
    let store = Store::new(&service, patience, Vec::new(), Arc::new(Metrics::default())).unwrap();
    let key = signer();
    let turn = Turn {
        key: &key,
        published: None,
        left: None,
        interval: Duration::ZERO,
        runs_max: RUNS_MAX,
    };
    loop {
        match store.take_turn(&turn).await.unwrap() {
            Turned::Sequenced { more: true, .. } => {}
            Turned::Sequenced { more: false, .. } => return,
            other => panic!("{other:?}"),
        }
    }
}

/// Closes a decision as `unknown`, which the collector does to an intent that is old enough.
pub async fn close(database: &Database, id: &str) {
    let mut closed = outcome(id);
    closed.outcome = OutcomeKind::Unknown;
    let record = serde_json::to_vec(&closed).unwrap();
    let digest = sha256_hex(&record);
    let sql = "INSERT INTO ai_decisions (decision_id, model, input_hash, policy_version, outcome,
            categories, actions, triggered, tool_names, record, digest)
        VALUES ($1, 'm', 'h', $2, 'unknown', '{}', '{}', '[]', '{}', $3, $4)";
    let admin = database.admin().await;
    admin.execute(sql, &[&id, &version_of(POLICY), &record, &digest]).await.unwrap();
}
