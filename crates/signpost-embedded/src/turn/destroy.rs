//! The end of a generation: its key-encryption key is destroyed, then its files are removed.

use std::io;
use std::path::{Path, PathBuf};

use signpost_core::store::StoreError;
use signpost_core::turn::{Destroyed, KeyDestroyed};

use super::{Retired, Turn};
use crate::disk::Disk;
use crate::durable;
use crate::keyring::{KeyError, KeySource, WrappedKey};
use crate::layout::Layout;
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
    /// Its files could not be removed.
    #[error("cannot remove {}", .path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// Destroys the generation that was in use before; it can be done again where it was cut short.
pub(crate) fn destroy_retired(shared: &Shared, generation: u64) -> Result<Destroyed, StoreError> {
    let mut turn = shared.turn()?;
    if let Turn::Switched(Retired { number, generation: before }) = &mut *turn
        && *number == generation
    {
        // Its keys are wiped from memory with this, as soon as no read that has begun needs them.
        drop(before.take());
    } else {
        return Err(StoreError::Unavailable);
    }
    let destroyed = destroy(&*shared.disk, &shared.layout, &*shared.source, generation);
    let destroyed = destroyed.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, generation, "not destroyed");
        StoreError::Unavailable
    })?;
    *turn = Turn::None;
    Ok(destroyed)
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
    destroy(&*shared.disk, &shared.layout, &*shared.source, generation).map(drop).map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, generation, "not removed");
        StoreError::Unavailable
    })
}

/// Destroys the key first: a removal that is cut short leaves nothing that could be read.
pub(crate) fn destroy(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    generation: u64,
) -> Result<Destroyed, DestroyError> {
    let keys = destroy_key(disk, layout, source, generation)?;
    let directory = layout.generation(generation);
    let io = |source| DestroyError::Io { path: directory.clone(), source };
    // An index that still writes would put files back.
    index::wait_until_released(&layout.index(generation)).map_err(io)?;
    let (files, bytes) = count_files(disk, &directory).map_err(io)?;
    disk.remove_directory(&directory).map_err(io)?;
    disk.sync_directory(&layout.root).map_err(io)?;
    Ok(Destroyed { generation, keys, files, bytes })
}

fn destroy_key(
    disk: &dyn Disk,
    layout: &Layout,
    source: &dyn KeySource,
    generation: u64,
) -> Result<Vec<KeyDestroyed>, DestroyError> {
    let path = layout.keys(generation);
    let bytes =
        durable::read_if_there(disk, &path).map_err(|source| DestroyError::Io { path, source })?;
    // A generation whose making was cut short may have no key yet.
    let Some(bytes) = bytes else { return Ok(Vec::new()) };
    let wrapped = WrappedKey::decode(&bytes).ok_or(DestroyError::KeyUnknown)?;
    let receipt = match source.destroy(&wrapped.id) {
        Ok(receipt) => KeyDestroyed {
            key: *receipt.key.as_bytes(),
            custody: receipt.custody,
            method: receipt.method,
        },
        Err(KeyError::Unknown { .. }) => KeyDestroyed {
            key: *wrapped.id.as_bytes(),
            custody: String::new(),
            method: "it was gone already".to_owned(),
        },
        Err(error) => return Err(error.into()),
    };
    Ok(vec![receipt])
}

/// How many files lie under a directory, and how many bytes those hold.
fn count_files(disk: &dyn Disk, directory: &Path) -> io::Result<(u64, u64)> {
    let (mut files, mut bytes) = (0, 0);
    for path in disk.list(directory)? {
        let status = disk.status(&path)?;
        let (more_files, more_bytes) =
            if status.is_directory { count_files(disk, &path)? } else { (1, status.len) };
        files += more_files;
        bytes += more_bytes;
    }
    Ok((files, bytes))
}
