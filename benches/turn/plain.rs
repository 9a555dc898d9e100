//! What a turn is measured against: the same records copied from one sled into a fresh one, and
//! into a plain file beside it that is synced as a turn syncs. Nothing is opened, sealed, hashed or
//! counted; only the keys are others, since a turn too comes upon its records in another order than
//! that of their new places.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;

use crate::county::{self, County};
use crate::figures::as_float;

/// As many as a turn writes at a time.
const CHUNK: usize = 256;
/// As often as a turn syncs its journal.
const SYNC_EVERY_BYTES: usize = 8 << 20;
/// The part of a key that all records of one child share.
const SCOPE_BYTES: usize = 32;
/// Longer than this are the keys of records alone.
const MARK_BYTES_MAX: usize = 47;

/// A copy of the index as it was before the store was opened.
#[derive(Debug)]
pub(crate) struct Plain {
    from: sled::Db,
    folder: PathBuf,
    cache_bytes: u64,
}

impl Plain {
    /// Copies the index of a county whose store is closed.
    pub(crate) fn of(county: &County, cache_bytes: u64) -> anyhow::Result<Self> {
        let folder = county.path("plain");
        let from = folder.join("from");
        fs::create_dir_all(&from)?;
        county::copy(&county.path("data/generation-0000000001/index"), &from)?;
        Ok(Self { from: open(&from, cache_bytes)?, folder, cache_bytes })
    }

    /// Copies all once; gives the records a second.
    pub(crate) fn copy(&self) -> anyhow::Result<f64> {
        let folder = tempfile::tempdir_in(&self.folder)?;
        let into = open(&folder.path().join("into"), self.cache_bytes)?;
        let mut file = File::create(folder.path().join("file"))?;
        let (begun, mut records, mut unsynced) = (Instant::now(), 0, 0);
        let mut items = self.from.iter();
        loop {
            let (mut batch, mut bytes) = (sled::Batch::default(), Vec::new());
            let before = records;
            for item in items.by_ref().take(CHUNK) {
                let (key, value) = item?;
                if key.len() > MARK_BYTES_MAX {
                    let key = moved(&key).context("a key that is none of a record")?;
                    bytes.extend_from_slice(&key);
                    bytes.extend_from_slice(&value);
                    batch.insert(key, value);
                    records += 1;
                }
            }
            if records == before {
                break;
            }
            file.write_all(&bytes)?;
            unsynced += bytes.len();
            if unsynced >= SYNC_EVERY_BYTES {
                file.sync_data()?;
                unsynced = 0;
            }
            into.apply_batch(batch)?;
        }
        file.sync_data()?;
        let rate = as_float(records) / begun.elapsed().as_secs_f64();
        into.flush()?;
        Ok(rate)
    }
}

/// As the store opens its index.
fn open(path: &Path, cache_bytes: u64) -> sled::Result<sled::Db> {
    sled::Config::new().path(path).cache_capacity(cache_bytes).flush_every_ms(None).open()
}

/// Another key, which keeps the records of one child together.
fn moved(key: &[u8]) -> Option<Vec<u8>> {
    let (scope, own) = key.split_at_checked(SCOPE_BYTES)?;
    Some([&blake3::hash(scope).as_bytes()[..], own].concat())
}
