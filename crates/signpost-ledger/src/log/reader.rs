//! Answers from the files: roots, proofs and entries.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::export::Export;
use crate::disk::Disk;
use crate::error::LedgerError;
use crate::note::checkpoint::Checkpoint;
use crate::tree::hash::Hash;
use crate::tree::proof::{self, ConsistencyProof, InclusionProof, Nodes};
use crate::tree::tile::{HEIGHT, Kind, Tile, TileHashes, WIDTH};

/// Answers about the entries that a checkpoint covers. It goes on doing so while the log grows.
///
/// A root or a proof reads at most 2 tiles for each level of tiles: 8 for four thousand million
/// entries. No proof is given that does not lead to the root it is for.
#[derive(Clone, Debug)]
pub struct Reader {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    checkpoint: Checkpoint,
}

impl Reader {
    /// A reader of a log's directory. Whether the checkpoint is to be relied on is for the caller:
    /// [`Checkpoint::open`] tells.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, directory: PathBuf, checkpoint: Checkpoint) -> Self {
        Self { disk, directory, checkpoint }
    }

    /// The checkpoint up to which it answers.
    #[must_use]
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The root that the log had when it had so many entries.
    pub fn root(&self, size: u64) -> Result<Hash, LedgerError> {
        check_size(size, self.checkpoint.size)?;
        proof::root(&mut Tiles::new(self), size)
    }

    /// The hash of the entry of this index, as the tree has it.
    pub fn leaf_hash(&self, index: u64) -> Result<Hash, LedgerError> {
        let limit = self.checkpoint.size;
        if index >= limit {
            return Err(LedgerError::Beyond { asked: index, limit });
        }
        Tiles::new(self).node(0, index)
    }

    /// The proof that the entry of this index is in the tree of this size.
    pub fn inclusion(&self, index: u64, size: u64) -> Result<InclusionProof, LedgerError> {
        check_size(size, self.checkpoint.size)?;
        Tiles::new(self).inclusion(index, size)
    }

    /// The proof that the tree of the new size holds that of the old.
    pub fn consistency(
        &self,
        old_size: u64,
        new_size: u64,
    ) -> Result<ConsistencyProof, LedgerError> {
        check_size(new_size, self.checkpoint.size)?;
        check_size(old_size, new_size)?;
        let mut tiles = Tiles::new(self);
        let proof = proof::consistency(&mut tiles, old_size, new_size)?;
        let (old, new) = (proof::root(&mut tiles, old_size)?, self.root_of(&mut tiles, new_size)?);
        proof.verify(&old, &new).map_err(|_| self.contradicted())?;
        Ok(proof)
    }

    /// The bytes of an entry, as they are on disk: [`Reader::export`] compares them with the tree.
    pub fn entry(&self, index: u64) -> Result<Vec<u8>, LedgerError> {
        let mut entries = self.bundle(index / u64::from(WIDTH))?;
        let place = usize::try_from(index % u64::from(WIDTH)).unwrap_or(usize::MAX);
        if place < entries.len() {
            Ok(entries.swap_remove(place))
        } else {
            Err(LedgerError::Beyond { asked: index, limit: self.checkpoint.size })
        }
    }

    /// Entries with the proofs that they are in the checkpoint's tree, in their order. Each bundle
    /// and tile is read once.
    #[must_use]
    pub fn export(&self, entries: Range<u64>) -> Export<'_> {
        Export::new(self, entries)
    }

    /// The entries of a bundle; none behind the last.
    pub(super) fn bundle(&self, number: u64) -> Result<Vec<Vec<u8>>, LedgerError> {
        let Some(tile) = Tile::within(Kind::Entries, number, self.checkpoint.size) else {
            return Ok(Vec::new());
        };
        let (path, bytes) = self.read(tile)?;
        let entries = split_bundle(&path, &bytes, tile.width)?;
        Ok(entries.into_iter().map(<[u8]>::to_owned).collect())
    }

    /// The hashes of a tile.
    pub(super) fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, LedgerError> {
        let (path, bytes) = self.read(tile)?;
        let (hashes, _rest) = bytes.as_chunks::<{ Hash::LEN }>();
        let len = usize::from(tile.width) * Hash::LEN;
        if bytes.len() < len {
            let what = "it ends before the last hash that the checkpoint asks for";
            return Err(LedgerError::damaged(&path, bytes.len() as u64, what));
        }
        Ok(hashes[..usize::from(tile.width)].iter().copied().map(Hash::new).collect())
    }

    /// What is in a file, and its path. A partial one may have been outgrown since: then it is the
    /// first part of the full one.
    pub(super) fn read(&self, tile: Tile) -> Result<(PathBuf, Vec<u8>), LedgerError> {
        let path = self.directory.join(tile.to_string());
        match self.disk.read(&path) {
            Ok(bytes) => Ok((path, bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && tile.width < WIDTH => {
                let full = self.directory.join(tile.full().to_string());
                let bytes = self.disk.read(&full).map_err(|_| LedgerError::io(&path)(error))?;
                Ok((full, bytes))
            }
            Err(error) => Err(LedgerError::io(&path)(error)),
        }
    }

    /// The root at this size: signed, if it is the checkpoint's.
    fn root_of(&self, tiles: &mut Tiles, size: u64) -> Result<Hash, LedgerError> {
        if size == self.checkpoint.size {
            Ok(self.checkpoint.root)
        } else {
            proof::root(tiles, size)
        }
    }

    pub(super) fn unlike_its_hash(&self, index: u64) -> LedgerError {
        let (kind, number) = (Kind::Entries, index / u64::from(WIDTH));
        let tile = Tile::within(kind, number, self.checkpoint.size);
        let path = tile.map_or_else(String::new, |tile| tile.to_string());
        let what = "an entry of it has not the hash that was signed";
        LedgerError::damaged(&self.directory.join(path), 0, what)
    }

    fn contradicted(&self) -> LedgerError {
        let what = "the hashes below it do not give the root of the checkpoint";
        LedgerError::damaged(&self.directory.join("tile"), 0, what)
    }
}

fn check_size(asked: u64, limit: u64) -> Result<(), LedgerError> {
    if asked > limit { Err(LedgerError::Beyond { asked, limit }) } else { Ok(()) }
}

/// The first entries of a bundle: each after its length, 2 bytes, big-endian.
pub(super) fn split_bundle<'b>(
    path: &Path,
    bytes: &'b [u8],
    width: u16,
) -> Result<Vec<&'b [u8]>, LedgerError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width));
    for _ in 0..width {
        let offset = (bytes.len() - rest.len()) as u64;
        let cut = || LedgerError::damaged(path, offset, "it ends within an entry");
        let (len, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        let len = usize::from(u16::from_be_bytes(*len));
        let (entry, behind) = behind.split_at_checked(len).ok_or_else(cut)?;
        entries.push(entry);
        rest = behind;
    }
    Ok(entries)
}

