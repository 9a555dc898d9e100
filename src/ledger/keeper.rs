//! The keeper: while the service runs it anchors the ledger, feeds its tree, and signs checkpoints.
//!
//! A round is one anchor, the entries up to it, and one checkpoint that ends with it. Without an
//! entry behind the last checkpoint there is no round, so that the keeper's own anchors lead to no
//! further ones.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use signpost_core::directory::Directory;
use signpost_core::id::Receipt;
use signpost_core::refusal::Refusal;
use signpost_core::store::{Store, StoreError};
use signpost_ledger::error::LedgerError;
use signpost_ledger::log::Log;
use signpost_ledger::log::reader::Reader;
use signpost_ledger::note::Signature;
use signpost_ledger::note::key::VerifierKey;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;
use tonic_health::ServingStatus;

use super::feed::Feed;
use crate::server::with_sources;
use crate::watch::Health;

const EVERY: Duration = Duration::from_secs(1);
/// A round that failed is tried again ever later, up to this.
const TRIED_AGAIN_AFTER_MAX: Duration = Duration::from_mins(1);

/// Whoever asks for a checkpoint waits until so long after the last one, and shares it with all who
/// ask meanwhile: nobody can keep the disk busy by asking.
const DEMANDED_ROUNDS_APART: Duration = Duration::from_millis(100);

/// A round that takes longer is told in health, as a slow store is.
const LATE_AFTER: Duration = Duration::from_secs(2);

/// So many may wait for a checkpoint of their own.
const DEMANDS_MAX: usize = 64;

/// The last checkpoint, and what answers about the entries under it.
#[derive(Clone, Debug)]
pub(crate) struct Published {
    /// The signed note, as it lies on disk.
    pub(crate) note: String,
    /// Answers from the files.
    pub(crate) reader: Reader,
}

/// A witness's signature of a checkpoint, seen to fit.
#[derive(Debug)]
pub(crate) struct Cosigned {
    /// The checkpoint.
    pub(crate) text: String,
    /// The witness.
    pub(crate) key: VerifierKey,
    /// What it signed with.
    pub(crate) signature: Signature,
}

/// Somebody waits for a checkpoint over all there is, and is told whether there is one.
type Demand = oneshot::Sender<bool>;

/// The ledger, for whoever answers from it.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    store: Arc<dyn Store>,
    published: watch::Receiver<Published>,
    demands: mpsc::Sender<Demand>,
    cosigned: mpsc::Sender<Cosigned>,
}

/// Feeds one log from one store.
#[derive(Debug)]
pub(crate) struct Keeper {
    directory: Directory,
    feed: Feed,
    /// An anchor that is on record, and that no checkpoint covers yet.
    owed: Option<Receipt>,
    published: watch::Sender<Published>,
    demands: mpsc::Receiver<Demand>,
    /// What witnesses have cosigned.
    cosigned: mpsc::Receiver<Cosigned>,
}

/// Why a round did not come to its checkpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RoundError {
    /// The store does not take the anchor now, or does not give the entries.
    #[error("the store: {0}")]
    Store(#[from] Refusal),
    /// The tree cannot be written now.
    #[error("{}", with_sources(.0))]
    Later(LedgerError),
    /// Nothing more is signed until a start has looked.
    #[error("the ledger's tree: {}", with_sources(.0))]
    Lost(LedgerError),
    /// A bug: the log may have taken half an entry.
    #[error("the ledger's tree: a bug")]
    Panicked,
}

impl RoundError {
    /// Whether a start has to look before anything more is signed.
    pub(crate) fn is_final(&self) -> bool {
        match self {
            Self::Store(_) | Self::Later(_) => false,
            Self::Lost(_) | Self::Panicked => true,
        }
    }
}

impl From<StoreError> for RoundError {
    fn from(error: StoreError) -> Self {
        Self::Store(error.into())
    }
}

impl From<LedgerError> for RoundError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Full { .. } | LedgerError::Io { .. } => Self::Later(error),
            LedgerError::Lost { .. }
            | LedgerError::Damaged { .. }
            | LedgerError::Checkpoint { .. }
            | LedgerError::AlreadyThere { .. }
            | LedgerError::OutOfOrder { .. }
            | LedgerError::TooLong { .. }
            | LedgerError::Beyond { .. } => Self::Lost(error),
        }
    }
}
impl Shelf {
    /// The ledger as the last checkpoint has it.
    pub(crate) fn last(&self) -> Published {
        self.published.borrow().clone()
    }

