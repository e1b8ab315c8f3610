//! Bursts: what is told at once, what waits for a digest, and that no decision is told twice or
//! never.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use governance_filter::record::{Line, Outcome, Summaries};
use log_collector::config::ServeConfig;
use serde_json::Value;

use crate::memory::Serve;
use crate::support::receiver::{Receiver, SECRET};
use crate::support::slack::Slack;
use crate::support::{Collector, Database, flagged, id, until};

const DELIVERED: &str = "SELECT count(*) FROM outbox_messages WHERE state = 'delivered'";

/// A flagged decision about a model.
fn about(model: &str) -> Line {
    many_about(model, 1).remove(0)
}

fn many_about(model: &str, count: usize) -> Vec<Line> {
    let line: Value = serde_json::from_slice(&flagged(&id(), "").bytes).unwrap();
    let mut outcome: Outcome = serde_json::from_value(line["record"].clone()).unwrap();
    outcome.model = model.to_owned();
    outcome.output_summary_digest = None;
    let another = |_| {
        outcome.decision_id = id();
        Line::outcome(&outcome, Summaries::default())
    };
    (0..count).map(another).collect()
}

fn with_receiver(mut config: ServeConfig, receiver: &Receiver) -> ServeConfig {
    config.targets.webhook = Some(receiver.config());
    config
}

/// Decisions that events tell of.
fn counted(events: &[Value]) -> i64 {
    events.iter().map(|event| event["data"]["count"].as_i64().unwrap_or(1)).sum()
}

#[tokio::test]
async fn first_of_a_kind_is_told_at_once_and_more_of_it_in_a_digest() {
    let database = Database::fresh().await;
    let receiver = Receiver::start(&[]).await;
    let mut config = with_receiver(database.config(), &receiver);
    config.public_url = Some("https://d.example.com".to_owned());
    let collector = Collector::ready(config).await;
    collector.acks(&[&about("a")]).await;
    until("the first", || async { receiver.taken().len() == 1 }).await;
    let more = many_about("a", 5);
    collector.acks(&more.iter().collect::<Vec<_>>()).await;
    collector.acks(&[&about("b")]).await;
    until("another kind", || async { receiver.taken().len() == 2 }).await;
    let taken = receiver.taken();
    assert!(taken.iter().all(|event| event["type"] == "governance.decision.flagged"), "{taken:?}");
    assert_eq!(taken[1]["data"]["model"], "b", "those of the first kind wait");
    let waiting = "SELECT count(*) FROM outbox_messages WHERE state = 'pending'
        AND next_attempt_at > now() + interval '4 minutes'";
    until("they wait", || async { database.count(waiting).await == 5 }).await;
    // As if the window were over.
    let sql = "UPDATE notify_windows SET open_until = now();
        UPDATE outbox_messages SET next_attempt_at = now() WHERE state = 'pending'";
    database.admin().await.batch_execute(sql).await.unwrap();
    until("the digest", || async { receiver.taken().len() == 3 }).await;
    let event = &receiver.taken()[2];
    assert_eq!(event["type"], "governance.decision.digest");
    assert_eq!(event["source"], "https://d.example.com");
    let data = &event["data"];
    assert_eq!((&data["count"], &data["groups_total"]), (&5.into(), &1.into()));
    let group = serde_json::json!([{"count": 5, "policies": ["confidence_gate"], "model": "a"}]);
    assert_eq!(data["groups"], group);
    assert_eq!(data["decision_ids"].as_array().unwrap().len(), 5);
    assert_eq!(data["url"], "https://d.example.com/reviews");
    let metrics = collector.get("/metrics").await.1;
    for line in [
        "collector_notify_messages_total{target=\"webhook\",kind=\"decision\"} 2",
        "collector_notify_messages_total{target=\"webhook\",kind=\"digest\"} 1",
        "collector_notify_delivery_seconds_count{target=\"webhook\"} 7",
        "collector_notify_disabled{target=\"webhook\"} 0",
    ] {
        assert!(metrics.contains(line), "{line} is not in {metrics}");
    }
}

