//! Finding openings in their segments: the slots of all segments are in order of entry, and every
//! segment but the last is full, or closed by a turn with as many slots as CURRENT tells.

use std::io;
use std::sync::Arc;

use signpost_core::id::Receipt;

use super::{OpeningReader, slot_offset};
use crate::current::Short;
use crate::disk::Disk;
use crate::journal::frame::SealedOpening;
use crate::layout::Layout;

/// How far the segments reach: what lies behind that is not there for certain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    /// The last segment; 0 before the first.
    pub(crate) segment: u64,
    /// How many slots the last one has.
    pub(crate) slots: u32,
    /// How many slots each other one has that is not short.
    pub(crate) full: u32,
    pub(crate) short: Arc<Short>,
}

impl Extent {
    /// How many slots a segment has.
    pub(crate) fn slots_of(&self, segment: u64) -> u32 {
        if segment == self.segment {
            return self.slots;
        }
        self.short.get(&segment).copied().unwrap_or(self.full)
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// The opening right before. That it is what was written, and those found are, shows that none
    /// was left out between: an index that was changed may lead the search astray.
    pub(crate) before: Option<SealedOpening>,
    pub(crate) openings: Vec<SealedOpening>,
}

/// Openings, found by the index of their entry.
#[derive(Debug)]
pub(crate) struct Segments {
    layout: Layout,
    reader: OpeningReader,
    extent: Extent,
}

impl Segments {
    pub(crate) fn new(layout: &Layout, disk: &Arc<dyn Disk>, extent: Extent) -> Self {
        let reader = OpeningReader::new(layout.clone(), Arc::clone(disk));
        Self { layout: layout.clone(), reader, extent }
    }

    /// At most `limit` openings from this entry on. A slot that is not there, or whose index does not
    /// rise, or is not below `below`, is an error that names its file and offset.
    pub(crate) fn find(
        &mut self,
        from: Receipt,
        below: Receipt,
        limit: usize,
    ) -> io::Result<Found> {
        let (mut segment, mut slot) = self.first_from(from)?;
        let mut found = Found::default();
        if let Some(before) = slot.checked_sub(1) {
            found.before = Some(self.read(segment, before)?);
        }
        let mut next = from;
        while found.openings.len() < limit {
            if slot == self.extent.slots_of(segment) {
                (segment, slot) = (segment + 1, 0);
            }
            if segment > self.extent.segment {
                break;
            }
            let opening = self.read(segment, slot)?;
            if opening.entry < next || opening.entry >= below {
                return Err(self.damaged(segment, slot, "its entry is not in order"));
            }
            next = Receipt(opening.entry.0 + 1);
            found.openings.push(opening);
            slot += 1;
        }
        Ok(found)
    }

    /// The segment and slot behind the last opening before this entry.
    fn first_from(&mut self, from: Receipt) -> io::Result<(u64, u32)> {
        let behind_last = self.extent.segment + 1;
        let begins_before = |segment| Ok(self.read(segment, 0)?.entry < from);
        let segment = first_not(1, behind_last, begins_before)? - 1;
        if segment == 0 {
            return Ok((1, 0));
        }
        let slots = self.extent.slots_of(segment).into();
        let is_before = |slot| Ok(self.read(segment, narrow(slot))?.entry < from);
        Ok((segment, narrow(first_not(1, slots, is_before)?)))
    }

    fn read(&mut self, segment: u64, slot: u32) -> io::Result<SealedOpening> {
        self.reader.read(segment, slot).map_err(|error| {
            let what = error.to_string();
            io::Error::new(error.kind(), self.damaged(segment, slot, &what))
        })
    }

    fn damaged(&self, segment: u64, slot: u32, what: &str) -> io::Error {
        let (path, offset) = (self.layout.segment(segment), slot_offset(slot));
        let what = format!("{} is damaged at offset {offset}: {what}", path.display());
        io::Error::new(io::ErrorKind::InvalidData, what)
    }
}

fn narrow(slot: u64) -> u32 {
    u32::try_from(slot).expect("a segment has no more slots than that")
}

/// By halving, the first number of a range for which this no longer holds; the range's end where it
/// holds for all.
fn first_not(
    mut low: u64,
    mut high: u64,
    mut holds: impl FnMut(u64) -> io::Result<bool>,
) -> io::Result<u64> {
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle)? {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}
