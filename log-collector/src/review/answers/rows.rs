//! How rows become answers.

use std::time::Duration;

use super::{Given, Group, Kept, Near, OfPolicy, OfTarget, Open, Sent};
use crate::policy::moment::time;
use crate::store::decision::{Message, Neighbour};
use crate::store::review_stats::{MessageStats, PolicyStats};
use crate::store::reviews::{GivenVerdict, OpenReview, ReviewGroup};

// === impl Group ===

impl From<ReviewGroup> for Group {
    fn from(group: ReviewGroup) -> Group {
        Group {
            all: format!("/v1/reviews/open?group={}", group.key),
            group: group.key,
            policies: group.policies,
            caller: group.caller,
            reason: group.reason,
            count: group.count,
            overdue: group.overdue,
            oldest_age_seconds: group.oldest_age_seconds,
            oldest_opened_at: time(group.oldest_at),
            newest_opened_at: time(group.newest_at),
            decision_ids: group.decision_ids,
        }
    }
}

// === impl Open ===

impl Open {
    /// As the queue has it.
    pub fn new(review: OpenReview, max_age: Duration) -> Open {
        Open {
            decision_id: review.decision_id,
            policies: review.policies,
            caller: review.caller,
            reason: review.reason,
            policy_version: review.policy_version,
            opened_at: time(review.opened_at),
            age_seconds: review.age_seconds,
            overdue: review.age_seconds > max_age.as_secs_f64(),
        }
    }
}

// === impl Kept ===

impl Kept {
    /// `what` is `input` or `output`.
    pub fn new(what: &str, text: Option<String>, erased: bool) -> Kept {
        let kept = text.is_some();
        let why = if erased { "erased" } else { "not kept" };
        Kept { kept, text: text.unwrap_or_else(|| format!("{what} {why}")) }
    }
}

// === impl Given ===

impl From<GivenVerdict> for Given {
    fn from(given: GivenVerdict) -> Given {
        let verdict = given.verdict;
        Given {
            verdict_id: verdict.verdict_id,
            verdict: verdict.verdict,
            reviewer: verdict.reviewer,
            note: verdict.note,
            decided_at: verdict.decided_at,
            shown_digest: verdict.shown_digest,
            leaf: given.leaf,
        }
    }
}

// === impl Sent ===

impl From<Message> for Sent {
    fn from(message: Message) -> Sent {
        Sent {
            target: message.target,
            state: message.state,
            attempts: message.attempts,
            last_status: message.last_status,
            delivered_at: message.delivered_at.map(time),
        }
    }
}

// === impl Near ===

impl From<Neighbour> for Near {
    fn from(near: Neighbour) -> Near {
        Near {
            decision_id: near.decision_id,
            created_at: time(near.created_at),
            model: near.model,
            outcome: near.outcome,
            actions: near.actions,
        }
    }
}

// === impl OfPolicy ===

impl From<PolicyStats> for OfPolicy {
    fn from(stats: PolicyStats) -> OfPolicy {
        let judged = stats.approved + stats.rejected;
        OfPolicy {
            share_approved: (judged > 0).then(|| stats.approved as f64 / judged as f64),
            policy: stats.policy,
            opened: stats.opened,
            open: stats.open,
            approved: stats.approved,
            rejected: stats.rejected,
            superseded: stats.superseded,
            median_seconds_to_verdict: stats.median_seconds,
            p99_seconds_to_verdict: stats.p99_seconds,
        }
    }
}

// === impl OfTarget ===

impl From<MessageStats> for OfTarget {
    fn from(stats: MessageStats) -> OfTarget {
        OfTarget {
            target: stats.target,
            delivered: stats.delivered,
            p50_seconds: stats.p50_seconds,
            p99_seconds: stats.p99_seconds,
        }
    }
}
