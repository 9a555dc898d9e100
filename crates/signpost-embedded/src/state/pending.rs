//! What is durable in the journal and not yet in the ledger's and the openings' own files.

use std::collections::VecDeque;

use signpost_core::anchor::Position;
use signpost_core::entry::Entry;
use signpost_core::id::Receipt;

use crate::current::Current;
use crate::journal::frame::{Body, FrameId, SealedOpening};
use crate::ledger::segments::Extent;

/// The entries and openings that the drain is to copy.
#[derive(Debug)]
pub(crate) struct Pending {
    /// How many entries are in their own files, openings too.
    pub(crate) drained: u64,
    /// How far those openings reach.
    pub(crate) segments: Extent,
    /// The entries behind those.
    pub(crate) entries: VecDeque<Entry>,
    /// The openings behind those.
    pub(crate) openings: VecDeque<SealedOpening>,
    /// The generation in use, and its last durable frame.
    pub(crate) generation: u64,
    pub(crate) last: FrameId,
    pub(crate) begun: Begun,
}

/// How the generation in use came into use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Begun {
    /// The first entry of its journal.
    pub(crate) first_entry: u64,
    /// The last segment of openings of which its journal has none.
    pub(crate) closed: u64,
    /// The last frame of the generation before.
    pub(crate) left: FrameId,
    /// The last frame of its fill.
    pub(crate) fill: FrameId,
}

impl From<&Current> for Begun {
    fn from(current: &Current) -> Self {
        let Current { first_entry, segment, left, fill, .. } = *current;
        Self { first_entry, closed: segment, left, fill }
    }
}

impl Pending {
    /// Takes up what a durable frame has brought.
    pub(crate) fn add(&mut self, id: FrameId, body: Body) {
        self.entries.extend(body.entries);
        self.openings.extend(body.openings);
        self.last = id;
    }

    /// How far the journal is.
    pub(crate) fn position(&self) -> Position {
        self.last.within(self.generation)
    }

    /// How far the generation before was when it was left, and how far this one when it came into use.
    pub(crate) fn passage(&self) -> (Position, Position) {
        let Begun { left, fill, .. } = self.begun;
        (left.within(self.generation.saturating_sub(1)), fill.within(self.generation))
    }

    /// Lets go of what was copied.
    pub(crate) fn let_go(&mut self, entries: usize, openings: usize) {
        self.drained += entries as u64;
        self.entries.drain(..entries);
        if let Some(last) = self.openings.drain(..openings).next_back() {
            self.segments.segment = last.segment;
            self.segments.slots = last.slot + 1;
        }
    }

    /// At most `limit` of the entries from this index on.
    pub(crate) fn entries_from(&self, from: Receipt, limit: usize) -> Vec<Entry> {
        let skip = usize::try_from(from.0.saturating_sub(self.drained)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip).take(limit).copied().collect()
    }

    /// At most `limit` of the openings from this index on.
    pub(crate) fn openings_from(&self, from: Receipt, limit: usize) -> Vec<SealedOpening> {
        let skip = self.openings.partition_point(|opening| opening.entry < from);
        self.openings.iter().skip(skip).take(limit).cloned().collect()
    }
}
