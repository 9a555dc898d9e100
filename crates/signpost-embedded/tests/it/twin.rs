//! The embedded store beside the reference: every commit goes to both, and both must agree.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::anchor::Position;
use signpost_core::commit::{Commit, Write};
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::memory::MemoryStore;
use signpost_core::record::{Kind, RecordKey, Scope, Stored};
use signpost_core::search::{SearchProgress, Searched, Sought};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::turn::{
    Carry, Destroyed, EraseOpenings, Erased, Generations, Prepared, Unfinished,
};
use signpost_embedded::store::EmbeddedStore;

use crate::world::pseudonym;

/// Two stores as one.
#[derive(Debug)]
pub(crate) struct Twin {
    reference: Arc<MemoryStore>,
    map: Mutex<Map>,
    embedded: Mutex<Arc<EmbeddedStore>>,
}

impl Twin {
    pub(crate) fn new(reference: MemoryStore, embedded: EmbeddedStore) -> Self {
        let (map, embedded) = (Mutex::default(), Mutex::new(Arc::new(embedded)));
        Self { reference: Arc::new(reference), map, embedded }
    }

    /// The same reference once more, beside which another store is to be put.
    pub(crate) fn another(&self) -> Self {
        let map = Mutex::new(self.map.lock().unwrap().clone());
        Self { reference: Arc::clone(&self.reference), map, embedded: Mutex::new(self.embedded()) }
    }

    pub(crate) fn embedded(&self) -> Arc<EmbeddedStore> {
        Arc::clone(&self.embedded.lock().unwrap())
    }

    /// Commits to the reference what the embedded store alone has committed.
    pub(crate) async fn catch_up(&self, commits: impl IntoIterator<Item = Commit>) {
        for commit in commits {
            let receipt = self.reference.commit(commit.clone()).await.unwrap();
            self.map.lock().unwrap().apply(receipt, &commit);
        }
    }

    /// Follows what the embedded store alone was given, and what it has answered to each: all that
    /// it acknowledged must be there under its receipt, all that it refused must fail here too, and
    /// of the rest whatever is there is taken over, in its order.
    pub(crate) async fn follow(&self, given: Vec<(Commit, Result<Receipt, CommitError>)>) {
        let known = self.reference.entries(Receipt(0), ALL).await.unwrap().len() as u64;
        let entries = self.embedded().entries(Receipt(known), ALL).await.unwrap();
        let is_unknown = |outcome: &Result<_, CommitError>| {
            outcome.is_err_and(|error| error != CommitError::PreconditionFailed)
        };
        let all_answered = !given.iter().any(|(_, outcome)| is_unknown(outcome));
        let (refused, mut rest): (Vec<_>, Vec<_>) = given
            .into_iter()
            .partition(|(_, outcome)| *outcome == Err(CommitError::PreconditionFailed));
        for (receipt, entry) in (known..).map(Receipt).zip(entries) {
            let is_its = |(commit, outcome): &(Commit, Result<Receipt, CommitError>)| {
                let is_its = commit.entry().stamp(entry.time_ms()) == entry;
                is_its && outcome.is_ok_and(|acknowledged| acknowledged == receipt)
            };
            let could_be_its = |(commit, outcome): &(Commit, Result<Receipt, CommitError>)| {
                outcome.is_err() && commit.entry().stamp(entry.time_ms()) == entry
            };
            let at = rest.iter().position(is_its).or_else(|| rest.iter().position(could_be_its));
            let (commit, _) = rest.remove(at.expect("nobody has committed this"));
            self.catch_up([commit]).await;
        }
        let lost = rest.iter().filter(|(_, outcome)| outcome.is_ok()).count();
        assert_eq!(lost, 0, "acknowledged commits are lost");
        for (commit, outcome) in refused {
            // One before it in its batch may be what it clashed with, and be gone with the power.
            if all_answered {
                assert_eq!(self.reference.commit(commit).await, outcome);
            }
        }
    }