    /// The ledger as a checkpoint has it that was signed after this was asked for, if there was
    /// anything new to sign.
    pub(crate) async fn fresh(&self) -> Published {
        // Where the keeper has ended, the last checkpoint is all there is.
        self.all_signed().await.unwrap_or_else(|| self.last())
    }

    /// The ledger with all signed that was on record when this was asked for; none where that cannot
    /// be signed now.
    pub(crate) async fn all_signed(&self) -> Option<Published> {
        let (told, done) = oneshot::channel();
        self.demands.send(told).await.ok()?;
        done.await.ok()?.then(|| self.last())
    }

    /// The last checkpoint; where the store has this entry and that does not cover it, one is signed
    /// first if possible.
    pub(crate) async fn covering(&self, index: u64) -> Result<Published, StoreError> {
        let last = self.last();
        if index < last.reader.checkpoint().size {
            return Ok(last);
        }
        let found = self.store.entries(Receipt(index), NonZeroUsize::MIN).await?;
        if found.is_empty() { Ok(last) } else { Ok(self.fresh().await) }
    }

    /// Waits for a checkpoint behind the one that was seen last.
    pub(crate) async fn next(&mut self) {
        // Where the keeper has ended, there is none any more.
        if self.published.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Hands in a cosignature, which the checkpoint then bears.
    pub(crate) async fn cosigned(&self, cosigned: Cosigned) {
        let _keeper_ended = self.cosigned.send(cosigned).await;
    }
}

impl Keeper {
    /// A keeper of this tree, and where others find what it signs.
    pub(crate) fn new(directory: Directory, feed: Feed) -> (Self, Shelf) {
        let (published, seen) = watch::channel(feed.published());
        let (demand, demands) = mpsc::channel(DEMANDS_MAX);
        let (hand_back, cosigned) = mpsc::channel(DEMANDS_MAX);
        let store = Arc::clone(&feed.store);
        let keeper = Self { directory, feed, owed: None, published, demands, cosigned };
        (keeper, Shelf { store, published: seen, demands: demand, cosigned: hand_back })
    }

