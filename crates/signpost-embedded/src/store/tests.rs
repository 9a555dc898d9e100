//! What only the inside of a store shows: the frames that commits become.

use std::collections::BTreeSet;
use std::path::Path;

use signpost_core::conformance::{Fixture, ledger, records};
use signpost_core::store::Clock;
use signpost_core::testing::{ManualClock, put_records};

use super::*;
use crate::journal::JournalReader;
use crate::journal::frame::Body;
use crate::keyring::SoftwareKeyring;
use crate::keyring::sealing::{OVERHEAD, size_class};
use crate::layout::Layout;

fn place(clock: Arc<dyn Clock>) -> (tempfile::TempDir, Options) {
    let directory = tempfile::tempdir().unwrap();
    let keyring = SoftwareKeyring::create(&directory.path().join("keyring")).unwrap();
    let mut options = Options::new(&directory.path().join("data"), Arc::new(keyring), clock);
    options.index_cache_bytes = 1 << 20;
    EmbeddedStore::create(&options).unwrap();
    (directory, options)
}

fn frames(data_dir: &Path) -> Vec<Body> {
    let path = Layout::new(data_dir).journal(1);
    let mut reader = JournalReader::open(&path).unwrap().unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame.body);
    }
    assert_eq!(reader.offset, reader.len, "all of it is whole");
    frames
}

#[tokio::test]
async fn kinds_do_not_show_by_length() {
    let clock = Arc::new(ManualClock::default());
    let (_directory, options) = place(clock.clone());
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    let fixture = Fixture { store: store.clone(), clock };
    records::every_kind_of_record_survives(&fixture).await;
    store.close().await.unwrap();
    let mut lengths = BTreeSet::new();
    for write in frames(&options.data_dir).iter().flat_map(|body| &body.writes) {
        let plaintext_len = write.sealed.as_ref().unwrap().len() - OVERHEAD;
        assert_eq!(plaintext_len, size_class(plaintext_len));
        lengths.insert(plaintext_len);
    }
    assert!(lengths.len() <= 3, "12 kinds in few lengths: {lengths:?}");
}

#[tokio::test]
async fn what_waits_goes_into_one_frame() {
    let (_directory, options) = place(Arc::new(ManualClock::default()));
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    let mut waiting = tokio::task::JoinSet::new();
    for _ in 0..256 {
        let store = Arc::clone(&store);
        waiting.spawn(async move { put_records(&*store, []).await });
    }
    while let Some(outcome) = waiting.join_next().await {
        outcome.unwrap().unwrap();
    }
    store.close().await.unwrap();
    let frames = frames(&options.data_dir);
    let entries: usize = frames.iter().map(|body| body.entries.len()).sum();
    assert_eq!(entries, 256);
    assert!(frames.len() < 64, "256 commits in {} frames", frames.len());
}

#[tokio::test]
async fn openings_have_a_new_key_with_each_segment() {
    let clock = Arc::new(ManualClock::default());
    let (_directory, mut options) = place(clock.clone());
    options.segment_openings_max = 2;
    let store = Arc::new(EmbeddedStore::open(&options).unwrap().store);
    let fixture = Fixture { store: store.clone(), clock };
    ledger::openings_come_in_order_from_any_index(&fixture).await;
    let before = store.openings(Receipt(0), NonZeroUsize::MAX).await;
    store.close().await.unwrap();
    let layout = Layout::new(&options.data_dir);
    assert!(layout.segment_key(1).exists() && layout.segment_key(2).exists());
    assert_ne!(
        std::fs::read(layout.segment_key(1)).unwrap(),
        std::fs::read(layout.segment_key(2)).unwrap()
    );
    let store = EmbeddedStore::open(&options).unwrap().store;
    assert_eq!(store.openings(Receipt(0), NonZeroUsize::MAX).await, before);
    assert_eq!(before.unwrap().len(), 3);
}
