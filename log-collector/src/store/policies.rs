//! `ai_policies` and `ai_policy_observations`: append-only, first writer wins.

use crate::error::StoreError;
use crate::store::{Store, begin};

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
}

// === impl Store ===

impl Store {
    /// Keeps a policy and that this gateway runs it. A repeat changes nothing.
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
                tx.execute(
                    "INSERT INTO public.ai_policy_observations (gateway, policy_version)
                     VALUES ($1, $2) ON CONFLICT DO NOTHING",
                    &[gateway, &policy.version],
                )
                .await?;
            }
            Ok(tx.commit().await?)
        })
        .await
    }
}