    /// Keeps the ledger until `closing` ends, and then signs it as a whole once more. An error is
    /// one after which nothing more may be signed.
    pub(crate) async fn keep(
        mut self,
        health: Health,
        closing: impl Future<Output = ()>,
    ) -> Result<(), RoundError> {
        let mut closing = std::pin::pin!(closing);
        let (mut pause, mut last) = (EVERY, Instant::now());
        health.set_ledger(ServingStatus::Serving).await;
        loop {
            let is_well = pause == EVERY;
            let is_rested = last.elapsed() >= DEMANDED_ROUNDS_APART;
            let mut waiting = Vec::new();
            tokio::select! {
                () = &mut closing => break,
                () = tokio::time::sleep_until(last + pause) => {}
                () = tokio::time::sleep_until(last + DEMANDED_ROUNDS_APART), if !is_rested => continue,
                Some(demand) = self.demands.recv(), if is_well && is_rested => waiting.push(demand),
                Some(cosigned) = self.cosigned.recv() => {
                    match self.add_cosignature(cosigned).await {
                        Err(error) if error.is_final() => return Err(error),
                        Err(error) => tracing::warn!(%error, "a cosignature is not kept"),
                        Ok(()) => {}
                    }
                    continue;
                }
            }
            waiting.extend(std::iter::from_fn(|| self.demands.try_recv().ok()));
            let (done, was_late) = self.round_or_late(&health).await;
            pause = match done {
                Ok(()) => EVERY,
                Err(error) if error.is_final() => return Err(error),
                Err(error) => {
                    tracing::warn!(%error, "no checkpoint can be signed now: it is tried again");
                    (2 * pause).min(TRIED_AGAIN_AFTER_MAX)
                }
            };
            last = Instant::now();
            if was_late || is_well != (pause == EVERY) {
                tell(&health, pause == EVERY).await;
            }
            for demand in waiting {
                let _caller_gone = demand.send(pause == EVERY);
            }
        }
        match self.round().await {
            Err(error) if error.is_final() => Err(error),
            Err(error) => {
                tracing::warn!(%error, "the last entries have no checkpoint: the next start signs one");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// A round, and whether it took so long that health says so: a disk may neither fail nor answer.
    async fn round_or_late(&mut self, health: &Health) -> (Result<(), RoundError>, bool) {
        let mut round = std::pin::pin!(self.round());
        match tokio::time::timeout(LATE_AFTER, &mut round).await {
            Ok(done) => (done, false),
            Err(_late) => {
                tracing::warn!("a checkpoint takes long to sign");
                health.set_ledger(ServingStatus::NotServing).await;
                (round.await, true)
            }
        }
    }

    /// Anchors, feeds and signs, if there is anything that is not signed.
    pub(crate) async fn round(&mut self) -> Result<(), RoundError> {
        let signed = Receipt(self.published.borrow().reader.checkpoint().size);
        let anchor = match self.owed {
            Some(anchor) => anchor,
            None if self.feed.store.entries(signed, NonZeroUsize::MIN).await?.is_empty() => {
                return Ok(());
            }
            None => *self.owed.insert(self.directory.anchor().await?),
        };
        if !self.feed.up_to(anchor.0 + 1).await? {
            return Err(StoreError::Damaged.into());
        }
        let published = self.feed.with_log(|log| log.checkpoint().map(drop).map(|()| publish(log)));
        self.published.send_replace(published.await?);
        self.owed = None;
        Ok(())
    }

    /// Adds a witness's signature to the checkpoint, unless there is a later one by now. Nobody waits
    /// for it: that it is there is no new checkpoint.
    async fn add_cosignature(&self, cosigned: Cosigned) -> Result<(), RoundError> {
        let Cosigned { text, key, signature } = cosigned;
        let add = move |log: &mut Log| {
            if log.note().text() == text {
                match log.add_cosignature(&key, signature) {
                    // Whatever a witness has sent, the tree is as it was.
                    Err(error @ LedgerError::Checkpoint { .. }) => {
                        tracing::error!(
                            problem = with_sources(&error),
                            "a cosignature does not fit"
                        );
                    }
                    added => {
                        added?;
                    }
                }
            }
            Ok(publish(log))
        };
        let bearing_it = self.feed.with_log(add).await?;
        self.published.send_if_modified(|published| {
            *published = bearing_it;
            false
        });
        Ok(())
    }
}

/// A keeper at work.
#[derive(Debug)]
pub(crate) struct Keeping {
    task: JoinHandle<Result<(), RoundError>>,
    close: oneshot::Sender<()>,
    has_ended: bool,
}

impl Keeping {
    /// Begins in a task of its own: there may be much to fill.
    pub(crate) fn begin(keeper: Keeper, health: Health) -> Self {
        let (close, closing) = oneshot::channel();
        let closing = async move {
            // Dropped or sent, it is the end.
            closing.await.ok();
        };
        Self { task: tokio::spawn(keeper.keep(health, closing)), close, has_ended: false }
    }

    /// Ends when nothing more may be signed, with why.
    pub(crate) async fn failure(&mut self) -> String {
        let ended = (&mut self.task).await;
        self.has_ended = true;
        cause(ended).unwrap_or_else(|| "the ledger's keeper ended by itself".to_owned())
    }

    /// Signs the ledger as a whole. Gives why that was not possible, where a start has to look.
    pub(crate) async fn close(self) -> Option<String> {
        if self.has_ended {
            return None;
        }
        let _sent_while_it_runs = self.close.send(());
        cause(self.task.await)
    }
}

fn cause(ended: Result<Result<(), RoundError>, JoinError>) -> Option<String> {
    match ended {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_panicked) => Some(RoundError::Panicked.to_string()),
    }
}

/// The log's last checkpoint.
pub(crate) fn publish(log: &Log) -> Published {
    Published { note: log.note().to_string(), reader: log.reader() }
}

async fn tell(health: &Health, is_well: bool) {
    if is_well {
        tracing::info!("checkpoints are signed again");
        health.set_ledger(ServingStatus::Serving).await;
    } else {
        health.set_ledger(ServingStatus::NotServing).await;
    }
}

#[cfg(test)]
mod tests;
