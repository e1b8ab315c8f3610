//! The spool: what is answered while Postgres is away, and that all of it is there afterwards,
//! once, and marked.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use governance_filter::record::{Ack, AckStatus, Delivery, DeliveryKind, IntentVerdict, Line};
use log_collector::Service;
use log_collector::config::ServeConfig;

use crate::support::server::Server;
use crate::support::{
    self, Collector, Database, POLICY, TOKEN, acks_of, flagged, holding, id, intent, line, outcome,
    routed, until, version_of,
};

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        let path = std::env::temp_dir().join(format!("collector-spool-{}", id()));
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    fn config(&self, database: &Database) -> ServeConfig {
        ServeConfig { spool_dir: Some(self.0.clone()), ..database.config() }
    }

    fn file(&self) -> PathBuf {
        self.0.join("spool.redb")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Lets a database answer nobody but its administrator, or again.
async fn close_to_the_service(database: &Database, closed: bool) {
    let (login, name) = support::server::path_of(&database.service_url);
    let right = if closed { "NOLOGIN" } else { "LOGIN" };
    let admin = database.admin().await;
    admin.batch_execute(&format!("ALTER ROLE {login} {right}")).await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE usename = $1 AND datname = $2";
    admin.query(kill, &[&login, &name]).await.unwrap();
}

async fn drained(collector: &Collector) {
    until("drained", || async {
        collector.metric("collector_spool_lines").await == 0.0
            && collector.get("/readyz").await.1 == "ready\n"
    })
    .await;
}

fn statuses(acks: &[Ack]) -> Vec<AckStatus> {
    acks.iter().map(|ack| ack.status).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_killed_under_load_is_not_noticed_and_every_line_is_there_once() {
    let mut server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let directory = Directory::new();
    let collector = Arc::new(Collector::ready(directory.config(&database)).await);
    let acked: Arc<Mutex<Vec<(String, AckStatus)>>> = Arc::default();
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let senders: Vec<_> = (0..4)
        .map(|_| {
            let (collector, acked, stopped) = (collector.clone(), acked.clone(), stopped.clone());
            tokio::spawn(async move {
                while !*stopped.borrow() {
                    let id = id();
                    for line in [Line::intent(&intent(&id)), line(&outcome(&id))] {
                        let ack = collector.acks(&[&line]).await.remove(0);
                        assert!(ack.releases(&line), "{ack:?}");
                        acked.lock().unwrap().push((ack.decision_id, ack.status));
                    }
                }
            })
        })
        .collect();
    let count = |wanted: AckStatus| {
        acked.lock().unwrap().iter().filter(|(_, status)| *status == wanted).count()
    };
    until("load", || async { count(AckStatus::Committed) > 200 }).await;
    server.kill();
    until("spooled", || async { count(AckStatus::Spooled) > 200 }).await;
    let (status, text) = collector.get("/readyz").await;
    assert_eq!(
        (status, text.as_str()),
        (200, "ready: the database is away, lines go to the spool\n")
    );
    assert_eq!(collector.metric("collector_spool_active").await, 1.0);
    assert!(collector.metric("collector_spool_lines").await > 0.0);
    server.restart();
    let before = count(AckStatus::Committed);
    until("commits again", || async { count(AckStatus::Committed) > before + 50 }).await;
    stop.send(true).unwrap();
    for sender in senders {
        sender.await.unwrap();
    }
    drained(&collector).await;
    let acked = acked.lock().unwrap().clone();
    let ids: HashSet<String> = acked.iter().map(|(id, _)| id.clone()).collect();
    for table in ["ai_decisions", "ai_decision_intents"] {
        let sql = format!("SELECT decision_id FROM {table}");
        let rows = database.admin().await.query(&sql, &[]).await.unwrap();
        let there: HashSet<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(there, ids, "{table}");
    }
    let marked = "SELECT (SELECT count(*) FROM ai_decisions WHERE spooled_at IS NOT NULL)
        + (SELECT count(*) FROM ai_decision_intents WHERE spooled_at IS NOT NULL)";
    let spooled = acked.iter().filter(|(_, status)| *status == AckStatus::Spooled).count();
    let marked = database.count(marked).await;
    // The commit that the kill interrupted may have arrived: four lines at most.
    let spooled = i64::try_from(spooled).unwrap();
    assert!((spooled - 4..=spooled).contains(&marked), "{marked} of {spooled}");
    assert_eq!(collector.metric("collector_digest_conflicts_total").await, 0.0);
    assert_eq!(database.count("SELECT count(*) FROM ai_quarantine").await, 0);
}

#[tokio::test]
async fn repeats_conflicts_bad_lines_and_new_policies_are_judged_during_an_outage() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    close_to_the_service(&database, true).await;
    let id = id();
    let first = flagged(&id, "Ask at the desk.");
    let mut other = outcome(&id);
    other.model = "another".to_owned();
    let other = line(&other);
    let opened = Line::intent(&intent(&id));
    let acks = collector.acks(&[&opened, &first]).await;
    assert_eq!(statuses(&acks), [AckStatus::Spooled; 2]);
    assert_eq!(acks[0].verdict, Some(IntentVerdict::Proceed));
    let acks = collector.acks(&[&first, &other]).await;
    assert_eq!(statuses(&acks), [AckStatus::Spooled, AckStatus::Quarantined]);
    assert_eq!(collector.metric("collector_digest_conflicts_total").await, 1.0);
    let bad = collector.post_bytes(vec![b"{\"kind\":\"intent\"}".to_vec()]).await;
    assert_eq!(statuses(&acks_of(bad).await), [AckStatus::Rejected]);

    const NEW_POLICY: &str = "policies: [] # new\n";
    let mut newer = outcome(&support::id());
    newer.policy_version = version_of(NEW_POLICY);
    let newer = line(&newer);
    assert_eq!(statuses(&collector.acks(&[&newer]).await), [AckStatus::UnknownPolicy]);
    assert_eq!(collector.put_policy(NEW_POLICY).await.status(), 204);
    assert_eq!(statuses(&collector.acks(&[&newer]).await), [AckStatus::Spooled]);

    close_to_the_service(&database, false).await;
    drained(&collector).await;
    let acks = collector.acks(&[&opened, &first, &newer]).await;
    assert_eq!(statuses(&acks), [AckStatus::Duplicate; 3]);
    let summary = "SELECT count(*) FROM ai_decisions
        WHERE output_summary = 'Ask at the desk.' AND spooled_at <= received_at";
    assert_eq!(database.count(summary).await, 1);
    let reasons = "SELECT string_agg(reason, ',' ORDER BY reason) FROM ai_quarantine";
    let reasons: String = database.admin().await.query_one(reasons, &[]).await.unwrap().get(0);
    assert_eq!(reasons, "conflict,line");
    let observed = "SELECT count(*) FROM ai_policy_observations WHERE gateway = 'gateway-1'";
    assert_eq!(database.count(observed).await, 2);
}

#[tokio::test]
async fn line_that_postgres_refuses_or_knows_otherwise_goes_to_the_quarantine_when_it_drains() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    let known = outcome(&id());
    collector.acks(&[&line(&known)]).await;
    let refuse = "ALTER TABLE ai_decisions ADD CHECK (model <> 'refused')";
    database.admin().await.batch_execute(refuse).await.unwrap();
    close_to_the_service(&database, true).await;
    let (mut refused, mut other) = (outcome(&id()), known.clone());
    refused.model = "refused".to_owned();
    other.model = "another".to_owned();
    let good: Vec<_> = (0..5).map(|_| line(&outcome(&id()))).collect();
    let (refused, other) = (line(&refused), line(&other));
    let lines: Vec<_> = good.iter().chain([&refused, &other]).collect();
    assert_eq!(statuses(&collector.acks(&lines).await), [AckStatus::Spooled; 7]);
    close_to_the_service(&database, false).await;
    drained(&collector).await;
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 6);
    let reasons = "SELECT string_agg(reason, ',' ORDER BY reason) FROM ai_quarantine";
    let reasons: String = database.admin().await.query_one(reasons, &[]).await.unwrap().get(0);
    assert_eq!(reasons, "conflict,database");
    assert_eq!(collector.metric("collector_digest_conflicts_total").await, 1.0);
}

