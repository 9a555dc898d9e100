//! Openings whose files were damaged are given as they were, or not at all: one that is left out
//! silently would be a question that was never asked.

use std::num::NonZeroUsize;
use std::time::Duration;

use signpost_core::entry::Opening;
use signpost_core::id::Receipt;
use signpost_core::store::{Store, StoreError};
use signpost_embedded::error::{Failure, OpenError};
use signpost_embedded::store::EmbeddedStore;

use super::aged::{Aged, OPENINGS_PER_SEGMENT, Outcome};
use crate::support::{put_back, remove};
use crate::twin::ALL;

/// The entry's index, a nonce, the opening and a tag.
const SLOT_LEN: usize = 8 + 12 + Opening::LEN + 16;

/// Asks for all openings from each entry on, a few at a time. Says whether any was refused; all that
/// were given are right.
async fn ask(store: &EmbeddedStore, all: &[(Receipt, Opening)], what: &str) -> bool {
    const AT_A_TIME: usize = 5;
    let limit = NonZeroUsize::new(AT_A_TIME).unwrap();
    let mut is_refused = false;
    for from in (0..=all.last().unwrap().0.0 + 1).map(Receipt) {
        let expected = all.iter().filter(|(entry, _)| *entry >= from).take(AT_A_TIME);
        match store.openings(from, limit).await {
            Ok(found) => assert_eq!(found, expected.cloned().collect::<Vec<_>>(), "{what}"),
            Err(error) => {
                assert_eq!(error, StoreError::Damaged, "{what}");
                is_refused = true;
            }
        }
    }
    is_refused
}

fn segment(number: u64) -> String {
    format!("data/openings/segment-{number:010}")
}

/// The index before a slot is not sealed, and the search goes by it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_index_of_a_slot_leaves_no_opening_out() {
    let aged = Aged::grow().await;
    let store = aged.place.open().store;
    let all = store.openings(Receipt(0), ALL).await.unwrap();
    assert!(!ask(&store, &all, "nothing is damaged").await);
    for number in 1..=aged.segments() {
        let path = aged.path(&segment(number));
        let good = std::fs::read(&path).unwrap();
        assert_eq!(good.len() % SLOT_LEN, 0);
        for slot in 0..good.len() / SLOT_LEN {
            for (byte, bit) in [(0, 6), (7, 1), (7, 4)] {
                let mut changed = good.clone();
                changed[slot * SLOT_LEN + byte] ^= 1 << bit;
                std::fs::write(&path, changed).unwrap();
                let what = format!("segment {number}, slot {slot}, byte {byte}, bit {bit}");
                assert!(ask(&store, &all, &what).await, "{what}: nobody has noticed");
            }
        }
        std::fs::write(&path, good).unwrap();
    }
    store.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_segment_is_refused_and_ends_no_answer_early() {
    let aged = Aged::grow().await;
    let store = aged.place.open().store;
    let all = store.openings(Receipt(0), ALL).await.unwrap();
    for number in 1..=aged.segments() {
        remove(&aged.path(&segment(number)));
        let what = format!("without segment {number}");
        assert!(ask(&store, &all, &what).await, "{what}");
        assert_eq!(store.openings(Receipt(0), ALL).await, Err(StoreError::Damaged), "{what}");
        put_back(&aged.good(&segment(number)), &aged.path(&segment(number)));
    }
    store.close().await.unwrap();
}

/// Each is whole and opens; only their order tells.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slots_that_changed_places_are_not_given() {
    let aged = Aged::grow().await;
    let store = aged.place.open().store;
    let path = aged.path(&segment(1));
    let mut swapped = std::fs::read(&path).unwrap();
    swapped[..2 * SLOT_LEN].rotate_left(SLOT_LEN);
    std::fs::write(&path, swapped).unwrap();
    assert_eq!(store.openings(Receipt(0), ALL).await, Err(StoreError::Damaged));
    store.close().await.unwrap();
}

/// Those of an earlier generation are in no journal: a start does not read them, but knows how long
/// they are.
#[tokio::test]
async fn a_start_refuses_an_earlier_segment_that_is_missing_or_cut_by_a_slot() {
    let aged = Aged::grow().await;
    let path = aged.path(&segment(1));
    let good = std::fs::read(&path).unwrap();
    assert_eq!(good.len(), SLOT_LEN * OPENINGS_PER_SEGMENT as usize);
    for len in [Some(good.len() - SLOT_LEN), Some(0), None] {
        match len {
            Some(len) => std::fs::write(&path, &good[..len]).unwrap(),
            None => remove(&path),
        }
        let error = EmbeddedStore::open(&aged.place.options).unwrap_err();
        let OpenError::Damaged { path: named, offset, .. } = &error else { panic!("{error}") };
        assert_eq!((named, *offset), (&path, len.unwrap_or(0) as u64), "{error}");
    }
    aged.restore();
    assert_eq!(aged.look().await, Outcome::Right { rebuilt_index: false });
}

/// No journal has them any more: while the service runs they are compared with what CURRENT says.
#[tokio::test]
async fn a_changed_entry_of_an_earlier_generation_ends_the_store_that_is_open() {
    let aged = Aged::grow().await;
    let path = aged.path("data/ledger/entries-0000000000");
    let good = std::fs::read(&path).unwrap();
    for at in [9, 256 * usize::try_from(aged.first_entry()).unwrap() - 1] {
        let mut changed = good.clone();
        changed[at] ^= 1;
        std::fs::write(&path, changed).unwrap();
        let store = aged.place.open().store;
        let mut failure = store.failure();
        let failed = failure.wait_for(Option::is_some);
        let failed = tokio::time::timeout(Duration::from_secs(20), failed).await.unwrap();
        assert_eq!(*failed.unwrap(), Some(Failure::EntriesChanged), "byte {at}");
        assert_eq!(store.close().await, Err(StoreError::Indeterminate));
        aged.restore();
    }
}

/// Each page would otherwise cost more the older the store is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_openings_opens_few_segments() {
    let aged = Aged::grow().await;
    let segments = aged.segments();
    let store = aged.place.open().store;
    let (last, _) = store.openings(Receipt(0), ALL).await.unwrap().pop().unwrap();
    let page = store.openings(last, ALL).await.unwrap();
    let mut opened = 0;
    for number in 1..=segments {
        remove(&aged.path(&segment(number)));
        match store.openings(last, ALL).await {
            Ok(found) => assert_eq!(found, page),
            Err(_) => opened += 1,
        }
        put_back(&aged.good(&segment(number)), &aged.path(&segment(number)));
    }
    let halvings = u64::from(segments.ilog2() + 1);
    assert!(segments > 3 && opened <= halvings, "{opened} of {segments}");
    store.close().await.unwrap();
}
