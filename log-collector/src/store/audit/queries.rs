//! Which rows a kind of leaf is of: all references, and rows by reference.

use crate::ledger::LeafKind;

/// The partitions of a table but for the default one.
pub(super) const PARTITIONS: &str = r"
    SELECT bounds[1], bounds[2] FROM pg_catalog.pg_inherits
        JOIN pg_catalog.pg_class part ON part.oid = inhrelid,
        regexp_match(pg_get_expr(part.relpartbound, part.oid),
            '^FOR VALUES FROM \(''([^'']*)''\) TO \(''([^'']*)''\)$') AS bounds
    WHERE inhparent = to_regclass('public.' || $1::text) AND bounds IS NOT NULL";

/// Where the rows of a kind are.
pub fn table_of(kind: LeafKind) -> &'static str {
    match kind {
        LeafKind::Intent => "ai_decision_intents",
        LeafKind::Outcome => "ai_decisions",
        LeafKind::LateOutcome => "ai_late_outcomes",
        LeafKind::Delivery => "ai_deliveries",
        LeafKind::Policy => "ai_policies",
        LeafKind::Observation => "ai_policy_observations",
        LeafKind::Erasure => "ai_erasures",
        LeafKind::Verdict => "ai_review_verdicts",
        LeafKind::Key => "ai_ledger_keys",
    }
}

/// What has a leaf of a kind.
pub(super) fn refs_of(kind: LeafKind) -> &'static str {
    match kind {
        LeafKind::Intent => "SELECT decision_id AS ref FROM public.ai_decision_intents",
        LeafKind::Outcome => "SELECT decision_id AS ref FROM public.ai_decisions",
        LeafKind::LateOutcome => "SELECT decision_id AS ref FROM public.ai_late_outcomes",
        LeafKind::Delivery => "SELECT decision_id AS ref FROM public.ai_deliveries",
        LeafKind::Policy => "SELECT version AS ref FROM public.ai_policies",
        LeafKind::Observation => {
            "SELECT observation_id::text AS ref FROM public.ai_policy_observations"
        }
        LeafKind::Erasure => "SELECT decision_id AS ref FROM public.ai_erasures",
        LeafKind::Verdict => "SELECT verdict_id AS ref FROM public.ai_review_verdicts",
        LeafKind::Key => "SELECT key_seq::text AS ref FROM public.ai_ledger_keys",
    }
}

/// Rows by reference. The bounds let Postgres pass over partitions.
pub(super) fn rows_of(kind: LeafKind) -> &'static str {
    match kind {
        LeafKind::Intent => {
            "SELECT t.* FROM public.ai_decision_intents t
             WHERE decision_id = ANY($1) AND decision_id >= $2 AND decision_id <= $3"
        }
        LeafKind::Outcome => {
            "SELECT t.*, (SELECT e.created_at FROM public.ai_erasures e
                 WHERE e.decision_id = t.decision_id) AS erased_at,
                 CASE WHEN t.triggered <> '[]' THEN EXISTS (SELECT FROM public.ai_reviews r
                     WHERE r.decision_id = t.decision_id) END AS has_review,
                 CASE WHEN t.review IS NOT NULL THEN EXISTS (SELECT FROM public.ai_reviews r
                     WHERE r.decision_id = t.review) END AS has_named
             FROM public.ai_decisions t
             WHERE decision_id = ANY($1) AND decision_id >= $2 AND decision_id <= $3"
        }
        LeafKind::LateOutcome => {
            "SELECT t.*, (SELECT e.created_at FROM public.ai_erasures e
                 WHERE e.decision_id = t.decision_id) AS erased_at,
                 EXISTS (SELECT FROM public.ai_reviews r
                     WHERE r.decision_id = t.decision_id) AS has_review,
                 (SELECT d.outcome FROM public.ai_decisions d
                  WHERE d.decision_id = t.decision_id) AS closed_as,
                 (SELECT first_index + array_position(refs, t.decision_id) - 1
                  FROM public.ai_ledger_leaves WHERE kind = 'outcome'
                      AND ref_min <= t.decision_id AND ref_max >= t.decision_id
                      AND t.decision_id = ANY (refs) LIMIT 1) AS closed_leaf
             FROM public.ai_late_outcomes t
             WHERE decision_id = ANY($1) AND decision_id >= $2 AND decision_id <= $3"
        }
        LeafKind::Delivery => {
            "SELECT t.* FROM public.ai_deliveries t
             WHERE decision_id = ANY($1) AND decision_id >= $2 AND decision_id <= $3"
        }
        LeafKind::Policy => {
            "SELECT t.* FROM public.ai_policies t
             WHERE version = ANY($1) AND version >= $2 AND version <= $3"
        }
        LeafKind::Observation => {
            "SELECT t.*, observation_id::text AS ref FROM public.ai_policy_observations t
             WHERE observation_id::text COLLATE \"C\" = ANY($1)
                 AND observation_id::text COLLATE \"C\" BETWEEN $2 AND $3"
        }
        LeafKind::Erasure => {
            "SELECT t.* FROM public.ai_erasures t
             WHERE decision_id = ANY($1) AND decision_id >= $2 AND decision_id <= $3"
        }
        LeafKind::Verdict => {
            "SELECT t.*, EXISTS (SELECT FROM public.ai_decision_intents i
                 WHERE i.decision_id = t.decision_id AND i.digest = t.shown_digest)
             OR EXISTS (SELECT FROM public.ai_decisions d
                 WHERE d.decision_id = t.decision_id AND d.digest = t.shown_digest)
             OR EXISTS (SELECT FROM public.ai_late_outcomes l
                 WHERE l.decision_id = t.decision_id AND l.digest = t.shown_digest) AS shown
             FROM public.ai_review_verdicts t
             WHERE verdict_id = ANY($1) AND verdict_id >= $2 AND verdict_id <= $3"
        }
        LeafKind::Key => {
            "SELECT t.*, key_seq::text AS ref FROM public.ai_ledger_keys t
             WHERE key_seq::text COLLATE \"C\" = ANY($1)
                 AND key_seq::text COLLATE \"C\" BETWEEN $2 AND $3"
        }
    }
}
