//! The whole stack as an operator starts it: `governance up` with the built filter, a real Envoy,
//! a real collector and a real Postgres. Each test has its own, with its own data folder.
//!
//! Needs `make build` and `make tools`; a missing part fails with the command that makes it.
//! `GOVERNANCE_KEEP_LOGS=1` prints what the stack said also where the test passed.

use postgres::{Client, NoTls};
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Patience with a start that installs a database and compiles the filter.
const START: Duration = Duration::from_secs(90);
/// Patience with anything else that is awaited.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Where the gateway listens unless a test says so.
const ANY_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

/// A running stack; dropped, it is stopped.
pub struct Stack {
    command: Command,
    up: Child,
    folder: PathBuf,
    ready: Value,
}

/// Commits that need a table wait until this is dropped.
pub struct Lock {
    _database: Client,
}

/// Tries until `probe` gives something, or fails naming what was awaited.
pub fn eventually<T>(awaited: &str, patience: Duration, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(found) = probe() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited {patience:?} in vain for {awaited}");
        std::thread::park_timeout(Duration::from_millis(20));
    }
}

// === impl Stack ===

impl Stack {
    /// Starts a stack before `upstream` under this policy text.
    pub fn start(name: &str, policy: &str, upstream: &str) -> Stack {
        Stack::start_with(name, policy, upstream, &[])
    }

    /// The same with more arguments for `governance up`.
    pub fn start_with(name: &str, policy: &str, upstream: &str, more: &[&str]) -> Stack {
        Stack::start_in(name, policy, upstream, more, &[])
    }

