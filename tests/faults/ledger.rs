//! What clients got and what the provider saw, held against what is in Postgres.

use crate::load::Sent;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::{ANSWER, Upstream};
use governance_filter::record::sha256_hex;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The counts of one round. Everything from `lost` on must be zero, whatever the fault.
pub struct Tally {
    pub fault: String,
    pub requests: usize,
    pub delivered: usize,
    pub refused: usize,
    pub broken: usize,
    /// Outcomes `completed`, delivered or not.
    pub committed: usize,
    /// Intents without an outcome: calls that Envoy took with it.
    pub open: usize,
    /// Delivered, and still no row when everything has settled.
    pub lost: usize,
    /// Delivered, and no row yet, or one that was committed later than the client had its answer.
    pub uncommitted: usize,
    /// Calls that the provider saw without an intent, or earlier than its commit.
    pub without_intent: usize,
    /// Rows of a decision or of a call beyond the first, and calls the provider saw again.
    pub duplicated: usize,
    /// The longest wait from a fault's end to the first delivery of a call that was sent after it.
    pub recovery: Option<Duration>,
}

/// The head of the table that [`Tally`] is a line of.
pub const HEAD: &str = "\
| fault | requests | delivered | refused | broken | committed | open intents | lost | delivered \
uncommitted | called without intent | duplicated | recovery |
|---|---|---|---|---|---|---|---|---|---|---|---|";

/// What is asked of a table of records: whose row it is, and when its line was durable. That is
/// when it was spooled, or else committed, which Postgres notes where it was told to.
const ROWS: &str = "decision_id, input_hash, extract(epoch FROM coalesce(spooled_at, \
                    CASE WHEN current_setting('track_commit_timestamp') = 'on' \
                    THEN pg_xact_commit_timestamp(xmin) END)) AS at";

// === impl Tally ===

impl Tally {
    /// What must not be.
    pub fn violations(&self) -> usize {
        self.lost + self.uncommitted + self.without_intent + self.duplicated
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Tally { fault, requests, delivered, refused, broken, committed, .. } = self;
        let Tally { open, lost, uncommitted, without_intent, duplicated, .. } = self;
        write!(f, "| {fault} | {requests} | {delivered} | {refused} | {broken} | {committed} ")?;
        write!(f, "| {open} | {lost} | {uncommitted} | {without_intent} | {duplicated} ")?;
        match self.recovery {
            Some(recovery) => write!(f, "| {:.1} s |", recovery.as_secs_f64()),
            None => write!(f, "| |"),
        }
    }
}

/// Counts one round, whose faults ended at these moments, and fails on what needs no counting.
pub fn tally(
    fault: &str,
    sent: &[Sent],
    ends: &[Instant],
    stack: &Stack,
    upstream: &Upstream,
) -> Tally {
    let clocks = clocks();
    // Delivered implies committed: it needs no waiting for.
    let outcomes = format!("SELECT {ROWS} FROM ai_decisions WHERE outcome = 'completed'");
    let rows = by_hash(stack, &outcomes);
    let delivered: Vec<&Sent> = sent.iter().filter(|one| one.delivered()).collect();
    let uncommitted = |one: &&&Sent| {
        let row = rows.get(&one.input_hash).filter(|row| is_of(row, one));
        let late = row.map(|row| one.delivered_at().and_then(|at| later(row, at, clocks)));
        if late != Some(None) {
            eprintln!("    {}: delivered uncommitted, by {late:?} s: {row:?}", one.id);
        }
        late != Some(None)
    };
    let uncommitted = delivered.iter().filter(uncommitted).count();
    check_refusals(sent);
    check_ids(sent);

    drained(stack, sent);
    check_database(stack);
    let rows = by_hash(stack, &outcomes);
    let intents = by_hash(stack, &format!("SELECT {ROWS} FROM ai_decision_intents"));
    let hashes: HashSet<&str> = sent.iter().map(|one| one.input_hash.as_str()).collect();
    let calls = upstream.calls();
    let seen: Vec<(String, Instant)> =
        calls.iter().map(|call| (sha256_hex(&call.body), call.at)).collect();
    let seen = seen.iter().filter(|(hash, _)| hashes.contains(hash.as_str()));
    let seen: Vec<&(String, Instant)> = seen.collect();
    let once: HashSet<&str> = seen.iter().map(|(hash, _)| hash.as_str()).collect();
    let unasked = |call: &&&(String, Instant)| {
        intents.get(&call.0).is_none_or(|intent| later(intent, call.1, clocks).is_some())
    };
    let lost = |one: &&&Sent| rows.get(&one.input_hash).is_none_or(|row| !is_of(row, one));
    Tally {
        fault: fault.to_owned(),
        requests: sent.len(),
        delivered: delivered.len(),
        refused: sent.iter().filter(|one| one.whole() && !one.delivered()).count(),
        broken: sent.iter().filter(|one| !one.whole()).count(),
        committed: sent.iter().filter(|one| rows.contains_key(&one.input_hash)).count(),
        open: open_intents(stack, sent).len(),
        lost: delivered.iter().filter(lost).count(),
        uncommitted,
        without_intent: seen.iter().filter(unasked).count(),
        duplicated: seen.len() - once.len() + repeated(stack),
        recovery: ends.iter().map(|end| recovery(sent, *end)).max(),
    }
}

