//! The power is cut before and after every single operation of a store's life: whatever was
//! acknowledged is there, and nothing is there by half.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use signpost_core::id::Receipt;
use signpost_core::memory::MemoryStore;
use signpost_core::store::{Clock, Store};
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::disk::Disk;
use signpost_embedded::disk::os::OsDisk;
use signpost_embedded::disk::volatile::{OperationKind, VolatileDisk, When};
use signpost_embedded::error::OpenError;
use signpost_embedded::options::Options;
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::verify;
use tokio::task::JoinSet;

use crate::catching::empty_commit;
use crate::erasing::{CarryAll, EverySecond};
use crate::life::{Life, Past};
use crate::support::{copy, finish_turn, options_on, remove};
use crate::twin::{ALL, Twin};
use crate::world::{World, first_light};

const CHILDREN: u8 = 4;

/// Whether one commit waits at a time, or several.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Alone,
    Together,
}

/// Makes a store, works with it, closes it, and does so again; each as far as there is power.
/// Returns whether the store was made.
async fn live(directory: &Path, disk: Arc<dyn Disk>, past: &Arc<Past>, manner: Manner) -> bool {
    let Some(options) = options_on(directory, disk) else { return false };
    if EmbeddedStore::create(&options).is_err() {
        return false;
    }
    for part in 0..2 {
        let Ok(opened) = EmbeddedStore::open(&options) else { break };
        let life = Arc::new(Life { store: opened.store, past: Arc::clone(past) });
        let work = async {
            match manner {
                Manner::Alone => work(Arc::clone(&life), &options, part).await,
                Manner::Together => work_together(&life, &options, part).await,
            }
        };
        tokio::select! {
            () = work => {}
            () = past.is_over.notified() => {}
        }
        if life.store.close().await.is_err() {
            break;
        }
    }
    true
}

/// Several at a time, so that a batch has more than one commit; a turn goes on meanwhile.
async fn work_together(life: &Arc<Life>, options: &Options, part: u64) {
    if part == 0 {
        first_light(&**life).await;
    }
    let mut workers = JoinSet::new();
    for child in 0..CHILDREN {
        let store = Arc::clone(life) as Arc<dyn Store>;
        let clock: Arc<dyn Clock> = Arc::clone(&options.clock);
        workers.spawn(async move {
            let seed = 10 * part + u64::from(child);
            let mut world = World::start_from(seed, store, clock).await;
            world.skip_requests(seed * 1000);
            let (flag, _) = world.record(child, 0).await;
            world.ask((child + 1) % CHILDREN).await;
            world.end(child, flag).await;
            world.shield_and_lift(child).await;
        });
    }
    if part == 0 {
        let carry = Arc::new(Compaction { now: options.clock.now() });
        let next = life.prepare(carry).await.unwrap().generation;
        life.switch(next).await.unwrap();
        life.destroy(next - 1).await.unwrap();
    }
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}

async fn work(life: Arc<Life>, options: &Options, part: u64) {
    if part == 0 {
        first_light(&*life).await;
    }
    let clock = Arc::clone(&options.clock);
    let store = Arc::clone(&life) as Arc<dyn Store>;
    let mut world = World::start_from(1 + part, store, Arc::clone(&clock)).await;
    world.skip_requests(part * 1000);
    let (flag, _) = world.record(0, 0).await;
    world.ask(0).await;
    if part == 0 {
        world.record(1, 1).await;
        let carry = Arc::new(Compaction { now: clock.now() });
        let next = life.prepare(carry).await.unwrap().generation;
        world.shield_and_lift(0).await;
        life.switch(next).await.unwrap();
        let below = Receipt(life.entries(Receipt(0), ALL).await.unwrap().len() as u64);
        life.destroy(next - 1).await.unwrap();
        life.erase(Arc::new(EverySecond), below).await.unwrap();
    }
    world.end(0, flag).await;
    world.ask(1).await;
}

/// Opens what a power cut has left on the real disk, and compares all of it.
async fn look(directory: &Path, was_made: bool, past: &Past) -> Result<(), String> {
    look_on(Arc::new(OsDisk), directory, was_made, past).await
}

