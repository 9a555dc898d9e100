//! The turn: fills the next generation while the service goes on, and destroys the one before.

use std::num::NonZeroUsize;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use signpost_core::record::{RecordKey, Stored};
use signpost_core::search::{Sought, SoughtKind};
use signpost_core::store::StoreError;
use signpost_core::turn::{Carry, Prepared};

use crate::durable;
use crate::journal::Journal;
use crate::journal::frame::{Body, SealedWrite};
use crate::keyring::sealing::sought_part;
use crate::state::Shared;
use crate::state::changes::{Change, Changes};
use crate::state::generation::{Generation, GenerationKeys, unreadable};
use crate::state::index::{Index, Trust};
use crate::state::registers::{Registers, register_key};
use sample::Sample;
use tally::{Counted, Tally};

pub(crate) mod destroy;
pub(crate) mod sample;
pub(crate) mod tally;
pub(crate) mod traces;
pub(crate) mod unrecorded;

/// How far a turn is.
#[derive(Debug)]
pub(crate) enum Turn {
    /// None is under way.
    None,
    /// The next generation is being filled, or put into use.
    Filling,
    /// The next generation is filled, but for what changes meanwhile.
    Filled(Box<Filling>),
    /// The next generation is in use; the one before is still there.
    Switched(Retired),
    /// The one before, of this number, is being destroyed.
    Destroying(u64),
}

/// A generation that is in use no more.
#[derive(Debug)]
pub(crate) struct Retired {
    pub(crate) number: u64,
    /// Until its destruction begins.
    pub(crate) generation: Option<Arc<Generation>>,
}

/// A generation that is being filled.
#[derive(Debug)]
pub(crate) struct Filling {
    generation: Arc<Generation>,
    journal: Journal,
    carry: Arc<dyn Carry>,
    registers: Registers,
    tally: Tally,
    sample: Sample,
    unsynced: usize,
}

/// A generation that holds all that is carried over, durably.
#[derive(Debug)]
pub(crate) struct Filled {
    pub(crate) generation: Arc<Generation>,
    pub(crate) journal: Journal,
    pub(crate) registers: Registers,
}

/// How many records are read, sealed and written at a time.
const CHUNK: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// After so many bytes the new journal is synced: one sync of all of it would hold up the commits
/// that go on.
const SYNC_EVERY_BYTES: usize = 8 << 20;

/// So few changes are left to the switch, which holds up commits.
const CHANGES_AT_SWITCH: usize = 64;

/// How often the filling catches up at most, before the switch does the rest.
const CATCH_UPS_MAX: usize = 16;

/// A filled generation on its way into use: one that is lost on the way is given up.
#[derive(Debug)]
pub(crate) struct InHand {
    shared: Arc<Shared>,
    filling: Option<Filling>,
}

impl InHand {
    /// From here on whoever has it sees to what becomes of it.
    pub(crate) fn take(mut self) -> Option<Filling> {
        self.filling.take()
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if let Some(filling) = self.filling.take() {
            filling.give_up(&self.shared);
            set_turn(&self.shared, Turn::None);
        }
    }
}

/// However a filling or a switch ends, a panic included, it is over: a later turn is possible, and the
/// store can be closed.
pub(crate) struct OverByPanic<'s>(pub(crate) &'s Shared);

impl Drop for OverByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            stop_noting(self.0);
            set_turn(self.0, Turn::None);
        }
    }
}

pub(crate) fn set_turn(shared: &Shared, turn: Turn) {
    if let Ok(mut now) = shared.turn() {
        *now = turn;
    }
}

