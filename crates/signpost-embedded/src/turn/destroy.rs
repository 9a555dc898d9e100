//! The end of a generation: its key-encryption key is destroyed, then its files are removed.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use signpost_core::store::StoreError;
use signpost_core::turn::{Destroyed, KeyDestroyed, Unfinished};

use super::unrecorded::key_that_is_gone;
use super::{Retired, Turn, set_turn};
use crate::disk::Disk;
use crate::durable::{self, none_if_missing};
use crate::keyring::{KeyError, KeySource, WrappedKey};
use crate::layout::Layout;
use crate::state::generation::Generation;
use crate::state::{Shared, index};

/// Why a generation is not destroyed, or not wholly.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DestroyError {
    /// The key's keeper did not destroy it.
    #[error("its key was not destroyed")]
    Key(#[from] KeyError),
    /// The file that names its key is damaged: the files must not go before the key.
    #[error("its file keys is damaged, and does not tell which key to destroy")]
    KeyUnknown,
    /// The store has failed.
    #[error("the store has failed, and does not tell how far it was")]
    Unknown,
    /// Its files could not be removed.
    #[error("cannot remove {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Destroys the generation that was in use before; it can be done again where it was cut short.
pub(crate) fn destroy_retired(shared: &Shared, generation: u64) -> Result<Destroyed, StoreError> {
    let before = {
        let mut turn = shared.turn()?;
        match std::mem::replace(&mut *turn, Turn::Destroying(generation)) {
            Turn::Switched(Retired { number, generation: before }) if number == generation => {
                before
            }
            other => {
                *turn = other;
                return Err(StoreError::Unavailable);
            }
        }
    };
    let mut ending = Ending { shared, number: generation, is_destroyed: false, before };
    ending.wait_until_unused()?;
    let destroyed = destroy_noted(shared, generation).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, generation, "not destroyed");
        StoreError::Unavailable
    })?;
    ending.is_destroyed = true;
    Ok(destroyed)
}

/// However a destruction ends, a panic included, it is over, or left to be done again.
struct Ending<'s> {
    shared: &'s Shared,
    number: u64,
    is_destroyed: bool,
    /// Until nobody else uses it, and its keys are wiped from memory.
    before: Option<Arc<Generation>>,
}

/// How long a read that has begun may take.
const READ_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(2);

impl Ending<'_> {
    /// Waits until every read that has begun is over, and wipes its keys: what is destroyed is not to
    /// be had from memory either.
    fn wait_until_unused(&mut self) -> Result<(), StoreError> {
        let begun = Instant::now();
        while let Some(before) = self.before.take() {
            let Err(still_used) = Arc::try_unwrap(before) else { break };
            self.before = Some(still_used);
            if begun.elapsed() > READ_WITHIN {
                tracing::error!(generation = self.number, "it is still read: not destroyed");
                return Err(StoreError::Unavailable);
            }
            std::thread::park_timeout(LOOK_EVERY);
        }
        Ok(())
    }
}

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let generation = self.before.take();
        let left = Turn::Switched(Retired { number: self.number, generation });
        set_turn(self.shared, if self.is_destroyed { Turn::None } else { left });
    }
}

/// What is left to do of earlier turns. What is noted of a generation that is still there is yet to
/// come true.
pub(crate) fn unfinished(shared: &Shared) -> Result<Unfinished, StoreError> {
    let retired = match &*shared.turn()? {
        Turn::Switched(Retired { number, .. }) | Turn::Destroying(number) => Some(*number),
        Turn::None | Turn::Filling | Turn::Filled(_) => None,
    };
    let unrecorded = shared.unrecorded();
    let noted = unrecorded.all().iter().filter(|noted| Some(noted.generation) != retired);
    let erased = shared.erasures().told();
    Ok(Unfinished { retired, unrecorded: noted.cloned().collect(), erased })
}

