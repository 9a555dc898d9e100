//! The real disk: the operating system's files.

use std::fs::{DirBuilder, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;

use super::{Disk, DiskFile, Status};

/// The disk of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsDisk;

#[derive(Debug)]
struct OsFile(File);

impl Disk for OsDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        opened(OpenOptions::new().read(true).write(true), path)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        opened(OpenOptions::new().read(true), path)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        opened(options.read(true).write(true).create(true).truncate(false).mode(FILE_MODE), path)
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        std::fs::metadata(path).map(|metadata| status(&metadata))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(directory)?.map(|item| Ok(item?.path())).collect()
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().mode(DIRECTORY_MODE).create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir_all(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn file_system(&self, path: &Path) -> io::Result<String> {
        let magic = u64::try_from(rustix::fs::statfs(path)?.f_type).unwrap_or_default();
        let known = FILE_SYSTEMS.iter().find(|(known, _)| *known == magic);
        Ok(known.map_or_else(|| format!("{magic:#x}"), |(_, name)| (*name).to_owned()))
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let status = rustix::fs::statvfs(path)?;
        Ok(status.f_bavail.saturating_mul(status.f_frsize))
    }
}

impl DiskFile for OsFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.0.read_at(buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    /// Where the file system cannot reserve, zeros are written.
    fn allocate(&self, len: u64) -> io::Result<()> {
        if len == 0 {
            return Ok(());
        }
        let none = FallocateFlags::empty();
        match rustix::io::retry_on_intr(|| rustix::fs::fallocate(&self.0, none, 0, len)) {
            Err(Errno::OPNOTSUPP) => write_zeros(&self.0, len),
            done => Ok(done?),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn status(&self) -> io::Result<Status> {
        self.0.metadata().map(|metadata| status(&metadata))
    }
}

fn opened(options: &OpenOptions, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
    Ok(Arc::new(OsFile(options.open(path)?)))
}

pub(super) fn status(metadata: &Metadata) -> Status {
    Status {
        len: metadata.len(),
        identity: (metadata.dev(), metadata.ino()),
        is_private: metadata.mode() & FOR_OTHERS == 0,
        is_directory: metadata.is_dir(),
    }
}

/// Lengthens a file with zeros that are written, so that they have their space.
fn write_zeros(file: &File, len: u64) -> io::Result<()> {
    static ZEROS: [u8; 1 << 16] = [0; 1 << 16];
    let mut at = file.metadata()?.len();
    while at < len {
        let part_len = usize::try_from(len - at).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all_at(&ZEROS[..part_len], at)?;
        at += part_len as u64;
    }
    Ok(())
}

/// File systems by the number that statfs(2) tells, as Linux has it.
const FILE_SYSTEMS: [(u64, &str); 11] = [
    (0xEF53, "ext2/ext3/ext4"),
    (0x5846_5342, "xfs"),
    (0x9123_683E, "btrfs"),
    (0x0102_1994, "tmpfs"),
    (0x794C_7630, "overlayfs"),
    (0x2FC1_2FC1, "zfs"),
    (0xF2F5_2010, "f2fs"),
    (0x6969, "nfs"),
    (0xFF53_4D42, "cifs"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "fuse"),
];

const FILE_MODE: u32 = 0o600;
const DIRECTORY_MODE: u32 = 0o700;

/// What of a mode lets others than the owner in.
const FOR_OTHERS: u32 = 0o077;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::read_exact_at;

    #[test]
    fn a_file_keeps_its_content_when_space_is_reserved() {
        let directory = tempfile::tempdir().unwrap();
        let file = OsDisk.open_or_create(&directory.path().join("file")).unwrap();
        file.write_all_at(b"content", 0).unwrap();
        file.allocate(0).unwrap();
        file.allocate(4).unwrap();
        assert_eq!(file.status().unwrap().len, 7);
        file.allocate(70_000).unwrap();
        assert_eq!(file.status().unwrap().len, 70_000);
        let mut bytes = vec![1; 70_000];
        read_exact_at(&*file, &mut bytes, 0).unwrap();
        assert_eq!(&bytes[..7], b"content");
        assert!(bytes[7..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn zeros_are_written_behind_the_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, b"content").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        write_zeros(&file, 200_000).unwrap();
        write_zeros(&file, 3).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(bytes.len(), 200_000);
        assert_eq!(&bytes[..7], b"content");
        assert!(bytes[7..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_made_is_ours_alone_and_a_name_moves_with_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let inner = directory.path().join("inner");
        OsDisk.create_directory(&inner).unwrap();
        let again = OsDisk.create_directory(&inner).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        let status = OsDisk.status(&inner).unwrap();
        assert!(status.is_private && status.is_directory);

        let (one, other) = (inner.join("one"), inner.join("other"));
        let file = OsDisk.open_or_create(&one).unwrap();
        let status = file.status().unwrap();
        assert!(status.is_private && !status.is_directory);
        OsDisk.rename(&one, &other).unwrap();
        assert_eq!(OsDisk.status(&other).unwrap(), status);
        assert_eq!(OsDisk.list(&inner).unwrap(), [other]);
        OsDisk.remove_directory(&inner).unwrap();
        assert_eq!(OsDisk.status(&inner).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
