//! Why the log does not do what it is asked for.

use std::io;
use std::path::{Path, PathBuf};

use crate::note::NoteError;

/// Why the log does not take an entry, sign a checkpoint, or answer.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no space. Nothing is lost: what was asked for can be asked for again.
    #[error("there is no space to write {}: make room; nothing is lost", .path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What the disk holds is unknown, or it is not ours. The log takes nothing more.
    #[error("{}: {what}; nothing more is written or signed: \
         see to the disk and start again", .path.display())]
    Lost {
        /// The file or directory.
        path: PathBuf,
        /// What happened.
        what: &'static str,
        /// What the system says, where it says something.
        source: Option<io::Error>,
    },
    /// The file system failed, and no sync with it. It can be tried again.
    #[error("cannot use {}: see that it is there and ours, and its disk in order", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not what the checkpoint says.
    #[error("{} is damaged at offset {offset}: {what}; verify the directory, and \
         restore the file from a copy or build the directory anew from the entries", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The checkpoint cannot be read, or is not signed by our key, or a cosignature does not fit
    /// it.
    #[error("the checkpoint {} is not to be relied on", .path.display())]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NoteError,
    },
    /// The directory holds a log already.
    #[error("{} is there: the directory holds a log; \
         open it, or make another directory", .path.display())]
    AlreadyThere {
        /// The checkpoint.
        path: PathBuf,
    },
    /// An entry was given before its turn, or twice.
    #[error("entry {given} was given where entry {expected} is next: feed the log from there")]
    OutOfOrder {
        /// The index of the next entry.
        expected: u64,
        /// The index that was given.
        given: u64,
    },
    /// An entry does not fit the two bytes of its length.
    #[error("entry {index} has {len} bytes; at most 65535 fit an entry bundle")]
    TooLong {
        /// The entry.
        index: u64,
        /// Its length.
        len: usize,
    },
    /// The question is about entries that the checkpoint does not cover, or sizes in the wrong
    /// order.
    #[error("{asked} is beyond {limit}: ask again with a later checkpoint")]
    Beyond {
        /// The index or size that was asked for.
        asked: u64,
        /// What it must be below (an index) or not above (a size).
        limit: u64,
    },
}

impl LedgerError {
    /// Whether the log takes nothing more until it was opened anew.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Lost { .. })
    }

    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    /// A failed write or rename, which can be tried again.
    pub(crate) fn not_written(path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Self::Full { path, source }
                }
                _ => Self::Io { path, source },
            }
        }
    }

    pub(crate) fn not_synced(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let what = "a sync failed, and what the disk holds of it is unknown";
        move |source| Self::Lost { path: path.to_owned(), what, source: Some(source) }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what }
    }

    pub(crate) fn checkpoint(path: &Path) -> impl FnOnce(NoteError) -> Self {
        move |source| Self::Checkpoint { path: path.to_owned(), source }
    }
}
