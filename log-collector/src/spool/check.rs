//! Opens the file and reads all of it: every page against its checksum, every line against its
//! digest, and their numbers without a gap. A file that is short of a line is refused.

use std::path::Path;

use redb::{
    Builder, Database, DatabaseError, ReadTransaction, ReadableDatabase, ReadableTable,
    ReadableTableMetadata, StorageBackend,
};
use sha2::{Digest, Sha256};

use crate::spool::tables::{
    ANNOUNCEMENTS, FIRST, HEADS, LINES, NEXT, POLICIES, REFUSED, STATE, Tables, row_bytes,
};
use crate::spool::{CACHE_BYTES, SpoolError, Stats};

/// Makes an empty spool.
pub(super) fn make(backend: impl StorageBackend) -> Result<(), redb::Error> {
    let database = builder().create_with_backend(backend)?;
    let mut tx = database.begin_write()?;
    tx.set_two_phase_commit(true);
    Tables::open(&tx, Stats::default())?.close()?;
    tx.commit()?;
    Ok(database.close()?)
}

/// Opens a spool that was made before.
pub(super) fn open(
    backend: impl StorageBackend,
    path: &Path,
) -> Result<(Database, Stats), SpoolError> {
    let damaged = |found: String| SpoolError::Damaged { path: path.to_owned(), found };
    let failed = |error: redb::Error| match error {
        redb::Error::Corrupted(found) => damaged(found),
        redb::Error::DatabaseAlreadyOpen => SpoolError::InUse { path: path.to_owned() },
        redb::Error::Io(source) if source.kind() == std::io::ErrorKind::InvalidData => {
            damaged(source.to_string())
        }
        redb::Error::TableDoesNotExist(_) => damaged("a table is missing".to_owned()),
        other => SpoolError::Failed { path: path.to_owned(), cause: other.to_string() },
    };
    // redb would take a file without bytes for a new one.
    match backend.len() {
        Ok(0) => return Err(damaged("the file is empty".to_owned())),
        Ok(_) => {}
        Err(error) => {
            let cause = error.to_string();
            return Err(SpoolError::Failed { path: path.to_owned(), cause });
        }
    }
    let database = builder().create_with_backend(backend);
    let database = database.map_err(|error: DatabaseError| failed(error.into()))?;
    let tx = database.begin_read().map_err(|error| failed(error.into()))?;
    let stats = read(&tx).map_err(failed)?.map_err(damaged)?;
    drop(tx);
    Ok((database, stats))
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
    builder
}

/// What waits, or what is wrong with it.
fn read(tx: &ReadTransaction) -> Result<Result<Stats, String>, redb::Error> {
    let (lines, heads, state) =
        (tx.open_table(LINES)?, tx.open_table(HEADS)?, tx.open_table(STATE)?);
    let mut stats = Stats::default();
    let number = |name| -> Result<Option<u64>, redb::Error> {
        Ok(state.get(name)?.map(|number| number.value()))
    };
    let (Some(mut expected), Some(next)) = (number(FIRST)?, number(NEXT)?) else {
        return Ok(Err("the numbers of its lines are missing".to_owned()));
    };
    for row in lines.iter()? {
        let (sequence, value) = row?;
        let (received, digest, line) = value.value();
        if sequence.value() != expected {
            return Ok(Err(format!("line {expected} is missing")));
        }
        if *digest != <[u8; 32]>::from(Sha256::digest(line)) {
            return Ok(Err(format!("line {expected} has changed")));
        }
        expected += 1;
        stats.lines += 1;
        stats.bytes += row_bytes(line.len());
        stats.oldest_unix_ms = stats.oldest_unix_ms.or(Some(received));
    }
    if expected != next {
        return Ok(Err(format!("line {expected} is missing")));
    }
    if heads.len()? != stats.lines {
        return Ok(Err("its index does not fit its lines".to_owned()));
    }
    for row in tx.open_table(REFUSED)?.iter()? {
        stats.refused += 1;
        stats.bytes += row_bytes(row?.1.value().2.len());
    }
    for row in tx.open_table(POLICIES)?.iter()? {
        stats.bytes += row_bytes(row?.1.value().0.len());
    }
    stats.announcements = tx.open_table(ANNOUNCEMENTS)?.len()?;
    stats.bytes += stats.announcements * row_bytes(0);
    Ok(Ok(stats))
}
