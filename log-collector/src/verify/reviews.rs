//! Whether every record that asks for people has its review, every review its record, and the queue
//! those that nobody has judged.

use governance_filter::record::{Intent, Outcome};

use super::findings::Finding;
use crate::ledger::LeafKind;
use crate::review::Reason;
use crate::store::audit::{Dangling, Review, ReviewRow};
use crate::store::columns::without_nul;
use crate::store::routed::routing_policies;

const DELETED: &str = "its review is not in ai_reviews: it was deleted, or never opened";
const OTHER: &str = "its review is not the one that its record asks for";
const HIDDEN: &str = "its review has no verdict, and does not stand in reviews_open since it was \
                      opened: nobody is asked";
const JUDGED: &str = "its review has a verdict, and still stands in reviews_open";
const NAMED: &str =
    "the review that it names is not in ai_reviews: it was deleted, or never opened";

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
    let records = review.records.iter();
    let Some(row) = &review.row else {
        let asks = records.filter_map(|record| routed(record)).next().is_some();
        return asks.then(|| found(LeafKind::Outcome, DELETED));
    };
    let held = row.reason == Reason::Held.as_str();
    let kind = if held { LeafKind::Intent } else { LeafKind::Outcome };
    let asked = |record: &Vec<u8>| if held { held_for(record) } else { routed(record) };
    if !records.filter_map(asked).any(|asked| asked.is(row)) {
        return Some(found(kind, OTHER));
    }
    match (row.judged, row.queued) {
        (false, false) => Some(found(kind, HIDDEN)),
        (true, true) => Some(found(kind, JUDGED)),
        (true, false) | (false, true) => None,
    }
}

/// Names without a review.
pub fn dangling(dangling: &Dangling) -> Vec<Finding> {
    let named = |id: &String| Finding::of(None, LeafKind::Outcome, id, NAMED.to_owned());
    let queued = |id: &String| {
        Finding::whole(format!("reviews_open has a review of {id}, and ai_reviews has none"))
    };
    let decisions = dangling.decisions.iter().map(named);
    decisions.chain(dangling.queued.iter().map(queued)).collect()
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
    fn is(&self, row: &ReviewRow) -> bool {
        let policies = self.policies.iter().map(|policy| without_nul(policy));
        policies.eq(row.policies.iter().map(String::as_str))
            && self.caller.as_deref().map(without_nul).as_deref() == row.caller.as_deref()
            && without_nul(&self.input_hash) == row.input_hash
            && self.policy_version == row.policy_version
    }
}
