//! What the core needs of the outside world: a store, the time, and randomness.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::commit::Commit;
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::record::{RecordKey, Scope, Stored};

/// Where records, entries and openings are kept.
///
/// The contract, held by one conformance suite on every store:
///
/// * [`Store::commit`] is the only way in. A commit is applied as a whole or not at all, together
///   with its entry and its opening; when it returns a receipt, all of it is durable.
/// * Commits have one order. A commit's preconditions are checked against the store as every
///   earlier commit left it, those of the same batch included; a commit that fails has no effect,
///   and fails alone.
/// * Every record that a commit writes has the commit's receipt as its version. Receipts count
///   the ledger's entries from 0, without a gap.
/// * Whoever holds a receipt finds its effects in every later read.
/// * A scan sees the store as some one commit left it, never half of a commit.
/// * Entry times never go back: an entry is stamped with the later of the clock and the last entry.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// One record.
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError>;

    /// At most `limit` records of a scope, in an order of the store's own that stays the same
    /// while a generation lasts, from the first one behind `after`.
    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError>;

    /// Applies a commit and gives its receipt.
    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError>;

    /// At most `limit` entries from this index on.
    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError>;

    /// At most `limit` openings from this index on, each with the index of its entry.
    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError>;
}

/// Why a commit was not acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// What it rests on has changed; it had no effect. Read again and decide again.
    #[error("what the commit rests on has changed")]
    PreconditionFailed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a store did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It certainly did not happen; later it may.
    #[error("the store is unavailable; nothing was done")]
    Unavailable,
    /// Too much waits already: it certainly did not happen; in a moment it may.
    #[error("too much waits for the store; nothing was done")]
    Busy,
    /// It may have happened or not; the store takes no more commits until a restart has looked.
    #[error("the store failed; whether it was done is unknown")]
    Indeterminate,
    /// What is stored cannot be read back: damage, or a format this build does not know.
    #[error("what is stored is damaged")]
    Damaged,
}

/// The time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present time, as the machine has it.
    fn now(&self) -> Timestamp;

    /// The time since some fixed start, by a steady clock that nobody sets. Without one, as here, a
    /// step of the machine's clock cannot be told from time that passes.
    fn elapsed(&self) -> SignedDuration {
        self.now().duration_since(Timestamp::UNIX_EPOCH)
    }
}

/// Random bytes from the operating system, or from a test.
pub trait Entropy: Send + Sync + std::fmt::Debug {
    /// Fills these bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The time to stamp on the next entry, in milliseconds since 1970: never behind the last one.
#[must_use]
pub fn stamp_ms(clock: &dyn Clock, last_ms: u64) -> u64 {
    u64::try_from(clock.now().as_millisecond()).unwrap_or(0).max(last_ms)
}
