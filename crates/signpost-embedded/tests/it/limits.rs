//! What happens when too much waits, and when the journal is taken away.

use std::sync::{Arc, Mutex};

use jiff::Timestamp;
use signpost_core::commit::Commit;
use signpost_core::id::Receipt;
use signpost_core::store::{Clock, CommitError, Store, StoreError};
use signpost_core::testing::{ManualClock, put_records};
use signpost_embedded::error::Failure;

use crate::catching::Catching;
use crate::support::Place;
use crate::twin::ALL;
use crate::world::{World, try_first_light};

/// A clock that makes whoever reads it wait: it holds the writer between taking a commit up and
/// writing it.
#[derive(Debug, Default)]
struct Gate(Mutex<()>);

impl Clock for Gate {
    fn now(&self) -> Timestamp {
        let _open = self.0.lock().unwrap();
        Timestamp::constant(1_781_524_800, 0)
    }
}

async fn commit(store: &dyn Store) -> Result<Receipt, CommitError> {
    put_records(store, []).await
}

#[test]
fn when_too_many_wait_the_next_is_refused_at_once() {
    let gate = Arc::new(Gate::default());
    let mut place = Place::create(gate.clone());
    place.options.queue_commits_max = 4;
    place.options.batch_commits_max = 1;
    let store = place.open().store;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let shut = gate.0.lock().unwrap();
    let mut waiting = Vec::new();
    let refused = loop {
        let mut next = Box::pin(commit(&store));
        match poll_once(&mut next) {
            Some(outcome) => break outcome,
            None => waiting.push(next),
        }
    };
    assert_eq!(refused, Err(StoreError::Busy.into()));
    // The writer may have taken one up, and is held by the gate.
    assert!((4..=5).contains(&waiting.len()), "{} waited", waiting.len());
    drop(shut);
    for (index, one) in (0..).zip(waiting) {
        assert_eq!(runtime.block_on(one), Ok(Receipt(index)));
    }
}

/// Of a record that is kept in memory, and of one that is not.
#[test]
fn of_two_commits_of_one_batch_that_rest_on_the_same_one_wins() {
    let gate = Arc::new(Gate::default());
    let place = Place::create(gate.clone());
    let store: Arc<dyn Store> = Arc::new(place.open().store);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let catching = Arc::new(Catching::before(Arc::clone(&store)));
    runtime.block_on(async {
        assert!(try_first_light(&*catching).await.is_none());
    });
    one_wins(&gate, &*store, &runtime, &catching.take().pop().unwrap());
    runtime.block_on(async {
        let mut world = World::start(catching.clone(), gate.clone()).await;
        assert!(world.try_record(0, 0).await.is_none());
    });
    one_wins(&gate, &*store, &runtime, &catching.take().pop().unwrap());
}

fn one_wins(gate: &Gate, store: &dyn Store, runtime: &tokio::runtime::Runtime, decided: &Commit) {
    let shut = gate.0.lock().unwrap();
    let mut held = Box::pin(commit(store));
    let mut two = [0, 1].map(|_| Box::pin(store.commit(decided.clone())));
    assert!(poll_once(&mut held).is_none(), "the gate holds its batch open");
    for one in &mut two {
        assert!(poll_once(one).is_none(), "it waits for the batch");
    }
    drop(shut);
    runtime.block_on(held).unwrap();
    let [one, other] = two.map(|one| runtime.block_on(one));
    assert!(one.is_ok());
    assert_eq!(other, Err(CommitError::PreconditionFailed));
}

fn poll_once<F: Future>(future: &mut std::pin::Pin<Box<F>>) -> Option<F::Output> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test]
async fn a_journal_that_was_moved_away_takes_no_acknowledged_commit() {
    let place = Place::create(Arc::new(ManualClock::default()));
    let store = place.open().store;
    assert_eq!(commit(&store).await, Ok(Receipt(0)));
    let journal = std::fs::read(place.journal()).unwrap();
    std::fs::rename(place.journal(), place.data().join("moved")).unwrap();
    std::fs::write(place.journal(), journal).unwrap();
    let mut failure = store.failure();
    let indeterminate = Err(CommitError::Store(StoreError::Indeterminate));
    assert_eq!(commit(&store).await, indeterminate);
    assert_eq!(*failure.wait_for(Option::is_some).await.unwrap(), Some(Failure::JournalReplaced));
    assert_eq!(commit(&store).await, indeterminate, "and so are all later ones");
    assert_eq!(store.close().await, Err(StoreError::Indeterminate));
    let opened = place.open();
    assert_eq!(opened.store.entries(Receipt(0), ALL).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_closed_store_does_nothing() {
    let place = Place::create(Arc::new(ManualClock::default()));
    let store = place.open().store;
    store.close().await.unwrap();
    store.close().await.unwrap();
    let unavailable = StoreError::Unavailable;
    assert_eq!(commit(&store).await, Err(CommitError::Store(unavailable)));
    assert_eq!(store.entries(Receipt(0), ALL).await, Err(unavailable));
    let service = signpost_core::record::RecordKey::Service;
    assert_eq!(store.read(&service).await, Err(unavailable));
}
