//! The memory store: the reference that every other store is compared with.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;

use crate::commit::{Commit, Write};
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::record::{Location, RecordKey, Scope, Stored};
use crate::store::{Clock, CommitError, Store, StoreError, stamp_ms};

/// Keeps all in memory; durable as long as the process.
#[derive(Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    records: BTreeMap<Location, Stored>,
    entries: Vec<Entry>,
    openings: BTreeMap<Receipt, Opening>,
}

/// Locations need not be secret in memory: any key gives an order.
const INDEX_KEY: [u8; 32] = [0; 32];

impl MemoryStore {
    /// An empty store that stamps entries by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::default() }
    }

    /// A panic under the lock may have left half a commit: then no more is done.
    fn state(&self) -> Result<MutexGuard<'_, State>, StoreError> {
        self.state.lock().map_err(|_| StoreError::Indeterminate)
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        Ok(self.state()?.records.get(&key.locate(&INDEX_KEY)).cloned())
    }

    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError> {
        let state = self.state()?;
        let prefix = scope.locate(&INDEX_KEY);
        let from = match after {
            None => Bound::Included(Location::first_of(&prefix)),
            Some(key) => Bound::Excluded(key.locate(&INDEX_KEY)),
        };
        let found = state.records.range((from, Bound::Unbounded));
        let within = found.take_while(|(location, _)| location.as_bytes().starts_with(&prefix));
        Ok(within.take(limit.get()).map(|(_, stored)| stored.clone()).collect())
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let mut state = self.state()?;
        let holds = commit.preconditions().iter().all(|precondition| {
            let found = state.records.get(&precondition.key().locate(&INDEX_KEY));
            precondition.holds(found.map(|stored| stored.version))
        });
        if !holds {
            return Err(CommitError::PreconditionFailed);
        }
        let last_ms = state.entries.last().map_or(0, Entry::time_ms);
        let receipt = Receipt(state.entries.len() as u64);
        state.entries.push(commit.entry().stamp(stamp_ms(&*self.clock, last_ms)));
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
}
