//! What would have changed: counts by policy and by caller. Holds no record.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::policy::{PastResult, PastVerdict, Policy};
use crate::record::{Outcome, OutcomeKind};

/// Callers that are counted apart; beyond them all others together.
const CALLERS_MAX: usize = 10_000;

/// Ids of newly refused calls that are shown.
const EXAMPLES_MAX: usize = 5;

/// The caller of whom nothing is known, and those beyond [`CALLERS_MAX`].
const OTHERS: &str = "others";

/// The whole report.
#[derive(Debug, Default, Serialize)]
pub(super) struct Tally {
    /// The candidate.
    pub(super) candidate: String,
    pub(super) calls: u64,
    /// When the first and the last of them came in.
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// Versions in force then, and calls under each.
    pub(super) judged_by: BTreeMap<String, u64>,
    pub(super) refused: Change,
    /// Calls that wait for a person's approval, or have it.
    pub(super) held: Change,
    /// Ids of some calls that would be refused and were not.
    pub(super) newly_refused: Vec<String>,
    pub(super) policies: BTreeMap<String, PolicyChange>,
    pub(super) callers: BTreeMap<String, CallerChange>,
}

/// How often something was so, and would be.
#[derive(Debug, Default, Serialize)]
pub(super) struct Change {
    pub(super) before: u64,
    pub(super) after: u64,
    pub(super) newly: u64,
    pub(super) no_longer: u64,
    /// That cannot be known.
    pub(super) unknown: u64,
}

/// What changes for a policy.
#[derive(Debug, Default, Serialize)]
pub(super) struct PolicyChange {
    /// What it does; `None` for one that the candidate has not.
    pub(super) action: Option<&'static str>,
    /// It is only observed.
    pub(super) observed: bool,
    pub(super) fired: Change,
    /// Why it cannot be known, and how often.
    pub(super) unknown: BTreeMap<&'static str, u64>,
}

/// What changes for a caller.
#[derive(Debug, Default, Serialize)]
pub(super) struct CallerChange {
    pub(super) calls: u64,
    pub(super) newly_refused: u64,
    pub(super) no_longer_refused: u64,
    /// Calls on which a policy fires that did not.
    pub(super) newly_fired: u64,
    /// Calls on which one fired that does not.
    pub(super) no_longer_fired: u64,
}

// === impl Tally ===

impl Tally {
    pub(super) fn of(candidate: &Policy) -> Tally {
        Tally { candidate: candidate.version().to_owned(), ..Tally::default() }
    }

    /// Counts a call.
    pub(super) fn note(&mut self, record: &Outcome, verdict: &PastVerdict) {
        self.calls += 1;
        self.first.get_or_insert_with(|| record.requested_at.clone());
        self.last = Some(record.requested_at.clone());
        *self.judged_by.entry(record.policy_version.clone()).or_default() += 1;
        // What a reviewer rejected was held, and no policy's refusal.
        let rejected = record.review.is_some() && record.latency_ms.is_none();
        let was_refused = record.outcome == OutcomeKind::Denied && !rejected;
        let refused = verdict.denied();
        self.refused.note(was_refused, refused);
        self.held.note(record.triggered.iter().any(|one| one.held), verdict.held());
        if !was_refused && refused == Some(true) && self.newly_refused.len() < EXAMPLES_MAX {
            self.newly_refused.push(record.decision_id.clone());
        }
        let (newly, no_longer) = self.note_policies(record, verdict);
        let caller = record.caller.as_deref().unwrap_or(OTHERS);
        let known = self.callers.contains_key(caller) || self.callers.len() < CALLERS_MAX;
        let name = if known { caller } else { OTHERS };
        let caller = self.callers.entry(name.to_owned()).or_default();
        caller.calls += 1;
        caller.newly_refused += u64::from(!was_refused && refused == Some(true));
        caller.no_longer_refused += u64::from(was_refused && refused == Some(false));
        caller.newly_fired += u64::from(newly);
        caller.no_longer_fired += u64::from(no_longer);
    }

    /// Whether some policy fires anew, and whether some no longer does.
    fn note_policies(&mut self, record: &Outcome, verdict: &PastVerdict) -> (bool, bool) {
        let (mut newly, mut no_longer) = (false, false);
        for rule in &verdict.policies {
            let counted = self.policies.entry(rule.policy.clone()).or_default();
            counted.action = Some(rule.action.as_str());
            counted.observed = !rule.enforced;
            let fires = match rule.result {
                PastResult::Fired => Some(true),
                PastResult::NotFired => Some(false),
                PastResult::Unknown(why) => {
                    *counted.unknown.entry(why).or_default() += 1;
                    None
                }
            };
            let fired = fired(record, &rule.policy);
            counted.fired.note(fired, fires);
            newly |= !fired && fires == Some(true);
            no_longer |= fired && fires == Some(false);
        }
        // What fired then and stands in the candidate no more, or does not fire.
        for triggered in &record.triggered {
            let judged = verdict.policies.iter().any(|rule| rule.policy == triggered.policy);
            let unreadable = triggered.policy == "unreadable";
            if !judged && !unreadable && fired(record, &triggered.policy) {
                let counted = self.policies.entry(triggered.policy.clone()).or_default();
                counted.fired.note(true, Some(false));
                no_longer = true;
            }
        }
        (newly, no_longer)
    }
}

// === impl Change ===

impl Change {
    fn note(&mut self, before: bool, after: Option<bool>) {
        self.before += u64::from(before);
        match after {
            None => self.unknown += 1,
            Some(after) => {
                self.after += u64::from(after);
                self.newly += u64::from(after && !before);
                self.no_longer += u64::from(before && !after);
            }
        }
    }
}

/// The policy fired then, would have, or counted as fired.
fn fired(record: &Outcome, policy: &str) -> bool {
    let mut of_policy = record.triggered.iter().filter(|one| one.policy == policy);
    of_policy.any(|one| one.enforced || one.result != "failed")
}
