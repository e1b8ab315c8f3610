//! Brings checkpoints to where the database's owner cannot reach them: a file, standard output,
//! and `GET /checkpoint`. Believes none that a registered key did not sign.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::keys;
use super::note::{Checkpoint, NOTE_BYTES_MAX, VerifierKey};
use crate::error::{StartError, StoreError};
use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::ledger::Signed;

/// How long a file or a pipe that takes no bytes holds up the sequencer. The write itself goes on.
const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// The newest checkpoint that left, for `GET /checkpoint`.
#[derive(Clone, Default)]
pub struct Published(Arc<Mutex<Option<(u64, String)>>>);

/// Publishes what is newer than what it published before.
pub struct Publisher {
    file: Option<PathBuf>,
    print: bool,
    /// The last one on standard output.
    printed: Option<String>,
    /// A write that took longer than [`SEND_PATIENCE`]: nothing else is written before it ends.
    sending: Option<(String, JoinHandle<Sent>)>,
    /// This replica's key, or else the first that it met.
    trusted: Option<VerifierKey>,
    newest: Option<Checkpoint>,
    published: Published,
    metrics: Arc<Metrics>,
    failing: bool,
}

/// What came of a write: the note that stands on standard output now, and whether all went well.
type Sent = (Option<String>, std::io::Result<()>);

/// How what is out stands beside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Publication {
    /// The newest checkpoint is out.
    Current,
    /// It cannot be believed or brought out; the log says why.
    Stuck,
    /// It does not begin with what was published before.
    Forked {
        /// How many leaves it covers; 0 where there is none any more.
        size: u64,
    },
}

// === impl Published ===

impl Published {
    /// The note.
    pub fn note(&self) -> Option<String> {
        self.lock().as_ref().map(|(_, note)| note.clone())
    }

    /// How many leaves it covers; 0 where there is none.
    pub fn size(&self) -> u64 {
        self.lock().as_ref().map_or(0, |(size, _)| *size)
    }

    fn set(&self, size: u64, note: &str) {
        *self.lock() = Some((size, note.to_owned()));
    }

    fn lock(&self) -> MutexGuard<'_, Option<(u64, String)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Publisher ===

impl Publisher {
    /// Takes up where the file ends: what it holds was published. `print`: on standard output, too.
    pub fn new(
        file: Option<PathBuf>,
        print: bool,
        trusted: Option<VerifierKey>,
        published: Published,
        metrics: Arc<Metrics>,
    ) -> Result<Publisher, StartError> {
        let newest = file.as_deref().map(read_checkpoint).transpose()?.flatten();
        Ok(Publisher {
            file,
            print,
            printed: None,
            sending: None,
            trusted,
            newest,
            published,
            metrics,
            failing: false,
        })
    }

    /// The largest checkpoint that was published.
    pub fn newest(&self) -> Option<&Checkpoint> {
        self.newest.as_ref()
    }

    /// Publishes the newest checkpoint of the database, where it is newer: one that the ledger's
    /// key signed, of a tree that begins with what was published before.
    pub async fn publish(&mut self, store: &Store) -> Result<Publication, StoreError> {
        let Some(Signed { note, key_records }) = store.newest_checkpoint().await? else {
            // Checkpoints do not go away by themselves.
            return Ok(match self.newest {
                Some(_) => Publication::Forked { size: 0 },
                None => Publication::Current,
            });
        };
        let (checkpoint, successor) = match self.open(&note, &key_records) {
            Ok(opened) => opened,
            Err(problem) => return Ok(self.fail(&problem)),
        };
        // A key signs up to the leaf that names the next one, and nothing after it.
        if let Some(record) = successor
            && store.key_leaf(&record).await?.is_some_and(|leaf| leaf < checkpoint.size)
        {
            return Ok(self.fail("the newest one in the database is signed by a key of the past"));
        }
        let newer = self.newest.as_ref() != Some(&checkpoint);
        if newer {
            if let Some(newest) = &self.newest
                && !store.begins_with(newest, &checkpoint).await?
            {
                return Ok(Publication::Forked { size: checkpoint.size });
            }
            if let Err(failure) = self.send(&note).await {
                return Ok(self.fail(&failure.to_string()));
            }
        }
        if self.failing {
            info!("checkpoints are published again");
        }
        self.failing = false;
        // The one that the file held at the start is out already, but not yet to be asked for.
        self.metrics.checkpoint_size.set(i64::try_from(checkpoint.size).unwrap_or(i64::MAX));
        self.published.set(checkpoint.size, &note);
        self.newest = Some(checkpoint);
        Ok(Publication::Current)
    }

