//! What the collector commits beside what Postgres can: the same rows with the same durability by a
//! plain client (single INSERTs, UNNEST, COPY) and by a real `serve` over HTTP/2, in one run on one
//! server, methods in turn. Prints tables; asserts that no row is missing, nothing about time.
//!
//! The plain client writes to tables like ours in the schema `plain`: the same columns, keys,
//! indexes, checks, references and partitions, but no trigger, so no ledger and no outbox.

// A rig fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(missing_docs)]

#[allow(dead_code)] // Shared with the tests, each of which uses a part.
#[path = "../tests/service/support/mod.rs"]
mod support;

#[path = "ingest/collector.rs"]
mod collector;
#[path = "ingest/plain.rs"]
mod plain;
#[path = "ingest/rows.rs"]
mod rows;

use std::time::Instant;

use tokio_postgres::Client;

use crate::collector::Serve;
use crate::plain::Plain;
use crate::rows::Rows;
use crate::support::server::Server;
use crate::support::{Database, connect};

/// Rows of one round of one method; half intents, half outcomes.
const ROWS: usize = 20_480;
/// A commit each costs so much that fewer must do.
const ROWS_SINGLE: usize = 1_024;
/// Rounds; the median is printed.
const ROUNDS: usize = 7;
/// A batch of the filter's and of the writer's.
const BATCH: usize = 256;

/// What one round took.
#[derive(Clone, Copy)]
struct Round {
    rows_per_s: f64,
    postgres_us: f64,
    client_us: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Method {
    Single,
    Unnest(usize),
    Copy,
    Collector { lines: usize, requests: usize },
}

const METHODS: [Method; 6] = [
    Method::Single,
    Method::Unnest(1),
    Method::Unnest(4),
    Method::Copy,
    Method::Collector { lines: 256, requests: 4 },
    Method::Collector { lines: 32, requests: 32 },
];

fn main() {
    tokio::runtime::Runtime::new().unwrap().block_on(run());
}

impl Method {
    fn name(self) -> String {
        match self {
            Method::Single => "plain client, single INSERT a commit".to_owned(),
            Method::Unnest(1) => format!("plain client, UNNEST of {BATCH} a commit"),
            Method::Unnest(n) => format!("plain client, UNNEST of {BATCH}, {n} connections"),
            Method::Copy => "plain client, COPY, one commit".to_owned(),
            Method::Collector { lines, requests } => {
                format!("collector, {requests} requests of {lines} lines in flight")
            }
        }
    }

    fn rows(self) -> usize {
        if self == Method::Single { ROWS_SINGLE } else { ROWS }
    }
}

async fn run() {
    let server = Server::start();
    let database = Database::fresh_on(&server.admin_url).await;
    let admin = connect(&database.admin_url).await;
    plain::make_tables(&admin).await;
    let postmaster = postmaster(&admin).await;
    let serve = Serve::start(&database).await;
    let version: String = admin.query_one("SHOW server_version", &[]).await.unwrap().get(0);
    println!("Postgres {version}, fsync on, synchronous_commit on; {ROUNDS} rounds of {ROWS} rows");
    println!("({ROWS_SINGLE} for single INSERTs), methods in turn, medians\n");

    let mut found: Vec<Vec<Round>> = vec![Vec::new(); METHODS.len()];
    let mut committed = 0;
    for number in 0..=ROUNDS {
        for (at, method) in METHODS.into_iter().enumerate() {
            let rows = Rows::make(method.rows());
            admin.batch_execute("CHECKPOINT").await.unwrap();
            let round = measure(method, &rows, &database, &serve, postmaster).await;
            if let Method::Collector { .. } = method {
                committed += rows.count;
            }
            // The first warms caches and connections.
            if number > 0 {
                found[at].push(round);
            }
        }
    }
    print(&found);
    let there =
        "SELECT (SELECT count(*) FROM ai_decisions) + (SELECT count(*) FROM ai_decision_intents)";
    assert_eq!(database.count(there).await, committed as i64, "rows of the collector");
    // The sequencer ran beside all of it, and keeps up.
    let waiting = "SELECT count(*) FROM ai_ledger_pending";
    support::until("every row has its leaf", || async { database.count(waiting).await == 0 }).await;
}

async fn measure(
    method: Method,
    rows: &Rows,
    database: &Database,
    serve: &Serve,
    postmaster: u32,
) -> Round {
    let lines = match method {
        Method::Collector { lines, .. } => rows.bodies(lines),
        _ => Vec::new(),
    };
    let plain = Plain::prepare(rows, method);
    let clients = match method {
        Method::Unnest(count) => count,
        _ => 1,
    };
    let mut connections = Vec::new();
    for _ in 0..clients {
        connections.push(connect(&database.admin_url).await);
    }
    let client = match method {
        Method::Collector { .. } => serve.pid(),
        _ => std::process::id(),
    };
    let (postgres, own) = (tree_cpu_us(postmaster), cpu_us(client));
    let began = Instant::now();
    match method {
        Method::Collector { requests, .. } => serve.send(lines, requests).await,
        _ => plain.write(&connections).await,
    }
    let seconds = began.elapsed().as_secs_f64();
    let count = rows.count as f64;
    Round {
        rows_per_s: count / seconds,
        postgres_us: (tree_cpu_us(postmaster) - postgres) / count,
        client_us: (cpu_us(client) - own) / count,
    }
}

fn print(found: &[Vec<Round>]) {
    let median = |rounds: &[Round], of: fn(&Round) -> f64| {
        let mut figures: Vec<f64> = rounds.iter().map(of).collect();
        figures.sort_by(f64::total_cmp);
        figures[figures.len() / 2]
    };
    let unnest = METHODS.iter().position(|method| *method == Method::Unnest(1)).unwrap();
    println!(
        "| method | rows/s | to UNNEST | Postgres CPU µs/row | client or collector CPU µs/row |"
    );
    println!("|---|---:|---:|---:|---:|");
    for (at, method) in METHODS.into_iter().enumerate() {
        // Each round beside its neighbour: what else the machine does changes between rounds.
        let mut ratios: Vec<f64> = found[at]
            .iter()
            .zip(&found[unnest])
            .map(|(a, b)| a.rows_per_s / b.rows_per_s)
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!(
            "| {} | {:.0} | {:.2} | {:.1} | {:.1} |",
            method.name(),
            median(&found[at], |round| round.rows_per_s),
            ratios[ratios.len() / 2],
            median(&found[at], |round| round.postgres_us),
            median(&found[at], |round| round.client_us),
        );
    }
}

async fn postmaster(admin: &Client) -> u32 {
    let sql = "SELECT split_part(pg_read_file('postmaster.pid'), E'\\n', 1)";
    admin.query_one(sql, &[]).await.unwrap().get::<_, &str>(0).parse().unwrap()
}

/// CPU time of a server: its children that live, and itself with those that have ended.
fn tree_cpu_us(postmaster: u32) -> f64 {
    let children = format!("/proc/{postmaster}/task/{postmaster}/children");
    let children = std::fs::read_to_string(children).unwrap();
    let children = children.split_whitespace().map(|pid| cpu_us(pid.parse().unwrap()));
    children.sum::<f64>() + cpu_us(postmaster)
}

/// CPU time of a process and of its children that have ended; 0 of one that is gone.
fn cpu_us(pid: u32) -> f64 {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return 0.0 };
    // The name may hold anything but ends with the last bracket; then field 3 and on.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11..15].iter().map(|field| field.parse::<f64>().unwrap()).sum();
    // USER_HZ is 100 on every Linux.
    ticks * 10_000.0
}
