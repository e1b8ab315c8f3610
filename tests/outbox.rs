//! The outbox: what is sent when, whom an ack releases, what is given up. The same functions run
//! natively and on wasm32.

#![allow(clippy::expect_used, clippy::panic, clippy::indexing_slicing)] // Tests fail by panicking.

use governance_filter::outbox::{
    Call, CallId, Full, HORIZON_MS, INTENTS_STOP_AT, LINES_MAX, News, Notice, Outbox,
    REFUSALS_STOP_AT,
};
use governance_filter::record::{
    Ack, AckStatus, Delivery, DeliveryKind, FORMAT, HoldAnswer, IntentVerdict, Kind, Line,
    sha256_hex,
};
use wasm_bindgen_test::wasm_bindgen_test;

const START: u64 = 1_770_000_000_000;
const DEADLINE: u64 = START + 2000;

fn line(kind: Kind, n: usize) -> Line {
    let delivery = Delivery {
        v: FORMAT,
        decision_id: format!("d-{n:032x}"),
        created_at: String::new(),
        policy_version: String::new(),
        delivery: DeliveryKind::Withheld,
    };
    Line { kind, ..Line::delivery(&delivery) }
}

/// An outbox whose policy is announced already.
fn announced() -> Outbox {
    let mut outbox = Outbox::default();
    let Some(Call::AnnouncePolicy(id)) = outbox.next_call(START) else { panic!("no announcement") };
    assert!(outbox.call_answered(id, 201, b"", START).is_empty());
    outbox
}

fn next_lines(outbox: &mut Outbox, now_ms: u64) -> (CallId, Vec<String>) {
    match outbox.next_call(now_ms) {
        Some(Call::Decisions(id, body)) => {
            let text = String::from_utf8(body).expect("NDJSON is text");
            (id, text.lines().map(str::to_owned).collect())
        }
        other => panic!("expected a batch, found {other:?}"),
    }
}

fn ack(line: &Line, status: AckStatus) -> String {
    let ack = Ack {
        decision_id: line.decision_id.clone(),
        kind: Some(line.kind),
        digest: line.digest.clone(),
        status,
        verdict: None,
        review: None,
    };
    serde_json::to_string(&ack).expect("an ack is JSON")
}

/// The ack of an intent that asked about a hold.
fn ack_of_hold(line: &Line, verdict: Option<IntentVerdict>, review: Option<&str>) -> String {
    let ack: Ack = serde_json::from_str(&ack(line, AckStatus::Committed)).expect("an ack");
    let ack = Ack { verdict, review: review.map(str::to_owned), ..ack };
    serde_json::to_string(&ack).expect("an ack is JSON")
}

fn committed(lines: &[Line]) -> Vec<u8> {
    let acks: Vec<String> = lines.iter().map(|line| ack(line, AckStatus::Committed)).collect();
    acks.join("\n").into_bytes()
}

