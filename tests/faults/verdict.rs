//! What `log-collector verify` says of the ledger once a fault is over.

use crate::support::stack::{PATIENCE, Stack, eventually};
use std::process::Command;

/// Every record has its place in the tree.
const SEQUENCED: &str = "SELECT tree_size FROM ai_ledger_head \
                         WHERE NOT EXISTS (SELECT FROM ai_ledger_pending)";

/// Fails unless every record is covered by the checkpoint that left the database, and the ledger
/// holds against it: one leaf for each record, of its very bytes, and no other.
pub fn verdict(stack: &Stack) {
    let file = stack.ready("checkpoint_file");
    eventually("a checkpoint that covers every record", PATIENCE, || {
        let size = stack.rows(SEQUENCED).pop()?["tree_size"].to_string();
        let note = std::fs::read_to_string(file).ok()?;
        (note.lines().nth(1) == Some(size.as_str())).then_some(())
    });
    let collector = concat!(env!("CARGO_MANIFEST_DIR"), "/target/release/log-collector");
    let output = Command::new(collector)
        .args(["verify", "--public-key", stack.ready("ledger_public_key"), "--checkpoint", file])
        .env("DATABASE_URL", stack.ready("database_url"))
        .output()
        .expect("the collector's program runs");
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    let last = said.lines().last().unwrap_or_default();
    eprintln!("    {last}");
    // The table of a run shows the first line.
    assert_eq!(output.status.code(), Some(0), "verify: {last}\n{said}");
}
