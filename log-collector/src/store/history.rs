//! What the history of policies answers: who ran what at a time, and what was decided under it.

use std::time::SystemTime;

use tokio_postgres::Row;

use crate::error::StoreError;
use crate::store::reader::Reader;

/// That a gateway took up a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// Which gateway.
    pub gateway: String,
    /// `sha256:` and the digest of the text.
    pub version: String,
    /// From when.
    pub since: SystemTime,
    /// What the policy's author calls it.
    pub label: Option<String>,
    /// The commit that the gateway's operator named.
    pub git_revision: Option<String>,
}

// === impl Observation ===

impl Observation {
    fn from_row(row: &Row) -> Observation {
        Observation {
            gateway: row.get(0),
            version: row.get(1),
            since: row.get(2),
            label: row.get(3),
            git_revision: row.get(4),
        }
    }
}

// === impl Reader ===

impl Reader {
    /// Each gateway's policy at a time, by name.
    pub async fn in_force(
        &self,
        at: SystemTime,
        gateway: Option<&str>,
    ) -> Result<Vec<Observation>, StoreError> {
        let sql = "SELECT DISTINCT ON (o.gateway)
                 o.gateway, o.policy_version, o.first_seen, p.label, p.git_revision
             FROM public.ai_policy_observations o
                 JOIN public.ai_policies p ON p.version = o.policy_version
             WHERE o.first_seen <= $1 AND ($2::text IS NULL OR o.gateway = $2)
             ORDER BY o.gateway, o.observation_id DESC";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&at, &gateway]).await?;
            Ok(rows.iter().map(Observation::from_row).collect())
        })
        .await
    }

    /// The first that is known of a gateway, or of any.
    pub async fn first(&self, gateway: Option<&str>) -> Result<Option<Observation>, StoreError> {
        let sql = "SELECT o.gateway, o.policy_version, o.first_seen, p.label, p.git_revision
             FROM public.ai_policy_observations o
                 JOIN public.ai_policies p ON p.version = o.policy_version
             WHERE $1::text IS NULL OR o.gateway = $1
             ORDER BY o.first_seen, o.observation_id LIMIT 1";
        self.read(async |tx| {
            Ok(tx.query_opt(sql, &[&gateway]).await?.as_ref().map(Observation::from_row))
        })
        .await
    }

    /// Every observation, newest first, with the decisions made under it: those of its gateway and
    /// version, up to where that version comes back there. Calls that a change of policy found
    /// under way end later; they are counted where they were judged.
    pub async fn log(&self, gateway: Option<&str>) -> Result<Vec<(Observation, i64)>, StoreError> {
        let sql = "WITH spans AS (
                 SELECT o.*,
                     CASE WHEN lag(first_seen) OVER same IS NULL THEN '-infinity'
                         ELSE first_seen END AS begins,
                     coalesce(lead(first_seen) OVER same, 'infinity') AS ends
                 FROM public.ai_policy_observations o
                 WHERE $1::text IS NULL OR gateway = $1
                 WINDOW same AS (PARTITION BY gateway, policy_version ORDER BY observation_id)),
             counts AS (
                 SELECT s.observation_id, count(*) AS decisions
                 FROM spans s JOIN public.ai_decisions d ON d.gateway = s.gateway
                     AND d.policy_version = s.policy_version
                     AND d.created_at >= s.begins AND d.created_at < s.ends
                 GROUP BY s.observation_id)
             SELECT s.gateway, s.policy_version, s.first_seen, p.label, p.git_revision,
                 coalesce(c.decisions, 0)
             FROM spans s JOIN public.ai_policies p ON p.version = s.policy_version
                 LEFT JOIN counts c USING (observation_id)
             ORDER BY s.first_seen DESC, s.observation_id DESC";
        self.read(async |tx| {
            let rows = tx.query(sql, &[&gateway]).await?;
            Ok(rows.iter().map(|row| (Observation::from_row(row), row.get(5))).collect())
        })
        .await
    }

    /// The versions that begin with a text; two at most, for one is wanted.
    pub async fn versions(&self, prefix: &str) -> Result<Vec<String>, StoreError> {
        let sql = "SELECT version FROM public.ai_policies WHERE starts_with(version, $1)
             ORDER BY version LIMIT 2";
        self.read(async |tx| {
            Ok(tx.query(sql, &[&prefix]).await?.iter().map(|row| row.get(0)).collect())
        })
        .await
    }
}
