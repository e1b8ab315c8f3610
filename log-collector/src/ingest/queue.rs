//! Lines waiting for a commit, bounded by count and by bytes. Knows nothing of HTTP or SQL.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governance_filter::record::AckStatus;
use tokio::sync::{Notify, mpsc};

use crate::ingest::line::Entry;
use crate::metrics::Metrics;

/// What became of a line: durable as the status says, or nobody knows.
pub type Settled = Result<AckStatus, Unavailable>;

/// Why nobody can say that a line is durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The database failed; the line may or may not be there.
    Database,
    /// It is not there, and the spool had no room.
    SpoolFull,
}

/// Why lines were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PushError {
    /// Never fits.
    TooLarge,
    /// Does not fit now, or the service is stopping.
    Full,
}

/// Two batches: more than what the first of the two writers takes when it comes back.
pub const CROWD_LINES: usize = 512;

/// Which of the two writers takes lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taker {
    /// Whatever waits.
    First,
    /// Only of a crowd.
    Second,
}

/// The queue.
pub struct Queue {
    state: Mutex<State>,
    filled: Notify,
    crowded: Notify,
    lines_max: usize,
    bytes_max: usize,
    metrics: Arc<Metrics>,
}

/// A line on its way.
pub struct Job {
    /// What to store.
    pub entry: Entry,
    index: usize,
    bytes: usize,
    reply: mpsc::UnboundedSender<(usize, Settled)>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

// === impl Queue ===

impl Queue {
    /// An empty queue with its bounds.
    pub fn new(lines_max: usize, bytes_max: usize, metrics: Arc<Metrics>) -> Queue {
        let state = Mutex::default();
        let (filled, crowded) = (Notify::new(), Notify::new());
        Queue { state, filled, crowded, lines_max, bytes_max, metrics }
    }

    /// Takes all lines of a request or none. Each is answered on the channel, by its index.
    pub fn push(
        &self,
        entries: Vec<(Entry, usize)>,
    ) -> Result<mpsc::UnboundedReceiver<(usize, Settled)>, PushError> {
        let bytes: usize = entries.iter().map(|(_, bytes)| bytes).sum();
        if entries.len() > self.lines_max || bytes > self.bytes_max {
            return Err(PushError::TooLarge);
        }
        let mut state = self.lock();
        let fits = state.jobs.len() + entries.len() <= self.lines_max
            && state.bytes + bytes <= self.bytes_max;
        if state.closed || !fits {
            return Err(PushError::Full);
        }
        let (reply, answers) = mpsc::unbounded_channel();
        let jobs = entries.into_iter().enumerate();
        state.jobs.extend(jobs.map(|(index, (entry, bytes))| Job {
            entry,
            index,
            bytes,
            reply: reply.clone(),
        }));
        state.bytes += bytes;
        self.show(&state);
        let crowded = state.jobs.len() >= CROWD_LINES;
        drop(state);
        self.filled.notify_one();
        if crowded {
            self.crowded.notify_one();
        }
        Ok(answers)
    }

    /// The next lines, at least one, up to both bounds; `None` once closed and empty. The
    /// second writer takes none before [`CROWD_LINES`] wait.
    pub async fn take(&self, lines_max: usize, bytes_max: usize, taker: Taker) -> Option<Vec<Job>> {
        loop {
            {
                let mut state = self.lock();
                let waits =
                    taker == Taker::Second && state.jobs.len() < CROWD_LINES && !state.closed;
                let mut batch = Vec::new();
                let mut bytes = 0;
                while let Some(job) = state.jobs.front() {
                    let full = batch.len() >= lines_max || bytes + job.bytes > bytes_max;
                    if waits || (full && !batch.is_empty()) {
                        break;
                    }
                    bytes += job.bytes;
                    batch.extend(state.jobs.pop_front());
                }
                state.bytes -= bytes;
                self.show(&state);
                if !batch.is_empty() {
                    return Some(batch);
                }
                if state.closed {
                    return None;
                }
            }
            // A push between the look and this wait leaves a permit, so it is not missed.
            match taker {
                Taker::First => self.filled.notified().await,
                Taker::Second => self.crowded.notified().await,
            }
        }
    }

    /// Everything that waits, to be answered without a commit.
    pub fn drain(&self) -> Vec<Job> {
        let mut state = self.lock();
        state.bytes = 0;
        let jobs = state.jobs.drain(..).collect();
        self.show(&state);
        jobs
    }

    /// Takes no more; what waits is still handed out.
    pub fn close(&self) {
        self.lock().closed = true;
        self.filled.notify_one();
        self.crowded.notify_one();
    }

    fn show(&self, state: &State) {
        self.metrics.queue_lines.set(i64::try_from(state.jobs.len()).unwrap_or(i64::MAX));
        self.metrics.queue_bytes.set(i64::try_from(state.bytes).unwrap_or(i64::MAX));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Job ===

impl Job {
    /// Answers the line. A request that has gone away does not care.
    pub fn settle(&self, settled: Settled) {
        let _ = self.reply.send((self.index, settled));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> Vec<(Entry, usize)> {
        (0..count).map(|_| (Entry::parse(b"{}", 0), 1)).collect()
    }

    /// What is taken at once; `None` where the taker would wait.
    fn taken(queue: &Queue, taker: Taker) -> Option<Option<usize>> {
        let mut taking = std::pin::pin!(queue.take(256, 1 << 20, taker));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        match taking.as_mut().poll(&mut context) {
            std::task::Poll::Ready(batch) => Some(batch.map(|batch| batch.len())),
            std::task::Poll::Pending => None,
        }
    }

    #[test]
    fn second_writer_takes_only_of_a_crowd_and_what_is_left_at_the_end() {
        let queue = Queue::new(4_096, 1 << 20, Arc::default());
        let _answers = queue.push(lines(CROWD_LINES - 1)).unwrap();
        assert_eq!(taken(&queue, Taker::Second), None);
        let _answers = queue.push(lines(1)).unwrap();
        assert_eq!(taken(&queue, Taker::Second), Some(Some(256)));
        assert_eq!(taken(&queue, Taker::Second), None);
        assert_eq!(taken(&queue, Taker::First), Some(Some(256)));
        assert_eq!(taken(&queue, Taker::First), None);
        let _answers = queue.push(lines(3)).unwrap();
        queue.close();
        assert_eq!(taken(&queue, Taker::Second), Some(Some(3)));
        assert_eq!(taken(&queue, Taker::Second), Some(None));
        assert_eq!(taken(&queue, Taker::First), Some(None));
    }
}
