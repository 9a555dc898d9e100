//! Going through a segment of openings, slot by slot.

use std::sync::Arc;

use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::store::StoreError;
use signpost_core::turn::EraseOpenings;

use crate::journal::frame::SealedOpening;
use crate::keyring::sealing::{SealingKey, open_opening};
use crate::ledger::segments::Extent;
use crate::ledger::{OpeningReader, slot_offset};
use crate::state::Shared;

/// A segment that is read from its first slot to its last.
#[derive(Debug)]
pub(crate) struct SegmentScan<'s> {
    shared: &'s Shared,
    reader: OpeningReader,
    key: SealingKey,
    segment: u64,
    slots: u32,
}

impl<'s> SegmentScan<'s> {
    pub(crate) fn open(
        shared: &'s Shared,
        extent: &Extent,
        segment: u64,
    ) -> Result<Self, StoreError> {
        let reader = OpeningReader::new(shared.layout.clone(), Arc::clone(&shared.disk));
        let key = shared.segment_key(segment)?;
        Ok(Self { shared, reader, key, segment, slots: extent.slots_of(segment) })
    }

    pub(crate) fn slots(&self) -> u32 {
        self.slots
    }

    /// The entry of its first opening.
    pub(crate) fn begins_at(&mut self) -> Result<Receipt, StoreError> {
        Ok(self.slot(0)?.entry)
    }

    /// The slots below this entry that hold an opening which this names.
    pub(crate) fn those(
        &mut self,
        below: Receipt,
        which: &dyn EraseOpenings,
    ) -> Result<Vec<u32>, StoreError> {
        let mut those = Vec::new();
        for slot in 0..self.slots {
            let sealed = self.slot(slot)?;
            if sealed.entry >= below {
                break;
            }
            if let Some(opening) = self.open_slot(&sealed)?
                && which.erases(sealed.entry, &opening)
            {
                those.push(slot);
            }
        }
        Ok(those)
    }

    /// What is in a slot, as it lies there.
    pub(crate) fn slot(&mut self, slot: u32) -> Result<SealedOpening, StoreError> {
        self.reader.read(self.segment, slot).map_err(|error| self.damaged(slot, &error))
    }

    /// The opening in a slot; none where it was erased.
    pub(crate) fn open_slot(&self, sealed: &SealedOpening) -> Result<Option<Opening>, StoreError> {
        open_opening(&self.key, self.segment, sealed.entry, &sealed.sealed)
            .map_err(|error| self.damaged(sealed.slot, &error))
    }

    fn damaged(&self, slot: u32, error: &dyn std::fmt::Display) -> StoreError {
        let (path, offset) = (self.shared.layout.segment(self.segment), slot_offset(slot));
        tracing::error!(%error, path = %path.display(), offset, "an opening is damaged");
        StoreError::Damaged
    }
}
