//! Memory while Postgres is locked, stopped, slow or restarting and clients send far more than the
//! queue holds: bounded, every request answered, nothing lost. On the program, as it is run.

use std::process::{Child, Command, Stdio};

use futures_util::future::join_all;
use governance_filter::record::AckStatus;

use crate::support::server::Server;
use crate::support::{Database, POLICY, TOKEN, acks_of, id, line, outcome, until, version_of};

const QUEUE_BYTES_MAX: usize = 8 << 20;

/// Bodies that are being read (32 MiB) and the program itself, with its buffers.
const BESIDE_THE_QUEUE: usize = 72 << 20;

/// Requests of one trouble, all at once, of a MiB each. Read, a line takes several times its length.
const REQUESTS: usize = 32;
const LINES: usize = 128;

/// `log-collector serve`, ended with this value.
pub struct Serve {
    child: Child,
    url: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_is_bounded_whatever_ails_postgres() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let serve = Serve::start(&database, &["--queue-lines-max", "1000000"], &[]).await;
    let admin = database.admin().await;
    let mut bodies = Vec::new();

    admin.batch_execute("BEGIN; LOCK TABLE ai_decisions IN EXCLUSIVE MODE").await.unwrap();
    bodies.extend(serve.flood("locked").await);
    admin.batch_execute("ROLLBACK").await.unwrap();

    let slow = "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
            'BEGIN PERFORM pg_sleep(0.2); RETURN NULL; END';
        CREATE TRIGGER slow BEFORE INSERT ON ai_decisions EXECUTE FUNCTION slow()";
    admin.batch_execute(slow).await.unwrap();
    bodies.extend(serve.flood("slow").await);
    admin.batch_execute("DROP TRIGGER slow ON ai_decisions").await.unwrap();

    server.stop();
    bodies.extend(serve.flood("stopped").await);
    server.carry_on();

    server.kill();
    bodies.extend(serve.flood("gone").await);
    server.restart();

    for body in &bodies {
        until("every request is acked in the end", || async {
            let answer = serve.post(body.clone()).await;
            answer.status() == 200
                && acks_of(answer)
                    .await
                    .iter()
                    .all(|ack| matches!(ack.status, AckStatus::Committed | AckStatus::Duplicate))
        })
        .await;
    }
    let rows = database.count("SELECT count(*) FROM ai_decisions").await;
    assert_eq!(rows as usize, bodies.len() * LINES);
    let (peak, bound) = (serve.peak_bytes(), QUEUE_BYTES_MAX + BESIDE_THE_QUEUE);
    println!("peak {} MiB of at most {} MiB", peak >> 20, bound >> 20);
    assert!(peak <= bound, "{peak} bytes");
}

impl Serve {
    pub async fn start(
        database: &Database,
        options: &[&str],
        environment: &[(&str, &str)],
    ) -> Serve {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = format!("127.0.0.1:{port}");
        let child = Command::new(env!("CARGO_BIN_EXE_log-collector"))
            .args(["serve", "--listen", &listen, "--commit-timeout", "1s"])
            .args(["--queue-bytes-max", &QUEUE_BYTES_MAX.to_string()])
            .args(options)
            .envs(environment.iter().copied())
            .env("DATABASE_URL", &database.service_url)
            .env("GOVERNANCE_TOKEN", TOKEN)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let serve = Serve { child, url: format!("http://{listen}") };
        until("the collector serves", || async {
            let url = format!("{}/v1/policies/{}", serve.url, version_of(POLICY));
            let request = reqwest::Client::new().put(url).bearer_auth(TOKEN).body(POLICY);
            request.send().await.is_ok_and(|answer| answer.status() == 204)
        })
        .await;
        serve
    }

    /// Sends far more than is taken, all at once; each request is answered, and some are refused.
    async fn flood(&self, trouble: &str) -> Vec<Vec<u8>> {
        let bodies: Vec<_> = (0..REQUESTS).map(|_| body()).collect();
        let answers = join_all(bodies.iter().map(|body| self.post(body.clone()))).await;
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert!(
            statuses.iter().all(|status| [200, 503].contains(status)),
            "{trouble}: {statuses:?}"
        );
        assert!(statuses.contains(&503), "{trouble}: {statuses:?}");
        bodies
    }

    /// A connection each, for what one connection may send is bounded already.
    pub async fn post(&self, body: Vec<u8>) -> reqwest::Response {
        let http = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
        let request = http.post(format!("{}/v1/decisions", self.url)).bearer_auth(TOKEN);
        request.body(body).send().await.unwrap()
    }

    /// From here on the peak is that of what comes.
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").unwrap();
    }

    /// Without the pages of the program's own file, which grow with its code.
    pub fn peak_bytes(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() << 10
        };
        bytes("VmHWM:") - bytes("RssFile:")
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn body() -> Vec<u8> {
    let lines = (0..LINES).map(|_| {
        let mut outcome = outcome(&id());
        outcome.usage = Some(serde_json::json!({"note": "x".repeat(8_000)}));
        line(&outcome).bytes
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}