#[tokio::test]
async fn spooled_hold_has_no_verdict_and_what_is_routed_opens_its_review_when_it_drains() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    close_to_the_service(&database, true).await;
    let (held, decision) = (Line::intent(&holding(&id())), id());
    let acks = collector.acks(&[&held, &line(&routed(&decision))]).await;
    assert_eq!(statuses(&acks), [AckStatus::Spooled; 2]);
    assert_eq!((acks[0].verdict, &acks[0].review), (None, &None));
    let unanswered = "collector_holds_unanswered_total{reason=\"spooled\"}";
    assert_eq!(collector.metric(unanswered).await, 1.0);
    close_to_the_service(&database, false).await;
    drained(&collector).await;
    let open = format!("SELECT count(*) FROM reviews_open WHERE decision_id = '{decision}'");
    assert_eq!(database.count(&open).await, 1);
    let ack = &collector.acks(&[&held]).await[0];
    assert_eq!((ack.status, ack.verdict), (AckStatus::Duplicate, Some(IntentVerdict::Held)));
}

#[tokio::test]
async fn full_spool_is_answered_503_and_takes_lines_again_once_it_is_drained() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let mut config = directory.config(&database);
    config.spool_bytes_max = 20_000;
    let collector = Collector::ready(config).await;
    close_to_the_service(&database, true).await;
    let mut taken = 0;
    let response = loop {
        let response = collector.post(&[&line(&outcome(&id()))]).await;
        if response.status() != 200 {
            break response;
        }
        taken += 1;
        assert!(taken < 100, "nothing is refused");
    };
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.text().await.unwrap(), "the spool is full\n");
    let refused = "collector_requests_refused_total{reason=\"spool_full\"}";
    assert_eq!(collector.metric(refused).await, 1.0);
    assert_eq!(collector.get("/readyz").await.0, 503);
    close_to_the_service(&database, false).await;
    drained(&collector).await;
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, taken);
    assert_eq!(statuses(&collector.acks(&[&line(&outcome(&id()))]).await), [AckStatus::Committed]);
}

