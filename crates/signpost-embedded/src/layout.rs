//! The data directory: its files' names, its format and its lock.
//!
//! | path | content |
//! |---|---|
//! | `FORMAT` | `signpost-data 5`; written last when the directory is made |
//! | `lock` | locked by the one process that has the directory open |
//! | `reserve` | space that is given up so that a stop for want of space can be recorded |
//! | `CURRENT` | the generation in use, and where the ledger stood when it came into use |
//! | `generation-0000000001/keys` | the wrapped index key and data key |
//! | `generation-0000000001/journal-0000000001` | the journal, the truth; a new file at each start after a crash |
//! | `generation-0000000001/index/` | sled, built anew from the journal at need |
//! | `generation-0000000001/index.seal` | a keyed digest of sled's files, while no process has them open |
//! | `ledger/entries-0000000000` | 65 536 entries of 256 bytes |
//! | `ledger/destroyed` | the generations that were destroyed, or are being, and are not on record as that; there while there are any |
//! | `openings/segment-0000000001` | 65 536 sealed openings, each behind its entry's index |
//! | `openings/segment-0000000001.key` | the segment's wrapped key |
//! | `openings/segment-0000000001.next`, `.next-key`, `.old-key` | while a segment is rewritten (`erase::rewrite`) |
//! | `ledger/erased` | the segments that were rewritten to erase openings, or are being, and are not on record as that; there while there are any |

use std::collections::BTreeSet;
use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::disk::Disk;
use crate::durable;
use crate::error::OpenError;

/// What `FORMAT` says.
pub(crate) const FORMAT: &str = "signpost-data 5";

const GENERATION_PREFIX: &str = "generation-";
const JOURNAL_PREFIX: &str = "journal-";

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

    pub(crate) fn reserve(&self) -> PathBuf {
        self.root.join("reserve")
    }

    pub(crate) fn current(&self) -> PathBuf {
        self.root.join("CURRENT")
    }

    pub(crate) fn destroyed(&self) -> PathBuf {
        self.ledger().join("destroyed")
    }

    pub(crate) fn erased(&self) -> PathBuf {
        self.ledger().join("erased")
    }

    pub(crate) fn generation(&self, number: u64) -> PathBuf {
        self.root.join(format!("{GENERATION_PREFIX}{number:010}"))
    }

    pub(crate) fn keys(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("keys")
    }

    pub(crate) fn journal(&self, generation: u64, file: u64) -> PathBuf {
        self.generation(generation).join(format!("{JOURNAL_PREFIX}{file:010}"))
    }

    pub(crate) fn index(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("index")
    }

    pub(crate) fn index_seal(&self, generation: u64) -> PathBuf {
        self.generation(generation).join("index.seal")
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

    /// What a segment is to become, and its key.
    pub(crate) fn segment_next(&self, number: u64) -> PathBuf {
        self.segment(number).with_extension("next")
    }

    pub(crate) fn segment_next_key(&self, number: u64) -> PathBuf {
        self.segment(number).with_extension("next-key")
    }

    /// The key of a segment that has another by now.
    pub(crate) fn segment_old_key(&self, number: u64) -> PathBuf {
        self.segment(number).with_extension("old-key")
    }

    /// The numbers of the segments of which a rewriting has left anything.
    pub(crate) fn rewritten_segments(&self, disk: &dyn Disk) -> io::Result<BTreeSet<u64>> {
        let left = ["next", "next-key", "old-key"].map(Some);
        let number_of = |path: &PathBuf| {
            let is_left = left.contains(&path.extension().and_then(|it| it.to_str()));
            let number = path.file_stem()?.to_str()?.strip_prefix("segment-")?.parse().ok();
            number.filter(|_| is_left)
        };
        Ok(disk.list(&self.openings())?.iter().filter_map(number_of).collect())
    }

    /// Refuses a directory of any format but this build's.
    pub(crate) fn check_format(&self, disk: &dyn Disk) -> Result<(), OpenError> {
        let path = self.format();
        let found = durable::read_if_there(disk, &path).map_err(OpenError::io(&path))?;
        let found =
            found.ok_or_else(|| OpenError::NotADataDirectory { path: self.root.clone() })?;
        let found = String::from_utf8_lossy(&found).trim_end().to_owned();
        if found == FORMAT {
            Ok(())
        } else {
            Err(OpenError::UnknownFormat { path, found, known: FORMAT })
        }
    }

    /// Takes the lock; it is held as long as the file lives. A process that just ends, or a child
    /// that another has just begun, may hold it for a moment longer.
    pub(crate) fn take_lock(&self) -> Result<File, OpenError> {
        let path = self.lock();
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(OpenError::io(&path))?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() > LET_GO_WITHIN => {
                    return Err(OpenError::InUse { path });
                }
                Err(TryLockError::WouldBlock) => std::thread::park_timeout(LOOK_EVERY),
                Err(TryLockError::Error(source)) => return Err(OpenError::Io { path, source }),
            }
        }
    }

    /// The numbers of all generations of which anything is there.
    pub(crate) fn generations(&self, disk: &dyn Disk) -> io::Result<Vec<u64>> {
        numbered(disk, &self.root, GENERATION_PREFIX)
    }

    /// The numbers of a generation's journal files.
    pub(crate) fn journal_files(&self, disk: &dyn Disk, generation: u64) -> io::Result<Vec<u64>> {
        numbered(disk, &self.generation(generation), JOURNAL_PREFIX)
    }

    /// Whether a path lies in the data directory, once both are followed to their end.
    pub(crate) fn contains(&self, path: &Path) -> io::Result<bool> {
        Ok(path.canonicalize()?.starts_with(self.root.canonicalize()?))
    }
}

const LET_GO_WITHIN: Duration = Duration::from_millis(500);
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The numbers behind this prefix in a directory, in order; passing names are passed over.
fn numbered(disk: &dyn Disk, directory: &Path, prefix: &str) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for path in disk.list(directory)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        numbers.extend(name.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok()));
    }
    numbers.sort_unstable();
    Ok(numbers)
}
