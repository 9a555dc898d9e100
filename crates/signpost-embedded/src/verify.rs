//! Verifying all that a data directory holds, on demand: every frame and their chain, every seal,
//! every entry against its opening, the index against the journal. Nothing of it is changed.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use signpost_core::entry::Entry;
use signpost_core::id::Receipt;

use crate::current::Current;
use crate::erase::note::Erasures;
use crate::erase::rewrite;
use crate::error::OpenError;
use crate::journal::frame::{FrameId, SealedOpening, SealedWrite};
use crate::journal::reader::JournalReader;
use crate::keyring::sealing::{SealingKey, open_opening};
use crate::layout::Layout;
use crate::ledger::{self, EntryChain, EntryReader, OpeningReader, PER_FILE};
use crate::options::Options;
use crate::recovery::survey::{Place, Survey};
use crate::recovery::{self, agreeing};
use crate::state::generation::GenerationKeys;
use crate::state::index::{Index, Trust};
use crate::state::read_segment_key_at;
use crate::turn::unrecorded::Unrecorded;

/// What was verified, and found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The generation in use.
    pub generation: u64,
    /// The frames of its journal.
    pub frames: u64,
    /// The records that its journal comes to.
    pub records: u64,
    /// The entries of the ledger.
    pub entries: u64,
    /// The openings of those, each of which fits its entry or was erased.
    pub openings: u64,
    /// How many of those were erased.
    pub erased: u64,
    /// The length of an incomplete last frame, which the next start cuts off.
    pub torn_bytes: u64,
    /// How the index stands to the journal.
    pub index: IndexState,
}

/// How the index stands to the journal. It is never the truth: what is wrong with it is put right by
/// the next start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// It holds what the journal comes to.
    Agrees,
    /// It holds what the journal came to so many frames ago.
    Lags(u64),
    /// It cannot be used, and why. The next start builds it anew.
    Lost(String),
}

/// Verifies a data directory that no process has open. The memory it takes grows with the records:
/// about 100 bytes for each.
pub fn verify(options: &Options) -> Result<Verified, OpenError> {
    let layout = Layout::new(&options.data_dir);
    let disk = &options.disk;
    layout.check_format(&**disk)?;
    let _lock = layout.take_lock()?;
    let (current, _, mark) = recovery::read_current(options, &layout)?;
    let keys = recovery::read_keys(options, &layout, current.generation)?;
    let index_path = layout.index(current.generation);
    let was_there = index_path.exists();
    let index = if was_there {
        Index::open(&index_path, options.index_cache_bytes, Trust::None)
    } else {
        Err("it is missing".to_owned())
    };
    let index_frame = index.as_ref().map_or(FrameId::NONE, Index::frame);
    let progress = &*options.progress;
    let (evidence, full) = (options.evidence, options.segment_openings_max);
    let place = Place {
        disk,
        layout: &layout,
        current: &current,
        mark,
        evidence,
        index_frame,
        full,
        progress,
    };
    let survey = Survey::take(&place)?;
    survey.check_evidence(&place)?;
    Unrecorded::read(&**disk, &layout)?;
    Erasures::read(&**disk, &layout)?;

    let index = agreeing(index, was_there, &survey);
    let last = survey.end.last.number;
    let up_to = if index.is_ok() { index_frame.number } else { last };
    let mut seals = Seals { options, layout: &layout, keys: &keys, segment: None, erased: 0 };
    let contents = seals.open_journal(&current, up_to)?;
    let openings = seals.open_own_files(place.drained(), &current)?;
    Ok(Verified {
        generation: current.generation,
        frames: last,
        records: contents.0.len() as u64,
        entries: survey.end.next_entry,
        openings,
        erased: seals.erased,
        torn_bytes: survey.cut_bytes(),
        index: match index {
            Err(why) => IndexState::Lost(why),
            Ok(index) => contents.state_of(&index, survey.last_write.saturating_sub(up_to)),
        },
    })
}

/// Opens every seal, and so shows that nothing under it was changed or moved.
struct Seals<'v> {
    options: &'v Options,
    layout: &'v Layout,
    keys: &'v GenerationKeys,
    /// The segment whose key was needed last.
    segment: Option<(u64, SealingKey)>,
    /// How many erased openings were met.
    erased: u64,
}

