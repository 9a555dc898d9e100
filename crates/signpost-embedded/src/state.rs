//! What an open store shares between its callers, its writer and its drain.

pub(crate) mod index;

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::ops::Bound;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use signpost_core::entry::Entry;
use signpost_core::id::Receipt;
use signpost_core::record::{Kind, RecordKey, Scope, Stored};
use signpost_core::store::StoreError;
use tokio::sync::watch;

use crate::durable;
use crate::error::Failure;
use crate::journal::frame::{FrameId, SealedOpening};
use crate::keyring::sealing;
use crate::keyring::sealing::{SealingKey, open_record};
use crate::keyring::{KeyError, KeySource, WrappedKey};
use crate::layout::Layout;
use index::Index;

/// What all threads of a store see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) keys: GenerationKeys,
    pub(crate) source: Arc<dyn KeySource>,
    pub(crate) failure: watch::Sender<Option<Failure>>,
    state: RwLock<State>,
}

/// The keys of one generation.
#[derive(Debug)]
pub(crate) struct GenerationKeys {
    pub(crate) generation: u64,
    pub(crate) index: SealingKey,
    pub(crate) data: SealingKey,
}

/// What changes with every frame. The writer changes it under the write lock, a whole frame at a
/// time, and readers hold the read lock for the whole of a scan: nobody sees half a commit.
#[derive(Debug)]
pub(crate) struct State {
    /// None once the store is closed.
    pub(crate) index: Option<Index>,
    /// Every record of the kinds that are read at each request, in clear.
    pub(crate) registers: BTreeMap<[u8; 48], Stored>,
    /// How many entries are in their own files, openings too.
    pub(crate) drained: u64,
    /// The entries behind those.
    pub(crate) entries: VecDeque<Entry>,
    /// The openings behind those.
    pub(crate) openings: VecDeque<SealedOpening>,
    /// The last frame that was applied.
    pub(crate) last: FrameId,
    /// The lock on the data directory, until the store is closed.
    pub(crate) lock: Option<File>,
}

impl Shared {
    pub(crate) fn new(
        layout: Layout,
        keys: GenerationKeys,
        source: Arc<dyn KeySource>,
        state: State,
    ) -> Self {
        let failure = watch::Sender::new(None);
        Self { layout, keys, source, failure, state: RwLock::new(state) }
    }

    /// A panic under the write lock may have left half a frame: then nothing is answered.
    pub(crate) fn read(&self) -> Result<RwLockReadGuard<'_, State>, StoreError> {
        self.state.read().map_err(|_| StoreError::Indeterminate)
    }

    pub(crate) fn write(&self) -> Result<RwLockWriteGuard<'_, State>, StoreError> {
        self.state.write().map_err(|_| StoreError::Indeterminate)
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

    /// Where a record lies in this generation.
    pub(crate) fn locate(&self, key: &RecordKey) -> [u8; 48] {
        *key.locate(self.keys.index.as_bytes()).as_bytes()
    }

    /// The first part of every location of a scope.
    pub(crate) fn locate_scope(&self, scope: &Scope) -> [u8; 32] {
        scope.locate(self.keys.index.as_bytes())
    }

    /// Opens a sealed record.
    pub(crate) fn unseal(&self, location: &[u8; 48], sealed: &[u8]) -> Result<Stored, StoreError> {
        open_record(&self.keys.data, self.keys.generation, location, sealed).map_err(|error| {
            tracing::error!(%error, "a record of the index is damaged");
            StoreError::Damaged
        })
    }

    /// Opens a sealed opening with its segment's key.
    pub(crate) fn segment_key(&self, segment: u64) -> Result<SealingKey, StoreError> {
        read_segment_key(&self.layout, &*self.source, segment).map_err(|error| {
            tracing::error!(%error, segment, "the key of a segment of openings cannot be had");
            StoreError::Damaged
        })
    }
}

impl State {
    /// The index, while the store is open.
    pub(crate) fn index(&self) -> Result<&Index, StoreError> {
        self.index.as_ref().ok_or(StoreError::Unavailable)
    }

    /// At most `limit` register records of a scope behind `after`.
    pub(crate) fn scan_registers(
        &self,
        scope: &[u8; 32],
        after: Option<[u8; 48]>,
        limit: usize,
    ) -> Vec<Stored> {
        let mut lowest = [0; 48];
        lowest[..32].copy_from_slice(scope);
        let from = after.map_or(Bound::Included(lowest), Bound::Excluded);
        let behind = self.registers.range((from, Bound::Unbounded));
        let within = behind.take_while(|(location, _)| location.starts_with(scope));
        within.take(limit).map(|(_, stored)| stored.clone()).collect()
    }

