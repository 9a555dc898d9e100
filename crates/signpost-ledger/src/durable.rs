//! Writing a file so that it is there as a whole or not at all.

use std::path::Path;

use crate::disk::{Disk, WriteError};
use crate::error::LedgerError;

/// Puts a file in the place of one that may be there. Its name is durable once the directory was
/// synced.
pub(crate) fn put(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> Result<(), LedgerError> {
    let passing = path.with_extension("new");
    disk.write_synced(&passing, bytes).map_err(|error| match error {
        WriteError::NotWritten(error) => LedgerError::not_written(&passing)(error),
        WriteError::NotSynced(error) => LedgerError::not_synced(&passing)(error),
    })?;
    disk.rename(&passing, path).map_err(LedgerError::not_written(path))
}
