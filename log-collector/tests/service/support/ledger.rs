//! A ledger that grows when a test says so: what is pending gets its leaves, and the tree a signed
//! head, in one step.

use governance_filter::record::{OutcomeKind, sha256_hex};
use log_collector::ledger::note::SignerKey;
use log_collector::ledger::tree::Frontier;
use tokio_postgres::Client;

use super::{POLICY, outcome, version_of};

pub fn signer() -> SignerKey {
    SignerKey::from_seed("governance", &[1; 32]).unwrap()
}

pub async fn register(admin: &Client, key: &SignerKey) {
    let vkey = key.verifier().to_string();
    let record = format!("governance ledger key\n{vkey}\n2026-03-01T00:00:00Z\n");
    let sql = "INSERT INTO ai_ledger_keys (verifier_key, record) VALUES ($1, $2)";
    admin.execute(sql, &[&vkey, &record.as_bytes()]).await.unwrap();
}

pub async fn sequence(admin: &Client) {
    let head = admin.query_one("SELECT tree_size, frontier FROM ai_ledger_head", &[]);
    let head = head.await.unwrap();
    let roots = head.get::<_, &[u8]>(1).chunks(32).map(|hash| hash.try_into().unwrap()).collect();
    let size: i64 = head.get(0);
    let mut tree = Frontier::from_parts(u64::try_from(size).unwrap(), roots).unwrap();
    let pending =
        "DELETE FROM ai_ledger_pending RETURNING pending_id, kind, refs, hashes, created_at";
    let pending = format!("WITH taken AS ({pending}) SELECT * FROM taken ORDER BY pending_id");
    for row in admin.query(&pending, &[]).await.unwrap() {
        let first = i64::try_from(tree.size()).unwrap();
        let sql = "INSERT INTO ai_ledger_leaves
            (first_index, kind, refs, hashes, ref_min, ref_max, created_at)
            SELECT $1, $2, $3, $4, min(r), max(r), $5 FROM unnest($3::text[]) AS u(r)";
        let (kind, refs): (String, Vec<String>) = (row.get(1), row.get(2));
        let (hashes, at): (Vec<u8>, std::time::SystemTime) = (row.get(3), row.get(4));
        admin.execute(sql, &[&first, &kind, &refs, &hashes, &at]).await.unwrap();
        let mut nodes = Vec::new();
        for hash in hashes.chunks(32) {
            tree.push(hash.try_into().unwrap(), |node, hash| nodes.push((node, *hash)));
        }
        for (node, hash) in nodes.into_iter().filter(|(node, _)| node.level >= 8) {
            let sql = "INSERT INTO ai_ledger_nodes VALUES ($1, $2, $3)";
            let level = i16::try_from(node.level).unwrap();
            let index = i64::try_from(node.index).unwrap();
            admin.execute(sql, &[&level, &index, &hash.as_slice()]).await.unwrap();
        }
    }
    let size = i64::try_from(tree.size()).unwrap();
    let sql = "UPDATE ai_ledger_head SET tree_size = $1, frontier = $2";
    admin.execute(sql, &[&size, &tree.roots().concat()]).await.unwrap();
    let note = signer().sign_checkpoint(tree.size(), tree.root());
    let sql = "INSERT INTO ai_ledger_checkpoints (tree_size, note) VALUES ($1, $2)
        ON CONFLICT DO NOTHING";
    admin.execute(sql, &[&size, &note]).await.unwrap();
}

/// Closes a decision as `unknown`, which the collector does to an intent that is old enough.
pub async fn close(admin: &Client, id: &str) {
    let mut closed = outcome(id);
    closed.outcome = OutcomeKind::Unknown;
    let record = serde_json::to_vec(&closed).unwrap();
    let digest = sha256_hex(&record);
    let sql = "INSERT INTO ai_decisions (decision_id, model, input_hash, policy_version, outcome,
            categories, actions, triggered, tool_names, record, digest)
        VALUES ($1, 'm', 'h', $2, 'unknown', '{}', '{}', '[]', '{}', $3, $4)";
    admin.execute(sql, &[&id, &version_of(POLICY), &record, &digest]).await.unwrap();
}
