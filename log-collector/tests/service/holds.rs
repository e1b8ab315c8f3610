//! Reviews that ingest opens, and the answers that held calls get.

use governance_filter::record::{Ack, AckStatus, HoldAsk, Intent, IntentVerdict, Line};
use log_collector::config::Database as DatabaseConfig;
use log_collector::review::VerdictKind::{self, Approved, Rejected};
use log_collector::store::migrate::migrate;
use log_collector::store::reviews::Judged;

use crate::reviews::reviewing;
use crate::support::ledger::close;
use crate::support::{
    Collector, Database, acks_of, holding, id, intent, line, outcome, routed, triggered,
};

/// What an ack says of a hold.
type Told = (AckStatus, Option<IntentVerdict>, Option<String>);

fn told(ack: &Ack) -> Told {
    (ack.status, ack.verdict, ack.review.clone())
}

fn committed(verdict: IntentVerdict, review: &str) -> Told {
    (AckStatus::Committed, Some(verdict), Some(review.to_owned()))
}

fn duplicate(verdict: IntentVerdict, review: &str) -> Told {
    (AckStatus::Duplicate, Some(verdict), Some(review.to_owned()))
}

async fn ask(collector: &Collector, intent: &Intent) -> Told {
    told(&collector.acks(&[&Line::intent(intent)]).await[0])
}

async fn judge(database: &Database, decision: &str, said: VerdictKind) {
    let (reviewing, ann) = reviewing(database);
    let shown = reviewing.reader.decision(decision).await.unwrap().unwrap().digest;
    let judged = reviewing.judge(&ann, decision, said, "", &shown).await.unwrap();
    assert!(matches!(judged, Judged::Given(_)), "{judged:?}");
}

/// Reviews as `id reason {policies}`, in their order, and those that wait.
async fn reviews(database: &Database) -> (Vec<String>, i64) {
    let sql = "SELECT concat_ws(' ', decision_id, reason, policies::text) FROM ai_reviews
        WHERE caller = 'key:0123456789abcdef' ORDER BY decision_id";
    let rows = database.admin().await.query(sql, &[]).await.unwrap();
    let open = database.count("SELECT count(*) FROM reviews_open").await;
    (rows.iter().map(|row| row.get(0)).collect(), open)
}

#[tokio::test]
async fn outcome_that_is_routed_opens_its_review_with_it() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let (a, b, late) = (id(), id(), id());
    let mut fired = routed(&a);
    let mut observed = triggered("tried", "route_to_human_review");
    observed.enforced = false;
    let mut held = triggered("held", "route_to_human_review");
    held.held = true;
    fired.triggered.extend([
        triggered("flagged", "flag_for_review"),
        observed,
        held.clone(),
        triggered("{\"a\"}", "route_to_human_review"),
        triggered("high_risk_review", "route_to_human_review"),
    ]);
    let mut only_held = outcome(&b);
    only_held.triggered = vec![held];
    let lines = [line(&fired), line(&only_held)];
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    collector.acks(&[&Line::intent(&intent(&late))]).await;
    close(&database, &late).await;
    collector.acks(&[&line(&routed(&late))]).await;
    let expected = vec![
        format!(r#"{a} routed {{high_risk_review,"{{\"a\"}}"}}"#),
        format!("{late} routed {{high_risk_review}}"),
    ];
    assert_eq!(reviews(&database).await, (expected.clone(), 2));

    // So does the migration, of decisions from before.
    collector.stop().await;
    let undo = "SET ROLE governance_owner;
        DROP TABLE ai_reviews, ai_review_verdicts, reviews_open;
        DROP FUNCTION governance_open_reviews, governance_close_reviews;
        ALTER TABLE ai_decisions DROP COLUMN review;
        DELETE FROM governance_migrations WHERE version = 11";
    database.admin().await.batch_execute(undo).await.unwrap();
    migrate(&DatabaseConfig::parse(&database.admin_url).unwrap()).await.unwrap();
    assert_eq!(reviews(&database).await, (expected, 2));
}

