//! The official Python clients against a real gateway: answers are what they are without one,
//! refusals raise the clients' own exceptions, and retries happen where they cost nothing.
//!
//! Needs `make build` and `make tools`.

#![cfg(not(target_family = "wasm"))]
// Tests fail by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

#[allow(dead_code)] // Shared with other suites.
mod support {
    pub mod client;
    pub mod clients;
    pub mod stack;
}

use governance_filter::cli::standin::Provider;
use serde_json::{Value, json};
use std::time::Duration;
use support::clients::{Clients, decision_id, header, is_a};
use support::stack::{PATIENCE, Stack, eventually, signal};

/// The policy that is shipped: it pins, and asks for log probabilities behind the clients' backs.
const POLICY: &str = include_str!("../governance.yml");
/// Each API with a model that is approved and one that is not.
const APIS: [(&str, &str, &str); 2] = [
    ("openai", "gpt-4o-2025-12-17", "gpt-3.5-turbo-0125"),
    ("anthropic", "claude-sonnet-4-6", "claude-3-haiku-20240307"),
];
const CLIENTS: &str = "tests/sdk/clients.py";
const MODES: [&str; 2] = ["sync", "async"];

/// A stack before the stand-in provider, and the clients.
struct Scene {
    provider: Provider,
    stack: Stack,
    clients: Clients,
}

#[test]
fn answers_are_those_of_the_provider_and_each_has_its_row() {
    let mut scene = Scene::set("sdk-answers");
    let gateway = scene.stack.gateway_url();
    for (api, model, _) in APIS {
        for (what, text) in [
            ("plain", "Say foo loudly."),
            ("stream", "What is 6 times 7?"),
            ("tools", "What is 1 + 2?"),
            ("plain", "This is beyond the rate limit."),
        ] {
            let call = |url: &str, mode: &str| call(url, (api, mode, what), model, text);
            let direct = scene.clients.make(&call(&scene.provider.url(), "sync"));
            for mode in MODES {
                let case = format!("{api} {mode} {what} `{text}`");
                let seen = scene.clients.make(&call(&gateway, mode));
                for key in ["status", "text", "tools", "events", "stopped", "logprobs", "raised"] {
                    assert_eq!(seen[key], direct[key], "{case}: {key} of {seen}");
                }
                let limited = text.contains("limit");
                assert_eq!(seen["raised"] == "RateLimitError", limited, "{case}: {seen}");
                let row = scene.stack.decision(decision_id(&seen));
                let outcome = if limited { "upstream_error" } else { "completed" };
                assert_eq!(row["outcome"], outcome, "{case}: {row}");
                assert_eq!(row["stream"], what == "stream", "{case}: {row}");
                assert_eq!(row["input_hash"], seen["input_hash"], "{case}: {row}");
                assert_eq!(row["model"], model, "{case}: {row}");
                assert_eq!(row["policy_version"], header(&seen, "x-policy-version"), "{case}");
            }
        }
    }
}

#[test]
fn refusal_by_policy_raises_permission_denied_and_costs_nothing() {
    let mut scene = Scene::set("sdk-refusals");
    let gateway = scene.stack.gateway_url();
    for (api, _, unapproved) in APIS {
        for (mode, what) in [("sync", "plain"), ("sync", "stream"), ("async", "plain")] {
            let case = format!("{api} {mode} {what}");
            let mut call = call(&gateway, (api, mode, what), unapproved, "Hello");
            call["retries"] = 2.into();
            let seen = scene.clients.make(&call);
            assert_eq!(seen["raised"], "PermissionDeniedError", "{case}: {seen}");
            assert_eq!(seen["status"], 403, "{case}: {seen}");
            let message = seen["message"].as_str().expect("a message");
            let id = decision_id(&seen);
            assert!(message.contains(id) && message.contains("approved_models"), "{case}: {seen}");
            let row = scene.stack.decision(id);
            assert_eq!(
                (&row["outcome"], &row["status"]),
                (&json!("denied"), &json!(403)),
                "{case}"
            );
        }
    }
    assert!(scene.provider.seen().is_empty());
    assert_eq!(scene.stack.rows("SELECT decision_id FROM ai_decisions").len(), 6);
}

