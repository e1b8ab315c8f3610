//! What callers and providers say stays out of everything that is printed or logged, and keys out
//! of the database too.

use crate::rig::{CHAT, MESSAGES, Rig, hello, post};
use crate::support::stack::PATIENCE;
use crate::support::stack::eventually;
use std::process::Command;

const PROMPT: &str = "canary-prompt-7f3a";
const HEADER: &str = "canary-header-7f3a";
const KEY: &str = "canary-key-7f3a";
/// What the provider's answers say; a summary of them is what the record is for.
const ANSWER: &str = "Hello from the provider.";

#[test]
fn nothing_that_was_said_is_logged_and_no_key_is_stored() {
    let mut rig = Rig::start("canary");
    let ids = every_way_to_be_recorded(&rig);
    for id in &ids {
        rig.row(id);
    }
    let printed = || rig.stack.printed();
    let last = rig.row(ids.last().expect("some"))["decision_id"].as_str().unwrap().to_owned();
    eventually("the last decision to be printed", PATIENCE, || {
        printed().contains(&last).then_some(())
    });
    let logs = rig.stack.folder().join("data/log");
    assert!(logs.join("envoy.log").is_file(), "the logs are in {}", logs.display());
    assert_ne!(files_with(&last, &logs), "", "what is logged is found");
    for canary in [PROMPT, HEADER, KEY, ANSWER] {
        assert!(!printed().contains(canary), "`{canary}` was printed:\n{}", printed());
        assert_eq!(files_with(canary, &logs), "", "`{canary}` was logged");
    }
    for canary in [PROMPT, HEADER, KEY] {
        assert_eq!(tables_with(&rig, canary), Vec::<String>::new(), "`{canary}` is in Postgres");
        let data = rig.stack.folder().join("data");
        assert_eq!(files_with(canary, &data), "", "`{canary}` is in a file");
    }
    let summaries = tables_with(&rig, ANSWER);
    assert_eq!(summaries, ["ai_decisions"], "the summary is kept there and nowhere else");
    rig.assert_unharmed();
}

/// Completed, streamed, refused, unreadable, too large, broken off: a request of each.
fn every_way_to_be_recorded(rig: &Rig) -> Vec<&'static str> {
    let gpt = hello("gpt-4o").replace("hello", PROMPT);
    let claude = hello("claude-sonnet-4-6").replace("hello", PROMPT);
    let streamed = claude.replacen('{', r#"{"stream":true,"#, 1);
    let denied = hello("gpt-4").replace("hello", PROMPT);
    let malformed = format!(r#"{{"model":"{PROMPT}"#);
    let large = PROMPT.repeat((31 << 20) / PROMPT.len());
    let cases = [
        ("canary-chat", CHAT, gpt.as_str(), ""),
        ("canary-messages", MESSAGES, &claude, ""),
        ("canary-gzip", MESSAGES, &claude, "gzip"),
        ("canary-stream", MESSAGES, &streamed, "gzip-stream"),
        ("canary-denied", CHAT, &denied, ""),
        ("canary-malformed", CHAT, &malformed, ""),
        ("canary-large", CHAT, &large, ""),
        ("canary-unknown-path", "/v1/unheard_of", &gpt, ""),
        ("canary-error", MESSAGES, &claude, "500-json"),
        ("canary-no-json", MESSAGES, &claude, "200-text"),
        ("canary-die", MESSAGES, &claude, "die"),
        ("canary-die-stream", MESSAGES, &streamed, "die-stream"),
    ];
    for (id, path, body, script) in cases {
        let bearer = format!("Bearer {KEY}");
        let request = post(path, body.as_bytes())
            .with("x-script", script.as_bytes())
            .with("authorization", bearer.as_bytes())
            .with("x-api-key", KEY.as_bytes())
            .with("cookie", HEADER.as_bytes())
            .with("x-any", HEADER.as_bytes());
        let reply = rig.send(&request.wire(id));
        assert!(reply.status > 0, "{id}: no answer");
    }
    cases.map(|(id, ..)| id).to_vec()
}

/// Files under a folder that hold the text.
fn files_with(text: &str, folder: &std::path::Path) -> String {
    let found = Command::new("grep").args(["-rlaF", "--", text]).arg(folder).output();
    String::from_utf8_lossy(&found.expect("grep runs").stdout).into_owned()
}

/// Tables of which a row holds the text, be it in the record's bytes.
fn tables_with(rig: &Rig, text: &str) -> Vec<String> {
    let tables = [
        ("ai_decisions", "record"),
        ("ai_decision_intents", "record"),
        ("ai_deliveries", "record"),
        ("ai_late_outcomes", "record"),
        ("ai_quarantine", "bytes"),
        ("outbox_messages", "NULL"),
        ("ai_policies", "text"),
    ];
    let holds = |table: &&(&str, &str)| {
        let (table, bytes) = table;
        let query = format!(
            "SELECT 1 FROM {table} AS r WHERE strpos(r::text, '{text}') > 0
             OR position('{text}'::bytea IN coalesce({bytes}::bytea, '')) > 0"
        );
        !rig.stack.rows(&query).is_empty()
    };
    tables.iter().filter(holds).map(|(table, _)| (*table).to_owned()).collect()
}