#[wasm_bindgen_test(unsupported = test)]
fn nothing_is_sent_before_the_policy_is_known_to_the_collector() {
    let mut outbox = Outbox::default();
    outbox.push(line(Kind::Intent, 1), Some((7, DEADLINE)), START).expect("room");
    let Some(Call::AnnouncePolicy(id)) = outbox.next_call(START) else { panic!("no announcement") };
    assert_eq!(outbox.next_call(START), None, "its answer is awaited");
    outbox.call_answered(id, 503, b"", START);
    assert_eq!(outbox.next_call(START), None, "it waits a little");
    let later = START + 200;
    let Some(Call::AnnouncePolicy(id)) = outbox.next_call(later) else { panic!("no repeat") };
    outbox.call_answered(id, 200, b"", later);
    assert_eq!(next_lines(&mut outbox, later).1.len(), 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn an_ack_releases_the_stream_that_waits_and_no_other() {
    let mut outbox = announced();
    let (held, unheld) = (line(Kind::Intent, 1), line(Kind::Outcome, 2));
    outbox.push(held.clone(), Some((7, DEADLINE)), START).expect("room");
    outbox.push(unheld.clone(), None, START).expect("room");
    let (id, lines) = next_lines(&mut outbox, START);
    assert_eq!(lines.len(), 2, "one call for both");
    let notices = outbox.call_answered(id, 200, &committed(&[unheld, held]), START);
    assert_eq!(notices, [Notice { context: 7, kind: Kind::Intent, news: News::Committed(None) }]);
    assert!(outbox.is_empty());
    assert_eq!(outbox.take_counts().committed, 2);
}

#[wasm_bindgen_test(unsupported = test)]
fn an_ack_is_believed_only_for_these_very_bytes() {
    let sent = line(Kind::Outcome, 1);
    let wrong_digest = Line { digest: sha256_hex(b"other"), ..sent.clone() };
    let wrong_kind = Line { kind: Kind::Intent, ..sent.clone() };
    let wrong_id = line(Kind::Outcome, 2);
    let garbage = b"<html>ok</html>".to_vec();
    for body in [
        committed(&[wrong_digest]),
        committed(&[wrong_kind]),
        committed(&[wrong_id]),
        garbage,
        Vec::new(),
    ] {
        let mut outbox = announced();
        outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
        let (id, _) = next_lines(&mut outbox, START);
        assert_eq!(outbox.call_answered(id, 200, &body, START), []);
        assert_eq!(outbox.len(), 1, "the line stays");
        let (id, again) = next_lines(&mut outbox, START + 1000);
        assert_eq!(again, [String::from_utf8(sent.bytes.clone()).expect("text")], "same bytes");
        let notices =
            outbox.call_answered(id, 200, &committed(std::slice::from_ref(&sent)), START + 1000);
        assert_eq!(notices.len(), 1);
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_way_a_call_fails_keeps_the_lines() {
    for status in [0, 401, 500, 503, 504] {
        let mut outbox = announced();
        outbox.push(line(Kind::Outcome, 1), Some((7, DEADLINE)), START).expect("room");
        let (id, _) = next_lines(&mut outbox, START);
        match status {
            0 => outbox.call_failed(id, START),
            status => assert_eq!(outbox.call_answered(id, status, b"", START), []),
        }
        assert_eq!(outbox.next_call(START), None, "status {status}: backs off");
        assert_eq!(next_lines(&mut outbox, START + 200).1.len(), 1, "status {status}");
        assert_eq!(outbox.take_counts().calls_failed, 1, "status {status}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hold_sees_an_attempt_however_long_the_collector_was_away() {
    const HOLD_MS: u64 = 2_000;
    let mut outbox = announced();
    outbox.push(line(Kind::Outcome, 1), None, START).expect("room");
    let mut now = START;
    let mut attempts = vec![now];
    while now < START + 60_000 {
        now += 50;
        if let Some(Call::Decisions(id, _)) = outbox.next_call(now) {
            outbox.call_failed(id, now);
            attempts.push(now);
        }
    }
    let pauses: Vec<u64> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(pauses.iter().all(|pause| *pause <= HOLD_MS / 2), "{pauses:?}");
    assert!(attempts.len() < 80, "it backs off: {pauses:?}");
}

#[wasm_bindgen_test(unsupported = test)]
fn a_hold_expires_and_its_line_is_still_delivered() {
    let mut outbox = announced();
    let sent = line(Kind::Intent, 1);
    outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
    let (id, _) = next_lines(&mut outbox, START);
    assert_eq!(outbox.tick(DEADLINE - 1), []);
    let expired = Notice { context: 7, kind: Kind::Intent, news: News::Expired };
    assert_eq!(outbox.tick(DEADLINE), [expired], "also while its call is in flight");
    assert_eq!(outbox.tick(DEADLINE + 1), [], "once");
    let late = outbox.call_answered(id, 200, &committed(&[sent]), DEADLINE + 5);
    assert_eq!(late, [], "nobody waits any more");
    assert!(outbox.is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn refused_and_quarantined_lines_release_nothing() {
    for status in [AckStatus::Rejected, AckStatus::Quarantined] {
        let mut outbox = announced();
        let sent = line(Kind::Outcome, 1);
        outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
        let (id, _) = next_lines(&mut outbox, START);
        let notices = outbox.call_answered(id, 200, ack(&sent, status).as_bytes(), START);
        assert_eq!(notices, [Notice { context: 7, kind: Kind::Outcome, news: News::Refused }]);
        assert!(outbox.is_empty(), "{status:?}: it would be refused again");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn every_durable_status_releases() {
    for status in [AckStatus::Committed, AckStatus::Duplicate, AckStatus::Spooled] {
        let mut outbox = announced();
        let sent = line(Kind::Intent, 1);
        outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
        let (id, _) = next_lines(&mut outbox, START);
        let notices = outbox.call_answered(id, 200, ack(&sent, status).as_bytes(), START);
        let released = Notice { context: 7, kind: Kind::Intent, news: News::Committed(None) };
        assert_eq!(notices, [released], "{status:?}");
        assert!(outbox.is_empty(), "{status:?}");
    }
}

#[wasm_bindgen_test(unsupported = test)]
fn the_stream_is_told_what_the_collector_says_of_its_hold() {
    use IntentVerdict::{Held, Proceed, Rejected};
    let said = |verdict| Some(HoldAnswer { verdict, review: "d-1".to_owned() });
    for (verdict, review, expected) in [
        (Some(Proceed), Some("d-1"), said(Proceed)),
        (Some(Held), Some("d-1"), said(Held)),
        (Some(Rejected), Some("d-1"), said(Rejected)),
        // A collector from before reviews lets every call pass, and names none.
        (Some(Proceed), None, None),
        (None, Some("d-1"), None),
        (None, None, None),
    ] {
        let mut outbox = announced();
        let sent = line(Kind::Intent, 1);
        outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
        let (id, _) = next_lines(&mut outbox, START);
        let ack = ack_of_hold(&sent, verdict, review);
        let notices = outbox.call_answered(id, 200, ack.as_bytes(), START);
        let news = News::Committed(expected);
        assert_eq!(notices, [Notice { context: 7, kind: Kind::Intent, news }], "{ack}");
    }
}

/// So does a filter from before `spooled` when it meets a collector with a spool: the call is
/// refused, and its line repeated until it is in Postgres.
#[wasm_bindgen_test(unsupported = test)]
fn a_status_of_a_later_version_releases_nothing_and_its_line_is_repeated() {
    let mut outbox = announced();
    let sent = line(Kind::Intent, 1);
    outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
    let (id, _) = next_lines(&mut outbox, START);
    let later = ack(&sent, AckStatus::Committed).replace("committed", "engraved");
    assert_eq!(outbox.call_answered(id, 200, later.as_bytes(), START), []);
    let (id, again) = next_lines(&mut outbox, START + 1000);
    assert_eq!(again, [String::from_utf8(sent.bytes.clone()).expect("text")], "same bytes");
    let expired = Notice { context: 7, kind: Kind::Intent, news: News::Expired };
    assert_eq!(outbox.tick(DEADLINE), [expired]);
    let duplicate = ack(&sent, AckStatus::Duplicate);
    assert_eq!(outbox.call_answered(id, 200, duplicate.as_bytes(), DEADLINE + 5), []);
    assert!(outbox.is_empty());
}

#[wasm_bindgen_test(unsupported = test)]
fn an_unknown_policy_is_announced_again_and_the_line_repeated() {
    let mut outbox = announced();
    let sent = line(Kind::Intent, 1);
    outbox.push(sent.clone(), Some((7, DEADLINE)), START).expect("room");
    let (id, _) = next_lines(&mut outbox, START);
    let unknown = ack(&sent, AckStatus::UnknownPolicy);
    assert_eq!(outbox.call_answered(id, 200, unknown.as_bytes(), START), []);
    let later = START + 200;
    let Some(Call::AnnouncePolicy(id)) = outbox.next_call(later) else { panic!("no repeat") };
    outbox.call_answered(id, 200, b"", later);
    assert_eq!(next_lines(&mut outbox, later).1.len(), 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn a_batch_refused_as_a_whole_is_halved_down_to_the_bad_line() {
    let mut outbox = announced();
    for n in 0..8 {
        outbox.push(line(Kind::Outcome, n), Some((n as u32, DEADLINE)), START).expect("room");
    }
    let bad = line(Kind::Outcome, 5).decision_id;
    let mut now = START;
    let mut released = Vec::new();
    while !outbox.is_empty() {
        now += 10_000;
        let (id, lines) = next_lines(&mut outbox, now);
        let notices = if lines.iter().any(|line| line.contains(&bad)) {
            outbox.call_answered(id, 413, b"", now)
        } else {
            let acked: Vec<Line> = (0..8).map(|n| line(Kind::Outcome, n)).collect();
            outbox.call_answered(id, 200, &committed(&acked), now)
        };
        released.extend(notices);
    }
    released.sort_by_key(|notice| notice.context);
    for notice in released {
        let expected = if notice.context == 5 { News::Refused } else { News::Committed(None) };
        assert_eq!(notice.news, expected, "line {}", notice.context);
    }
    assert_eq!(outbox.take_counts().dropped, 1);
}

#[wasm_bindgen_test(unsupported = test)]
fn two_calls_fly_and_the_rest_gathers() {
    let mut outbox = announced();
    for n in 0..3 {
        outbox.push(line(Kind::Outcome, n), None, START).expect("room");
        if n < 2 {
            assert_eq!(next_lines(&mut outbox, START).1.len(), 1, "idle: at once");
        }
    }
    assert_eq!(outbox.next_call(START), None, "two are in flight");
    for n in 3..600 {
        outbox.push(line(Kind::Outcome, n), None, START).expect("room");
    }
    let mut outbox_after = outbox;
    outbox_after.call_failed(first_call(), START);
    let (_, lines) = next_lines(&mut outbox_after, START + 200);
    assert_eq!(lines.len(), 256, "a batch is bounded");
}

/// The id of the first batch after [`announced`]: the announcement was the first call of all.
fn first_call() -> CallId {
    let mut outbox = announced();
    outbox.push(line(Kind::Outcome, 0), None, START).expect("room");
    next_lines(&mut outbox, START).0
}

#[wasm_bindgen_test(unsupported = test)]
fn a_full_outbox_takes_no_intent_and_counts_what_it_drops() {
    let mut outbox = announced();
    for n in 0..INTENTS_STOP_AT {
        outbox.push(line(Kind::Outcome, n), None, START).expect("room");
    }
    let refused = outbox.push(line(Kind::Intent, LINES_MAX), Some((7, DEADLINE)), START);
    assert_eq!(refused, Err(Full), "outcomes of calls under way keep their room");
    for n in INTENTS_STOP_AT..REFUSALS_STOP_AT {
        outbox.push(line(Kind::Outcome, n), None, START).expect("room");
    }
    let refusal = Line { called: false, ..line(Kind::Outcome, LINES_MAX + 1) };
    assert_eq!(outbox.push(refusal, None, START), Err(Full), "a refusal's own record gives way");
    for n in REFUSALS_STOP_AT..LINES_MAX {
        outbox.push(line(Kind::Outcome, n), None, START).expect("room");
    }
    assert_eq!(outbox.push(line(Kind::Outcome, LINES_MAX), None, START), Err(Full));
    assert_eq!(outbox.take_counts().dropped, 2, "an intent refused is not a record lost");
    assert_eq!(outbox.tick(START + HORIZON_MS), []);
    assert!(outbox.is_empty(), "given up after the horizon");
    assert_eq!(outbox.take_counts().dropped, LINES_MAX as u64);
}
