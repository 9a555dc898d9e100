//! No space, and a slow disk, without a failed sync: the store says so, and is back by itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signpost_core::store::{Clock, CommitError, StoreError};
use signpost_core::testing::{ManualClock, put_records};
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::disk::volatile::VolatileDisk;
use signpost_embedded::store::{Condition, EmbeddedStore};

use super::Machine;
use crate::catching::empty_commit;
use crate::support::options_on;

#[tokio::test(flavor = "multi_thread")]
async fn without_space_nothing_is_acknowledged_and_with_space_all_goes_on() {
    let mut machine = Machine::start().await;
    let store = machine.store();
    machine.faults.no_space(0);
    machine.assert_takes_no_question().await;
    assert_eq!(store.condition(), Condition::Full);
    machine.assert_takes_no_question().await;
    assert_eq!(*store.failure().borrow(), None, "and is no failure");

    machine.faults.space_again();
    let begun = Instant::now();
    machine.wait_for(Condition::Writable).await;
    assert!(begun.elapsed() < Duration::from_secs(3));
    machine.world.record(1, 0).await;
    machine.compare().await;
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// What the service itself has to put on record, its stop above all, finds the reserve.
#[tokio::test(flavor = "multi_thread")]
async fn without_space_the_service_can_still_put_its_stop_on_record() {
    let machine = Machine::start().await;
    let store = machine.store();
    machine.faults.no_space(0);
    machine.assert_takes_no_question().await;
    assert_eq!(store.condition(), Condition::Full);
    put_service_entry(&machine).await;
    assert_eq!(store.condition(), Condition::Full);
    store.close().await.unwrap();
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// While the store looks for space, it holds what the reserve has left for a moment.
async fn put_service_entry(machine: &Machine) {
    let begun = Instant::now();
    loop {
        match put_records(&*machine.store(), []).await {
            Err(CommitError::Store(StoreError::Unavailable)) => {
                assert!(begun.elapsed() < Duration::from_secs(5));
            }
            outcome => {
                outcome.unwrap();
                let commit = empty_commit().await;
                return machine.twin.catch_up([commit]).await;
            }
        }
    }
}

/// However far the turn comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_turn_without_space_leaves_nothing_and_a_later_one_works() {
    let mut machine = Machine::start().await;
    let mut failed = 0;
    for left in [0, 20, 100, 140, 200, 300, 1000, 4000, 20_000] {
        let (root, keyring) = (machine.data().to_owned(), machine.options.mark_dir.clone());
        let before = (machine.names(&root), machine.names(&keyring));
        machine.faults.no_space(left);
        let carry = Arc::new(Compaction { now: machine.options.clock.now() });
        let prepared = machine.store().prepare(carry).await;
        machine.faults.space_again();
        if prepared.is_ok() {
            break;
        }
        assert_eq!(prepared, Err(StoreError::Unavailable));
        let after = (machine.names(&root), machine.names(&keyring));
        assert_eq!(after, before, "with {left} bytes left");
        machine.wait_for(Condition::Writable).await;
        machine.world.record(1, 0).await;
        failed += 1;
    }
    assert!(failed > 5, "{failed}");
    let carry = Arc::new(Compaction { now: machine.options.clock.now() });
    let next = machine.twin.prepare(carry).await.unwrap().generation;
    machine.twin.switch(next).await.unwrap();
    machine.twin.destroy(next - 1).await.unwrap();
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// `CURRENT` is not written: the generation in use stays so, and the store is no worse for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_without_space_fails_and_a_later_turn_works() {
    let mut machine = Machine::start().await;
    let carry = || Arc::new(Compaction { now: ManualClock::default().now() });
    let next = machine.twin.prepare(carry()).await.unwrap().generation;
    machine.wait_until_drained().await;
    machine.faults.no_space(0);
    assert_eq!(machine.store().switch(next).await, Err(StoreError::Unavailable));
    assert_eq!(*machine.store().failure().borrow(), None);
    machine.faults.space_again();
    machine.wait_for(Condition::Writable).await;
    let unused = machine.data().join("generation-0000000002");
    assert!(machine.disk.status(&unused).is_err(), "nothing is left of it");
    machine.world.record(1, 0).await;
    let next = machine.twin.prepare(carry()).await.unwrap().generation;
    machine.twin.switch(next).await.unwrap();
    machine.twin.destroy(next - 1).await.unwrap();
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// A fill ran the disk full, and the process ended: what never came into use goes before anything
/// is written.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_on_a_full_disk_removes_what_never_came_into_use() {
    let machine = Machine::start().await;
    machine.store().close().await.unwrap();
    let unused = machine.data().join("generation-0000000002");
    machine.disk.create_directory(&unused).unwrap();
    machine.faults.no_space(0);
    machine.start_again().await;
    assert!(machine.disk.status(&unused).is_err());
    machine.faults.space_again();
    machine.wait_for(Condition::Writable).await;
    machine.compare().await;
}

/// The store was full when the process ended, and is full when the next one starts.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_without_space_begins_full() {
    let mut machine = Machine::start().await;
    machine.store().close().await.unwrap();
    machine.disk.remove_file(&machine.data().join("reserve")).unwrap();
    machine.faults.no_space(4096);
    machine.start_again().await;
    assert_eq!(machine.store().condition(), Condition::Full);
    machine.assert_takes_no_question().await;
    machine.faults.space_again();
    machine.wait_for(Condition::Writable).await;
    machine.world.record(1, 0).await;
    machine.compare().await;
}