#[tokio::test]
async fn nothing_is_closed_while_lines_wait() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let mut config = directory.config(&database);
    config.close_after = Duration::from_millis(300);
    let admin = database.admin().await;
    // The database answers and takes outcomes; one kind of line alone has to wait.
    admin.batch_execute("REVOKE INSERT ON ai_deliveries FROM app_service").await.unwrap();
    let collector = Collector::ready(config).await;
    let open = id();
    let waiting = Delivery {
        v: 1,
        decision_id: open.clone(),
        created_at: outcome(&open).created_at,
        policy_version: version_of(POLICY),
        delivery: DeliveryKind::Withheld,
    };
    let acks = collector.acks(&[&Line::delivery(&waiting)]).await;
    assert_eq!(statuses(&acks), [AckStatus::Spooled]);
    let intent = "INSERT INTO ai_decision_intents
            (decision_id, model, input_hash, policy_version, created_at, record, digest)
        VALUES ($1, 'm', 'h', $2, now(), $3, 'd')";
    let record = serde_json::to_vec(&support::intent(&open)).unwrap();
    admin.execute(intent, &[&open, &version_of(POLICY), &record]).await.unwrap();
    until("waited for many times close_after", || async {
        collector.metric("collector_spool_oldest_seconds").await > 5.0
    })
    .await;
    assert_eq!(collector.get("/readyz").await.1, "ready\n");
    let closed = "SELECT count(*) FROM ai_decisions WHERE outcome = 'unknown'";
    assert_eq!(database.count(closed).await, 0);
    admin.batch_execute("GRANT INSERT ON ai_deliveries TO app_service").await.unwrap();
    drained(&collector).await;
    until("closed", || async { database.count(closed).await == 1 }).await;
}

/// The service as a process of its own, which can be killed.
struct Process {
    child: Child,
    url: String,
}

