//! Requests that are given up at every point where they wait: nothing is left half done.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use async_trait::async_trait;
use signpost_core::anchor::Position;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{RecordKey, Scope, Stored};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::terms::Action;
use signpost_core::turn::Generations;

use crate::fixture::*;

/// A store that lets its caller wait before each call, and after it.
#[derive(Debug)]
struct Waiting(Arc<dyn Store>);

impl Waiting {
    async fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        tokio::task::yield_now().await;
        let done = call.await;
        tokio::task::yield_now().await;
        done
    }
}

#[async_trait]
impl Store for Waiting {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move { self.wait(self.0.read(key)).await })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move { self.wait(self.0.scan(scope, after, limit)).await })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.wait(self.0.commit(commit)).await
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.wait(self.0.entries(from, limit)).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.wait(self.0.openings(from, limit)).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.wait(self.0.position()).await
    }

    fn generations(&self) -> &dyn Generations {
        self.0.generations()
    }
}

/// Polls so many times, and then gives the future up; its result if it came to one.
fn poll_and_drop<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    })
}

async fn recordings(scene: &Scene) -> Vec<u64> {
    let entries = (0..).zip(scene.entries().await);
    let recorded = entries.filter(|(_, entry)| entry.action() == Action::RecordContact);
    recorded.map(|(index, _)| index).collect()
}

#[tokio::test]
async fn a_recording_that_is_given_up_is_wholly_there_or_not_at_all() {
    let (mut not_done, mut done) = (0, 0);
    for polls in 0.. {
        let scene = Scene::over(|store| Arc::new(Waiting(store))).await;
        let contact = scene.contact(&child(&[1, 102]), details());
        let recording = scene.try_record(NORA, contact.clone());
        let result = poll_and_drop(polls, recording);

        let before = recordings(&scene).await;
        for number in [1, 102] {
            assert_eq!(scene.lines(SAM, &child(&[number])).await, before.len(), "after {polls}");
        }
        let repeated = scene.try_record(NORA, contact).await.unwrap();
        assert_eq!(recordings(&scene).await, [repeated.receipt.0], "one, whatever came before");
        for number in [1, 102] {
            assert_eq!(scene.lines(SAM, &child(&[number])).await, 1);
        }
        if let Some(result) = result {
            assert_eq!(result, Ok(repeated));
            break;
        }
        match before.len() {
            0 => not_done += 1,
            _ => done += 1,
        }
    }
    assert!(not_done > 10 && done > 0, "given up before the commit {not_done} times, after {done}");
}
