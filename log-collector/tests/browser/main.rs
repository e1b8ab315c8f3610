//! The pages for reviewers in a real Chromium: `make test-browser` alone runs this. A real service
//! with a real Postgres takes the records; `browser.mjs` is the person.

#![allow(dead_code)] // The service's tests use all of `support`.

#[path = "../service/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::Command;

use governance_filter::record::{
    HoldAsk, Intent, Line, Outcome, Summaries, Triggered, sha256_hex, summary_digest,
};
use log_collector::review::reviewers::Reviewers;

use support::ledger::{register, signer};
use support::{Collector, Database, id, intent, outcome, until, version_of};

const POLICY: &str = r#"# Checked in beside the code.
policies:
- name: high_risk_review
  description: "Anything that touches people's health or money"
  trigger: "category in ['healthcare', 'financial', 'pii']"
  action: route_to_human_review
- name: confidence_gate
  trigger: "confidence < 0.75"
  action: flag_for_review
- name: payouts
  trigger: "'payout' in categories"
  action: route_to_human_review
- name: approved_models
  mode: observe
  allowed:
  - "gpt-4o-2025-12-17"
  - "claude-sonnet-4-6"

models:
  floating: flag
"#;

const ANN: &str = "grv_ann-0123456789abcdef";
const BOB: &str = "grv_bob-0123456789abcdef";
const SCRIPT: &str = "<script>window.ran = true</script><img src=x onerror='window.ran = true'>";
const ANSWER: &str = "Dear Ms. [name], your blood count is within the usual range. Your next \
    appointment is on 14 April; please bring the form that we sent to [email].";

fn reviewers() -> Reviewers {
    let entry = |name: &str, token: &str, callers: &str| {
        let digest = sha256_hex(token.as_bytes());
        format!(r#"{{"name":"{name}","token_sha256":"{digest}","callers":[{callers}]}}"#)
    };
    let ann = entry("ann", ANN, r#""key:00000000000000aa""#);
    let bob = entry("bob", BOB, "");
    Reviewers::parse(&format!(r#"{{"reviewers":[{ann},{bob}]}}"#)).unwrap()
}

fn fired(policy: &str, action: &str, phase: &str) -> Triggered {
    Triggered {
        policy: policy.to_owned(),
        result: "fired".to_owned(),
        failure: None,
        action: action.to_owned(),
        enforced: true,
        phase: phase.to_owned(),
        mode: None,
        held: false,
    }
}

/// A call of a caller that goes to people.
fn routed(id: &str, caller: &str) -> Outcome {
    let mut outcome = outcome(id);
    outcome.policy_version = version_of(POLICY);
    outcome.caller = Some(caller.to_owned());
    outcome.served_model = Some("gpt-4o-2025-08-06".to_owned());
    outcome.categories = vec!["healthcare".to_owned(), "pii".to_owned()];
    outcome.actions = vec!["route_to_human_review".to_owned(), "flag_for_review".to_owned()];
    let observed = Triggered {
        result: "would_fire".to_owned(),
        enforced: false,
        mode: Some("observe".to_owned()),
        ..fired("approved_models", "deny", "answer")
    };
    outcome.triggered = vec![
        fired("high_risk_review", "route_to_human_review", "request"),
        fired("confidence_gate", "flag_for_review", "answer"),
        observed,
    ];
    outcome
}

fn with_texts(outcome: &mut Outcome, input: Option<&str>, output: &str) -> Line {
    let salt = [7; 16];
    outcome.input_summary_digest = input.map(|input| summary_digest(&salt, input));
    outcome.output_summary_digest = Some(summary_digest(&salt, output));
    Line::outcome(outcome, Summaries { output: Some(output), input, salt })
}

/// What reviewers find: ids by what is odd about them.
struct Seeded {
    plain: String,
    script: String,
    own: String,
}

async fn seed(database: &Database, collector: &Collector) -> Seeded {
    let caller = "sub:clinic-assistant";
    let (plain, script, own, held) = (id(), id(), id(), id());
    let of_policy = |id: &str| Intent { policy_version: version_of(POLICY), ..intent(id) };
    let mut lines = vec![Line::intent(&of_policy(&plain))];
    let question = "What does the blood count of Ms. [name] say?";
    lines.push(with_texts(&mut routed(&plain, caller), Some(question), ANSWER));
    let mut odd = routed(&script, caller);
    odd.served_model = Some(SCRIPT.to_owned());
    lines.push(with_texts(&mut odd, None, SCRIPT));
    lines.push(Line::outcome(&routed(&own, "key:00000000000000aa"), Summaries::default()));
    let hold = Some(HoldAsk { policies: vec!["payouts".to_owned()], ttl_s: 3_600 });
    let caller = Some("spiffe://example.org/ns/billing/sa/payout-agent".to_owned());
    // The oldest of all.
    let held = Line::intent(&Intent { hold, caller, ..of_policy(&held) });
    collector.acks(&[&held]).await;
    for _ in 0..60 {
        let many = routed(&id(), "key:0123456789abcdef");
        lines.push(Line::outcome(&many, Summaries::default()));
    }
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    // Flagged and not routed, so that this review is all there is.
    let late = id();
    let mut flagged = routed(&late, "sub:loan-desk");
    flagged.actions = vec!["flag_for_review".to_owned()];
    flagged.triggered.remove(0);
    collector.acks(&[&Line::outcome(&flagged, Summaries::default())]).await;
    let overdue = format!(
        "INSERT INTO ai_reviews (decision_id, reason, policies, caller, input_hash, policy_version,
                opened_at)
            SELECT decision_id, 'routed', ARRAY['high_risk_review', 'payouts'], caller, input_hash,
                policy_version, now() - interval '51 hours'
            FROM ai_decisions WHERE decision_id = '{late}'"
    );
    database.admin().await.batch_execute(&overdue).await.unwrap();
    Seeded { plain, script, own }
}

#[tokio::test(flavor = "multi_thread")]
async fn reviewers_can_do_their_work() {
    let database = Database::fresh().await;
    register(&database).await;
    let mut config = database.config();
    config.ledger_key = Some(signer());
    config.reviewers = reviewers();
    let collector = Collector::ready(config).await;
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    let seeded = seed(&database, &collector).await;
    until("a checkpoint covers all of it", async || {
        let (_, note) = collector.get("/checkpoint").await;
        let size = note.lines().nth(1).and_then(|size| size.parse::<i64>().ok());
        let waiting = database.count("SELECT count(*) FROM ai_ledger_pending").await;
        waiting == 0 && size.is_some_and(|size| size > 60)
    })
    .await;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut person = Command::new("node");
    person.arg(root.join("log-collector/tests/browser/browser.mjs"));
    person.env("PAGES_URL", &collector.url).env("ANN", ANN).env("BOB", BOB);
    person.env("PLAIN", &seeded.plain).env("SCRIPT", &seeded.script).env("OWN", &seeded.own);
    person.env("SCREENSHOTS", root.join("target/browser"));
    let status = tokio::task::spawn_blocking(move || person.status().unwrap()).await.unwrap();
    assert!(status.success(), "the browser: {status}");
    let notes = "SELECT count(*) FROM ai_review_verdicts WHERE note <> ''";
    assert_eq!(database.count(notes).await, 3, "one by keyboard, two by the group's form");
    collector.stop().await;
}
