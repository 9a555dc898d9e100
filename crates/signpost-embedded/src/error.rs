//! Why a data directory is not made or not opened, and why an open store stopped.

use std::io;
use std::path::{Path, PathBuf};

use crate::keyring::KeyError;

/// Why a data directory was not made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is something in it already.
    #[error("{} is not empty: give the path of a new or an empty directory", .path.display())]
    NotEmpty {
        /// The directory.
        path: PathBuf,
    },
    /// The keyring would lie in what it protects.
    #[error("the keyring must lie outside the data directory {}", .path.display())]
    KeyringInside {
        /// The data directory.
        path: PathBuf,
    },
    /// The keyring serves a store already.
    #[error("the keyring holds a high-water mark, {}: it belongs to another data directory", .path.display())]
    KeyringInUse {
        /// The mark.
        path: PathBuf,
    },
    /// A key could not be made.
    #[error("no key could be made")]
    Key(#[from] KeyError),
    /// The file system failed.
    #[error("cannot write {}", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why a data directory was not opened. Journal, ledger and openings are as they were where the
/// journal was refused; the index, which can be built anew, may have been touched.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no data directory, or it was never finished.
    #[error("{} has no file FORMAT: it is no data directory, or its making was cut short; \
             then remove it and make it again", .path.display())]
    NotADataDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// It was made by a build that writes another format.
    #[error("{} says \"{found}\"; this build knows \"{known}\" alone: use a build that knows it", .path.display())]
    UnknownFormat {
        /// The FORMAT file.
        path: PathBuf,
        /// What it says.
        found: String,
        /// What this build knows.
        known: &'static str,
    },
    /// Another process has it open.
    #[error("another process has {} open: one process per data directory; stop the other first", .path.display())]
    InUse {
        /// The lock file.
        path: PathBuf,
    },
    /// The keyring lies in what it protects.
    #[error("the keyring must lie outside the data directory {}", .path.display())]
    KeyringInside {
        /// The data directory.
        path: PathBuf,
    },
    /// A key could not be had.
    #[error("the key in {} cannot be had: restore it, or the keyring, from a backup", .path.display())]
    Key {
        /// The file of the wrapped key.
        path: PathBuf,
        /// Why.
        source: KeyError,
    },
    /// The high-water mark is gone, and with it the witness of how far the journal was.
    #[error("there is no high-water mark {}: the keyring was restored in part, or is another; \
             restore it with all its files", .path.display())]
    MarkMissing {
        /// Where it should be.
        path: PathBuf,
    },
    /// A file is not what it was.
    #[error("{} is damaged at offset {offset}: {what}; restore it from the newest backup", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where in it.
        offset: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The journal ends before a frame that something shows to have been complete.
    #[error("{} ends at offset {offset} with frame {last}, but {witness} knows of later ones: \
             acknowledged commits would be lost; restore it from the newest backup", .path.display())]
    FramesMissing {
        /// The journal.
        path: PathBuf,
        /// Where its last good frame ends.
        offset: u64,
        /// The number of that frame.
        last: u64,
        /// What knows of a later frame.
        witness: &'static str,
    },
    /// The index could be neither opened nor built anew.
    #[error("the index {} cannot be built: {what}; remove it and start again, it is built anew from the \
             journal", .path.display())]
    Index {
        /// Its directory.
        path: PathBuf,
        /// What failed.
        what: String,
    },
    /// There is no space for what has to be written.
    #[error("there is no space to build the index {} anew: make room and start again; nothing is \
             lost", .path.display())]
    NoSpace {
        /// Its directory.
        path: PathBuf,
    },
    /// The file system failed.
    #[error("cannot use {}: see that it is there and ours, and its disk in order and not full, or \
             restore it from the newest backup", .path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Why an open store takes no more commits until a restart has looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// A sync of the journal failed: what the disk holds of the batch is unknown.
    #[error("a sync of the journal failed")]
    JournalNotSynced,
    /// The journal's path no longer names the file that is written.
    #[error("the journal was moved away, replaced or removed while it was written")]
    JournalReplaced,
    /// A frame that was not wholly written could not be cut off again.
    #[error("an incomplete frame could not be cut off the journal")]
    JournalNotCut,
    /// The journal has a frame that the index did not take.
    #[error("the index did not take a durable frame")]
    IndexNotWritten,
    /// A sync of the ledger's or the openings' own files failed.
    #[error("a sync of the entries or openings failed")]
    LedgerNotSynced,
    /// Which of two keys of a segment of openings counts is unknown.
    #[error("a rewritten segment of openings could not be put into place")]
    OpeningsNotReplaced,
    /// Whether the next generation is in use is unknown.
    #[error("CURRENT could not be written at the end of a turn")]
    NotSwitched,
    /// An entry that no journal has any more is not what it was when it was written.
    #[error("an entry up to the last turn is damaged")]
    EntriesChanged,
    /// A thread of the store panicked.
    #[error("a thread of the store panicked")]
    Panicked,
}

impl CreateError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }

    pub(crate) fn key(path: &Path) -> impl Fn(KeyError) -> Self {
        move |source| Self::Key { path: path.to_owned(), source }
    }

    pub(crate) fn damaged(path: &Path, offset: u64, what: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), offset, what }
    }
}
