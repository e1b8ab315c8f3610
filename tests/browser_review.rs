//! Human review from a call to the auditor's export, judged on the pages in a real Chromium; real
//! Envoy, real Postgres. `make test-browser` alone runs it. `envoy_review.rs` plays the same on the
//! command line.

#![cfg(not(target_family = "wasm"))]
#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

#[allow(dead_code)] // Shared with other suites, each of which uses a part.
mod support {
    pub mod client;
    pub mod stack;
    pub mod upstream;
}
#[path = "review/story.rs"]
mod story;

use std::path::Path;
use std::process::Command;

#[test]
fn verdict_given_on_a_page_ends_up_in_the_export_with_its_proof() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/review/judge.mjs");
    story::told("review-pages", &|stack, decision, verdict| {
        let status = Command::new("node")
            .arg(&script)
            .env("PAGE", format!("{}/decisions/{decision}", stack.ready("collector")))
            .env("VERDICT", verdict)
            .env("REVIEW_TOKEN_FILE", stack.ready("review_token_file"))
            .status()
            .expect("node runs");
        assert!(status.success(), "the browser: {status}");
    });
}