impl Seals<'_> {
    /// Opens all that the journal holds. Gives what its frames up to this one come to.
    fn open_journal(&mut self, current: &Current, up_to: u64) -> Result<Contents, OpenError> {
        let progress = &*self.options.progress;
        let mut contents = Contents::default();
        let mut reader = JournalReader::open(&*self.options.disk, self.layout, current)?;
        progress.begin("opening the journal's seals", reader.total_len());
        loop {
            let at = reader.position().offset;
            let path = reader.path().clone();
            let Some(frame) = reader.next_frame()? else { break };
            for write in &frame.body.writes {
                let Some(sealed) = &write.sealed else { continue };
                let opened = self.keys.unseal(&write.location, sealed);
                opened.map_err(|_| {
                    OpenError::damaged(&path, at, "a record of this frame does not open")
                })?;
            }
            for opening in &frame.body.openings {
                let entry = opening.entry.0.checked_sub(frame.first_entry);
                let entry =
                    entry.and_then(|nth| frame.body.entries.get(usize::try_from(nth).ok()?));
                let damaged = |what| OpenError::damaged(&path, at, what);
                if !self.check(opening, entry, damaged)? {
                    return Err(damaged("an erased opening is in the journal"));
                }
            }
            if frame.id.number <= up_to {
                contents.apply(&frame.body.writes);
            }
            progress.advance(frame.len);
        }
        progress.end();
        Ok(contents)
    }

    /// Reads the entries' own files and opens all that is in the openings'. Gives how many openings
    /// those hold.
    /// What is not drained for certain may be there by half; the journal has it whole.
    fn open_own_files(&mut self, drained: u64, current: &Current) -> Result<u64, OpenError> {
        let (disk, layout) = (&self.options.disk, self.layout);
        let progress = &*self.options.progress;
        progress.begin("reading the ledger", drained * Entry::LEN as u64);
        let mut entries = EntryReader::new(layout.clone(), Arc::clone(disk));
        let mut chain = EntryChain::BEFORE_FIRST;
        for index in 0..drained {
            let entry = read_entry(layout, &mut entries, index)?;
            chain = chain.with(&entry);
            if index + 1 == current.first_entry && chain != current.chain {
                let what = "an entry up to the last turn is not what it was";
                return Err(OpenError::damaged(&layout.entries(0), 0, what));
            }
            progress.advance(Entry::LEN as u64);
        }
        progress.end();
        let mut openings = 0;
        let mut from = Receipt(0);
        let (segments, slots) =
            ledger::openings_extent(&**disk, layout).map_err(OpenError::io(&layout.openings()))?;
        for segment in 1..=segments {
            openings += self.open_segment(segment, &mut entries, drained, &mut from)?;
        }
        if is_about_a_child(layout, &mut entries, from..Receipt(drained))? {
            return Err(opening_missing(layout, segments.max(1), slots));
        }
        Ok(openings)
    }

    /// Opens every slot of a segment; their entries are in order, and none about a child is left
    /// out. `from` is the first entry whose opening was not met yet. Gives how many slots there are.
    fn open_segment(
        &mut self,
        segment: u64,
        entries: &mut EntryReader,
        drained: u64,
        from: &mut Receipt,
    ) -> Result<u64, OpenError> {
        let disk = &self.options.disk;
        let standing = rewrite::standing(&**disk, self.layout, segment);
        let (path, _) = standing.map_err(OpenError::io(&self.layout.openings()))?;
        let slots = ledger::slots(&**disk, &path).map_err(OpenError::io(&path))?;
        let reader = OpeningReader::of(segment, disk, self.layout, &path);
        let mut reader = reader.map_err(OpenError::io(&path))?;
        for slot in 0..slots {
            let offset = ledger::slot_offset(slot);
            let damaged = |what| OpenError::damaged(&path, offset, what);
            if !is_about_a_child(self.layout, entries, *from..Receipt(drained))? {
                return Ok(slot.into());
            }
            let opening = reader.read(segment, slot).map_err(|_| damaged("a slot is cut short"))?;
            if opening.entry < *from || opening.entry.0 >= drained {
                return Err(damaged("a slot is not in the order of its entries"));
            }
            if is_about_a_child(self.layout, entries, *from..opening.entry)? {
                return Err(self.opening_missing_before(segment, slot));
            }
            *from = Receipt(opening.entry.0 + 1);
            let entry = read_entry(self.layout, entries, opening.entry.0)?;
            if !self.check(&opening, Some(&entry), damaged)? {
                self.erased += 1;
            }
        }
        Ok(slots.into())
    }

    /// What is missing before the first slot of a segment was in the segment before it.
    fn opening_missing_before(&self, segment: u64, slot: u32) -> OpenError {
        if slot > 0 || segment == 1 {
            return opening_missing(self.layout, segment, slot.into());
        }
        let slots = ledger::slots(&*self.options.disk, &self.layout.segment(segment - 1));
        opening_missing(self.layout, segment - 1, slots.unwrap_or(0).into())
    }

    /// Checks that a sealed opening opens, and fits its entry; false where it was erased.
    fn check(
        &mut self,
        opening: &SealedOpening,
        entry: Option<&Entry>,
        damaged: impl Fn(&'static str) -> OpenError,
    ) -> Result<bool, OpenError> {
        let key = self.segment_key(opening.segment)?;
        let opened = open_opening(key, opening.segment, opening.entry, &opening.sealed);
        let opened = opened.map_err(|_| damaged("a sealed opening does not open"))?;
        let entry = entry.ok_or_else(|| damaged("an opening has no entry"))?;
        match opened {
            Some(opened) if opened.commitment() == entry.commitment() => Ok(true),
            None if entry.commitment() != [0; 32] => Ok(false),
            Some(_) | None => Err(damaged("an opening does not fit its entry")),
        }
    }

    fn segment_key(&mut self, segment: u64) -> Result<&SealingKey, OpenError> {
        if self.segment.as_ref().is_none_or(|(known, _)| *known != segment) {
            let Options { disk, keys, .. } = self.options;
            let standing = rewrite::standing(&**disk, self.layout, segment);
            let (_, path) = standing.map_err(OpenError::io(&self.layout.openings()))?;
            let key = read_segment_key_at(&**disk, &path, &**keys, segment);
            let key = key.map_err(OpenError::key(&path))?;
            self.segment = Some((segment, key));
        }
        let (_, key) = self.segment.as_ref().expect("put there above");
        Ok(key)
    }
}

