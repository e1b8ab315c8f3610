//! AI governance for Envoy and Istio gateways, as a proxy-wasm filter and its tools.
//!
//! The core is pure: bytes and facts in, effects out; clocks and ids are arguments. Layers, and
//! imports point down only:
//!
//! ```text
//! filter (wasi only), cli (native only)
//! exchange, outbox
//! record, policy
//! llm, detect
//! facts
//! ```

pub mod detect;
pub mod facts;
pub mod llm;
pub mod record;
