//! What an operator is told when the spool cannot go on. Quotes no data.

use std::path::PathBuf;

/// Why the spool did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// No room for more, in the file or on its disk.
    #[error("the spool is full")]
    Full,
    /// The directory or the file cannot be used.
    #[error("the spool `{}`: {doing}: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What came of it.
        source: std::io::Error,
    },
    /// Another process has it.
    #[error(
        "the spool `{}` is in use by another process; each collector needs a directory of its own",
        path.display()
    )]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// What was acked is not all there.
    #[error(
        "the spool `{}` is damaged: {found}; lines that were acked may be nowhere else. Keep the \
         file: move it out of the directory and start again; docs/spool.md says what follows",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What was found.
        found: String,
    },
    /// A write or a sync failed. After that nobody knows what is on the disk but a new process.
    #[error("the spool `{}` failed, what was in flight was not acked: {cause}", path.display())]
    Failed {
        /// Which file.
        path: PathBuf,
        /// In the words of the disk or of redb, which quote no data.
        cause: String,
    },
}
