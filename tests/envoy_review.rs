//! Human review from a call to the auditor's export, judged on the command line. Real Envoy, real
//! Postgres. `browser_review.rs` plays the same on the pages.

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

#[test]
fn verdict_ends_up_on_record_and_in_the_export_with_its_proof() {
    story::told("review", &|stack, decision, verdict| {
        let verb = if verdict == "approved" { "approve" } else { "reject" };
        let arguments = ["review", verb, decision, "--note", "looked at it", "--yes"];
        let (code, said) = story::collector(stack, &arguments);
        assert_eq!(code, Some(0), "{said}");
    });
}
