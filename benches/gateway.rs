//! What a governed call costs beside a bare Envoy: CPU of the gateway per request and latency, both
//! configurations under the same load in turn, in one run. Prints the table that the README quotes;
//! asserts nothing about time. Run by `make bench`; needs `make build` and `make tools`.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // A rig fails by panicking.

#[allow(dead_code)] // Shared with the tests, each of which uses a part.
#[path = "../tests/support"]
mod support {
    pub mod client;
    pub mod second_envoy;
    pub mod stack;
    pub mod upstream;
}

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};
use support::second_envoy::SecondEnvoy;
use support::stack::Stack;

const POLICY: &str = include_str!("../governance.yml");
/// Requests of one round; a round of each configuration is a pair.
const REQUESTS: usize = 4000;
/// Pairs per number of clients; the median is printed.
const PAIRS: usize = 5;
const CLIENTS: [usize; 3] = [1, 8, 64];

/// One round's figures.
#[derive(Clone, Copy)]
struct Round {
    cpu_us: f64,
    p50_ms: f64,
    p99_ms: f64,
}

fn main() {
    let upstream = fast_upstream();
    let mut stack = Stack::start("bench", POLICY, &format!("http://{upstream}"));
    let workers = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4));
    let bare = SecondEnvoy::bare(&stack, workers);
    let governed_pid = stack.pid("envoy") as u32;
    let collector_pid = stack.pid("collector") as u32;
    println!("{REQUESTS} requests of 1 KB a round, {PAIRS} pairs, {workers} Envoy workers");
    println!("provider and collector on the same machine; medians\n");
    println!("| clients | configuration | gateway CPU µs/request | p50 ms | p99 ms |");
    println!("|---:|---|---:|---:|---:|");
    for clients in CLIENTS {
        round(&stack.gateway(), governed_pid, clients, REQUESTS / 4);
        let (mut with, mut without, mut collector) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            without.push(round(&bare.gateway, bare.pid(), clients, REQUESTS));
            let before = cpu_us(collector_pid);
            with.push(round(&stack.gateway(), governed_pid, clients, REQUESTS));
            collector.push((cpu_us(collector_pid) - before) / REQUESTS as f64);
        }
        let (bare_cpu, governed_cpu) =
            (show(clients, "bare", &without), show(clients, "governed", &with));
        println!("| {clients} | ratio | {:.2} | | |", governed_cpu / bare_cpu);
        println!("| {clients} | collector | {:.0} | | |", median(collector.into_iter()));
    }
}

fn show(clients: usize, name: &str, rounds: &[Round]) -> f64 {
    let of = |figure: fn(&Round) -> f64| median(rounds.iter().map(figure));
    let cpu = of(|round| round.cpu_us);
    let (p50, p99) = (of(|round| round.p50_ms), of(|round| round.p99_ms));
    println!("| {clients} | {name} | {cpu:.0} | {p50:.2} | {p99:.2} |");
    cpu
}

fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// Sends the requests over keep-alive connections and takes the gateway's CPU time before and after.
fn round(gateway: &str, pid: u32, clients: usize, requests: usize) -> Round {
    let cpu_before = cpu_us(pid);
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let gateway = gateway.to_owned();
            std::thread::spawn(move || client(&gateway, requests / clients))
        })
        .collect();
    let mut latencies: Vec<Duration> =
        threads.into_iter().flat_map(|thread| thread.join().expect("a client ends")).collect();
    latencies.sort();
    let at = |share: f64| latencies[((latencies.len() - 1) as f64 * share) as usize];
    Round {
        cpu_us: (cpu_us(pid) - cpu_before) / latencies.len() as f64,
        p50_ms: at(0.50).as_secs_f64() * 1000.0,
        p99_ms: at(0.99).as_secs_f64() * 1000.0,
    }
}

fn client(gateway: &str, requests: usize) -> Vec<Duration> {
    let text = "What is the capital of France? ".repeat(30);
    let body = format!(
        r#"{{"model":"claude-sonnet-4-6","max_tokens":100,"messages":[{{"role":"user","content":"{text}"}}]}}"#
    );
    let request = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\n\
         x-api-key: bench\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(gateway).expect("the gateway takes connections");
    stream.set_nodelay(true).expect("a socket option");
    let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
    let mut latencies = Vec::with_capacity(requests);
    for _ in 0..requests {
        let began = Instant::now();
        stream.write_all(request.as_bytes()).expect("sent");
        let (status, _) = read_message(&mut reader).expect("an answer");
        assert!(status.contains(" 200 "), "{status}");
        latencies.push(began.elapsed());
    }
    latencies
}

/// A provider that answers at once, so that the gateway's own time shows.
fn fast_upstream() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("an address").to_string();
    let text = "Paris is the capital of France. ".repeat(30);
    let body = format!(
        r#"{{"type":"message","model":"claude-sonnet-4-6","stop_reason":"end_turn","content":[{{"type":"text","text":"{text}"}}],"usage":{{"input_tokens":220,"output_tokens":210}}}}"#
    );
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = answer.clone();
            std::thread::spawn(move || {
                let _ = stream.set_nodelay(true);
                let mut reader = BufReader::new(stream.try_clone().expect("a second handle"));
                while read_message(&mut reader).is_some() {
                    if stream.write_all(answer.as_bytes()).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// First line and body of a message with a `content-length`.
fn read_message(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut first = String::new();
    reader.read_line(&mut first).ok().filter(|size| *size > 0)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((first, body))
}

/// User and system time of a process so far, in microseconds.
fn cpu_us(pid: u32) -> f64 {
    // Linux counts in ticks of 10 ms for every process (proc(5), fields 14 and 15).
    const TICK_US: f64 = 10_000.0;
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("the process runs");
    let after_name = stat.rsplit(')').next().expect("fields");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    let ticks: f64 = fields[11..13].iter().filter_map(|field| field.parse::<f64>().ok()).sum();
    ticks * TICK_US
}