impl Process {
    fn start(database: &Database, directory: &Directory, listen: &str) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
        command.args(["serve", "--listen", listen, "--commit-timeout", "1s", "--spool"]);
        command.arg(&directory.0).env_clear();
        command.env("DATABASE_URL", &database.service_url).env("GOVERNANCE_TOKEN", TOKEN);
        let child = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        Process { child, url: format!("http://{listen}") }
    }

    async fn request(&self, http: &reqwest::Client, lines: &[&Line]) -> Option<Vec<AckStatus>> {
        let body = lines.iter().map(|line| line.bytes.clone()).collect::<Vec<_>>().join(&b'\n');
        let request = http.post(format!("{}/v1/decisions", self.url)).bearer_auth(TOKEN).body(body);
        let response = request.send().await.ok()?;
        Some(statuses(&acks_of(response).await))
    }

    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[tokio::test]
async fn collector_killed_with_a_filled_spool_starts_without_postgres_and_drains_later() {
    let mut server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    collector.stop().await;
    server.kill();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let listen = format!("127.0.0.1:{port}");
    let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let lines: Vec<Line> = (0..3).map(|_| line(&outcome(&id()))).collect();
    for line in &lines {
        let process = Process::start(&database, &directory, &listen);
        until("spooled", || async {
            process.request(&http, &[line]).await == Some(vec![AckStatus::Spooled])
        })
        .await;
        process.kill();
    }
    server.restart();
    until("the server answers", || async {
        tokio_postgres::connect(&database.admin_url, tokio_postgres::NoTls).await.is_ok()
    })
    .await;
    let collector = Collector::start(directory.config(&database)).await;
    drained(&collector).await;
    let all: Vec<&Line> = lines.iter().collect();
    assert_eq!(statuses(&collector.acks(&all).await), [AckStatus::Duplicate; 3]);
    let marked = "SELECT count(*) FROM ai_decisions WHERE spooled_at IS NOT NULL";
    assert_eq!(database.count(marked).await, 3);
}

#[tokio::test]
async fn policy_that_a_restored_database_lacks_comes_back_from_the_spool() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    close_to_the_service(&database, true).await;
    let line = line(&outcome(&id()));
    assert_eq!(statuses(&collector.acks(&[&line]).await), [AckStatus::Spooled]);
    let tables = ["ai_policy_observations", "ai_policies"];
    let restored = tables
        .map(|table| format!("DROP TRIGGER refuse_change ON {table}; DELETE FROM {table};"))
        .concat();
    database.admin().await.batch_execute(&restored).await.unwrap();
    close_to_the_service(&database, false).await;
    drained(&collector).await;
    assert_eq!(statuses(&collector.acks(&[&line]).await), [AckStatus::Duplicate]);
    let text = "SELECT convert_from(text, 'UTF8') FROM ai_policies";
    let text: String = database.admin().await.query_one(text, &[]).await.unwrap().get(0);
    assert_eq!(text, POLICY);
}

#[tokio::test]
async fn err_serve_refuses_a_damaged_spool_and_one_in_use() {
    let database = Database::fresh().await;
    let directory = Directory::new();
    let collector = Collector::ready(directory.config(&database)).await;
    let error = Service::bind(directory.config(&database)).await.err().unwrap().to_string();
    let path = directory.file();
    let path = path.display();
    let expected = format!(
        "the spool `{path}` is in use by another process; each collector needs a directory of its \
         own"
    );
    assert_eq!(error, expected);
    close_to_the_service(&database, true).await;
    let line = line(&outcome(&id()));
    assert_eq!(statuses(&collector.acks(&[&line]).await), [AckStatus::Spooled]);
    collector.stop().await;
    let whole = std::fs::read(directory.file()).unwrap();
    let at = whole.windows(line.bytes.len()).position(|part| part == line.bytes).unwrap();
    let mut flipped = whole.clone();
    flipped[at + 40] ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() / 2], &[]] {
        std::fs::write(directory.file(), damaged).unwrap();
        let error = Service::bind(directory.config(&database)).await.err().unwrap().to_string();
        let begins = format!("the spool `{path}` is damaged: ");
        assert!(error.starts_with(&begins), "{error}");
        assert!(error.ends_with("docs/spool.md says what follows"), "{error}");
    }
}
