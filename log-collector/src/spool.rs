//! Lines on this collector's own disk while Postgres is away, off unless a directory is given. One
//! redb file: whatever is acked from here was synced before. Knows nothing of HTTP or SQL.
//!
//! `disk` finds the file and the room, `tables` says what is in it, `check` reads all of it at the
//! start, `drain` moves it to Postgres in the order in which it came.

mod check;
mod disk;
pub mod drain;
mod error;
pub mod metrics;
mod policies;
mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use governance_filter::record::AckStatus;
use redb::{Database, ReadableDatabase, ReadableTable, StorageBackend, WriteTransaction};
use sha2::{Digest, Sha256};
use tokio::sync::Notify;

use crate::clock::unix_ms;
pub use crate::spool::error::SpoolError;
pub use crate::spool::policies::Announced;
use crate::spool::tables::{LINES, REFUSED, Tables};

use crate::ingest::line::{Entry, RECORD_BYTES_MAX};
use crate::ingest::queue::Job;
use crate::readiness::Readiness;

/// Pages kept in memory: what is read is read once, in order.
const CACHE_BYTES: usize = 16 << 20;

/// So many the drain moves in two steps.
const HANDOVER_LINES: u64 = 512;

/// Well within the time for which calls are held.
const HANDOVER_TIMEOUT: Duration = Duration::from_millis(500);

/// The spool. One writer, one drain.
pub struct Spool {
    database: Database,
    path: PathBuf,
    room: disk::Room,
    stats: Mutex<Stats>,
    /// Held for a whole transaction, so that the next one begins with its stats.
    changing: Mutex<()>,
    /// The database has not yet been found fit to commit to.
    unchecked: AtomicBool,
    /// Woken when something was put in.
    filled: Notify,
    /// A write failed.
    broken: AtomicBool,
    /// The drain's last step succeeded.
    draining: AtomicBool,
    /// Woken after each step of the drain.
    stepped: Notify,
    /// Held until the file is closed; none in tests.
    _lock: Option<File>,
}

/// What waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Lines that were acked.
    pub lines: u64,
    /// Refused lines, for the quarantine.
    pub refused: u64,
    /// Policies that Postgres has not been told.
    pub announcements: u64,
    /// Bytes of all of them and of every policy, with what the file needs to find them.
    pub bytes: u64,
    /// When the oldest line came, in Unix milliseconds.
    pub oldest_unix_ms: Option<u64>,
}

/// What became of the lines that were put in.
#[derive(Debug, PartialEq, Eq)]
pub struct Appended {
    /// Of each line.
    pub statuses: Vec<AckStatus>,
    /// Refused lines for which the quarantine has no room.
    pub dropped: u64,
}

/// A line that waits.
#[derive(Debug)]
pub struct Waiting {
    sequence: u64,
    /// What it says.
    pub entry: Entry,
}

// === impl Spool ===

impl Spool {
    /// Opens the spool of a directory or makes one, and reads all of it.
    pub fn open(directory: &Path, bytes_max: u64) -> Result<Spool, SpoolError> {
        let (path, lock) = disk::file(directory)?;
        let backend = disk::backend(&path)?;
        let room = disk::Room { directory: Some(directory.to_owned()), bytes_max };
        Spool::on(backend, path, room, Some(lock))
    }

    fn on(
        backend: impl StorageBackend,
        path: PathBuf,
        room: disk::Room,
        lock: Option<File>,
    ) -> Result<Spool, SpoolError> {
        let (database, stats) = check::open(backend, &path)?;
        Ok(Spool {
            database,
            path,
            room,
            stats: Mutex::new(stats),
            changing: Mutex::default(),
            unchecked: AtomicBool::new(false),
            filled: Notify::new(),
            broken: AtomicBool::new(false),
            draining: AtomicBool::new(false),
            stepped: Notify::new(),
            _lock: lock,
        })
    }

    /// Until it was looked at, the database gets nothing.
    pub fn distrust_database(&self) {
        self.unchecked.store(true, Ordering::Relaxed);
    }

