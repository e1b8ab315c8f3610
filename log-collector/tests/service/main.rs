//! The whole service over HTTP against a real Postgres. `cargo test -p log-collector` needs a
//! Postgres to run: `TEST_DATABASE_ADMIN_URL`, or server binaries that `support::server` finds.

// clippy.toml exempts test functions; what they call here is test code just the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod alerts;
mod closing;
mod daily;
mod digest;
mod erase;
mod faults;
mod history;
mod holds;
mod key;
mod ledger;
mod ledger_guard;
mod ledger_past;
mod memory;
mod pages;
mod policy;
mod proof;
mod questions;
mod reading;
mod review_api;
mod review_command;
mod reviews;
mod roles;
mod spool;
mod support;
mod tamper;
mod wire;
