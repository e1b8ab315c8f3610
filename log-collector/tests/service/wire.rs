//! The wire: what each line and each request is answered, and what then stands in Postgres.

use governance_filter::record::{
    Ack, AckStatus, Delivery, DeliveryKind, IntentVerdict, Line, rfc3339, sha256_hex,
};

use crate::support::{
    Collector, Database, POLICY, TOKEN, acks_of, flagged, id, intent, line, now, outcome,
    version_of,
};

fn statuses(acks: &[Ack]) -> Vec<AckStatus> {
    acks.iter().map(|ack| ack.status).collect()
}

#[tokio::test]
async fn contract_fixture_is_committed_and_acked_line_by_line() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    let fixture = include_bytes!("../../../tests/fixtures/contract/v1.ndjson");
    let lines: Vec<Vec<u8>> =
        fixture.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(<[u8]>::to_vec).collect();
    let acks = acks_of(collector.post_bytes(lines.clone()).await).await;
    assert_eq!(statuses(&acks), [AckStatus::Committed; 3]);
    assert_eq!(acks[0].verdict, Some(IntentVerdict::Proceed));
    assert_eq!(acks[1].verdict, None);
    let row = database
        .admin()
        .await
        .query_one(
            "SELECT encode(sha256(record), 'hex') = digest, output_summary,
                encode(sha256(summary_salt || convert_to(output_summary, 'UTF8')), 'hex')
                    = convert_from(record, 'UTF8')::jsonb ->> 'output_summary_digest',
                confidence::text, categories, convert_from(record, 'UTF8')
             FROM ai_decisions",
            &[],
        )
        .await
        .unwrap();
    assert!(row.get::<_, bool>(0));
    assert!(row.get::<_, bool>(2), "summary and salt give the digest in the record");
    assert_eq!(row.get::<_, String>(3), "0.62");
    let sent = String::from_utf8(lines[1].clone()).unwrap();
    assert!(sent.contains(&row.get::<_, String>(5)), "the exact bytes are kept");
    assert_eq!(database.count("SELECT count(*) FROM ai_decision_intents").await, 1);
    assert_eq!(database.count("SELECT count(*) FROM ai_deliveries").await, 1);
}

#[tokio::test]
async fn both_summaries_stand_beside_the_record_under_one_salt() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    let fixture = include_str!("../../../tests/fixtures/contract/v1_gained.ndjson").trim_end();
    let post = |line: String| collector.post_bytes(vec![line.into_bytes()]);
    let altered = fixture.replace("What is [phone]?", "What is 555-0100?");
    let missing = fixture.replace(",\"input_summary\":\"What is [phone]?\"", "");
    for bad in [altered, missing] {
        assert_ne!(bad, fixture);
        let acks = acks_of(post(bad).await).await;
        assert_eq!(statuses(&acks), [AckStatus::Rejected]);
    }
    assert_eq!(statuses(&acks_of(post(fixture.to_owned()).await).await), [AckStatus::Committed]);
    let sql = "SELECT input_summary, encode(sha256(summary_salt || convert_to(input_summary,
            'UTF8')), 'hex') = convert_from(record, 'UTF8')::jsonb ->> 'input_summary_digest',
            position(input_summary IN convert_from(record, 'UTF8')) = 0
         FROM ai_decisions";
    let row = database.admin().await.query_one(sql, &[]).await.unwrap();
    assert_eq!(row.get::<_, String>(0), "What is [phone]?");
    assert!(row.get::<_, bool>(1), "summary and salt give the digest in the record");
    assert!(row.get::<_, bool>(2), "the record holds no text of the input");
}

