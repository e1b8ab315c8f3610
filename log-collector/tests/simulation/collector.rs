//! A model of one collector's process. Parsing, the queue and the rounds of a batch are the
//! product's own; the transaction is [`Database`]'s. A crash forgets all of it.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use governance_filter::record::{Ack, AckStatus, Intent, IntentVerdict, Kind, sha256_hex};
use log_collector::closing::unknown;
use log_collector::ingest::line::Entry;
use log_collector::ingest::parse_batch;
use log_collector::ingest::queue::{Job, PushError, Queue, Settled, Taker, Unavailable};
use log_collector::ingest::writer::rounds;
use log_collector::metrics::Metrics;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::Flaw;
use crate::database::Database;
use crate::journal::Journal;
use crate::network::Payload;
use crate::random::Random;

/// How a commit ends.
#[derive(Clone, Copy, PartialEq)]
pub enum Fate {
    Commits,
    /// Postgres refuses, or the connection is lost before the commit.
    Fails,
    /// Committed, and the connection lost before the collector hears of it.
    CommitsUnheard,
    /// The collector stops waiting; the transaction goes on.
    Stalls,
}

/// A transaction whose collector waits no longer. It may yet commit.
pub struct Orphan {
    pub jobs: Vec<Job>,
    pub first: u64,
}

/// A request that is answered once all of its lines are.
struct Request {
    token: u64,
    heads: Vec<(String, Option<Kind>, String)>,
    settled: Vec<Option<Settled>>,
    answers: UnboundedReceiver<(usize, Settled)>,
}

/// One replica.
pub struct Collector {
    pub flaw: Option<Flaw>,
    pub up: bool,
    queue: Queue,
    metrics: Arc<Metrics>,
    lines_max: usize,
    requests: Vec<Request>,
    rounds: VecDeque<Vec<Job>>,
    /// The round whose transaction is open, and its first pending id.
    open: Option<(Vec<Job>, u64)>,
    policies: HashSet<String>,
    ready_since_ms: Option<u64>,
    /// Intents that the closer found to be due.
    due: Vec<Intent>,
    queued: usize,
}

// === impl Collector ===

impl Collector {
    pub fn new(flaw: Option<Flaw>, lines_max: usize, metrics: Arc<Metrics>) -> Collector {
        Collector {
            flaw,
            up: true,
            queue: Queue::new(lines_max, 1 << 20, Arc::clone(&metrics)),
            metrics,
            lines_max,
            requests: Vec::new(),
            rounds: VecDeque::new(),
            open: None,
            policies: HashSet::new(),
            ready_since_ms: None,
            due: Vec::new(),
            queued: 0,
        }
    }

    /// The process dies with all it had in memory; what was asked of Postgres goes on.
    pub fn crash(&mut self) -> (Vec<u64>, Option<Orphan>) {
        let orphan = self.open.take().map(|(jobs, first)| Orphan { jobs, first });
        let asked = self.requests.iter().map(|request| request.token).collect();
        let metrics = Arc::clone(&self.metrics);
        *self = Collector { up: false, ..Collector::new(self.flaw, self.lines_max, metrics) };
        (asked, orphan)
    }

    /// Takes a request; `Some` where it is answered at once.
    pub fn receive(
        &mut self,
        token: u64,
        payload: &Payload,
        policy_text: &str,
        database: Option<&mut Database>,
        (now_ms, wall_ms): (u64, u64),
    ) -> Option<(u16, Vec<u8>)> {
        let body = match payload {
            Payload::Lines(body) => body,
            Payload::Policy => {
                let Some(database) = database else { return Some((503, Vec::new())) };
                let version = format!("sha256:{}", sha256_hex(policy_text.as_bytes()));
                database.put_policy(&version, policy_text.as_bytes(), now_ms);
                return Some((204, Vec::new()));
            }
        };
        let Ok(entries) = parse_batch(body, wall_ms) else { return Some((400, Vec::new())) };
        let head = |entry: &Entry| (entry.decision_id.clone(), entry.kind, entry.digest.clone());
        let heads: Vec<_> = entries.iter().map(|(entry, _)| head(entry)).collect();
        if self.flaw == Some(Flaw::AcksBeforeCommit) {
            let settled = heads.iter().map(|_| Some(Ok(AckStatus::Committed)));
            return Some(answer(&heads, settled));
        }
        match self.queue.push(entries) {
            Ok(answers) => {
                self.queued += heads.len();
                let settled = vec![None; heads.len()];
                self.requests.push(Request { token, heads, settled, answers });
                None
            }
            Err(PushError::TooLarge) => Some((413, Vec::new())),
            Err(PushError::Full) => {
                self.ready_since_ms = self.ready_since_ms.map(|_| now_ms);
                Some((503, Vec::new()))
            }
        }
    }

    /// The writer's next step: takes a batch, begins a transaction, or hears how one ended.
    pub fn write(
        &mut self,
        fate: Fate,
        database: &mut Database,
        now_ms: u64,
        journal: &Journal,
    ) -> Option<Orphan> {
        let Some((jobs, first)) = self.open.take() else {
            self.begin(database);
            return None;
        };
        if fate == Fate::Stalls {
            journal.note("commit stalls", || format!("{} lines", jobs.len()));
            self.give_up(&jobs);
            return Some(Orphan { jobs, first });
        }
        if fate == Fate::Fails {
            journal.note("commit fails", || format!("{} lines", jobs.len()));
            self.open = Some((jobs, first));
            self.disconnect(database);
            return None;
        }
        let entries: Vec<_> = jobs.iter().map(|job| &job.entry).collect();
        let committed = database.commit(first, &entries, &self.policies, now_ms).or_else(|_| {
            journal.note("foreign key missing", || format!("{} lines", jobs.len()));
            self.policies.clear();
            database.commit(first, &entries, &self.policies, now_ms)
        });
        match committed {
            Ok(statuses) if fate == Fate::Commits => self.committed(&jobs, &statuses, journal),
            Ok(_) | Err(_) => {
                journal.note("commit unheard", || format!("{} lines", jobs.len()));
                self.give_up(&jobs);
            }
        }
        None
    }

