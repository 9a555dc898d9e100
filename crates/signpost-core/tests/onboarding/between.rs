//! Somebody between the directory and its store.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use signpost_core::commit::{Commit, Write};
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{Record, RecordKey, Scope, Stored};
use signpost_core::store::{CommitError, Store, StoreError};
use signpost_core::testing::put_records;
use signpost_core::turn::{Carry, Destroyed, Prepared};

/// Looks at every commit, puts records of somebody else's before the next one, and lets others
/// have their turn before every read.
#[derive(Debug)]
pub(crate) struct Between {
    pub(crate) inner: Arc<dyn Store>,
    pub(crate) before_commit: Mutex<Vec<Record>>,
    pub(crate) gives_way: AtomicBool,
    writes: Mutex<Vec<Vec<Write>>>,
}

impl Between {
    pub(crate) fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            before_commit: Mutex::default(),
            gives_way: AtomicBool::new(false),
            writes: Mutex::default(),
        }
    }

    /// What each commit wrote since this was last asked.
    pub(crate) fn take_writes(&self) -> Vec<Vec<Write>> {
        std::mem::take(&mut *self.writes.lock().unwrap())
    }
}

#[async_trait]
impl Store for Between {
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        if self.gives_way.load(Ordering::Relaxed) {
            tokio::task::yield_now().await;
        }
        self.inner.read(key).await
    }

    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError> {
        self.inner.scan(scope, after, limit).await
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let records = std::mem::take(&mut *self.before_commit.lock().unwrap());
        if !records.is_empty() {
            put_records(&*self.inner, records).await?;
        }
        let writes = commit.writes().to_vec();
        let receipt = self.inner.commit(commit).await?;
        self.writes.lock().unwrap().push(writes);
        Ok(receipt)
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        self.inner.entries(from, limit).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        self.inner.openings(from, limit).await
    }

    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        self.inner.prepare(carry).await
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        self.inner.switch(generation).await
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        self.inner.destroy(generation).await
    }
}