/// From the end of a fault to the first delivery of a call that was sent after it.
fn recovery(sent: &[Sent], end: Instant) -> Duration {
    let after = sent.iter().filter(|one| one.began >= end).filter_map(Sent::delivered_at).min();
    after.expect("a call is delivered after every fault").duration_since(end)
}

fn is_of(row: &Value, sent: &Sent) -> bool {
    row["decision_id"] == sent.reply.decision_id()
}

/// How much later than `moment` a row was durable, as far as Postgres noted it.
fn later(row: &Value, moment: Instant, clocks: (Instant, SystemTime)) -> Option<f64> {
    let now = clocks.1.duration_since(UNIX_EPOCH).expect("a clock after 1970");
    let moment = now.saturating_sub(clocks.0.duration_since(moment)).as_secs_f64();
    row["at"].as_f64().map(|committed| committed - moment).filter(|late| *late > 0.0)
}

/// Both clocks at one moment: read anew where the reader was interrupted between them.
fn clocks() -> (Instant, SystemTime) {
    loop {
        let (instant, system) = (Instant::now(), SystemTime::now());
        if instant.elapsed() < Duration::from_micros(20) {
            return (instant, system);
        }
    }
}

/// Rows beyond the first of a decision or of a call. Every call's body is its own.
fn repeated(stack: &Stack) -> usize {
    let tables = ["ai_decisions", "ai_decision_intents"];
    let columns = ["decision_id", "input_hash"];
    let pairs = tables.iter().flat_map(|table| columns.iter().map(move |column| (table, column)));
    let queries = pairs.map(|(table, column)| {
        format!("SELECT count(*) - count(DISTINCT {column}) AS more FROM {table}")
    });
    let more = |query: String| stack.rows(&query).pop().and_then(|row| row["more"].as_u64());
    queries.filter_map(more).map(|more| usize::try_from(more).unwrap_or(usize::MAX)).sum()
}

/// Intents of these calls that have no outcome yet.
pub fn open_intents(stack: &Stack, sent: &[Sent]) -> Vec<String> {
    let query = "SELECT decision_id, input_hash FROM ai_decision_intents i WHERE NOT EXISTS \
                 (SELECT FROM ai_decisions d WHERE d.decision_id = i.decision_id)";
    let open = by_hash(stack, query);
    let ours = sent.iter().filter(|one| open.contains_key(&one.input_hash));
    ours.map(|one| one.input_hash.clone()).collect()
}

/// Waits until the filter's outbox is empty. What is then without an outcome are calls that Envoy
/// took with it.
fn drained(stack: &Stack, sent: &[Sent]) {
    eventually("the outbox to be drained", PATIENCE, || {
        (stack.counter("outbox_lines") == 0).then_some(())
    });
    eventually("an outcome of every call that Envoy saw to its end", PATIENCE, || {
        let open = open_intents(stack, sent);
        let open: HashSet<&String> = open.iter().collect();
        let due = |one: &Sent| one.whole() && open.contains(&one.input_hash);
        (!sent.iter().any(due)).then_some(())
    });
}

/// The gateway's own refusals have the provider's shape and say nothing of the answer.
fn check_refusals(sent: &[Sent]) {
    for one in sent.iter().filter(|one| one.reply.status != 0 && one.reply.status != 200) {
        let error: Value = serde_json::from_slice(&one.reply.body).unwrap_or_default();
        assert_eq!(one.reply.status, 503, "{}: {:?}", one.id, one.reply);
        let code = &error["error"]["code"];
        assert_eq!(code, "governance_unavailable", "{}: {:?}", one.id, one.reply);
        assert_eq!(error["error"]["decision_id"], one.reply.decision_id(), "{}", one.id);
        assert!(!one.reply.text().contains(ANSWER), "{}: {:?}", one.id, one.reply);
        let again = one.reply.header("retry-after").is_some();
        let never = one.reply.header("x-should-retry") == Some("false");
        assert!(again != never, "{}: {:?}", one.id, one.reply);
    }
}

/// No decision is named to two callers.
fn check_ids(sent: &[Sent]) {
    let ids: Vec<&str> = sent.iter().filter_map(|one| one.reply.header("x-decision-id")).collect();
    let once: HashSet<&&str> = ids.iter().collect();
    assert_eq!(once.len(), ids.len(), "a decision id was given twice");
}

/// Nothing in quarantine, nothing in a default partition, no outcome after its closing.
fn check_database(stack: &Stack) {
    for (what, query) in [
        ("a line in quarantine", "SELECT reason FROM ai_quarantine"),
        ("a row without a partition", "SELECT decision_id FROM ai_decisions_default"),
        ("a late outcome", "SELECT decision_id FROM ai_late_outcomes"),
    ] {
        assert_eq!(stack.rows(query), Vec::<Value>::new(), "{what}");
    }
}

fn by_hash(stack: &Stack, query: &str) -> HashMap<String, Value> {
    let hash = |row: &Value| row["input_hash"].as_str().unwrap_or_default().to_owned();
    stack.rows(query).into_iter().map(|row| (hash(&row), row)).collect()
}
