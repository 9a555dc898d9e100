//! Names of files: as they are, and as the real disk has them. What was done to the names of a
//! directory since it was last synced is kept in its order, and done on the real disk at its sync.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::content::Content;
use super::torn::Random;
use crate::disk::os::{self, OsDisk};
use crate::disk::{Disk, Status};

/// A file, whatever it is called.
#[derive(Debug)]
pub(super) struct Node {
    identity: (u64, u64),
    is_private: bool,
    content: Mutex<Content>,
}

/// Every name that was met, and every file that may have unsynced content.
#[derive(Debug, Default)]
pub(super) struct Names {
    directories: BTreeMap<PathBuf, Directory>,
    nodes: Vec<Weak<Node>>,
    made: u64,
}

#[derive(Debug, Default)]
struct Directory {
    /// None where the name was removed. What is not here is as on the real disk.
    names: BTreeMap<OsString, Option<Arc<Node>>>,
    unsynced: VecDeque<Change>,
}

/// What a name means.
#[derive(Debug)]
enum Known {
    File(Arc<Node>),
    Removed,
    /// It was not met: what the real disk has is what there is.
    AsOnDisk,
}

#[derive(Debug)]
enum Change {
    Made(OsString, Arc<Node>),
    Moved(OsString, OsString),
    Removed(OsString),
}

impl Node {
    /// The content, also after a panic of another thread.
    pub(super) fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> Status {
        let Self { identity, is_private, .. } = *self;
        Status { len: self.content().len(), identity, is_private, is_directory: false }
    }
}

impl Names {
    /// The file of this name.
    pub(super) fn find(&mut self, path: &Path) -> io::Result<Arc<Node>> {
        match self.known(path)? {
            Known::File(node) => return Ok(node),
            Known::Removed => return Err(io::ErrorKind::NotFound.into()),
            Known::AsOnDisk => {}
        }
        let file = File::options().read(true).write(true).open(path)?;
        let Status { identity, is_private, .. } = os::status(&file.metadata()?);
        let content = Mutex::new(Content::of(file)?);
        let node = Arc::new(Node { identity, is_private, content });
        let (directory, name) = self.place(path)?;
        directory.names.insert(name, Some(Arc::clone(&node)));
        self.watch(&node);
        Ok(node)
    }

    pub(super) fn status(&self, path: &Path) -> io::Result<Status> {
        match self.known(path)? {
            Known::File(node) => Ok(node.status()),
            Known::Removed => Err(io::ErrorKind::NotFound.into()),
            Known::AsOnDisk => OsDisk.status(path),
        }
    }

    pub(super) fn list(&self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let mut found: BTreeSet<PathBuf> = OsDisk.list(path)?.into_iter().collect();
        for (name, node) in self.directories.get(path).iter().flat_map(|known| &known.names) {
            match node {
                Some(_) => found.insert(path.join(name)),
                None => found.remove(&path.join(name)),
            };
        }
        Ok(found.into_iter().collect())
    }

