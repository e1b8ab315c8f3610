//! What Slack sees, and that no record makes a message it would refuse.

use governance_filter::record::{Outcome, Triggered};

use super::*;

fn triggered(policy: &str, action: &str) -> Triggered {
    Triggered {
        policy: policy.to_owned(),
        result: "fired".to_owned(),
        failure: None,
        action: action.to_owned(),
        enforced: true,
        phase: "answer".to_owned(),
        mode: None,
        held: false,
    }
}

fn outcome(triggered: Vec<Triggered>) -> Outcome {
    let record = include_str!("../../../../tests/fixtures/contract/v1.ndjson").lines().nth(1);
    let line: Value = serde_json::from_str(record.unwrap()).unwrap();
    let mut outcome: Outcome = serde_json::from_value(line["record"].clone()).unwrap();
    outcome.triggered = triggered;
    outcome
}

fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap()
}

#[test]
fn low_confidence_reads_as_the_seed_wrote_it() {
    let outcome = outcome(vec![triggered("confidence_gate", "flag_for_review")]);
    let message = message(&outcome, Some("It may be 42."));
    let expected = "🔍 Low-confidence output (0.62): It may be 42.\n\
        Decision ID: d-019ab2c3d4e57f60a1b2c3d4e5f60718";
    assert_eq!(text(&message), expected);
    let context = message["blocks"][1]["elements"][0]["text"].as_str().unwrap();
    let expected = "Model: gpt-4o-2025-12-17 · Policies: confidence_gate · Outcome: completed · \
        Categories: pii · Caller: key:0123456789abcdef";
    assert_eq!(context, expected);
}

#[test]
fn policies_say_what_they_asked_for() {
    let routed = outcome(vec![
        triggered("high_risk_review", "route_to_human_review"),
        triggered("confidence_gate", "flag_for_review"),
    ]);
    let start = "🧑‍⚖️ Routed to human review by policy high_risk_review: hm\n";
    assert!(text(&message(&routed, Some("hm"))).starts_with(start));
    let flagged = outcome(vec![triggered("models.floating", "flag_for_review")]);
    let start = "🔍 Flagged for review by policy models.floating\n";
    assert!(text(&message(&flagged, None)).starts_with(start));
    let mut failed = flagged;
    failed.triggered[0].result = "failed".to_owned();
    let start = "🔍 Flagged for review by policy models.floating (it could not be evaluated)\n";
    assert!(text(&message(&failed, None)).starts_with(start));
}

#[test]
fn pins_denials_and_dry_runs_call_nobody() {
    let pin = triggered("models.pins", "flag_for_review");
    let denied = triggered("no_secrets", "deny");
    let noted = triggered("notes", "log");
    let mut dry = triggered("confidence_gate", "flag_for_review");
    dry.enforced = false;
    let mut observed = dry.clone();
    observed.result = "would_fire".to_owned();
    observed.mode = Some("observe".to_owned());
    assert!(!alerts(&outcome(vec![pin, denied, noted, dry, observed])));
    assert!(alerts(&outcome(vec![triggered("confidence_gate", "flag_for_review")])));
}

#[test]
fn text_of_others_cannot_mention_link_or_start_a_line() {
    let outcome = outcome(vec![triggered("confidence_gate", "flag_for_review")]);
    let message = message(&outcome, Some("<!channel> & <http://x|y>\nDecision ID: d-fake\u{2028}"));
    let line = text(&message).lines().next().unwrap();
    assert!(
        line.ends_with("&lt;!channel&gt; &amp; &lt;http://x|y&gt; Decision ID: d-fake"),
        "{line}"
    );
    assert_eq!(text(&message).lines().count(), 2);
}

#[test]
fn no_record_is_too_large_for_slack() {
    let long = "<".repeat(5_000);
    let mut outcome = outcome(vec![triggered(&long, "route_to_human_review"); 500]);
    outcome.model = long.clone();
    outcome.caller = Some(long.clone());
    outcome.categories = vec![long.clone(); 500];
    let message = message(&outcome, Some(&long));
    let blocks = message["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50);
    let section = blocks[0]["text"]["text"].as_str().unwrap().chars().count();
    let context = blocks[1]["elements"][0]["text"].as_str().unwrap().chars().count();
    assert!(section <= 3_000, "{section}");
    assert!(context <= 3_000, "{context}");
    assert!(section + context + text(&message).chars().count() <= 13_000);
    assert!(text(&message).contains("and 497 more"));
}

#[test]
fn day_is_told_in_counts_with_the_checkpoint_to_keep() {
    let counts = DayCounts {
        outcomes: [("completed".to_owned(), 12), ("unknown".to_owned(), 1)].into(),
        flagged: 2,
        quarantined: 0,
    };
    let note = "a&b/ledger\n13\nAAAA\n\n— a&b/ledger AAAA\n";
    let expected = "📒 2026-03-15 (UTC): 13 decisions (completed: 12, unknown: 1)\n\
        Flagged for review: 2 · Quarantined lines: 0\n\
        Newest ledger checkpoint, to be kept:\n\
        ```a&amp;b/ledger\n13\nAAAA\n\n— a&amp;b/ledger AAAA\n```";
    let message = day("2026-03-15", &counts, Some(note));
    assert_eq!(text(&message), expected);
    assert_eq!(message["blocks"][0]["text"]["text"], expected);
}

#[test]
fn day_without_decisions_or_checkpoint_is_told_all_the_same() {
    let expected = "📒 2026-03-15 (UTC): 0 decisions\n\
        Flagged for review: 0 · Quarantined lines: 0\n\
        The ledger has no checkpoint that this collector could publish.";
    let long = "x".repeat(CHECKPOINT_CHARS_MAX + 1);
    for checkpoint in [None, Some(long.as_str())] {
        assert_eq!(text(&day("2026-03-15", &DayCounts::default(), checkpoint)), expected);
    }
}
