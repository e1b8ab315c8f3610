//! What the tests share. One Postgres server a run, one database a test (`Database::fresh`), the
//! service in this process through the same code as `main` (`Collector::start`), and records
//! (`intent`, `outcome`). Nothing here sleeps to be sure; `until` polls with a deadline.

pub mod desk;
pub mod ledger;
pub mod receiver;
pub mod server;
pub mod slack;
pub mod tamper;

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use governance_filter::record::{
    Ack, Delivery, DeliveryKind, HoldAsk, Intent, Line, Outcome, OutcomeKind, Summaries, Triggered,
    rfc3339, sha256_hex, summary_digest,
};
use log_collector::Service;
use log_collector::config::{Database as DatabaseConfig, Secret, ServeConfig, Targets, Webhook};
use log_collector::review::reviewers::Reviewers;
use log_collector::store::migrate::migrate;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, NoTls};

pub const TOKEN: &str = "test-token-0123456789";
pub const POLICY: &str = "policies: []\n";

/// A migrated database with a login for the service.
pub struct Database {
    pub admin_url: String,
    pub service_url: String,
}

/// The service, running in this process.
pub struct Collector {
    pub url: String,
    pub http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Database {
    pub async fn fresh() -> Database {
        Database::fresh_on(&server::shared_admin_url()).await
    }

    pub async fn fresh_on(admin_url: &str) -> Database {
        let database = Database::empty_on(admin_url).await;
        migrate(&DatabaseConfig::parse(&database.admin_url).unwrap()).await.unwrap();
        let login = server::path_of(&database.service_url).0;
        let sql = format!("CREATE ROLE {login} LOGIN PASSWORD 'x' IN ROLE app_service");
        database.admin().await.batch_execute(&sql).await.unwrap();
        database
    }

    /// A database before `migrate`.
    pub async fn empty_on(admin_url: &str) -> Database {
        let name = format!("t{}_{}", std::process::id(), next());
        connect(admin_url).await.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        let login = format!("app_{name}");
        let admin_url = server::with(admin_url, None, &name);
        let service_url = server::with(&admin_url, Some(&login), &name);
        Database { admin_url, service_url }
    }

    pub async fn admin(&self) -> Client {
        connect(&self.admin_url).await
    }

    pub async fn service(&self) -> Client {
        connect(&self.service_url).await
    }

    /// One number from SQL, as the administrator.
    pub async fn count(&self, sql: &str) -> i64 {
        self.admin().await.query_one(sql, &[]).await.unwrap().get(0)
    }

    pub fn config(&self) -> ServeConfig {
        ServeConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            database: DatabaseConfig::parse(&self.service_url).unwrap(),
            token: TOKEN.parse::<Secret>().unwrap(),
            read_token: None,
            targets: Targets::default(),
            alert_window: Duration::from_secs(300),
            ledger_key: None,
            checkpoint_file: None,
            print_checkpoints: false,
            checkpoint_interval: Duration::from_millis(50),
            close_after: Duration::from_secs(3_600),
            commit_timeout: Duration::from_secs(5),
            queue_lines_max: 4_096,
            queue_bytes_max: 64 << 20,
            spool_dir: None,
            reviewers: Reviewers::default(),
            review_max_age: Duration::from_secs(86_400),
            public_url: None,
            spool_bytes_max: 1 << 30,
        }
    }
}