    /// Makes a file that is not there.
    pub(super) fn make(&mut self, path: &Path) -> io::Result<Arc<Node>> {
        if !OsDisk.status(parent(path)?)?.is_directory {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        self.made += 1;
        let node = Arc::new(Node {
            identity: (NO_DEVICE, self.made),
            is_private: true,
            content: Mutex::new(Content::nameless()),
        });
        let (directory, name) = self.place(path)?;
        directory.names.insert(name.clone(), Some(Arc::clone(&node)));
        directory.unsynced.push_back(Change::Made(name, Arc::clone(&node)));
        self.watch(&node);
        Ok(node)
    }

    /// Moves a name; returns the file that had the other name before.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<Option<Arc<Node>>> {
        if parent(from)? != parent(to)? {
            return Err(io::ErrorKind::CrossesDevices.into());
        }
        let node = self.find(from)?;
        let replaced = match self.find(to) {
            Ok(replaced) => Some(replaced),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        if from == to {
            return Ok(None);
        }
        let (_, to) = self.place(to)?;
        let (directory, from) = self.place(from)?;
        directory.names.insert(from.clone(), None);
        directory.names.insert(to.clone(), Some(node));
        directory.unsynced.push_back(Change::Moved(from, to));
        Ok(replaced)
    }

    /// Removes a name; returns the file that had it.
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<Arc<Node>> {
        let node = self.find(path)?;
        let (directory, name) = self.place(path)?;
        directory.names.insert(name.clone(), None);
        directory.unsynced.push_back(Change::Removed(name));
        Ok(node)
    }

    /// Removes a directory on the real disk too; returns how long the files right in it were.
    pub(super) fn remove_directory(&mut self, path: &Path) -> io::Result<u64> {
        let files = self.list(path)?.into_iter().filter_map(|file| self.status(&file).ok());
        let len = files.filter(|status| !status.is_directory).map(|status| status.len).sum();
        OsDisk.remove_directory(path)?;
        self.directories.retain(|directory, _| !directory.starts_with(path));
        Ok(len)
    }

    /// Makes the names of a directory durable.
    pub(super) fn sync_directory(&mut self, path: &Path) -> io::Result<()> {
        if !OsDisk.status(path)?.is_directory {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let Some(directory) = self.directories.get_mut(path) else { return Ok(()) };
        directory.write(path, usize::MAX)?;
        directory.names.retain(|_, node| node.is_some());
        Ok(())
    }

    /// Writes pieces of all that is unsynced, and the first of the changes of names.
    pub(super) fn write_back_all(&mut self, random: &mut Random) -> io::Result<()> {
        for node in self.nodes.iter().filter_map(Weak::upgrade) {
            node.content().write_back_all(random)?;
        }
        for (path, directory) in &mut self.directories {
            directory.write_back(path, random)?;
        }
        Ok(())
    }

    /// Writes the first of a directory's changes of names.
    pub(super) fn write_back(&mut self, path: &Path, random: &mut Random) -> io::Result<()> {
        let directory = parent(path)?;
        let Some(known) = self.directories.get_mut(directory) else { return Ok(()) };
        known.write_back(directory, random)
    }

    fn known(&self, path: &Path) -> io::Result<Known> {
        let directory = self.directories.get(parent(path)?);
        Ok(match directory.and_then(|directory| directory.names.get(path.file_name()?)) {
            Some(Some(node)) => Known::File(Arc::clone(node)),
            Some(None) => Known::Removed,
            None => Known::AsOnDisk,
        })
    }

    fn place(&mut self, path: &Path) -> io::Result<(&mut Directory, OsString)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        Ok((self.directories.entry(parent(path)?.to_owned()).or_default(), name))
    }

    fn watch(&mut self, node: &Arc<Node>) {
        self.nodes.retain(|node| node.strong_count() > 0);
        self.nodes.push(Arc::downgrade(node));
    }
}

impl Directory {
    fn write_back(&mut self, path: &Path, random: &mut Random) -> io::Result<()> {
        let count = random.up_to(self.unsynced.len());
        self.write(path, count)
    }

    /// Does the first changes on the real disk.
    fn write(&mut self, path: &Path, count: usize) -> io::Result<()> {
        for _ in 0..count {
            let Some(change) = self.unsynced.front() else { break };
            match change {
                Change::Made(name, node) => {
                    let mut options = File::options();
                    let options = options.read(true).write(true).create_new(true).mode(0o600);
                    node.content().move_to(options.open(path.join(name))?)?;
                }
                Change::Moved(from, to) => std::fs::rename(path.join(from), path.join(to))?,
                Change::Removed(name) => std::fs::remove_file(path.join(name))?,
            }
            self.unsynced.pop_front();
        }
        Ok(())
    }
}

fn parent(path: &Path) -> io::Result<&Path> {
    path.parent().ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

/// The device of files that were made here: no real one has this number.
const NO_DEVICE: u64 = u64::MAX;
