//! The data directory: its files' names, its format, its lock, and which generation is current.
//!
//! | path | content |
//! |---|---|
//! | `FORMAT` | `signpost-data 1`; written last when the directory is made |
//! | `lock` | locked by the one process that has the directory open |
//! | `CURRENT` | the number of the current generation, in decimal |
//! | `generation-0000000001/keys` | the wrapped index key and data key |
//! | `generation-0000000001/journal` | the journal, the truth |
//! | `generation-0000000001/index/` | sled, built anew from the journal at need |
//! | `ledger/entries-0000000000` | 65 536 entries of 256 bytes |
//! | `openings/segment-0000000001` | 65 536 sealed openings, each behind its entry's index |
//! | `openings/segment-0000000001.key` | the segment's wrapped key |

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::durable;
use crate::error::OpenError;

/// What `FORMAT` says.
pub(crate) const FORMAT: &str = "signpost-data 1";

/// The paths of a data directory.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) root: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn format(&self) -> PathBuf {
        self.root.join("FORMAT")
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("CURRENT")
    }

    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.root.join(format!("generation-{number:010}"))
    }

    pub(crate) fn keys(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("keys")
    }

    pub(crate) fn journal(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("journal")
    }

    pub(crate) fn index(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("index")
    }

    pub(crate) fn ledger(&self) -> PathBuf {
        self.root.join("ledger")
    }

    pub(crate) fn entries(&self, file: u64) -> PathBuf {
        self.ledger().join(format!("entries-{file:010}"))
    }

    pub(crate) fn openings(&self) -> PathBuf {
        self.root.join("openings")
    }

    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.openings().join(format!("segment-{number:010}"))
    }

    pub(crate) fn segment_key(&self, number: u64) -> PathBuf {
        self.openings().join(format!("segment-{number:010}.key"))
    }

    /// Refuses a directory of any format but this build's.
    pub(crate) fn check_format(&self) -> Result<(), OpenError> {
        let path = self.format();
        let found = durable::read_if_there(&path).map_err(OpenError::io(&path))?;
        let found =
            found.ok_or_else(|| OpenError::NotADataDirectory { path: self.root.clone() })?;
        let found = String::from_utf8_lossy(&found).trim_end().to_owned();
        if found == FORMAT {
            Ok(())
        } else {
            Err(OpenError::UnknownFormat { path, found, known: FORMAT })
        }
    }

    /// Takes the lock; it is held as long as the file lives.
    pub(crate) fn take_lock(&self) -> Result<File, OpenError> {
        let path = self.lock();
        let file = durable::open_or_create(&path).map_err(OpenError::io(&path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path }),
            Err(TryLockError::Error(source)) => Err(OpenError::Io { path, source }),
        }
    }

    /// The number of the current generation.
    pub(crate) fn read_current(&self) -> Result<u64, OpenError> {
        let path = self.current();
        let text = std::fs::read_to_string(&path).map_err(OpenError::io(&path))?;
        let number = text.trim_end().parse().ok().filter(|number| *number > 0);
        number.ok_or_else(|| OpenError::damaged(&path, 0, "not the number of a generation"))
    }

    /// Makes a generation current, durably.
    pub(crate) fn write_current(&self, generation: u64) -> std::io::Result<()> {
        durable::write_durably(&self.current(), format!("{generation}\n").as_bytes())
    }

    /// Whether a path lies in the data directory, once both are followed to their end.
    pub(crate) fn contains(&self, path: &Path) -> std::io::Result<bool> {
        Ok(path.canonicalize()?.starts_with(self.root.canonicalize()?))
    }
}
