//! Where a store lies, what it is keyed and timed by, and its limits.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use signpost_core::anchor::Anchor;
use signpost_core::store::Clock;

use crate::disk::Disk;
use crate::disk::os::OsDisk;
use crate::keyring::{KeySource, SoftwareKeyring};
use crate::progress::{Progress, Silent};

/// What a store is made and opened with.
#[derive(Clone, Debug)]
pub struct Options {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The directory of the high-water mark: the keyring's, outside the data directory.
    pub mark_dir: PathBuf,
    /// The disk of the store's own files and of the mark; a keyring of files is made with its own.
    pub disk: Arc<dyn Disk>,
    /// Makes, opens and destroys keys.
    pub keys: Arc<dyn KeySource>,
    /// What entries are stamped by.
    pub clock: Arc<dyn Clock>,
    /// The most commits that may wait; one more is refused at once.
    pub queue_commits_max: usize,
    /// The most commits in one batch.
    pub batch_commits_max: usize,
    /// The openings under one key: 65 536, or fewer. The same as long as the data directory lives, for
    /// a segment with fewer behind which another comes counts as cut.
    pub segment_openings_max: u32,
    /// The memory that the index may use as a cache.
    pub index_cache_bytes: u64,
    /// How long a batch may take before the store counts as slow.
    pub slow_after: Duration,
    /// What the ledger's tree, kept elsewhere, has seen of this store, if there is one.
    pub evidence: Option<LedgerEvidence>,
    /// Is told how far opening the store is.
    pub progress: Arc<dyn Progress>,
}

/// What a checkpoint of the ledger says of the store that brought its entries. A start asks it as it
/// asks the high-water mark: it lies outside the data directory, and not beside the keyring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEvidence {
    /// How many entries there were.
    pub entries: u64,
    /// The last anchor among them.
    pub anchor: Option<Anchor>,
}

impl Options {
    /// A store on this machine's disk with its keys in a software keyring, and the usual limits.
    #[must_use]
    pub fn new(data_dir: &Path, keyring: Arc<SoftwareKeyring>, clock: Arc<dyn Clock>) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            mark_dir: keyring.directory().to_owned(),
            disk: Arc::new(OsDisk),
            keys: keyring,
            clock,
            queue_commits_max: QUEUE_COMMITS_MAX,
            batch_commits_max: BATCH_COMMITS_MAX,
            segment_openings_max: SEGMENT_OPENINGS_MAX,
            index_cache_bytes: INDEX_CACHE_BYTES,
            slow_after: SLOW_AFTER,
            evidence: None,
            progress: Arc::new(Silent),
        }
    }
}

const QUEUE_COMMITS_MAX: usize = 4096;
const BATCH_COMMITS_MAX: usize = 1024;
const SEGMENT_OPENINGS_MAX: u32 = 65_536;
const INDEX_CACHE_BYTES: u64 = 96 << 20;
const SLOW_AFTER: Duration = Duration::from_secs(2);
