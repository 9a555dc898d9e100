//! Feeding the tree from the store: the entries as they are stored, in their order.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use signpost_core::id::Receipt;
use signpost_core::store::{Store, StoreError};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::tree::hash::Hash;

use super::keeper::{Published, RoundError, publish};

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// A ledger that is so far behind is being filled: how far that is, is told.
const WORTH_TELLING: u64 = 65_536;

/// A tree, and the store that it is fed from.
#[derive(Clone, Debug)]
pub(crate) struct Feed {
    pub(super) store: Arc<dyn Store>,
    log: Arc<Mutex<Log>>,
}

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>, log: Log) -> Self {
        Self { store, log: Arc::new(Mutex::new(log)) }
    }

    /// How many entries the tree has, signed or not.
    pub(crate) fn size(&self) -> u64 {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).size()
    }

    /// The root of these entries.
    pub(crate) fn root(&self) -> Hash {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).root()
    }

    /// The last checkpoint.
    pub(crate) fn published(&self) -> Published {
        publish(&self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives the tree the stored bytes of every entry before this index, and signs nothing. False
    /// where the store ends before it.
    pub(crate) async fn up_to(&self, end: u64) -> Result<bool, RoundError> {
        let first = self.size();
        let behind = end.saturating_sub(first);
        let mut tenths_told = 0;
        loop {
            let next = self.size();
            let left = usize::try_from(end.saturating_sub(next)).unwrap_or(usize::MAX);
            let Some(limit) = NonZeroUsize::new(left.min(PAGE.get())) else { return Ok(true) };
            let page = self.store.entries(Receipt(next), limit).await?;
            if page.is_empty() {
                return Ok(false);
            }
            let append = move |log: &mut Log| {
                let mut entries = (next..).zip(&page);
                entries.try_for_each(|(index, entry)| log.append(index, entry.as_bytes()))
            };
            self.with_log(append).await?;
            let tenths = (self.size() - first) * 10 / behind;
            if behind >= WORTH_TELLING && tenths > tenths_told {
                tenths_told = tenths;
                tracing::info!(percent = tenths * 10, "filling the ledger's tree");
            }
        }
    }

    /// Does what waits for a disk on a thread where that stops nobody.
    pub(super) async fn with_log<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Log) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, RoundError> {
        let log = Arc::clone(&self.log);
        let work = move || work(&mut log.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => Ok(done?),
            Err(error) if error.is_panic() => Err(RoundError::Panicked),
            Err(_runtime_ends) => Err(StoreError::Unavailable.into()),
        }
    }
}
