//! What is in one file: what a power cut leaves of it, and what is only in the cache.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use super::ranges::Ranges;
use super::torn::Random;

/// The content of a file, as it reads and as it is durable.
#[derive(Debug)]
pub(super) struct Content {
    durable: Durable,
    durable_len: u64,
    /// So much of what is durable is still part of the file: a cut hides the rest at once.
    kept: u64,
    /// What was written and is to be written at the next sync.
    dirty: Ranges,
    /// What was written before a sync that failed: it is read, and nothing writes it.
    lost: Ranges,
    len: u64,
}

/// Where the durable content is.
#[derive(Debug)]
enum Durable {
    /// In a file of the real disk.
    File(File),
    /// Nowhere yet: the file was synced, but its name was not, and a power cut takes both.
    Nameless(Vec<u8>),
}

impl Content {
    pub(super) fn nameless() -> Self {
        Self::new(Durable::Nameless(Vec::new()), 0)
    }

    pub(super) fn of(file: File) -> io::Result<Self> {
        let len = file.metadata()?.len();
        Ok(Self::new(Durable::File(file), len))
    }

    fn new(durable: Durable, len: u64) -> Self {
        let (dirty, lost) = (Ranges::default(), Ranges::default());
        Self { durable, durable_len: len, kept: len, dirty, lost, len }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let len = as_len(self.len.saturating_sub(offset)).min(buffer.len());
        let window = &mut buffer[..len];
        let durable_len = as_len(self.kept.saturating_sub(offset)).min(len);
        let (durable, behind) = window.split_at_mut(durable_len);
        self.durable.read_exact_at(durable, offset)?;
        behind.fill(0);
        self.lost.lay_over(window, offset);
        self.dirty.lay_over(window, offset);
        Ok(len)
    }

    pub(super) fn write_at(&mut self, bytes: &[u8], offset: u64) {
        let end = offset + bytes.len() as u64;
        self.dirty.put(offset, bytes);
        self.lost.cut(offset, end);
        if !bytes.is_empty() {
            self.len = self.len.max(end);
        }
    }

    pub(super) fn set_len(&mut self, len: u64) {
        self.dirty.cut(len, u64::MAX);
        self.lost.cut(len, u64::MAX);
        self.kept = self.kept.min(len);
        self.len = len;
    }

    /// Makes the file durable as it is, but for what an earlier sync has lost.
    pub(super) fn sync(&mut self) -> io::Result<()> {
        self.make_cut_durable()?;
        for (offset, bytes) in self.dirty.iter() {
            self.durable.write_all_at(bytes, offset)?;
        }
        self.dirty.clear();
        self.make_len_durable()
    }

    /// A sync that fails: what was to be written counts as written from now on.
    pub(super) fn lose(&mut self) {
        self.lost.put_all(std::mem::take(&mut self.dirty));
    }

    /// Writes pieces of all that is dirty.
    pub(super) fn write_back_all(&mut self, random: &mut Random) -> io::Result<()> {
        let dirty = std::mem::take(&mut self.dirty);
        for (offset, bytes) in dirty.iter() {
            self.write_back(bytes, offset, random)?;
        }
        self.dirty = dirty;
        Ok(())
    }

    /// Writes pieces of a write early; all of it stays dirty.
    pub(super) fn write_back(
        &mut self,
        bytes: &[u8],
        offset: u64,
        random: &mut Random,
    ) -> io::Result<()> {
        let (pieces, with_len) = random.pieces(offset, bytes.len());
        if pieces.is_empty() && !with_len {
            return Ok(());
        }
        self.make_cut_durable()?;
        for piece in pieces {
            let at = offset + piece.start as u64;
            self.durable_len = self.durable_len.max(offset + piece.end as u64);
            self.durable.write_all_at(&bytes[piece], at)?;
        }
        self.kept = self.durable_len;
        if with_len { self.make_len_durable() } else { Ok(()) }
    }

    /// Gives the durable content a file of the real disk, which is empty.
    pub(super) fn move_to(&mut self, file: File) -> io::Result<()> {
        if let Durable::Nameless(bytes) = &self.durable {
            file.write_all_at(bytes, 0)?;
            self.durable = Durable::File(file);
        }
        Ok(())
    }

    fn make_cut_durable(&mut self) -> io::Result<()> {
        if self.kept < self.durable_len {
            self.durable.set_len(self.kept)?;
            self.durable_len = self.kept;
        }
        Ok(())
    }

    fn make_len_durable(&mut self) -> io::Result<()> {
        if self.durable_len != self.len {
            self.durable.set_len(self.len)?;
        }
        self.durable_len = self.len;
        self.kept = self.len;
        Ok(())
    }
}

impl Durable {
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        match self {
            _ if buffer.is_empty() => {}
            Self::File(file) => file.read_exact_at(buffer, offset)?,
            Self::Nameless(bytes) => {
                let at = as_len(offset);
                buffer.copy_from_slice(&bytes[at..at + buffer.len()]);
            }
        }
        Ok(())
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.write_all_at(bytes, offset),
            Self::Nameless(content) => {
                let at = as_len(offset);
                content.resize(content.len().max(at + bytes.len()), 0);
                content[at..at + bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        match self {
            Self::File(file) => file.set_len(len),
            Self::Nameless(content) => {
                content.resize(as_len(len), 0);
                Ok(())
            }
        }
    }
}

fn as_len(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}