/// Begins the next generation and fills it. One that was filled before and never put into use is
/// given up first. A store that has failed does not know which generation is in use, and one that
/// is full has space for nothing but its own entries.
pub(crate) fn prepare(
    shared: &Shared,
    carry: Arc<dyn Carry>,
    cache_bytes: u64,
) -> Result<Prepared, StoreError> {
    if shared.has_failed() || shared.condition.is_full() {
        return Err(StoreError::Unavailable);
    }
    let given_up = {
        let mut turn = shared.turn()?;
        match std::mem::replace(&mut *turn, Turn::Filling) {
            Turn::None => None,
            Turn::Filled(filling) => Some(filling),
            under_way @ (Turn::Filling | Turn::Switched(_) | Turn::Destroying(_)) => {
                *turn = under_way;
                return Err(StoreError::Busy);
            }
        }
    };
    let _over_by_panic = OverByPanic(shared);
    if let Some(filling) = given_up {
        filling.give_up(shared);
    }
    let filled = fill_next(shared, carry, cache_bytes);
    let (next, prepared) = match filled {
        Ok((filling, prepared)) => (Turn::Filled(Box::new(filling)), Ok(prepared)),
        Err(error) => (Turn::None, Err(error)),
    };
    *shared.turn()? = next;
    prepared
}

fn fill_next(
    shared: &Shared,
    carry: Arc<dyn Carry>,
    cache_bytes: u64,
) -> Result<(Filling, Prepared), StoreError> {
    let mut filling = Filling::begin(shared, carry, cache_bytes)?;
    match filling.fill(shared) {
        Ok(prepared) => Ok((filling, prepared)),
        Err(error) => {
            filling.give_up(shared);
            Err(error)
        }
    }
}

/// The filled generation of this number, to be put into use.
pub(crate) fn take_filled(shared: &Arc<Shared>, generation: u64) -> Result<InHand, StoreError> {
    let filling = {
        let mut turn = shared.turn()?;
        match std::mem::replace(&mut *turn, Turn::Filling) {
            Turn::Filled(filling) if filling.generation.keys.generation == generation => filling,
            other => {
                *turn = other;
                return Err(StoreError::Unavailable);
            }
        }
    };
    let mut in_hand = InHand { shared: Arc::clone(shared), filling: Some(*filling) };
    // The more is caught up here, the less holds up commits at the switch.
    if let Some(filling) = &mut in_hand.filling {
        filling.catch_up(shared)?;
    }
    Ok(in_hand)
}

/// Waits until no fill goes on, which ends at its next read, for the store is closed, and no
/// destruction. False if that takes too long.
pub(crate) fn wait_until_at_rest(shared: &Shared) -> Result<bool, StoreError> {
    const ENDS_WITHIN: Duration = Duration::from_mins(1);
    const LOOK_EVERY: Duration = Duration::from_millis(5);
    let begun = Instant::now();
    while matches!(*shared.turn()?, Turn::Filling | Turn::Destroying(_)) {
        if begun.elapsed() > ENDS_WITHIN {
            return Ok(false);
        }
        std::thread::park_timeout(LOOK_EVERY);
    }
    Ok(true)
}

impl Filling {
    /// Makes the keys, the journal and the index of the next generation, and begins to note what
    /// changes in the present one.
    pub(crate) fn begin(
        shared: &Shared,
        carry: Arc<dyn Carry>,
        cache_bytes: u64,
    ) -> Result<Self, StoreError> {
        let number = shared.generation()?.keys.generation + 1;
        destroy::remove_unused(shared, number)?;
        *shared.changes.lock().unwrap_or_else(PoisonError::into_inner) = Some(Changes::default());
        begin_generation(shared, number, cache_bytes)
            .map(|(generation, journal)| Self {
                generation: Arc::new(generation),
                journal,
                carry,
                registers: Registers::default(),
                tally: Tally::default(),
                sample: Sample::default(),
                unsynced: 0,
            })
            .inspect_err(|_| {
                stop_noting(shared);
                let _it_was_told = destroy::remove_unused(shared, number);
            })
    }

