//! A disk that fails, is full or is slow: what was acknowledged is there after the next start, and
//! what passes is over by itself.

mod full;
mod keyring;
mod syncs;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use signpost_core::commit::Commit;
use signpost_core::id::Receipt;
use signpost_core::memory::MemoryStore;
use signpost_core::store::{Clock, CommitError, Store, StoreError};
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::disk::volatile::{Faults, VolatileDisk};
use signpost_embedded::durable;
use signpost_embedded::error::Failure;
use signpost_embedded::options::Options;
use signpost_embedded::store::{Condition, EmbeddedStore};
use tempfile::TempDir;

use crate::catching::Catching;
use crate::support::options_on;
use crate::twin::{ALL, Twin};
use crate::world::{World, first_light};

const CHILDREN: u8 = 3;

/// A machine whose disk forgets what was not synced, and on it a store that was used a little.
struct Machine {
    directory: TempDir,
    disk: Arc<dyn Disk>,
    faults: Faults,
    options: Options,
    twin: Arc<Twin>,
    world: World,
}

impl Machine {
    async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    async fn start_with(change: impl Fn(&mut Options)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let disk = VolatileDisk::new();
        let faults = disk.faults();
        let disk: Arc<dyn Disk> = Arc::new(disk);
        let mut options = options_on(directory.path(), Arc::clone(&disk)).unwrap();
        change(&mut options);
        EmbeddedStore::create(&options).unwrap();
        let store = EmbeddedStore::open(&options).unwrap().store;
        let reference = MemoryStore::new(Arc::clone(&options.clock));
        let twin = Arc::new(Twin::new(reference, store));
        first_light(&*twin).await;
        let clock: Arc<dyn Clock> = Arc::clone(&options.clock);
        let mut world = World::start(Arc::clone(&twin) as Arc<dyn Store>, clock).await;
        world.record(0, 0).await;
        world.ask(1).await;
        Self { directory, disk, faults, options, twin, world }
    }

    fn store(&self) -> Arc<EmbeddedStore> {
        self.twin.embedded()
    }

    fn data(&self) -> &Path {
        &self.options.data_dir
    }

    /// Waits for the store to fail, and says how.
    async fn failure(&self) -> Failure {
        let mut failure = self.store().failure();
        let failed = failure.wait_for(Option::is_some);
        tokio::time::timeout(Duration::from_secs(20), failed).await.unwrap().unwrap().unwrap()
    }

    /// Closes a store that has failed, as the process does that ends for it, and starts again on the
    /// same machine: what the disk forgets is still in its cache.
    async fn start_again(&self) {
        let _failed = self.store().close().await;
        self.twin.replace(EmbeddedStore::open(&self.options).unwrap().store);
    }

    /// Cuts the power, and starts on what the disk has kept.
    async fn start_after_power_cut(&self) {
        self.faults.cut_power();
        let _failed = self.store().close().await;
        let options = options_on(self.directory.path(), Arc::new(OsDisk)).unwrap();
        self.twin.replace(EmbeddedStore::open(&options).unwrap().store);
    }

    /// Waits until the mark says that every entry is in its own file.
    async fn wait_until_drained(&self) {
        let entries = self.store().entries(Receipt(0), ALL).await.unwrap().len() as u64;
        let mark = self.options.mark_dir.join("high-water-mark");
        let begun = Instant::now();
        loop {
            // Its last number but the hash: magic, generation, frame number and hash come before.
            let drained = durable::read(&*self.disk, &mark).unwrap()[56..64].try_into().unwrap();
            if u64::from_be_bytes(drained) == entries {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "it is never drained");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn compare(&self) {
        self.twin.compare(CHILDREN).await;
    }

    /// The names of what lies in a directory, as the machine sees it.
    fn names(&self, directory: &Path) -> Vec<PathBuf> {
        let mut names = self.disk.list(directory).unwrap();
        names.sort();
        names
    }

    fn journal_files(&self, generation: u64) -> usize {
        let names = self.names(&self.data().join(format!("generation-{generation:010}")));
        names.iter().filter(|path| path.to_string_lossy().contains("journal-")).count()
    }

    /// Waits for the store to be in this condition.
    async fn wait_for(&self, condition: Condition) {
        let begun = Instant::now();
        while self.store().condition() != condition {
            assert!(begun.elapsed() < Duration::from_secs(20), "it never was {condition:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// What a question would commit; nothing is.
    async fn question(&self, child: u8) -> Commit {
        let catching = Arc::new(Catching::before(Arc::clone(&self.twin) as Arc<dyn Store>));
        let clock: Arc<dyn Clock> = Arc::clone(&self.options.clock);
        let world = World::start(Arc::clone(&catching) as Arc<dyn Store>, clock).await;
        assert!(world.try_ask(child).await.is_none());
        catching.take().pop().unwrap()
    }

    /// Lets the embedded store alone take a question's commit, and expects it to refuse.
    async fn assert_takes_no_question(&self) {
        let outcome = self.store().commit(self.question(1).await).await;
        assert_eq!(outcome, Err(CommitError::Store(StoreError::Unavailable)));
    }

    /// How many entries the store shows.
    async fn shown(&self) -> usize {
        let all = NonZeroUsize::MAX;
        self.store().entries(Receipt(0), all).await.unwrap().len()
    }
}
