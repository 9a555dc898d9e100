//! The erasures that are not on record: each segment is noted before it is replaced, and with the word
//! of the old key's keeper once that is destroyed.

use std::io;

use signpost_core::turn::{Erased, KeyDestroyed};

use crate::checksum;
use crate::disk::Disk;
use crate::durable;
use crate::error::OpenError;
use crate::layout::Layout;
use crate::note;

/// What is noted, in memory as in its file. There is no file where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Erasures(Vec<Noted>);

/// A segment that is rewritten, or was to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) segment: u64,
    /// The id of its old key.
    pub(crate) key: [u8; 16],
    /// How many openings are erased.
    pub(crate) openings: u64,
    /// How many files go, and how many bytes those hold.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The word of its keeper; none until the old key is destroyed. Until then it may not come to be.
    pub(crate) destroyed: Option<KeyDestroyed>,
}

const MAGIC: &[u8; 8] = b"SGNPERAS";

impl Erasures {
    pub(crate) fn read(disk: &dyn Disk, layout: &Layout) -> Result<Self, OpenError> {
        let path = layout.erased();
        let bytes = durable::read_if_there(disk, &path).map_err(OpenError::io(&path))?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        let damaged = || OpenError::damaged(&path, 0, "it is not what was written to it");
        Self::decode(&bytes).ok_or_else(damaged)
    }

    /// What came to be of all that is noted.
    pub(crate) fn told(&self) -> Erased {
        let mut erased = Erased::default();
        for noted in &self.0 {
            let Some(destroyed) = &noted.destroyed else { continue };
            erased.openings += noted.openings;
            erased.segments += 1;
            erased.keys.push(destroyed.clone());
            erased.files += noted.files;
            erased.bytes += noted.bytes;
        }
        erased
    }

    /// Notes, durably, what is about to be rewritten. One that was noted with the same old key never
    /// came to be.
    pub(crate) fn note(
        &mut self,
        disk: &dyn Disk,
        layout: &Layout,
        noted: Noted,
    ) -> io::Result<()> {
        let before = self.0.clone();
        self.0.retain(|one| one.key != noted.key);
        self.0.push(noted);
        self.write(disk, layout).inspect_err(|_| self.0 = before)
    }

    /// Adds, durably, the word of the old key's keeper; one that was given before stays.
    pub(crate) fn keep_receipt(
        &mut self,
        disk: &dyn Disk,
        layout: &Layout,
        segment: u64,
        receipt: KeyDestroyed,
    ) -> io::Result<()> {
        let is_it = |one: &&mut Noted| one.segment == segment && one.key == receipt.key;
        let Some(noted) = self.0.iter_mut().find(is_it) else { return Ok(()) };
        if noted.destroyed.is_none() {
            noted.destroyed = Some(receipt);
            self.write(disk, layout)?;
        }
        Ok(())
    }

    /// Lets go of what is on record, and of what never came to be. Where that cannot be written, it is
    /// told of once more after the next start.
    pub(crate) fn let_go(&mut self, disk: &dyn Disk, layout: &Layout) {
        let noted = self.0.len();
        self.0.clear();
        if noted > 0
            && let Err(error) = self.write(disk, layout)
        {
            tracing::warn!(%error, "an erasure that is on record stays noted");
        }
    }

    fn write(&self, disk: &dyn Disk, layout: &Layout) -> io::Result<()> {
        if self.0.is_empty() {
            disk.remove_file(&layout.erased())?;
            return disk.sync_directory(&layout.ledger());
        }
        durable::write_durably(disk, &layout.erased(), &self.encode())
    }

    /// Magic (8); for each segment: its number (8), openings (8), files (8), bytes (8), the old key's id
    /// (16), how many keys are destroyed (4; 0 or 1) and each of those; BLAKE3 of all before (32).
    /// Big-endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for Noted { segment, key, openings, files, bytes: len, destroyed } in &self.0 {
            for number in [segment, openings, files, len] {
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            bytes.extend_from_slice(key);
            note::put_keys(&mut bytes, destroyed.as_slice());
        }
        checksum::append(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hashed, _) = checksum::split(bytes)?;
        let mut rest = hashed.strip_prefix(MAGIC)?;
        let mut noted = Vec::new();
        while !rest.is_empty() {
            let rest = &mut rest;
            noted.push(Noted {
                segment: note::take_u64(rest)?,
                openings: note::take_u64(rest)?,
                files: note::take_u64(rest)?,
                bytes: note::take_u64(rest)?,
                key: note::take(rest)?,
                destroyed: note::take_keys(rest)?.pop(),
            });
        }
        Some(Self(noted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::os::OsDisk;
    use crate::turn::unrecorded::key_that_is_gone;

    #[test]
    fn what_is_noted_comes_back_whole_or_as_an_error_and_is_told_once_it_came_to_be() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path());
        std::fs::create_dir(layout.ledger()).unwrap();
        let (files, bytes, destroyed) = (2, 9, None);
        let noted = |segment, key| Noted {
            segment,
            key: [key; 16],
            openings: 5,
            files,
            bytes,
            destroyed: destroyed.clone(),
        };
        let mut erasures = Erasures::read(&OsDisk, &layout).unwrap();
        erasures.note(&OsDisk, &layout, noted(1, 7)).unwrap();
        erasures.note(&OsDisk, &layout, noted(2, 8)).unwrap();
        erasures.note(&OsDisk, &layout, noted(1, 7)).unwrap();
        assert_eq!(erasures.told(), Erased::default(), "nothing came to be");
        for _ in 0..2 {
            erasures.keep_receipt(&OsDisk, &layout, 1, key_that_is_gone([7; 16])).unwrap();
        }
        let mut read = Erasures::read(&OsDisk, &layout).unwrap();
        let keys = vec![key_that_is_gone([7; 16])];
        let told = Erased { openings: 5, segments: 1, keys, files: 2, bytes: 9 };
        assert_eq!((read.told(), erasures.told()), (told.clone(), told));

        let good = std::fs::read(layout.erased()).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            assert!(Erasures::decode(&flipped).is_none(), "byte {at}");
            assert!(Erasures::decode(&good[..at]).is_none(), "to {at}");
        }
        read.let_go(&OsDisk, &layout);
        assert!(!layout.erased().exists());
    }
}
