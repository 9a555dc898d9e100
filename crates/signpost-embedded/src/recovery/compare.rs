//! What was drained, compared with the journal byte by byte while both are there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::entry::Entry;

use crate::disk::Disk;
use crate::error::OpenError;
use crate::journal::frame::SealedOpening;
use crate::journal::reader::Found;
use crate::layout::Layout;
use crate::ledger::segments::Extent;
use crate::ledger::{self, EntryReader, OpeningReader, PER_FILE};

/// The entries' and openings' own files.
#[derive(Debug)]
pub(super) struct Drained {
    disk: Arc<dyn Disk>,
    layout: Layout,
    entries: EntryReader,
    openings: OpeningReader,
    /// How many entries are in their own files for certain, and their openings in theirs.
    below: u64,
}

impl Drained {
    pub(super) fn new(disk: &Arc<dyn Disk>, layout: &Layout, drained: u64) -> Self {
        Self {
            disk: Arc::clone(disk),
            layout: layout.clone(),
            entries: EntryReader::new(layout.clone(), Arc::clone(disk)),
            openings: OpeningReader::new(layout.clone(), Arc::clone(disk)),
            below: drained,
        }
    }

    /// Compares what a frame brought and was drained since.
    pub(super) fn compare(&mut self, frame: &Found) -> Result<(), OpenError> {
        for (index, entry) in (frame.first_entry..self.below).zip(&frame.body.entries) {
            self.compare_entry(index, entry)?;
        }
        for opening in &frame.body.openings {
            if opening.entry.0 < self.below {
                self.compare_opening(opening)?;
            }
        }
        Ok(())
    }

    fn compare_entry(&mut self, index: u64, entry: &Entry) -> Result<(), OpenError> {
        let path = self.layout.entries(index / PER_FILE);
        let offset = index % PER_FILE * Entry::LEN as u64;
        match self.entries.read(index) {
            Ok(bytes) if bytes == *entry.as_bytes() => Ok(()),
            Ok(_) => Err(OpenError::damaged(&path, offset, "not the journal's entry")),
            Err(error) => Err(missing(path, offset, error)),
        }
    }

    fn compare_opening(&mut self, opening: &SealedOpening) -> Result<(), OpenError> {
        let path = self.layout.segment(opening.segment);
        let offset = ledger::slot_offset(opening.slot);
        match self.openings.read(opening.segment, opening.slot) {
            Ok(found) if found == *opening => Ok(()),
            Ok(_) => Err(OpenError::damaged(&path, offset, "not the journal's opening")),
            Err(error) => Err(missing(path, offset, error)),
        }
    }

    /// The entries of earlier generations are in no journal any more: their files must at least be
    /// there, and whole.
    pub(super) fn check_entries_there(&self) -> Result<(), OpenError> {
        for file in 0..self.below.div_ceil(PER_FILE) {
            let entries = (self.below - file * PER_FILE).min(PER_FILE);
            self.check_len(&self.layout.entries(file), entries * Entry::LEN as u64)?;
        }
        Ok(())
    }

    /// So must be the segments that earlier generations have filled, up to this extent.
    pub(super) fn check_openings_there(&self, extent: &Extent) -> Result<(), OpenError> {
        for segment in 1..=extent.segment {
            let expected = ledger::slot_offset(extent.slots_of(segment));
            self.check_len(&self.layout.segment(segment), expected)?;
        }
        Ok(())
    }

    fn check_len(&self, path: &Path, expected: u64) -> Result<(), OpenError> {
        match self.disk.status(path) {
            Ok(status) if status.len >= expected => Ok(()),
            Ok(status) => Err(OpenError::damaged(path, status.len, "its end is missing")),
            Err(error) => Err(missing(path.to_owned(), 0, error)),
        }
    }
}

fn missing(path: PathBuf, offset: u64, error: io::Error) -> OpenError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => {
            OpenError::damaged(&path, offset, "what was drained to it is missing")
        }
        _ => OpenError::Io { path, source: error },
    }
}
