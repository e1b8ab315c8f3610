//! Verdicts, from the person who gives one to the row.

use std::sync::Arc;
use std::time::Duration;

use governance_filter::record::{Line, sha256_hex};
use log_collector::metrics::Metrics;
use log_collector::review::reviewers::{Reviewer, Reviewers};
use log_collector::review::{Reviewing, VerdictKind};
use log_collector::store::Store;
use log_collector::store::reviews::{Judged, OpenFilter};

use crate::support::{Collector, Database, flagged, id, intent, line, outcome};

const TOKEN: &str = "grv_0123456789abcdef";

fn reviewers() -> Reviewers {
    let digest = sha256_hex(TOKEN.as_bytes());
    let text = format!(r#"{{"reviewers":[{{"name":"ann","token_sha256":"{digest}"}}]}}"#);
    Reviewers::parse(&text).unwrap()
}

/// What people are shown, and Ann.
pub fn reviewing(database: &Database) -> (Reviewing, Reviewer) {
    let (settings, metrics) = (database.config().database, Arc::new(Metrics::default()));
    let patience = Duration::from_secs(10);
    let store = Store::new(&settings, patience, Vec::new(), metrics).unwrap();
    let ann = reviewers().by_token(TOKEN).unwrap().clone();
    (Reviewing::new(&settings, Arc::new(store), reviewers(), None).unwrap(), ann)
}

#[tokio::test]
async fn verdict_is_on_record_and_a_later_one_supersedes_it() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let decision = id();
    collector.acks(&[&Line::intent(&intent(&decision)), &flagged(&decision, "Ann asked")]).await;
    let near: Vec<_> = (0..3).map(|_| line(&outcome(&id()))).collect();
    collector.acks(&near.iter().collect::<Vec<_>>()).await;
    let (reviewing, ann) = reviewing(&database);
    let shown = reviewing.reader.decision(&decision).await.unwrap().unwrap();
    assert_eq!(shown.output_summary.as_deref(), Some("Ann asked"));
    assert_eq!((shown.digest.clone(), shown.erased), (sha256_hex(&shown.record), false));
    assert_eq!(shown.outcome.as_ref().unwrap().decision_id, decision);
    let caller = shown.outcome.unwrap().caller.unwrap();
    assert_eq!(reviewing.reader.neighbours(&decision, &caller, 2).await.unwrap().len(), 2);

    let judge = async |said, note, digest: &str| {
        reviewing.judge(&ann, &decision, said, note, digest).await.unwrap()
    };
    let Judged::Given(first) = judge(VerdictKind::Approved, " fine ", &shown.digest).await else {
        panic!("not given")
    };
    assert_eq!((first.note.as_str(), first.policy_version), ("fine", shown.policy_version));
    let again = judge(VerdictKind::Approved, "fine", &shown.digest).await;
    assert!(matches!(again, Judged::Stands(same) if same.verdict_id == first.verdict_id));
    // It came from a replica whose clock is an hour ahead; what is said after it counts all the same.
    let ahead = "ALTER TABLE ai_review_verdicts DISABLE TRIGGER refuse_change;
        UPDATE ai_review_verdicts SET verdict_id = 'v-' || lpad(to_hex(
            (extract(epoch FROM now()) * 1000)::bigint + 3600000), 12, '0') || repeat('7', 20);
        ALTER TABLE ai_review_verdicts ENABLE ALWAYS TRIGGER refuse_change";
    database.admin().await.batch_execute(ahead).await.unwrap();
    let later = judge(VerdictKind::Rejected, "on second thought", &shown.digest).await;
    assert!(matches!(later, Judged::Given(_)));
    let said = reviewing.reader.verdicts(&decision).await.unwrap();
    let said: Vec<_> = said.iter().map(|given| given.verdict.verdict).collect();
    assert_eq!(said, [VerdictKind::Rejected, VerdictKind::Approved]);
    assert_eq!(judge(VerdictKind::Approved, "", &"0".repeat(64)).await, Judged::Changed);
    let unknown = reviewing.judge(&ann, &id(), VerdictKind::Approved, "", &shown.digest).await;
    assert_eq!(unknown.unwrap(), Judged::Unknown);
    let leaves = "SELECT count(*) FROM ai_ledger_pending WHERE kind = 'verdict'";
    assert_eq!(database.count(leaves).await, 2);
}

#[tokio::test]
async fn verdict_takes_its_review_out_of_the_queue() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let decision = id();
    collector.acks(&[&line(&outcome(&decision))]).await;
    let opened = format!(
        "INSERT INTO ai_reviews (decision_id, reason, policies, input_hash, policy_version)
         SELECT decision_id, 'routed', ARRAY['high_risk_review'], input_hash, policy_version
             FROM ai_decisions WHERE decision_id = '{decision}'"
    );
    database.admin().await.batch_execute(&opened).await.unwrap();
    let (reviewing, ann) = reviewing(&database);
    let all = OpenFilter::default();
    let open = reviewing.reader.open_reviews(&all, None, 10).await.unwrap();
    assert_eq!(open.len(), 1);
    assert_eq!((&open[0].decision_id, &open[0].policies[0][..]), (&decision, "high_risk_review"));
    let behind = Some(decision.as_str());
    assert_eq!(reviewing.reader.open_reviews(&all, behind, 10).await.unwrap().len(), 0);
    let shown = reviewing.reader.decision(&decision).await.unwrap().unwrap();
    assert!(shown.review.unwrap().open);
    let given = reviewing.judge(&ann, &decision, VerdictKind::Approved, "", &shown.digest).await;
    assert!(matches!(given.unwrap(), Judged::Given(_)));
    assert_eq!(reviewing.reader.open_reviews(&all, None, 10).await.unwrap().len(), 0);
    assert!(!reviewing.reader.decision(&decision).await.unwrap().unwrap().review.unwrap().open);
}
