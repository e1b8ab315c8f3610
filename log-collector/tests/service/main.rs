//! The whole service over HTTP against a real Postgres. `cargo test -p log-collector` needs a
//! Postgres to run: `TEST_DATABASE_ADMIN_URL`, or server binaries that `support::server` finds.

mod alerts;
mod closing;
mod faults;
mod roles;
mod support;
mod wire;
