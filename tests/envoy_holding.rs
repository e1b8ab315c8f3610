//! What the gateway holds, and until when: commits are held back in Postgres itself by a lock on
//! the table, and every byte that reached provider or client is compared with the lock's release.
//! Real Envoy, collector and Postgres.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod stack;
    pub mod upstream;
}

use postgres::Client;
use std::time::{Duration, Instant};
use support::client::{self, Reply, post};
use support::stack::{PATIENCE, Stack, eventually};
use support::upstream::{ANSWER, Upstream};

const POLICY: &str = "policies:
- name: approved_models
  allowed: [gpt-4o-2025-12-17]
- name: no_goodbye
  trigger: \"output.contains('provider') && prompt.contains('refuse the answer')\"
  action: deny
- name: planned
  mode: observe
  trigger: \"'pii' in categories\"
  action: deny
";
const CHAT: &str = "/v1/chat/completions";
const INTENTS: &str = "ai_decision_intents";
const DECISIONS: &str = "ai_decisions";

#[test]
fn nothing_passes_before_its_commit() {
    let upstream = Upstream::start();
    let stack = Stack::start("holding", POLICY, &upstream.url);
    warm_up(&stack);
    the_provider_is_called_after_the_intents_commit(&stack, &upstream);
    a_plain_answer_leaves_after_its_outcomes_commit(&stack, &upstream);
    a_stream_flows_and_its_terminal_event_leaves_after_the_commit(&stack);
    a_refusal_leaves_after_its_own_commit(&stack, &upstream);
    a_refused_answer_never_leaves(&stack);
    a_refused_stream_ends_in_an_error_event(&stack);
    what_is_only_observed_changes_nothing(&stack);
    without_a_commit_nothing_is_called_and_nothing_leaves(&stack, &upstream);
    assert_eq!(stack.counter("host_errors_total"), 0, "no call to Envoy failed");
}

fn the_provider_is_called_after_the_intents_commit(stack: &Stack, upstream: &Upstream) {
    for body in [ask("intent held"), ask_stream("intent held, streamed")] {
        let calls_before = upstream.calls().len();
        let (reply, released) = while_locked(stack, INTENTS, &body, || {
            assert_eq!(upstream.calls().len(), calls_before, "called before the commit: {body}");
        });
        let call = upstream.calls().pop().expect("the provider was called");
        assert_eq!(String::from_utf8_lossy(&call.body), body, "byte for byte");
        assert!(call.at > released, "the provider was called before the intent's commit");
        assert_eq!(reply.status, 200, "{reply:?}");
        let intents =
            format!("SELECT * FROM {INTENTS} WHERE decision_id = '{}'", reply.decision_id());
        assert_eq!(stack.rows(&intents).len(), 1);
    }
}

fn a_plain_answer_leaves_after_its_outcomes_commit(stack: &Stack, upstream: &Upstream) {
    let calls_before = upstream.calls().len();
    let (reply, released) = while_locked(stack, DECISIONS, &ask("outcome held"), || {
        assert_eq!(upstream.calls().len(), calls_before + 1, "its intent is committed");
    });
    let (first_byte, _) = reply.reads.first().expect("an answer");
    assert!(*first_byte > released, "a byte of the answer left before the outcome's commit");
    assert_eq!(reply.status, 200);
    assert!(reply.text().contains(ANSWER));
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "completed");
}

fn a_stream_flows_and_its_terminal_event_leaves_after_the_commit(stack: &Stack) {
    let (reply, released) = while_locked(stack, DECISIONS, &ask_stream("outcome held"), || {});
    let words = reply.seen_at(b"Hello ").expect("the first word");
    assert!(words < released, "chunks flow at once");
    let done = reply.seen_at(b"[DONE]").expect("the terminal event");
    assert!(done > released, "the terminal event left before the outcome's commit");
    assert!(reply.complete);
    let row = stack.decision(reply.decision_id());
    assert_eq!((&row["outcome"], &row["output_summary"]), (&"completed".into(), &ANSWER.into()));
}

fn a_refusal_leaves_after_its_own_commit(stack: &Stack, upstream: &Upstream) {
    let calls_before = upstream.calls().len();
    let body = ask("hi").replace("gpt-4o-2025-12-17", "gpt-3.5-turbo");
    let (reply, released) = while_locked(stack, DECISIONS, &body, || {});
    let (first_byte, _) = reply.reads.first().expect("an answer");
    assert!(*first_byte > released, "the refusal left before its record's commit");
    assert_eq!(reply.status, 403);
    assert_eq!(upstream.calls().len(), calls_before, "the provider is not called");
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "denied");
}

fn a_refused_answer_never_leaves(stack: &Stack) {
    let reply = client::send(&stack.gateway(), &post(CHAT, &ask("refuse the answer")));
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(!reply.text().contains(ANSWER));
    assert_eq!(reply.header("x-should-retry"), Some("false"), "the provider was paid");
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "denied");
}

fn a_refused_stream_ends_in_an_error_event(stack: &Stack) {
    let reply = client::send(&stack.gateway(), &post(CHAT, &ask_stream("refuse the answer")));
    let text = reply.text();
    assert!(reply.complete && !text.contains("[DONE]"), "{text}");
    let last = text.trim_end().rsplit("\n\n").next().expect("an event");
    assert!(last.starts_with("data: {\"error\":") && last.contains("no_goodbye"), "{last}");
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "denied");
}

