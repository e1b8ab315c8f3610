//! A database that dies, hangs or is too slow: no ack without a commit, and no help needed after.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use governance_filter::record::AckStatus;

use crate::support::server::Server;
use crate::support::{Collector, Database, acks_of, id, intent, line, outcome, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acked_line_is_there_after_postgres_was_killed_under_load() {
    let mut server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let collector = Arc::new(Collector::ready(database.config()).await);
    let acked: Arc<Mutex<HashSet<String>>> = Arc::default();
    let senders: Vec<_> = (0..8)
        .map(|_| {
            let (collector, acked) = (collector.clone(), acked.clone());
            tokio::spawn(async move {
                loop {
                    let lines: Vec<_> = (0..5).map(|_| line(&outcome(&id()))).collect();
                    let response = collector.post(&lines.iter().collect::<Vec<_>>()).await;
                    if response.status() != 200 {
                        assert_eq!(response.status(), 503);
                        assert!(response.headers().contains_key("retry-after"));
                        return lines;
                    }
                    for ack in acks_of(response).await {
                        assert_eq!(ack.status, AckStatus::Committed);
                        acked.lock().unwrap().insert(ack.decision_id);
                    }
                }
            })
        })
        .collect();
    let count = || acked.lock().unwrap().len();
    until("load", || async { count() > 1_000 }).await;
    server.kill();
    let mut unsure = Vec::new();
    for sender in senders {
        unsure.extend(sender.await.unwrap());
    }
    until("not ready", || async { collector.get("/readyz").await.0 == 503 }).await;
    server.restart();
    until("ready", || async { collector.get("/readyz").await.0 == 200 }).await;

    // What was answered 503 may or may not be there; sent again, it is there once.
    for ack in collector.acks(&unsure.iter().collect::<Vec<_>>()).await {
        assert!(matches!(ack.status, AckStatus::Committed | AckStatus::Duplicate));
        acked.lock().unwrap().insert(ack.decision_id);
    }
    let rows = database.admin().await.query("SELECT decision_id FROM ai_decisions", &[]).await;
    let there: HashSet<String> = rows.unwrap().iter().map(|row| row.get(0)).collect();
    let acked = acked.lock().unwrap();
    assert_eq!(acked.difference(&there).count(), 0, "acked but lost");
    assert_eq!(there.difference(&acked).count(), 0, "there, but nobody was told");
}

#[tokio::test]
async fn stalled_commit_is_answered_503_and_then_works_again() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.commit_timeout = Duration::from_millis(500);
    let collector = Collector::ready(config).await;
    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_decisions IN EXCLUSIVE MODE").await.unwrap();
    let line = line(&outcome(&id()));
    assert_eq!(collector.post(&[&line]).await.status(), 503);
    admin.batch_execute("ROLLBACK").await.unwrap();
    until("committed", || async {
        let response = collector.post(&[&line]).await;
        response.status() == 200 && acks_of(response).await[0].releases(&line)
    })
    .await;
}

