//! The power is cut before and after every single operation of a store's life: whatever was
//! acknowledged is there, and nothing is there by half.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::memory::MemoryStore;
use signpost_core::record::{RecordKey, Scope, Stored};
use signpost_core::store::{CommitError, Store, StoreError};
use signpost_core::turn::{Carry, Compaction, Destroyed, Prepared};
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::disk::volatile::{VolatileDisk, When};
use signpost_embedded::error::OpenError;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::{options_on, remove};
use crate::twin::{ALL, Twin};
use crate::world::{World, first_light};

const CHILDREN: u8 = 2;

/// A store that remembers its commits. Whoever commits after the power was cut waits for ever, as
/// the caller of a process that is gone.
#[derive(Debug)]
struct Life {
    store: EmbeddedStore,
    past: Arc<Past>,
}

/// What a life has come to.
#[derive(Debug, Default)]
struct Past {
    acknowledged: Mutex<Vec<Commit>>,
    unanswered: Mutex<Option<Commit>>,
    is_over: Notify,
}

#[async_trait]
impl Store for Life {
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let read = self.store.read(key).await;
        self.unless_over(read).await
    }

    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError> {
        let scanned = self.store.scan(scope, after, limit).await;
        self.unless_over(scanned).await
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let outcome = self.store.commit(commit.clone()).await;
        match outcome {
            Ok(_) => self.past.acknowledged.lock().unwrap().push(commit),
            Err(CommitError::Store(_)) => {
                self.past.unanswered.lock().unwrap().replace(commit);
                self.past.is_over.notify_one();
                std::future::pending::<()>().await;
            }
            Err(CommitError::PreconditionFailed) => {}
        }
        outcome
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.store.entries(from, limit).await;
        self.unless_over(entries).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        let openings = self.store.openings(from, limit).await;
        self.unless_over(openings).await
    }

    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let prepared = self.store.prepare(carry).await;
        self.unless_over(prepared).await
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let switched = self.store.switch(generation).await;
        self.unless_over(switched).await
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        let destroyed = self.store.destroy(generation).await;
        self.unless_over(destroyed).await
    }
}

impl Life {
    async fn unless_over<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if outcome.is_err() {
            self.past.is_over.notify_one();
            std::future::pending::<()>().await;
        }
        outcome
    }
}

/// Makes a store, works with it, closes it, and does so again; each as far as there is power.
/// Returns whether the store was made.
async fn live(directory: &Path, disk: Arc<dyn Disk>, past: &Arc<Past>) -> bool {
    let Some(options) = options_on(directory, disk) else { return false };
    if EmbeddedStore::create(&options).is_err() {
        return false;
    }
    for part in 0..2 {
        let Ok(opened) = EmbeddedStore::open(&options) else { break };
        let life = Arc::new(Life { store: opened.store, past: Arc::clone(past) });
        tokio::select! {
            () = work(Arc::clone(&life), &options, part) => {}
            () = past.is_over.notified() => {}
        }
        if life.store.close().await.is_err() {
            break;
        }
    }
    true
}

async fn work(life: Arc<Life>, options: &Options, part: u64) {
    if part == 0 {
        first_light(&*life).await;
    }
    let clock = Arc::clone(&options.clock);
    let mut world = World::start(Arc::clone(&life) as Arc<dyn Store>, Arc::clone(&clock)).await;
    world.skip_requests(part * 1000);
    let (flag, _) = world.record(0, 0).await;
    world.ask(0).await;
    if part == 0 {
        world.record(1, 1).await;
        let carry = Arc::new(Compaction { now: clock.now() });
        let next = life.prepare(carry).await.unwrap().generation;
        world.shield_and_lift(0).await;
        life.switch(next).await.unwrap();
        life.destroy(next - 1).await.unwrap();
    }
    world.end(0, flag).await;
    world.ask(1).await;
}

/// Opens what a power cut has left on the real disk, and compares all of it.
async fn look(directory: &Path, was_made: bool, past: &Past) -> Result<(), String> {
    let options = options_on(directory, Arc::new(OsDisk)).unwrap();
    let opened = match EmbeddedStore::open(&options) {
        Err(OpenError::NotADataDirectory { .. }) if !was_made => {
            if options.data_dir.exists() {
                remove(&options.data_dir);
            }
            EmbeddedStore::create(&options).map_err(|error| format!("{error:?}"))?;
            EmbeddedStore::open(&options)
        }
        opened => opened,
    };
    let store = opened.map_err(|error| error.to_string())?.store;
    let count = store.entries(Receipt(0), ALL).await.unwrap().len();
    let mut commits = past.acknowledged.lock().unwrap().clone();
    let acknowledged = commits.len();
    commits.extend(past.unanswered.lock().unwrap().clone());
    if count < acknowledged || count > commits.len() {
        return Err(format!("{count} commits, {acknowledged} acknowledged"));
    }
    let reference = MemoryStore::new(Arc::clone(&options.clock));
    for commit in &commits[..count] {
        reference.commit(commit.clone()).await.unwrap();
    }
    let twin = Twin::new(reference, store);
    twin.compare(CHILDREN).await;
    // It goes on from there.
    let commit = signpost_core::testing::put_records(&twin, []).await.unwrap();
    assert_eq!(commit.0, count as u64);
    twin.embedded().close().await.map_err(|error| error.to_string())
}

/// Lives once, with faults, and looks at what is left. Returns the count of operations.
async fn live_and_look(seed: Option<u64>, death: Option<(u64, When)>) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    if let Some(seed) = seed {
        faults.write_back(seed);
    }
    if let Some((at, when)) = death {
        faults.die(at, when);
    }
    let past = Arc::default();
    let was_made = live(directory.path(), Arc::new(disk), &past).await;
    let count = faults.count();
    faults.cut_power();
    let outcome = look(directory.path(), was_made, &past).await;
    outcome.unwrap_or_else(|error| panic!("{seed:?} {death:?}: {error}"));
    count
}

/// Lives and dies often, a few lives at a time: they wait for the real disk most of it.
async fn live_and_look_often(deaths: impl Iterator<Item = (Option<u64>, (u64, When))>) {
    const AT_A_TIME: usize = 8;
    let mut lives = JoinSet::new();
    for (seed, death) in deaths {
        if lives.len() == AT_A_TIME {
            lives.join_next().await.unwrap().unwrap();
        }
        lives.spawn(live_and_look(seed, Some(death)));
    }
    for life in lives.join_all().await {
        assert!(life > 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_before_or_after_any_operation_loses_nothing_that_was_acknowledged() {
    let count = live_and_look(None, None).await;
    assert!(count > 100, "{count} operations");
    let deaths = (0..count).flat_map(|at| [(at, When::Before), (at, When::After)]);
    live_and_look_often(deaths.map(|death| (None, death))).await;
}

/// What is not synced may be on the disk all the same, in pieces.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_that_tears_what_was_not_synced_loses_nothing_either() {
    const SEEDS: u64 = 2;
    let count = live_and_look(Some(0), None).await;
    let deaths = (0..SEEDS * count).map(|seed| (Some(seed), (seed % count, When::Before)));
    live_and_look_often(deaths).await;
}
