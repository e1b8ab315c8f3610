//! Where the spool's file lies, how it comes to be, and how much room there is for it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Error;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;

use crate::spool::{SpoolError, check};

/// Held for as long as the spool is in use.
const LOCK_NAME: &str = "spool.lock";

/// Where everything is.
const NAME: &str = "spool.redb";

/// A file on its way to be that; whatever is in it was never acked.
const NEW_NAME: &str = "spool.redb.new";

/// Left free on the disk, whoever else fills it: for Postgres' own files may lie there, too.
const DISK_FREE_MIN: u64 = 256 << 20;

/// The same, as a part of a large disk: 5 %.
const DISK_FREE_PART: u64 = 20;

/// A commit writes its pages beside the old ones.
const COMMIT_FACTOR: u64 = 2;

/// How much the spool may hold.
pub(super) struct Room {
    /// Whose disk; none in tests.
    pub directory: Option<PathBuf>,
    /// Bytes that wait at most.
    pub bytes_max: u64,
}

// === impl Room ===

impl Room {
    /// Whether so many bytes more fit. Taking some out always does.
    pub fn fits(&self, held: u64, more: u64) -> bool {
        more == 0 || (held.saturating_add(more) <= self.bytes_max && self.disk_fits(more))
    }

    fn disk_fits(&self, more: u64) -> bool {
        let Some(directory) = &self.directory else { return true };
        // A disk that does not even answer this takes no write.
        rustix::fs::statvfs(directory).is_ok_and(|disk| {
            let total = disk.f_blocks.saturating_mul(disk.f_frsize);
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            leaves_room(total, free, more)
        })
    }
}

fn leaves_room(total: u64, free: u64, more: u64) -> bool {
    let left = free.saturating_sub(more.saturating_mul(COMMIT_FACTOR));
    left >= DISK_FREE_MIN.max(total / DISK_FREE_PART)
}

/// The spool's file and the lock that makes this process its only user. The file is made where
/// there is none, whole before it gets its name: an empty one has lost what it held.
pub(super) fn file(directory: &Path) -> Result<(PathBuf, File), SpoolError> {
    let path = directory.join(NAME);
    let failed = |doing, source| SpoolError::Io { path: directory.to_owned(), doing, source };
    let lock = owned(&directory.join(LOCK_NAME)).map_err(|e| failed("opening its lock", e))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(SpoolError::InUse { path }),
        Err(TryLockError::Error(source)) => return Err(failed("locking", source)),
    }
    if !path.try_exists().map_err(|e| failed("opening", e))? {
        make(directory, &path).map_err(|e| failed("making the file", e))?;
    }
    Ok((path, lock))
}

/// The file for redb.
pub(super) fn backend(path: &Path) -> Result<FileBackend, SpoolError> {
    let failed = |source| SpoolError::Io { path: path.to_owned(), doing: "opening", source };
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(failed)?;
    FileBackend::new(file).map_err(|e| failed(Error::other(e)))
}

fn make(directory: &Path, path: &Path) -> std::io::Result<()> {
    let new = directory.join(NEW_NAME);
    let file = owned(&new)?;
    file.set_len(0)?;
    check::make(FileBackend::new(file).map_err(Error::other)?).map_err(Error::other)?;
    std::fs::rename(&new, path)?;
    // Without this a power loss could take the name, and with it all that was acked.
    File::open(directory)?.sync_all()
}

/// Summaries are in it: nobody else may read it.
fn owned(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_disk_stays_free_and_on_a_small_one_more() {
        let (mib, gib) = (1 << 20, 1 << 30);
        for (total, free, more, fits) in [
            (100 * gib, 6 * gib, gib / 2, true),
            (100 * gib, 6 * gib, gib / 2 + 1, false),
            (100 * gib, 5 * gib - 1, 1, false),
            (gib, 258 * mib, mib, true),
            (gib, 258 * mib, mib + 1, false),
            (gib, 0, 1, false),
        ] {
            assert_eq!(leaves_room(total, free, more), fits, "{total} {free} {more}");
        }
    }

    #[test]
    fn what_takes_no_room_always_fits() {
        let room = Room { directory: Some("/nonexistent".into()), bytes_max: 10 };
        assert!(room.fits(11, 0));
        assert!(!room.fits(0, 1), "a disk that cannot be asked");
        let room = Room { directory: None, bytes_max: 10 };
        assert!(room.fits(4, 6));
        assert!(!room.fits(4, 7));
    }
}
