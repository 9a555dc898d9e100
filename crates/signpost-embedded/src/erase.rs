//! Erasing openings: each segment that holds one is rewritten under a new key, with a tombstone in its
//! place, and the old key is destroyed. Its entry stays, and is unlinkable for ever.
//!
//! A segment has openings of one journal after another, never of two at a time: a turn closes the one
//! that openings went to. So whatever may be erased is in segments that nobody writes any more.

pub(crate) mod note;
pub(crate) mod rewrite;
pub(crate) mod scan;

use std::sync::PoisonError;
use std::time::Duration;

use signpost_core::id::Receipt;
use signpost_core::search::{Sought, SoughtKind};
use signpost_core::store::StoreError;
use signpost_core::turn::{EraseOpenings, Erased};

use crate::keyring::sealing::sought_part;
use crate::ledger::segments::Extent;
use crate::state::Shared;
use crate::state::read_wrapped_segment_key;
use crate::turn::Turn;
use crate::turn::sample::Sample;
use rewrite::{Rewrite, RewriteError};
use scan::SegmentScan;

/// Erases what this names of the entries below `below`; it can be done again where it was cut short.
pub(crate) fn erase(
    shared: &Shared,
    which: &dyn EraseOpenings,
    below: Receipt,
) -> Result<Erased, StoreError> {
    let _one_at_a_time = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
    let extent = may_erase(shared, below)?;
    for segment in 1..=extent.segment {
        // The store is closed, or has failed, or has no room but for its own entries.
        shared.generation()?;
        if shared.has_failed() {
            return Err(StoreError::Indeterminate);
        }
        rewrite::finish(shared, segment).map_err(|error| refused(&error, segment))?;
        let mut scan = SegmentScan::open(shared, &extent, segment)?;
        if scan.begins_at()? >= below {
            break;
        }
        let erased = scan.those(below, which)?;
        if erased.is_empty() {
            continue;
        }
        shared.condition.look_at_space();
        if shared.condition.is_full() {
            return Err(StoreError::Unavailable);
        }
        let rewrite = Rewrite { shared, segment, erased };
        rewrite.make(&mut scan).map_err(|error| refused(&error, segment))?;
    }
    Ok(shared.erasures().told())
}

fn refused(error: &RewriteError, segment: u64) -> StoreError {
    tracing::error!(error = error as &dyn std::error::Error, segment, "openings were not erased");
    match error {
        RewriteError::Unknown(_) => StoreError::Indeterminate,
        RewriteError::Damaged => StoreError::Damaged,
        RewriteError::Key(_) | RewriteError::Io { .. } => StoreError::Unavailable,
    }
}

/// How far the segments reach of which no journal has anything any more.
fn may_erase(shared: &Shared, below: Receipt) -> Result<Extent, StoreError> {
    match &*shared.turn()? {
        Turn::None | Turn::Filling | Turn::Filled(_) => {}
        // Its journal has openings of the segments that are closed.
        Turn::Switched(_) | Turn::Destroying(_) => return Err(StoreError::Unavailable),
    }
    let pending = shared.pending()?;
    if below.0 > pending.begun.first_entry {
        return Err(StoreError::Unavailable);
    }
    let closed = pending.begun.closed;
    let extent = pending.segments.clone();
    let slots = if closed == 0 { 0 } else { extent.slots_of(closed) };
    Ok(Extent { segment: closed, slots, ..extent })
}

/// What is erased is on record.
pub(crate) fn recorded(shared: &Shared) {
    shared.erasures().let_go(&*shared.disk, &shared.layout);
}

/// What to search for once these are erased: a sample of them as they are stored, and the keys of their
/// segments.
pub(crate) fn sought(
    shared: &Shared,
    which: &dyn EraseOpenings,
    below: Receipt,
) -> Result<Vec<Sought>, StoreError> {
    const DRAINED_WITHIN: Duration = Duration::from_secs(5); // it looks each second
    if !shared.wait_until_drained(DRAINED_WITHIN)? {
        return Err(StoreError::Unavailable);
    }
    let extent = shared.pending()?.segments.clone();
    let mut sample = Sample::default();
    let mut keys = Vec::new();
    for segment in 1..=extent.segment {
        shared.generation()?;
        let _none_is_replaced = shared.read_openings();
        let mut scan = SegmentScan::open(shared, &extent, segment)?;
        if scan.begins_at()? >= below {
            break;
        }
        let mut any = false;
        for slot in scan.those(below, which)? {
            any = true;
            sample.add(|| {
                Sought::of(SoughtKind::Sealed, sought_part(&scan.slot(slot).ok()?.sealed)?)
            });
        }
        if any {
            keys.extend(sought_keys(shared, segment)?);
        }
    }
    Ok(keys.into_iter().chain(sample.taken()).collect())
}

/// The key of a segment as it lies in the data directory, and as the keyring has it.
fn sought_keys(shared: &Shared, segment: u64) -> Result<Vec<Sought>, StoreError> {
    let unreadable = |error| {
        tracing::error!(%error, segment, "the key of a segment of openings cannot be had");
        StoreError::Damaged
    };
    let Shared { disk, layout, source, .. } = shared;
    let wrapped = read_wrapped_segment_key(&**disk, layout, segment).map_err(unreadable)?;
    let in_keyring = source.sought(&wrapped.id).map_err(unreadable)?;
    let in_data = Sought::of(SoughtKind::Key, &wrapped.wrapped);
    Ok(in_data.into_iter().chain(in_keyring).collect())
}
