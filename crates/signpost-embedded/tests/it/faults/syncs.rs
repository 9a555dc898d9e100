//! Syncs that fail: what was to be written counts as written, is read back, and never is.

use std::path::Path;
use std::sync::Arc;

use signpost_core::store::{CommitError, StoreError};
use signpost_core::testing::put_records;
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::disk::volatile::{Operation, OperationKind};
use signpost_embedded::error::Failure;
use signpost_embedded::store::EmbeddedStore;

use super::Machine;
use crate::catching::empty_commit;
use crate::support::finish_turn;

const INDETERMINATE: Result<signpost_core::id::Receipt, CommitError> =
    Err(CommitError::Store(StoreError::Indeterminate));

fn is_journal(path: &Path) -> bool {
    path.to_string_lossy().contains("/journal-")
}

/// What the next start finds in the cache is shown, so it must be on the disk: were the tail synced
/// where it lies, the sync would succeed and write nothing.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_sync_of_the_journal_the_next_start_writes_the_tail_anew() {
    let mut machine = Machine::start().await;
    machine.faults.fail_sync(is_journal, 1);
    let commit = put_records(&*machine.store(), []).await;
    assert_eq!(commit, INDETERMINATE);
    assert_eq!(machine.failure().await, Failure::JournalNotSynced);
    assert_eq!(
        put_records(&*machine.store(), []).await,
        INDETERMINATE,
        "and so are all later ones"
    );

    let acknowledged = 3;
    machine.start_again().await;
    assert_eq!(machine.journal_files(1), 2);
    let shown = machine.shown().await;
    assert_eq!(shown, acknowledged + 1, "it is in the cache");
    put_records(&*machine.store(), []).await.unwrap();
    machine.start_after_power_cut().await;
    assert_eq!(machine.shown().await, shown + 1);
    machine.twin.catch_up([empty_commit().await, empty_commit().await]).await;
    machine.compare().await;
    machine.world.skip_requests(1000);
    machine.world.record(2, 0).await;
    machine.compare().await;
}

/// The drain writes entries and openings after they were acknowledged: nothing is lost with them.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_sync_of_entries_or_openings_they_are_written_anew() {
    for part in ["/entries-", "/segment-"] {
        let mut machine = Machine::start().await;
        let which = move |path: &Path| {
            let path = path.to_string_lossy();
            path.contains(part) && !path.contains(".key")
        };
        machine.faults.fail_sync(which, 1);
        assert_eq!(machine.failure().await, Failure::LedgerNotSynced);
        assert_eq!(put_records(&*machine.store(), []).await, INDETERMINATE);
        machine.start_again().await;
        machine.compare().await;
        machine.world.record(2, 0).await;
        machine.start_after_power_cut().await;
        machine.compare().await;
        let verified = {
            machine.store().close().await.unwrap();
            let options = crate::support::options_on(
                machine.directory.path(),
                Arc::new(signpost_embedded::disk::os::OsDisk),
            );
            signpost_embedded::verify::verify(&options.unwrap()).unwrap()
        };
        assert_eq!(verified.openings, 3, "{part}");
    }
}