fn what_is_only_observed_changes_nothing(stack: &Stack) {
    let reply = client::send(&stack.gateway(), &post(CHAT, &ask("mail ann@example.com")));
    assert_eq!((reply.status, reply.header("x-decision-flags")), (200, None), "{}", reply.text());
    let row = stack.decision(reply.decision_id());
    assert_eq!((&row["outcome"], &row["actions"]), (&"completed".into(), &serde_json::json!([])));
    let told = &row["triggered"][0];
    assert_eq!((&told["policy"], &told["result"]), (&"planned".into(), &"would_fire".into()));
    assert_eq!((&told["enforced"], &told["mode"]), (&false.into(), &"observe".into()));
}

#[test]
fn a_held_stream_leaves_whole_after_its_outcomes_commit_or_not_at_all() {
    let upstream = Upstream::start();
    let stack = Stack::start("held_streams", &format!("{POLICY}streams: hold\n"), &upstream.url);
    warm_up(&stack);
    let (reply, released) = while_locked(&stack, DECISIONS, &ask_stream("hold it all"), || {});
    let (first_byte, _) = reply.reads.first().expect("an answer");
    assert!(*first_byte > released, "a byte of the stream left before the outcome's commit");
    assert!(reply.status == 200 && reply.complete && reply.text().contains("[DONE]"), "{reply:?}");
    let reply = client::send(&stack.gateway(), &post(CHAT, &ask_stream("refuse the answer")));
    assert_eq!(reply.status, 403, "{}", reply.text());
    assert!(reply.text().contains("no_goodbye") && !reply.text().contains(ANSWER));
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "denied");
    assert_eq!(stack.counter("host_errors_total"), 0, "no call to Envoy failed");
}

fn without_a_commit_nothing_is_called_and_nothing_leaves(stack: &Stack, upstream: &Upstream) {
    let calls_before = upstream.calls().len();
    let lock = Lock::take(stack, INTENTS);
    let reply = client::send(&stack.gateway(), &post(CHAT, &ask("no intent")));
    assert_eq!((reply.status, reply.header("retry-after")), (503, Some("1")), "{}", reply.text());
    assert_eq!(upstream.calls().len(), calls_before, "the provider is not called");
    lock.release();
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "uncommitted_refused");

    let plain = without_outcome(stack, &ask("no outcome"));
    assert_eq!((plain.status, plain.header("x-should-retry")), (503, Some("false")));
    assert!(!plain.text().contains(ANSWER));
    let stream = without_outcome(stack, &ask_stream("no outcome"));
    let text = stream.text();
    assert!(text.contains("Hello ") && !text.contains("[DONE]"), "{text}");
    assert!(
        text.trim_end().rsplit("\n\n").next().is_some_and(|e| e.contains("\"error\"")),
        "{text}"
    );
    for reply in [plain, stream] {
        let id = reply.decision_id();
        assert_eq!(stack.decision(id)["outcome"], "completed", "it speaks of the provider");
        let query = format!("SELECT delivery FROM ai_deliveries WHERE decision_id = '{id}'");
        let rows = eventually("the delivery's row", PATIENCE, || {
            Some(stack.rows(&query)).filter(|rows| !rows.is_empty())
        });
        assert_eq!(rows[0]["delivery"], "withheld");
    }
}

/// A call whose outcome can't be committed while it waits.
fn without_outcome(stack: &Stack, body: &str) -> Reply {
    // A repeat still under way would wait for the lock, and this call's intent behind it.
    eventually("the outbox to be empty", PATIENCE, || {
        (stack.counter("outbox_lines") == 0).then_some(())
    });
    let lock = Lock::take(stack, DECISIONS);
    let reply = client::send(&stack.gateway(), &post(CHAT, body));
    lock.release();
    reply
}

/// A transaction that keeps every insert into a table waiting.
struct Lock {
    database: Client,
}

impl Lock {
    fn take(stack: &Stack, table: &str) -> Lock {
        let mut database = stack.database();
        let lock = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
        database.batch_execute(&lock).expect("the table is locked");
        Lock { database }
    }

    fn release(mut self) {
        self.database.batch_execute("ROLLBACK").expect("the lock is released");
    }
}

/// Sends `body` while `table` is locked; runs `check` once the collector waits for the lock; then
/// lets go. Gives the answer and the moment before the release.
fn while_locked(stack: &Stack, table: &str, body: &str, check: impl Fn()) -> (Reply, Instant) {
    let lock = Lock::take(stack, table);
    let stream = client::open(&stack.gateway(), &post(CHAT, body)).expect("a connection");
    let reader = std::thread::spawn(move || client::read(stream));
    eventually("the collector to wait for the lock", PATIENCE, || {
        let waiting = "SELECT 1 AS waiting FROM pg_locks WHERE NOT granted";
        (!stack.rows(waiting).is_empty()).then_some(())
    });
    // Long enough for a leak to show, well below the hold's own bound.
    let watch_until = Instant::now() + Duration::from_millis(300);
    while Instant::now() < watch_until {
        check();
        std::thread::park_timeout(Duration::from_millis(10));
    }
    let released = Instant::now();
    lock.release();
    (reader.join().expect("the reader ends"), released)
}

/// The first call of a worker waits for its policy's announcement; that is no part of a hold.
fn warm_up(stack: &Stack) {
    for _ in 0..16 {
        let reply = client::send(&stack.gateway(), &post(CHAT, &ask("warm up")));
        assert_eq!(reply.status, 200, "{}", reply.text());
    }
}

fn ask(text: &str) -> String {
    let messages = format!(r#"[{{"role":"user","content":"{text}"}}]"#);
    format!(r#"{{"model":"gpt-4o-2025-12-17","messages":{messages}}}"#)
}

fn ask_stream(text: &str) -> String {
    ask(text).replacen('{', r#"{"stream":true,"#, 1)
}