    fn is_distrustful(&self) -> bool {
        self.unchecked.load(Ordering::Relaxed)
    }

    fn trust_database(&self) {
        self.unchecked.store(false, Ordering::Relaxed);
    }

    /// Whether lines go here: while the database fails, and until the last one has left.
    pub fn takes_all(&self, readiness: &Readiness) -> bool {
        let down = self.is_distrustful() || readiness.age().is_none();
        down || !self.stats().is_empty()
    }

    /// Waits for the last lines to leave, where they are few and the drain gets on: else a steady
    /// stream of new ones would keep the spool from ever being empty. True once it is.
    pub async fn is_emptied_soon(&self) -> bool {
        let emptied = async {
            loop {
                // Made before the look, so that a step between the two is not missed.
                let stepped = self.stepped.notified();
                let stats = self.stats();
                if stats.is_empty() {
                    return true;
                }
                if stats.lines > HANDOVER_LINES || !self.draining.load(Ordering::Relaxed) {
                    return false;
                }
                stepped.await;
            }
        };
        tokio::time::timeout(HANDOVER_TIMEOUT, emptied).await.unwrap_or(false)
    }

    /// The drain has done a step, or tried to.
    fn stepped(&self, draining: bool) {
        self.draining.store(draining, Ordering::Relaxed);
        self.stepped.notify_waiters();
    }

    /// Whether it has room for one more line, however large.
    pub fn has_room(&self) -> bool {
        self.room.fits(self.stats().bytes, tables::row_bytes(RECORD_BYTES_MAX))
    }

    /// A write failed: nothing can be done with the file in this process any more.
    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// What waits.
    pub fn stats(&self) -> Stats {
        *self.lock()
    }

    /// Puts jobs in where it may block, and hands them back.
    pub async fn append_jobs(
        self: &Arc<Spool>,
        jobs: Vec<Job>,
    ) -> Result<(Vec<Job>, Result<Appended, SpoolError>), SpoolError> {
        self.blocking(move |spool| {
            let entries: Vec<&Entry> = jobs.iter().map(|job| &job.entry).collect();
            let appended = spool.append(&entries, unix_ms());
            Ok((jobs, appended))
        })
        .await
    }

    /// Puts lines in, all of them or none; an `Ok` means that they are on the disk.
    pub fn append(&self, entries: &[&Entry], now_unix_ms: u64) -> Result<Appended, SpoolError> {
        let appended = self.change(|tables| {
            let mut appended = Appended { statuses: Vec::new(), dropped: 0 };
            for entry in entries {
                let status = tables.put(entry, now_unix_ms, &mut appended.dropped)?;
                appended.statuses.push(status);
            }
            Ok(appended)
        })?;
        self.filled.notify_one();
        Ok(appended)
    }

    /// The first lines that wait, at least one where there is one.
    pub fn first_lines(
        &self,
        lines_max: usize,
        bytes_max: usize,
    ) -> Result<Vec<Waiting>, SpoolError> {
        let (mut lines, mut bytes) = (Vec::new(), 0);
        let mut read = || -> Result<Option<u64>, redb::Error> {
            let table = self.database.begin_read()?.open_table(LINES)?;
            for row in table.iter()? {
                let (sequence, value) = row?;
                let (received, digest, line) = value.value();
                bytes += line.len();
                if lines.len() >= lines_max || (bytes > bytes_max && !lines.is_empty()) {
                    break;
                }
                // A flip after the check at the start must not reach the ledger as a bad line.
                if *digest != <[u8; 32]>::from(Sha256::digest(line)) {
                    return Ok(Some(sequence.value()));
                }
                lines.push(Waiting::new(sequence.value(), received, line));
            }
            Ok(None)
        };
        match read().map_err(|error| self.failed(&error))? {
            None => Ok(lines),
            Some(sequence) => Err(self.damaged(format!("line {sequence} has changed"))),
        }
    }

    /// Takes lines out that are in Postgres.
    pub fn remove_lines(&self, lines: &[Waiting]) -> Result<(), SpoolError> {
        self.change(|tables| lines.iter().try_for_each(|line| tables.remove(line)))
    }

