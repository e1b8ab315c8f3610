//! The tamperings with reviews and verdicts, each with the line that names it.

use governance_filter::record::{Line, OutcomeKind};
use log_collector::review::VerdictKind;
use log_collector::store::reviews::Judged;

use super::{Case, case};
use crate::reviews::reviewing;
use crate::support::tamper::{Original, newest_note, sequence, signer};
use crate::support::{Collector, holding, id, line, outcome, routed};

/// The ledger of the other cases, and then: intent of g, which is held | outcome of f, which is routed to people, and
/// of g | a verdict on f.
pub async fn make() -> Original {
    let mut original = Original::make().await;
    let database = &original.database;
    let collector = Collector::start(database.config()).await;
    let (f, g) = (id(), id());
    collector.acks(&[&Line::intent(&holding(&g))]).await;
    sequence(database, &signer(1)).await;
    let mut held = outcome(&g);
    (held.outcome, held.review) = (OutcomeKind::Held, Some(g.clone()));
    collector.acks(&[&line(&routed(&f)), &line(&held)]).await;
    sequence(database, &signer(1)).await;
    collector.stop().await;
    let (reviewing, ann) = reviewing(database);
    let shown = reviewing.reader.decision(&f).await.unwrap().unwrap().digest;
    let said = reviewing.judge(&ann, &f, VerdictKind::Approved, "fine", &shown).await.unwrap();
    let Judged::Given(verdict) = said else { panic!("{said:?}") };
    sequence(database, &signer(1)).await;
    std::fs::write(&original.held, newest_note(&database.admin().await).await).unwrap();
    original.ids.extend([f, g, verdict.verdict_id]);
    original
}

pub const REVIEW_CASES: &[Case] = &[
    case("nothing", "", "intact"),
    case(
        "verdict turned round",
        "UPDATE ai_review_verdicts SET verdict = 'rejected'",
        "altered: verdict {v} (leaf 17): its column `verdict` is not what its record says",
    ),
    case(
        "note",
        "UPDATE ai_review_verdicts SET note = 'never'",
        "altered: verdict {v} (leaf 17): its column `note` is not what its record says",
    ),
    case(
        "note, record and digest",
        "UPDATE ai_review_verdicts SET note = 'never',
            record = convert_to(replace(convert_from(record, 'UTF8'), 'fine', 'never'), 'UTF8');
         UPDATE ai_review_verdicts SET digest = encode(sha256(record), 'hex')",
        "altered: verdict {v} (leaf 17): its record was changed, and its digest with it",
    ),
    case(
        "verdict moved to another decision",
        "UPDATE ai_review_verdicts SET decision_id = '{g}'",
        "altered: verdict {v} (leaf 17): its column `decision_id` is not what its record says",
    ),
    case(
        "verdict deleted",
        "DELETE FROM ai_review_verdicts",
        "altered: verdict {v} (leaf 17): its row is not in ai_review_verdicts: it was deleted or moved, or the partition that held it was detached or dropped",
    ),
    case(
        "verdict past the triggers",
        "INSERT INTO ai_review_verdicts SELECT 'v-00000000000070008000000000000000', decision_id,
            verdict, reviewer, note, shown_digest, policy_version, created_at, record, digest
            FROM ai_review_verdicts",
        "altered: verdict v-00000000000070008000000000000000: its row was inserted past the triggers, or its leaf was removed",
    ),
    case(
        "verdict on a decision that is not there",
        "CREATE TEMP TABLE forged AS SELECT * FROM ai_review_verdicts;
         UPDATE forged SET verdict_id = 'v-00000000000070008000000000000000',
            decision_id = 'd-00000000000070008000000000000000',
            record = convert_to(replace(replace(convert_from(record, 'UTF8'),
                '{v}', 'v-00000000000070008000000000000000'),
                '{f}', 'd-00000000000070008000000000000000'), 'UTF8');
         UPDATE forged SET digest = encode(sha256(record), 'hex');
         INSERT INTO ai_review_verdicts SELECT * FROM forged;
         INSERT INTO ai_ledger_pending (kind, refs, hashes)
            SELECT 'verdict', ARRAY[verdict_id], sha256('\\x00'::bytea || record) FROM forged",
        "altered: verdict v-00000000000070008000000000000000: its decision has no record of the digest that its reviewer was shown",
    ),
    case(
        "review deleted",
        "DELETE FROM ai_reviews WHERE decision_id = '{f}'",
        "altered: outcome {f} (leaf 15): its review is not in ai_reviews: it was deleted, or never opened",
    ),
    case(
        "review of a held call deleted",
        "DELETE FROM ai_reviews WHERE decision_id = '{g}';
         DELETE FROM reviews_open",
        "altered: outcome {g} (leaf 16): the review that it names is not in ai_reviews: it was deleted, or never opened",
    ),
    case(
        "review's policies",
        "UPDATE ai_reviews SET policies = ARRAY['other'] WHERE decision_id = '{f}'",
        "altered: outcome {f}: its review is not the one that its record asks for",
    ),
    case(
        "held review widened, so that its approval lets others pass",
        "UPDATE ai_reviews SET policies = policies || 'other'::text WHERE decision_id = '{g}'",
        "altered: intent {g}: its review is not the one that its record asks for",
    ),
    case(
        "review's caller",
        "UPDATE ai_reviews SET caller = NULL WHERE decision_id = '{g}'",
        "altered: intent {g}: its review is not the one that its record asks for",
    ),
    case(
        "review of a decision that asks for none",
        "INSERT INTO ai_reviews SELECT '{b}', reason, policies, caller, input_hash, policy_version,
            opened_at FROM ai_reviews WHERE decision_id = '{f}'",
        "altered: outcome {b}: its review is not the one that its record asks for",
    ),
    case(
        "review taken out of the queue",
        "DELETE FROM reviews_open",
        "altered: intent {g}: its review has no verdict, and does not stand in reviews_open since it was opened: nobody is asked",
    ),
    case(
        "review made younger in the queue",
        "UPDATE reviews_open SET opened_at = opened_at + interval '1 hour'",
        "altered: intent {g}: its review has no verdict, and does not stand in reviews_open since it was opened: nobody is asked",
    ),
    case(
        "judged review put back into the queue",
        "INSERT INTO reviews_open SELECT decision_id, opened_at FROM ai_reviews
            WHERE decision_id = '{f}'",
        "altered: outcome {f}: its review has a verdict, and still stands in reviews_open",
    ),
    case(
        "queue of what nobody asked for",
        "INSERT INTO reviews_open SELECT '{b}', opened_at FROM reviews_open",
        "altered: reviews_open has a review of {b}, and ai_reviews has none",
    ),
];
