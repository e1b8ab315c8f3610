//! What the list of reviews shows of each decision, by their ids. Reads no salts.

use std::collections::HashMap;

use governance_filter::record::{Intent, Outcome};

use crate::error::StoreError;
use crate::store::reader::Reader;

/// A decision in the list.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Hex SHA-256 of the record that speaks for it; a verdict names it.
    pub digest: String,
    /// Its intent.
    pub intent: Option<Intent>,
    /// Its outcome; `None` while the call is under way.
    pub outcome: Option<Outcome>,
}

// === impl Reader ===

impl Reader {
    /// These decisions, as far as there are any.
    pub async fn listed(&self, ids: &[&str]) -> Result<HashMap<String, Listed>, StoreError> {
        let sql = "SELECT asked.id, coalesce(l.digest, d.digest, i.digest), i.record,
                 coalesce(l.record, d.record)
             FROM unnest($1::text[]) AS asked (id)
                 LEFT JOIN public.ai_decision_intents i ON i.decision_id = asked.id
                 LEFT JOIN public.ai_decisions d ON d.decision_id = asked.id
                 LEFT JOIN public.ai_late_outcomes l ON l.decision_id = asked.id
             WHERE coalesce(l.digest, d.digest, i.digest) IS NOT NULL";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&ids]).await?;
            let listed = |row: &tokio_postgres::Row| {
                let (intent, outcome): (Option<&[u8]>, Option<&[u8]>) = (row.get(2), row.get(3));
                let listed = Listed {
                    digest: row.get(1),
                    intent: intent.and_then(|record| serde_json::from_slice(record).ok()),
                    outcome: outcome.and_then(|record| serde_json::from_slice(record).ok()),
                };
                (row.get(0), listed)
            };
            Ok(rows.iter().map(listed).collect())
        })
        .await
    }
}