    /// Carries all over that is to stay.
    pub(crate) fn fill(&mut self, shared: &Shared) -> Result<Prepared, StoreError> {
        let source = shared.generation()?;
        let mut after = None;
        loop {
            let begun = Instant::now();
            let commits = shared.pending()?.last;
            // The last space is not the fill's: the present generation goes on.
            shared.condition.look_at_space();
            if shared.condition.is_full() {
                return Err(StoreError::Unavailable);
            }
            let chunk = read_chunk(shared, &source, after)?;
            let Some((last, _)) = chunk.last() else { break };
            after = Some(*last);
            let chunk =
                chunk.into_iter().map(|(_, found)| (found.stored.record.key(), Some(found)));
            self.put(chunk, None)?;
            if shared.pending()?.last != commits {
                yield_to_commits(begun.elapsed());
            }
        }
        for _ in 0..CATCH_UPS_MAX {
            if self.catch_up(shared)? <= CHANGES_AT_SWITCH {
                break;
            }
        }
        self.sync()?;
        let carried = self.generation.index.records();
        let left = source.index.records().saturating_sub(carried);
        let generation = self.generation.keys.generation;
        let mut sought = traces::of_generation(shared, source.keys.generation)?;
        sought.extend(std::mem::take(&mut self.sample).taken());
        let kinds = self.tally.kinds();
        Ok(Prepared { generation, carried, left, kinds, sought })
    }

    /// Carries over what has changed since the last time; says how much that was. Unavailable where
    /// so much has changed that it is noted no more.
    pub(crate) fn catch_up(&mut self, shared: &Shared) -> Result<usize, StoreError> {
        let changes = {
            let mut changes = shared.changes.lock().unwrap_or_else(PoisonError::into_inner);
            changes.as_mut().map(Changes::take).ok_or(StoreError::Unavailable)?
        };
        let source = shared.generation()?;
        let count = changes.len();
        let mut changes = changes.into_iter();
        loop {
            let (mut chunk, mut were_there) = (Vec::new(), Vec::new());
            for (location, Change { key, was_there }) in changes.by_ref().take(CHUNK.get()) {
                chunk.push((key, read_one(shared, &source, &location)?));
                were_there.push(was_there);
            }
            if chunk.is_empty() {
                return Ok(count);
            }
            self.put(chunk.into_iter(), Some(&were_there))?;
        }
    }

    /// Puts records into the next generation as they are carried over, or removes them there. Of those
    /// that changed it is told whether they were there when they were first come by.
    fn put(
        &mut self,
        records: impl Iterator<Item = (RecordKey, Option<FoundRecord>)>,
        were_there: Option<&[bool]>,
    ) -> Result<(), StoreError> {
        let mut body = Body::default();
        for (nth, (key, found)) in records.enumerate() {
            let location = self.generation.keys.locate(&key);
            let mut counted = if found.is_some() { Counted::Left } else { Counted::Not };
            let sought_part = found.as_ref().map(|found| found.sought_part);
            let carried =
                found.and_then(|FoundRecord { stored: Stored { version, record }, .. }| {
                    Some(Stored { version, record: self.carry.carry(version, record)? })
                });
            if carried.is_some() {
                counted = Counted::Carried;
            } else if let Some(part) = sought_part {
                self.sample.add(|| Sought::of(SoughtKind::Sealed, &part?));
            }
            match were_there {
                None => self.tally.count(key.kind(), counted),
                Some(were_there) => {
                    let is_here =
                        self.generation.index.get(&location).map_err(|e| unreadable(&e))?;
                    let before = match (is_here, were_there[nth]) {
                        (Some(_), _) => Counted::Carried,
                        (None, true) => Counted::Left,
                        (None, false) => Counted::Not,
                    };
                    self.tally.recount(&location, key.kind(), || before, counted);
                }
            }
            let sealed = carried.as_ref().map(|Stored { version, record }| {
                self.generation.keys.seal(&location, *version, record)
            });
            body.writes.push(SealedWrite { location, sealed });
            if let Some(key) = register_key(&key) {
                self.registers.set(key, carried);
            }
        }
        let last = self.journal.last();
        let (frame, id) =
            body.encode(last.number + 1, 0, &last.hash).ok_or(StoreError::Unavailable)?;
        self.journal.append_unsynced(&frame, id)?;
        self.unsynced += frame.len();
        if self.unsynced >= SYNC_EVERY_BYTES {
            self.sync()?;
        }
        self.generation.index.apply(id, &body.writes).map_err(|error| {
            tracing::error!(%error, "the index of the next generation cannot be written");
            StoreError::Unavailable
        })
    }

    /// Makes all that was put durable.
    pub(crate) fn sync(&mut self) -> Result<(), StoreError> {
        self.journal.sync()?;
        self.unsynced = 0;
        Ok(())
    }