/// The mark is a witness, and no more: commits go on without it.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_the_mark_stops_nothing() {
    let mut machine = Machine::start().await;
    machine.faults.fail_sync(|path| path.to_string_lossy().contains("high-water-mark"), 1);
    machine.world.record(1, 0).await;
    machine.wait_until_drained().await;
    assert_eq!(*machine.store().failure().borrow(), None);
    machine.world.record(2, 0).await;
    machine.store().close().await.unwrap();
    machine.start_again().await;
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// The name of a new key may be in memory alone: then the openings under it would be lost.
#[tokio::test(flavor = "multi_thread")]
async fn the_key_of_a_segment_whose_name_was_not_synced_is_written_anew() {
    let machine = Machine::start().await;
    machine.world.ask(0).await; // the third opening, which fills the segment
    let openings = machine.data().join("openings");
    machine.faults.fail_sync(move |path| path == openings, 1);
    machine.assert_takes_no_question().await;
    assert_eq!(*machine.store().failure().borrow(), None);
    machine.world.ask(2).await;
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// Whether the next generation is in use is unknown then: the next start looks, and writes CURRENT
/// anew before it destroys the key of either.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_sync_of_current_either_generation_is_whole_whatever_happens_next() {
    let mut died = 0;
    for at in 0.. {
        let mut machine = Machine::start().await;
        let carry = Arc::new(Compaction { now: machine.options.clock.now() });
        let next = machine.twin.prepare(carry).await.unwrap().generation;
        machine.world.record(2, 0).await;
        let data = machine.data().to_owned();
        machine.faults.fail_sync(move |path| path == data, 1);
        assert_eq!(machine.store().switch(next).await, Err(StoreError::Indeterminate));
        assert_eq!(machine.failure().await, Failure::NotSwitched);
        assert_eq!(put_records(&*machine.store(), []).await, INDETERMINATE);
        let _failed = machine.store().close().await;

        let before = machine.faults.count();
        machine.faults.die(before + at, signpost_embedded::disk::volatile::When::After);
        let opened = EmbeddedStore::open(&machine.options);
        if let Ok(opened) = opened {
            let _either = finish_turn(&opened.store).await;
            let _either = opened.store.close().await;
        }
        let is_over = !machine.faults.is_off();
        machine.start_after_power_cut().await;
        machine.compare().await;
        if is_over {
            break;
        }
        died += 1;
    }
    assert!(died > 5, "{died}");
}

/// Nothing rests on the next generation yet.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_the_fill_fails_the_turn_alone() {
    let mut machine = Machine::start().await;
    machine.faults.fail_sync(|path| path.to_string_lossy().contains("0002/journal-0000000001"), 2);
    let carry = Arc::new(Compaction { now: machine.options.clock.now() });
    let prepared = machine.store().prepare(carry.clone()).await;
    assert_eq!(prepared, Err(StoreError::Unavailable));
    assert!(!machine.data().join("generation-0000000002").exists());
    machine.world.record(2, 0).await;
    let next = machine.twin.prepare(carry).await.unwrap().generation;
    machine.twin.switch(next).await.unwrap();
    machine.twin.destroy(next - 1).await.unwrap();
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// A destruction that has failed is done again, and the key is gone then.
#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_a_destroyed_key_is_no_destruction() {
    let machine = Machine::start().await;
    let keyring = machine.options.mark_dir.clone();
    let before = machine.names(&keyring);
    let carry = Arc::new(Compaction { now: machine.options.clock.now() });
    let next = machine.twin.prepare(carry).await.unwrap().generation;
    machine.twin.switch(next).await.unwrap();
    machine.faults.fail_sync(|path| path.to_string_lossy().contains("/key-"), 1);
    assert_eq!(machine.store().destroy(next - 1).await, Err(StoreError::Unavailable));
    let destroyed = machine.twin.destroy(next - 1).await.unwrap();
    assert_eq!(destroyed.keys.len(), 1);
    assert!(destroyed.keys[0].method.contains("overwritten"));
    assert_eq!(machine.names(&keyring).len(), before.len());
    machine.start_after_power_cut().await;
    machine.compare().await;
}

/// The files are gone by name, and may be back after a power cut: what is left to do is the sync.
#[tokio::test(flavor = "multi_thread")]
async fn a_destruction_whose_last_sync_failed_is_done_again() {
    let machine = Machine::start().await;
    let carry = Arc::new(Compaction { now: machine.options.clock.now() });
    let next = machine.twin.prepare(carry).await.unwrap().generation;
    machine.twin.switch(next).await.unwrap();
    let data = machine.data().to_owned();
    machine.faults.fail_sync(move |path| path == data, 1);
    assert_eq!(machine.store().destroy(next - 1).await, Err(StoreError::Unavailable));
    machine.faults.record();
    let destroyed = machine.twin.destroy(next - 1).await.unwrap();
    assert!(destroyed.files > 2, "what there was is told of, not what was left: {destroyed:?}");
    assert!(destroyed.keys[0].method.contains("overwritten"), "as when it went: {destroyed:?}");
    let operations = machine.faults.operations();
    let synced =
        |done: &Operation| done.kind == OperationKind::SyncDirectory && done.path == machine.data();
    assert!(operations.iter().any(synced), "{operations:?}");
    machine.start_after_power_cut().await;
    machine.compare().await;
}
