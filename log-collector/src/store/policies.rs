//! `ai_policies`, where the first writer wins, and `ai_policy_observations`, the history of which
//! gateway ran which text from when. Both append-only.

use std::time::SystemTime;

use crate::error::StoreError;
use crate::store::{Store, begin};

/// Any number, the same in every collector: with the gateway's name it makes an advisory lock.
const OBSERVATION_LOCK: i32 = 716_110_604;

/// A policy as a gateway announces it.
pub struct NewPolicy<'a> {
    /// `sha256:` and the hex digest of `text`.
    pub version: &'a str,
    /// governance.yml's exact bytes.
    pub text: &'a [u8],
    /// What its author calls it.
    pub label: Option<String>,
    /// The commit it comes from.
    pub git_revision: Option<String>,
    /// Who runs it.
    pub gateway: Option<String>,
    /// When that gateway took it up, by its own clock.
    pub configured_at: Option<SystemTime>,
}

// === impl Store ===

impl Store {
    /// Keeps a policy and, where it is news, that this gateway runs it.
    ///
    /// Every worker of a gateway announces its policy once for each configuration, and again when
    /// a collector does not know it: all at once, to several replicas, in any order. So a row is
    /// added only for a version other than the gateway's newest one, judged under a lock.
    ///
    /// An old policy is announced late when a worker still finishes calls under it: its first
    /// announcement met an outage, or the database was restored and has to be told anew. That must
    /// not look like a return to it. The two differ in when the gateway took the policy up, which
    /// each announcement says: what was taken up before the newest one is no news. Both times are
    /// of that gateway's clock, so it need not agree with this one; a clock ahead of ours is held
    /// to ours, or it would silence its successors until then. Without the time (a filter from
    /// before it was sent) every other version counts as news.
    pub async fn put_policy(&self, policy: &NewPolicy<'_>) -> Result<(), StoreError> {
        self.bounded(async |client| {
            let tx = begin(client).await?;
            tx.execute(
                "INSERT INTO public.ai_policies (version, text, label, git_revision)
                 VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
                &[&policy.version, &policy.text, &policy.label, &policy.git_revision],
            )
            .await?;
            if let Some(gateway) = &policy.gateway {
                // A statement of its own: the next one sees what was committed before the lock.
                tx.execute(
                    "SELECT pg_advisory_xact_lock($1, hashtext($2))",
                    &[&OBSERVATION_LOCK, gateway],
                )
                .await?;
                tx.execute(OBSERVE, &[gateway, &policy.version, &policy.configured_at]).await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }
}

/// The time is the database's, the one clock that replicas share, and read under the lock. Times
/// are kept to the millisecond, so that one that was printed finds its own row.
const OBSERVE: &str = "
    INSERT INTO public.ai_policy_observations (gateway, policy_version, first_seen, configured_at)
    SELECT $1, $2, date_trunc('milliseconds', clock_timestamp()),
        date_trunc('milliseconds', least($3, clock_timestamp()))
     WHERE NOT EXISTS (
         SELECT FROM (
             SELECT policy_version, configured_at FROM public.ai_policy_observations
              WHERE gateway = $1 ORDER BY observation_id DESC LIMIT 1) AS newest
          WHERE newest.policy_version = $2 OR newest.configured_at > $3)";
