//! The memory store: the reference that every other store is compared with.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::anchor::Position;
use crate::commit::{Commit, Write};
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::record::{Location, RecordKey, RecordKind, Scope, Stored};
use crate::search::{SearchProgress, Searched, Sought};
use crate::store::{Clock, CommitError, Lookup, Store, StoreError, stamp_ms};
use crate::turn::{
    Carry, Destroyed, EraseOpenings, Erased, Generations, Passed, Prepared, Unfinished,
};

/// Keeps all in memory; durable as long as the process.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    generation: u64,
    prepared: Option<Arc<dyn Carry>>,
    /// The generation in use before, until it is destroyed, and how far it was.
    before: Option<Position>,
    /// The first entry of the generation in use.
    first_entry: Receipt,
    unrecorded: Vec<Destroyed>,
    erased: Erased,
    records: BTreeMap<Location, Stored>,
    entries: Vec<Entry>,
    /// BLAKE3 of the one before and the entry, for every commit: what a journal's frames are to
    /// others.
    running_hash: [u8; 32],
    openings: BTreeMap<Receipt, Opening>,
}

/// Locations need not be secret in memory: any key gives an order.
const INDEX_KEY: [u8; 32] = [0; 32];

impl MemoryStore {
    /// An empty store that stamps entries by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State {
            generation: 1,
            prepared: None,
            before: None,
            first_entry: Receipt(0),
            unrecorded: Vec::new(),
            erased: Erased::default(),
            records: BTreeMap::new(),
            entries: Vec::new(),
            running_hash: [0; 32],
            openings: BTreeMap::new(),
        };
        Self { clock, state: Mutex::new(state) }
    }

    /// A panic under the lock may have left half a commit: then no more is done.
    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.state.lock().map_err(|_| StoreError::Indeterminate)
    }
}

#[async_trait]
impl Store for MemoryStore {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(
            async move { Ok(self.state()?.records.get(&key.locate(&INDEX_KEY)).cloned()) },
        )
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move {
            let state = self.state()?;
            let prefix = match scope {
                Scope::Child(_) | Scope::Kind(_) => Some(scope.locate(&INDEX_KEY)),
                Scope::Everything => None,
            };
            let from = match (after, prefix) {
                (Some(key), _) => Bound::Excluded(key.locate(&INDEX_KEY)),
                (None, Some(prefix)) => Bound::Included(Location::first_of(&prefix)),
                (None, None) => Bound::Unbounded,
            };
            let found = state.records.range((from, Bound::Unbounded));
            let within = found.take_while(|(location, _)| {
                prefix.is_none_or(|prefix| location.as_bytes().starts_with(&prefix))
            });
            Ok(within.take(limit.get()).map(|(_, stored)| stored.clone()).collect())
        })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let mut state = self.state()?;
        let holds = commit.preconditions().iter().all(|precondition| {
            let found = state.records.get(&precondition.key().locate(&INDEX_KEY));
            precondition.holds(found.map(|stored| stored.version))
        });
        let last_ms = state.entries.last().map_or(0, Entry::time_ms);
        let time_ms = stamp_ms(&*self.clock, last_ms);
        if !holds || !commit.is_in_time(time_ms) {
            return Err(CommitError::PreconditionFailed);
        }
        let receipt = Receipt(state.entries.len() as u64);
        let entry = commit.entry().stamp(time_ms);
        let hash =
            blake3::Hasher::new().update(&state.running_hash).update(entry.as_bytes()).finalize();
        state.running_hash = *hash.as_bytes();
        state.entries.push(entry);
        if let Some(opening) = commit.opening() {
            state.openings.insert(receipt, opening.clone());
        }
        for write in commit.writes() {
            match write {
                Write::Put(record) => {
                    let stored = Stored { version: receipt, record: record.clone() };
                    state.records.insert(record.key().locate(&INDEX_KEY), stored);
                }
                Write::Remove(key) => {
                    state.records.remove(&key.locate(&INDEX_KEY));
                }
            }
        }
        Ok(receipt)
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        let from = usize::try_from(from.0).unwrap_or(usize::MAX);
        Ok(self.state()?.entries.iter().skip(from).take(limit.get()).copied().collect())
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        let state = self.state()?;
        let found = state.openings.range(from..).take(limit.get());
        Ok(found.map(|(receipt, opening)| (*receipt, opening.clone())).collect())
    }

    async fn position(&self) -> Result<Position, StoreError> {
        Ok(self.state()?.position())
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for MemoryStore {
    /// There is nothing to copy: what is left behind goes at the switch.
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let mut state = self.state()?;
        if state.before.is_some() {
            return Err(StoreError::Busy);
        }
        let mut kinds = BTreeMap::<RecordKind, Passed>::new();
        for Stored { version, record } in state.records.values().cloned() {
            let passed = kinds.entry(record.kind()).or_default();
            match carry.carry(version, record) {
                Some(_) => passed.carried += 1,
                None => passed.left += 1,
            }
        }
        state.prepared = Some(carry);
        let carried = kinds.values().map(|passed| passed.carried).sum();
        let left = kinds.values().map(|passed| passed.left).sum();
        let generation = state.generation + 1;
        Ok(Prepared { generation, carried, left, kinds, sought: Vec::new() })
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let mut state = self.state()?;
        if generation != state.generation + 1 {
            return Err(StoreError::Unavailable);
        }
        let carry = state.prepared.take().ok_or(StoreError::Unavailable)?;
        let records = std::mem::take(&mut state.records);
        let carried = records.into_iter().filter_map(|(location, stored)| {
            let record = carry.carry(stored.version, stored.record)?;
            Some((location, Stored { record, ..stored }))
        });
        state.records = carried.collect();
        state.before = Some(state.position());
        state.first_entry = Receipt(state.entries.len() as u64);
        state.generation = generation;
        Ok(())
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        let mut state = self.state()?;
        let before = state.before.take_if(|before| before.generation == generation);
        let ended = before.ok_or(StoreError::Unavailable)?;
        let followed = Position { generation: state.generation, ..ended };
        let (keys, files, bytes) = (Vec::new(), 0, 0);
        let destroyed = Destroyed { generation, keys, files, bytes, ended, followed };
        state.unrecorded.push(destroyed.clone());
        Ok(destroyed)
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let state = self.state()?;
        let retired = state.before.map(|before| before.generation);
        let (unrecorded, erased) = (state.unrecorded.clone(), state.erased.clone());
        Ok(Unfinished { retired, unrecorded, erased })
    }

    async fn recorded(&self, generation: u64) -> Result<(), StoreError> {
        self.state()?.unrecorded.retain(|destroyed| destroyed.generation != generation);
        Ok(())
    }

    /// There are no segments, no keys and no files here.
    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError> {
        let mut state = self.state()?;
        if below > state.first_entry || state.before.is_some() {
            return Err(StoreError::Unavailable);
        }
        let all = state.openings.len();
        state.openings.retain(|entry, opening| *entry >= below || !which.erases(*entry, opening));
        state.erased.openings += (all - state.openings.len()) as u64;
        Ok(state.erased.clone())
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        self.state()?.erased = Erased::default();
        Ok(())
    }

    async fn sought_openings(
        &self,
        _which: Arc<dyn EraseOpenings>,
        _below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        Ok(Vec::new())
    }

    async fn search(
        &self,
        _sought: Arc<[Sought]>,
        _progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        Ok(Searched::default())
    }
}

impl State {
    fn position(&self) -> Position {
        let (generation, frame) = (self.generation, self.entries.len() as u64);
        Position { generation, frame, hash: self.running_hash }
    }
}