    /// The generation in use is that which was prepared last, whatever became of its switch.
    pub(crate) async fn follow_switch(&self, generation: u64) {
        self.reference.switch(generation).await.unwrap();
        self.map.lock().unwrap().switch();
        self.reference.destroy(generation - 1).await.unwrap();
    }

    /// Prepares here what the embedded store prepares, or fails to.
    pub(crate) async fn prepare_reference(&self, carry: Arc<dyn Carry>) -> u64 {
        self.map.lock().unwrap().carry = Some(Arc::clone(&carry));
        self.reference.prepare(carry).await.unwrap().generation
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

    /// Compares every record with a plain map of what was put.
    pub(crate) async fn compare_with_map(&self) {
        let records = self.map.lock().unwrap().records.clone();
        let embedded = self.embedded();
        for stored in records {
            let read = embedded.read(&stored.record.key()).await;
            assert_eq!(read, Ok(Some(stored)));
        }
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

/// The plainest of stores: what was put last under each key.
#[derive(Clone, Debug, Default)]
struct Map {
    records: Vec<Stored>,
    carry: Option<Arc<dyn Carry>>,
}

impl Map {
    fn apply(&mut self, version: Receipt, commit: &Commit) {
        for write in commit.writes() {
            let key = match write {
                Write::Put(record) => record.key(),
                Write::Remove(key) => key.clone(),
            };
            self.records.retain(|stored| stored.record.key() != key);
            if let Write::Put(record) = write {
                self.records.push(Stored { version, record: record.clone() });
            }
        }
    }

    fn switch(&mut self) {
        let carry = self.carry.take().unwrap();
        let carried = |Stored { version, record }| {
            Some(Stored { version, record: carry.carry(version, record)? })
        };
        self.records = std::mem::take(&mut self.records).into_iter().filter_map(carried).collect();
    }
}

#[async_trait]
impl Store for Twin {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move {
            let found = self.embedded().read(key).await;
            assert_eq!(found, self.reference.read(key).await);
            found
        })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move { self.embedded().scan(scope, after, limit).await })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let outcome = self.embedded().commit(commit.clone()).await;
        assert_eq!(outcome, self.reference.commit(commit.clone()).await);
        if let Ok(receipt) = outcome {
            self.map.lock().unwrap().apply(receipt, &commit);
        }
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

    async fn position(&self) -> Result<Position, StoreError> {
        self.embedded().position().await
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for Twin {
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        self.map.lock().unwrap().carry = Some(Arc::clone(&carry));
        let expected = self.reference.prepare(Arc::clone(&carry)).await;
        let prepared = self.embedded().prepare(carry).await;
        // The reference has no files to search.
        let without_sought = prepared.clone().map(|it| Prepared { sought: Vec::new(), ..it });
        assert_eq!(without_sought, expected);
        prepared
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let switched = self.embedded().switch(generation).await;
        assert_eq!(switched, self.reference.switch(generation).await);
        if switched.is_ok() {
            self.map.lock().unwrap().switch();
        }
        switched
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        self.reference.destroy(generation).await.unwrap();
        self.embedded().destroy(generation).await
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        self.embedded().unfinished().await
    }

    async fn recorded(&self, generation: u64) -> Result<(), StoreError> {
        self.reference.recorded(generation).await?;
        self.embedded().recorded(generation).await
    }

    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError> {
        let expected = self.reference.erase(Arc::clone(&which), below).await;
        let erased = self.embedded().erase(which, below).await;
        assert_eq!(erased.as_ref().map(|it| it.openings), expected.as_ref().map(|it| it.openings));
        erased
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        self.reference.erasure_recorded().await?;
        self.embedded().erasure_recorded().await
    }

    async fn sought_openings(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        self.embedded().sought_openings(which, below).await
    }

    async fn search(
        &self,
        sought: Arc<[Sought]>,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        self.embedded().search(sought, progress).await
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
