//! What may come between the steps of a turn: a closing, a step that nobody waits for, a store that
//! is full.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use signpost_core::faulty::{Call, Fault, FaultyStore};
use signpost_core::id::Receipt;
use signpost_core::record::Record;
use signpost_core::store::{Clock, Store, StoreError};
use signpost_core::testing::ManualClock;
use signpost_core::turn::{Carry, Compaction, Generations, Unfinished};
use signpost_embedded::error::OpenError;
use signpost_embedded::keyring::{DestructionReceipt, KeyError, KeyId, KeySource, WrappedKey};
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::verify;
use zeroize::Zeroizing;

use crate::support::Place;
use crate::world::{World, first_light};

/// Carries all over, once it is let.
#[derive(Debug, Default)]
struct Held {
    is_asked: AtomicBool,
    let_go: Mutex<bool>,
    told: Condvar,
}

impl Held {
    fn hold(&self) {
        *self.let_go.lock().unwrap() = false;
        self.is_asked.store(false, Ordering::SeqCst);
    }

    async fn wait_until_asked(&self) {
        while !self.is_asked.load(Ordering::SeqCst) {
            tokio::task::yield_now().await;
        }
    }

    fn let_go(&self) {
        *self.let_go.lock().unwrap() = true;
        self.told.notify_all();
    }
}

impl Carry for Held {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        self.is_asked.store(true, Ordering::SeqCst);
        let held = self.let_go.lock().unwrap();
        drop(self.told.wait_while(held, |let_go| !*let_go).unwrap());
        Some(record)
    }
}

/// Carries all over, until it is to break.
#[derive(Debug, Default)]
struct Breaking(AtomicBool);

impl Carry for Breaking {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        assert!(!self.0.load(Ordering::SeqCst), "the rule breaks");
        Some(record)
    }
}

/// Carries all over once it is let, but not for the writer.
#[derive(Debug, Default)]
struct BreakingTheWriter(Held);

impl Carry for BreakingTheWriter {
    fn carry(&self, version: Receipt, record: Record) -> Option<Record> {
        assert_ne!(std::thread::current().name(), Some("signpost-writer"), "the rule breaks");
        self.0.carry(version, record)
    }
}

/// Carries all over but children's heads, once it is let.
#[derive(Debug, Default)]
struct HeldWithoutHeads(Held);

impl Carry for HeldWithoutHeads {
    fn carry(&self, version: Receipt, record: Record) -> Option<Record> {
        self.0.carry(version, record).filter(|record| !matches!(record, Record::Head(_)))
    }
}

/// Keys whose keeper breaks once, instead of destroying one.
#[derive(Debug)]
struct BreakingOnce {
    keys: Arc<dyn KeySource>,
    is_broken: AtomicBool,
}

impl KeySource for BreakingOnce {
    fn create(&self, label: &str, secret: &[u8]) -> Result<WrappedKey, KeyError> {
        self.keys.create(label, secret)
    }

    fn unwrap(&self, wrapped: &WrappedKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.keys.unwrap(wrapped)
    }

    fn destroy(&self, key: &KeyId) -> Result<DestructionReceipt, KeyError> {
        assert!(self.is_broken.swap(true, Ordering::SeqCst), "the keeper breaks");
        self.keys.destroy(key)
    }
}

fn carry_all() -> Arc<dyn Carry> {
    Arc::new(Compaction { now: ManualClock::default().now() })
}

async fn used() -> (Place, Arc<EmbeddedStore>, World) {
    let clock = Arc::new(ManualClock::default());
    let place = Place::create(clock.clone());
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), clock.clone()).await;
    world.record(0, 0).await;
    (place, store, world)
}

fn second_generation(place: &Place) -> std::path::PathBuf {
    place.data().join("generation-0000000002")
}

/// One that changes while the next generation is filled is asked for twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_is_left_behind_counts_once_however_often_it_changes() {
    let (_place, store, mut world) = used().await;
    let held = Arc::new(HeldWithoutHeads::default());
    let filling = tokio::spawn({
        let (store, held) = (store.clone(), held.clone());
        async move { store.prepare(held).await }
    });
    held.0.wait_until_asked().await;
    world.shield_and_lift(0).await;
    held.0.let_go();
    assert_eq!(filling.await.unwrap().unwrap().left, 1);
    store.close().await.unwrap();
}

/// Its destruction asks the clock, and whoever opens a store has not.
#[tokio::test]
async fn a_start_destroys_nothing_that_was_in_use() {
    let (place, store, world) = used().await;
    drop(world);
    let next = store.prepare(carry_all()).await.unwrap().generation;
    store.switch(next).await.unwrap();
    store.close().await.unwrap();
    for _ in 0..2 {
        let store = place.open().store;
        let left = Unfinished { retired: Some(1), ..Unfinished::default() };
        assert_eq!(store.unfinished().await, Ok(left));
        assert!(place.journal().exists());
        assert_eq!(store.prepare(carry_all()).await, Err(StoreError::Busy));
        store.close().await.unwrap();
    }
    let store = place.open().store;
    assert_eq!(store.destroy(1).await.unwrap().keys.len(), 1);
    assert!(!place.journal().exists());
    store.prepare(carry_all()).await.unwrap();
    store.close().await.unwrap();
}

