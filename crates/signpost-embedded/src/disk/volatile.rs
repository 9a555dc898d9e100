//! A disk for tests: it keeps what is not synced in memory, over the files of the real disk.
//!
//! What is written is in this process's memory until its file is synced. A name that is made, moved
//! or removed is so in memory alone until its directory is synced: a synced file whose name was
//! never synced is lost with its name, and after a rename that was not synced the old name has the
//! old content. Whoever reads through this disk sees all of it. So the end of the process, by
//! whatever signal, is a power cut; so is dropping the disk and its files. The real files are left
//! to the operating system's cache: this disk proves the syncs of its user against its own end, not
//! against the machine's.
//!
//! Directories are made and removed at once, for sled needs them. Names are moved only within their
//! directory. Nobody else may touch a file that was met here. Every file that was met stays open.
//!
//! [`Faults`] are set while the disk is in use.

mod content;
mod faults;
mod names;
mod ranges;
mod torn;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::io::Errno;

use super::os::OsDisk;
use super::{Disk, DiskFile, Status};
use faults::{Core, space_error, sync_error};
pub use faults::{Faults, Operation, OperationKind, When};
use names::Node;

/// A disk that loses what was not synced.
#[derive(Clone, Debug, Default)]
pub struct VolatileDisk(Arc<Core>);

#[derive(Debug)]
struct VolatileFile {
    core: Arc<Core>,
    node: Arc<Node>,
    path: PathBuf,
    is_read_only: bool,
}

impl VolatileDisk {
    /// A disk on which all is synced that is on the real one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The faults of this disk.
    #[must_use]
    pub fn faults(&self) -> Faults {
        Faults(Arc::clone(&self.0))
    }

    fn find(&self, path: &Path, is_read_only: bool) -> io::Result<Arc<dyn DiskFile>> {
        let path = std::path::absolute(path)?;
        let node = self.0.while_on(|| self.0.names().find(&path))?;
        Ok(self.file(node, path, is_read_only))
    }

    fn file(&self, node: Arc<Node>, path: PathBuf, is_read_only: bool) -> Arc<dyn DiskFile> {
        Arc::new(VolatileFile { core: Arc::clone(&self.0), node, path, is_read_only })
    }

    /// Does something to names, and may write the first changes of their directory early.
    fn change_names<T>(
        &self,
        kind: OperationKind,
        path: &Path,
        change: impl FnOnce(&mut names::Names) -> io::Result<T>,
    ) -> io::Result<T> {
        self.0.perform(kind, path, || {
            let mut names = self.0.names();
            let changed = change(&mut names)?;
            self.0.by_chance(|random| names.write_back(path, random))?;
            Ok(changed)
        })
    }
}

impl Disk for VolatileDisk {
    fn open(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.find(path, false)
    }

    fn open_to_read(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        self.find(path, true)
    }

    fn open_or_create(&self, path: &Path) -> io::Result<Arc<dyn DiskFile>> {
        match self.find(path, false) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found,
        }
        let path = std::path::absolute(path)?;
        let node =
            self.change_names(OperationKind::Create, &path, |names| match names.find(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => names.make(&path),
                made_meanwhile => made_meanwhile,
            })?;
        Ok(self.file(node, path, false))
    }

    fn status(&self, path: &Path) -> io::Result<Status> {
        let path = std::path::absolute(path)?;
        self.0.while_on(|| self.0.names().status(&path))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let directory = std::path::absolute(directory)?;
        self.0.while_on(|| self.0.names().list(&directory))
    }

    fn create_directory(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        self.0.perform(OperationKind::CreateDirectory, &path, || OsDisk.create_directory(&path))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from, to) = (std::path::absolute(from)?, std::path::absolute(to)?);
        let replaced =
            self.change_names(OperationKind::Rename, &to, |names| names.rename(&from, &to))?;
        self.0.give_space_back(replaced.map_or(0, |node| node.status().len));
        Ok(())
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        let removed =
            self.change_names(OperationKind::Remove, &path, |names| names.remove(&path))?;
        self.0.give_space_back(removed.status().len);
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        let freed = self.0.perform(OperationKind::RemoveDirectory, &path, || {
            self.0.names().remove_directory(&path)
        })?;
        self.0.give_space_back(freed);
        Ok(())
    }

    fn file_system(&self, path: &Path) -> io::Result<String> {
        OsDisk.file_system(path)
    }

    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        let path = std::path::absolute(path)?;
        self.0.perform(OperationKind::SyncDirectory, &path, || {
            if self.0.sync_fails(&path) {
                return Err(sync_error());
            }
            self.0.names().sync_directory(&path)
        })
    }

    /// No limit of [`Faults::no_space`] is told: a write that meets it unforeseen is what that is for.
    fn free_bytes(&self, _path: &Path) -> io::Result<u64> {
        self.0.while_on(|| Ok(self.0.free_bytes()))
    }
}

impl DiskFile for VolatileFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.core.while_on(|| self.node.content().read_at(buffer, offset))
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.perform(OperationKind::Write, || {
            let mut content = self.node.content();
            let end = offset + bytes.len() as u64;
            let reach = self.grow(content.len(), end);
            let fitting = usize::try_from(reach.saturating_sub(offset)).unwrap_or(usize::MAX);
            let fits = fitting >= bytes.len();
            let bytes = &bytes[..fitting.min(bytes.len())];
            content.write_at(bytes, offset);
            self.core.give_space_back(reach - content.len());
            self.core.by_chance(|random| content.write_back(bytes, offset, random))?;
            if fits { Ok(()) } else { Err(space_error()) }
        })
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.perform(OperationKind::SetLen, || {
            let mut content = self.node.content();
            self.core.give_space_back(content.len().saturating_sub(len));
            let fitting = self.grow(content.len(), len).min(len);
            content.set_len(fitting);
            if fitting == len { Ok(()) } else { Err(space_error()) }
        })
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.perform(OperationKind::Allocate, || {
            let mut content = self.node.content();
            let fitting = self.grow(content.len(), len);
            content.set_len(fitting);
            if fitting >= len { Ok(()) } else { Err(space_error()) }
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.sync(OperationKind::SyncData)
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync(OperationKind::SyncAll)
    }

    fn status(&self) -> io::Result<Status> {
        self.core.while_on(|| Ok(self.node.status()))
    }
}

impl VolatileFile {
    fn perform<T>(
        &self,
        kind: OperationKind,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        self.core.perform(kind, &self.path, || {
            if self.is_read_only { Err(Errno::BADF.into()) } else { work() }
        })
    }

    fn sync(&self, kind: OperationKind) -> io::Result<()> {
        self.core.perform(kind, &self.path, || {
            let mut content = self.node.content();
            if !self.core.sync_fails(&self.path) {
                return content.sync();
            }
            self.core.by_chance(|random| content.write_back_all(random))?;
            content.lose();
            Err(sync_error())
        })
    }

    /// Takes the space that a file needs to reach to some length; returns how far it can. A file
    /// never gets shorter by it.
    fn grow(&self, len: u64, wanted: u64) -> u64 {
        len + self.core.take_space(wanted.saturating_sub(len))
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