async fn look_on(
    disk: Arc<dyn Disk>,
    directory: &Path,
    was_made: bool,
    past: &Past,
) -> Result<(), String> {
    let options = options_on(directory, disk).unwrap();
    if past.erasing().is_some() {
        verify(&options).map_err(|error| format!("verifying: {error}"))?;
    }
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
    let entries = store.entries(Receipt(0), ALL).await.unwrap();
    let reference = MemoryStore::new(Arc::clone(&options.clock));
    for commit in past.commits_of(&entries)? {
        let outcome = reference.commit(commit).await;
        outcome.map_err(|error| format!("the order of entries is not the commits': {error}"))?;
    }
    let is_turned = options.data_dir.join("generation-0000000002").exists();
    finish_turn(&store).await.map_err(|error| error.to_string())?;
    let told = store.unfinished().await.unwrap().unrecorded;
    if told.iter().any(|destroyed| destroyed.generation == 1) != is_turned {
        return Err(format!("of the first generation it tells {told:?}"));
    }
    if let Some(below) = past.erasing() {
        let erased = erase_again(&reference, &store, below).await;
        erased.map_err(|error| format!("erasing below {below:?}: {error}"))?;
    }
    let twin = Twin::new(reference, store);
    if let Some(difference) = twin.difference(CHILDREN).await {
        return Err(difference);
    }
    // It goes on from there.
    let commit = empty_commit().await;
    past.add(commit.clone());
    assert_eq!(twin.commit(commit).await, Ok(Receipt(entries.len() as u64)));
    twin.embedded().close().await.map_err(|error| error.to_string())
}

/// An erasure that was cut short has erased nothing but what it should, each segment wholly or not at
/// all; done again it ends as if it had not been cut short, and tells of all.
async fn erase_again(
    reference: &MemoryStore,
    store: &EmbeddedStore,
    below: Receipt,
) -> Result<(), String> {
    let next = reference.prepare(Arc::new(CarryAll)).await.unwrap().generation;
    reference.switch(next).await.unwrap();
    reference.destroy(next - 1).await.unwrap();
    let before = reference.openings(Receipt(0), ALL).await.unwrap();
    let expected = reference.erase(Arc::new(EverySecond), below).await.unwrap();
    let stays = reference.openings(Receipt(0), ALL).await.unwrap();
    let found = store.openings(Receipt(0), ALL).await.map_err(|error| error.to_string())?;
    if !stays.iter().all(|one| found.contains(one)) || !found.iter().all(|one| before.contains(one))
    {
        return Err("openings are gone that nobody has erased".to_owned());
    }
    let segments = expected.openings.min(1);
    for _ in 0..2 {
        let again = store.erase(Arc::new(EverySecond), below).await;
        let again = again.map_err(|error| error.to_string())?;
        let as_told = again.openings == expected.openings && again.segments >= segments;
        if !as_told || again.keys.len() as u64 != again.segments {
            return Err(format!("it tells {again:?}, not {expected:?}"));
        }
        if store.unfinished().await.unwrap().erased != again {
            return Err("it is not remembered".to_owned());
        }
    }
    Ok(())
}

/// A disk that writes early by this seed, and loses its power there.
fn disk_that_dies(seed: Option<u64>, death: Option<Death>) -> VolatileDisk {
    let disk = VolatileDisk::new();
    if let Some(seed) = seed {
        disk.faults().write_back(seed);
    }
    if let Some((at, when)) = death {
        disk.faults().die(at, when);
    }
    disk
}

type Death = (u64, When);

/// Lives once, with faults, and looks at what is left. Returns the count of operations.
async fn live_and_look(manner: Manner, seed: Option<u64>, death: Option<Death>) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let disk = disk_that_dies(seed, death);
    let faults = disk.faults();
    if let Manner::Together = manner {
        faults.slow_sync(Duration::from_millis(2)); // whoever comes meanwhile waits for the next batch
    }
    let past = Arc::default();
    let was_made = live(directory.path(), Arc::new(disk), &past, manner).await;
    let count = faults.count();
    faults.cut_power();
    let outcome = look(directory.path(), was_made, &past).await;
    outcome.unwrap_or_else(|error| panic!("{manner:?} {seed:?} {death:?}: {error}"));
    count
}

/// Lives and dies often, a few lives at a time: they wait for the real disk most of it.
async fn live_and_look_often(manner: Manner, deaths: impl Iterator<Item = (Option<u64>, Death)>) {
    let mut lives = JoinSet::new();
    for (seed, death) in deaths {
        make_room(&mut lives).await;
        lives.spawn(live_and_look(manner, seed, Some(death)));
    }
    for life in lives.join_all().await {
        assert!(life > 0);
    }
}

async fn make_room<T: 'static>(lives: &mut JoinSet<T>) {
    const AT_A_TIME: usize = 8;
    if lives.len() == AT_A_TIME {
        lives.join_next().await.unwrap().unwrap();
    }
}

