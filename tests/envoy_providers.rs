//! The official Python clients of many providers against a real gateway: Google, Amazon, Ollama,
//! Mistral, Cohere, OpenAI's responses and embeddings, Azure, and Claude on other people's clouds.
//! A provider replays what was recorded. `envoy_sdk.rs` looks at retries and both ways of calling.
//!
//! Needs `make build` and `make tools`.

#![cfg(not(target_family = "wasm"))]
// Tests fail by panicking.
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::unwrap_used)]

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod clients;
    pub mod recordings;
    pub mod replay;
    pub mod second_envoy;
    pub mod sigv4;
    pub mod stack;
}

#[path = "sdk/answers.rs"]
mod answers;
#[path = "sdk/neighbours.rs"]
mod neighbours;
#[path = "sdk/refusals.rs"]
mod refusals;
#[path = "sdk/scene.rs"]
mod scene;
#[path = "sdk/signatures.rs"]
mod signatures;
