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
use crate::keyring::sealing::{seal_opening, seal_record};
use crate::state::{Shared, State, is_register, make_segment_key};

/// A record of the register that was put or removed.
pub(super) type RegisterWrite = ([u8; 48], Option<Stored>);

/// What a batch has come to so far. Nothing of it is in the store.
#[derive(Debug)]
pub(super) struct Batch<'w> {
    shared: &'w Shared,
    clock: &'w dyn Clock,
    pub(super) body: Body,
    pub(super) tail: Tail,
    pub(super) registers: Vec<RegisterWrite>,
    /// The versions that earlier commits of this batch left; none where they removed the record.
    versions: BTreeMap<[u8; 48], Option<Receipt>>,
    bytes: usize,
    segment_openings_max: u32,
}

impl<'w> Batch<'w> {
    pub(super) fn new(
        shared: &'w Shared,
        clock: &'w dyn Clock,
        tail: Tail,
        segment_openings_max: u32,
    ) -> Self {
        Self {
            shared,
            clock,
            body: Body::default(),
            tail,
            registers: Vec::new(),
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
        if !self.check_preconditions(commit.preconditions())? {
            return Err(CommitError::PreconditionFailed);
        }
        let receipt = Receipt(self.tail.next_entry);
        if let Some(opening) = commit.opening() {
            self.add_opening(receipt, opening)?;
        }
        let time_ms = stamp_ms(self.clock, self.tail.last_ms);
        self.body.entries.push(commit.entry().stamp(time_ms));
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

    fn version(&self, key: &RecordKey) -> Result<Option<Receipt>, StoreError> {
        let location = self.shared.locate(key);
        if let Some(version) = self.versions.get(&location) {
            return Ok(*version);
        }
        let state = self.shared.read()?;
        if is_register(&key.scope()) {
            return Ok(state.registers.get(&location).map(|stored| stored.version));
        }
        let sealed = state.index()?.get(&location).map_err(|error| {
            tracing::error!(%error, "the index cannot be read");
            StoreError::Damaged
        })?;
        let stored = sealed.map(|sealed| self.shared.unseal(&location, &sealed)).transpose()?;
        Ok(stored.map(|stored| stored.version))
    }

    fn put(&mut self, version: Receipt, record: &Record) {
        let key = record.key();
        let location = self.shared.locate(&key);
        let keys = &self.shared.keys;
        let sealed = seal_record(&keys.data, keys.generation, &location, version, record);
        self.bytes += sealed.len();
        self.body.writes.push(SealedWrite { location, sealed: Some(sealed) });
        self.versions.insert(location, Some(version));
        if is_register(&key.scope()) {
            self.registers.push((location, Some(Stored { version, record: record.clone() })));
        }
    }

    fn remove(&mut self, key: &RecordKey) {
        let location = self.shared.locate(key);
        self.body.writes.push(SealedWrite { location, sealed: None });
        self.versions.insert(location, None);
        if is_register(&key.scope()) {
            self.registers.push((location, None));
        }
    }

    fn add_opening(&mut self, entry: Receipt, opening: &Opening) -> Result<(), StoreError> {
        let tail = &mut self.tail;
        if tail.segment == 0 || tail.slots_used >= self.segment_openings_max {
            *tail = Tail {
                segment: tail.segment + 1,
                slots_used: 0,
                segment_key: None,
                ..tail.clone()
            };
        }
        let key = if let Some(key) = &tail.segment_key {
            Arc::clone(key)
        } else {
            let Shared { layout, source, .. } = self.shared;
            let made = make_segment_key(layout, &**source, tail.segment);
            Arc::new(made.map_err(|error| {
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
        Ok(())
    }
}

/// Makes a durable frame visible, as a whole.
pub(super) fn apply(
    state: &mut State,
    id: FrameId,
    body: &Body,
    registers: Vec<RegisterWrite>,
) -> Result<(), sled::Error> {
    let Some(index) = &mut state.index else { return Ok(()) };
    index.apply(id, &body.writes)?;
    for (location, stored) in registers {
        match stored {
            Some(stored) => state.registers.insert(location, stored),
            None => state.registers.remove(&location),
        };
    }
    state.entries.extend(&body.entries);
    state.openings.extend(body.openings.iter().cloned());
    state.last = id;
    Ok(())
}
