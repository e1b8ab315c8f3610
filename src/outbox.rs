//! Records waiting for their ack: batches, retries, bounds, and whom an ack releases. One outbox
//! belongs to one root context. Makes no call and reads no clock; the root does both.

use crate::record::{Ack, AckStatus, HoldAnswer, Kind, Line};
use std::collections::VecDeque;

mod batch;

pub use batch::ACK_BYTES_MAX;

/// Lines in one call: what the collector commits in one go.
const BATCH_LINES_MAX: usize = 256;
/// Bytes in one call; a single line may be longer and then travels alone.
const BATCH_BYTES_MAX: usize = 1 << 20;
/// Two calls in flight keep the collector busy while an ack travels; more would only split batches.
const CALLS_MAX: usize = 2;
/// Lines kept while the collector is away: at 1.5 KB a line about 24 MiB of the VM's 1 GiB.
pub const LINES_MAX: usize = 16_384;
/// From here on no new intent is taken, so that outcomes of calls under way still find room.
pub const INTENTS_STOP_AT: usize = LINES_MAX / 2;
/// From here on no outcome of a refusal is taken: during an outage each refused call leaves one.
pub const REFUSALS_STOP_AT: usize = LINES_MAX / 4 * 3;
/// A record that could not be delivered for so long is dropped and counted. The collector waits
/// for longer than this before it closes an intent as `unknown`.
pub const HORIZON_MS: u64 = 10 * 60 * 1000;
const BACKOFF_MS_FIRST: u64 = 100;
/// Half of the hold's default bound: whoever waits sees an attempt, however long the collector was
/// away. One call a second and worker is no burden to it.
const BACKOFF_MS_MAX: u64 = 1_000;

/// Lines on their way to the collector.
#[derive(Debug, Default)]
pub struct Outbox {
    pending: VecDeque<Entry>,
    calls: Vec<InFlight>,
    policy: Announcement,
    next_call: u64,
    backoff: Backoff,
    counts: Counts,
}

/// A call to make now.
#[derive(Debug, PartialEq)]
pub enum Call {
    /// `PUT /v1/policies/{version}` with the policy's text.
    AnnouncePolicy(CallId),
    /// `POST /v1/decisions` with these lines.
    Decisions(CallId, Vec<u8>),
}

/// Names a call between [`Outbox::next_call`] and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(u64);

/// What a waiting stream is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The stream's context id.
    pub context: u32,
    /// Which of its lines.
    pub kind: Kind,
    /// What became of it.
    pub news: News,
}

/// What became of a line that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// Durable: release. Of an intent that asks about a hold, unless its answer says otherwise.
    Committed(Option<HoldAnswer>),
    /// The collector will never commit it.
    Refused,
    /// No ack before the hold's deadline; the line stays and is repeated.
    Expired,
}

/// The outbox takes no more lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// What happened since the counts were last taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines acked as durable.
    pub committed: u64,
    /// Lines the collector refused or quarantined.
    pub refused: u64,
    /// Lines given up: horizon passed, or refused alone with 400 or 413.
    pub dropped: u64,
    /// Calls without a usable answer.
    pub calls_failed: u64,
    /// Holds that reached their deadline.
    pub expired: u64,
}

#[derive(Clone, Debug)]
struct Entry {
    line: Line,
    waiting: Option<Waiting>,
    enqueued_ms: u64,
}

#[derive(Clone, Copy, Debug)]
struct Waiting {
    context: u32,
    deadline_ms: u64,
}

#[derive(Debug)]
struct InFlight {
    id: CallId,
    entries: Vec<Entry>,
}

#[derive(Debug, Default, PartialEq)]
enum Announcement {
    #[default]
    Needed,
    InFlight(CallId),
    Done,
}

#[derive(Debug, Default)]
struct Backoff {
    failures: u32,
    not_before_ms: u64,
    /// Halves with every 400 or 413, doubles back with every success.
    lines_max: Option<usize>,
}

// === impl Outbox ===

