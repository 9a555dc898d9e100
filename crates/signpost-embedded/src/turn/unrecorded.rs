//! The destructions that are not on record: each is noted before it begins, and let go of once its
//! entry is written, so that whatever ends the process between leaves it to be put on record.

use std::io;

use signpost_core::turn::{Destroyed, KeyDestroyed};

use crate::checksum;
use crate::disk::Disk;
use crate::durable;
use crate::error::OpenError;
use crate::layout::Layout;

/// What is noted, in memory as in its file. There is no file where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded(Vec<Destroyed>);

const MAGIC: &[u8; 8] = b"SGNPGONE";

impl Unrecorded {
    pub(crate) fn read(disk: &dyn Disk, layout: &Layout) -> Result<Self, OpenError> {
        let path = layout.destroyed();
        let bytes = durable::read_if_there(disk, &path).map_err(OpenError::io(&path))?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        let damaged = || OpenError::damaged(&path, 0, "it is not what was written to it");
        Self::decode(&bytes).ok_or_else(damaged)
    }

    pub(crate) fn all(&self) -> &[Destroyed] {
        &self.0
    }

    /// Notes, durably, what is about to be destroyed. What is noted already stays as it is: it was
    /// written when all was still there. Gives what is noted.
    pub(crate) fn note(
        &mut self,
        disk: &dyn Disk,
        layout: &Layout,
        destroyed: Destroyed,
    ) -> io::Result<&Destroyed> {
        let is_it = |noted: &Destroyed| noted.generation == destroyed.generation;
        let at = if let Some(at) = self.0.iter().position(is_it) {
            at
        } else {
            self.0.push(destroyed);
            self.write(disk, layout).inspect_err(|_| drop(self.0.pop()))?;
            self.0.len() - 1
        };
        Ok(&self.0[at])
    }

    /// Adds the word of the key's keeper, in memory alone. Gives what is noted then.
    pub(crate) fn keep_receipt(&mut self, noted: &Destroyed, receipt: KeyDestroyed) -> Destroyed {
        let told = Destroyed { keys: vec![receipt], ..noted.clone() };
        for one in self.0.iter_mut().filter(|one| one.generation == noted.generation) {
            one.clone_from(&told);
        }
        told
    }

    /// Lets go of a destruction that is on record. Where its file cannot be written, the next start
    /// finds the entry.
    pub(crate) fn let_go(&mut self, disk: &dyn Disk, layout: &Layout, generation: u64) {
        let noted = self.0.len();
        self.0.retain(|destroyed| destroyed.generation != generation);
        if self.0.len() < noted
            && let Err(error) = self.write(disk, layout)
        {
            tracing::warn!(%error, generation, "a destruction that is on record stays noted");
        }
    }

    fn write(&self, disk: &dyn Disk, layout: &Layout) -> io::Result<()> {
        if self.0.is_empty() {
            disk.remove_file(&layout.destroyed())?;
            return disk.sync_directory(&layout.ledger());
        }
        durable::write_durably(disk, &layout.destroyed(), &self.encode())
    }

    /// Magic (8); for each generation: its number (8), whether it had a key (1), the key's id (16),
    /// files (8), bytes (8); BLAKE3 of all before (32). Big-endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for Destroyed { generation, keys, files, bytes: len } in &self.0 {
            let key = keys.first().map(|destroyed| destroyed.key);
            bytes.extend_from_slice(&generation.to_be_bytes());
            bytes.push(u8::from(key.is_some()));
            bytes.extend_from_slice(&key.unwrap_or_default());
            bytes.extend_from_slice(&files.to_be_bytes());
            bytes.extend_from_slice(&len.to_be_bytes());
        }
        checksum::append(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hashed, _) = checksum::split(bytes)?;
        let mut rest = hashed.strip_prefix(MAGIC)?;
        let mut noted = Vec::new();
        while !rest.is_empty() {
            let (generation, after) = rest.split_first_chunk()?;
            let (&[has_key], after) = after.split_first_chunk()?;
            let (key, after) = after.split_first_chunk()?;
            let (files, after) = after.split_first_chunk()?;
            let (len, after) = after.split_first_chunk()?;
            noted.push(Destroyed {
                generation: u64::from_be_bytes(*generation),
                keys: (has_key == 1).then(|| key_that_is_gone(*key)).into_iter().collect(),
                files: u64::from_be_bytes(*files),
                bytes: u64::from_be_bytes(*len),
            });
            rest = after;
        }
        Some(Self(noted))
    }
}

/// A key whose keeper's word was not kept, or that it does not have any more.
pub(super) fn key_that_is_gone(key: [u8; 16]) -> KeyDestroyed {
    KeyDestroyed { key, custody: String::new(), method: "it was gone already".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::os::OsDisk;

    #[test]
    fn what_is_noted_comes_back_whole_or_as_an_error_until_it_is_let_go() {
        let directory = tempfile::tempdir().unwrap();
        let layout = Layout::new(directory.path());
        std::fs::create_dir(layout.ledger()).unwrap();
        let noted = |generation, keys| Destroyed { generation, keys, files: 3, bytes: 4 };
        let all = [noted(1, vec![key_that_is_gone([7; 16])]), noted(2, Vec::new())];
        let mut unrecorded = Unrecorded::read(&OsDisk, &layout).unwrap();
        for destroyed in all.clone() {
            unrecorded.note(&OsDisk, &layout, destroyed).unwrap();
        }
        unrecorded.note(&OsDisk, &layout, Destroyed { files: 0, ..all[0].clone() }).unwrap();
        let mut read = Unrecorded::read(&OsDisk, &layout).unwrap();
        assert_eq!(read.all(), all);

        let good = std::fs::read(layout.destroyed()).unwrap();
        for at in 0..good.len() {
            let mut flipped = good.clone();
            flipped[at] ^= 1;
            assert!(Unrecorded::decode(&flipped).is_none(), "byte {at}");
            assert!(Unrecorded::decode(&good[..at]).is_none(), "to {at}");
        }
        read.let_go(&OsDisk, &layout, 1);
        assert_eq!(Unrecorded::read(&OsDisk, &layout).unwrap().all(), &all[1..]);
        read.let_go(&OsDisk, &layout, 2);
        assert!(!layout.destroyed().exists());
    }
}
