//! The disk, as far as our own files need it: behind a trait, so that a test can lose what was not
//! synced, tear a write, fail a sync, or run out of space.
//!
//! sled does its own I/O and is not behind it; nor is the lock on the data directory.

pub mod os;
#[cfg(feature = "faults")]
pub mod volatile;

use std::fmt::Debug;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Names and directories. A name that was made, moved or removed is durable only once its directory
/// was synced.
pub trait Disk: Send + Sync + Debug {
    /// Opens a file that is there, to read and write it.
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file that is there, to read it only.
    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens a file to read and write it; one that is not there is made, mode 0600.
    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>>;

    /// What is known of a file or directory by its name.
    fn status(&self, path: &Path) -> io::Result<Status>;

    /// The paths of all that is in a directory, in no order.
    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>>;

    /// Makes a directory, mode 0700; one that is there is an error of kind `AlreadyExists`.
    fn create_directory(&self, path: &Path) -> io::Result<()>;

    /// Moves a file to another name, in place of one that is there.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file's name.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory with all that is in it.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;

    /// Makes the names in a directory durable.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;

    /// What kind of file system a file or directory lies on: its name, or its number in hexadecimal.
    fn file_system(&self, path: &Path) -> io::Result<String>;

    /// How many bytes are free for us where a file or directory lies.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
}

/// An open file. Its content is durable only once it was synced.
pub trait DiskFile: Send + Sync + Debug {
    /// Reads at most as many bytes as the buffer has; 0 at the end of the file.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Writes all of these bytes. An error may leave some of them written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;

    /// Cuts the file, or lengthens it by zeros.
    fn set_len(&self, len: u64) -> io::Result<()>;

    /// Reserves space for the file up to this length, and lengthens it so far.
    fn allocate(&self, len: u64) -> io::Result<()>;

    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Makes content, length and all else of the file durable.
    fn sync_all(&self) -> io::Result<()>;

    /// What is known of the file that is open, whatever its name means by now.
    fn status(&self) -> io::Result<Status>;
}

/// What is known of a file or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The length in bytes.
    pub len: u64,
    /// Device and inode: two names of one file agree in it.
    pub identity: (u64, u64),
    /// Whether only its owner can look into it.
    pub is_private: bool,
    /// Whether it is a directory.
    pub is_directory: bool,
}

/// Fills the whole buffer. A file that ends before is an error of kind `UnexpectedEof`.
pub fn read_exact_at(
    file: &dyn DiskFile,
    mut buffer: &mut [u8],
    mut offset: u64,
) -> io::Result<()> {
    while !buffer.is_empty() {
        match file.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => {
                buffer = &mut buffer[len..];
                offset += len as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads an open file from some place to its end; to be buffered.
#[derive(Clone, Debug)]
pub struct Reader {
    file: Arc<dyn DiskFile>,
    offset: u64,
}

impl Reader {
    /// A reader whose first byte is the one at this offset.
    #[must_use]
    pub fn new(file: Arc<dyn DiskFile>, offset: u64) -> Self {
        Self { file, offset }
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read_at(buffer, self.offset)?;
        self.offset += len as u64;
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::os::OsDisk;
    use super::*;

    #[test]
    fn reading_goes_on_to_the_end_and_says_where_a_file_is_too_short() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"0123456789").unwrap();
        let file = OsDisk.open_to_read(&path).unwrap();
        let mut rest = String::new();
        Reader::new(Arc::clone(&file), 7).read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "789");
        let mut two = [0; 2];
        read_exact_at(&*file, &mut two, 8).unwrap();
        assert_eq!(&two, b"89");
        let error = read_exact_at(&*file, &mut two, 9).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
