//! Intents whose gateway died.

use std::time::Duration;

use governance_filter::record::{AckStatus, Line};

use crate::support::{Collector, Database, id, intent, line, now, outcome, until};

#[tokio::test]
async fn open_intent_is_closed_and_a_late_outcome_kept_beside_it() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.close_after = Duration::from_millis(1_500);
    let collector = Collector::ready(config).await;
    let (open, done) = (id(), id());
    let lines =
        [&Line::intent(&intent(&open)), &Line::intent(&intent(&done)), &line(&outcome(&done))];
    collector.acks(&lines).await;
    let closed = "SELECT count(*) FROM ai_decisions WHERE outcome = 'unknown'
        AND encode(sha256(record), 'hex') = digest";
    until("closed as unknown", || async { database.count(closed).await == 1 }).await;
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 2);
    assert_eq!(collector.metric("collector_intents_closed_unknown_total").await, 1.0);

    let late = line(&outcome(&open));
    assert_eq!(collector.acks(&[&late]).await[0].status, AckStatus::Committed);
    assert_eq!(collector.acks(&[&late]).await[0].status, AckStatus::Duplicate);
    let kept = "SELECT count(*) FROM ai_late_outcomes WHERE outcome = 'completed'";
    assert_eq!(database.count(kept).await, 1);
    assert_eq!(collector.metric("collector_digest_conflicts_total").await, 0.0);
    let mut other = outcome(&open);
    other.model = "another".to_owned();
    assert_eq!(collector.acks(&[&line(&other)]).await[0].status, AckStatus::Quarantined);
}

#[tokio::test]
async fn old_intent_is_left_alone_until_the_collector_was_ready_long_enough() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.close_after = Duration::from_millis(2_000);
    let collector = Collector::ready(config).await;
    let open = id();
    collector.acks(&[&Line::intent(&intent(&open))]).await;
    collector.stop().await;
    let age = "SELECT (extract(epoch FROM now() - received_at) * 1000)::bigint
        FROM ai_decision_intents";
    until("older than close_after", || async { database.count(age).await > 2_500 }).await;
    let mut config = database.config();
    config.close_after = Duration::from_millis(2_000);
    let started = std::time::Instant::now();
    let _collector = Collector::ready(config).await;
    let closed = "SELECT count(*) FROM ai_decisions WHERE outcome = 'unknown'";
    until("closed as unknown", || async { database.count(closed).await == 1 }).await;
    assert!(started.elapsed() >= Duration::from_millis(2_000), "{:?}", started.elapsed());
}

#[tokio::test]
async fn intent_older_than_the_window_is_closed_once_readiness_was_lost() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.close_after = Duration::from_millis(1_000);
    config.commit_timeout = Duration::from_millis(500);
    let collector = Collector::ready(config).await;
    let unknown = |id: &str| {
        format!(
            "SELECT count(*) FROM ai_decisions WHERE decision_id = '{id}' AND outcome = 'unknown'"
        )
    };
    let closed = async |id: &str| {
        let sql = unknown(id);
        until("closed as unknown", || async { database.count(&sql).await == 1 }).await;
    };
    let first = id();
    collector.acks(&[&Line::intent(&intent(&first))]).await;
    closed(&first).await;
    // Two passes later the old one would have been seen, if passes looked that far back.
    let old = format!("d-{:012x}{}", now() - 5 * 3_600_000, &id()[14..]);
    collector.acks(&[&Line::intent(&intent(&old))]).await;
    for _ in 0..2 {
        let fresh = id();
        collector.acks(&[&Line::intent(&intent(&fresh))]).await;
        closed(&fresh).await;
    }
    assert_eq!(database.count(&unknown(&old)).await, 0);

    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_decisions IN EXCLUSIVE MODE").await.unwrap();
    assert_eq!(collector.post(&[&line(&outcome(&id()))]).await.status(), 503);
    admin.batch_execute("ROLLBACK").await.unwrap();
    closed(&old).await;
}
