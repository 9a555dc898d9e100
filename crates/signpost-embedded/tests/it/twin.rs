//! The embedded store beside the reference: every commit goes to both, and both must agree.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::memory::MemoryStore;
use signpost_core::record::{Kind, RecordKey, Scope, Stored};
use signpost_core::store::{CommitError, Store, StoreError};
use signpost_core::turn::{Carry, Destroyed, Prepared};
use signpost_embedded::store::EmbeddedStore;

use crate::world::pseudonym;

/// Two stores as one.
#[derive(Debug)]
pub(crate) struct Twin {
    reference: Arc<MemoryStore>,
    embedded: Mutex<Arc<EmbeddedStore>>,
}

impl Twin {
    pub(crate) fn new(reference: MemoryStore, embedded: EmbeddedStore) -> Self {
        Self { reference: Arc::new(reference), embedded: Mutex::new(Arc::new(embedded)) }
    }

    /// The same reference once more, beside which another store is to be put.
    pub(crate) fn another(&self) -> Self {
        Self { reference: Arc::clone(&self.reference), embedded: Mutex::new(self.embedded()) }
    }

    pub(crate) fn embedded(&self) -> Arc<EmbeddedStore> {
        Arc::clone(&self.embedded.lock().unwrap())
    }

    /// Commits to the reference what the embedded store alone has committed.
    pub(crate) async fn catch_up(&self, commits: impl IntoIterator<Item = Commit>) {
        for commit in commits {
            self.reference.commit(commit).await.unwrap();
        }
    }

    /// Puts a store that was opened again in place of the one that was closed.
    pub(crate) fn replace(&self, embedded: EmbeddedStore) {
        *self.embedded.lock().unwrap() = Arc::new(embedded);
    }

    /// Compares all that both hold, of so many children.
    pub(crate) async fn compare(&self, children: u8) {
        let difference = self.difference(children).await;
        assert_eq!(difference, None, "the embedded store is not as the reference");
    }

    /// In what the embedded store is not as the reference, if in anything.
    pub(crate) async fn difference(&self, children: u8) -> Option<String> {
        let embedded = self.embedded();
        let expected = self.reference.entries(Receipt(0), ALL).await;
        let found = embedded.entries(Receipt(0), ALL).await;
        if found != expected {
            return Some(format!("entries: {} {}", told(&found), told(&expected)));
        }
        let expected = self.reference.openings(Receipt(0), ALL).await;
        let found = embedded.openings(Receipt(0), ALL).await;
        if found != expected {
            return Some(format!("openings: {} {}", told(&found), told(&expected)));
        }
        let children = (0..children).map(|child| Scope::Child(pseudonym(child)));
        for scope in KINDS.into_iter().map(Scope::Kind).chain(children) {
            let expected = self.reference.scan(&scope, None, ALL).await.unwrap();
            let found = embedded.scan(&scope, None, ALL).await;
            if found.as_ref().map(Vec::len) != Ok(expected.len()) {
                return Some(format!("{scope:?}: {} of {}", told(&found), expected.len()));
            }
            let found = found.unwrap();
            for stored in expected {
                let read = embedded.read(&stored.record.key()).await;
                if !found.contains(&stored) || read != Ok(Some(stored)) {
                    return Some(format!("a record of {scope:?}"));
                }
            }
        }
        None
    }
}

#[async_trait]
impl Store for Twin {
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let found = self.embedded().read(key).await;
        assert_eq!(found, self.reference.read(key).await);
        found
    }

    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.embedded().scan(scope, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let outcome = self.embedded().commit(commit.clone()).await;
        assert_eq!(outcome, self.reference.commit(commit).await);
        outcome
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.embedded().entries(from, limit).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.embedded().openings(from, limit).await
    }

    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let expected = self.reference.prepare(Arc::clone(&carry)).await;
        let prepared = self.embedded().prepare(carry).await;
        assert_eq!(prepared, expected);
        prepared
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let switched = self.embedded().switch(generation).await;
        assert_eq!(switched, self.reference.switch(generation).await);
        switched
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        self.reference.destroy(generation).await.unwrap();
        self.embedded().destroy(generation).await
    }
}

/// What was found, in a word: the thing itself is long.
fn told<T>(found: &Result<Vec<T>, StoreError>) -> String {
    match found {
        Ok(found) => found.len().to_string(),
        Err(error) => error.to_string(),
    }
}

pub(crate) const ALL: NonZeroUsize = NonZeroUsize::MAX;

const KINDS: [Kind; 11] = [
    Kind::Replay,
    Kind::Lift,
    Kind::Organisation,
    Kind::Team,
    Kind::System,
    Kind::Certificate,
    Kind::Group,
    Kind::Person,
    Kind::Token,
    Kind::Service,
    Kind::ClockDoubt,
];
