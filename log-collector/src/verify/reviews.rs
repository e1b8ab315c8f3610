//! Whether every review is what its record asks for, and the queue holds those that nobody has
//! judged. Whether a record that asks has its review is looked at with its row.

use governance_filter::record::{Intent, Outcome};

use super::findings::Finding;
use crate::ledger::LeafKind;
use crate::review::Reason;
use crate::store::audit::Review;
use crate::store::columns::without_nul;
use crate::store::routed::routing_policies;

const OTHER: &str = "its review is not the one that its record asks for";
const HIDDEN: &str = "its review has no verdict, and does not stand in reviews_open since it was \
                      opened: nobody is asked";
const JUDGED: &str = "its review has a verdict, and still stands in reviews_open";

/// What a review must say, as a record asks for it.
struct Asked {
    policies: Vec<String>,
    caller: Option<String>,
    input_hash: String,
    policy_version: String,
}

/// What is wrong with a review, if anything. Of records that cannot be read their leaves tell.
pub fn check(review: &Review) -> Option<Finding> {
    let found = |kind, what: &str| Finding::of(None, kind, &review.decision_id, what.to_owned());
    let held = review.reason == Reason::Held.as_str();
    let kind = if held { LeafKind::Intent } else { LeafKind::Outcome };
    let asked = |record: &Vec<u8>| if held { held_for(record) } else { routed(record) };
    if !review.records.iter().filter_map(asked).any(|asked| asked.is(review)) {
        return Some(found(kind, OTHER));
    }
    match (review.judged, review.queued) {
        (false, false) => Some(found(kind, HIDDEN)),
        (true, true) => Some(found(kind, JUDGED)),
        (true, false) | (false, true) => None,
    }
}

/// A row of the queue without a review.
pub fn orphaned(id: &str) -> Finding {
    Finding::whole(format!("reviews_open has a review of {id}, and ai_reviews has none"))
}

fn routed(record: &[u8]) -> Option<Asked> {
    let outcome: Outcome = serde_json::from_slice(record).ok()?;
    let policies = routing_policies(&outcome);
    let Outcome { caller, input_hash, policy_version, .. } = outcome;
    (!policies.is_empty()).then_some(Asked { policies, caller, input_hash, policy_version })
}

fn held_for(record: &[u8]) -> Option<Asked> {
    let intent: Intent = serde_json::from_slice(record).ok()?;
    let Intent { caller, input_hash, policy_version, hold, .. } = intent;
    Some(Asked { policies: hold?.policies, caller, input_hash, policy_version })
}

// === impl Asked ===

impl Asked {
    fn is(&self, review: &Review) -> bool {
        let policies = self.policies.iter().map(|policy| without_nul(policy));
        policies.eq(review.policies.iter().map(String::as_str))
            && self.caller.as_deref().map(without_nul).as_deref() == review.caller.as_deref()
            && without_nul(&self.input_hash) == review.input_hash
            && self.policy_version == review.policy_version
    }
}