#[tokio::test]
async fn repeat_is_a_duplicate_and_changes_nothing() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let id = id();
    let (intent, outcome) = (Line::intent(&intent(&id)), line(&outcome(&id)));
    let lines = [&intent, &outcome];
    assert_eq!(statuses(&collector.acks(&lines).await), [AckStatus::Committed; 2]);
    let again = collector.acks(&lines).await;
    assert_eq!(statuses(&again), [AckStatus::Duplicate; 2]);
    assert_eq!(again[0].verdict, Some(IntentVerdict::Proceed));
    assert!(again[1].releases(&outcome));
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 1);
}

#[tokio::test]
async fn same_line_twice_in_one_batch_is_committed_once() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let id = id();
    let first = line(&outcome(&id));
    let mut changed = outcome(&id);
    changed.model = "another".to_owned();
    let other = line(&changed);
    let acks = collector.acks(&[&first, &first, &other]).await;
    let expected = [AckStatus::Committed, AckStatus::Duplicate, AckStatus::Quarantined];
    assert_eq!(statuses(&acks), expected);
}

#[tokio::test]
async fn other_digest_is_quarantined_and_counted_as_an_alarm() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let id = id();
    collector.acks(&[&line(&outcome(&id))]).await;
    let mut changed = outcome(&id);
    changed.model = "another".to_owned();
    let changed = line(&changed);
    let acks = collector.acks(&[&changed]).await;
    assert_eq!(acks[0].status, AckStatus::Quarantined);
    assert!(!acks[0].releases(&changed));
    assert_eq!(collector.metric("collector_digest_conflicts_total").await, 1.0);
    let kept = "SELECT count(*) FROM ai_quarantine WHERE reason = 'conflict' AND kind = 'outcome'";
    assert_eq!(database.count(kept).await, 1);
    let unchanged = "SELECT count(*) FROM ai_decisions WHERE model = 'gpt-4o-2025-12-17'";
    assert_eq!(database.count(unchanged).await, 1);
}

#[tokio::test]
async fn bad_lines_do_not_touch_their_neighbours() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let (first, last) = (line(&outcome(&id())), line(&outcome(&id())));
    let replace = |line: Line, from: &str, to: &str| {
        String::from_utf8(line.bytes).unwrap().replace(from, to).into_bytes()
    };
    let mut bad_id = outcome(&id());
    bad_id.decision_id = "d-0123456789ab".to_owned();
    let mut old = outcome(&id());
    old.decision_id = format!("d-{:012x}7000800000000000000", 1_000);
    let mut version = outcome(&id());
    version.v = 2;
    let mut time = outcome(&id());
    time.created_at = "yesterday".to_owned();
    let mut huge = outcome(&id());
    huge.route = Some("x".repeat(256 << 10));
    let mut unknown = outcome(&id());
    unknown.outcome = governance_filter::record::OutcomeKind::Unknown;
    let lines = vec![
        first.bytes.clone(),
        br#"{"kind":"outcome"#.to_vec(),
        replace(line(&outcome(&id())), "gpt-4o-2025", "gpt-5o-2025"),
        replace(flagged(&id(), "the text"), "the text", "a lie"),
        line(&bad_id).bytes,
        line(&old).bytes,
        line(&version).bytes,
        line(&time).bytes,
        line(&huge).bytes,
        line(&unknown).bytes,
        last.bytes.clone(),
    ];
    let count = lines.len();
    let acks = acks_of(collector.post_bytes(lines).await).await;
    let (bad, good): (Vec<_>, Vec<_>) =
        acks.iter().partition(|ack| ack.status == AckStatus::Rejected);
    assert_eq!((good.len(), bad.len()), (2, count - 2));
    assert!(acks[0].releases(&first) && acks[count - 1].releases(&last));
    let reasons = "SELECT count(DISTINCT reason) FROM ai_quarantine WHERE reason IN
        ('line', 'digest', 'summary', 'id', 'version', 'field', 'size', 'outcome')";
    assert_eq!(database.count(reasons).await, 8);
}

