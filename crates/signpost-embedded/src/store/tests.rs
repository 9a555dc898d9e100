//! What only the inside of a store shows: the frames that commits become.

use std::collections::BTreeSet;
use std::path::Path;

use signpost_core::conformance::{Fixture, ledger, records};
use signpost_core::store::Clock;
use signpost_core::testing::{ManualClock, put_records};

use super::*;
use crate::current::Current;
use crate::disk::os::OsDisk;
use crate::journal::frame::Body;
use crate::journal::reader::JournalReader;
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
    let layout = Layout::new(data_dir);
    let current = Current::read(&OsDisk, &layout).unwrap();
    let mut reader = JournalReader::open(&OsDisk, &layout, current).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame.body);
    }
    assert_eq!(reader.offset, reader.file_len(), "all of it is whole");
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

/// A clock that holds the writer, once it has taken the first commit of a batch up.
#[derive(Debug, Default)]
struct Gate(Mutex<()>);

impl Clock for Gate {
    fn now(&self) -> jiff::Timestamp {
        let _open = self.0.lock().unwrap();
        jiff::Timestamp::constant(1_781_524_800, 0)
    }
}

/// Polls once; what is sent on the first poll is then in the queue.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> bool {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    future.poll(&mut context).is_ready()
}

#[test]
fn what_waits_when_the_store_closes_is_answered_and_goes_into_one_frame() {
    let gate = Arc::new(Gate::default());
    let (_directory, options) = place(gate.clone());
    let store = EmbeddedStore::open(&options).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let shut = gate.0.lock().unwrap();
    let mut waiting: Vec<_> = (0..256).map(|_| Box::pin(put_records(&store, []))).collect();
    for one in &mut waiting {
        assert!(!poll_once(one.as_mut()), "it waits");
    }
    runtime.block_on(async {
        let mut closing = Box::pin(store.close());
        assert!(!poll_once(closing.as_mut()), "it waits for those that wait");
        drop(shut);
        closing.await.unwrap();
        for (index, one) in (0..).zip(waiting) {
            assert_eq!(one.await, Ok(Receipt(index)));
        }
    });
    let frames = frames(&options.data_dir);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].entries.len(), 256);
}