impl Collector {
    pub async fn start(config: ServeConfig) -> Collector {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let service = Service::bind(config).await.unwrap();
        let url = format!("http://{}", service.address().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(async move {
            service.run(async { _ = stopped.await }).await.unwrap();
        });
        let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        Collector { url, http, stop: Some(stop), task }
    }

    /// Started, and the policy announced.
    pub async fn ready(config: ServeConfig) -> Collector {
        let collector = Collector::start(config).await;
        assert_eq!(collector.put_policy(POLICY).await.status(), 204);
        collector
    }

    pub fn with_slack(mut config: ServeConfig, url: &str) -> ServeConfig {
        config.targets.slack = Some(Webhook::parse(url).unwrap());
        config
    }

    pub async fn put_policy(&self, text: &'static str) -> reqwest::Response {
        let url = format!("{}/v1/policies/{}", self.url, version_of(text));
        let request = self.http.put(url).bearer_auth(TOKEN).header("x-gateway", "gateway-1");
        request.body(text).send().await.unwrap()
    }

    pub async fn post(&self, lines: &[&Line]) -> reqwest::Response {
        self.post_bytes(lines.iter().map(|line| line.bytes.clone()).collect::<Vec<_>>()).await
    }

    pub async fn post_bytes(&self, lines: Vec<Vec<u8>>) -> reqwest::Response {
        let url = format!("{}/v1/decisions", self.url);
        let request = self.http.post(url).bearer_auth(TOKEN).body(lines.join(&b'\n'));
        request.send().await.unwrap()
    }

    /// Posts lines that must be answered 200.
    pub async fn acks(&self, lines: &[&Line]) -> Vec<Ack> {
        acks_of(self.post(lines).await).await
    }

    pub async fn get(&self, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{}{path}", self.url)).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A metric's value; 0 where it has none yet.
    pub async fn metric(&self, name: &str) -> f64 {
        let (_, text) = self.get("/metrics").await;
        let line = text.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.map_or(0.0, |line| line.rsplit(' ').next().unwrap().parse().unwrap())
    }

    pub async fn stop(mut self) {
        _ = self.stop.take().unwrap().send(());
        (&mut self.task).await.unwrap();
    }

    /// As a crash: nothing is finished.
    pub fn kill(self) {
        self.task.abort();
    }
}

pub async fn acks_of(response: reqwest::Response) -> Vec<Ack> {
    assert_eq!(response.status(), 200);
    let text = response.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Polls until true; fails after 30 s.
pub async fn until<F: Future<Output = bool>>(what: &str, mut check: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !check().await {
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

pub fn version_of(text: &str) -> String {
    format!("sha256:{}", sha256_hex(text.as_bytes()))
}

pub fn id() -> String {
    format!("d-{:012x}7000800000{:06x}{:04x}", now(), next(), 0)
}

pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

pub fn next() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub fn intent(id: &str) -> Intent {
    Intent {
        v: 1,
        decision_id: id.to_owned(),
        created_at: rfc3339(now()),
        policy_version: version_of(POLICY),
        model: "gpt-4o-2025-12-17".to_owned(),
        requested_model: Some("gpt-4o".to_owned()),
        input_hash: sha256_hex(b"{}"),
        provider: "openai".to_owned(),
        operation: "chat".to_owned(),
        stream: false,
        caller: Some("key:0123456789abcdef".to_owned()),
        gateway: "gateway-1".to_owned(),
        hold: None,
    }
}

pub fn outcome(id: &str) -> Outcome {
    let intent = intent(id);
    Outcome {
        v: 1,
        decision_id: intent.decision_id,
        created_at: intent.created_at.clone(),
        requested_at: intent.created_at,
        policy_version: intent.policy_version,
        model: intent.model,
        requested_model: intent.requested_model,
        served_model: Some("gpt-4o-2025-12-17".to_owned()),
        provider: intent.provider,
        operation: intent.operation,
        stream: false,
        status: Some(200),
        outcome: OutcomeKind::Completed,
        categories: vec!["pii".to_owned(), "a \"quoted\" \\ {one}".to_owned()],
        actions: Vec::new(),
        triggered: Vec::new(),
        input_hash: intent.input_hash,
        input_bytes: 2,
        input_tokens: Some(12),
        output_tokens: Some(7),
        usage: Some(serde_json::json!({"prompt_tokens": 12, "completion_tokens": 7})),
        finish_reason: Some("stop".to_owned()),
        system_fingerprint: None,
        refusal: false,
        tool_names: Vec::new(),
        confidence: Some(0.62),
        confidence_source: Some("logprobs".to_owned()),
        caller: intent.caller,
        route: None,
        gateway: intent.gateway,
        trace_id: None,
        request_id: None,
        latency_ms: Some(431),
        first_byte_ms: Some(87),
        unread: None,
        hold_mode: "strict".to_owned(),
        media_parts: None,
        attempts: None,
        pinning: None,
        pinning_rule: None,
        output_summary_digest: None,
        input_summary_digest: None,
        review: None,
    }
}

/// An intent that two policies hold.
pub fn holding(id: &str) -> Intent {
    let policies = vec!["legal_review".to_owned(), "high_risk_review".to_owned()];
    Intent { hold: Some(HoldAsk { policies, ttl_s: 3_600 }), ..intent(id) }
}

/// An outcome that a policy routes to people.
pub fn routed(id: &str) -> Outcome {
    let mut outcome = outcome(id);
    outcome.actions = vec!["route_to_human_review".to_owned()];
    outcome.triggered = vec![triggered("high_risk_review", "route_to_human_review")];
    outcome
}

/// A policy that fired.
pub fn triggered(policy: &str, action: &str) -> Triggered {
    Triggered {
        policy: policy.to_owned(),
        result: "fired".to_owned(),
        failure: None,
        action: action.to_owned(),
        enforced: true,
        phase: "answer".to_owned(),
        mode: None,
        held: false,
    }
}

/// That an answer was withheld.
pub fn withheld(id: &str) -> Line {
    Line::delivery(&Delivery {
        v: 1,
        decision_id: id.to_owned(),
        created_at: rfc3339(now()),
        policy_version: version_of(POLICY),
        delivery: DeliveryKind::Withheld,
    })
}

pub fn line(outcome: &Outcome) -> Line {
    Line::outcome(outcome, Summaries::default())
}

/// An outcome that a policy flagged, with a summary.
pub fn flagged(id: &str, summary: &str) -> Line {
    let salt = [7; 16];
    let mut outcome = outcome(id);
    outcome.actions = vec!["flag_for_review".to_owned()];
    outcome.triggered = vec![triggered("confidence_gate", "flag_for_review")];
    outcome.output_summary_digest = Some(summary_digest(&salt, summary));
    Line::outcome(&outcome, Summaries { output: Some(summary), input: None, salt })
}
