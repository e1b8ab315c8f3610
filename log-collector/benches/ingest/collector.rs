//! The collector as it is run: the release program, spoken to as the filter does.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};

use log_collector::ledger::note::SignerKey;

use crate::support::slack::Slack;
use crate::support::{Database, POLICY, TOKEN, until, version_of};

/// `log-collector serve`, ended with this value.
pub struct Serve {
    child: Child,
    url: String,
    /// Alerts need somewhere to go, or no outbox is kept.
    _slack: Slack,
    http: reqwest::Client,
}

impl Serve {
    pub async fn start(database: &Database) -> Serve {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let slack = Slack::start(&[]).await;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let key = std::env::temp_dir().join(format!("collector-bench-{}.key", std::process::id()));
        let signer = SignerKey::from_seed("bench", &[7; 32]).unwrap();
        std::fs::write(&key, signer.to_secret_text()).unwrap();
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
        let owner = log_collector::config::Database::parse(&database.admin_url).unwrap();
        log_collector::store::keys::register(&owner, &signer.verifier()).await.unwrap();
        let log = std::env::temp_dir().join(format!("collector-bench-{}.log", std::process::id()));
        let child = Command::new(env!("CARGO_BIN_EXE_log-collector"))
            .args(["serve", "--listen", &listen])
            .env("DATABASE_URL", &database.service_url)
            .env("GOVERNANCE_TOKEN", TOKEN)
            .env("SLACK_WEBHOOK_URL", &slack.url)
            .env("LEDGER_KEY_FILE", &key)
            .env_remove("RUST_LOG")
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let serve = Serve { child, url: format!("http://{listen}"), _slack: slack, http };
        until("the collector serves", || async {
            let url = format!("{}/v1/policies/{}", serve.url, version_of(POLICY));
            let request = serve.http.put(url).bearer_auth(TOKEN).header("x-gateway", "gateway-1");
            request.body(POLICY).send().await.is_ok_and(|answer| answer.status() == 204)
        })
        .await;
        serve
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends all bodies, so many at a time, each line of which must be committed. Two requests
    /// share a connection: a gateway's worker has two in flight.
    pub async fn send(&self, bodies: Vec<Vec<u8>>, in_flight: usize) {
        let bodies: Arc<Mutex<VecDeque<Vec<u8>>>> = Arc::new(Mutex::new(bodies.into()));
        let url = format!("{}/v1/decisions", self.url);
        let mut senders = tokio::task::JoinSet::new();
        for _ in 0..in_flight.div_ceil(2) {
            let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
            for _ in 0..2 {
                let (http, bodies, url) = (http.clone(), bodies.clone(), url.clone());
                senders.spawn(async move {
                    while let Some(body) = next(&bodies) {
                        let lines = body.iter().filter(|byte| **byte == b'\n').count() + 1;
                        let request = http.post(&url).bearer_auth(TOKEN).body(body);
                        let answer = request.send().await.unwrap();
                        assert_eq!(answer.status(), 200);
                        let text = answer.text().await.unwrap();
                        assert_eq!(text.matches("\"committed\"").count(), lines, "{text}");
                    }
                });
            }
        }
        while let Some(sender) = senders.join_next().await {
            sender.unwrap();
        }
    }
}

fn next(bodies: &Mutex<VecDeque<Vec<u8>>>) -> Option<Vec<u8>> {
    bodies.lock().unwrap().pop_front()
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
