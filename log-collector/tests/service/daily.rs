//! The summary of a day: one a target, whichever replica sends it.

use log_collector::config::ServeConfig;

use crate::ledger::{covered, signer, signing, with_key};
use crate::support::slack::Slack;
use crate::support::{Collector, Database, flagged, id, line, now, outcome, until};

const DELIVERED: &str = "SELECT count(*) FROM outbox_messages WHERE state = 'delivered'";

const DAY_MS: u64 = 86_400_000;

/// An id of so many milliseconds after yesterday's start, UTC.
fn yesterday(ms: u64) -> String {
    let start = (now() / DAY_MS - 1) * DAY_MS + ms;
    format!("d-{start:012x}{}", &id()[14..])
}

/// As if the table were there for days.
async fn aged(database: &Database) {
    let sql = "UPDATE governance_migrations SET applied_at = now() - interval '3 days'";
    database.admin().await.batch_execute(sql).await.unwrap();
}

#[tokio::test]
async fn yesterday_is_told_once_with_its_counts_and_the_newest_checkpoint() {
    let database = with_key(1).await;
    let slack = Slack::start(&[]).await;
    let config = || Collector::with_slack(signing(&database, 1), &slack.url);
    // Without alerts at first, so that the summary finds everything.
    let collector = Collector::ready(signing(&database, 1)).await;
    let ids = [yesterday(0), yesterday(3_600_000), yesterday(DAY_MS - 1)];
    let mut lines: Vec<_> = ids.iter().map(|id| line(&outcome(id))).collect();
    lines.push(flagged(&yesterday(1), "summary"));
    lines.extend([yesterday(DAY_MS), id()].iter().map(|id| line(&outcome(id))));
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let size = covered(&database, &signer(1).verifier()).await.size;
    collector.stop().await;
    aged(&database).await;
    let silent = Collector::start(signing(&database, 1)).await;
    until("published", || async { silent.get("/checkpoint").await.0 == 200 }).await;
    let (a, b) = (Collector::start(config()).await, Collector::start(config()).await);
    until("delivered", || async { database.count(DELIVERED).await == 1 }).await;
    let taken = slack.taken();
    let text = taken[0]["text"].as_str().unwrap();
    let first = "(UTC): 4 decisions (completed: 4)\nFlagged for review: 1 · Quarantined lines: 0\n";
    assert!(text.contains(first), "{text}");
    assert!(text.contains(&format!("```test/ledger\n{size}\n")), "{text}");
    for collector in [a, b] {
        until("both looked", || async { collector.get("/checkpoint").await.0 == 200 }).await;
        collector.stop().await;
    }
    assert_eq!(slack.taken().len(), 1, "one replica told it");
    assert_eq!(database.count("SELECT count(*) FROM outbox_messages").await, 1);
}

#[tokio::test]
async fn first_day_has_no_summary() {
    let database = Database::fresh().await;
    let slack = Slack::start(&[]).await;
    let config: ServeConfig = Collector::with_slack(database.config(), &slack.url);
    let collector = Collector::ready(config).await;
    // The alert goes through the same loop, after the look for a summary.
    collector.acks(&[&flagged(&id(), "summary")]).await;
    until("delivered", || async { database.count(DELIVERED).await == 1 }).await;
    assert_eq!(database.count("SELECT count(day) FROM outbox_messages").await, 0);
}