#[tokio::test]
async fn message_keeps_its_id_and_its_decisions_over_failures_and_a_crash() {
    let database = Database::fresh().await;
    let receiver = Receiver::start(&[503]).await;
    let config = || with_receiver(database.config(), &receiver);
    let collector = Collector::ready(config()).await;
    collector.acks(&[&about("a"), &about("a")]).await;
    until("delivered", || async { database.count(DELIVERED).await == 2 }).await;
    collector.kill();
    // As a sender that died between the receiver's 204 and the mark would leave it.
    let sql = "UPDATE outbox_messages SET state = 'pending', delivered_at = NULL,
        leased_until = now() + interval '1 second', next_attempt_at = now()";
    database.admin().await.batch_execute(sql).await.unwrap();
    let collector = Collector::ready(config()).await;
    collector.acks(&[&about("b")]).await;
    until("delivered again", || async { database.count(DELIVERED).await == 3 }).await;
    let (tried, taken) = (receiver.tried(), receiver.taken());
    assert_eq!((tried.len(), taken.len()), (4, 3), "{tried:?}");
    assert_eq!(tried[0], tried[1], "after a 503");
    let again: Vec<_> = taken.iter().filter(|event| event["id"] == *tried[0]).collect();
    assert_eq!(again.len(), 2, "{tried:?}");
    assert_eq!(again[0], again[1], "the same bytes, after a crash");
}

#[tokio::test]
async fn receiver_that_is_gone_is_disabled_for_all_to_see_until_a_restart() {
    let database = Database::fresh().await;
    let (slack, receiver) = (Slack::start(&[]).await, Receiver::start(&[410]).await);
    let config = || with_receiver(Collector::with_slack(database.config(), &slack.url), &receiver);
    let collector = Collector::ready(config()).await;
    let known = about("a");
    collector.acks(&[&known]).await;
    let gauge = "collector_notify_disabled{target=\"webhook\"}";
    until("disabled", || async { collector.metric(gauge).await == 1.0 }).await;
    until("Slack is told", || async { database.count(DELIVERED).await == 1 }).await;
    collector.acks(&[&about("b")]).await;
    until("Slack is told", || async { database.count(DELIVERED).await == 2 }).await;
    assert_eq!(receiver.tried().len(), 1, "left alone");

    let decision = "SELECT decision_id FROM outbox_messages WHERE target = 'webhook'
        AND state = 'failed' AND last_status = 410";
    let row = database.admin().await.query_one(decision, &[]).await.unwrap();
    let (code, told) = notify(&["status", row.get(0)], &database.admin_url, &[]).await;
    let lines: Vec<_> = told.lines().collect();
    assert_eq!((code, lines.len()), (0, 3), "{told}");
    assert!(lines[0].starts_with("slack: delivered at 20"), "{told}");
    assert!(lines[0].contains(", 1 attempt, HTTP 200, message m-"), "{told}");
    let failed = "webhook: failed, 1 attempt, HTTP 410 target_refused, message m-";
    assert!(lines[1].starts_with(failed), "{told}");
    assert!(lines[2].starts_with("webhook is disabled since 20"), "{told}");
    let end = " after HTTP 410; a restart of the collector tries it again";
    assert!(lines[2].ends_with(end), "{told}");

    collector.stop().await;
    let collector = Collector::ready(config()).await;
    until("all is told", || async { database.count(DELIVERED).await == 4 }).await;
    until("enabled", || async { collector.metric(gauge).await == 0.0 }).await;
    assert_eq!(counted(&receiver.taken()), 2);
}

#[tokio::test]
async fn operator_tries_every_target_and_hears_what_it_said() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let slack = Slack::start(&[]).await;
    let receiver = Receiver::start(&[404]).await;
    let (slack_url, url) = (slack.url.as_str(), receiver.url.as_str());
    let targets =
        [("SLACK_WEBHOOK_URL", slack_url), ("WEBHOOK_URL", url), ("WEBHOOK_SECRET", SECRET)];
    let (code, told) = notify(&["test"], "", &targets).await;
    assert_eq!(
        (code, told.as_str()),
        (1, "slack: taken (HTTP 200)\nwebhook: refused (HTTP 404)\n")
    );
    let (code, told) = notify(&["test"], "", &targets[1..]).await;
    assert_eq!((code, told.as_str()), (0, "webhook: taken (HTTP 204)\n"));
    assert_eq!(receiver.taken()[0]["type"], "governance.test");
    let text = slack.taken()[0]["text"].as_str().unwrap().to_owned();
    assert_eq!(text, "🔔 A test: this collector can reach this channel. Nothing happened.");
    let (code, told) = notify(&["test"], "", &[]).await;
    let expected =
        "log-collector: no target is set: SLACK_WEBHOOK_URL or WEBHOOK_URL (or their …_FILE)\n";
    assert_eq!((code, told.as_str()), (1, expected));
}

