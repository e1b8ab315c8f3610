//! The columns of rows that no gateway sends, from their records.

use crate::ledger::contents::{Erasure, Observation};
use crate::review::Verdict;
use crate::store::columns::{Column, Value};

/// `ai_erasures`, from a tombstone.
pub(super) fn erased(e: &Erasure) -> [Column<'_>; 4] {
    [
        column("decision_id", Value::Text(&e.decision_id)),
        column("created_at", Value::Time(&e.erased_at)),
        column("reason", Value::Text(&e.reason)),
        column("erased_by", Value::Text(&e.erased_by)),
    ]
}

/// `ai_review_verdicts`, from a verdict.
pub(super) fn judged(v: &Verdict) -> [Column<'_>; 8] {
    [
        column("verdict_id", Value::Text(&v.verdict_id)),
        column("decision_id", Value::Text(&v.decision_id)),
        column("verdict", Value::Text(v.verdict.as_str())),
        column("reviewer", Value::Text(&v.reviewer)),
        column("note", Value::Text(&v.note)),
        column("shown_digest", Value::Text(&v.shown_digest)),
        column("policy_version", Value::Text(&v.policy_version)),
        column("created_at", Value::Time(&v.decided_at)),
    ]
}

/// `ai_policy_observations`, from an observation.
pub(super) fn observed(o: &Observation) -> [Column<'_>; 5] {
    [
        column("observation_id", Value::Int(o.observation_id)),
        column("gateway", Value::Text(&o.gateway)),
        column("policy_version", Value::Text(&o.policy_version)),
        column("first_seen", Value::Time(&o.first_seen)),
        column("configured_at", o.configured_at.as_deref().map_or(Value::Null, Value::Time)),
    ]
}

fn column<'a>(name: &'static str, value: Value<'a>) -> Column<'a> {
    Column { name, cast: "", value }
}