/// Whether one of these entries has an opening.
fn is_about_a_child(
    layout: &Layout,
    entries: &mut EntryReader,
    range: Range<Receipt>,
) -> Result<bool, OpenError> {
    for index in range.start.0..range.end.0 {
        if read_entry(layout, entries, index)?.commitment() != [0; 32] {
            return Ok(true);
        }
    }
    Ok(false)
}

fn opening_missing(layout: &Layout, segment: u64, slots: u64) -> OpenError {
    let offset = slots * ledger::slot_offset(1);
    OpenError::damaged(&layout.segment(segment), offset, "an opening is missing here")
}

fn read_entry(layout: &Layout, entries: &mut EntryReader, index: u64) -> Result<Entry, OpenError> {
    let path = layout.entries(index / PER_FILE);
    let bytes = entries.read(index).map_err(OpenError::io(&path))?;
    Entry::try_from(&bytes[..]).map_err(|_| {
        let offset = index % PER_FILE * Entry::LEN as u64;
        OpenError::damaged(&path, offset, "it is no entry")
    })
}

/// What a journal comes to: for each record, by the part of its location that no other has, the
/// digest of its sealed bytes.
#[derive(Default)]
struct Contents(BTreeMap<[u8; 16], [u8; 32]>);

impl Contents {
    fn apply(&mut self, writes: &[SealedWrite]) {
        for SealedWrite { location, sealed } in writes {
            match sealed {
                Some(sealed) => self.0.insert(own_part(location), *blake3::hash(sealed).as_bytes()),
                None => self.0.remove(&own_part(location)),
            };
        }
    }

    /// Compares the index with it, record by record.
    fn state_of(&self, index: &Index, frames_behind: u64) -> IndexState {
        let mut after = None;
        let mut records = 0;
        loop {
            let chunk = match index.scan_all(after.as_ref(), CHUNK) {
                Ok(chunk) => chunk,
                Err(error) => return IndexState::Lost(error.to_string()),
            };
            let Some((last, _)) = chunk.last() else { break };
            after = Some(*last);
            for (location, sealed) in &chunk {
                let expected = self.0.get(&own_part(location));
                if expected != Some(blake3::hash(sealed).as_bytes()) {
                    return IndexState::Lost("a record is not the journal's".to_owned());
                }
            }
            records += chunk.len();
        }
        match frames_behind {
            _ if records != self.0.len() => IndexState::Lost("records are missing".to_owned()),
            0 => IndexState::Agrees,
            behind => IndexState::Lags(behind),
        }
    }
}

/// The last 16 bytes of a location are a keyed hash of all that names its record.
fn own_part(location: &[u8; 48]) -> [u8; 16] {
    *location.last_chunk().expect("a location is longer")
}

const CHUNK: usize = 1024;
