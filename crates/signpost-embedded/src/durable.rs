//! Files and directories that are on disk when the call returns, and readable by us alone.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// Writes a whole file under a passing name, syncs it, renames it into place and syncs the
/// directory: whoever looks finds the old content or the new, never a mixture.
pub fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let passing = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(FILE_MODE)
        .open(&passing)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&passing, path)?;
    sync_directory(parent(path)?)
}

/// Makes the names in a directory durable: without this, a renamed or new file may be gone after
/// a power cut though its content was synced.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a directory that only we can look into, durably; one that is there is left as it is.
pub fn create_directory(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(DIRECTORY_MODE).create(path) {
        Ok(()) => sync_directory(parent(path)?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
    }
}

/// Opens a file for reading and writing, and makes it, durably by name, if it is not there.
pub fn open_or_create(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(FILE_MODE)
        .open(path)?;
    sync_directory(parent(path)?)?;
    Ok(file)
}

/// Whether only the owner can look into a file or directory.
pub fn is_private(path: &Path) -> io::Result<bool> {
    let others = std::fs::metadata(path)?.permissions().mode() & 0o077;
    Ok(others == 0)
}

/// The path given, or none where there is no such file.
pub(crate) fn read_if_there(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_whole_private_and_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write_durably(&path, b"first").unwrap();
        write_durably(&path, b"2nd").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"2nd");
        assert!(is_private(&path).unwrap());
        let names = std::fs::read_dir(directory.path()).unwrap().count();
        assert_eq!(names, 1, "the passing name is gone");
    }

    #[test]
    fn a_directory_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("inner");
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        assert!(is_private(&path).unwrap());
    }
}