/// Runs the command; its exit code and all that it printed.
async fn notify(args: &[&str], database_url: &str, environment: &[(&str, &str)]) -> (i32, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_log-collector"));
    for name in ["SLACK_WEBHOOK_URL", "WEBHOOK_URL", "WEBHOOK_SECRET"] {
        command.env_remove(name);
    }
    command.arg("notify").args(args).env("DATABASE_URL", database_url);
    command.envs(environment.iter().copied());
    // On a thread of its own: the targets answer on this one.
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let told = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(told).unwrap())
}

/// Ten thousand, in as many models as make a digest long, for both targets at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn burst_of_ten_thousand_is_told_in_few_messages_and_none_is_forgotten() {
    const DECISIONS: i64 = 10_000;
    const BATCH: usize = 250;
    /// The records alone are about 15 MiB, and more when they are read.
    const GROWTH_MAX: usize = 8 << 20;
    let _ = rustls::crypto::ring::default_provider().install_default();
    let database = Database::fresh().await;
    let (slack, receiver) = (Slack::start(&[]).await, Receiver::start(&[]).await);
    let window = ["--alert-window", "4s"];
    let environment = [
        ("SLACK_WEBHOOK_URL", slack.url.as_str()),
        ("WEBHOOK_URL", &receiver.url),
        ("WEBHOOK_SECRET", SECRET),
    ];
    let serve = Serve::start(&database, &window, &environment).await;
    let began = Instant::now();
    let bodies = (0..DECISIONS as usize / BATCH).map(|batch| {
        let lines = many_about(&format!("model-{}", batch % 20), BATCH);
        let lines: Vec<_> = lines.into_iter().map(|line| line.bytes).collect();
        serve.post(lines.join(&b'\n'))
    });
    let answers: Vec<_> = stream::iter(bodies).buffer_unordered(4).collect().await;
    assert!(answers.iter().all(|answer| answer.status() == 200));
    let committed = began.elapsed();
    serve.forget_peak();
    let before = serve.peak_bytes();
    until("all delivered", || async { database.count(DELIVERED).await == 2 * DECISIONS }).await;
    let (told, after) = (began.elapsed(), serve.peak_bytes());

    let events = receiver.taken();
    assert_eq!(counted(&events), DECISIONS, "each in exactly one message");
    let seconds = usize::try_from(told.as_secs()).unwrap() + 1;
    assert_eq!(slack.refused(), Vec::<&str>::new(), "nothing over Slack's limits, rate included");
    let messages = slack.taken().len();
    assert!(messages <= seconds && events.len() <= seconds, "{messages} in {seconds} s");
    let ids = "SELECT count(DISTINCT message_id) FROM outbox_messages WHERE target = 'slack'
        AND attempts = 1";
    assert_eq!(database.count(ids).await as usize, messages);
    println!(
        "committed in {committed:?}, told in {told:?}: {messages} to Slack, {} events, \
         {} KiB beside {} MiB",
        events.len(),
        after.saturating_sub(before) >> 10,
        before >> 20
    );
    let growth = after.saturating_sub(before);
    assert!(growth <= GROWTH_MAX, "{growth} bytes more");

    let digest = events.iter().max_by_key(|event| event["data"]["count"].as_i64()).unwrap();
    let message = digest["id"].as_str().unwrap();
    let (code, told) = notify(&["status", message], &database.admin_url, &[]).await;
    assert_eq!((code, told.lines().count() as i64), (0, digest["data"]["count"].as_i64().unwrap()));
}

/// Two replicas share a target's pace.
#[tokio::test]
async fn replicas_send_no_more_than_one() {
    let database = Database::fresh().await;
    let slack = Slack::start(&[]).await;
    let config = || Collector::with_slack(database.config(), &slack.url);
    let (one, other) = (Collector::ready(config()).await, Collector::ready(config()).await);
    for model in ["a", "b", "c"] {
        one.acks(&[&about(model)]).await;
        other.acks(&[&about(&format!("{model}2"))]).await;
    }
    until("all delivered", || async { database.count(DELIVERED).await == 6 }).await;
    assert_eq!(slack.refused(), Vec::<&str>::new());
    let tries = slack.tries();
    let apart = tries.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_secs(1));
    assert!(apart, "{tries:?}");
}
