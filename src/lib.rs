//! AI governance for Envoy and Istio gateways, as a proxy-wasm filter and its tools.
//!
//! The core is pure: bytes and facts in, effects out; clocks and ids are arguments. Layers, and
//! imports point down only:
//!
//! ```text
//! filter (wasi only), cli (native only)
//! exchange, outbox, settings
//! policy
//! record, llm, detect
//! facts
//! ```

#[cfg(not(target_family = "wasm"))]
pub mod cli;
pub mod detect;
pub mod exchange;
pub mod facts;
pub mod llm;
pub mod outbox;
pub mod policy;
pub mod record;
pub mod settings;

#[cfg(target_os = "wasi")]
mod filter;
