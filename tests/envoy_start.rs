//! What a gateway meets at its start: the module's size and the time V8 takes for it, a setting
//! that is misspelt, and an operator who forgot `allow_on_headers_stop_iteration`: the filter finds
//! out and refuses, rather than let answers leave before their record. Real Envoy.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod second_envoy;
    pub mod stack;
    pub mod upstream;
}

use serde_json::Value;
use std::time::Instant;
use support::client::{self, post};
use support::second_envoy::SecondEnvoy;
use support::stack::{PATIENCE, Stack, eventually};
use support::upstream::Upstream;

const POLICY: &str = "policies:\n- name: approved_models\n  allowed: [gpt-4o-2025-12-17]\n";
const CHAT: &str = "/v1/chat/completions";

/// Largest module, in bytes: what a gateway's start and memory are planned with.
const MODULE_BYTES_MAX: u64 = 2_200_000;

#[test]
fn the_module_is_small_and_its_start_time_is_told() {
    let module =
        concat!(env!("CARGO_MANIFEST_DIR"), "/target/wasm32-wasip1/release/governance_filter.wasm");
    let size = std::fs::metadata(module).expect("run `make build`").len();
    assert!(size <= MODULE_BYTES_MAX, "{module} has {size} bytes, over {MODULE_BYTES_MAX}");
    let upstream = Upstream::start();
    let stack = Stack::start("start", POLICY, &upstream.url);
    let started = |start: &dyn Fn() -> SecondEnvoy| {
        let begin = Instant::now();
        let envoy = start();
        let seconds = begin.elapsed().as_secs_f64();
        drop(envoy);
        seconds
    };
    let with = started(&|| SecondEnvoy::with_config(&stack, str::to_owned));
    let without = started(&|| SecondEnvoy::bare(&stack, 1));
    println!(
        "filter: {size} bytes of {MODULE_BYTES_MAX}; Envoy ready after {with:.1} s with it, \
         {without:.1} s without"
    );
}

#[test]
fn a_gateway_that_cannot_hold_headers_refuses_and_says_why() {
    let upstream = Upstream::start();
    let stack = Stack::start("flag", POLICY, &upstream.url);
    let envoy = SecondEnvoy::with_plugin(&stack, |plugin| {
        plugin["allow_on_headers_stop_iteration"] = false.into();
    });
    let body = r#"{"model":"gpt-4o-2025-12-17","messages":[{"role":"user","content":"hi"}]}"#;
    let reply = client::send(&envoy.gateway, &post(CHAT, body));
    assert_eq!(reply.status, 503, "{}", reply.text());
    assert!(reply.text().contains("allow_on_headers_stop_iteration"), "{}", reply.text());
    assert_eq!(upstream.calls().len(), 0, "the provider is not called");
    assert_eq!(stack.decision(reply.decision_id())["outcome"], "denied");

    // The stack's own Envoy, same module and policy, has the flag and answers.
    assert_eq!(client::send(&stack.gateway(), &post(CHAT, body)).status, 200);
}

#[test]
fn a_misspelt_plugin_setting_is_refused_at_start() {
    let upstream = Upstream::start();
    let stack = Stack::start("setting", POLICY, &upstream.url);
    let envoy = SecondEnvoy::with_plugin(&stack, |plugin| {
        let text = plugin["configuration"]["value"].as_str().expect("a string").to_owned();
        let mut settings: Value = serde_json::from_str(&text).expect("settings are JSON");
        settings["comit_timeout_ms"] = 10.into();
        plugin["configuration"]["value"] = settings.to_string().into();
    });
    let log = eventually("the refusal in Envoy's log", PATIENCE, || {
        let log = std::fs::read_to_string(&envoy.log).unwrap_or_default();
        log.contains("comit_timeout_ms").then_some(log)
    });
    assert!(log.contains("unknown field `comit_timeout_ms`"), "{log}");
    assert!(!log.contains("allowed: [gpt-4o"), "the policy's text is not printed");
    let body = r#"{"model":"gpt-4o-2025-12-17","messages":[]}"#;
    assert_eq!(client::send(&envoy.gateway, &post(CHAT, body)).status, 500, "no filter, no answer");
    assert_eq!(upstream.calls().len(), 0);
}