    /// Some of the refused lines.
    pub fn first_refused(&self, lines_max: usize) -> Result<Vec<Entry>, SpoolError> {
        let read = || -> Result<Vec<Entry>, redb::Error> {
            let table = self.database.begin_read()?.open_table(REFUSED)?;
            let rows = table.iter()?.take(lines_max);
            rows.map(|row| {
                let (key, value) = row?;
                Ok(tables::refused_entry(key.value(), value.value()))
            })
            .collect()
        };
        read().map_err(|error| self.failed(&error))
    }

    /// Takes refused lines out that are in the quarantine.
    pub fn remove_refused(&self, entries: &[Entry]) -> Result<(), SpoolError> {
        self.change(|tables| entries.iter().try_for_each(|entry| tables.remove_refused(entry)))
    }

    /// Runs file work where it may block.
    pub async fn blocking<T: Send + 'static>(
        self: &Arc<Spool>,
        work: impl FnOnce(&Spool) -> Result<T, SpoolError> + Send + 'static,
    ) -> Result<T, SpoolError> {
        let spool = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&spool)).await;
        done.unwrap_or_else(|error| {
            Err(SpoolError::Failed { path: self.path.clone(), cause: error.to_string() })
        })
    }

    /// One durable transaction, or none where nothing was changed.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Tables<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, SpoolError> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.stats();
        let run = || -> Result<Option<T>, redb::Error> {
            let tx = self.begin()?;
            let mut tables = Tables::open(&tx, before)?;
            let result = work(&mut tables)?;
            let after = tables.close()?;
            if after == before {
                tx.abort()?;
                return Ok(Some(result));
            }
            if !self.room.fits(before.bytes, after.bytes.saturating_sub(before.bytes)) {
                tx.abort()?;
                return Ok(None);
            }
            tx.commit()?;
            if after.lines > before.lines {
                self.confirm()?;
            }
            *self.lock() = after;
            Ok(Some(result))
        };
        let done = run().map_err(|error| {
            self.broken.store(true, Ordering::Relaxed);
            self.filled.notify_one();
            self.failed(&error)
        });
        done?.ok_or(SpoolError::Full)
    }

    /// Two syncs a commit: the second makes the first one's pages the truth. So a page that does
    /// not fit its checksum is damage, never a commit that was cut short.
    fn begin(&self) -> Result<WriteTransaction, redb::Error> {
        let mut tx = self.database.begin_write()?;
        tx.set_two_phase_commit(true);
        Ok(tx)
    }

    /// After a crash one bit of the file says which of the last two commits holds. A second commit
    /// leaves both of them with the lines, so that no flip of that bit takes them back.
    fn confirm(&self) -> Result<(), redb::Error> {
        let tx = self.begin()?;
        tables::confirm(&tx)?;
        Ok(tx.commit()?)
    }

    fn failed(&self, error: &redb::Error) -> SpoolError {
        match error {
            redb::Error::Corrupted(found) => self.damaged(found.clone()),
            other => SpoolError::Failed { path: self.path.clone(), cause: other.to_string() },
        }
    }

    fn damaged(&self, found: String) -> SpoolError {
        SpoolError::Damaged { path: self.path.clone(), found }
    }

    fn lock(&self) -> MutexGuard<'_, Stats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Stats ===

impl Stats {
    /// Nothing waits for Postgres.
    pub fn is_empty(&self) -> bool {
        self.lines == 0 && self.refused == 0 && self.announcements == 0
    }
}

// === impl Waiting ===

impl Waiting {
    /// Its id was judged by the clock when it came, and may be older or newer now.
    fn new(sequence: u64, received_unix_ms: u64, line: &[u8]) -> Waiting {
        let mut entry = Entry::parse(line, u64::MAX);
        let since = Duration::from_millis(received_unix_ms);
        entry.spooled_at = SystemTime::UNIX_EPOCH.checked_add(since);
        Waiting { sequence, entry }
    }
}

#[cfg(test)]
mod tests;