#[tokio::test]
async fn held_call_waits_for_a_verdict_and_then_goes_on_for_its_time() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let first = holding(&id());
    let x = first.decision_id.as_str();
    assert_eq!(ask(&collector, &first).await, committed(IntentVerdict::Held, x));
    assert_eq!(ask(&collector, &first).await, duplicate(IntentVerdict::Held, x));
    // The same question is in the queue once; another caller's or input's is another.
    assert_eq!(ask(&collector, &holding(&id())).await, committed(IntentVerdict::Held, x));
    let fewer = HoldAsk { policies: vec!["legal_review".to_owned()], ttl_s: 60 };
    let fewer = |id: &str| Intent { hold: Some(fewer.clone()), ..intent(id) };
    assert_eq!(ask(&collector, &fewer(&id())).await, committed(IntentVerdict::Held, x));
    let unnamed = Intent { caller: None, ..holding(&id()) };
    let more = HoldAsk { policies: vec!["legal_review".to_owned(), "more".to_owned()], ttl_s: 60 };
    let more = Intent { hold: Some(more), ..intent(&id()) };
    let other = Intent { input_hash: "other".to_owned(), ..holding(&id()) };
    // Where the model stands in the path, another one has the same input.
    let model = Intent { model: "another".to_owned(), ..holding(&id()) };
    for asked in [&unnamed, &more, &other, &model] {
        let own = committed(IntentVerdict::Held, &asked.decision_id);
        assert_eq!(ask(&collector, asked).await, own);
    }
    judge(&database, x, Approved).await;
    assert_eq!(ask(&collector, &first).await, duplicate(IntentVerdict::Proceed, x));
    assert_eq!(ask(&collector, &holding(&id())).await, committed(IntentVerdict::Proceed, x));
    // An approval of fewer policies is none of more.
    let again = Intent { decision_id: id(), ..more.clone() };
    let waits = committed(IntentVerdict::Held, &more.decision_id);
    assert_eq!(ask(&collector, &again).await, waits);

    // Half an hour later it counts for those who say an hour, and not for those who say a minute.
    let admin = database.admin().await;
    let age = async |minutes: u32| {
        let sql = format!(
            "ALTER TABLE ai_review_verdicts DISABLE TRIGGER refuse_change;
             UPDATE ai_review_verdicts SET created_at = created_at - interval '{minutes} minutes';
             ALTER TABLE ai_review_verdicts ENABLE ALWAYS TRIGGER refuse_change"
        );
        admin.batch_execute(&sql).await.unwrap();
    };
    age(30).await;
    assert_eq!(ask(&collector, &holding(&id())).await, committed(IntentVerdict::Proceed, x));
    // The wider question, which waits, covers the narrow one.
    assert_eq!(ask(&collector, &fewer(&id())).await, waits);
    age(31).await;
    let anew = holding(&id());
    assert_eq!(ask(&collector, &anew).await, committed(IntentVerdict::Held, &anew.decision_id));

    // A later verdict supersedes, and a rejection stays.
    judge(&database, &anew.decision_id, Rejected).await;
    let rejected = committed(IntentVerdict::Rejected, &anew.decision_id);
    assert_eq!(ask(&collector, &holding(&id())).await, rejected);
    age(60 * 24 * 365).await;
    assert_eq!(ask(&collector, &holding(&id())).await, rejected);
    judge(&database, x, Approved).await;
    assert_eq!(ask(&collector, &holding(&id())).await, committed(IntentVerdict::Proceed, x));
    assert_eq!(reviews(&database).await.1, 4);
}