impl Outbox {
    /// Takes a line. `waiting` is the context to notify and its deadline.
    pub fn push(
        &mut self,
        line: Line,
        waiting: Option<(u32, u64)>,
        now_ms: u64,
    ) -> Result<(), Full> {
        let most = match (line.kind, line.called) {
            (Kind::Intent, _) => INTENTS_STOP_AT,
            (Kind::Outcome | Kind::Delivery, false) => REFUSALS_STOP_AT,
            (Kind::Outcome | Kind::Delivery, true) => LINES_MAX,
        };
        if self.len() >= most {
            self.counts.dropped += u64::from(line.kind != Kind::Intent);
            return Err(Full);
        }
        let waiting = waiting.map(|(context, deadline_ms)| Waiting { context, deadline_ms });
        self.pending.push_back(Entry { line, waiting, enqueued_ms: now_ms });
        Ok(())
    }

    /// The next call to make, if there is one to make now.
    pub fn next_call(&mut self, now_ms: u64) -> Option<Call> {
        if now_ms < self.backoff.not_before_ms {
            return None;
        }
        match self.policy {
            Announcement::Needed => {
                let id = self.call_id();
                self.policy = Announcement::InFlight(id);
                return Some(Call::AnnouncePolicy(id));
            }
            Announcement::InFlight(_) => return None,
            Announcement::Done => {}
        }
        if self.calls.len() >= CALLS_MAX || self.pending.is_empty() {
            return None;
        }
        let entries = self.take_batch();
        let body = batch::ndjson(entries.iter().map(|entry| &entry.line));
        let id = self.call_id();
        self.calls.push(InFlight { id, entries });
        Some(Call::Decisions(id, body))
    }

    /// No answer: refused, reset, timed out, or the call could not be made.
    pub fn call_failed(&mut self, id: CallId, now_ms: u64) {
        self.counts.calls_failed += 1;
        self.backoff.fail(now_ms);
        if self.policy == Announcement::InFlight(id) {
            self.policy = Announcement::Needed;
        }
        if let Some(entries) = self.take_call(id) {
            self.put_back(entries);
        }
    }

    /// An answer with an HTTP status. Only a 200 whose lines name record and digest releases.
    pub fn call_answered(
        &mut self,
        id: CallId,
        status: u16,
        body: &[u8],
        now_ms: u64,
    ) -> Vec<Notice> {
        if self.policy == Announcement::InFlight(id) {
            match status {
                200..=299 => {
                    self.policy = Announcement::Done;
                    self.backoff.succeed();
                }
                _ => self.call_failed(id, now_ms),
            }
            return Vec::new();
        }
        match status {
            200 => self.acked(id, body, now_ms),
            400 | 413 => self.halve(id, now_ms),
            _ => {
                self.call_failed(id, now_ms);
                Vec::new()
            }
        }
    }

    /// Ends holds past their deadline and gives up lines past the horizon.
    pub fn tick(&mut self, now_ms: u64) -> Vec<Notice> {
        let mut notices = Vec::new();
        let in_flight = self.calls.iter_mut().flat_map(|call| call.entries.iter_mut());
        for entry in self.pending.iter_mut().chain(in_flight) {
            let due = |waiting: &mut Waiting| waiting.deadline_ms <= now_ms;
            if let Some(waiting) = entry.waiting.take_if(due) {
                notices.push(entry.notice(waiting, News::Expired));
            }
        }
        self.counts.expired += notices.len() as u64;
        let before = self.pending.len();
        self.pending.retain(|entry| now_ms.saturating_sub(entry.enqueued_ms) < HORIZON_MS);
        self.counts.dropped += (before - self.pending.len()) as u64;
        notices
    }

    /// Lines not yet acked.
    pub fn len(&self) -> usize {
        self.pending.len() + self.calls.iter().map(|call| call.entries.len()).sum::<usize>()
    }

