//! Reviews that decisions open: an outcome that an enforced policy routes to people, and that was
//! not held for it. Opened in the decision's own transaction.

use std::borrow::Cow;

use deadpool_postgres::Transaction;
use governance_filter::record::Outcome;

use crate::error::StoreError;
use crate::ingest::line::{Content, Entry};
use crate::review::Reason;
use crate::store::columns::{array, without_nul};

/// A decision that opens a review.
pub(super) struct Routed<'a> {
    outcome: &'a Outcome,
    policies: Vec<String>,
}

/// The policies that route an outcome to people, in the order of the file, each once; none where
/// it opens no review.
pub fn routing_policies(outcome: &Outcome) -> Vec<String> {
    let mut policies: Vec<String> = Vec::new();
    for triggered in &outcome.triggered {
        let routes = triggered.enforced && triggered.action == "route_to_human_review";
        let name = without_nul(&triggered.policy);
        if routes && !triggered.held && !policies.iter().any(|policy| *policy == name) {
            policies.push(name.into_owned());
        }
    }
    policies
}

// === impl Routed ===

impl<'a> Routed<'a> {
    /// The review that an entry opens.
    pub(super) fn of(entry: &'a Entry) -> Option<Routed<'a>> {
        let Content::Outcome(outcome, ..) = &entry.content else { return None };
        let policies = routing_policies(outcome);
        (!policies.is_empty()).then_some(Routed { outcome, policies })
    }
}

/// Opens reviews. One that a hold opened before, under the same decision, stays as it is.
pub(super) async fn open_reviews(
    tx: &Transaction<'_>,
    routed: &[Routed<'_>],
) -> Result<(), StoreError> {
    if routed.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO public.ai_reviews
             (decision_id, reason, policies, caller, input_hash, policy_version)
         SELECT u.decision_id, $6, u.policies::text[], u.caller, u.input_hash, u.policy_version
             FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[])
             AS u(decision_id, policies, caller, input_hash, policy_version)
         ON CONFLICT DO NOTHING";
    let outcomes = || routed.iter().map(|routed| routed.outcome);
    let ids: Vec<&str> = outcomes().map(|outcome| outcome.decision_id.as_str()).collect();
    let policies = routed.iter().map(|routed| array(&routed.policies));
    let policies: Vec<String> = policies.collect();
    let callers = outcomes().map(|outcome| outcome.caller.as_deref().map(without_nul));
    let callers: Vec<Option<Cow<'_, str>>> = callers.collect();
    let callers: Vec<Option<&str>> = callers.iter().map(|text| text.as_deref()).collect();
    let hashes: Vec<Cow<'_, str>> = outcomes().map(|o| without_nul(&o.input_hash)).collect();
    let hashes: Vec<&str> = hashes.iter().map(AsRef::as_ref).collect();
    let versions: Vec<&str> = outcomes().map(|outcome| outcome.policy_version.as_str()).collect();
    let statement = tx.prepare_cached(sql).await?;
    let reason = Reason::Routed.as_str();
    tx.execute(&statement, &[&ids, &policies, &callers, &hashes, &versions, &reason]).await?;
    Ok(())
}
