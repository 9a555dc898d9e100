//! The directory of a log: writing a file durably, and noticing that it is not ours any more.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::reader::Reader;
use crate::disk::Disk;
use crate::durable;
use crate::error::LedgerError;
use crate::note::checkpoint::Checkpoint;
use crate::tree::tile::Tile;

/// Where the checkpoint lies (C2SP tlog-tiles, "Checkpoints").
pub(super) const CHECKPOINT: &str = "checkpoint";

#[derive(Debug)]
pub(super) struct Files {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    identity: (u64, u64),
    /// Directories with names that are not durable yet.
    unsynced: BTreeSet<PathBuf>,
}

impl Files {
    pub(super) fn open(disk: Arc<dyn Disk>, directory: &Path) -> Result<Self, LedgerError> {
        let identity = disk.identity(directory).map_err(LedgerError::io(directory))?;
        Ok(Self { disk, directory: directory.to_owned(), identity, unsynced: BTreeSet::new() })
    }

    pub(super) fn checkpoint(&self) -> PathBuf {
        self.directory.join(CHECKPOINT)
    }

    pub(super) fn reader(&self, checkpoint: Checkpoint) -> Reader {
        Reader::new(Arc::clone(&self.disk), self.directory.clone(), checkpoint)
    }

    pub(super) fn read_checkpoint(&self) -> Result<Vec<u8>, LedgerError> {
        let path = self.checkpoint();
        self.disk.read(&path).map_err(LedgerError::io(&path))
    }

    /// Writes and syncs a tile or bundle. Its name is durable after [`Files::sync`].
    pub(super) fn put(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), LedgerError> {
        let path = self.directory.join(tile.to_string());
        let above = path.ancestors().skip(1).take_while(|above| above.starts_with(&self.directory));
        let above: Vec<&Path> = above.collect();
        for directory in above.iter().rev().skip(1) {
            match self.disk.create_directory(directory) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(LedgerError::not_written(directory)(error));
                }
                _ => {}
            }
        }
        // Also those that are there: a process before this one may have died before it synced them.
        self.unsynced.extend(above.into_iter().map(Path::to_owned));
        durable::put(&*self.disk, &path, bytes)
    }

    /// Makes the names of all that was put durable.
    pub(super) fn sync(&mut self) -> Result<(), LedgerError> {
        for directory in &self.unsynced {
            self.disk.sync_directory(directory).map_err(LedgerError::not_synced(directory))?;
        }
        self.unsynced.clear();
        Ok(())
    }

    /// Puts a checkpoint in the place of the last, durably.
    pub(super) fn put_checkpoint(&self, note: &[u8]) -> Result<(), LedgerError> {
        durable::put(&*self.disk, &self.checkpoint(), note)?;
        let synced = self.disk.sync_directory(&self.directory);
        synced.map_err(LedgerError::not_synced(&self.directory))
    }

    /// That the directory is the one that was opened, and holds the note that was put last.
    pub(super) fn check_ours(&self, note: &[u8]) -> Result<(), LedgerError> {
        let lost = |path: &Path, what, source| {
            Err(LedgerError::Lost { path: path.to_owned(), what, source })
        };
        match self.disk.identity(&self.directory) {
            Ok(identity) if identity == self.identity => {}
            Ok(_) => return lost(&self.directory, "it was moved away and replaced", None),
            Err(error) => return lost(&self.directory, "it is not there any more", Some(error)),
        }
        match self.disk.read(&self.checkpoint()) {
            Ok(found) if found == note => Ok(()),
            Ok(_) => lost(&self.checkpoint(), "it is not the one that was written last", None),
            Err(error) => lost(&self.checkpoint(), "it cannot be read any more", Some(error)),
        }
    }

    /// Removes the partial forms of these tiles. What cannot be removed stays in the list.
    pub(super) fn remove_partials(&self, tiles: &mut Vec<Tile>) {
        tiles.retain(|tile| {
            match self.disk.remove_directory(&self.directory.join(tile.partials())) {
                Ok(()) => false,
                Err(error) => error.kind() != io::ErrorKind::NotFound,
            }
        });
    }
}
