//! Files and directories that are on disk when the call returns, and readable by us alone.

use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, DiskFile, read_exact_at};

/// Writes a whole file under a passing name, syncs it, renames it into place and syncs the
/// directory: whoever looks finds the old content or the new, never a mixture. Where the new is not
/// written, nothing is left of it.
pub fn write_durably(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let passing = path.with_extension("new");
    let written = write_synced(disk, &passing, bytes).and_then(|()| disk.rename(&passing, path));
    if written.is_err() {
        let _gone_if_it_was_there = disk.remove_file(&passing);
    }
    written?;
    disk.sync_directory(parent(path)?)
}

fn write_synced(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let file = disk.open_or_create(path)?;
    file.set_len(0)?;
    file.write_all_at(bytes, 0)?;
    file.sync_all()
}

/// Makes a directory that only we can look into, durably; one that is there is left as it is.
pub fn create_directory(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.create_directory(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if !disk.status(path)?.is_directory {
                return Err(error);
            }
        }
        Err(error) => return Err(error),
    }
    disk.sync_directory(parent(path)?)
}

/// Opens a file for reading and writing, and makes it, durably by name, if it is not there.
pub fn open_or_create(disk: &dyn Disk, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    let file = disk.open_or_create(path)?;
    disk.sync_directory(parent(path)?)?;
    Ok(file)
}

/// All that is in a file. One that is cut while it is read is an error of kind `UnexpectedEof`.
pub fn read(disk: &dyn Disk, path: &Path) -> io::Result<Vec<u8>> {
    let file = disk.open_to_read(path)?;
    let len = usize::try_from(file.status()?.len).map_err(|_| io::ErrorKind::FileTooLarge)?;
    let mut bytes = vec![0; len];
    read_exact_at(&*file, &mut bytes, 0)?;
    Ok(bytes)
}

/// All that is in a file, or none where there is no such file.
pub fn read_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    none_if_missing(read(disk, path))
}

/// Whether there is a file or directory of this name.
pub fn is_there(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    Ok(none_if_missing(disk.status(path))?.is_some())
}

/// Whether only the owner can look into a file or directory.
pub fn is_private(disk: &dyn Disk, path: &Path) -> io::Result<bool> {
    Ok(disk.status(path)?.is_private)
}

pub(crate) fn none_if_missing<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(if parent.as_os_str().is_empty() { Path::new(".") } else { parent })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::os::OsDisk;

    #[test]
    fn what_is_written_is_whole_private_and_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        assert_eq!(read_if_there(&OsDisk, &path).unwrap(), None);
        write_durably(&OsDisk, &path, b"first").unwrap();
        write_durably(&OsDisk, &path, b"2nd").unwrap();
        assert_eq!(read(&OsDisk, &path).unwrap(), b"2nd");
        assert!(is_private(&OsDisk, &path).unwrap());
        assert_eq!(OsDisk.list(directory.path()).unwrap(), [path], "the passing name is gone");
    }

    #[test]
    fn a_directory_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("inner");
        assert!(!is_there(&OsDisk, &path).unwrap());
        create_directory(&OsDisk, &path).unwrap();
        create_directory(&OsDisk, &path).unwrap();
        assert!(is_private(&OsDisk, &path).unwrap());
        let file = directory.path().join("file");
        std::fs::write(&file, b"").unwrap();
        let error = create_directory(&OsDisk, &file).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
    }
}
