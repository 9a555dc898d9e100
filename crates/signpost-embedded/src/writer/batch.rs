//! A batch: commits checked in order against the store and each other, sealed into one frame.

use std::collections::BTreeMap;
use std::sync::Arc;

use signpost_core::commit::{Commit, Precondition, Write};
use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::record::{Record, RecordKey, Stored};
use signpost_core::store::{Clock, CommitError, StoreError, stamp_ms};

use super::{Outcome, Tail};
use crate::journal::frame::{Body, FrameId, SealedOpening, SealedWrite};
use crate::keyring::sealing::seal_opening;
use crate::state::Shared;
use crate::state::generation::Generation;
use crate::state::registers::{RegisterKey, register_key};

/// What a batch has come to so far. Nothing of it is in the store.
#[derive(Debug)]
pub(super) struct Batch<'w> {
    shared: &'w Shared,
    generation: &'w Generation,
    clock: &'w dyn Clock,
    pub(super) body: Body,
    pub(super) tail: Tail,
    pub(super) visible: Visible,
    /// The versions that earlier commits of this batch left.
    versions: BTreeMap<[u8; 48], Version>,
    bytes: usize,
    segment_openings_max: u32,
}

/// What a location holds: a record of this version, or none.
type Version = Option<Receipt>;

/// What a frame changes beside the index, once it is durable.
#[derive(Debug, Default)]
pub(super) struct Visible {
    /// The records of the register that were put or removed.
    registers: Vec<(RegisterKey, Option<Stored>)>,
    /// Every record that was put or removed, by location.
    changed: Vec<([u8; 48], RecordKey)>,
}

impl<'w> Batch<'w> {
    pub(super) fn new(
        (shared, generation): (&'w Shared, &'w Generation),
        clock: &'w dyn Clock,
        tail: Tail,
        segment_openings_max: u32,
    ) -> Self {
        Self {
            shared,
            generation,
            clock,
            body: Body::default(),
            tail,
            visible: Visible::default(),
            versions: BTreeMap::new(),
            bytes: 0,
            segment_openings_max,
        }
    }

    /// About how many bytes its frame will have.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes a commit up, if its preconditions hold; else it has no effect.
    pub(super) fn add(&mut self, commit: &Commit) -> Outcome {
        if self.shared.condition.is_full() && !commit.entry().is_of_service() {
            return Err(StoreError::Unavailable.into());
        }
        let time_ms = stamp_ms(self.clock, self.tail.last_ms);
        if !self.check_preconditions(commit.preconditions())? || !commit.is_in_time(time_ms) {
            return Err(CommitError::PreconditionFailed);
        }
        let receipt = Receipt(self.tail.next_entry);
        if let Some(opening) = commit.opening() {
            self.add_opening(receipt, opening)?;
        }
        let entry = commit.entry().stamp(time_ms);
        self.tail.chain = self.tail.chain.with(&entry);
        self.body.entries.push(entry);
        self.tail.last_ms = time_ms;
        self.tail.next_entry += 1;
        for write in commit.writes() {
            match write {
                Write::Put(record) => self.put(receipt, record),
                Write::Remove(key) => self.remove(key),
            }
        }
        Ok(receipt)
    }

    /// Whether all preconditions hold on the store as the earlier commits leave it.
    fn check_preconditions(&self, preconditions: &[Precondition]) -> Result<bool, StoreError> {
        for precondition in preconditions {
            if !precondition.holds(self.version(precondition.key())?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The version as the earlier commits of this batch leave it.
    fn version(&self, key: &RecordKey) -> Result<Version, StoreError> {
        if let Some(key) = register_key(key) {
            return self.register_version(&key);
        }
        // A location is two hashes: few batches write anything.
        if !self.versions.is_empty()
            && let Some(version) = self.versions.get(&self.generation.keys.locate(key))
        {
            return Ok(*version);
        }
        if let Some(records) = self.shared.children.get(&key.scope()) {
            let found = records.iter().find(|stored| stored.record.has_key(key));
            return Ok(found.map(|stored| stored.version));
        }
        let location = self.generation.keys.locate(key);
        Ok(self.generation.get(&location)?.map(|stored| stored.version))
    }

    fn register_version(&self, key: &RegisterKey) -> Result<Version, StoreError> {
        let within = self.visible.registers.iter().rev().find(|(written, _)| written == key);
        if let Some((_, stored)) = within {
            return Ok(stored.as_ref().map(|stored| stored.version));
        }
        let registers = self.shared.registers()?;
        let registers = registers.as_ref().ok_or(StoreError::Unavailable)?;
        Ok(registers.get(key).map(|stored| stored.version))
    }

    fn put(&mut self, version: Receipt, record: &Record) {
        let key = record.key();
        let location = self.generation.keys.locate(&key);
        let sealed = self.generation.keys.seal(&location, version, record);
        self.bytes += sealed.len();
        self.body.writes.push(SealedWrite { location, sealed: Some(sealed) });
        if let Some(key) = register_key(&key) {
            self.visible.registers.push((key, Some(Stored { version, record: record.clone() })));
        } else {
            self.versions.insert(location, Some(version));
        }
        self.visible.changed.push((location, key));
    }

    fn remove(&mut self, key: &RecordKey) {
        let location = self.generation.keys.locate(key);
        self.body.writes.push(SealedWrite { location, sealed: None });
        if let Some(key) = register_key(key) {
            self.visible.registers.push((key, None));
        } else {
            self.versions.insert(location, None);
        }
        self.visible.changed.push((location, key.clone()));
    }

    fn add_opening(&mut self, entry: Receipt, opening: &Opening) -> Result<(), StoreError> {
        // It counts only once its segment has a key: a segment without one could not be opened.
        let mut tail = self.tail.clone();
        if tail.segment <= tail.closed || tail.slots_used >= self.segment_openings_max {
            tail.segment += 1;
            tail.slots_used = 0;
            tail.segment_key = None;
        }
        let key = if let Some(key) = &tail.segment_key {
            Arc::clone(key)
        } else {
            Arc::new(self.shared.make_segment_key(tail.segment).map_err(|error| {
                tracing::error!(%error, "the key of a segment of openings cannot be had");
                StoreError::Unavailable
            })?)
        };
        let sealed = seal_opening(&key, tail.segment, entry, opening);
        self.bytes += sealed.len();
        self.body.openings.push(SealedOpening {
            entry,
            segment: tail.segment,
            slot: tail.slots_used,
            sealed: sealed.try_into().expect("every sealed opening has this length"),
        });
        tail.slots_used += 1;
        tail.segment_key = Some(key);
        self.tail = tail;
        Ok(())
    }
}

/// Makes a durable frame visible, as a whole.
pub(super) fn apply(
    shared: &Shared,
    id: FrameId,
    body: Body,
    visible: Visible,
) -> Result<(), StoreError> {
    let generation = shared.write_generation()?;
    let generation = generation.as_ref().ok_or(StoreError::Unavailable)?;
    let failed = |error| {
        tracing::error!(%error, "the index did not take a frame");
        StoreError::Indeterminate
    };
    let locations = visible.changed.iter().map(|(location, _)| location);
    let were_there = shared.concerning(&generation.index, locations).map_err(failed)?;
    generation.index.apply(id, &body.writes).map_err(failed)?;
    shared.children.let_go(visible.changed.iter().map(|(_, key)| key));
    shared.note_changes(visible.changed, &were_there);
    if !visible.registers.is_empty()
        && let Some(registers) = &mut *shared.registers_mut()?
    {
        for (key, stored) in visible.registers {
            registers.set(key, stored);
        }
    }
    shared.pending()?.add(id, body);
    Ok(())
}
