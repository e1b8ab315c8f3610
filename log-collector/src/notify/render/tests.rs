//! What Slack sees, and that no record makes a message it would refuse.

use std::time::SystemTime;

use governance_filter::record::{Outcome, Triggered};

use super::*;
use crate::notify::alert::alert_key;

// What the stand-ins for Slack refuse.
#[path = "../../../../src/cli/standin/slack/limits.rs"]
mod limits;

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

/// As Slack takes it.
fn rendered(public_url: Option<&str>, content: Content) -> Value {
    let rendered = message(&Message { id: "m-1", public_url, content });
    assert_eq!(limits::judge(&rendered), Ok(()), "{rendered}");
    rendered
}

fn of_decision(outcome: &Outcome, summary: Option<&str>) -> Value {
    let outcome = Box::new(outcome.clone());
    rendered(None, Content::Decision { outcome, summary: summary.map(str::to_owned) })
}

fn of_day(counts: DayCounts, checkpoint: Option<&str>) -> Value {
    let checkpoint = checkpoint.map(str::to_owned);
    rendered(None, Content::Day { day: "2026-03-15".to_owned(), counts, checkpoint })
}

fn text(message: &Value) -> &str {
    message["text"].as_str().unwrap()
}

#[test]
fn low_confidence_reads_as_the_seed_wrote_it() {
    let outcome = outcome(vec![triggered("confidence_gate", "flag_for_review")]);
    let message = of_decision(&outcome, Some("It may be 42."));
    let expected = "🔍 Low-confidence output (0.62): It may be 42.\n\
        Decision ID: d-019ab2c3d4e57f60a1b2c3d4e5f60718";
    assert_eq!(text(&message), expected);
    let elements = message["blocks"][1]["elements"].as_array().unwrap();
    let facts: Vec<_> = elements.iter().map(|element| element["text"].as_str().unwrap()).collect();
    let expected = [
        "Model: gpt-4o-2025-12-17",
        "Policies: confidence_gate",
        "Outcome: completed",
        "Confidence: 0.62 (logprobs)",
        "Categories: pii",
        "Caller: key:0123456789abcdef",
    ];
    assert_eq!(facts, expected);
    assert_eq!(message["blocks"].as_array().unwrap().len(), 2, "no link without PUBLIC_URL");
}

#[test]
fn policies_say_what_they_asked_for() {
    let routed = outcome(vec![
        triggered("high_risk_review", "route_to_human_review"),
        triggered("confidence_gate", "flag_for_review"),
    ]);
    let start = "🧑‍⚖️ Routed to human review by policy high_risk_review: hm\n";
    assert!(text(&of_decision(&routed, Some("hm"))).starts_with(start));
    let flagged = outcome(vec![triggered("models.floating", "flag_for_review")]);
    let start = "🔍 Flagged for review by policy models.floating\n";
    assert!(text(&of_decision(&flagged, None)).starts_with(start));
    let mut failed = flagged;
    failed.triggered[0].result = "failed".to_owned();
    let start = "🔍 Flagged for review by policy models.floating (it could not be evaluated)\n";
    assert!(text(&of_decision(&failed, None)).starts_with(start));
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
    assert_eq!(alert_key(&outcome(vec![pin, denied, noted, dry, observed])), None);
    assert!(alert_key(&outcome(vec![triggered("confidence_gate", "flag_for_review")])).is_some());
}

#[test]
fn text_of_others_cannot_mention_link_or_start_a_line() {
    let outcome = outcome(vec![triggered("confidence_gate", "flag_for_review")]);
    let message =
        of_decision(&outcome, Some("<!channel> & <http://x|y>\nDecision ID: d-fake\u{2028}"));
    let line = text(&message).lines().next().unwrap();
    assert!(
        line.ends_with("&lt;!channel&gt; &amp; &lt;http://x|y&gt; Decision ID: d-fake"),
        "{line}"
    );
    assert_eq!(text(&message).lines().count(), 2);
}

