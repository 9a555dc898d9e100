//! Reading openings: from their segments, and those that are not drained from memory.

use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::store::StoreError;

use super::ledger_error;
use crate::journal::frame::SealedOpening;
use crate::keyring::sealing::{SealingKey, open_opening};
use crate::ledger::segments::Segments;
use crate::ledger::slot_offset;
use crate::state::Shared;

/// At most `limit` openings from this entry on; none of those that were erased.
pub(super) fn read_openings(
    shared: &Shared,
    from: Receipt,
    limit: usize,
) -> Result<Vec<(Receipt, Opening)>, StoreError> {
    let (drained, extent, pending) = {
        shared.generation()?;
        let pending = shared.pending()?;
        (Receipt(pending.drained), pending.segments.clone(), pending.openings_from(from, limit))
    };
    let _none_is_replaced = shared.read_openings();
    let mut segments = Segments::new(&shared.layout, &shared.disk, extent);
    let mut keys = SegmentKeys { shared, last: None };
    let (mut openings, mut next) = (Vec::new(), from);
    // Of those that were erased none is given, and others are looked for in their place.
    while openings.len() < limit {
        let room = (limit - openings.len()).min(OPENED_AT_ONCE);
        let found = segments.find(next, drained, room).map_err(|error| ledger_error(&error))?;
        if let Some(before) = found.before {
            keys.open(&before)?;
        }
        let Some(last) = found.openings.last() else { break };
        next = Receipt(last.entry.0 + 1);
        for one in found.openings {
            openings.extend(keys.open(&one)?.map(|opening| (one.entry, opening)));
        }
    }
    let room = limit - openings.len();
    for one in pending.into_iter().take(room) {
        openings.extend(keys.open(&one)?.map(|opening| (one.entry, opening)));
    }
    Ok(openings)
}

/// So many openings are read at a time.
const OPENED_AT_ONCE: usize = 1024;

/// The key of the segment that was asked for last: openings come in order.
struct SegmentKeys<'s> {
    shared: &'s Shared,
    last: Option<(u64, SealingKey)>,
}

impl SegmentKeys<'_> {
    fn open(&mut self, one: &SealedOpening) -> Result<Option<Opening>, StoreError> {
        let key = match &mut self.last {
            Some((segment, key)) if *segment == one.segment => key,
            other => &mut other.insert((one.segment, self.shared.segment_key(one.segment)?)).1,
        };
        open_opening(key, one.segment, one.entry, &one.sealed).map_err(|error| {
            let (path, offset) = (self.shared.layout.segment(one.segment), slot_offset(one.slot));
            tracing::error!(%error, path = %path.display(), offset, "an opening is damaged");
            StoreError::Damaged
        })
    }
}