#[tokio::test]
async fn values_no_column_can_hold_are_made_harmless() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let mut odd = outcome(&id());
    odd.model = "nul\0model".to_owned();
    odd.categories = vec!["nul\0".to_owned()];
    odd.usage = Some(serde_json::json!({"a\0b": ["\0"], "big": 1e300}));
    odd.input_tokens = Some(u64::MAX);
    odd.confidence = Some(1e300);
    let neighbour = line(&outcome(&id()));
    let acks = collector.acks(&[&line(&odd), &neighbour]).await;
    assert_eq!(statuses(&acks), [AckStatus::Committed; 2]);
    let sql = "SELECT count(*) FROM ai_decisions WHERE model = 'nulmodel' AND input_tokens IS NULL
        AND categories = ARRAY['nul'] AND usage ? 'ab' AND encode(sha256(record), 'hex') = digest";
    assert_eq!(database.count(sql).await, 1);
}

#[tokio::test]
async fn line_the_database_refuses_is_found_by_halving() {
    let database = Database::fresh().await;
    // Stands for whatever no check foresees.
    let owner = database.admin().await;
    let sql = "ALTER TABLE ai_decisions ADD CONSTRAINT odd CHECK (route IS DISTINCT FROM 'poison')";
    owner.batch_execute(sql).await.unwrap();
    let collector = Collector::ready(database.config()).await;
    let mut poison = outcome(&id());
    poison.route = Some("poison".to_owned());
    let poison = line(&poison);
    let mut lines: Vec<_> = (0..40).map(|_| line(&outcome(&id()))).collect();
    lines.insert(17, poison);
    let acks = collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    for (at, ack) in acks.iter().enumerate() {
        let expected = if at == 17 { AckStatus::Rejected } else { AckStatus::Committed };
        assert_eq!(ack.status, expected, "line {at}");
    }
    let kept = "SELECT count(*) FROM ai_quarantine WHERE reason = 'database'";
    assert_eq!(database.count(kept).await, 1);
}

#[tokio::test]
async fn unknown_policy_releases_nothing_until_it_is_announced() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    let line = Line::intent(&intent(&id()));
    let acks = collector.acks(&[&line]).await;
    assert_eq!(acks[0].status, AckStatus::UnknownPolicy);
    assert_eq!(acks[0].verdict, None);
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    assert_eq!(collector.put_policy(POLICY).await.status(), 204);
    assert_eq!(collector.acks(&[&line]).await[0].status, AckStatus::Committed);
    let seen = "SELECT count(*) FROM ai_policy_observations WHERE gateway = 'gateway-1'";
    assert_eq!(database.count(seen).await, 1);
}

#[tokio::test]
async fn policy_under_another_digest_is_refused() {
    let database = Database::fresh().await;
    let collector = Collector::start(database.config()).await;
    let put = |version: String| {
        let url = format!("{}/v1/policies/{version}", collector.url);
        collector.http.put(url).bearer_auth(TOKEN).body("other: text\n").send()
    };
    assert_eq!(put(version_of(POLICY)).await.unwrap().status(), 400);
    assert_eq!(put("latest".to_owned()).await.unwrap().status(), 400);
}

#[tokio::test]
async fn deliveries_are_kept_beside_the_decision() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let delivery = Line::delivery(&Delivery {
        v: 1,
        decision_id: id(),
        created_at: rfc3339(now()),
        policy_version: version_of(POLICY),
        delivery: DeliveryKind::ReleasedUncommitted,
    });
    assert_eq!(collector.acks(&[&delivery]).await[0].status, AckStatus::Committed);
    assert_eq!(collector.acks(&[&delivery]).await[0].status, AckStatus::Duplicate);
    let sql = "SELECT count(*) FROM ai_deliveries WHERE delivery = 'released_uncommitted'";
    assert_eq!(database.count(sql).await, 1);
}