    /// Opens a checkpoint with a key that each one before it vouched for. Whoever owns the database
    /// can register a key of their own, but cannot have it signed by the one that is trusted here.
    /// With it comes the record of the key after the one that signed, where there is one.
    fn open(
        &mut self,
        note: &str,
        key_records: &[Vec<u8>],
    ) -> Result<(Checkpoint, Option<Vec<u8>>), String> {
        let chain = keys::chain(key_records).map_err(|problem| problem.to_string())?;
        let first = chain.first().ok_or("no key is registered")?;
        let trusted = self.trusted.get_or_insert_with(|| first.clone());
        if !chain.contains(trusted) {
            return Err(format!("the registered keys do not lead from or to `{trusted}`"));
        }
        let opened = chain.iter().enumerate().rev().find_map(|(at, key)| {
            let checkpoint = key.open_checkpoint(note).ok()?;
            Some((checkpoint, key_records.get(at + 1).cloned()))
        });
        opened.ok_or("the newest one in the database is signed by no registered key".to_owned())
    }

    fn fail(&mut self, why: &str) -> Publication {
        if !self.failing {
            warn!("checkpoints are not published until it works again: {why}");
        }
        self.failing = true;
        Publication::Stuck
    }

    /// Off the runtime's threads: a full pipe or a hanging volume must not hold up decisions.
    async fn send(&mut self, note: &str) -> std::io::Result<()> {
        loop {
            let (what, mut write) = self.sending.take().unwrap_or_else(|| {
                let print = self.print && self.printed.as_deref() != Some(note);
                let (printed, file) = (self.printed.take(), self.file.clone());
                let what = note.to_owned();
                let write = tokio::task::spawn_blocking(move || {
                    send(what, file.as_deref(), print, printed)
                });
                (note.to_owned(), write)
            });
            let Ok(sent) = tokio::time::timeout(SEND_PATIENCE, &mut write).await else {
                self.sending = Some((what, write));
                return Err(std::io::ErrorKind::TimedOut.into());
            };
            let (printed, result) = sent.map_err(std::io::Error::other)?;
            self.printed = printed;
            // What was still under way may have been an older one.
            if what == note || result.is_err() {
                return result;
            }
        }
    }
}

/// The file comes last, for it says what is out: a process that is killed in between prints a
/// line again, and leaves none out.
fn send(note: String, file: Option<&Path>, print: bool, printed: Option<String>) -> Sent {
    if print {
        // One line each, so that whatever ships logs keeps their history.
        let line = serde_json::json!({ "checkpoint": note });
        if let Err(failure) = writeln!(std::io::stdout().lock(), "{line}") {
            return (printed, Err(failure));
        }
    }
    let written = file.map_or(Ok(()), |file| replace(file, &note));
    (if print { Some(note) } else { printed }, written)
}

/// In one step, and on the disk before it counts as published.
fn replace(file: &Path, text: &str) -> std::io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".next");
    let next = file.with_file_name(name);
    let mut handle = std::fs::File::create(&next)?;
    handle.write_all(text.as_bytes())?;
    handle.sync_all()?;
    std::fs::rename(&next, file)?;
    // The name, too, must be on the disk; a file without a folder is in the working one.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// The checkpoint in a file, by whatever key: it is there to be compared, not to be believed.
fn read_checkpoint(file: &Path) -> Result<Option<Checkpoint>, StartError> {
    let broken = || StartError::CheckpointFile { file: file.to_owned() };
    let note = match std::fs::read(file) {
        Ok(note) => note,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(StartError::Io { doing: "reading CHECKPOINT_FILE", source }),
    };
    if note.len() > NOTE_BYTES_MAX {
        return Err(broken());
    }
    let text = String::from_utf8(note).map_err(|_| broken())?;
    let (text, _) = text.split_once("\n\n").ok_or_else(broken)?;
    Checkpoint::parse(text).map(Some).map_err(|_| broken())
}