#[test]
fn call_without_a_committed_intent_is_retried_until_one_is_and_paid_once() {
    let mut scene = Scene::set("sdk-intents");
    let gateway = scene.stack.gateway_url();
    for (number, (api, model, _)) in APIS.into_iter().enumerate() {
        let paid_before = scene.provider.seen().len();
        let mut call = call(&gateway, (api, "sync", "plain"), model, "Say foo loudly.");
        call["retries"] = 4.into();
        let lock = scene.stack.lock("ai_decision_intents");
        scene.clients.send(&call);
        eventually("a refused intent", PATIENCE, || {
            (scene.stack.counter("intents_uncommitted_total") > number as u64).then_some(())
        });
        drop(lock);
        let seen = scene.clients.receive();
        assert_eq!(seen["raised"], Value::Null, "{api}: {seen}");
        assert_eq!(scene.stack.decision(decision_id(&seen))["outcome"], "completed", "{api}");
        let paid = scene.provider.seen().split_off(paid_before);
        assert_eq!(paid.len(), 1, "{api}: the provider was called again");
        let retries = paid[0].header("x-stainless-retry-count");
        assert!(retries.is_some_and(|count| count != "0"), "{api}: {retries:?}");
    }
}

#[test]
fn stopped_collector_raises_internal_server_error_after_every_retry() {
    let mut scene = Scene::set("sdk-stopped");
    let gateway = scene.stack.gateway_url();
    let collector = scene.stack.pid("collector");
    signal(collector, "STOP");
    let mut both = [&mut scene.clients, &mut Clients::start(CLIENTS)];
    for (clients, (api, model, _)) in both.iter_mut().zip(APIS) {
        let mut call = call(&gateway, (api, "async", "stream"), model, "Hello");
        call["retries"] = 1.into();
        clients.send(&call);
    }
    for (clients, (api, _, _)) in both.iter_mut().zip(APIS) {
        let seen = clients.receive();
        assert!(is_a(&seen, "InternalServerError"), "{api}: {seen}");
        assert_eq!((&seen["status"], header(&seen, "retry-after")), (&json!(503), "1"), "{api}");
        let message = seen["message"].as_str().expect("a message");
        assert!(message.contains(decision_id(&seen)), "{api}: {seen}");
    }
    signal(collector, "CONT");
    assert!(scene.provider.seen().is_empty());
    assert_eq!(scene.stack.counter("intents_uncommitted_total"), 4, "two calls, one retry each");
    eventually("a row of every attempt", PATIENCE, || {
        let query = "SELECT decision_id FROM ai_decisions WHERE outcome = 'uncommitted_refused'";
        (scene.stack.rows(query).len() == 4).then_some(())
    });
}

#[test]
fn answer_without_a_committed_outcome_raises_and_is_not_paid_twice() {
    let mut scene = Scene::set("sdk-outcomes");
    let gateway = scene.stack.gateway_url();
    for (api, model, _) in APIS {
        let plain_mode = if api == "openai" { "sync" } else { "async" };
        for (mode, what, raised) in
            [(plain_mode, "plain", "InternalServerError"), ("sync", "stream", "APIError")]
        {
            let case = format!("{api} {mode} {what}");
            let paid_before = scene.provider.seen().len();
            let mut call = call(&gateway, (api, mode, what), model, "What is 6 times 7?");
            call["retries"] = 2.into();
            let lock = scene.stack.lock("ai_decisions");
            let seen = scene.clients.make(&call);
            drop(lock);
            assert!(is_a(&seen, raised), "{case}: {seen}");
            let id = decision_id(&seen);
            assert!(seen["message"].as_str().expect("one").contains(id), "{case}: {seen}");
            assert_eq!(scene.provider.seen().len(), paid_before + 1, "{case}: it was retried");
            if what == "stream" {
                assert!(!seen["text"].as_str().expect("text").is_empty(), "{case}: {seen}");
                assert_eq!(seen["stopped"], Value::Null, "{case}: {seen}");
            } else {
                assert_eq!(header(&seen, "x-should-retry"), "false", "{case}: {seen}");
            }
            assert_eq!(scene.stack.decision(id)["outcome"], "completed", "{case}");
            let query = format!("SELECT delivery FROM ai_deliveries WHERE decision_id = '{id}'");
            let delivery = eventually("the delivery", PATIENCE, || scene.stack.rows(&query).pop());
            assert_eq!(delivery["delivery"], "withheld", "{case}");
        }
    }
}

// === impl Scene ===

impl Scene {
    fn set(name: &str) -> Scene {
        let clients = Clients::start(CLIENTS);
        let provider = Provider::start(Duration::ZERO).expect("the stand-in starts");
        let stack = Stack::start(name, POLICY, &provider.url());
        Scene { provider, stack, clients }
    }
}

/// A call for `clients.py`; `how` is the API, the mode and what is asked for.
fn call(url: &str, how: (&str, &str, &str), model: &str, text: &str) -> Value {
    let (api, mode, what) = how;
    json!({"url": url, "api": api, "mode": mode, "what": what, "model": model, "text": text})
}
