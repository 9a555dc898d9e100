//! Erasing openings: what is left of them in the files, and that all else goes on.

use std::sync::Arc;

use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::record::Record;
use signpost_core::search::{Sought, SoughtKind, Unwatched};
use signpost_core::store::{Store, StoreError};
use signpost_core::testing::ManualClock;
use signpost_core::turn::{Carry, EraseOpenings, Generations};
use signpost_embedded::error::OpenError;
use signpost_embedded::keyring::SoftwareKeyring;
use signpost_embedded::store::EmbeddedStore;
use signpost_embedded::verify::verify;

use crate::support::{Place, files};
use crate::twin::ALL;
use crate::world::{World, first_light};

/// Carries all over.
#[derive(Debug)]
pub(crate) struct CarryAll;

impl Carry for CarryAll {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        Some(record)
    }
}

/// Erases the openings of every second entry, the second one among them.
#[derive(Debug)]
pub(crate) struct EverySecond;

impl EraseOpenings for EverySecond {
    fn erases(&self, entry: Receipt, _opening: &Opening) -> bool {
        !entry.0.is_multiple_of(2)
    }
}

async fn turn(store: &EmbeddedStore) -> Receipt {
    let next = store.prepare(Arc::new(CarryAll)).await.unwrap().generation;
    store.switch(next).await.unwrap();
    store.destroy(next - 1).await.unwrap();
    Receipt(store.entries(Receipt(0), ALL).await.unwrap().len() as u64)
}

/// A store with some segments of openings, the last of which a turn has closed before it was full.
async fn used() -> (Place, Arc<EmbeddedStore>, World, Receipt) {
    let clock = Arc::new(ManualClock::default());
    let mut place = Place::create(clock.clone());
    place.options.segment_openings_max = 4;
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), clock).await;
    for child in 0..3 {
        world.record(child, 0).await;
        world.ask(child).await;
        world.ask(child).await;
    }
    let below = turn(&store).await;
    (place, store, world, below)
}

fn lens(place: &Place) -> Vec<(String, u64)> {
    let name = |path: &std::path::Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let openings = files(&place.data().join("openings"));
    let mut lens: Vec<_> =
        openings.iter().map(|path| (name(path), path.metadata().unwrap().len())).collect();
    lens.sort();
    lens
}

/// Neither the length of a file nor where a slot lies tells which were erased, or how many.
#[tokio::test]
async fn a_rewritten_segment_is_as_long_as_it_was_and_no_slot_is_as_it_was() {
    let (place, store, world, below) = used().await;
    drop(world);
    let before = lens(&place);
    let segment = |number: u64| {
        std::fs::read(place.data().join(format!("openings/segment-{number:010}"))).unwrap()
    };
    let slots_before: Vec<_> = (1..=3).map(segment).collect();
    let erased = store.erase(Arc::new(EverySecond), below).await.unwrap();
    assert_eq!((erased.openings, erased.segments, erased.files), (5, 3, 6));
    assert_eq!(lens(&place), before);
    for (number, old) in (1..).zip(slots_before) {
        let new = segment(number);
        for (old, new) in old.chunks(345).zip(new.chunks(345)) {
            assert_eq!(old[..8], new[..8], "each is of the entry it was of");
            assert!(old[8..].iter().zip(&new[8..]).filter(|(old, new)| old == new).count() < 32);
        }
    }
    store.close().await.unwrap();
    let verified = verify(&place.options).unwrap();
    assert_eq!((verified.openings, verified.erased), (9, 5));
    place.open().store.close().await.unwrap();
}

/// An entry about a child may have lost its opening to an erasure, never to damage.
#[tokio::test]
async fn an_erased_opening_is_right_and_a_missing_slot_is_damage() {
    let (place, store, world, below) = used().await;
    store.erase(Arc::new(EverySecond), below).await.unwrap();
    world.ask(1).await;
    drop(world);
    store.close().await.unwrap();
    let segment = place.data().join("openings/segment-0000000003");
    let good = std::fs::read(&segment).unwrap();
    assert_eq!(good.len(), 345, "it was closed with one slot of four");
    std::fs::write(&segment, b"").unwrap();
    assert!(
        matches!(verify(&place.options), Err(OpenError::Damaged { path, .. }) if path == segment)
    );
    let error = EmbeddedStore::open(&place.options).unwrap_err();
    assert!(matches!(error, OpenError::Damaged { path, .. } if path == segment));
    std::fs::write(&segment, good).unwrap();
    assert_eq!(verify(&place.options).unwrap().openings, 10);
}

