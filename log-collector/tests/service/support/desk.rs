//! Two reviewers, and reviews for them.

use governance_filter::record::sha256_hex;
use log_collector::config::ServeConfig;
use log_collector::review::reviewers::Reviewers;
use serde_json::json;

use super::Database;

pub const ANN: &str = "grv_ann-0123456789abcdef";
pub const BOB: &str = "grv_bob-0123456789abcdef";
pub const CALLER: &str = "key:0123456789abcdef";

/// Ann, and Bob, whose own calls are those of the tests.
pub fn reviewed(database: &Database) -> ServeConfig {
    let text = json!({"reviewers": [
        {"name": "ann", "token_sha256": sha256_hex(ANN.as_bytes())},
        {"name": "bob", "token_sha256": sha256_hex(BOB.as_bytes()), "callers": [CALLER]},
    ]});
    ServeConfig { reviewers: Reviewers::parse(&text.to_string()).unwrap(), ..database.config() }
}

/// Reviews of decisions that are there, so many seconds old.
pub async fn open(database: &Database, ids: &[&str], policies: &str, seconds: u32) {
    let ids = ids.join("','");
    let sql = format!(
        "INSERT INTO ai_reviews
             (decision_id, reason, policies, caller, input_hash, policy_version, opened_at)
         SELECT decision_id, 'routed', '{{{policies}}}', caller, input_hash, policy_version,
             clock_timestamp() - interval '{seconds} seconds'
         FROM ai_decisions WHERE decision_id IN ('{ids}')"
    );
    database.admin().await.batch_execute(&sql).await.unwrap();
}