    pub(crate) fn finish(self) -> Filled {
        let Self { generation, journal, registers, .. } = self;
        Filled { generation, journal, registers }
    }

    /// Lets go of a generation that was not put into use: its keys and files go too.
    pub(crate) fn give_up(self, shared: &Shared) {
        stop_noting(shared);
        let number = self.generation.keys.generation;
        drop(self);
        if let Err(error) = destroy::remove_unused(shared, number) {
            tracing::warn!(%error, generation = number, "what was filled in vain is still there");
        }
    }
}

fn begin_generation(
    shared: &Shared,
    number: u64,
    cache_bytes: u64,
) -> Result<(Generation, Journal), StoreError> {
    let Shared { disk, layout, source, .. } = shared;
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, generation = number, "the next generation cannot be begun");
        StoreError::Unavailable
    };
    let wrapped = GenerationKeys::create(number, &**source).map_err(|error| failed(&error))?;
    let encoded = wrapped.encode();
    let written = durable::create_directory(&**disk, &layout.generation(number))
        .and_then(|()| durable::write_durably(&**disk, &layout.keys(number), &encoded));
    if let Err(error) = written {
        // Nothing names the key-encryption key: nobody else would destroy it.
        if let Err(error) = source.destroy(&wrapped.id) {
            tracing::warn!(%error, "a key that seals nothing is still there");
        }
        return Err(failed(&error));
    }
    let keys =
        GenerationKeys::unwrap(number, &**source, &encoded).map_err(|error| failed(&error))?;
    let journal = Journal::create(disk, layout, number).map_err(|error| failed(&error))?;
    let index = Index::open(&layout.index(number), cache_bytes, Trust::None)
        .map_err(|error| failed(&error))?;
    Ok((Generation { keys, index }, journal))
}

/// A few records in order of location, behind `after`, as some one commit left them.
fn read_chunk(
    shared: &Shared,
    source: &Generation,
    after: Option<[u8; 48]>,
) -> Result<Vec<([u8; 48], FoundRecord)>, StoreError> {
    let found = {
        let no_frame_is_half_applied = shared.read_generation()?;
        // The store is closed: whoever opens it next must not meet this fill.
        no_frame_is_half_applied.as_ref().ok_or(StoreError::Unavailable)?;
        let found = source.index.scan_all(after.as_ref(), CHUNK.get());
        let found = found.map_err(|error| unreadable(&error))?;
        let mut changes = shared.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let changes = changes.as_mut().ok_or(StoreError::Unavailable)?;
        match found.last() {
            Some((last, _)) => changes.come_by(*last),
            None => changes.come_to_end(),
        }
        found
    };
    let unseal = |(location, sealed): ([u8; 48], sled::IVec)| {
        Ok((location, FoundRecord::unseal(source, &location, &sealed)?))
    };
    found.into_iter().map(unseal).collect()
}

/// A record as it was found, and what of its sealed value is searched for if it is left behind.
struct FoundRecord {
    stored: Stored,
    sought_part: Option<[u8; 32]>,
}

impl FoundRecord {
    fn unseal(source: &Generation, location: &[u8; 48], sealed: &[u8]) -> Result<Self, StoreError> {
        let stored = source.keys.unseal(location, sealed)?;
        let sought_part = sought_part(sealed).and_then(|part| part.try_into().ok());
        Ok(Self { stored, sought_part })
    }
}

fn read_one(
    shared: &Shared,
    source: &Generation,
    location: &[u8; 48],
) -> Result<Option<FoundRecord>, StoreError> {
    let no_frame_is_half_applied = shared.read_generation()?;
    no_frame_is_half_applied.as_ref().ok_or(StoreError::Unavailable)?;
    let sealed = source.index.get(location).map_err(|error| unreadable(&error))?;
    sealed.map(|sealed| FoundRecord::unseal(source, location, &sealed)).transpose()
}

pub(crate) fn stop_noting(shared: &Shared) {
    *shared.changes.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// While commits come in, the filling rests twice as long as it works.
fn yield_to_commits(worked: Duration) {
    let rested = Instant::now();
    while rested.elapsed() < 2 * worked {
        std::thread::park_timeout(2 * worked);
    }
}
