//! The log: takes entries in their order, and signs what it has of them.
//!
//! A tile or bundle is written when it is full; those that are not are written, as partial ones,
//! for each checkpoint. Every file is written under a passing name, synced and renamed, and every
//! directory above it is synced, before a checkpoint that covers it is signed. The checkpoint is
//! replaced in the same way, and given out only then.
//!
//! What is not covered by the last checkpoint is not relied on: after a restart the log asks for
//! those entries again, and writes their files again. Partial files stay until the file is full and
//! a checkpoint covers that; where the process dies in between they stay for good, and do no harm.

pub mod export;
mod files;
mod open;
pub mod reader;

use std::path::Path;
use std::sync::Arc;

use crate::disk::Disk;
use crate::error::LedgerError;
use crate::note::checkpoint::Checkpoint;
use crate::note::key::VerifierKey;
use crate::note::signer::LogSigner;
use crate::note::{Note, NoteError, Signature};
use crate::tree::edge::Edge;
use crate::tree::hash::Hash;
use crate::tree::tile::{Kind, Tile, WIDTH};
use files::Files;
use reader::Reader;

/// A log that is written. One process may have it open.
#[derive(Debug)]
pub struct Log {
    files: Files,
    signer: LogSigner,
    edge: Edge,
    /// The entries of the last bundle, as they lie in it.
    bundle: Vec<u8>,
    /// Full files that are not yet written: one bundle at most, and its tiles.
    waiting: Vec<(Tile, Vec<u8>)>,
    /// Tiles whose partial forms go once the next checkpoint is durable.
    outgrown: Vec<Tile>,
    checkpoint: Checkpoint,
    note: Note,
    is_lost: bool,
}

impl Log {
    /// Makes a log without entries in this directory, which is made if it is not there, and signs
    /// its first checkpoint.
    pub fn create(
        disk: Arc<dyn Disk>,
        directory: &Path,
        signer: LogSigner,
    ) -> Result<Self, LedgerError> {
        open::create(disk, directory, signer)
    }

    /// Opens the log of this directory at its last checkpoint.
    ///
    /// The checkpoint must be signed by this signer's key, and the files of the right edge give its
    /// root: at most 8 tiles and a bundle are read. All else is for [`crate::verify`].
    pub fn open(
        disk: Arc<dyn Disk>,
        directory: &Path,
        signer: LogSigner,
    ) -> Result<Self, LedgerError> {
        open::open(disk, directory, signer)
    }

    /// How many entries it has: the index of the one to go on with.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    /// The root of all its entries, whether or not a checkpoint covers them yet.
    #[must_use]
    pub fn root(&self) -> Hash {
        self.edge.root()
    }

    /// Takes the next entry, of at most 65 535 bytes. On an error it was not taken, and after
    /// [`LedgerError::Full`] it can be given again.
    pub fn append(&mut self, index: u64, entry: &[u8]) -> Result<(), LedgerError> {
        let expected = self.size();
        if index != expected {
            return Err(LedgerError::OutOfOrder { expected, given: index });
        }
        let len = u16::try_from(entry.len())
            .map_err(|_| LedgerError::TooLong { index, len: entry.len() })?;
        self.while_ours(Self::write_waiting)?;
        self.bundle.extend_from_slice(&len.to_be_bytes());
        self.bundle.extend_from_slice(entry);
        let waiting = &mut self.waiting;
        self.edge.push(Hash::of_entry(entry), |tile, hashes| {
            waiting.push((tile, hashes.iter().flat_map(Hash::as_bytes).copied().collect()));
        });
        if self.size().is_multiple_of(u64::from(WIDTH)) {
            let number = index / u64::from(WIDTH);
            let bundle = Tile { kind: Kind::Entries, number, width: WIDTH };
            self.waiting.push((bundle, std::mem::take(&mut self.bundle)));
        }
        Ok(())
    }

    /// Makes all entries durable and signs their tree; without new entries it is the last note
    /// again. After [`LedgerError::Full`] it can be asked for again.
    pub fn checkpoint(&mut self) -> Result<&Note, LedgerError> {
        self.while_ours(|log| {
            if log.size() == log.checkpoint.size {
                return Ok(());
            }
            log.write_waiting()?;
            log.write_partials()?;
            log.files.sync()?;
            let next = Checkpoint { size: log.size(), root: log.root(), ..log.checkpoint.clone() };
            let note = signed(&log.signer, &next)
                .map_err(LedgerError::checkpoint(&log.files.checkpoint()))?;
            log.replace_note(note)?;
            log.checkpoint = next;
            log.files.remove_partials(&mut log.outgrown);
            Ok(())
        })?;
        Ok(&self.note)
    }

    /// Adds a witness's signature to the last checkpoint, durably, once it is seen to fit.
    pub fn add_cosignature(
        &mut self,
        witness: &VerifierKey,
        signature: Signature,
    ) -> Result<&Note, LedgerError> {
        // By itself, so that nothing but the witness's own signature can take a signature's place.
        Note::new(self.note.text().to_owned())
            .and_then(|text| text.with(signature.clone()).verify(witness))
            .map_err(LedgerError::checkpoint(&self.files.checkpoint()))?;
        let note = self.note.clone().with(signature);
        self.while_ours(|log| log.replace_note(note))?;
        Ok(&self.note)
    }

    /// The last checkpoint with its signatures, as it lies on disk.
    #[must_use]
    pub fn note(&self) -> &Note {
        &self.note
    }

    /// Answers about the entries that the last checkpoint covers, also while the log goes on.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.files.reader(self.checkpoint.clone())
    }

    fn write_waiting(&mut self) -> Result<(), LedgerError> {
        while let Some((tile, bytes)) = self.waiting.last() {
            self.files.put(*tile, bytes)?;
            if Tile::partial(tile.kind, self.checkpoint.size)
                .is_some_and(|partial| partial.number == tile.number)
            {
                self.outgrown.push(*tile);
            }
            self.waiting.pop();
        }
        Ok(())
    }

    fn write_partials(&mut self) -> Result<(), LedgerError> {
        let size = self.size();
        for (level, hashes) in (0..).zip(self.edge.levels()) {
            if let Some(tile) = Tile::partial(Kind::Hashes(level), size) {
                let bytes: Vec<u8> = hashes.iter().flat_map(Hash::as_bytes).copied().collect();
                self.files.put(tile, &bytes)?;
            }
        }
        Tile::partial(Kind::Entries, size).map_or(Ok(()), |tile| self.files.put(tile, &self.bundle))
    }

    /// Puts a note in the place of the last, if that is still where we put it.
    fn replace_note(&mut self, note: Note) -> Result<(), LedgerError> {
        self.files.check_ours(self.note.to_string().as_bytes())?;
        self.files.put_checkpoint(note.to_string().as_bytes())?;
        self.note = note;
        Ok(())
    }

    /// Does something unless the log is lost, and remembers if it gets lost by it.
    fn while_ours<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, LedgerError>,
    ) -> Result<T, LedgerError> {
        if self.is_lost {
            let path = self.files.checkpoint();
            let what = "the log was given up at an earlier error";
            return Err(LedgerError::Lost { path, what, source: None });
        }
        let done = work(self);
        self.is_lost = done.as_ref().is_err_and(LedgerError::is_final);
        done
    }
}

/// A checkpoint as a note that the log signed.
fn signed(signer: &LogSigner, checkpoint: &Checkpoint) -> Result<Note, NoteError> {
    let note = Note::new(checkpoint.to_string())?;
    let signature = signer.sign(&note);
    Ok(note.with(signature))
}
