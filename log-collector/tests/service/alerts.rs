//! Alerts: the outbox, and Slack when it is slow, broken or gone.

use std::time::Duration;

use governance_filter::record::{AckStatus, Line};

use crate::support::slack::Slack;
use crate::support::{Collector, Database, flagged, id, intent, line, outcome, until};

const DELIVERED: &str = "SELECT count(*) FROM outbox_messages WHERE state = 'delivered'";

#[tokio::test]
async fn flagged_decision_reaches_slack_with_its_redacted_summary() {
    let database = Database::fresh().await;
    let slack = Slack::start(&[]).await;
    let config = Collector::with_slack(database.config(), &slack.url);
    let collector = Collector::ready(config).await;
    let id = id();
    let summary = format!("<!channel> {}", "y".repeat(480));
    let lines = [&flagged(&id, &summary), &line(&outcome(&crate::support::id()))];
    collector.acks(&lines).await;
    until("delivered", || async { database.count(DELIVERED).await == 1 }).await;
    let taken = slack.taken();
    assert_eq!(taken.len(), 1, "the decision without a trigger alerts nobody");
    let text = taken[0]["text"].as_str().unwrap();
    let start = "🔍 Low-confidence output (0.62): &lt;!channel&gt; yyy";
    assert!(text.starts_with(start), "{text}");
    assert!(text.ends_with(&format!("\nDecision ID: {id}")), "{text}");
    assert_eq!(text.matches('y').count(), 200 - "<!channel> ".len());
    let (_, metrics) = collector.get("/metrics").await;
    assert!(
        metrics.contains("collector_notify_attempts_total{target=\"slack\",reason=\"ok\"} 1"),
        "{metrics}"
    );
}

#[tokio::test]
async fn slack_that_refuses_for_now_is_tried_again_when_it_says() {
    let database = Database::fresh().await;
    let slack =
        Slack::start(&[(429, Some(2), "rate_limited"), (500, None, "oops"), (503, None, "")]).await;
    let config = Collector::with_slack(database.config(), &slack.url);
    let collector = Collector::ready(config).await;
    let acks = collector.acks(&[&flagged(&id(), "a"), &flagged(&id(), "b")]).await;
    assert_eq!(acks[0].status, AckStatus::Committed, "Slack down never touches acks");
    until("both delivered", || async { database.count(DELIVERED).await == 2 }).await;
    let tries = slack.tries();
    assert_eq!(tries.len(), 4, "both in one message");
    assert!(tries[1] - tries[0] >= Duration::from_secs(2), "Retry-After is honoured");
    assert!(tries[2] - tries[1] >= Duration::from_secs(1), "one message a second");
    let again = "SELECT count(*) FROM outbox_messages WHERE last_status = 200 AND attempts > 1";
    assert!(database.count(again).await >= 1, "the row tells its story");
}

#[tokio::test]
async fn webhook_that_is_gone_is_left_alone_until_a_restart() {
    let database = Database::fresh().await;
    let slack = Slack::start(&[(404, None, "no_service")]).await;
    let config = || Collector::with_slack(database.config(), &slack.url);
    let collector = Collector::ready(config()).await;
    collector.acks(&[&flagged(&id(), "a")]).await;
    let failed = "SELECT count(*) FROM outbox_messages WHERE state = 'failed'
        AND last_status = 404 AND last_error = 'target_refused'";
    until("failed", || async { database.count(failed).await == 1 }).await;
    until("disabled", || async {
        collector.metric("collector_notify_disabled{target=\"slack\"}").await == 1.0
    })
    .await;
    let acks = collector.acks(&[&flagged(&id(), "b")]).await;
    assert_eq!(acks[0].status, AckStatus::Committed);
    assert_eq!(collector.get("/readyz").await.0, 200);
    assert_eq!(slack.tries().len(), 1);
    collector.stop().await;
    let _collector = Collector::ready(config()).await;
    until("both delivered", || async { database.count(DELIVERED).await == 2 }).await;
}

#[tokio::test]
async fn alerts_survive_a_crash_and_a_lease_that_nobody_holds() {
    let database = Database::fresh().await;
    let down = Collector::with_slack(database.config(), "http://127.0.0.1:9/services/T/B/X");
    let collector = Collector::ready(down).await;
    collector.acks(&[&flagged(&id(), "a")]).await;
    let tried = "SELECT count(*) FROM outbox_messages WHERE last_error = 'connection'";
    until("tried in vain", || async { database.count(tried).await == 1 }).await;
    collector.kill();
    // As a sender that died between Slack's 200 and the mark would leave it.
    let sql = "UPDATE outbox_messages SET leased_until = now() + interval '1 second',
        next_attempt_at = now()";
    database.admin().await.batch_execute(sql).await.unwrap();
    let slack = Slack::start(&[]).await;
    let _collector = Collector::ready(Collector::with_slack(database.config(), &slack.url)).await;
    until("delivered", || async { database.count(DELIVERED).await == 1 }).await;
}

#[tokio::test]
async fn flagged_outcome_that_comes_late_reaches_slack_as_itself() {
    let database = Database::fresh().await;
    let slack = Slack::start(&[]).await;
    let mut config = Collector::with_slack(database.config(), &slack.url);
    config.close_after = Duration::from_millis(1_000);
    let collector = Collector::ready(config).await;
    let id = id();
    collector.acks(&[&Line::intent(&intent(&id))]).await;
    let closed = "SELECT count(*) FROM ai_decisions WHERE outcome = 'unknown'";
    until("closed as unknown", || async { database.count(closed).await == 1 }).await;
    let late = flagged(&id, "the summary");
    assert_eq!(collector.acks(&[&late]).await[0].status, AckStatus::Committed);
    assert_eq!(collector.acks(&[&late]).await[0].status, AckStatus::Duplicate);
    until("delivered", || async { database.count(DELIVERED).await == 1 }).await;
    let taken = slack.taken();
    let text = taken[0]["text"].as_str().unwrap();
    let start = "🔍 Low-confidence output (0.62): the summary\n";
    assert!(taken.len() == 1 && text.starts_with(start), "{taken:?}");
}
