//! What an open store shares between its callers, its readers, its writer and its drain.

pub(crate) mod changes;
pub(crate) mod children;
pub(crate) mod condition;
pub(crate) mod generation;
pub(crate) mod index;
pub(crate) mod pending;
pub(crate) mod registers;
pub(crate) mod seal;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{
    Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
use std::time::Duration;

use signpost_core::record::RecordKey;
use signpost_core::store::StoreError;
use tokio::sync::watch;

use crate::disk::Disk;
use crate::durable;
use crate::erase::note::Erasures;
use crate::error::Failure;
use crate::keyring::sealing::SealingKey;
use crate::keyring::{KeyError, KeySource, WrappedKey};
use crate::layout::Layout;
use crate::turn::Turn;
use crate::turn::unrecorded::Unrecorded;
use changes::Changes;
use children::Children;
use condition::ConditionState;
use generation::{Generation, unwrap_labelled};
use index::Index;
use pending::Pending;
use registers::Registers;

/// What is found by a key, many times for each question.
#[expect(clippy::disallowed_types, reason = "nobody goes through it in its order")]
type ByKey<K, V> = std::collections::HashMap<K, V>;

/// What all threads of a store see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) source: Arc<dyn KeySource>,
    pub(crate) failure: watch::Sender<Option<Failure>>,
    pub(crate) condition: ConditionState,
    /// The generation in use; none once the store is closed. The writer applies under the write
    /// lock, a whole frame at a time, and readers hold the read lock for the whole of a scan: nobody
    /// sees half a commit. A read may wait for the disk: never on a thread of the runtime.
    generation: RwLock<Option<Arc<Generation>>>,
    /// None once the store is closed. Held for a moment only: it is read on threads of the runtime.
    registers: RwLock<Option<Registers>>,
    pub(crate) children: Children,
    pending: Mutex<Pending>,
    drained: Condvar,
    making_key: Mutex<()>,
    /// Held for writing while the files of a segment of openings are replaced by rewritten ones.
    openings: RwLock<()>,
    /// Held while openings are erased.
    pub(crate) erasing: Mutex<()>,
    erasures: Mutex<Erasures>,
    /// The keyring's directory.
    pub(crate) keyring: PathBuf,
    /// What changed since a turn began to fill the next generation; none outside of one.
    pub(crate) changes: Mutex<Option<Changes>>,
    turn: Mutex<Turn>,
    unrecorded: Mutex<Unrecorded>,
    grown_bytes: AtomicU64,
    /// The lock on the data directory, until the store is closed.
    pub(crate) lock: Mutex<Option<File>>,
}

impl Shared {
    pub(crate) fn new(
        (disk, layout, source): (Arc<dyn Disk>, Layout, Arc<dyn KeySource>),
        (generation, turn): (Generation, Turn),
        registers: Registers,
        (pending, unrecorded, erasures): (Pending, Unrecorded, Erasures),
        (condition, lock, keyring): (ConditionState, File, PathBuf),
    ) -> Self {
        Self {
            disk,
            layout,
            source,
            failure: watch::Sender::new(None),
            condition,
            generation: RwLock::new(Some(Arc::new(generation))),
            registers: RwLock::new(Some(registers)),
            children: Children::new(),
            pending: Mutex::new(pending),
            drained: Condvar::new(),
            making_key: Mutex::new(()),
            openings: RwLock::new(()),
            erasing: Mutex::new(()),
            erasures: Mutex::new(erasures),
            keyring,
            changes: Mutex::new(None),
            turn: Mutex::new(turn),
            unrecorded: Mutex::new(unrecorded),
            grown_bytes: AtomicU64::new(0),
            lock: Mutex::new(Some(lock)),
        }
    }

