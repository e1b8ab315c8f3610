//! What the ledger itself says once a fault is over.

use crate::support::stack::Stack;

/// The tables whose rows are leaves, with the kind of leaf.
const TABLES: [(&str, &str); 3] =
    [("ai_decision_intents", "intent"), ("ai_decisions", "outcome"), ("ai_deliveries", "delivery")];

/// Fails unless every record has one leaf, which is that of its very bytes.
pub fn verdict(stack: &Stack) {
    for (table, kind) in TABLES {
        let query = format!(
            "WITH runs AS (
                SELECT refs, hashes FROM ai_ledger_pending WHERE kind = '{kind}'
                UNION ALL SELECT refs, hashes FROM ai_ledger_leaves WHERE kind = '{kind}'),
             leaves AS (
                SELECT ref, substring(hashes FROM 32 * place::int - 31 FOR 32) AS hash
                FROM runs, unnest(refs) WITH ORDINALITY AS one (ref, place)),
             records AS (
                SELECT decision_id AS ref, sha256('\\x00'::bytea || record) AS hash FROM {table})
             (SELECT ref FROM (TABLE leaves EXCEPT ALL TABLE records) AS without_record)
             UNION ALL
             (SELECT ref FROM (TABLE records EXCEPT ALL TABLE leaves) AS without_leaf)"
        );
        let wrong = stack.rows(&query);
        assert!(wrong.is_empty(), "{table}: leaves and records differ: {:?}", wrong.first());
    }
}