    /// At most `limit` of the entries that are not in their own files, from this index on.
    pub(crate) fn pending_entries(&self, from: Receipt, limit: usize) -> Vec<Entry> {
        let skip = usize::try_from(from.0.saturating_sub(self.drained)).unwrap_or(usize::MAX);
        self.entries.iter().skip(skip).take(limit).copied().collect()
    }

    /// At most `limit` of the openings that are not in their own files, from this index on.
    pub(crate) fn pending_openings(&self, from: Receipt, limit: usize) -> Vec<SealedOpening> {
        let skip = self.openings.partition_point(|opening| opening.entry < from);
        self.openings.iter().skip(skip).take(limit).cloned().collect()
    }
}

/// The kinds that are kept decoded in memory, because every request reads them.
pub(crate) const REGISTER_KINDS: [Kind; 9] = [
    Kind::Lift,
    Kind::Organisation,
    Kind::Team,
    Kind::System,
    Kind::Certificate,
    Kind::Group,
    Kind::Person,
    Kind::Token,
    Kind::Service,
];

/// Whether the records of this scope are kept in memory.
pub(crate) fn is_register(scope: &Scope) -> bool {
    match scope {
        Scope::Child(_) => false,
        Scope::Kind(kind) => REGISTER_KINDS.contains(kind),
    }
}

/// Makes the key of a new segment of openings, durably; one that is there already is taken.
pub(crate) fn make_segment_key(
    layout: &Layout,
    source: &dyn KeySource,
    segment: u64,
) -> Result<SealingKey, KeyError> {
    let path = layout.segment_key(segment);
    if path.exists() {
        return read_segment_key(layout, source, segment);
    }
    let key = SealingKey::random();
    let wrapped = source.create(&segment_label(segment), key.as_bytes())?;
    durable::write_durably(&path, &wrapped.encode())
        .map_err(|source| KeyError::Io { path, source })?;
    Ok(key)
}

fn read_segment_key(
    layout: &Layout,
    source: &dyn KeySource,
    segment: u64,
) -> Result<SealingKey, KeyError> {
    let path = layout.segment_key(segment);
    let bytes = std::fs::read(&path).map_err(|source| KeyError::Io { path, source })?;
    let secret = unwrap_labelled(source, &bytes, &segment_label(segment))?;
    let damaged = |_| KeyError::Damaged { label: segment_label(segment) };
    Ok(SealingKey::new(secret.as_slice().try_into().map_err(damaged)?))
}

/// Unwraps a key that must be for this purpose: a key file cannot stand in for another.
pub(crate) fn unwrap_labelled(
    source: &dyn KeySource,
    bytes: &[u8],
    label: &str,
) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyError> {
    let wrapped = WrappedKey::decode(bytes).filter(|wrapped| wrapped.label == label);
    source.unwrap(&wrapped.ok_or_else(|| KeyError::Damaged { label: label.to_owned() })?)
}

fn segment_label(segment: u64) -> String {
    format!("segment of openings {segment}")
}

impl GenerationKeys {
    /// Makes new keys for a generation: the keys, and the file that keeps them wrapped.
    pub(crate) fn create(generation: u64, source: &dyn KeySource) -> Result<WrappedKey, KeyError> {
        let secret = zeroize::Zeroizing::new(sealing::random::<{ 2 * SealingKey::LEN }>());
        source.create(&generation_label(generation), &secret[..])
    }

    /// Unwraps the keys of a generation.
    pub(crate) fn unwrap(
        generation: u64,
        source: &dyn KeySource,
        bytes: &[u8],
    ) -> Result<Self, KeyError> {
        let label = generation_label(generation);
        let secret = unwrap_labelled(source, bytes, &label)?;
        let halves = secret.split_first_chunk().and_then(|(index, data)| {
            Some((SealingKey::new(*index), SealingKey::new(data.try_into().ok()?)))
        });
        let (index, data) = halves.ok_or(KeyError::Damaged { label })?;
        Ok(Self { generation, index, data })
    }
}

fn generation_label(generation: u64) -> String {
    format!("generation {generation}")
}