/// The tiles that one question, or one export, has read: as many as are needed again.
#[derive(Debug)]
pub(super) struct Tiles<'r> {
    reader: &'r Reader,
    /// By level and number: the first is the one that an export leaves behind first.
    read: BTreeMap<(u32, u64), TileHashes>,
}

impl<'r> Tiles<'r> {
    /// More than one proof needs: those to the left of its entry, those above it, the right edge.
    const KEPT_MAX: usize = 32;

    pub(super) fn new(reader: &'r Reader) -> Self {
        Self { reader, read: BTreeMap::new() }
    }

    pub(super) fn inclusion(
        &mut self,
        index: u64,
        size: u64,
    ) -> Result<InclusionProof, LedgerError> {
        if index >= size {
            return Err(LedgerError::Beyond { asked: index, limit: size });
        }
        let proof = proof::inclusion(self, index, size)?;
        let (entry, root) = (self.node(0, index)?, self.reader.root_of(self, size)?);
        proof.verify(&entry, &root).map_err(|_| self.reader.contradicted())?;
        Ok(proof)
    }
}

impl Nodes for Tiles<'_> {
    type Error = LedgerError;

    fn node(&mut self, height: u32, index: u64) -> Result<Hash, LedgerError> {
        let (level, height) = (height / HEIGHT, height % HEIGHT);
        let number = index >> (HEIGHT - height);
        let tile = Tile::within(Kind::Hashes(level), number, self.reader.checkpoint.size);
        let limit = self.reader.checkpoint.size;
        let tile = tile.ok_or(LedgerError::Beyond { asked: index, limit })?;
        if !self.read.contains_key(&(level, number)) {
            if self.read.len() == Self::KEPT_MAX {
                self.read.pop_first();
            }
            let hashes = TileHashes::new(self.reader.hashes(tile)?);
            self.read.insert((level, number), hashes);
        }
        let place = usize::try_from(index - (number << (HEIGHT - height))).unwrap_or(usize::MAX);
        let hash = self.read.get(&(level, number)).and_then(|tile| tile.get(height, place));
        hash.ok_or(LedgerError::Beyond { asked: index, limit })
    }
}
