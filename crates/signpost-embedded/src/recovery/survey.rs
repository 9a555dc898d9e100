//! The survey: one pass over the journal that verifies every frame, changes nothing, and learns
//! what the evidence is compared with.

use std::path::PathBuf;
use std::sync::Arc;

use signpost_core::anchor::Anchor;
use signpost_core::turn::Destroyed;

use super::compare::Drained;
use crate::current::Current;
use crate::disk::Disk;
use crate::error::OpenError;
use crate::journal::frame::FrameId;
use crate::journal::mark::Mark;
use crate::journal::reader::{End, Found, JournalReader, Position};
use crate::layout::Layout;
use crate::ledger::segments::Extent;
use crate::ledger::{self, EntryChain};
use crate::options::LedgerEvidence;
use crate::progress::Progress;
use crate::writer::Tail;

/// What a journal holds.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) generation: u64,
    /// The journal's last file.
    pub(crate) path: PathBuf,
    /// Where the last good frame ends.
    pub(crate) end: Position,
    /// The length of the last file.
    file_len: u64,
    /// Behind the last frame that is known to have been synced.
    pub(crate) trusted: Position,
    /// The frames behind that.
    pub(crate) tail_bytes: Vec<u8>,
    /// The hash of the frame that the index says it applied last, if there is such a frame.
    pub(crate) hash_at_index_frame: Option<[u8; 32]>,
    /// Where the first frame starts.
    pub(crate) start: Position,
    /// Where the first frame starts that the index or the ledger may lack.
    pub(crate) resume: Option<Position>,
    /// The number of the last frame that writes records; 0 where none does.
    pub(crate) last_write: u64,
    /// The generations whose destruction is on record here.
    pub(crate) recorded: Vec<u64>,
    /// The bytes of all frames behind the fill.
    pub(crate) grown_bytes: u64,
    hash_at_mark: Option<[u8; 32]>,
    /// Whether the frame is here that the ledger's last anchor commits to.
    holds_anchor: bool,
    last_ms: u64,
    segment: u64,
    slots_used: u32,
    /// The last segment that takes no more openings.
    closed: u64,
    chain: EntryChain,
}

/// What a survey is taken of, and what it is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'p> {
    pub(crate) disk: &'p Arc<dyn Disk>,
    pub(crate) layout: &'p Layout,
    pub(crate) current: &'p Current,
    pub(crate) mark: Mark,
    pub(crate) evidence: Option<LedgerEvidence>,
    pub(crate) index_frame: FrameId,
    /// How many slots a full segment of openings has.
    pub(crate) full: u32,
    pub(crate) progress: &'p dyn Progress,
}

impl Place<'_> {
    /// The mark's frame; none where the mark was written for the generation before: the turn to
    /// this one came after it.
    fn marked_frame(&self) -> Option<FrameId> {
        (self.mark.generation == self.current.generation).then_some(self.mark.frame)
    }

    /// The ledger's last anchor.
    fn anchor(&self) -> Option<Anchor> {
        self.evidence.and_then(|evidence| evidence.anchor)
    }

    /// Whether the ledger's last anchor commits to this frame.
    fn is_anchored(&self, frame: &FrameId) -> bool {
        let anchored = |anchor| Anchor::of(&frame.within(self.current.generation)) == anchor;
        self.anchor().is_some_and(anchored)
    }

    /// How many entries are in their own files for certain. A generation comes into use only when
    /// all before it are.
    pub(crate) fn drained(&self) -> u64 {
        if self.marked_frame().is_some() { self.mark.drained } else { self.current.first_entry }
    }
}

impl Survey {
    /// Reads a journal from its first frame to its end, and compares the entries and openings that
    /// were drained with their own files.
    pub(crate) fn take(place: &Place<'_>) -> Result<Self, OpenError> {
        let mut reader = JournalReader::open(&**place.disk, place.layout, place.current)?;
        let mut survey = Self::empty(place, &reader);
        let trusted =
            [Some(place.current.fill), Some(reader.last_file_after()), place.marked_frame()];
        let trusted = trusted.into_iter().flatten().map(|frame| frame.number).max().unwrap_or(0);
        let mut drained = Drained::new(place.disk, place.layout, place.drained());
        place.progress.begin("reading the journal", reader.total_len());
        loop {
            let position = reader.position();
            if position.last.number == trusted {
                survey.trusted = position;
            }
            let Some(frame) = reader.next_frame()? else { break };
            survey.look_at(place, position, &frame, reader.next_entry);
            drained.compare(&frame)?;
            place.progress.advance(frame.len);
        }
        place.progress.end();
        survey.conclude(place, &reader)?;
        Ok(survey)
    }

    fn empty(place: &Place<'_>, reader: &JournalReader) -> Self {
        let Current { generation, last_ms, segment, slots_used, chain, .. } = *place.current;
        Self {
            generation,
            path: reader.path().clone(),
            end: reader.position(),
            file_len: 0,
            trusted: reader.position(),
            tail_bytes: Vec::new(),
            hash_at_index_frame: None,
            start: reader.position(),
            resume: None,
            last_write: 0,
            recorded: Vec::new(),
            grown_bytes: 0,
            hash_at_mark: None,
            holds_anchor: place.is_anchored(&reader.last),
            last_ms,
            segment,
            slots_used,
            closed: segment,
            chain,
        }
    }