#[tokio::test]
async fn err_requests_that_are_refused_as_a_whole() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let url = format!("{}/v1/decisions", collector.url);
    let post = || collector.http.post(&url);
    let good = line(&outcome(&id())).bytes;
    let status = |request: reqwest::RequestBuilder| async {
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(status(post().body(good.clone())).await, 401, "no token");
    assert_eq!(status(post().bearer_auth("test-token-012345678X").body(good)).await, 401);
    for (name, body) in [
        ("empty", Vec::new()),
        ("not UTF-8", b"{\"kind\":\"\xff\"}".to_vec()),
        ("no JSON", b"hello".to_vec()),
        ("no object", b"[1]".to_vec()),
    ] {
        assert_eq!(status(post().bearer_auth(TOKEN).body(body)).await, 400, "{name}");
    }
    let large = vec![b' '; (16 << 20) + 1];
    assert_eq!(status(post().bearer_auth(TOKEN).body(large)).await, 413);
    let many = b"{}\n".repeat(4_097);
    assert_eq!(
        status(post().bearer_auth(TOKEN).body(many)).await,
        413,
        "more than the queue holds"
    );
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 0);
}

#[tokio::test]
async fn health_readiness_and_metrics_answer() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    collector.acks(&[&line(&outcome(&id()))]).await;
    assert_eq!(collector.get("/healthz").await.0, 200);
    assert_eq!(collector.get("/readyz").await.0, 200);
    let (status, text) = collector.get("/metrics").await;
    assert_eq!(status, 200);
    let counted = "collector_lines_total{kind=\"outcome\",status=\"committed\"} 1";
    assert!(text.contains(counted), "{text}");
    assert!(text.contains("collector_commit_seconds_count"), "{text}");
    collector.stop().await;
}

#[tokio::test]
async fn line_that_can_not_be_read_leaves_nothing_of_its_text() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let bytes = flagged(&id(), "the text").bytes;
    let cut = bytes[..bytes.len() - 1].to_vec();
    assert!(String::from_utf8_lossy(&cut).contains("the text"));
    let good = line(&outcome(&id()));
    let acks = acks_of(collector.post_bytes(vec![good.bytes, cut.clone()]).await).await;
    assert_eq!(statuses(&acks), [AckStatus::Committed, AckStatus::Rejected]);
    let sql = format!(
        "SELECT count(*) FROM ai_quarantine WHERE reason = 'line' AND bytes = ''
         AND line_digest = '{}' AND bytes_total = {}",
        sha256_hex(&cut),
        cut.len()
    );
    assert_eq!(database.count(&sql).await, 1);
}

#[tokio::test]
async fn quarantine_stops_growing_at_its_bound_and_conflicts_have_room_beyond() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    let known = outcome(&id());
    let mut changed = known.clone();
    changed.model = "another".to_owned();
    collector.acks(&[&line(&known)]).await;
    let fill = "INSERT INTO ai_quarantine (line_digest, reason, bytes, bytes_total)
        SELECT n, 'line', '', 0 FROM generate_series(1, 9999) AS n";
    database.admin().await.batch_execute(fill).await.unwrap();
    let good = line(&outcome(&id()));
    let bad = |text: &str| text.as_bytes().to_vec();
    let lines = vec![good.bytes, bad("{1"), bad("{2"), line(&changed).bytes, bad("{3")];
    let acks = acks_of(collector.post_bytes(lines).await).await;
    let rejected = AckStatus::Rejected;
    let expected = [AckStatus::Committed, rejected, rejected, AckStatus::Quarantined, rejected];
    assert_eq!(statuses(&acks), expected, "answered as ever");
    let kept = "SELECT count(*) FROM ai_quarantine WHERE reason = 'line'";
    assert_eq!(database.count(kept).await, 10_000);
    let kept = "SELECT count(*) FROM ai_quarantine WHERE reason = 'conflict'";
    assert_eq!(database.count(kept).await, 1);
    assert_eq!(collector.metric("collector_quarantine_dropped_total").await, 2.0);
}
