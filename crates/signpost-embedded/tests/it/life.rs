//! A store that remembers what it was given, and what should be there after it has died.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::anchor::Position;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{RecordKey, Scope, Stored};
use signpost_core::search::{SearchProgress, Searched, Sought};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::turn::{
    Carry, Destroyed, EraseOpenings, Erased, Generations, Prepared, Unfinished,
};
use signpost_embedded::store::EmbeddedStore;
use tokio::sync::Notify;

/// A store that remembers its commits. Whoever commits after the power was cut waits for ever, as
/// the caller of a process that is gone.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) store: EmbeddedStore,
    pub(crate) past: Arc<Past>,
}

/// What a life has come to.
#[derive(Debug, Default)]
pub(crate) struct Past {
    given: Mutex<Vec<(Commit, Fate)>>,
    /// Below which entry openings were being erased, or are.
    erasing: Mutex<Option<Receipt>>,
    pub(crate) is_over: Notify,
}

/// What became of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Acknowledged,
    /// It was refused for what it rests on.
    Refused,
    /// It was not answered, or the answer was that nobody knows.
    Unknown,
}

impl Past {
    /// The commits that these entries are of, in their order: all that were acknowledged, and of
    /// those whose fate is unknown any.
    pub(crate) fn commits_of(&self, entries: &[Entry]) -> Result<Vec<Commit>, String> {
        let mut given = self.given.lock().unwrap().clone();
        given.retain(|(_, fate)| *fate != Fate::Refused);
        let mut commits = Vec::new();
        for (index, entry) in entries.iter().enumerate() {
            let is_its = |commit: &Commit| commit.entry().stamp(entry.time_ms()) == *entry;
            let found = given.iter().position(|(commit, _)| is_its(commit));
            let found = found.ok_or_else(|| format!("nobody has committed entry {index}"))?;
            commits.push(given.remove(found).0);
        }
        let lost = given.iter().filter(|(_, fate)| *fate == Fate::Acknowledged).count();
        if lost == 0 { Ok(commits) } else { Err(format!("{lost} acknowledged commits are lost")) }
    }

    /// The same past, which what comes now does not change.
    pub(crate) fn as_it_is(&self) -> Self {
        let given = Mutex::new(self.given.lock().unwrap().clone());
        Self { given, erasing: Mutex::new(self.erasing()), is_over: Notify::new() }
    }

    /// Below which entry openings were being erased, if any were.
    pub(crate) fn erasing(&self) -> Option<Receipt> {
        *self.erasing.lock().unwrap()
    }

    /// A commit that the store has acknowledged to somebody else.
    pub(crate) fn add(&self, acknowledged: Commit) {
        self.given.lock().unwrap().push((acknowledged, Fate::Acknowledged));
    }

    fn give(&self, commit: &Commit) -> usize {
        let mut given = self.given.lock().unwrap();
        given.push((commit.clone(), Fate::Unknown));
        given.len() - 1
    }

    fn decide(&self, nth: usize, fate: Fate) {
        self.given.lock().unwrap()[nth].1 = fate;
    }
}

#[async_trait]
impl Store for Life {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move {
            let read = self.store.read(key).await;
            self.unless_over(read).await
        })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move {
            let scanned = self.store.scan(scope, after, limit).await;
            self.unless_over(scanned).await
        })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let nth = self.past.give(&commit);
        let outcome = self.store.commit(commit).await;
        match outcome {
            Ok(_) => self.past.decide(nth, Fate::Acknowledged),
            Err(CommitError::Store(_)) => {
                self.past.is_over.notify_one();
                std::future::pending::<()>().await;
            }
            Err(CommitError::PreconditionFailed) => self.past.decide(nth, Fate::Refused),
        }
        outcome
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        let entries = self.store.entries(from, limit).await;
        self.unless_over(entries).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        let openings = self.store.openings(from, limit).await;
        self.unless_over(openings).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        let position = self.store.position().await;
        self.unless_over(position).await
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for Life {
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let prepared = self.store.prepare(carry).await;
        self.unless_over(prepared).await
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let switched = self.store.switch(generation).await;
        self.unless_over(switched).await
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        let destroyed = self.store.destroy(generation).await;
        self.unless_over(destroyed).await
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let unfinished = self.store.unfinished().await;
        self.unless_over(unfinished).await
    }

    async fn recorded(&self, generation: u64) -> Result<(), StoreError> {
        let recorded = self.store.recorded(generation).await;
        self.unless_over(recorded).await
    }

    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError> {
        *self.past.erasing.lock().unwrap() = Some(below);
        let erased = self.store.erase(which, below).await;
        self.unless_over(erased).await
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        let recorded = self.store.erasure_recorded().await;
        self.unless_over(recorded).await
    }

    async fn sought_openings(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        let sought = self.store.sought_openings(which, below).await;
        self.unless_over(sought).await
    }

    async fn search(
        &self,
        sought: Arc<[Sought]>,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        let searched = self.store.search(sought, progress).await;
        self.unless_over(searched).await
    }
}

impl Life {
    async fn unless_over<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        if outcome.is_err() {
            self.past.is_over.notify_one();
            std::future::pending::<()>().await;
        }
        outcome
    }
}