    /// The same in an environment with more variables.
    pub fn start_in(
        name: &str,
        policy: &str,
        upstream: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Stack {
        let mut stack = Stack::launch(name, policy, upstream, more, environment);
        stack.await_ready();
        stack
    }

    /// The same without waiting for it.
    pub fn launch(
        name: &str,
        policy: &str,
        upstream: &str,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Stack {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let governance = root.join("target/release/governance");
        assert!(governance.is_file(), "{} is missing: run `make build`", governance.display());
        let folder = std::env::temp_dir().join(format!("governance-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        std::fs::write(folder.join("governance.yml"), policy).expect("the policy is written");
        let log = File::create(folder.join("up.log")).expect("a log file");
        let mut command = Command::new(governance);
        command
            .current_dir(root)
            .args(["up", "--upstream", upstream])
            .arg("--policy")
            .arg(folder.join("governance.yml"))
            .arg("--data-dir")
            .arg(folder.join("data"))
            .arg("--ready-file")
            .arg(folder.join("ready.json"))
            .args(if more.contains(&"--listen") { [].as_slice() } else { &ANY_PORT })
            .args(more)
            .env_remove("DATABASE_URL")
            .env_remove("SLACK_WEBHOOK_URL")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log);
        let up = command.spawn().expect("`governance up` starts");
        Stack { command, up, folder, ready: Value::Null }
    }

    /// Waits until traffic can flow.
    pub fn await_ready(&mut self) {
        eventually("`governance up` to be ready", START, || self.ready_again().then_some(()));
    }

    /// Starts a stopped stack once more, on the data it had.
    pub fn start_again(&mut self) {
        self.up = self.command.spawn().expect("`governance up` starts");
        self.await_ready();
    }

    /// Host and port of the gateway.
    pub fn gateway(&self) -> String {
        self.address("gateway")
    }

    /// Base URL of the gateway.
    pub fn gateway_url(&self) -> String {
        format!("http://{}", self.gateway())
    }

    /// Host and port of one of the ready file's URLs.
    pub fn address(&self, key: &str) -> String {
        self.ready(key).trim_start_matches("http://").trim_end_matches('/').to_owned()
    }

    /// A text in the ready file.
    pub fn ready(&self, key: &str) -> &str {
        self.ready[key].as_str().unwrap_or_else(|| panic!("no `{key}` in {}", self.ready))
    }

    /// Process id of `envoy`, `collector` or `postgres`, as the ready file says now.
    pub fn pid(&mut self, part: &str) -> i64 {
        assert!(self.ready_again(), "the ready file is there");
        self.ready["pids"][part].as_i64().unwrap_or_else(|| panic!("no pid of {part}"))
    }

    /// Process id of `governance up` itself.
    pub fn up_pid(&self) -> i64 {
        i64::from(self.up.id())
    }

    /// Kills a part with SIGKILL and waits until its successor is announced.
    pub fn kill(&mut self, part: &str) {
        self.restart(part, "KILL");
    }

    /// Ends a part by this signal and waits until its successor is announced.
    pub fn restart(&mut self, part: &str, by: &str) {
        let before = self.pid(part);
        signal(before, by);
        eventually(&format!("{part} to be restarted"), PATIENCE, || {
            (self.pid(part) != before).then_some(())
        });
    }

    /// A connection as the embedded server's superuser.
    pub fn database(&self) -> Client {
        let url = self.ready["database_admin_url"].as_str().expect("an embedded server");
        eventually("Postgres to take connections", PATIENCE, || Client::connect(url, NoTls).ok())
    }

    /// Has Postgres note when each transaction was committed, which takes a restart of it.
    pub fn keep_commit_times(&mut self) {
        let mut database = self.database();
        let setting = "ALTER SYSTEM SET track_commit_timestamp = on";
        database.batch_execute(setting).expect("the setting is taken");
        self.kill("postgres");
    }

    /// Locks a table.
    pub fn lock(&self, table: &str) -> Lock {
        let mut database = self.database();
        let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
        database.batch_execute(&lock).expect("the table is locked");
        Lock { _database: database }
    }

    /// Rows of a query, each as one JSON object.
    pub fn rows(&self, query: &str) -> Vec<Value> {
        let query = format!("SELECT row_to_json(r)::text FROM ({query}) r");
        let rows = self.database().query(query.as_str(), &[]).expect("the query is right");
        rows.iter()
            .map(|row| serde_json::from_str(row.get::<_, &str>(0)).expect("row_to_json gives JSON"))
            .collect()
    }

    /// The decision's row, once it is there.
    pub fn decision(&self, id: &str) -> Value {
        eventually(&format!("the row of {id}"), PATIENCE, || {
            let columns = "decision_id, provider, operation, model, requested_model, \
                           served_model, outcome, status, stream, finish_reason, input_tokens, \
                           output_tokens, unread, actions, categories, input_hash, \
                           output_summary, confidence::float8 AS confidence, policy_version, \
                           triggered, caller, attempts";
            let query = format!("SELECT {columns} FROM ai_decisions WHERE decision_id = '{id}'");
            self.rows(&query).pop()
        })
    }

    /// A counter of the filter, as Envoy's admin interface shows it.
    pub fn counter(&self, name: &str) -> u64 {
        let stats = super::client::get(&self.address("envoy_admin"), "/stats?filter=wasmcustom");
        let name = format!("wasmcustom.governance_{name}: ");
        let value = stats.lines().find_map(|line| line.strip_prefix(&name));
        value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
    }

    /// Replaces the policy file; what comes of it is printed.
    pub fn put_policy(&self, policy: &str) {
        let next = self.folder.join("governance.yml.next");
        std::fs::write(&next, policy).expect("the policy is written");
        std::fs::rename(next, self.folder.join("governance.yml")).expect("the policy is replaced");
    }

    /// Where the stack keeps everything: policy, data, logs.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `governance up` printed so far.
    pub fn printed(&self) -> String {
        std::fs::read_to_string(self.folder.join("up.log")).unwrap_or_default()
    }

    /// Asks for an orderly stop and waits for it.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        signal(self.up_pid(), "TERM");
        self.wait()
    }

    /// Waits for `governance up` to end.
    pub fn wait(&mut self) -> std::process::ExitStatus {
        eventually("`governance up` to stop", PATIENCE, || self.up.try_wait().expect("waited"))
    }

    fn ready_again(&mut self) -> bool {
        if let Some(status) = self.up.try_wait().expect("waited") {
            panic!("`governance up` ended with {status}:\n{}", self.printed());
        }
        let text = std::fs::read_to_string(self.folder.join("ready.json")).unwrap_or_default();
        match serde_json::from_str(&text) {
            Ok(ready) => {
                self.ready = ready;
                true
            }
            Err(_) => false,
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.up.try_wait().is_ok_and(|status| status.is_none()) {
            signal(i64::from(self.up.id()), "TERM");
            let _ = self.up.wait();
        }
        if std::thread::panicking() || std::env::var_os("GOVERNANCE_KEEP_LOGS").is_some() {
            eprintln!("--- governance up ---\n{}", self.printed());
            for log in
                std::fs::read_dir(self.folder.join("data/log")).into_iter().flatten().flatten()
            {
                let text = std::fs::read_to_string(log.path()).unwrap_or_default();
                let tail: Vec<&str> = text.lines().rev().take(40).collect();
                eprintln!("--- {} (last lines) ---", log.path().display());
                tail.iter().rev().for_each(|line| eprintln!("{line}"));
            }
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Sends a signal by name.
pub fn signal(pid: i64, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "process {pid} takes SIG{name}");
}
