//! Verifying on demand: what is right is said to be right, and what is not is named.

use std::sync::Arc;

use signpost_core::store::Clock;
use signpost_core::store::Store;
use signpost_core::testing::ManualClock;
use signpost_core::turn::{Compaction, Generations};
use signpost_embedded::error::OpenError;
use signpost_embedded::verify::{IndexState, verify};

use crate::support::{Place, copy, files, put_back, remove};
use crate::world::{World, first_light};

/// A closed store of two generations: a turn has been, and commits after it.
async fn used() -> Place {
    let clock = Arc::new(ManualClock::default());
    let mut place = Place::create(clock.clone());
    place.options.segment_openings_max = 3;
    let store = Arc::new(place.open().store);
    first_light(&*store).await;
    let mut world = World::start(store.clone(), clock.clone()).await;
    for child in 0..3 {
        world.record(child, child).await;
        world.ask(child).await;
    }
    let next = store.prepare(Arc::new(Compaction { now: clock.now() })).await.unwrap().generation;
    world.ask(1).await;
    store.switch(next).await.unwrap();
    store.destroy(next - 1).await.unwrap();
    world.shield_and_lift(2).await;
    world.ask(0).await;
    store.close().await.unwrap();
    place
}

#[tokio::test]
async fn a_store_in_order_is_said_to_be() {
    let place = used().await;
    let verified = verify(&place.options).unwrap();
    assert_eq!(verified.generation, 2);
    assert_eq!(verified.index, IndexState::Agrees);
    assert_eq!(verified.torn_bytes, 0);
    let opened = place.open();
    assert!(!opened.rebuilt_index);
    assert!(matches!(verify(&place.options), Err(OpenError::InUse { .. })));
    let entries = opened.store.entries(signpost_core::id::Receipt(0), crate::twin::ALL).await;
    assert_eq!(entries.unwrap().len() as u64, verified.entries);
    let openings = opened.store.openings(signpost_core::id::Receipt(0), crate::twin::ALL).await;
    assert_eq!(openings.unwrap().len() as u64, verified.openings);
    opened.store.close().await.unwrap();
}

#[tokio::test]
async fn a_lost_index_is_named_and_is_no_damage() {
    let place = used().await;
    remove(&place.index(2));
    let verified = verify(&place.options).unwrap();
    assert_eq!(verified.index, IndexState::Lost("it is missing".to_owned()));
    assert!(!place.index(2).exists(), "nothing was changed");
}

/// Also what no start compares, because the journal that brought it is gone: entries and openings
/// of the generation before.
#[tokio::test]
async fn a_flipped_bit_anywhere_is_found_and_its_file_named() {
    let place = used().await;
    let good = place.directory.path().join("good");
    copy(place.data(), &good);
    let index = place.index(2);
    // The index and its seal are never the truth: what is wrong with them is no damage.
    let index_seal = index.with_extension("seal");
    let checked = files(place.data()).into_iter();
    let checked = checked.filter(|path| !path.starts_with(&index) && *path != index_seal);
    for path in checked.filter(|path| !path.ends_with("lock") && !path.ends_with("reserve")) {
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(61) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&path, &flipped).unwrap();
            let Err(error) = verify(&place.options) else {
                panic!("{} at {at} was not found", path.display())
            };
            let message = error.to_string();
            let name = path.file_name().unwrap().to_str().unwrap();
            assert!(message.contains(name), "{message}");
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    put_back(&good, place.data());
    verify(&place.options).unwrap();
}
