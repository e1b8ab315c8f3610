//! The API of reviews: what reviewers are told and may say over HTTP, and who they are.

use governance_filter::record::{Line, sha256_hex};
use serde_json::{Value, json};

use crate::support::desk::{ANN, BOB, CALLER, open, reviewed};
use crate::support::{
    Collector, Database, POLICY, TOKEN, flagged, id, intent, line, outcome, until,
};

const READ_TOKEN: &str = "read-token-0123456789";

async fn get(collector: &Collector, token: &str, path: &str) -> (u16, String) {
    let request = collector.http.get(format!("{}{path}", collector.url)).bearer_auth(token);
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn json_of(collector: &Collector, path: &str) -> Value {
    let (status, text) = get(collector, ANN, path).await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn post(collector: &Collector, token: &str, body: String) -> (u16, String) {
    let url = format!("{}/v1/reviews/verdicts", collector.url);
    let response = collector.http.post(url).bearer_auth(token).body(body).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Digests as they are shown.
async fn asked(collector: &Collector, verdict: &str, ids: &[&str]) -> Value {
    let mut decisions = Vec::new();
    for id in ids {
        let shown = json_of(collector, &format!("/v1/reviews/{id}")).await;
        decisions.push(json!({"decision_id": id, "shown_digest": shown["record_digest"]}));
    }
    json!({"verdict": verdict, "note": "seen", "decisions": decisions})
}

async fn results(collector: &Collector, token: &str, body: &Value) -> (u16, Vec<String>) {
    let (status, text) = post(collector, token, body.to_string()).await;
    let answer: Value = serde_json::from_str(&text).unwrap();
    let results = answer["results"].as_array().unwrap().iter();
    let word =
        |result: &Value| format!("{} {}", result["status"], result["result"].as_str().unwrap());
    (status, results.map(word).collect())
}

#[tokio::test]
async fn queue_is_grouped_by_policies_and_caller_and_read_by_pages() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let ids: Vec<String> = (0..14).map(|_| id()).collect();
    let mut lines: Vec<Line> = ids.iter().map(|id| line(&outcome(id))).collect();
    let mut nobody = outcome(&ids[13]);
    nobody.caller = None;
    lines[13] = line(&nobody);
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let of: Vec<&str> = ids.iter().map(String::as_str).collect();
    open(&database, &of[..12], "high_risk", 60).await;
    open(&database, &of[12..13], "high_risk,no_medicine", 90_000).await;
    open(&database, &of[13..], "high_risk", 10).await;

    let shown = json_of(&collector, "/v1/reviews").await;
    assert_eq!((&shown["open"], &shown["overdue"]), (&json!(14), &json!(1)));
    assert_eq!((&shown["max_age_seconds"], &shown["more_groups"]), (&json!(86_400), &json!(0)));
    let groups = shown["groups"].as_array().unwrap();
    let brief = |group: &Value| {
        json!([
            group["policies"],
            group["caller"],
            group["reason"],
            group["count"],
            group["overdue"]
        ])
    };
    let expected = json!([
        [["high_risk", "no_medicine"], CALLER, "routed", 1, 1],
        [["high_risk"], CALLER, "routed", 12, 0],
        [["high_risk"], null, "routed", 1, 0],
    ]);
    assert_eq!(Value::from_iter(groups.iter().map(brief)), expected, "the oldest first");
    assert_eq!(groups[0]["decision_ids"], json!([of[12]]));
    assert_eq!(groups[1]["decision_ids"], json!(of[..10]), "the first ten");
    assert!(groups[0]["oldest_age_seconds"].as_f64().unwrap() >= 90_000.0);

    let all = groups[1]["all"].as_str().unwrap();
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let page = json_of(&collector, &format!("{all}&limit=5{after}")).await;
        let reviews = page["reviews"].as_array().unwrap().iter();
        paged.extend(reviews.map(|review| review["decision_id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_after"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(paged, &ids[..12]);
    for (query, count) in [
        ("policy=no_medicine", 1),
        ("policy=high_risk", 14),
        ("policy=high_risk&caller=", 1),
        ("caller=key:0123456789abcdef", 13),
        ("policy=other", 0),
    ] {
        let shown = json_of(&collector, &format!("/v1/reviews?{query}")).await;
        assert_eq!(shown["open"], json!(count), "{query}");
        let page = json_of(&collector, &format!("/v1/reviews/open?{query}")).await;
        assert_eq!(page["reviews"].as_array().unwrap().len(), count, "{query}");
    }
    let page = json_of(&collector, "/v1/reviews/open?limit=1").await;
    assert_eq!(page["reviews"][0]["overdue"], json!(true));

    // One that starts reads its gauges at once.
    let collector = Collector::start(database.config()).await;
    until("the gauges are read", || async {
        collector.metric("collector_reviews_open").await == 14.0
    })
    .await;
    assert_eq!(collector.metric("collector_reviews_overdue").await, 1.0);
    assert!(collector.metric("collector_reviews_oldest_seconds").await >= 90_000.0);
}

#[tokio::test]
async fn decision_is_shown_with_all_beside_it() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let (decision, other) = (id(), id());
    let sent = [&Line::intent(&intent(&decision)), &flagged(&decision, "Ann asked [EMAIL]")];
    collector.acks(&sent).await;
    collector.acks(&[&line(&outcome(&other))]).await;
    open(&database, &[&decision], "confidence_gate", 5).await;
    let path = format!("/v1/reviews/{decision}");
    let shown = json_of(&collector, &path).await;
    assert_eq!(shown["record"]["decision_id"], json!(decision));
    assert_eq!(shown["record_kind"], json!("outcome"));
    let (_, text) = get(&collector, ANN, &path).await;
    let record = &text[text.find(r#""record":"#).unwrap() + r#""record":"#.len()..];
    let record = &record[..record.find(r#","record_digest""#).unwrap()];
    assert_eq!(shown["record_digest"], json!(sha256_hex(record.as_bytes())), "byte for byte");
    assert_eq!(shown["policy_text"], json!(POLICY));
    assert_eq!(shown["triggered"][0]["policy"], json!("confidence_gate"));
    assert_eq!(shown["output"], json!({"kept": true, "text": "Ann asked [EMAIL]"}));
    assert_eq!(shown["input"], json!({"kept": false, "text": "input not kept"}));
    assert_eq!(shown["review"]["open"], json!(true));
    assert_eq!(shown["neighbours"][0]["decision_id"], json!(other));
    assert_eq!((&shown["verdicts"], &shown["own_call"]), (&json!([]), &json!(false)));
    let (_, text) = get(&collector, BOB, &path).await;
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap()["own_call"], json!(true));

    let pending = id();
    collector.acks(&[&Line::intent(&intent(&pending))]).await;
    let shown = json_of(&collector, &format!("/v1/reviews/{pending}")).await;
    assert_eq!((&shown["record_kind"], &shown["review"]), (&json!("intent"), &Value::Null));
    assert_eq!(shown["record"]["decision_id"], json!(pending));
    let none = (404, "there is no decision of this id\n".to_owned());
    assert_eq!(get(&collector, ANN, &format!("/v1/reviews/{}", id())).await, none);
    assert_eq!(get(&collector, ANN, "/v1/reviews/d-1").await, none);
}

#[tokio::test]
async fn one_verdict_on_many_is_a_leaf_each_and_each_is_answered() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let ids: Vec<String> = (0..3).map(|_| id()).collect();
    let lines: Vec<Line> = ids.iter().map(|id| line(&outcome(id))).collect();
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let of: Vec<&str> = ids.iter().map(String::as_str).collect();
    open(&database, &of, "high_risk", 60).await;

    let mut body = asked(&collector, "approved", &of[..2]).await;
    assert_eq!(results(&collector, BOB, &body).await, (403, vec!["403 own_call".into(); 2]));
    assert_eq!(results(&collector, ANN, &body).await, (200, vec!["200 given".into(); 2]));
    assert_eq!(results(&collector, ANN, &body).await, (200, vec!["200 stands".into(); 2]));
    let leaves = "SELECT count(*) FROM ai_ledger_pending p WHERE kind = 'verdict'";
    assert_eq!(database.count(leaves).await, 2);
    assert_eq!(json_of(&collector, "/v1/reviews").await["open"], json!(1));

    let digest = body["decisions"][0]["shown_digest"].clone();
    body["decisions"] = json!([
        {"decision_id": of[0], "shown_digest": digest},
        {"decision_id": of[1], "shown_digest": "0".repeat(64)},
        {"decision_id": id(), "shown_digest": "0".repeat(64)},
    ]);
    let mixed = vec!["200 stands".into(), "409 changed".into(), "404 unknown".into()];
    assert_eq!(results(&collector, ANN, &body).await, (207, mixed));
    body["decisions"] = json!([{"decision_id": of[2], "shown_digest": "0".repeat(64)}]);
    assert_eq!(results(&collector, ANN, &body).await, (409, vec!["409 changed".into()]));

    let shown = json_of(&collector, &format!("/v1/reviews/{}", of[0])).await;
    let said = &shown["verdicts"][0];
    assert_eq!((&said["verdict"], &said["reviewer"]), (&json!("approved"), &json!("ann")));
    assert_eq!((&said["note"], &said["leaf"]), (&json!("seen"), &Value::Null));
    assert_eq!(shown["review"]["open"], json!(false));
    let counted = r#"collector_review_verdicts_total{policy="high_risk",verdict="approved"}"#;
    assert_eq!(collector.metric(counted).await, 2.0);
}

#[tokio::test]
async fn err_requests_that_make_no_sense() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    for (path, expected) in [
        ("reviews?who=ann", "bad query: it takes `policy` and `caller`, each once\n"),
        (
            "reviews/open?limit=x",
            "bad query: it takes `policy`, `caller`, `group`, `after` and `limit`, each once\n",
        ),
        ("reviews/open?limit=1001", "bad query: `limit` goes from 1 to 1000\n"),
        ("reviews?policy=%00", "bad query: the database refused it\n"),
        ("reviews/open?after=d-1", "bad query: `after` is no decision id\n"),
        ("reviews/stats?until=x", "bad query: it takes `since`, once\n"),
        (
            "reviews/stats?since=yesterday",
            "bad query: `since` is a time such as 2026-03-15T12:00Z, or a date\n",
        ),
    ] {
        let answer = get(&collector, ANN, &format!("/v1/{path}")).await;
        assert_eq!(answer, (400, expected.to_owned()), "{path}");
    }
    let shape = "expected {\"verdict\": \"approved\" or \"rejected\", \"note\": …, \"decisions\": \
        [{\"decision_id\", \"shown_digest\"}]}";
    let one = json!({"decision_id": id(), "shown_digest": "0".repeat(64)});
    let verdict = |note: &str, decisions: Value| {
        json!({"verdict": "approved", "note": note, "decisions": decisions}).to_string()
    };
    let many: Vec<Value> =
        (0..257).map(|_| json!({"decision_id": id(), "shown_digest": "0".repeat(64)})).collect();
    let bad_id = json!([{"decision_id": "d-1", "shown_digest": "0".repeat(64)}]);
    let bad_digest = json!([{"decision_id": id(), "shown_digest": "0"}]);
    for (body, expected) in [
        ("yes".to_owned(), shape),
        (json!({"verdict": "maybe", "decisions": [one]}).to_string(), shape),
        (verdict("", json!([])), "`decisions` has 1 to 256 entries"),
        (verdict("", json!(many)), "`decisions` has 1 to 256 entries"),
        (verdict(&"x".repeat(1_001), json!([one])), "`note` is longer than 1000 characters"),
        (verdict("", bad_id), "a `decision_id` is no decision id"),
        (verdict("", bad_digest), "a `shown_digest` is not 64 lower-case hex digits"),
        (verdict("", json!([one, one])), "a decision stands there twice"),
    ] {
        let answer = post(&collector, ANN, body).await;
        assert_eq!(answer, (400, format!("bad verdict: {expected}\n")));
    }
    let long = post(&collector, ANN, " ".repeat((128 << 10) + 1)).await;
    assert_eq!(long, (413, "the body is too large\n".to_owned()));
}

#[tokio::test]
async fn err_only_a_reviewer_s_own_token_opens_the_desk() {
    let database = Database::fresh().await;
    let mut config = reviewed(&database);
    config.read_token = Some(READ_TOKEN.parse().unwrap());
    let collector = Collector::ready(config).await;
    let decision = format!("/v1/reviews/{}", id());
    for path in ["/v1/reviews", "/v1/reviews/open", "/v1/reviews/stats", &decision] {
        for token in [TOKEN, READ_TOKEN, "grv_", ""] {
            let refused = (401, "a valid bearer token is needed\n".to_owned());
            assert_eq!(get(&collector, token, path).await, refused, "{path} with `{token}`");
        }
    }
    assert_eq!(post(&collector, TOKEN, "{}".to_owned()).await.0, 401);
    assert_eq!(get(&collector, ANN, "/v1/decisions").await.0, 401, "nor does it open others");
    collector.stop().await;
    let collector = Collector::ready(database.config()).await;
    let off = "review is off: this collector was started without REVIEWERS_FILE\n".to_owned();
    assert_eq!(get(&collector, ANN, "/v1/reviews").await, (404, off.clone()));
    assert_eq!(post(&collector, ANN, "{}".to_owned()).await, (404, off));
}

#[tokio::test]
async fn fifth_request_at_once_is_told_to_come_back() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_reviews").await.unwrap();
    let mut requests = tokio::task::JoinSet::new();
    for _ in 0..5 {
        let url = format!("{}/v1/reviews", collector.url);
        requests.spawn(collector.http.get(url).bearer_auth(ANN).send());
    }
    let first = requests.join_next().await.unwrap().unwrap().unwrap();
    assert_eq!(
        (first.status().as_u16(), &first.headers()["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    assert_eq!(first.text().await.unwrap(), "too many readers at once\n");
    admin.batch_execute("ROLLBACK").await.unwrap();
    while let Some(answer) = requests.join_next().await {
        assert_eq!(answer.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn stats_tell_which_policy_asks_in_vain_and_how_long_people_take() {
    let database = Database::fresh().await;
    let collector = Collector::ready(reviewed(&database)).await;
    let ids: Vec<String> = (0..6).map(|_| id()).collect();
    let lines: Vec<Line> = ids.iter().map(|id| line(&outcome(id))).collect();
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let of: Vec<&str> = ids.iter().map(String::as_str).collect();
    open(&database, &of[..4], "cries_wolf", 7_000).await;
    open(&database, &of[4..5], "high_risk", 7_000).await;
    open(&database, &of[5..], "high_risk", 90_000).await;
    for (verdict, part) in [("approved", 0..3), ("approved", 4..5), ("rejected", 4..5)] {
        let body = asked(&collector, verdict, &of[part]).await;
        assert_eq!(results(&collector, ANN, &body).await.0, 200);
    }
    let sent = format!(
        "INSERT INTO outbox_messages (target, decision_id, state, delivered_at)
         SELECT 'slack', decision_id, 'delivered', created_at + interval '2 seconds'
         FROM ai_decisions WHERE decision_id <> '{}'",
        of[5]
    );
    database.admin().await.batch_execute(&sent).await.unwrap();

    let stats = json_of(&collector, "/v1/reviews/stats?since=2020-01-01").await;
    assert_eq!(stats["since"], json!("2020-01-01T00:00:00.000Z"));
    let (wolf, risk) = (&stats["policies"][0], &stats["policies"][1]);
    let counts = |of: &Value| {
        let names =
            ["policy", "opened", "open", "approved", "rejected", "superseded", "share_approved"];
        Value::from_iter(names.map(|name| of[name].clone()))
    };
    assert_eq!(counts(wolf), json!(["cries_wolf", 4, 1, 3, 0, 0, 1.0]));
    assert_eq!(counts(risk), json!(["high_risk", 2, 1, 0, 1, 1, 0.0]), "the newest verdict counts");
    for of in [wolf, risk] {
        for name in ["median_seconds_to_verdict", "p99_seconds_to_verdict"] {
            let seconds = of[name].as_f64().unwrap();
            assert!((7_000.0..86_400.0).contains(&seconds), "{name}: {seconds}");
        }
    }
    assert_eq!((&stats["open"], &stats["overdue"]), (&json!(2), &json!(1)));
    let ages = stats["open_by_age"].as_array().unwrap().iter().map(|of| of["open"].clone());
    assert_eq!(Value::from_iter(ages), json!([0, 1, 0, 1, 0]));
    let slack =
        json!([{"target": "slack", "delivered": 5, "p50_seconds": 2.0, "p99_seconds": 2.0}]);
    assert_eq!(stats["messages"], slack);
    let later = json_of(&collector, "/v1/reviews/stats?since=2100-01-01").await;
    assert_eq!((&later["policies"], &later["open"]), (&json!([]), &json!(2)));
}