    /// A panic under the write lock may have left half a frame: then nothing is answered.
    pub(crate) fn read_generation(
        &self,
    ) -> Result<RwLockReadGuard<'_, Option<Arc<Generation>>>, StoreError> {
        self.generation.read().map_err(|_| StoreError::Indeterminate)
    }

    pub(crate) fn write_generation(
        &self,
    ) -> Result<RwLockWriteGuard<'_, Option<Arc<Generation>>>, StoreError> {
        self.generation.write().map_err(|_| StoreError::Indeterminate)
    }

    /// The generation in use, while the store is open.
    pub(crate) fn generation(&self) -> Result<Arc<Generation>, StoreError> {
        self.read_generation()?.clone().ok_or(StoreError::Unavailable)
    }

    pub(crate) fn registers(&self) -> Result<RwLockReadGuard<'_, Option<Registers>>, StoreError> {
        self.registers.read().map_err(|_| StoreError::Indeterminate)
    }

    pub(crate) fn registers_mut(
        &self,
    ) -> Result<RwLockWriteGuard<'_, Option<Registers>>, StoreError> {
        self.registers.write().map_err(|_| StoreError::Indeterminate)
    }

    pub(crate) fn pending(&self) -> Result<MutexGuard<'_, Pending>, StoreError> {
        self.pending.lock().map_err(|_| StoreError::Indeterminate)
    }

    /// How many bytes the journal has grown by since the generation came into use.
    pub(crate) fn grown_bytes(&self) -> u64 {
        self.grown_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn add_grown_bytes(&self, bytes: u64) {
        self.grown_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_grown_bytes(&self, bytes: u64) {
        self.grown_bytes.store(bytes, Ordering::Relaxed);
    }

    /// How far a turn is.
    pub(crate) fn turn(&self) -> Result<MutexGuard<'_, Turn>, StoreError> {
        self.turn.lock().map_err(|_| StoreError::Indeterminate)
    }

    /// The destructions that are not on record.
    pub(crate) fn unrecorded(&self) -> MutexGuard<'_, Unrecorded> {
        self.unrecorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The erasures that are not on record.
    pub(crate) fn erasures(&self) -> MutexGuard<'_, Erasures> {
        self.erasures.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held no segment of openings is replaced.
    pub(crate) fn read_openings(&self) -> RwLockReadGuard<'_, ()> {
        self.openings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// While this is held nobody reads openings.
    pub(crate) fn replace_openings(&self) -> RwLockWriteGuard<'_, ()> {
        self.openings.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells whoever waits for it that the drain has copied something.
    pub(crate) fn tell_drained(&self) {
        self.drained.notify_all();
    }

    /// Waits until all entries and openings are synced in their own files; false if that does not
    /// come to be in time, or the store has failed.
    pub(crate) fn wait_until_drained(&self, patience: Duration) -> Result<bool, StoreError> {
        let waits = |pending: &mut Pending| !pending.entries.is_empty() && !self.has_failed();
        let waited = self.drained.wait_timeout_while(self.pending()?, patience, waits);
        let (pending, _) = waited.map_err(|_| StoreError::Indeterminate)?;
        Ok(pending.entries.is_empty())
    }

    /// Those of some locations that a turn under way has come by and would have to hear of, before
    /// they are changed; and whether a record is there.
    pub(crate) fn concerning<'l>(
        &self,
        index: &Index,
        locations: impl Iterator<Item = &'l [u8; 48]>,
    ) -> sled::Result<BTreeMap<[u8; 48], bool>> {
        let noted = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(changes) = &*noted else { return Ok(BTreeMap::new()) };
        let concerned = locations.filter(|location| changes.concern(location));
        concerned.map(|location| Ok((*location, index.get(location)?.is_some()))).collect()
    }

    /// Notes what changed of that, if a turn is still under way. The caller holds the write lock of the
    /// generation, so that a turn reads a record either before the change, and hears of it, or
    /// after.
    pub(crate) fn note_changes(
        &self,
        touched: impl IntoIterator<Item = ([u8; 48], RecordKey)>,
        were_there: &BTreeMap<[u8; 48], bool>,
    ) {
        let mut noted = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(changes) = &mut *noted else { return };
        let concerned = touched.into_iter().filter_map(|(location, key)| {
            were_there.get(&location).map(|was_there| (location, key, *was_there))
        });
        let mut is_too_much = false;
        for (location, key, was_there) in concerned {
            is_too_much = !changes.note(location, key, was_there);
        }
        if is_too_much {
            tracing::warn!("a turn that does not come to its switch is given up");
            *noted = None;
        }
    }

    /// Stops the store for good, for the first reason given.
    pub(crate) fn fail(&self, failure: Failure) {
        let first = self.failure.send_if_modified(|now| {
            let first = now.is_none();
            now.get_or_insert(failure);
            first
        });
        if first {
            tracing::error!(%failure, "the store takes no more commits");
        }
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failure.borrow().is_some()
    }

    /// The key of a segment of openings.
    pub(crate) fn segment_key(&self, segment: u64) -> Result<SealingKey, StoreError> {
        read_segment_key(&*self.disk, &self.layout, &*self.source, segment).map_err(|error| {
            tracing::error!(%error, segment, "the key of a segment of openings cannot be had");
            StoreError::Damaged
        })
    }

    /// Makes the key of a new segment of openings, durably. While that fails, the condition says so.
    pub(crate) fn make_segment_key(&self, segment: u64) -> Result<SealingKey, KeyError> {
        // A second key under the same name would lose what was sealed under the first.
        let _one_at_a_time = self.making_key.lock().unwrap_or_else(PoisonError::into_inner);
        let made = self.try_segment_key(segment);
        self.condition.set_keyless_segment(made.is_err().then_some(segment));
        made
    }

    /// Tries again to make a key that could not be made: whoever goes by the condition asks no
    /// question that would.
    pub(crate) fn make_wanting_key(&self) {
        if let Some(segment) = self.condition.keyless_segment()
            && let Err(error) = self.make_segment_key(segment)
        {
            tracing::debug!(%error, "the key of a segment of openings still cannot be had");
        }
    }

    /// A key that a failed try has left is taken, and written anew: it may be in memory alone.
    fn try_segment_key(&self, segment: u64) -> Result<SealingKey, KeyError> {
        let path = self.layout.segment_key(segment);
        let io = |source| KeyError::Io { path: path.clone(), source };
        let left = durable::read_if_there(&*self.disk, &path).map_err(io)?;
        let (key, wrapped) = if let Some(wrapped) = left {
            (open_segment_key(&*self.source, segment, &wrapped)?, wrapped)
        } else {
            let key = SealingKey::random();
            let wrapped = self.source.create(&segment_label(segment), key.as_bytes())?;
            (key, wrapped.encode())
        };
        durable::write_durably(&*self.disk, &path, &wrapped).map_err(io)?;
        Ok(key)
    }
}

