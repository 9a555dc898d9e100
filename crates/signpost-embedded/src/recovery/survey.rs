//! The survey: one pass over the journal that verifies every frame, changes nothing, and learns
//! what the witnesses are compared with.

use std::io;
use std::path::PathBuf;

use signpost_core::entry::Entry;

use crate::error::OpenError;
use crate::journal::frame::FrameId;
use crate::journal::mark::Mark;
use crate::journal::{End, Found, JournalReader};
use crate::layout::Layout;
use crate::ledger::{self, EntryReader};
use crate::writer::Tail;

/// What a journal holds.
#[derive(Debug)]
pub(super) struct Survey {
    pub(super) path: PathBuf,
    pub(super) index_path: PathBuf,
    pub(super) ledger_path: PathBuf,
    pub(super) last: FrameId,
    /// Where the last good frame ends.
    pub(super) end_offset: u64,
    pub(super) file_len: u64,
    /// The hash of the frame that the index says it applied last, if there is such a frame.
    pub(super) hash_at_index_frame: Option<[u8; 32]>,
    /// Where its first frame starts.
    pub(super) start: Option<Position>,
    /// Where the first frame starts that the index or the ledger may lack.
    pub(super) resume: Option<Position>,
    hash_at_mark: Option<[u8; 32]>,
    next_entry: u64,
    last_ms: u64,
    segment: u64,
    slots_used: u32,
}

/// Where a frame starts, and what it follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position {
    pub(super) offset: u64,
    pub(super) last: FrameId,
    pub(super) next_entry: u64,
}

impl Survey {
    /// Reads a journal from its first frame to its end, and compares the entries that were drained
    /// with their own files.
    pub(super) fn take(
        layout: &Layout,
        generation: u64,
        mark: Option<Mark>,
        index_frame: FrameId,
    ) -> Result<Self, OpenError> {
        let path = layout.journal(generation);
        let io = OpenError::io(&path);
        let reader = JournalReader::open(&path).map_err(&io)?;
        let reader = reader.filter(|reader| reader.header.generation == generation);
        let mut reader = reader.ok_or_else(|| {
            OpenError::damaged(&path, 0, "its header is not that of this generation's journal")
        })?;
        let mut survey = Self::empty(layout, generation, &reader);
        let drained = mark.map_or(0, |mark| mark.drained);
        let mut entries = EntryReader::new(layout.clone());
        loop {
            let position = Position {
                offset: reader.offset,
                last: reader.last,
                next_entry: reader.next_entry,
            };
            let Some(frame) = reader.next_frame().map_err(&io)? else { break };
            let lagging = frame.id.number > index_frame.number || reader.next_entry > drained;
            survey.start.get_or_insert(position);
            if lagging {
                survey.resume.get_or_insert(position);
            }
            if frame.id.number == index_frame.number {
                survey.hash_at_index_frame = Some(frame.id.hash);
            }
            if mark.is_some_and(|mark| mark.frame.number == frame.id.number) {
                survey.hash_at_mark = Some(frame.id.hash);
            }
            compare_drained(layout, &mut entries, &frame, drained)?;
            survey.learn(&frame);
        }
        survey.end_offset = reader.offset;
        survey.last = reader.last;
        survey.next_entry = reader.next_entry;
        match reader.end().map_err(&io)? {
            End::Clean | End::Torn => Ok(survey),
            End::Damaged => Err(OpenError::damaged(
                &path,
                survey.end_offset,
                "a frame is broken, and whole frames follow it",
            )),
        }
    }

    fn empty(layout: &Layout, generation: u64, reader: &JournalReader) -> Self {
        Self {
            path: layout.journal(generation),
            index_path: layout.index(generation),
            ledger_path: layout.ledger(),
            last: reader.last,
            end_offset: reader.offset,
            file_len: reader.len,
            hash_at_index_frame: None,
            start: None,
            resume: None,
            hash_at_mark: None,
            next_entry: reader.next_entry,
            last_ms: 0,
            segment: 0,
            slots_used: 0,
        }
    }

    fn learn(&mut self, frame: &Found) {
        if let Some(entry) = frame.body.entries.last() {
            self.last_ms = entry.time_ms();
        }
        if let Some(opening) = frame.body.openings.last() {
            self.segment = opening.segment;
            self.slots_used = opening.slot + 1;
        }
    }

    /// Refuses a journal that ends before a frame which something has seen whole: the index, the
    /// high-water mark, the entries' or the openings' own files.
    pub(super) fn check_witnesses(
        &self,
        layout: &Layout,
        mark: Option<Mark>,
        index_frame: FrameId,
    ) -> Result<(), OpenError> {
        if let Some(mark) = mark {
            if mark.frame.number > self.last.number || mark.drained > self.next_entry {
                return Err(self.frames_missing("the high-water mark beside the keyring"));
            }
            if self.hash_at_mark != Some(mark.frame.hash) {
                return Err(OpenError::damaged(
                    &self.path,
                    0,
                    "it is not the journal that the high-water mark was written for",
                ));
            }
        }
        if index_frame.number > self.last.number {
            return Err(self.frames_missing("the index"));
        }
        let extent = ledger::entries_extent(layout).map_err(OpenError::io(&self.ledger_path))?;
        if extent > self.next_entry {
            return Err(self.frames_missing("the ledger"));
        }
        let openings = layout.openings();
        let extent = ledger::openings_extent(layout).map_err(OpenError::io(&openings))?;
        if extent > (self.segment, u64::from(self.slots_used)) {
            return Err(self.frames_missing("the openings' own files"));
        }
        Ok(())
    }

    /// Where the next entry and opening go.
    pub(super) fn tail(&self) -> Tail {
        Tail {
            next_entry: self.next_entry,
            last_ms: self.last_ms,
            segment: self.segment,
            slots_used: self.slots_used,
            segment_key: None,
        }
    }

    fn frames_missing(&self, witness: &'static str) -> OpenError {
        OpenError::FramesMissing {
            path: self.path.clone(),
            offset: self.end_offset,
            last: self.last.number,
            witness,
        }
    }
}

/// Compares a frame's drained entries with their own files, byte by byte.
fn compare_drained(
    layout: &Layout,
    entries: &mut EntryReader,
    frame: &Found,
    drained: u64,
) -> Result<(), OpenError> {
    for (index, entry) in (frame.first_entry..drained).zip(&frame.body.entries) {
        let path = layout.entries(index / ledger::PER_FILE);
        let offset = index % ledger::PER_FILE * Entry::LEN as u64;
        match entries.read(index) {
            Ok(bytes) if bytes == *entry.as_bytes() => {}
            Ok(_) => return Err(OpenError::damaged(&path, offset, "not the journal's entry")),
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => {
                    return Err(OpenError::damaged(&path, offset, "a drained entry is missing"));
                }
                _ => return Err(OpenError::Io { path, source: error }),
            },
        }
    }
    Ok(())
}