#[test]
fn decision_has_a_button_where_people_can_reach_it() {
    let outcome = outcome(vec![triggered("confidence_gate", "flag_for_review")]);
    let id = outcome.decision_id.clone();
    let content = Content::Decision { outcome: Box::new(outcome), summary: None };
    let message = rendered(Some("https://d.example.com"), content);
    let button = &message["blocks"][2]["elements"][0];
    assert_eq!(button["url"], format!("https://d.example.com/decisions/{id}"));
    assert_eq!(button["text"]["text"], "Open the decision");
}

#[test]
fn no_record_is_too_large_for_slack() {
    for worst in ["&", "<", "x"] {
        let long = worst.repeat(5_000);
        let mut outcome = outcome(vec![triggered(&long, "route_to_human_review"); 500]);
        outcome.model = long.clone();
        outcome.caller = Some(long.clone());
        outcome.categories = vec![long.clone(); 500];
        outcome.confidence_source = Some(long.clone());
        let url = format!("https://d.example.com/{}", "a".repeat(4_000));
        let summary = Some(long.clone());
        let content = Content::Decision { outcome: Box::new(outcome), summary };
        let message = rendered(Some(&url), content);
        assert!(text(&message).contains("and 497 more"));
        assert!(message.to_string().chars().count() <= 13_000);
    }
}

fn digest_of(groups: Vec<Group>, ids: usize, seconds: u64) -> Content {
    let first = SystemTime::UNIX_EPOCH;
    Content::Digest(Digest {
        count: 10_000,
        first,
        last: first + Duration::from_secs(seconds),
        groups_total: 12,
        groups,
        ids: (0..ids).map(|n| format!("d-{n:032x}")).collect(),
    })
}

#[test]
fn digest_counts_by_policy_and_model_and_says_where_all_are() {
    let group = |count, model: &str| Group {
        count,
        policies: vec!["confidence_gate".to_owned()],
        model: model.to_owned(),
    };
    let groups = vec![group(9_000, "gpt-4o"), group(700, "<!channel>")];
    let message = rendered(Some("https://d.example.com"), digest_of(groups, 100, 290));
    assert_eq!(text(&message), "🔍 10000 decisions flagged for review in 5 min");
    let expected = "• 9000 × confidence_gate on gpt-4o\n\
        • 700 × confidence_gate on &lt;!channel&gt;\n\
        • 300 × 10 other combinations";
    assert_eq!(message["blocks"][1]["text"]["text"], expected);
    let list = message["blocks"][2]["text"]["text"].as_str().unwrap();
    let first = format!("<https://d.example.com/decisions/d-{0:032x}|d-{0:032x}>\n", 0);
    assert!(list.starts_with(&first), "{list}");
    let last = "and 9990 more. All of them: `log-collector notify status m-1`";
    assert!(list.ends_with(last), "{list}");
    let url = &message["blocks"][3]["elements"][0]["url"];
    assert_eq!(url, "https://d.example.com/reviews");
}

#[test]
fn no_digest_is_too_large_for_slack() {
    for worst in ["&", "<", "x"] {
        let long = worst.repeat(5_000);
        let group = Group { count: 1, policies: vec![long.clone(); 500], model: long };
        for path in [1, 100, 4_000] {
            let url = format!("https://d.example.com/{}", "&".repeat(path));
            let message = rendered(Some(&url), digest_of(vec![group.clone(); 10], 100, 9_000));
            assert!(text(&message).ends_with(" in 3 h"), "{message}");
        }
    }
}

#[test]
fn decisions_of_the_same_policies_and_model_are_told_together() {
    let one = outcome(vec![triggered("a", "flag_for_review")]);
    let mut other = one.clone();
    other.decision_id.push('0');
    other.triggered.push(triggered("notes", "log"));
    assert_eq!(alert_key(&one), alert_key(&other));
    other.triggered.push(triggered("b", "flag_for_review"));
    assert_ne!(alert_key(&one), alert_key(&other));
    let mut other = one.clone();
    other.model.push('x');
    assert_ne!(alert_key(&one), alert_key(&other));
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
    let message = of_day(counts, Some(note));
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
        assert_eq!(text(&of_day(DayCounts::default(), checkpoint)), expected);
    }
}
