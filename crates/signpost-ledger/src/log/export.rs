//! Entries with their proofs, to be handed on.

use std::ops::Range;

use super::reader::{Reader, Tiles};
use crate::error::LedgerError;
use crate::tree::hash::Hash;
use crate::tree::proof::InclusionProof;
use crate::tree::tile::WIDTH;

/// An entry and the proof that it is in the checkpoint's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenEntry {
    /// The bytes of the entry.
    pub entry: Vec<u8>,
    /// Its index, and the way to the root.
    pub proof: InclusionProof,
}

/// Goes through entries in their order. Each proof was verified against the checkpoint; after an
/// error there is nothing more.
#[derive(Debug)]
pub struct Export<'r> {
    reader: &'r Reader,
    tiles: Tiles<'r>,
    left: Range<u64>,
    bundle: std::vec::IntoIter<Vec<u8>>,
}

impl<'r> Export<'r> {
    pub(super) fn new(reader: &'r Reader, entries: Range<u64>) -> Self {
        let bundle = Vec::new().into_iter();
        Self { reader, tiles: Tiles::new(reader), left: entries, bundle }
    }

    fn prove(&mut self, index: u64) -> Result<ProvenEntry, LedgerError> {
        let size = self.reader.checkpoint().size;
        if self.bundle.len() == 0 {
            let mut bundle = self.reader.bundle(index / u64::from(WIDTH))?.into_iter();
            for _ in 0..index % u64::from(WIDTH) {
                bundle.next();
            }
            self.bundle = bundle;
        }
        let entry = self.bundle.next().ok_or(LedgerError::Beyond { asked: index, limit: size })?;
        let proof = self.tiles.inclusion(index, size)?;
        let root = &self.reader.checkpoint().root;
        if proof.verify(&Hash::of_entry(&entry), root).is_err() {
            return Err(self.reader.unlike_its_hash(index));
        }
        Ok(ProvenEntry { entry, proof })
    }
}

impl Iterator for Export<'_> {
    type Item = Result<ProvenEntry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        let index = self.left.next()?;
        let proven = self.prove(index);
        if proven.is_err() {
            self.left = 0..0;
        }
        Some(proven)
    }
}
