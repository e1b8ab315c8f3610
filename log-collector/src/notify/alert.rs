//! Which decisions ask for a human, by which policies, and which of them are told together. Pure
//! functions of a record.

use governance_filter::record::{Outcome, OutcomeKind, Triggered, sha256_hex};

/// The policies that ask for a human, in the order of the record; none of most decisions. A pin
/// that was applied is no reason to call one.
pub fn asking(outcome: &Outcome) -> Vec<&Triggered> {
    outcome.triggered.iter().filter(|triggered| asks_for_human(outcome, triggered)).collect()
}

/// Their names.
pub fn policies(outcome: &Outcome) -> Vec<String> {
    asking(outcome).iter().map(|triggered| triggered.policy.clone()).collect()
}

/// Decisions of one key are told together: the same policies asked, about the same model. `None`
/// where nobody is to be called. A digest, for names may be long, and the outbox holds no text.
pub fn alert_key(outcome: &Outcome) -> Option<String> {
    let policies = policies(outcome);
    if policies.is_empty() {
        return None;
    }
    // As JSON, so that no two lists look the same; our own types, which JSON can hold.
    let names = serde_json::to_vec(&(policies, &outcome.model)).unwrap_or_default();
    Some(sha256_hex(&names))
}

/// A call that passed by an approval, or was rejected, asks nobody for what it was held for.
fn asks_for_human(outcome: &Outcome, triggered: &Triggered) -> bool {
    triggered.enforced
        && (!triggered.held || outcome.outcome == OutcomeKind::Held)
        && matches!(triggered.action.as_str(), "flag_for_review" | "route_to_human_review")
        && triggered.policy != "models.pins"
}
