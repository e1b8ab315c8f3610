//! Writer and drain on a spool whose disk fails, with a database that nobody reaches.

use super::*;
use crate::error::StartError;
use crate::ingest::commit::Committer;
use crate::ingest::decision_log::DecisionLog;
use crate::ingest::queue::{Queue, Taker, Unavailable};
use crate::ingest::writer::Writer;
use crate::metrics::Metrics;
use crate::spool::drain::Drain;
use crate::store::Store;

fn unreachable() -> Committer {
    let metrics = Arc::new(Metrics::default());
    let nowhere = crate::config::Database::parse("postgres://app@127.0.0.1:1/none").unwrap();
    let store = Store::new(&nowhere, Duration::from_secs(5), Vec::new(), metrics.clone()).unwrap();
    Committer { store: Arc::new(store), metrics, committed: Arc::default() }
}

#[tokio::test]
async fn writer_ends_after_a_failed_sync_and_answers_everyone_unavailable() {
    let disk = made();
    let spool = Arc::new(ready(&disk));
    let committer = unreachable();
    let queue = Arc::new(Queue::new(10, 10_000, committer.metrics.clone()));
    let readiness = Arc::new(Readiness::default());
    readiness.up();
    let decisions = Arc::new(DecisionLog::start());
    let taker = Taker::First;
    let writer =
        Writer { queue: queue.clone(), committer, spool: Some(spool), readiness, decisions, taker };
    let writer = tokio::spawn(writer.run());
    let mut answers = queue.push(vec![(entry(1), 100)]).unwrap();
    assert_eq!(answers.recv().await, Some((0, Ok(AckStatus::Spooled))));

    disk.arm(Fault { calls: 2, kind: ErrorKind::Other, short: false });
    let mut answers = queue.push(vec![(entry(2), 100), (entry(3), 100)]).unwrap();
    for index in 0..2 {
        assert_eq!(answers.recv().await, Some((index, Err(Unavailable::Database))));
    }
    let error = writer.await.unwrap().unwrap_err();
    assert!(matches!(error, SpoolError::Failed { .. }), "{error}");
    assert!(queue.push(vec![(entry(4), 100)]).is_err(), "nothing is taken any more");
}

#[tokio::test]
async fn drain_ends_after_a_policy_could_not_be_kept() {
    let disk = made();
    let spool = Arc::new(ready(&disk));
    let (_stopping, stop) = tokio::sync::watch::channel(false);
    let readiness = Arc::new(Readiness::default());
    let drain = Drain { spool: spool.clone(), committer: unreachable(), readiness, stop };
    let drain = tokio::spawn(drain.run());
    disk.arm(Fault { calls: 0, kind: ErrorKind::Other, short: false });
    let announced = policy(b"another");
    let kept = spool.blocking(move |spool| spool.put_policy(&announced, true)).await;
    assert!(matches!(kept, Err(SpoolError::Failed { .. })), "{kept:?}");
    let error = drain.await.unwrap().unwrap_err();
    assert!(matches!(error, StartError::Spool(SpoolError::Failed { .. })), "{error}");
}
