//! How fast `verify` is: a ledger of real records in a Postgres of its own, committed and sequenced
//! as the collector does it, then checked by the command. Prints rows a second, what the command
//! spent of a core, and the most memory that it had; asserts that all is intact, nothing else.
//!
//! `ROWS` in the environment is how many records; half intents, half outcomes.

// A rig fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

#[allow(dead_code)] // Shared with the tests, each of which uses a part.
#[path = "../tests/service/support/mod.rs"]
mod support;

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use governance_filter::record::Line;
use log_collector::config::Database as DatabaseConfig;
use log_collector::ingest::line::Entry;
use log_collector::metrics::Metrics;
use log_collector::store::Store;
use log_collector::store::keys::register;

use crate::support::server::Server;
use crate::support::tamper::{sequence, signer};
use crate::support::{Database, POLICY, flagged, id, intent, line, now, outcome, version_of};

const ROWS: usize = 400_000;
/// A batch of the collector's writer.
const BATCH: usize = 256;
const ROUNDS: usize = 5;
/// Between two looks at the memory.
const PAUSE: Duration = Duration::from_millis(5);
/// Of a second, in which Linux counts what a process spent.
const TICKS: f64 = 100.0;

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(run());
}

async fn run() {
    let rows = std::env::var("ROWS").map_or(ROWS, |rows| rows.parse().unwrap());
    let server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let owner = DatabaseConfig::parse(&database.admin_url).unwrap();
    register(&owner, &signer(1).verifier()).await.unwrap();
    fill(&database, rows).await;
    let admin = database.admin().await;
    admin.batch_execute("VACUUM ANALYZE").await.unwrap();
    let version: String = admin.query_one("SHOW server_version", &[]).await.unwrap().get(0);
    let sql = "SELECT avg(octet_length(record))::bigint FROM ai_decisions";
    let bytes = database.count(sql).await;
    println!("Postgres {version}; {rows} records, outcomes of {bytes} bytes; {ROUNDS} rounds\n");
    println!(
        "{:>10} {:>14} {:>20} {:>12}",
        "rows/s", "verify, CPU s", "rows a CPU second", "peak MiB"
    );
    for _ in 0..ROUNDS {
        let key = signer(1).verifier().to_string();
        let mut command = Command::new(env!("CARGO_BIN_EXE_log-collector"));
        command.args(["verify", "--public-key", &key]).env("DATABASE_URL", &database.admin_url);
        let began = Instant::now();
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (spent, peak) = watch(&child);
        let seconds = began.elapsed().as_secs_f64();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8(output.stdout).unwrap());
        let rows = rows as f64;
        let rate = rows / seconds;
        println!("{rate:>10.0} {spent:>14.2} {:>20.0} {peak:>12.1}", rows / spent);
    }
}

/// Records as the filter makes them, through the collector's own code.
async fn fill(database: &Database, rows: usize) {
    let sql = "INSERT INTO ai_policies (version, text) VALUES ($1, $2)";
    let admin = database.admin().await;
    admin.execute(sql, &[&version_of(POLICY), &POLICY.as_bytes()]).await.unwrap();
    let service = DatabaseConfig::parse(&database.service_url).unwrap();
    let patience = Duration::from_secs(60);
    let store = Store::new(&service, patience, Vec::new(), Arc::new(Metrics::default())).unwrap();
    for batch in 0..rows.div_ceil(2 * BATCH) {
        let count = BATCH.min(rows / 2 - batch * BATCH);
        let ids: Vec<String> = (0..count).map(|_| id()).collect();
        for lines in [
            ids.iter().map(|id| Line::intent(&intent(id))).collect::<Vec<_>>(),
            ids.iter().enumerate().map(|(at, id)| outcome_line(at, id)).collect(),
        ] {
            let entries = lines.iter().map(|line| Entry::parse(&line.bytes, now()));
            let entries: Vec<Entry> = entries.collect();
            store.commit(&entries.iter().collect::<Vec<_>>()).await.unwrap();
        }
        if batch % 64 == 63 {
            sequence(database, &signer(1)).await;
        }
    }
    sequence(database, &signer(1)).await;
}

/// One in 16 with a summary and a policy that fired.
fn outcome_line(at: usize, id: &str) -> Line {
    if at.is_multiple_of(16) {
        return flagged(id, "The start of an answer, as far as a reviewer gets to see it.");
    }
    let mut outcome = outcome(id);
    outcome.trace_id = Some("4bf92f3577b34da6a3ce929d0e0e4736".to_owned());
    outcome.request_id = Some("7c1fdd30-41f2-4d0b-9b6b-26a8a1f1f6f0".to_owned());
    outcome.route = Some("llm-route".to_owned());
    outcome.system_fingerprint = Some("fp_44709d6fcb".to_owned());
    line(&outcome)
}

/// Until it has ended: seconds of a core, and MiB at the most.
fn watch(child: &Child) -> (f64, f64) {
    let read = |file| std::fs::read_to_string(format!("/proc/{}/{file}", child.id())).unwrap();
    let mut peak = 0.0;
    // It has no memory any more when it has ended, and its times until somebody waits for it.
    while let Some(kib) = peak_kib(&read("status")) {
        peak = kib / 1_024.0;
        std::thread::sleep(PAUSE);
    }
    let stat = read("stat");
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    // User and system time: fields 14 and 15, of which two are cut off.
    let ticks = fields.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap());
    (ticks.sum::<f64>() / TICKS, peak)
}

fn peak_kib(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse().unwrap())
}
