//! The whole register against a plain model, on a disk that forgets: the model, its operations and
//! what must always hold are those that `signpost-core` plays on the memory store.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use proptest::prelude::*;
use signpost_core::store::Store;
use signpost_core::testing::ManualClock;
use signpost_embedded::disk::volatile::{Faults, VolatileDisk, When};
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use tempfile::TempDir;

use crate::register_model::draw::steps;
use crate::register_model::ops::Step;
use crate::register_model::play_all;
use crate::register_model::world::Home;
use crate::support::{options_on, remove};

/// Every so many openings find no index.
const INDEX_LOST_EVERY: u64 = 4;

/// A data directory and a keyring on a disk that loses what was not synced when the power goes.
struct Volatile {
    directory: TempDir,
    clock: Arc<ManualClock>,
    /// By which the disk writes pieces early.
    seed: u64,
    options: Options,
    faults: Faults,
    store: Option<Arc<EmbeddedStore>>,
    will_cut: bool,
    openings: u64,
}

impl fmt::Debug for Volatile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Volatile")
    }
}

impl Volatile {
    fn create(clock: Arc<ManualClock>, seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let (options, faults) = disk(&directory, &clock, seed);
        EmbeddedStore::create(&options).unwrap();
        let (store, will_cut, openings) = (None, false, 0);
        Self { directory, clock, seed, options, faults, store, will_cut, openings }
    }

    fn lose_index(&self) {
        for entry in self.options.data_dir.read_dir().unwrap() {
            let index = entry.unwrap().path().join("index");
            if index.exists() {
                remove(&index);
            }
        }
    }
}

fn disk(directory: &TempDir, clock: &Arc<ManualClock>, seed: u64) -> (Options, Faults) {
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    faults.write_back(seed);
    let mut options = options_on(directory.path(), Arc::new(disk)).unwrap();
    options.clock = clock.clone();
    (options, faults)
}

#[async_trait]
impl Home for Volatile {
    async fn open(&mut self) -> Arc<dyn Store> {
        if let Some(store) = self.store.take() {
            let closed = store.close().await;
            assert!(closed.is_ok() || self.will_cut, "{closed:?}");
        }
        self.openings += 1;
        if self.openings.is_multiple_of(INDEX_LOST_EVERY) && !self.will_cut {
            self.lose_index();
        }
        let mut opened = EmbeddedStore::open(&self.options);
        if self.will_cut {
            self.faults.cut_power();
            if let Ok(cut_down) = opened {
                let _failed = cut_down.store.close().await;
            }
            self.will_cut = false;
            self.seed = self.seed.wrapping_add(1);
            (self.options, self.faults) = disk(&self.directory, &self.clock, self.seed);
            opened = EmbeddedStore::open(&self.options);
        }
        let store = Arc::new(opened.unwrap().store);
        self.store = Some(store.clone());
        store
    }

    fn cut_power_after(&mut self, operations: u64) {
        self.will_cut = true;
        self.faults.die(self.faults.count() + operations, When::Before);
    }

    fn cut_power(&mut self) {
        if self.will_cut {
            self.faults.cut_power();
        }
    }
}

fn play_on_a_disk_that_forgets(steps: Vec<Step>, seed: u64) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let clock = Arc::new(ManualClock::default());
    let home = Volatile::create(clock.clone(), seed);
    runtime.block_on(play_all(Box::new(home), clock, steps));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..Default::default() })]

    #[test]
    fn the_register_is_what_the_model_is_on_a_disk_that_forgets(
        steps in steps(),
        seed in any::<u64>(),
    ) {
        play_on_a_disk_that_forgets(steps, seed);
    }
}
