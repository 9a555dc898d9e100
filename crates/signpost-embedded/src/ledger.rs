//! The entries' and openings' own files, which outlive every journal.
//!
//! Each entry and each opening has one place, so that writing it again does no harm. An entry file
//! is nothing but entries. A segment is nothing but slots: the entry's index (8 bytes, big-endian)
//! and the sealed opening.

pub(crate) mod check;
pub(crate) mod segments;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::entry::Entry;
use signpost_core::id::Receipt;

use crate::disk::{Disk, DiskFile, read_exact_at};
use crate::durable;
use crate::journal::frame::SealedOpening;
use crate::keyring::sealing::SEALED_OPENING_LEN;
use crate::layout::Layout;

/// How many entries an entry file holds.
pub(crate) const PER_FILE: u64 = 65_536;

const ENTRY_LEN: u64 = Entry::LEN as u64;
const SLOT_LEN: usize = 8 + SEALED_OPENING_LEN;

/// A running digest over all entries up to one: when a generation's journal is gone, it still tells
/// whether the entries that journal brought are what they were. Before the first it is zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EntryChain(pub(crate) [u8; 32]);

impl EntryChain {
    pub(crate) const BEFORE_FIRST: Self = Self([0; 32]);

    /// The chain with one entry more: BLAKE3 of the chain before it and the entry.
    pub(crate) fn with(&self, entry: &Entry) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.0).update(entry.as_bytes());
        Self(*hasher.finalize().as_bytes())
    }
}

/// Writes entries and openings to their places.
#[derive(Debug)]
pub(crate) struct LedgerWriter {
    layout: Layout,
    disk: Arc<dyn Disk>,
    entries: Option<NumberedFile>,
    segment: Option<NumberedFile>,
}

/// An open file, and its number among its like.
type NumberedFile = (u64, Arc<dyn DiskFile>);

/// Why entries or openings are not in their files.
#[derive(Debug)]
pub(crate) enum LedgerError {
    /// They could not be written: they can be, later.
    NotWritten(io::Error),
    /// They could not be synced: what the disk holds is unknown.
    NotSynced(io::Error),
}

impl LedgerWriter {
    pub(crate) fn new(layout: Layout, disk: Arc<dyn Disk>) -> Self {
        Self { layout, disk, entries: None, segment: None }
    }

    /// Writes entries from this index on to their places.
    pub(crate) fn put_entries(&mut self, first: u64, entries: &[Entry]) -> Result<(), LedgerError> {
        let (mut index, mut rest) = (first, entries);
        while !rest.is_empty() {
            let room = usize::try_from(PER_FILE - index % PER_FILE).unwrap_or(usize::MAX);
            let (here, behind) = rest.split_at(room.min(rest.len()));
            let path = |number| self.layout.entries(number);
            let file = file_for(&*self.disk, &mut self.entries, index / PER_FILE, path)?;
            let bytes = here.iter().flat_map(Entry::as_bytes).copied().collect::<Vec<_>>();
            file.write_all_at(&bytes, index % PER_FILE * ENTRY_LEN)
                .map_err(LedgerError::NotWritten)?;
            index += here.len() as u64;
            rest = behind;
        }
        Ok(())
    }

    /// Writes openings to their slots, which follow each other within a segment.
    pub(crate) fn put_openings(&mut self, openings: &[SealedOpening]) -> Result<(), LedgerError> {
        let follows = |one: &SealedOpening, next: &SealedOpening| {
            (one.segment, one.slot + 1) == (next.segment, next.slot)
        };
        for run in openings.chunk_by(follows) {
            let path = |number| self.layout.segment(number);
            let file = file_for(&*self.disk, &mut self.segment, run[0].segment, path)?;
            let mut slots = Vec::with_capacity(run.len() * SLOT_LEN);
            for opening in run {
                slots.extend_from_slice(&opening.entry.0.to_be_bytes());
                slots.extend_from_slice(&opening.sealed);
            }
            file.write_all_at(&slots, slot_offset(run[0].slot)).map_err(LedgerError::NotWritten)?;
        }
        Ok(())
    }

    /// Makes all that was put durable.
    pub(crate) fn sync(&mut self) -> Result<(), LedgerError> {
        for (_, file) in self.entries.iter().chain(&self.segment) {
            sync_ledger_file(&**file)?;
        }
        Ok(())
    }
}

/// The file of this number; the one before it is synced when it is left.
fn file_for<'o>(
    disk: &dyn Disk,
    open: &'o mut Option<NumberedFile>,
    number: u64,
    path: impl Fn(u64) -> PathBuf,
) -> Result<&'o dyn DiskFile, LedgerError> {
    if open.as_ref().is_none_or(|(is_open, _)| *is_open != number) {
        if let Some((_, left)) = open.take() {
            sync_ledger_file(&*left)?;
        }
        let file = durable::open_or_create(disk, &path(number)).map_err(LedgerError::NotWritten)?;
        *open = Some((number, file));
    }
    let (_, file) = open.as_ref().expect("opened above");
    Ok(&**file)
}