#[tokio::test]
async fn calls_of_one_request_that_ask_the_same_share_a_review() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let (a, b, plain) = (holding(&id()), holding(&id()), intent(&id()));
    let fewer = HoldAsk { policies: vec!["legal_review".to_owned()], ttl_s: 60 };
    let fewer = Intent { hold: Some(fewer), ..intent(&id()) };
    let lines = [&fewer, &a, &plain, &b].map(Line::intent);
    let acks = collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let held = committed(IntentVerdict::Held, &a.decision_id);
    let proceed = (AckStatus::Committed, Some(IntentVerdict::Proceed), None);
    let told: Vec<Told> = acks.iter().map(told).collect();
    assert_eq!(told, [held.clone(), held.clone(), proceed, held]);
    let expected = vec![format!("{} held {{legal_review,high_risk_review}}", a.decision_id)];
    assert_eq!(reviews(&database).await, (expected, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_that_are_asked_at_once_open_one_review() {
    let database = Database::fresh().await;
    let replicas =
        [Collector::ready(database.config()).await, Collector::ready(database.config()).await];
    for round in 0..10 {
        let input_hash = format!("round {round}");
        let asks = (0..4).map(|at| {
            let asked = Intent { input_hash: input_hash.clone(), ..holding(&id()) };
            let replica = &replicas[at % 2];
            async move { ask(replica, &asked).await }
        });
        let told = futures_util::future::join_all(asks).await;
        assert!(told.iter().all(|each| *each == told[0] && each.2.is_some()), "{told:?}");
    }
    assert_eq!(reviews(&database).await.1, 10);
}

#[tokio::test]
async fn hold_that_cannot_be_looked_up_has_no_verdict_and_its_neighbours_have_theirs() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let admin = database.admin().await;
    admin.batch_execute("ALTER TABLE ai_reviews RENAME TO away").await.unwrap();
    let lines = [holding(&id()), intent(&id())].map(|intent| Line::intent(&intent));
    let acks = collector.acks(&[&lines[0], &lines[1]]).await;
    assert_eq!(told(&acks[0]), (AckStatus::Committed, None, None));
    assert_eq!(told(&acks[1]), (AckStatus::Committed, Some(IntentVerdict::Proceed), None));
    let unanswered = "collector_holds_unanswered_total{reason=\"database\"}";
    assert_eq!(collector.metric(unanswered).await, 1.0);
    admin.batch_execute("ALTER TABLE away RENAME TO ai_reviews").await.unwrap();
    let ack = &collector.acks(&[&lines[0]]).await[0];
    assert_eq!(told(ack), duplicate(IntentVerdict::Held, &ack.decision_id));
    // Neither does one that waits for a lock for long hold up its neighbours for longer.
    admin.batch_execute("SELECT pg_advisory_lock(716110621)").await.unwrap();
    let lines = [holding(&id()), intent(&id())].map(|intent| Line::intent(&intent));
    let acks = collector.acks(&[&lines[0], &lines[1]]).await;
    assert_eq!((acks[0].verdict, acks[1].verdict), (None, Some(IntentVerdict::Proceed)));
    assert_eq!(collector.metric(unanswered).await, 2.0);
}

#[tokio::test]
async fn err_hold_or_review_that_makes_no_sense_is_rejected() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let hold = |policies: &[&str], ttl_s| {
        let policies = policies.iter().map(|name| (*name).to_owned()).collect();
        Line::intent(&Intent { hold: Some(HoldAsk { policies, ttl_s }), ..intent(&id()) })
    };
    let review = |review: &str| {
        let mut outcome = outcome(&id());
        outcome.review = Some(review.to_owned());
        line(&outcome)
    };
    let (long, longest) = ("ä".repeat(101), "ä".repeat(100));
    let lines = [
        (hold(&[], 60), AckStatus::Rejected),
        (hold(&[""], 60), AckStatus::Rejected),
        (hold(&[&long], 60), AckStatus::Rejected),
        (hold(&["p"; 501], 60), AckStatus::Rejected),
        (hold(&["p"], 59), AckStatus::Rejected),
        (hold(&["p"], 2_592_001), AckStatus::Rejected),
        (hold(&[&longest], 60), AckStatus::Committed),
        (hold(&["p"; 500], 2_592_000), AckStatus::Committed),
        (review("r-1"), AckStatus::Rejected),
        (review(&id()), AckStatus::Committed),
    ];
    let posted = lines.iter().map(|(line, _)| line.bytes.clone()).collect();
    let acks = acks_of(collector.post_bytes(posted).await).await;
    let said: Vec<AckStatus> = acks.iter().map(|ack| ack.status).collect();
    assert_eq!(said, lines.map(|(_, status)| status));
    assert!(acks[..6].iter().all(|ack| ack.verdict.is_none()));
    let why = "SELECT count(*) FROM ai_quarantine WHERE reason = 'field'";
    assert_eq!(database.count(why).await, 7);
}