    /// The connection to Postgres breaks.
    pub fn disconnect(&mut self, database: &mut Database) {
        self.ready_since_ms = None;
        if let Some((jobs, first)) = self.open.take() {
            database.roll_back(first, jobs.len());
            self.give_up(&jobs);
        }
    }

    /// Answers the requests that are complete.
    pub fn answers(&mut self) -> Vec<(u64, (u16, Vec<u8>))> {
        let mut done = Vec::new();
        self.requests.retain_mut(|request| {
            while let Ok((index, settled)) = request.answers.try_recv() {
                request.settled[index] = Some(settled);
            }
            let complete = request.settled.iter().all(Option::is_some);
            if complete {
                let settled = request.settled.drain(..);
                done.push((request.token, answer(&request.heads, settled)));
            }
            !complete
        });
        done
    }

    /// The watch has asked Postgres.
    pub fn watched(&mut self, answers: bool, now_ms: u64) {
        self.ready_since_ms =
            if answers { Some(self.ready_since_ms.unwrap_or(now_ms)) } else { None };
    }

    /// The closer's next statement: looks for what is due, or closes what it found; says which
    /// decisions those are.
    pub fn close(
        &mut self,
        close_after_ms: u64,
        database: &mut Database,
        now_ms: u64,
        wall_ms: u64,
    ) -> Vec<String> {
        let early = self.flaw == Some(Flaw::ClosesEarly);
        let ready = self.ready_since_ms.is_some_and(|since| since + close_after_ms <= now_ms);
        if self.due.is_empty() && (ready || early) {
            let after_ms = if early { close_after_ms / 100 } else { close_after_ms };
            self.due = database.due(after_ms, now_ms);
            return Vec::new();
        }
        let closed = self.due.drain(..).filter(|intent| {
            let record = serde_json::to_vec(&unknown(intent, wall_ms)).expect("JSON");
            database.close(&intent.decision_id, &record, now_ms)
        });
        closed.map(|intent| intent.decision_id).collect()
    }

    pub fn is_idle(&self) -> bool {
        self.open.is_none() && self.rounds.is_empty() && self.requests.is_empty()
    }

    fn begin(&mut self, database: &mut Database) {
        if self.rounds.is_empty() {
            let mut taken = pin!(self.queue.take(256, 4 << 20, Taker::First));
            let mut context = Context::from_waker(Waker::noop());
            if let Poll::Ready(Some(batch)) = taken.as_mut().poll(&mut context) {
                assert!(self.queued <= self.lines_max, "the queue held {}", self.queued);
                self.queued -= batch.len();
                self.rounds.extend(rounds(batch));
            }
        }
        if let Some(jobs) = self.rounds.pop_front() {
            let entries: Vec<_> = jobs.iter().map(|job| &job.entry).collect();
            let first = database.begin(&entries);
            self.open = Some((jobs, first));
        }
    }

    fn committed(&mut self, jobs: &[Job], statuses: &[AckStatus], journal: &Journal) {
        for (job, status) in jobs.iter().zip(statuses) {
            let event = match status {
                AckStatus::Committed => "line committed",
                AckStatus::Duplicate => "line duplicate",
                AckStatus::Rejected => "line rejected",
                AckStatus::UnknownPolicy => "policy unknown",
                AckStatus::Quarantined => "line quarantined",
                AckStatus::Spooled => unreachable!("no collector here has a spool"),
            };
            journal.note(event, || format!("{:?} {}", job.entry.kind, job.entry.decision_id));
            if *status == AckStatus::Committed {
                self.policies.extend(job.entry.policy_version().map(str::to_owned));
            }
            job.settle(Ok(*status));
        }
    }

    fn give_up(&mut self, jobs: &[Job]) {
        self.policies.clear();
        self.ready_since_ms = None;
        jobs.iter().for_each(|job| job.settle(Err(Unavailable::Database)));
        self.queue.drain().iter().for_each(|job| job.settle(Err(Unavailable::Database)));
        self.queued = 0;
    }
}

// === impl Orphan ===

impl Orphan {
    /// Nobody hears of its end.
    pub fn end(self, database: &mut Database, random: &mut Random, now_ms: u64) {
        let entries: Vec<_> = self.jobs.iter().map(|job| &job.entry).collect();
        if random.one_in(2) {
            let _ = database.commit(self.first, &entries, &HashSet::new(), now_ms);
        } else {
            database.roll_back(self.first, entries.len());
        }
    }
}

/// What a request is answered: a line without an answer is as good as no database.
fn answer(
    heads: &[(String, Option<Kind>, String)],
    settled: impl Iterator<Item = Option<Settled>>,
) -> (u16, Vec<u8>) {
    let mut text = String::new();
    for ((decision_id, kind, digest), settled) in heads.iter().cloned().zip(settled) {
        let Some(Ok(status)) = settled else { return (503, Vec::new()) };
        let goes_on = matches!(status, AckStatus::Committed | AckStatus::Duplicate);
        let verdict = (kind == Some(Kind::Intent) && goes_on).then_some(IntentVerdict::Proceed);
        let ack = Ack { decision_id, kind, digest, status, verdict, review: None };
        text.push_str(&serde_json::to_string(&ack).expect("JSON"));
        text.push('\n');
    }
    (200, text.into_bytes())
}
