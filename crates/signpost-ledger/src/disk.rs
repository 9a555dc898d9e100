//! The disk, as far as the log needs it: behind a trait, so that a test can lose what was not
//! synced, fail a sync, or run out of space.

use std::fmt::Debug;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Whole files, their names and directories. A name that was made, moved or removed is durable only
/// once its directory was synced.
pub trait Disk: Send + Sync + Debug {
    /// All that is in a file.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// Writes a file, mode 0600, in place of one that is there, and syncs it.
    fn write_synced(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError>;

    /// Moves a file to another name in the same directory, in place of one that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Makes a directory, mode 0700; one that is there is an error of kind `AlreadyExists`.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all that is in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// Device and inode of a file or directory: two names of one agree in it.
    fn identity(&self, path: &Path) -> io::Result<(u64, u64)>;
}

/// Why a file is not durable.
#[derive(Debug)]
pub enum WriteError {
    /// It could not be written: it can be, later.
    NotWritten(io::Error),
    /// It could not be synced: what the disk holds is unknown.
    NotSynced(io::Error),
}

/// The longest file of a ledger, in bytes: a bundle of 256 entries of 65 535 bytes, each behind its
/// length.
pub const FILE_LEN_MAX: u64 = 256 * (2 + 65_535);

/// The disk of this machine. It reads regular files of at most [`FILE_LEN_MAX`] bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

impl Disk for OsDisk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // Before it is opened: a pipe would be waited for.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_LEN_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_LEN_MAX {
            let problem = "it is longer than any file of a ledger";
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, problem));
        }
        Ok(bytes)
    }

    fn write_synced(&self, path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(path).map_err(WriteError::NotWritten)?;
        if let Err(error) = file.write_all(bytes) {
            let _space_is_given_back = fs::remove_file(path);
            return Err(WriteError::NotWritten(error));
        }
        file.sync_all().map_err(WriteError::NotSynced)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir_all(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn identity(&self, path: &Path) -> io::Result<(u64, u64)> {
        fs::metadata(path).map(|found| (found.dev(), found.ino()))
    }
}
