//! The read-only endpoints: what they hand out, to whom, and how much at once.

use governance_filter::record::Line;
use log_collector::config::{Secret, ServeConfig};
use log_collector::store::reader::{Reader, Selection};

use crate::support::{
    Collector, Database, POLICY, TOKEN, flagged, id, intent, line, now, outcome, version_of,
};

const READ_TOKEN: &str = "read-token-0123456789";

fn readable(database: &Database) -> ServeConfig {
    let mut config = database.config();
    config.read_token = Some(READ_TOKEN.parse::<Secret>().unwrap());
    config
}

/// Status, where the next page begins, and the body.
async fn read(collector: &Collector, path: &str) -> (u16, Option<String>, String) {
    let request = collector.http.get(format!("{}{path}", collector.url)).bearer_auth(READ_TOKEN);
    let response = request.send().await.unwrap();
    let next = response.headers().get("x-next-after");
    let next = next.map(|next| next.to_str().unwrap().to_owned());
    (response.status().as_u16(), next, response.text().await.unwrap())
}

fn record_of(line: &Line) -> String {
    let value: serde_json::Value = serde_json::from_slice(&line.bytes).unwrap();
    let text = std::str::from_utf8(&line.bytes).unwrap();
    let start = text.find(r#""record":"#).unwrap() + r#""record":"#.len();
    let mut records = serde_json::Deserializer::from_str(&text[start..]).into_iter();
    let record: serde_json::Value = records.next().unwrap().unwrap();
    assert_eq!(record, value["record"]);
    text[start..start + records.byte_offset()].to_owned()
}

fn id_at(unix_ms: u64, last: u16) -> String {
    format!("d-{unix_ms:012x}7000800000000000{last:04x}")
}

#[tokio::test]
async fn records_come_as_they_were_hashed_in_order_and_by_pages() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    let start = now() - 10_000;
    let lines: Vec<Line> = (0..5).map(|n| flagged(&id_at(start + n, 1), "a summary")).collect();
    let intent = Line::intent(&intent(&id()));
    let sent: Vec<&Line> = lines.iter().rev().chain([&intent]).collect();
    collector.acks(&sent).await;
    let all: String = lines.iter().map(|line| record_of(line) + "\n").collect();
    let (status, next, text) = read(&collector, "/v1/decisions").await;
    assert_eq!((status, next, text.as_str()), (200, None, all.as_str()));
    assert!(!text.contains("a summary") && !text.contains("summary_salt"), "{text}");

    let (mut paged, mut after, mut pages) = (String::new(), String::new(), 0);
    loop {
        let path = format!("/v1/decisions?limit=2&after={after}");
        let (status, next, text) = read(&collector, &path).await;
        assert_eq!(status, 200, "{text}");
        paged.push_str(&text);
        pages += 1;
        let Some(next) = next else { break };
        after = next;
    }
    assert_eq!((paged, pages), (all, 3));

    let time = |ms: u64| governance_filter::record::rfc3339(ms);
    let (since, until) = (time(start + 1), time(start + 3));
    let path = format!("/v1/decisions?since={since}&until={until}");
    let expected: String = lines[1..3].iter().map(|line| record_of(line) + "\n").collect();
    assert_eq!(read(&collector, &path).await.2, expected, "since is within, until is not");
    let (status, next, text) = read(&collector, "/v1/decisions?until=1970-01-02").await;
    assert_eq!((status, next, text.as_str()), (200, None, ""));
}

#[tokio::test]
async fn page_ends_at_its_bytes_but_holds_one_record_at_least() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    let lines: Vec<Line> = (0..3).map(|n| line(&outcome(&id_at(now(), n)))).collect();
    collector.acks(&lines.iter().collect::<Vec<_>>()).await;
    let config = readable(&database);
    let reader = Reader::new(&config.database, config.commit_timeout, 1).unwrap();
    let bytes = i64::try_from(record_of(&lines[0]).len()).unwrap();
    for (bytes_max, expected) in [(1, 1), (bytes, 1), (bytes + 1, 2), (bytes * 3, 3)] {
        let part = Selection { from: "", before: "e", after: "", records_max: 9, bytes_max };
        let records = reader.records(&part).await.unwrap();
        assert_eq!(records.len(), expected, "{bytes_max} of {bytes}");
    }
}

