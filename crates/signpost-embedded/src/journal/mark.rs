//! The high-water mark beside the keyring: evidence, outside the data directory, of how far the
//! journal was durable and its entries and openings were in their own files.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::frame::FrameId;
use crate::checksum;
use crate::disk::Disk;
use crate::durable;

/// A frame that was durable, and the entries that were drained, when it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) generation: u64,
    pub(crate) frame: FrameId,
    /// How many entries, from the ledger's first, were synced in their own files with their
    /// openings.
    pub(crate) drained: u64,
}

/// Where the mark lies.
#[derive(Clone, Debug)]
pub(crate) struct MarkFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl MarkFile {
    pub(crate) fn new(disk: Arc<dyn Disk>, keyring: &Path) -> Self {
        Self { disk, path: keyring.join("high-water-mark") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes the mark, durably. What it names must be durable before.
    pub(crate) fn write(&self, mark: &Mark) -> io::Result<()> {
        durable::write_durably(&*self.disk, &self.path, &mark.encode())
    }

    /// Reads the mark. A mark that is not one is an error: it is written whole or not at all.
    pub(crate) fn read(&self) -> io::Result<Option<Mark>> {
        let bytes = durable::read_if_there(&*self.disk, &self.path)?;
        let Some(bytes) = bytes else { return Ok(None) };
        Mark::decode(&bytes).map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

impl Mark {
    /// Magic (8), generation (8), frame number (8), frame hash (32), drained (8), BLAKE3 (32).
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Self::MAGIC.to_vec();
        bytes.extend_from_slice(&self.generation.to_be_bytes());
        bytes.extend_from_slice(&self.frame.number.to_be_bytes());
        bytes.extend_from_slice(&self.frame.hash);
        bytes.extend_from_slice(&self.drained.to_be_bytes());
        checksum::append(&mut bytes);
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (hashed, _) = checksum::split(bytes)?;
        let (magic, rest) = hashed.split_first_chunk()?;
        let (generation, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (frame_hash, drained) = rest.split_first_chunk()?;
        let mark = Self {
            generation: u64::from_be_bytes(*generation),
            frame: FrameId { number: u64::from_be_bytes(*number), hash: *frame_hash },
            drained: u64::from_be_bytes(drained.try_into().ok()?),
        };
        (magic == Self::MAGIC).then_some(mark)
    }

    const MAGIC: &[u8; 8] = b"SGNPMARK";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::os::OsDisk;

    #[test]
    fn a_mark_comes_back_whole_or_as_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let file = MarkFile::new(Arc::new(OsDisk), directory.path());
        assert_eq!(file.read().unwrap(), None);
        let frame = FrameId { number: 7, hash: [3; 32] };
        let mark = Mark { generation: 1, frame, drained: 9 };
        file.write(&mark).unwrap();
        assert_eq!(file.read().unwrap(), Some(mark));
        let mut bytes = std::fs::read(file.path()).unwrap();
        bytes[20] ^= 1;
        std::fs::write(file.path(), bytes).unwrap();
        assert_eq!(file.read().unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
