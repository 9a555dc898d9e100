//! A search of every file, before a purge and after it: what was planted and what is left behind is found
//! first, for a search that finds nothing proves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use signpost_core::id::Receipt;
use signpost_core::record::{ChildHead, Record, RecordKey, RecordKind};
use signpost_core::search::{SearchProgress, Sought, SoughtKind};
use signpost_core::store::Store;
use signpost_core::subject::Pseudonym;
use signpost_core::testing::{ManualClock, put_records};
use signpost_core::turn::{Carry, Generations, Passed};

use crate::erasing::EverySecond;
use crate::support::Place;
use crate::twin::ALL;
use crate::world::{World, first_light};

const CHILDREN: u16 = 2000;

fn numbered(child: u16) -> Pseudonym {
    let mut bytes = [0x3C; 64];
    bytes[..2].copy_from_slice(&child.to_be_bytes());
    Pseudonym::new(bytes)
}

fn head(child: u16) -> Record {
    Record::Head(ChildHead { pseudonym: numbered(child), shields: Vec::new() })
}

/// Leaves every tenth child behind.
#[derive(Debug)]
struct NotEveryTenth;

impl Carry for NotEveryTenth {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        let is_tenth = |key: &RecordKey| (0..CHILDREN).step_by(10).any(|it| *key == head(it).key());
        Some(record).filter(|record| !matches!(record, Record::Head(_)) || !is_tenth(&record.key()))
    }
}

#[derive(Debug, Default)]
struct Told(AtomicU64);

impl SearchProgress for Told {
    fn searched(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_that_is_sought_is_found_before_a_purge_and_nothing_of_it_afterwards() {
    let clock = Arc::new(ManualClock::default());
    let mut place = Place::create(clock.clone());
    place.options.segment_openings_max = 4;
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let world = World::start(store.clone(), clock).await;
    for first in (0..CHILDREN).step_by(100) {
        put_records(&*store, (first..first + 100).map(head)).await.unwrap();
        world.ask(0).await;
        world.ask(1).await;
    }
    drop(world);
    let search = async |sought: &[Sought]| {
        let told = Arc::new(Told::default());
        let searched = store.search(sought.into(), told.clone()).await.unwrap();
        assert_eq!(told.0.load(Ordering::Relaxed), searched.bytes);
        assert!(searched.files > 10 && searched.vanished == 0);
        searched
    };
    let of = |sought: &[Sought], kind| sought.iter().filter(|one| one.what == kind).count();

    let below = Receipt(store.entries(Receipt(0), ALL).await.unwrap().len() as u64);
    let prepared = store.prepare(Arc::new(NotEveryTenth)).await.unwrap();
    assert_eq!(prepared.kinds[&RecordKind::Head], Passed { carried: 1800, left: 200 });
    let mut sought = prepared.sought;
    let of_generation = sought.len();
    let kinds = [SoughtKind::Tracer, SoughtKind::Key, SoughtKind::Sealed];
    assert_eq!(kinds.map(|kind| of(&sought, kind)), [2, 2, 200]);
    sought.extend(store.sought_openings(Arc::new(EverySecond), below).await.unwrap());
    let openings = &sought[of_generation..];
    assert!(of(openings, SoughtKind::Key) >= 2 && of(openings, SoughtKind::Sealed) >= 2);

    let before = search(&sought).await;
    let missed: Vec<_> = (0..sought.len()).filter(|nth| !before.has_found(*nth)).collect();
    assert_eq!(missed, []);
    let found_in = |part: &str| before.found.iter().filter(|it| it.file.contains(part)).count();
    assert_eq!(found_in("data/generation-0000000001/index/tracer"), 1);
    assert!(found_in("data/generation-0000000001/journal-") > 200);
    assert!(found_in("data/openings/segment-") >= 2 && found_in("keyring/key-") >= 2);
    assert_eq!(found_in("data/generation-0000000002"), 0, "all there is sealed anew");

    store.switch(prepared.generation).await.unwrap();
    store.destroy(prepared.generation - 1).await.unwrap();
    let between = search(&sought).await;
    assert!(between.found.iter().all(|found| found.sought >= of_generation), "openings are left");
    store.erase(Arc::new(EverySecond), below).await.unwrap();
    assert_eq!(search(&sought).await.found, []);
    for child in 0..CHILDREN {
        let found = store.read(&head(child).key()).await.unwrap();
        assert_eq!(found.is_some(), child % 10 != 0, "{child}");
    }
    store.close().await.unwrap();
}

/// What is left of the index in its own directory, and its tracer, is of the generation in use alone.
#[tokio::test]
async fn an_index_that_is_built_anew_has_a_tracer() {
    let place = Place::create(Arc::new(ManualClock::default()));
    let store = place.open().store;
    put_records(&store, [head(1)]).await.unwrap();
    store.close().await.unwrap();
    std::fs::remove_dir_all(place.index(1)).unwrap();
    let store = place.open().store;
    let prepared = store.prepare(Arc::new(NotEveryTenth)).await.unwrap();
    let searched = store.search(prepared.sought.clone().into(), Arc::new(Told::default())).await;
    let searched = searched.unwrap();
    assert!((0..prepared.sought.len()).all(|nth| searched.has_found(nth)));
    assert!(searched.found.iter().any(|found| found.file.ends_with("index/tracer")));
    store.close().await.unwrap();
}