/// What cannot be removed hinders no answer.
#[tokio::test]
async fn a_start_goes_on_beside_a_fill_that_cannot_be_removed() {
    let (place, store, world) = used().await;
    drop(world);
    store.prepare(carry_all()).await.unwrap();
    let keys = second_generation(&place).join("keys");
    let good = std::fs::read(&keys).unwrap();
    store.close().await.unwrap();
    std::fs::create_dir(second_generation(&place)).unwrap();
    std::fs::write(&keys, b"damaged").unwrap();
    let store = Arc::new(place.open().store);
    assert_eq!(store.prepare(carry_all()).await, Err(StoreError::Unavailable));
    std::fs::write(&keys, good).unwrap();
    World::start(store.clone(), Arc::new(ManualClock::default())).await.compact().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn after_a_panic_in_a_destruction_it_is_done_again_and_the_store_closes() {
    for is_closed_first in [false, true] {
        let clock = Arc::new(ManualClock::default());
        let mut place = Place::create(clock);
        let keys = Arc::clone(&place.options.keys);
        place.options.keys = Arc::new(BreakingOnce { keys, is_broken: AtomicBool::new(false) });
        let store = place.open().store;
        let next = store.prepare(carry_all()).await.unwrap().generation;
        store.switch(next).await.unwrap();
        assert_eq!(store.destroy(1).await, Err(StoreError::Damaged));
        assert_eq!(store.unfinished().await.unwrap().retired, Some(1));
        if !is_closed_first {
            assert_eq!(store.destroy(1).await.unwrap().keys.len(), 1);
            store.prepare(carry_all()).await.unwrap();
        }
        store.close().await.unwrap();
        place.open().store.close().await.unwrap();
    }
}

/// The fill that goes on ends before the lock is let go of: whoever opens the directory next meets
/// nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_closes_while_it_fills_leaves_nothing_behind() {
    let (place, store, world) = used().await;
    drop(world);
    let held = Arc::new(Held::default());
    let filling = tokio::spawn({
        let (store, held) = (store.clone(), held.clone());
        async move { store.prepare(held).await }
    });
    held.wait_until_asked().await;
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    while store.read(&signpost_core::record::RecordKey::Service).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(second_generation(&place).exists(), "it is being filled");
    assert!(!closing.is_finished(), "it waits for the fill");
    held.let_go();
    closing.await.unwrap().unwrap();
    assert!(filling.await.unwrap().is_err());
    assert!(!second_generation(&place).exists());
    let opened = place.open();
    assert!(!opened.rebuilt_index);
    opened.store.close().await.unwrap();
}

/// A switch that is given up before the writer has it leaves the store as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_whose_switch_is_given_up_can_be_made_again() {
    let (place, store, world) = used().await;
    let carry = || Arc::new(Compaction { now: ManualClock::default().now() });
    for _ in 0..20 {
        let Ok(prepared) = store.prepare(carry()).await else { continue };
        let switching = tokio::spawn({
            let store = store.clone();
            async move { store.switch(prepared.generation).await }
        });
        tokio::task::yield_now().await;
        switching.abort();
        if let Ok(Ok(())) = switching.await {
            store.destroy(prepared.generation - 1).await.unwrap();
        }
    }
    world.ask(0).await;
    store.close().await.unwrap();
    let verified = verify(&place.options).unwrap();
    place.open().store.close().await.unwrap();
    assert!(verified.records > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_panic_on_the_way_to_the_switch_a_later_turn_is_possible() {
    let (place, store, mut world) = used().await;
    let carry = Arc::new(Breaking::default());
    let next = store.prepare(carry.clone()).await.unwrap().generation;
    world.record(1, 0).await;
    carry.0.store(true, Ordering::SeqCst);
    assert_eq!(store.switch(next).await, Err(StoreError::Damaged));
    assert!(!second_generation(&place).exists());
    world.compact().await.unwrap();
    world.ask(1).await;
    store.close().await.unwrap();
    assert!(verify(&place.options).unwrap().records > 0);
}

/// The writer is gone then; what it had in hand keeps nobody waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_panic_in_the_switch_the_store_closes_and_opens_again() {
    let (place, store, mut world) = used().await;
    let carry = Arc::new(BreakingTheWriter::default());
    carry.0.let_go();
    let next = store.prepare(carry.clone()).await.unwrap().generation;
    world.record(1, 0).await;
    carry.0.hold();
    let switching = tokio::spawn({
        let store = store.clone();
        async move { store.switch(next).await }
    });
    carry.0.wait_until_asked().await;
    world.record(2, 0).await;
    carry.0.let_go();
    assert_eq!(switching.await.unwrap(), Err(StoreError::Indeterminate));
    assert_eq!(store.close().await, Err(StoreError::Indeterminate), "and not after a minute");
    drop((world, store));
    let store = Arc::new(place.open().store);
    assert!(!second_generation(&place).exists());
    World::start(store.clone(), Arc::new(ManualClock::default())).await.compact().await.unwrap();
    store.close().await.unwrap();
}