/// After a power cut the tail has to be copied: where there is no room for it, the start is refused,
/// by name, and nothing is lost.
#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_needs_space_is_refused_until_there_is_some() {
    let machine = Machine::start().await;
    machine.faults.cut_power();
    let _failed = machine.store().close().await;

    let disk = VolatileDisk::new();
    disk.faults().no_space(100);
    let options = options_on(machine.directory.path(), Arc::new(disk.clone())).unwrap();
    let error = EmbeddedStore::open(&options).unwrap_err().to_string();
    assert!(error.contains("journal-0000000002") && error.contains("not full"), "{error}");
    disk.faults().space_again();
    machine.twin.replace(EmbeddedStore::open(&options).unwrap().store);
    machine.compare().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_disk_is_said_to_be_and_is_over_by_itself() {
    let mut machine =
        Machine::start_with(|options| options.slow_after = Duration::from_millis(50)).await;
    machine.faults.slow_sync(Duration::from_secs(10));
    let store = machine.store();
    let commit = tokio::spawn({
        let store = Arc::clone(&store);
        async move { put_records(&*store, []).await }
    });
    machine.wait_for(Condition::Slow).await;
    machine.faults.slow_sync(Duration::ZERO);
    commit.await.unwrap().unwrap();
    machine.wait_for(Condition::Writable).await;
    assert_eq!(*store.failure().borrow(), None);
    machine.twin.catch_up([empty_commit().await]).await;
    machine.world.record(1, 0).await;
    machine.compare().await;
}

/// sled cannot be asked to take a write back, so it must not be the first to find no space.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_nearly_full_counts_as_full_before_a_write_fails() {
    const NEARLY_NOTHING: Option<u64> = Some(1 << 20);
    let mut machine = Machine::start().await;
    machine.faults.tell_free(NEARLY_NOTHING);
    machine.assert_takes_no_question().await;
    assert_eq!(machine.store().condition(), Condition::Full);
    put_service_entry(&machine).await;
    machine.faults.tell_free(None);
    machine.wait_for(Condition::Writable).await;
    machine.world.record(1, 0).await;

    machine.faults.tell_free(NEARLY_NOTHING);
    machine.wait_for(Condition::Full).await; // by itself, for nobody asks
    let carry = Arc::new(Compaction { now: machine.options.clock.now() });
    assert_eq!(machine.store().prepare(carry).await, Err(StoreError::Unavailable));
    machine.faults.tell_free(None);
    machine.wait_for(Condition::Writable).await;
    assert_eq!(*machine.store().failure().borrow(), None);
    machine.start_after_power_cut().await;
    machine.compare().await;
}