/// Lives and dies once; then the recovery dies at each of its operations, each time from the same
/// remains, and what that leaves is looked at. Returns how often it died.
async fn die_again_and_again(seed: Option<u64>, death: Death) -> u64 {
    let directory = tempfile::tempdir().unwrap();
    let past: Arc<Past> = Arc::default();
    let disk = disk_that_dies(seed, Some(death));
    let faults = disk.faults();
    let was_made = live(directory.path(), Arc::new(disk), &past, Manner::Alone).await;
    faults.cut_power();
    for at in 0.. {
        let remains = tempfile::tempdir().unwrap();
        copy(directory.path(), remains.path());
        let disk = disk_that_dies(seed, Some((at, When::After)));
        let faults = disk.faults();
        if let Some(options) = options_on(remains.path(), Arc::new(disk))
            && let Ok(opened) = EmbeddedStore::open(&options)
        {
            let _either = finish_turn(&opened.store).await;
            let _either = opened.store.close().await;
        }
        let has_died = faults.is_off();
        faults.cut_power();
        let outcome = look(remains.path(), was_made, &past.as_it_is()).await;
        outcome.unwrap_or_else(|error| panic!("{seed:?} {death:?}, then {at}: {error}"));
        if !has_died {
            return at;
        }
    }
    unreachable!("a recovery ends")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_before_or_after_any_operation_loses_nothing_that_was_acknowledged() {
    let count = live_and_look(Manner::Alone, None, None).await;
    assert!(count > 100, "{count} operations");
    let deaths = (0..count).flat_map(|at| [(at, When::Before), (at, When::After)]);
    live_and_look_often(Manner::Alone, deaths.map(|death| (None, death))).await;
}

/// What is not synced may be on the disk all the same, in pieces.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_that_tears_what_was_not_synced_loses_nothing_either() {
    const SEEDS: u64 = 2;
    let count = live_and_look(Manner::Alone, Some(0), None).await;
    let deaths = (0..SEEDS * count).map(|seed| (Some(seed), (seed % count, When::Before)));
    live_and_look_often(Manner::Alone, deaths).await;
}

/// Batches of several commits are there as a whole or not at all, and in one order.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_power_cut_while_several_commit_loses_nothing_that_was_acknowledged() {
    let count = live_and_look(Manner::Together, Some(0), None).await;
    let deaths = (0..count).step_by(4).map(|seed| (Some(seed), (seed, When::Before)));
    live_and_look_often(Manner::Together, deaths).await;
}

/// A recovery that is cut short is recovered from.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_second_power_cut_at_any_operation_of_the_recovery_loses_nothing_either() {
    const FIRST_DEATHS: u64 = 7;
    let count = live_and_look(Manner::Alone, None, None).await;
    let mut lives = JoinSet::new();
    for nth in 1..FIRST_DEATHS {
        let seed = (nth % 2 == 0).then_some(nth);
        lives.spawn(die_again_and_again(seed, (nth * count / FIRST_DEATHS, When::After)));
    }
    let died: u64 = lives.join_all().await.into_iter().sum();
    assert!(died > 50, "{died}");
}

/// Any one sync fails, and what it was to write is lost though it can be read: whatever the next start
/// on the same machine shows is there after a power cut too, also where a sync of that start fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn any_one_sync_that_fails_loses_nothing_that_was_acknowledged_or_shown() {
    let count = count_syncs().await;
    assert!(count > 50, "{count} syncs");
    let mut lives = JoinSet::new();
    for nth in 1..=count {
        make_room(&mut lives).await;
        lives.spawn(live_with_failed_sync(nth, nth % 5));
    }
    lives.join_all().await;
}

async fn count_syncs() -> u64 {
    use OperationKind::{SyncAll, SyncData, SyncDirectory};
    let directory = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    faults.record();
    live(directory.path(), Arc::new(disk), &Arc::default(), Manner::Alone).await;
    let is_sync = |kind| matches!(kind, SyncAll | SyncData | SyncDirectory);
    faults.operations().iter().filter(|operation| is_sync(operation.kind)).count() as u64
}

/// The nth sync fails; and of the next start the one of this number, if it is not 0.
async fn live_with_failed_sync(nth: u64, then: u64) {
    let directory = tempfile::tempdir().unwrap();
    let disk = VolatileDisk::new();
    let faults = disk.faults();
    let disk: Arc<dyn Disk> = Arc::new(disk);
    faults.fail_sync(|_| true, nth);
    let past = Arc::default();
    let was_made = live(directory.path(), Arc::clone(&disk), &past, Manner::Alone).await;
    let told = |error| panic!("sync {nth}, then {then}: {error}");
    if was_made {
        if then > 0 {
            let options = options_on(directory.path(), Arc::clone(&disk)).unwrap();
            let is_over = Arc::new(AtomicBool::new(false));
            let is_meant = Arc::clone(&is_over);
            faults.fail_sync(move |_| !is_meant.load(Ordering::Relaxed), then);
            if let Ok(opened) = EmbeddedStore::open(&options) {
                let _either = finish_turn(&opened.store).await;
                let _either = opened.store.close().await;
            }
            is_over.store(true, Ordering::Relaxed);
        }
        look_on(disk, directory.path(), was_made, &past).await.unwrap_or_else(told);
    }
    faults.cut_power();
    look(directory.path(), was_made, &past).await.unwrap_or_else(told);
}
