//! What clients got and what the provider saw, held against what is in Postgres.

use crate::load::Sent;
use crate::support::stack::{PATIENCE, Stack, eventually};
use crate::support::upstream::{ANSWER, Upstream};
use governance_filter::record::sha256_hex;
use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The counts of one round.
pub struct Tally {
    pub fault: String,
    pub requests: usize,
    pub delivered: usize,
    pub refused: usize,
    pub broken: usize,
    pub completed: usize,
    pub provider_calls: usize,
    pub without_intent: usize,
    pub open: usize,
    pub lost: usize,
}

/// The head of the table that [`Tally`] is a line of.
pub const HEAD: &str = "| fault | requests | delivered | refused | broken | completed | provider \
                        calls | without intent | open intents | lost |";

// === impl Tally ===

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "| {} | {} | {} ", self.fault, self.requests, self.delivered)?;
        write!(f, "| {} | {} | {} ", self.refused, self.broken, self.completed)?;
        let Tally { provider_calls, without_intent, open, lost, .. } = self;
        write!(f, "| {provider_calls} | {without_intent} | {open} | {lost} |")
    }
}

/// Counts one round, and fails on whatever no fault may cause.
pub fn tally(fault: &str, sent: &[Sent], stack: &Stack, upstream: &Upstream) -> Tally {
    // Delivered implies committed: it needs no waiting for.
    let rows = by_hash(stack, "SELECT decision_id, input_hash, outcome FROM ai_decisions");
    let delivered: Vec<&Sent> = sent.iter().filter(|one| one.delivered()).collect();
    let committed = |one: &&&Sent| {
        rows.get(&one.input_hash).is_some_and(|row| {
            row["outcome"] == "completed" && row["decision_id"] == one.reply.decision_id()
        })
    };
    let lost = delivered.len() - delivered.iter().filter(committed).count();
    check_refusals(sent);
    check_ids(sent);

    drained(stack, sent);
    check_database(stack);
    let rows = by_hash(stack, "SELECT decision_id, input_hash, outcome FROM ai_decisions");
    let intents = by_hash(stack, "SELECT decision_id, input_hash FROM ai_decision_intents");
    let hashes: HashSet<&str> = sent.iter().map(|one| one.input_hash.as_str()).collect();
    let calls = upstream.calls();
    let seen: Vec<String> = calls.iter().map(|call| sha256_hex(&call.body)).collect();
    let seen: Vec<&String> = seen.iter().filter(|one| hashes.contains(one.as_str())).collect();
    let once: HashSet<&&String> = seen.iter().collect();
    assert_eq!(once.len(), seen.len(), "{fault}: the provider saw a call twice");
    let ours = |one: &&Sent| rows.get(&one.input_hash).is_some_and(|r| r["outcome"] == "completed");
    Tally {
        fault: fault.to_owned(),
        requests: sent.len(),
        delivered: delivered.len(),
        refused: sent.iter().filter(|one| one.whole() && !one.delivered()).count(),
        broken: sent.iter().filter(|one| !one.whole()).count(),
        completed: sent.iter().filter(ours).count(),
        provider_calls: seen.len(),
        without_intent: seen.iter().filter(|hash| !intents.contains_key(**hash)).count(),
        open: open_intents(stack, sent).len(),
        lost,
    }
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

/// One row a decision, one decision a call, nothing in quarantine, nothing in a default partition.
fn check_database(stack: &Stack) {
    let twice = |column: &str| {
        format!("SELECT {column} FROM ai_decisions GROUP BY {column} HAVING count(*) > 1")
    };
    for (what, query) in [
        ("a decision id twice", twice("decision_id").as_str()),
        ("a call twice", &twice("input_hash")),
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