/// A drain that was cut short leaves half an entry and half an opening; the journal has both whole.
#[tokio::test]
async fn what_is_not_drained_is_no_damage_to_verifying() {
    let (place, store, world) = used().await;
    drop(world);
    store.close().await.unwrap();
    let earlier_mark = std::fs::read(place.mark()).unwrap();
    let clock = Arc::new(ManualClock::default());
    let store = Arc::new(place.open().store);
    World::start(store.clone(), clock).await.ask(0).await;
    store.close().await.unwrap();
    let verified = verify(&place.options).unwrap();

    let mark = std::fs::read(place.mark()).unwrap();
    for file in ["ledger/entries-0000000000", "openings/segment-0000000001"] {
        let path = place.data().join(file);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 100]).unwrap();
        assert!(verify(&place.options).is_err(), "{file}: the mark says that it was drained");
        std::fs::write(place.mark(), &earlier_mark).unwrap();
        assert_eq!(verify(&place.options).unwrap().entries, verified.entries, "{file}");
        std::fs::write(&path, &whole).unwrap();
        std::fs::write(place.mark(), &mark).unwrap();
    }
}

/// The files must not go before the key, and only `keys` tells which that is.
#[tokio::test]
async fn a_generation_whose_key_cannot_be_told_is_not_called_destroyed() {
    let (place, store, world) = used().await;
    drop(world);
    let carry = Arc::new(Compaction { now: ManualClock::default().now() });
    let next = store.prepare(carry).await.unwrap().generation;
    store.switch(next).await.unwrap();
    let keys = place.data().join("generation-0000000001/keys");
    let good = std::fs::read(&keys).unwrap();
    std::fs::write(&keys, &good[..1]).unwrap();
    assert_eq!(store.destroy(1).await, Err(StoreError::Unavailable));
    assert!(place.journal().exists(), "nothing is gone");
    std::fs::write(&keys, &good).unwrap();
    let destroyed = store.destroy(1).await.unwrap();
    assert_eq!(destroyed.keys.len(), 1);
    assert!(!place.journal().exists());
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_closed_store_does_not_turn() {
    let (_place, store, world) = used().await;
    drop(world);
    store.close().await.unwrap();
    let carry = Arc::new(Compaction { now: ManualClock::default().now() });
    assert_eq!(store.prepare(carry).await, Err(StoreError::Unavailable));
}

/// A process may end right after a destruction, with nothing left of what was destroyed.
#[tokio::test]
async fn a_destruction_is_told_of_by_each_start_until_it_is_on_record() {
    let (place, store, world) = used().await;
    drop(world);
    let carry = Arc::new(Compaction { now: ManualClock::default().now() });
    let next = store.prepare(carry).await.unwrap().generation;
    store.switch(next).await.unwrap();
    let destroyed = store.destroy(1).await.unwrap();
    store.close().await.unwrap();
    let noted = place.data().join("ledger/destroyed");
    let good = std::fs::read(&noted).unwrap();
    std::fs::write(&noted, &good[..good.len() - 1]).unwrap();
    let refused = EmbeddedStore::open(&place.options).unwrap_err();
    assert!(matches!(refused, OpenError::Damaged { path, .. } if path == noted));
    std::fs::write(&noted, &good).unwrap();

    for _ in 0..2 {
        let store = place.open().store;
        let [told] = &store.unfinished().await.unwrap().unrecorded[..] else { panic!("one") };
        assert_eq!((told.generation, told.detail()), (1, destroyed.detail()));
        assert_eq!((told.files, told.bytes), (destroyed.files, destroyed.bytes));
        assert!(told.files > 2);
        store.close().await.unwrap();
    }
    let store = place.open().store;
    store.recorded(1).await.unwrap();
    assert_eq!(store.unfinished().await, Ok(Unfinished::default()));
    store.close().await.unwrap();
    assert_eq!(place.open().store.unfinished().await, Ok(Unfinished::default()));
}

/// A process may end between the entry and its being let go of: then the entry is enough.
#[tokio::test]
async fn a_destruction_that_is_on_record_is_not_told_of_again() {
    let (place, store, world) = used().await;
    drop(world);
    let faulty = Arc::new(FaultyStore::new(store.clone()));
    faulty.fail(Call::Recorded, 0, Fault::Refuses);
    let world = World::start(faulty, Arc::new(ManualClock::default())).await;
    world.compact().await.unwrap_err();
    assert_eq!(store.unfinished().await.unwrap().unrecorded.len(), 1);
    store.close().await.unwrap();
    let store = place.open().store;
    assert_eq!(store.unfinished().await, Ok(Unfinished::default()));
    assert!(!place.data().join("ledger/destroyed").exists());
}