fn sync_ledger_file(file: &dyn DiskFile) -> Result<(), LedgerError> {
    file.sync_data().map_err(LedgerError::NotSynced)
}

/// Files of one kind, of which one is open at a time, to be read.
#[derive(Debug)]
struct NumberedFiles {
    layout: Layout,
    disk: Arc<dyn Disk>,
    path: fn(&Layout, u64) -> PathBuf,
    open: Option<NumberedFile>,
}

impl NumberedFiles {
    fn get(&mut self, number: u64) -> io::Result<&dyn DiskFile> {
        if self.open.as_ref().is_none_or(|(is_open, _)| *is_open != number) {
            let path = (self.path)(&self.layout, number);
            self.open = Some((number, self.disk.open_to_read(&path)?));
        }
        let (_, file) = self.open.as_ref().expect("opened above");
        Ok(&**file)
    }
}

/// Reads entries in order, for comparing them with the journal's and for answering.
#[derive(Debug)]
pub(crate) struct EntryReader(NumberedFiles);

impl EntryReader {
    pub(crate) fn new(layout: Layout, disk: Arc<dyn Disk>) -> Self {
        Self(NumberedFiles { layout, disk, path: Layout::entries, open: None })
    }

    /// The bytes of one entry. An error of kind `NotFound` or `UnexpectedEof` means that it is not
    /// there.
    pub(crate) fn read(&mut self, index: u64) -> io::Result<[u8; Entry::LEN]> {
        let file = self.0.get(index / PER_FILE)?;
        let mut bytes = [0; Entry::LEN];
        read_exact_at(file, &mut bytes, index % PER_FILE * ENTRY_LEN)?;
        Ok(bytes)
    }
}

/// Reads openings slot by slot, for comparing them with the journal's.
#[derive(Debug)]
pub(crate) struct OpeningReader(NumberedFiles);

impl OpeningReader {
    pub(crate) fn new(layout: Layout, disk: Arc<dyn Disk>) -> Self {
        Self(NumberedFiles { layout, disk, path: Layout::segment, open: None })
    }

    /// A reader of one segment, from where it lies.
    pub(crate) fn of(
        segment: u64,
        disk: &Arc<dyn Disk>,
        layout: &Layout,
        path: &Path,
    ) -> io::Result<Self> {
        let mut reader = Self::new(layout.clone(), Arc::clone(disk));
        reader.0.open = Some((segment, disk.open_to_read(path)?));
        Ok(reader)
    }

    /// The opening in one slot. An error of kind `NotFound` or `UnexpectedEof` means that it is not
    /// there.
    pub(crate) fn read(&mut self, segment: u64, slot: u32) -> io::Result<SealedOpening> {
        read_slot(self.0.get(segment)?, segment, slot)
    }
}

/// One past the highest entry of which anything is in the entry files.
pub(crate) fn entries_extent(disk: &dyn Disk, layout: &Layout) -> io::Result<u64> {
    let last = last_file(disk, &layout.ledger(), "entries-")?;
    let Some((number, path)) = last else { return Ok(0) };
    let len = disk.status(&path)?.len;
    Ok(number * PER_FILE + len.div_ceil(ENTRY_LEN))
}

/// The highest segment of which anything is there, and one past its highest slot.
pub(crate) fn openings_extent(disk: &dyn Disk, layout: &Layout) -> io::Result<(u64, u64)> {
    let last = last_file(disk, &layout.openings(), "segment-")?;
    let Some((number, path)) = last else { return Ok((0, 0)) };
    let len = disk.status(&path)?.len;
    Ok((number, len.div_ceil(SLOT_LEN as u64)))
}

/// How many slots a segment's file has, one that is cut short included.
pub(crate) fn slots(disk: &dyn Disk, path: &Path) -> io::Result<u32> {
    let slots = disk.status(path)?.len.div_ceil(SLOT_LEN as u64);
    u32::try_from(slots).map_err(|_| io::ErrorKind::InvalidData.into())
}

fn read_slot(file: &dyn DiskFile, segment: u64, slot: u32) -> io::Result<SealedOpening> {
    let mut bytes = [0; SLOT_LEN];
    read_exact_at(file, &mut bytes, slot_offset(slot))?;
    let (entry, sealed) = bytes.split_first_chunk().expect("a slot is longer than an index");
    let entry = Receipt(u64::from_be_bytes(*entry));
    Ok(SealedOpening { entry, segment, slot, sealed: sealed.try_into().expect("the rest") })
}

pub(crate) fn slot_offset(slot: u32) -> u64 {
    u64::from(slot) * SLOT_LEN as u64
}

/// The file of the highest number behind this prefix; keys and passing names are passed over.
fn last_file(
    disk: &dyn Disk,
    directory: &Path,
    prefix: &str,
) -> io::Result<Option<(u64, PathBuf)>> {
    let mut last = None;
    for path in disk.list(directory)? {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let number = name.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok());
        if let Some(number) = number
            && last.as_ref().is_none_or(|(highest, _)| number > *highest)
        {
            last = Some((number, path));
        }
    }
    Ok(last)
}