/// Under the old keys, as somebody may have copied them, nothing opens that lies in the files by now.
#[tokio::test]
async fn the_old_keys_are_gone_and_open_nothing() {
    let (_place, store, world, below) = used().await;
    drop(world);
    let sought = store.sought_openings(Arc::new(EverySecond), below).await.unwrap();
    let of = |kind| sought.iter().filter(|one| one.what == kind).count();
    assert_eq!((of(SoughtKind::Key), of(SoughtKind::Sealed), of(SoughtKind::Tracer)), (6, 5, 0));
    let sought: Arc<[Sought]> = sought.into();
    let search = async || store.search(Arc::clone(&sought), Arc::new(Unwatched)).await.unwrap();
    let found = search().await;
    assert!((0..sought.len()).all(|nth| found.has_found(nth)), "{found:?}");
    let erased = store.erase(Arc::new(EverySecond), below).await.unwrap();
    assert_eq!(search().await.found, []);
    for key in &erased.keys {
        assert_eq!(key.custody, SoftwareKeyring::CUSTODY);
        assert_eq!(key.method, SoftwareKeyring::METHOD);
        assert!(!key.file_system.is_empty());
    }
    let mut ids: Vec<_> = erased.keys.iter().map(|key| key.key).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3);
    store.close().await.unwrap();
}

/// Whoever reads while segments are replaced finds each opening that stays, and no damage.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn openings_are_read_while_others_are_erased() {
    let (_place, store, world, below) = used().await;
    let all = store.openings(Receipt(0), ALL).await.unwrap();
    let reading = tokio::spawn({
        let store = store.clone();
        async move {
            let mut read = Vec::new();
            for _ in 0..200 {
                read.push(store.openings(Receipt(0), ALL).await.unwrap());
            }
            read
        }
    });
    store.erase(Arc::new(EverySecond), below).await.unwrap();
    world.ask(0).await;
    for read in reading.await.unwrap() {
        let stays = |one: &&(Receipt, Opening)| one.0.0.is_multiple_of(2);
        assert!(all.iter().filter(stays).all(|one| read.contains(one)));
    }
    store.close().await.unwrap();
}

/// A keyring that takes no new key, or destroys none, holds it up; nothing is lost, and it goes on.
#[tokio::test]
async fn an_erasure_that_cannot_go_on_is_done_again() {
    let (place, store, world, below) = used().await;
    drop(world);
    let keyring = &place.options.mark_dir;
    let away = place.directory.path().join("away");
    std::fs::rename(keyring, &away).unwrap();
    let before = store.erase(Arc::new(EverySecond), below).await;
    assert!(before.is_err());
    std::fs::rename(&away, keyring).unwrap();
    assert_eq!(store.openings(Receipt(0), ALL).await.unwrap().len(), 9);
    let erased = store.erase(Arc::new(EverySecond), below).await.unwrap();
    assert_eq!(erased.openings, 5);
    store.close().await.unwrap();
    assert_eq!(store.erase(Arc::new(EverySecond), below).await, Err(StoreError::Unavailable));
}

/// What was destroyed could not be put on record without it.
#[tokio::test]
async fn a_damaged_note_of_an_erasure_is_refused_and_told_of_until_it_is_on_record() {
    let (place, store, world, below) = used().await;
    drop(world);
    let erased = store.erase(Arc::new(EverySecond), below).await.unwrap();
    store.close().await.unwrap();
    let note = place.data().join("ledger/erased");
    let good = std::fs::read(&note).unwrap();
    std::fs::write(&note, &good[1..]).unwrap();
    for refused in [EmbeddedStore::open(&place.options).err(), verify(&place.options).err()] {
        assert!(matches!(refused, Some(OpenError::Damaged { path, .. }) if path == note));
    }
    std::fs::write(&note, good).unwrap();
    let store = place.open().store;
    assert_eq!(store.unfinished().await.unwrap().erased, erased, "the keeper's word too");
    store.erasure_recorded().await.unwrap();
    store.close().await.unwrap();
    assert!(!note.exists());
    assert_eq!(place.open().store.unfinished().await.unwrap().erased.openings, 0);
}
