//! A data directory and a keyring of their own for each test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use signpost_core::store::{Clock, StoreError};
use signpost_core::testing::ManualClock;
use signpost_core::turn::Generations;
use signpost_embedded::disk::Disk;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::options::Options;
use signpost_embedded::store::{EmbeddedStore, Opened};
use tempfile::TempDir;

/// Where a store lies; gone with the test.
pub(crate) struct Place {
    pub(crate) directory: TempDir,
    pub(crate) options: Options,
}

impl Place {
    pub(crate) fn create(clock: Arc<dyn Clock>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let options = options(directory.path(), clock);
        EmbeddedStore::create(&options).unwrap();
        Self { directory, options }
    }

    pub(crate) fn open(&self) -> Opened {
        EmbeddedStore::open(&self.options).unwrap()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.options.data_dir
    }

    /// The first journal file of the first generation.
    pub(crate) fn journal(&self) -> PathBuf {
        self.data().join("generation-0000000001/journal-0000000001")
    }

    pub(crate) fn index(&self, generation: u64) -> PathBuf {
        self.data().join(format!("generation-{generation:010}/index"))
    }

    pub(crate) fn mark(&self) -> PathBuf {
        self.options.mark_dir.join("high-water-mark")
    }
}

/// The options of a store under this directory, with a small index cache.
pub(crate) fn options(directory: &Path, clock: Arc<dyn Clock>) -> Options {
    let keyring = SoftwareKeyring::create(&directory.join("keyring")).unwrap();
    let mut options = Options::new(&directory.join("data"), Arc::new(keyring), clock);
    options.index_cache_bytes = 1 << 20;
    options
}

/// The options of a store on a disk, whose segments of openings are short. None where its keyring
/// cannot be made.
pub(crate) fn options_on(directory: &Path, disk: Arc<dyn Disk>) -> Option<Options> {
    let keyring = SoftwareKeyring::create_on(Arc::clone(&disk), &directory.join("keyring")).ok()?;
    let clock = Arc::new(ManualClock::default());
    let mut options = Options::new(&directory.join("data"), Arc::new(keyring), clock);
    options.index_cache_bytes = 1 << 20;
    options.segment_openings_max = 3;
    options.disk = disk;
    Some(options)
}

/// Destroys what the last turn has left, as a service does once it may.
pub(crate) async fn finish_turn(store: &EmbeddedStore) -> Result<(), StoreError> {
    if let Some(retired) = store.unfinished().await?.retired {
        store.destroy(retired).await?;
    }
    Ok(())
}

/// Copies a directory with all in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for item in std::fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy(&item.path(), &target);
        } else {
            std::fs::copy(item.path(), target).unwrap();
        }
    }
}

/// Removes a file or a directory with all in it.
pub(crate) fn remove(path: &Path) {
    if path.is_dir() {
        std::fs::remove_dir_all(path).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

/// Puts a copy in place of what is there.
pub(crate) fn put_back(from: &Path, to: &Path) {
    if to.exists() {
        remove(to);
    }
    if from.is_dir() {
        copy(from, to);
    } else {
        std::fs::copy(from, to).unwrap();
    }
}

/// Every file under a directory.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(directory).unwrap() {
        let path = item.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