pub(crate) fn read_segment_key(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    segment: u64,
) -> Result<SealingKey, KeyError> {
    read_segment_key_at(disk, &layout.segment_key(segment), source, segment)
}

/// The same, from where the wrapped key lies.
pub(crate) fn read_segment_key_at(
    disk: &dyn Disk,
    path: &Path,
    source: &dyn KeySource,
    segment: u64,
) -> Result<SealingKey, KeyError> {
    let io = |source| KeyError::Io { path: path.to_owned(), source };
    let wrapped = durable::read(disk, path).map_err(io)?;
    open_segment_key(source, segment, &wrapped)
}

/// The wrapped key of a segment of openings.
pub(crate) fn read_wrapped_segment_key(
    disk: &dyn Disk,
    layout: &Layout,
    segment: u64,
) -> Result<WrappedKey, KeyError> {
    let path = layout.segment_key(segment);
    let wrapped = durable::read(disk, &path).map_err(|source| KeyError::Io { path, source })?;
    let label = segment_label(segment);
    let wrapped = WrappedKey::decode(&wrapped).filter(|wrapped| wrapped.label == label);
    wrapped.ok_or(KeyError::NotWrapped { label })
}

fn open_segment_key(
    source: &dyn KeySource,
    segment: u64,
    wrapped: &[u8],
) -> Result<SealingKey, KeyError> {
    let secret = unwrap_labelled(source, wrapped, &segment_label(segment))?;
    let damaged = || KeyError::NotWrapped { label: segment_label(segment) };
    SealingKey::from_slice(&secret).ok_or_else(damaged)
}

pub(crate) fn segment_label(segment: u64) -> String {
    format!("segment of openings {segment}")
}
