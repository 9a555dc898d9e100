//! What only the inside of a store shows: the frames that commits become.

use std::collections::BTreeSet;
use std::path::Path;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use signpost_core::conformance::{Fixture, ledger, records};
use signpost_core::id::ActorId;
use signpost_core::record::{ChildHead, Record, Shield};
use signpost_core::store::Clock;
use signpost_core::subject::Pseudonym;
use signpost_core::terms::ShieldKind;
use signpost_core::testing::{ManualClock, put_records};
use zeroize::Zeroizing;

use super::*;
use crate::current::Current;
use crate::disk::os::OsDisk;
use crate::journal::frame::Body;
use crate::journal::reader::JournalReader;
use crate::keyring::sealing::{OVERHEAD, size_class};
use crate::keyring::{DestructionReceipt, KeyError, KeyId, KeySource, SoftwareKeyring, WrappedKey};
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
    let mut reader = JournalReader::open(&OsDisk, &layout, &current).unwrap();
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

/// Commits these while the writer is held, each by itself, and closes: how many of them went into
/// each frame.
fn frames_of_waiting(commits: &[Vec<Record>], limit: impl FnOnce(&mut Options)) -> Vec<usize> {
    let gate = Arc::new(Gate::default());
    let (_directory, mut options) = place(gate.clone());
    limit(&mut options);
    let store = EmbeddedStore::open(&options).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let shut = gate.0.lock().unwrap();
    let put = |records: &Vec<Record>| Box::pin(put_records(&store, records.clone()));
    let mut waiting: Vec<_> = commits.iter().map(put).collect();
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
    frames(&options.data_dir).iter().map(|frame| frame.entries.len()).collect()
}

#[test]
fn what_waits_when_the_store_closes_is_answered_and_goes_into_one_frame() {
    assert_eq!(frames_of_waiting(&vec![Vec::new(); 256], |_| ()), [256]);
}

#[test]
fn a_batch_takes_no_more_commits_than_it_may() {
    let few = |options: &mut Options| options.batch_commits_max = 3;
    assert_eq!(frames_of_waiting(&vec![Vec::new(); 8], few), [3, 3, 2]);
}

#[test]
fn a_batch_takes_commits_until_it_is_large() {
    let pseudonym = Pseudonym::new([1; 64]);
    let shield = Shield {
        kind: ShieldKind::Shielded,
        review_due: jiff::civil::date(2026, 12, 1),
        set_by: ActorId::new([5; 16]),
        set_on: vec![pseudonym.clone(); 68_000],
    };
    let four_mebibytes = vec![Record::Head(ChildHead { pseudonym, shields: vec![shield] })];
    let commits = [four_mebibytes.clone(), four_mebibytes, Vec::new()];
    assert_eq!(frames_of_waiting(&commits, |_| ()), [2, 1]);
}

/// Carries all over, but not for the writer.
#[derive(Debug)]
struct BreakingTheWriter;

impl Carry for BreakingTheWriter {
    fn carry(&self, _version: Receipt, record: Record) -> Option<Record> {
        assert_ne!(std::thread::current().name(), Some("signpost-writer"), "the rule breaks");
        Some(record)
    }
}

fn head() -> Vec<Record> {
    vec![Record::Head(ChildHead { pseudonym: Pseudonym::new([1; 64]), shields: Vec::new() })]
}

/// CURRENT may be written by then: a turn that began between would remove what it names.
#[test]
fn a_switch_that_panics_fails_the_store_before_another_turn_may_begin() {
    const WITHIN: Duration = Duration::from_secs(10);
    let (_directory, options) = place(Arc::new(ManualClock::default()));
    let store = EmbeddedStore::open(&options).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let prepared = runtime.block_on(store.prepare(Arc::new(BreakingTheWriter))).unwrap();
    let in_hand = crate::turn::take_filled(&store.shared, prepared.generation).unwrap();
    runtime.block_on(put_records(&store, head())).unwrap();
    let (answer, answered) = oneshot::channel();
    let may_not_end = store.shared.turn().unwrap();
    let queue = store.queue.lock().unwrap().clone().unwrap();
    queue.try_send(Request::Switch(Box::new(in_hand), answer)).unwrap();
    let begun = Instant::now();
    while !store.shared.has_failed() {
        assert!(begun.elapsed() < WITHIN, "another turn could begin");
        std::thread::park_timeout(Duration::from_millis(1));
    }
    drop((may_not_end, queue));
    answered.blocking_recv().unwrap_err();
}

/// Keys that tell on which threads any was destroyed.
#[derive(Debug)]
struct Telling {
    keys: Arc<dyn KeySource>,
    destroyed_on: Mutex<Vec<ThreadId>>,
}

impl KeySource for Telling {
    fn create(&self, label: &str, secret: &[u8]) -> Result<WrappedKey, KeyError> {
        self.keys.create(label, secret)
    }

    fn unwrap(&self, wrapped: &WrappedKey) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        self.keys.unwrap(wrapped)
    }

    fn destroy(&self, key: &KeyId) -> Result<DestructionReceipt, KeyError> {
        self.destroyed_on.lock().unwrap().push(std::thread::current().id());
        self.keys.destroy(key)
    }
}

/// Removing files takes its time, and the runtime has other things to do.
#[test]
fn a_switch_that_is_given_up_in_the_queue_removes_nothing_on_a_thread_of_the_runtime() {
    let gate = Arc::new(Gate::default());
    let (_directory, mut options) = place(gate.clone());
    options.queue_commits_max = 1;
    let telling = Telling { keys: Arc::clone(&options.keys), destroyed_on: Mutex::default() };
    let keys = Arc::new(telling);
    options.keys = keys.clone();
    let store = EmbeddedStore::open(&options).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let carry = Arc::new(BreakingTheWriter);
    let prepared = runtime.block_on(store.prepare(carry)).unwrap();
    let shut = gate.0.lock().unwrap();
    let mut written = Box::pin(put_records(&store, Vec::new()));
    assert!(!poll_once(written.as_mut()));
    while store.queue.lock().unwrap().as_ref().unwrap().capacity() == 0 {
        std::thread::yield_now();
    }
    let mut waiting = Box::pin(put_records(&store, Vec::new()));
    assert!(!poll_once(waiting.as_mut()), "it fills the queue");
    runtime.block_on(async {
        let switch = store.switch(prepared.generation);
        tokio::time::timeout(Duration::from_millis(500), switch).await.unwrap_err();
    });
    assert!(keys.destroyed_on.lock().unwrap().iter().all(|on| *on != std::thread::current().id()));
    drop(shut);
    runtime.block_on(async {
        written.await.unwrap();
        waiting.await.unwrap();
        store.close().await.unwrap();
    });
}
