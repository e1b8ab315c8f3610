//! What clients and providers can send, on the real Envoy with a real Postgres: bodies of any size,
//! requests and answers of any shape. Whatever comes, the client is answered, the record is there
//! and no VM traps. What the policy decides about readable calls is not looked at here.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod stack;
    pub mod upstream;
}

#[path = "input/answers.rs"]
mod answers;
#[path = "input/bodies.rs"]
mod bodies;
#[path = "input/canary.rs"]
mod canary;
#[path = "input/codings.rs"]
mod codings;
#[path = "input/http2.rs"]
mod http2;
#[path = "input/provider.rs"]
mod provider;
#[path = "input/requests.rs"]
mod requests;
#[path = "input/rig.rs"]
mod rig;