/// Removes what is there of a generation that never came into use.
pub(crate) fn remove_unused(shared: &Shared, generation: u64) -> Result<(), StoreError> {
    if shared.has_failed() {
        // CURRENT may name it after all: the next start looks.
        return Err(StoreError::Indeterminate);
    }
    if shared.disk.status(&shared.layout.generation(generation)).is_err() {
        return Ok(());
    }
    destroy(&*shared.disk, &shared.layout, &*shared.source, generation).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, generation, "not removed");
        StoreError::Unavailable
    })
}

/// Destroys a generation that was in use. It is noted before: a destruction that nothing is left of
/// could not be put on record.
fn destroy_noted(shared: &Shared, generation: u64) -> Result<Destroyed, DestroyError> {
    let Shared { disk, layout, source, .. } = shared;
    let directory = layout.generation(generation);
    let (files, bytes) = count_files(&**disk, &directory)
        .map_err(|source| DestroyError::Io { path: directory, source })?;
    let key = read_key(&**disk, layout, generation)?;
    let keys = key.iter().map(|wrapped| key_that_is_gone(*wrapped.id.as_bytes())).collect();
    let io = |source| DestroyError::Io { path: layout.destroyed(), source };
    let (ended, followed) = shared.pending().map_err(|_| DestroyError::Unknown)?.passage();
    let destroyed = Destroyed { generation, keys, files, bytes, ended, followed };
    let noted = shared.unrecorded().note(&**disk, layout, destroyed).map_err(io)?.clone();
    // Kept at once: where what follows fails, the keeper has no second word to give.
    let noted = match destroy_key(&**disk, layout, &**source, generation)? {
        Some(receipt) => shared.unrecorded().keep_receipt(&**disk, layout, &noted, receipt),
        None => noted,
    };
    remove_files(&**disk, layout, generation)?;
    Ok(noted)
}

/// Destroys a generation that is not to be put on record.
pub(crate) fn destroy(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    generation: u64,
) -> Result<(), DestroyError> {
    destroy_key(disk, layout, source, generation)?;
    remove_files(disk, layout, generation)
}

/// Comes before the files go: a removal that is cut short leaves nothing that could be read. Gives
/// the keeper's receipt, unless the key was gone before.
fn destroy_key(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    generation: u64,
) -> Result<Option<KeyDestroyed>, DestroyError> {
    let Some(wrapped) = read_key(disk, layout, generation)? else { return Ok(None) };
    match source.destroy(&wrapped.id) {
        Ok(receipt) => Ok(Some(receipt.into())),
        Err(KeyError::Unknown { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn remove_files(disk: &dyn Disk, layout: &Layout, generation: u64) -> Result<(), DestroyError> {
    let directory = layout.generation(generation);
    let io = |source| DestroyError::Io { path: directory.clone(), source };
    // An index that still writes would put files back.
    index::wait_until_released(&layout.index(generation)).map_err(io)?;
    // One that is gone was removed before, and may be back after a power cut until this is synced.
    none_if_missing(disk.remove_directory(&directory)).map_err(io)?;
    disk.sync_directory(&layout.root).map_err(io)
}

/// The wrapped keys of a generation; none where its making, or its removal, was cut short.
fn read_key(
    disk: &dyn Disk,
    layout: &Layout,
    generation: u64,
) -> Result<Option<WrappedKey>, DestroyError> {
    let path = layout.keys(generation);
    let bytes =
        durable::read_if_there(disk, &path).map_err(|source| DestroyError::Io { path, source })?;
    let decoded = bytes.map(|bytes| WrappedKey::decode(&bytes).ok_or(DestroyError::KeyUnknown));
    decoded.transpose()
}

/// How many files lie under a directory, and how many bytes those hold; none under one that is gone.
fn count_files(disk: &dyn Disk, directory: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for path in none_if_missing(disk.list(directory))?.unwrap_or_default() {
        let status = disk.status(&path)?;
        let (more_files, more_bytes) =
            if status.is_directory { count_files(disk, &path)? } else { (1, status.len) };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}