    /// Learns from one frame, which starts at this position.
    fn look_at(&mut self, place: &Place<'_>, at: Position, frame: &Found, next_entry: u64) {
        let lagging = frame.id.number > place.index_frame.number || next_entry > place.drained();
        if lagging {
            self.resume.get_or_insert(at);
        }
        if frame.id.number > place.current.fill.number {
            self.grown_bytes += frame.len;
        }
        if !frame.body.writes.is_empty() {
            self.last_write = frame.id.number;
        }
        if frame.id.number == place.index_frame.number {
            self.hash_at_index_frame = Some(frame.id.hash);
        }
        if place.marked_frame().is_some_and(|mark| mark.number == frame.id.number) {
            self.hash_at_mark = Some(frame.id.hash);
        }
        self.holds_anchor = self.holds_anchor || place.is_anchored(&frame.id);
        for entry in &frame.body.entries {
            self.last_ms = entry.time_ms();
            self.chain = self.chain.with(entry);
            self.recorded.extend(Destroyed::on_record(entry));
        }
        if let Some(opening) = frame.body.openings.last() {
            self.segment = opening.segment;
            self.slots_used = opening.slot + 1;
        }
    }

    /// What lies behind the last good frame is a torn tail, or damage.
    fn conclude(&mut self, place: &Place<'_>, reader: &JournalReader) -> Result<(), OpenError> {
        let io = OpenError::io(reader.path());
        self.path.clone_from(reader.path());
        self.end = reader.position();
        self.file_len = reader.file_len();
        if reader.end().map_err(&io)? == End::Damaged {
            let what = "a frame is broken, and whole frames follow it";
            return Err(OpenError::damaged(&self.path, self.end.offset, what));
        }
        if self.end.last.number < place.current.fill.number {
            return Err(self.frames_missing("CURRENT"));
        }
        self.tail_bytes = reader.bytes_from(self.trusted.offset).map_err(&io)?;
        Ok(())
    }

    /// Refuses a journal that ends before a frame which something has seen whole: the index, the
    /// high-water mark, the entries' or the openings' own files. Those must be there in turn.
    pub(crate) fn check_evidence(&self, place: &Place<'_>) -> Result<(), OpenError> {
        let (disk, layout) = (&**place.disk, place.layout);
        if let Some(marked) = place.marked_frame() {
            if marked.number > self.end.last.number || place.mark.drained > self.end.next_entry {
                return Err(self.frames_missing("the high-water mark beside the keyring"));
            }
            let found = if marked.number == 0 { self.start.last.hash } else { [0; 32] };
            if self.hash_at_mark.unwrap_or(found) != marked.hash {
                return Err(OpenError::damaged(
                    &self.path,
                    0,
                    "it is not the journal that the high-water mark was written for",
                ));
            }
        }
        if place.index_frame.number > self.end.last.number {
            return Err(self.frames_missing("the index"));
        }
        let ledger = layout.ledger();
        let extent = ledger::entries_extent(disk, layout).map_err(OpenError::io(&ledger))?;
        if extent > self.end.next_entry {
            return Err(self.frames_missing("the ledger"));
        }
        self.check_ledger_evidence(place)?;
        let openings = layout.openings();
        let extent = ledger::openings_extent(disk, layout).map_err(OpenError::io(&openings))?;
        if extent > (self.segment, u64::from(self.slots_used)) {
            return Err(self.frames_missing("the openings' own files"));
        }
        let drained = Drained::new(place.disk, layout, place.drained());
        drained.check_entries_there()?;
        let Current { segment, slots_used: slots, ref short, .. } = *place.current;
        let short = Arc::clone(short);
        drained.check_openings_there(&Extent { segment, slots, full: place.full, short })
    }

    /// Refuses a store that is not the one which the ledger's last checkpoint was signed for. Of a
    /// generation that is destroyed nothing can be asked but how many entries there were.
    fn check_ledger_evidence(&self, place: &Place<'_>) -> Result<(), OpenError> {
        if place.evidence.is_some_and(|evidence| evidence.entries > self.end.next_entry) {
            return Err(self.frames_missing("the last checkpoint of the ledger"));
        }
        let Some(anchor) = place.anchor() else { return Ok(()) };
        let generation = u32::try_from(self.generation).unwrap_or(u32::MAX);
        if anchor.generation > generation {
            let what = "the last anchor of the ledger names a later generation";
            return Err(OpenError::damaged(&place.layout.current(), 0, what));
        }
        if anchor.generation == generation && !self.holds_anchor {
            let what = "the frame that the last anchor of the ledger commits to is not in it";
            return Err(OpenError::damaged(&self.path, 0, what));
        }
        Ok(())
    }

    /// How long an incomplete last frame is.
    pub(crate) fn cut_bytes(&self) -> u64 {
        self.file_len - self.end.offset
    }

    /// How far the segments of openings reach.
    pub(crate) fn extent(&self, place: &Place<'_>) -> Extent {
        let short = Arc::clone(&place.current.short);
        Extent { segment: self.segment, slots: self.slots_used, full: place.full, short }
    }

    /// Where the next entry and opening go.
    pub(crate) fn tail(&self) -> Tail {
        Tail {
            next_entry: self.end.next_entry,
            last_ms: self.last_ms,
            chain: self.chain,
            segment: self.segment,
            slots_used: self.slots_used,
            closed: self.closed,
            segment_key: None,
        }
    }

    fn frames_missing(&self, witness: &'static str) -> OpenError {
        OpenError::FramesMissing {
            path: self.path.clone(),
            offset: self.end.offset,
            last: self.end.last.number,
            witness,
        }
    }
}