#[tokio::test]
async fn policy_comes_as_it_was_sent() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    let path = format!("/v1/policies/{}", version_of(POLICY));
    assert_eq!(read(&collector, &path).await, (200, None, POLICY.to_owned()));
    let path = format!("/v1/policies/{}", version_of("never announced"));
    let (status, _, text) = read(&collector, &path).await;
    assert_eq!((status, text.as_str()), (404, "there is no policy of this version\n"));
}

#[tokio::test]
async fn err_questions_that_make_no_sense() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    let names = "bad query: it takes `since`, `until`, `after` and `limit`, each once\n";
    let times = "bad query: `since` and `until` are times such as 2026-03-15T12:00Z, or dates\n";
    for (query, expected) in [
        ("from=2026-03-15", names),
        ("limit=2&limit=3", names),
        ("limit=many", names),
        ("limit=0", "bad query: `limit` goes from 1 to 1000\n"),
        ("limit=1001", "bad query: `limit` goes from 1 to 1000\n"),
        ("since=yesterday", times),
        ("until=2026-03-15T12:00", times),
        ("after=d-1", "bad query: `after` is no decision id\n"),
    ] {
        let (status, _, text) = read(&collector, &format!("/v1/decisions?{query}")).await;
        assert_eq!((status, text.as_str()), (400, expected), "{query}");
    }
    let (status, _, text) = read(&collector, "/v1/policies/latest").await;
    let version = "bad policy: its version is not `sha256:` and 64 hex digits\n";
    assert_eq!((status, text.as_str()), (400, version));
}

#[tokio::test]
async fn err_each_token_opens_its_own_door_alone() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    let policy = format!("{}/v1/policies/{}", collector.url, version_of(POLICY));
    let decisions = format!("{}/v1/decisions", collector.url);
    let line = line(&outcome(&id())).bytes;
    for (method, url, token) in [
        ("GET", &decisions, TOKEN),
        ("GET", &policy, TOKEN),
        ("GET", &decisions, ""),
        ("POST", &decisions, READ_TOKEN),
        ("PUT", &policy, READ_TOKEN),
    ] {
        let request = collector.http.request(method.parse().unwrap(), url).bearer_auth(token);
        let response = request.body(line.clone()).send().await.unwrap();
        assert_eq!(response.status(), 401, "{method} {url} with `{token}`");
    }
    assert_eq!(database.count("SELECT count(*) FROM ai_decisions").await, 0);
}

#[tokio::test]
async fn err_without_a_token_for_it_nobody_reads() {
    let database = Database::fresh().await;
    let collector = Collector::ready(database.config()).await;
    for path in ["/v1/decisions".to_owned(), format!("/v1/policies/{}", version_of(POLICY))] {
        for token in [TOKEN, READ_TOKEN, ""] {
            let request = collector.http.get(format!("{}{path}", collector.url)).bearer_auth(token);
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 403, "{path} with `{token}`");
            let expected = "reading is off: this collector was started without \
                GOVERNANCE_READ_TOKEN\n";
            assert_eq!(response.text().await.unwrap(), expected);
        }
    }
}

#[tokio::test]
async fn third_reader_is_told_to_come_back_and_commits_go_on() {
    let database = Database::fresh().await;
    let collector = Collector::ready(readable(&database)).await;
    collector.acks(&[&line(&outcome(&id()))]).await;
    // Readers of policies wait for this; lines of a known policy do not.
    let admin = database.admin().await;
    admin.batch_execute("BEGIN; LOCK TABLE ai_policies").await.unwrap();
    let path = format!("{}/v1/policies/{}", collector.url, version_of(POLICY));
    let waiting: Vec<_> = (0..2)
        .map(|_| tokio::spawn(collector.http.get(&path).bearer_auth(READ_TOKEN).send()))
        .collect();
    let blocked = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND wait_event_type = 'Lock'";
    crate::support::until("two readers wait", || async { database.count(blocked).await == 2 })
        .await;
    let request = collector.http.get(format!("{}/v1/decisions", collector.url));
    let response = request.bearer_auth(READ_TOKEN).send().await.unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.text().await.unwrap(), "too many readers at once\n");
    admin.batch_execute("ROLLBACK").await.unwrap();
    for reader in waiting {
        assert_eq!(reader.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(read(&collector, "/v1/decisions").await.0, 200, "a permit was given back");
}
