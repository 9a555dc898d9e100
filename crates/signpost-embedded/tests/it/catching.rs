//! A store before another, which keeps commits back: so a test comes by commits that it cannot build,
//! and hands them over when it likes.

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

/// Reads from the store within, if there is one, and keeps what is to be committed.
#[derive(Debug, Default)]
pub(crate) struct Catching {
    within: Option<Arc<dyn Store>>,
    caught: Mutex<Vec<Commit>>,
}

impl Catching {
    pub(crate) fn before(store: Arc<dyn Store>) -> Self {
        Self { within: Some(store), caught: Mutex::default() }
    }

    /// What was to be committed since the last time.
    pub(crate) fn take(&self) -> Vec<Commit> {
        std::mem::take(&mut *self.caught.lock().unwrap())
    }

    fn within(&self) -> Result<&Arc<dyn Store>, StoreError> {
        self.within.as_ref().ok_or(StoreError::Unavailable)
    }
}

/// The commit of the service itself that writes nothing.
pub(crate) async fn empty_commit() -> Commit {
    let catching = Catching::default();
    let _caught = signpost_core::testing::put_records(&catching, []).await;
    catching.take().pop().unwrap()
}

#[async_trait]
impl Store for Catching {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        Lookup::to_come(async move { self.within()?.read(key).await })
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        Lookup::to_come(async move { self.within()?.scan(scope, after, limit).await })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        self.caught.lock().unwrap().push(commit);
        Err(StoreError::Unavailable.into())
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.within()?.entries(from, limit).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.within()?.openings(from, limit).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        self.within()?.position().await
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for Catching {
    async fn prepare(&self, _carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn switch(&self, _generation: u64) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn destroy(&self, _generation: u64) -> Result<Destroyed, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        self.within()?.generations().unfinished().await
    }

    async fn recorded(&self, _generation: u64) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn erase(
        &self,
        _which: Arc<dyn EraseOpenings>,
        _below: Receipt,
    ) -> Result<Erased, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn sought_openings(
        &self,
        _which: Arc<dyn EraseOpenings>,
        _below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        Err(StoreError::Unavailable)
    }

    async fn search(
        &self,
        _sought: Arc<[Sought]>,
        _progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        Err(StoreError::Unavailable)
    }
}