    /// Nothing waits for an ack.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What happened since the last time.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    fn acked(&mut self, id: CallId, body: &[u8], now_ms: u64) -> Vec<Notice> {
        let Some(entries) = self.take_call(id) else { return Vec::new() };
        let mut acks = batch::acks(body);
        let mut unanswered = Vec::new();
        let mut notices = Vec::new();
        for mut entry in entries {
            let news = match acks.remove(&batch::key(&entry.line)) {
                Some(ack) => self.news(ack, &entry.line),
                None => None,
            };
            match (news, entry.waiting.take()) {
                (Some(news), Some(waiting)) => notices.push(entry.notice(waiting, news)),
                (Some(_), None) => {}
                (None, waiting) => unanswered.push(Entry { waiting, ..entry }),
            }
        }
        // A line without a believable ack is as good as never answered.
        if unanswered.is_empty() {
            self.backoff.succeed();
        } else {
            self.counts.calls_failed += 1;
            self.backoff.fail(now_ms);
            self.put_back(unanswered);
        }
        notices
    }

    /// What an ack says of its line; `None`: send it again.
    fn news(&mut self, ack: Ack, line: &Line) -> Option<News> {
        if ack.releases(line) {
            self.counts.committed += 1;
            return Some(News::Committed(ack.hold()));
        }
        if !ack.answers(line) {
            return None;
        }
        match ack.status {
            AckStatus::Rejected | AckStatus::Quarantined => {
                self.counts.refused += 1;
                Some(News::Refused)
            }
            AckStatus::UnknownPolicy => {
                self.policy = Announcement::Needed;
                None
            }
            AckStatus::Committed | AckStatus::Duplicate | AckStatus::Spooled => None,
        }
    }

    /// A whole batch was refused as unreadable or too large: try halves, give up a single line.
    fn halve(&mut self, id: CallId, now_ms: u64) -> Vec<Notice> {
        self.counts.calls_failed += 1;
        let Some(mut entries) = self.take_call(id) else { return Vec::new() };
        if entries.len() > 1 {
            self.backoff.lines_max = Some(entries.len() / 2);
            self.put_back(entries);
            return Vec::new();
        }
        self.counts.dropped += 1;
        self.backoff.fail(now_ms);
        let refused = entries.pop().and_then(|mut entry| {
            let waiting = entry.waiting.take()?;
            Some(entry.notice(waiting, News::Refused))
        });
        refused.into_iter().collect()
    }

    fn take_batch(&mut self) -> Vec<Entry> {
        let lines_max = self.backoff.lines_max.unwrap_or(BATCH_LINES_MAX);
        let mut bytes = 0;
        let mut entries = Vec::new();
        while let Some(entry) = self.pending.front() {
            bytes += entry.line.bytes.len() + 1;
            let full = entries.len() >= lines_max || bytes > BATCH_BYTES_MAX;
            if full && !entries.is_empty() {
                break;
            }
            entries.extend(self.pending.pop_front());
        }
        entries
    }

    fn take_call(&mut self, id: CallId) -> Option<Vec<Entry>> {
        let at = self.calls.iter().position(|call| call.id == id)?;
        Some(self.calls.swap_remove(at).entries)
    }

    fn put_back(&mut self, entries: Vec<Entry>) {
        for entry in entries.into_iter().rev() {
            self.pending.push_front(entry);
        }
    }

    fn call_id(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }
}

// === impl Entry ===

impl Entry {
    fn notice(&self, waiting: Waiting, news: News) -> Notice {
        Notice { context: waiting.context, kind: self.line.kind, news }
    }
}

// === impl Backoff ===

impl Backoff {
    fn fail(&mut self, now_ms: u64) {
        let wait = BACKOFF_MS_FIRST << self.failures.min(10);
        self.failures = self.failures.saturating_add(1);
        self.not_before_ms = now_ms + wait.min(BACKOFF_MS_MAX);
    }

    fn succeed(&mut self) {
        self.failures = 0;
        self.not_before_ms = 0;
        self.lines_max = self.lines_max.map(|most| most * 2).filter(|most| *most < BATCH_LINES_MAX);
    }
}
