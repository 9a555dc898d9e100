//! The destructions that are not on record: each is noted before it begins, and let go of once its
//! entry is written, so that whatever ends the process between leaves it to be put on record.

use std::io;

use signpost_core::anchor::Position;
use signpost_core::turn::{Destroyed, KeyDestroyed};

use crate::checksum;
use crate::disk::Disk;
use crate::durable;
use crate::error::OpenError;
use crate::layout::Layout;
use crate::note;

/// What is noted, in memory as in its file. There is no file where nothing is.
#[derive(Debug, Default)]
pub(crate) struct Unrecorded(Vec<Destroyed>);

const MAGIC: &[u8; 8] = b"SGNPGON2";

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

    /// Adds the word of the key's keeper. Where it cannot be written it is kept in memory alone. Gives
    /// what is noted then.
    pub(crate) fn keep_receipt(
        &mut self,
        disk: &dyn Disk,
        layout: &Layout,
        noted: &Destroyed,
        receipt: KeyDestroyed,
    ) -> Destroyed {
        let told = Destroyed { keys: vec![receipt], ..noted.clone() };
        for one in self.0.iter_mut().filter(|one| one.generation == noted.generation) {
            one.clone_from(&told);
        }
        if let Err(error) = self.write(disk, layout) {
            let generation = noted.generation;
            tracing::warn!(%error, generation, "the word of a destroyed key's keeper is not noted");
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

    /// Magic (8); for each generation: its number (8), files (8), bytes (8), how far it was and how
    /// far the next one (48 each: generation, frame, hash), how many keys (4) and each of those; BLAKE3
    /// of all before (32). Big-endian.
    fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        for Destroyed { generation, keys, files, bytes: len, ended, followed } in &self.0 {
            for number in [generation, files, len] {
                bytes.extend_from_slice(&number.to_be_bytes());
            }
            for position in [ended, followed] {
                bytes.extend_from_slice(&position.generation.to_be_bytes());
                bytes.extend_from_slice(&position.frame.to_be_bytes());
                bytes.extend_from_slice(&position.hash);
            }
            note::put_keys(&mut bytes, keys);
        }
        checksum::append(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hashed, _) = checksum::split(bytes)?;
        let mut rest = hashed.strip_prefix(MAGIC)?;
        let mut noted = Vec::new();
        while !rest.is_empty() {
            noted.push(Destroyed {
                generation: note::take_u64(&mut rest)?,
                files: note::take_u64(&mut rest)?,
                bytes: note::take_u64(&mut rest)?,
                ended: take_position(&mut rest)?,
                followed: take_position(&mut rest)?,
                keys: note::take_keys(&mut rest)?,
            });
        }
        Some(Self(noted))
    }
}

fn take_position(rest: &mut &[u8]) -> Option<Position> {
    let generation = note::take_u64(rest)?;
    Some(Position { generation, frame: note::take_u64(rest)?, hash: note::take(rest)? })
}

/// A key whose keeper's word was not kept, or that it does not have any more.
pub(crate) fn key_that_is_gone(key: [u8; 16]) -> KeyDestroyed {
    let (custody, file_system) = (String::new(), String::new());
    KeyDestroyed { key, custody, method: "it was gone already".to_owned(), file_system }
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
        let ended = Position { generation: 1, frame: 8, hash: [9; 32] };
        let followed = Position { generation: 2, frame: 10, hash: [11; 32] };
        let noted =
            |generation, keys| Destroyed { generation, keys, files: 3, bytes: 4, ended, followed };
        let told = KeyDestroyed {
            key: [8; 16],
            custody: "a safe".to_owned(),
            method: "burnt".to_owned(),
            file_system: "ext4".to_owned(),
        };
        let mut all = [noted(1, vec![key_that_is_gone([7; 16])]), noted(2, Vec::new())];
        let mut unrecorded = Unrecorded::read(&OsDisk, &layout).unwrap();
        for destroyed in all.clone() {
            unrecorded.note(&OsDisk, &layout, destroyed).unwrap();
        }
        unrecorded.note(&OsDisk, &layout, Destroyed { files: 0, ..all[0].clone() }).unwrap();
        all[1] = unrecorded.keep_receipt(&OsDisk, &layout, &all[1].clone(), told);
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
