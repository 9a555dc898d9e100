//! What the core needs of the outside world: a store, the time, randomness, and somebody who signs
//! certificates.

use std::future::Ready;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::anchor::Position;
use crate::commit::Commit;
use crate::entry::{Entry, Opening};
use crate::id::{Fingerprint, Receipt, SystemId};
use crate::record::{RecordKey, Scope, Stored};
use crate::turn::Generations;

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
/// * The position changes with every commit and at a turn's switch, and by nothing else.
/// * Entry times never go back: an entry is stamped with the later of the clock and the last entry.
#[async_trait]
pub trait Store: Send + Sync + std::fmt::Debug {
    /// One record.
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>>;

    /// At most `limit` records of a scope, in an order of the store's own that stays the same
    /// while a generation lasts, from the first one behind `after`.
    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>>;

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

    /// How far it is: every commit that was acknowledged before is in that frame or one before it.
    async fn position(&self) -> Result<Position, StoreError>;

    /// Its generations, and the turn from one to the next.
    fn generations(&self) -> &dyn Generations;
}

/// What a store was asked to read: at hand, or still to come. A question reads a dozen records that
/// are in memory; a box for each would cost more than the reading.
#[must_use = "a lookup does nothing until it is awaited"]
pub struct Lookup<'s, T>(Source<'s, T>);

enum Source<'s, T> {
    AtHand(Ready<Result<T, StoreError>>),
    ToCome(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 's>>),
}

impl<'s, T> Lookup<'s, T> {
    /// What was found at once.
    pub fn at_hand(found: Result<T, StoreError>) -> Self {
        Self(Source::AtHand(std::future::ready(found)))
    }

    /// What this comes to.
    pub fn to_come(finding: impl Future<Output = Result<T, StoreError>> + Send + 's) -> Self {
        Self(Source::ToCome(Box::pin(finding)))
    }
}

impl<T> Future for Lookup<'_, T> {
    type Output = Result<T, StoreError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Source::AtHand(found) => Pin::new(found).poll(context),
            Source::ToCome(finding) => finding.as_mut().poll(context),
        }
    }
}

impl<T> std::fmt::Debug for Lookup<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lookup")
    }
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

/// The service's own authority, which signs client certificates.
pub trait CertificateIssuer: Send + Sync + std::fmt::Debug {
    /// Signs a certificate for the key of this request (PKCS #10, DER), whose own signature shows
    /// that its sender has the key, in this system's name. It counts for nothing until it is
    /// admitted. Read here and not before: nothing of a caller who may not have a certificate is.
    fn issue(
        &self,
        request: &[u8],
        system: SystemId,
        now: Timestamp,
    ) -> Result<IssuedCertificate, IssueError>;

    /// Whether this certificate (DER), which it signed before, is for the key of this request and has
    /// most of its life left: nothing new need be signed then.
    fn is_answered_by(&self, request: &[u8], certificate: &[u8], now: Timestamp) -> bool;
}

/// A certificate as it was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedCertificate {
    /// Its DER encoding.
    pub der: Vec<u8>,
    /// SHA-256 of that.
    pub fingerprint: Fingerprint,
    /// Its `notAfter`.
    pub until: Timestamp,
}

/// Why nothing is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// The request is not one to be signed: what it must be, a fixed sentence.
    #[error("the request {0}")]
    Request(&'static str),
    /// The authority signs nothing now.
    #[error("the service's own authority signs nothing now")]
    Unavailable,
}

/// The time to stamp on the next entry, in milliseconds since 1970: never behind the last one.
#[must_use]
pub fn stamp_ms(clock: &dyn Clock, last_ms: u64) -> u64 {
    u64::try_from(clock.now().as_millisecond()).unwrap_or(0).max(last_ms)
}