#[tokio::test]
async fn full_queue_is_answered_503_at_once() {
    let database = Database::fresh().await;
    let mut config = database.config();
    config.queue_lines_max = 4;
    let collector = Arc::new(Collector::ready(config).await);
    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_decisions IN EXCLUSIVE MODE").await.unwrap();
    let post = |count: usize| {
        let collector = collector.clone();
        tokio::spawn(async move {
            let lines: Vec<_> = (0..count).map(|_| line(&outcome(&id()))).collect();
            collector.post(&lines.iter().collect::<Vec<_>>()).await.status().as_u16()
        })
    };
    let queued = |lines: f64| {
        let collector = collector.clone();
        move || {
            let collector = collector.clone();
            async move { collector.metric("collector_queue_lines").await == lines }
        }
    };
    let in_flight = post(1);
    let waiting_on_lock = "SELECT count(*) FROM pg_locks WHERE NOT granted
        AND relation = 'ai_decisions'::regclass";
    let other = database.admin().await;
    until("first commit waits", || async {
        other.query_one(waiting_on_lock, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let waiting = post(3);
    until("three wait", queued(3.0)).await;
    let refused = collector.post(&[&line(&outcome(&id())), &line(&outcome(&id()))]).await;
    assert_eq!(refused.status(), 503);
    assert_eq!(refused.headers()["retry-after"], "1");
    admin.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(in_flight.await.unwrap(), 200);
    assert_eq!(waiting.await.unwrap(), 200);
}

#[tokio::test]
async fn stop_finishes_what_was_taken() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_decision_intents IN EXCLUSIVE MODE").await.unwrap();
    let line = governance_filter::record::Line::intent(&intent(&id()));
    let url = format!("{}/v1/decisions", collector.url);
    let request = collector.http.post(url).bearer_auth(crate::support::TOKEN);
    let answer = tokio::spawn(request.body(line.bytes.clone()).send());
    let other = database.admin().await;
    until("the commit waits", || async {
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted
            AND relation = 'ai_decision_intents'::regclass";
        other.query_one(sql, &[]).await.unwrap().get::<_, i64>(0) == 1
    })
    .await;
    let stopping = tokio::spawn(collector.stop());
    admin.batch_execute("ROLLBACK").await.unwrap();
    let acks = acks_of(answer.await.unwrap().unwrap()).await;
    assert!(acks[0].releases(&line));
    stopping.await.unwrap();
}

#[tokio::test]
async fn policy_that_a_restored_database_lacks_is_asked_for_again() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    assert_eq!(collector.acks(&[&line(&outcome(&id()))]).await[0].status, AckStatus::Committed);
    let tables = ["ai_decisions", "ai_policy_observations", "ai_policies"];
    let restored = tables
        .map(|table| format!("DROP TRIGGER refuse_change ON {table}; DELETE FROM {table};"))
        .concat();
    database.admin().await.batch_execute(&restored).await.unwrap();
    let line = line(&outcome(&id()));
    assert_eq!(collector.acks(&[&line]).await[0].status, AckStatus::UnknownPolicy);
    assert_eq!(database.count("SELECT count(*) FROM ai_quarantine").await, 0);
    assert_eq!(collector.put_policy(crate::support::POLICY).await.status(), 204);
    assert_eq!(collector.acks(&[&line]).await[0].status, AckStatus::Committed);
}

#[tokio::test]
async fn commits_are_durable_though_their_session_has_lost_its_settings() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    // A pooler may hand the next transaction to a session that was never set up; the first
    // trigger makes one of it. The second writes down what holds in that transaction.
    let sql = "
        CREATE TABLE seen (setting TEXT);
        CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            PERFORM set_config('synchronous_commit', 'off', false);
            PERFORM set_config('search_path', '', false);
            RETURN NULL; END $$;
        CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            INSERT INTO public.seen VALUES (current_setting('synchronous_commit'));
            RETURN NULL; END $$;
        CREATE TRIGGER lose AFTER INSERT ON ai_decision_intents EXECUTE FUNCTION lose();
        CREATE TRIGGER see AFTER INSERT ON ai_decisions EXECUTE FUNCTION see();";
    database.admin().await.batch_execute(sql).await.unwrap();
    let id = id();
    for line in [governance_filter::record::Line::intent(&intent(&id)), line(&outcome(&id))] {
        assert_eq!(collector.acks(&[&line]).await[0].status, AckStatus::Committed);
    }
    assert_eq!(database.count("SELECT count(*) FROM seen WHERE setting = 'on'").await, 1);
}

#[tokio::test]
async fn err_serve_refuses_a_server_that_does_not_sync() {
    let server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let admin = database.admin().await;
    admin.batch_execute("ALTER SYSTEM SET fsync = off").await.unwrap();
    admin.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    until("fsync is off", || async {
        admin.query_one("SHOW fsync", &[]).await.unwrap().get::<_, &str>(0) == "off"
    })
    .await;
    let Err(error) = log_collector::Service::bind(database.config()).await else {
        panic!("started without fsync")
    };
    let expected = "fsync is `off`: what is acked could be lost; the server must run with `on`";
    assert_eq!(error.to_string(), expected);
}
