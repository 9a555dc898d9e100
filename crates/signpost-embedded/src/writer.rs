//! The writer: the one thread through which commits go, a batch at a time.

mod batch;
pub(crate) mod drain;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use signpost_core::commit::Commit;
use signpost_core::id::Receipt;
use signpost_core::store::{Clock, CommitError, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::error::Failure;
use crate::journal::frame::Body;
use crate::journal::{AppendError, Journal};
use crate::keyring::sealing::SealingKey;
use crate::state::Shared;
use batch::{Batch, RegisterWrite};
use drain::{DRAIN_AT_ENTRIES, PENDING_ENTRIES_MAX};

/// A commit, and where its caller waits for the receipt.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) commit: Commit,
    pub(crate) answer: oneshot::Sender<Outcome>,
}

/// What a commit comes to.
pub(crate) type Outcome = Result<Receipt, CommitError>;

/// What the writer thread owns.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) journal: Journal,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: mpsc::Receiver<Request>,
    /// Wakes the drain; the drain ends when the writer lets go of it.
    pub(crate) drain: SyncSender<()>,
    pub(crate) batch_commits_max: usize,
    pub(crate) segment_openings_max: u32,
    pub(crate) tail: Tail,
}

/// Where the next entry and opening go.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) next_entry: u64,
    pub(crate) last_ms: u64,
    /// The segment that openings go to; number 0 before the first.
    pub(crate) segment: u64,
    pub(crate) slots_used: u32,
    /// The segment's key, once it was needed.
    pub(crate) segment_key: Option<Arc<SealingKey>>,
}

/// The most bytes of sealed writes that a batch goes on taking commits at.
const BATCH_BYTES_MAX: usize = 8 << 20;

impl Writer {
    /// Writes until the queue is closed and empty, or the store has failed. Whoever still waits
    /// then finds the other end of the answer gone.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.write_until_closed())).is_err() {
            shared.fail(Failure::Panicked);
        }
    }

    fn write_until_closed(&mut self) {
        while let Some(first) = self.queue.blocking_recv() {
            if !self.write_waiting(first) {
                return;
            }
        }
    }

    /// Writes what is waiting as one batch, and answers all of it together, the failed ones too:
    /// when an answer comes tells nothing of what it is. False if the store has failed.
    fn write_waiting(&mut self, first: Request) -> bool {
        let (waiting, outcomes) = self.write_batch(first);
        for (answer, outcome) in waiting.into_iter().zip(outcomes) {
            let _caller_gone = answer.send(outcome);
        }
        !self.shared.has_failed()
    }

    fn write_batch(&mut self, first: Request) -> (Vec<oneshot::Sender<Outcome>>, Vec<Outcome>) {
        let mut waiting = Vec::new();
        let mut outcomes = Vec::new();
        let mut batch =
            Batch::new(&self.shared, &*self.clock, self.tail.clone(), self.segment_openings_max);
        let mut next = Some(first);
        while let Some(Request { commit, answer }) = next {
            waiting.push(answer);
            outcomes.push(batch.add(&commit));
            let full = waiting.len() >= self.batch_commits_max || batch.bytes() >= BATCH_BYTES_MAX;
            next = if full { None } else { self.queue.try_recv().ok() };
        }
        let Batch { body, tail, registers, .. } = batch;
        let written =
            if body.entries.is_empty() { Ok(()) } else { self.write_frame(&body, tail, registers) };
        if let Err(error) = written {
            for outcome in &mut outcomes {
                if outcome.is_ok() {
                    *outcome = Err(error.into());
                }
            }
        }
        (waiting, outcomes)
    }

    /// Makes one frame durable and then visible.
    fn write_frame(
        &mut self,
        body: &Body,
        tail: Tail,
        registers: Vec<RegisterWrite>,
    ) -> Result<(), StoreError> {
        let pending = self.shared.read()?.entries.len();
        if pending >= DRAIN_AT_ENTRIES {
            let _woken_already = self.drain.try_send(());
        }
        if pending >= PENDING_ENTRIES_MAX {
            return Err(StoreError::Unavailable);
        }
        let last = self.journal.last();
        let frame = body.encode(last.number + 1, self.tail.next_entry, &last.hash);
        let (frame, id) = frame.ok_or(StoreError::Unavailable)?;
        match self.journal.append(&frame, id) {
            Ok(()) => {}
            Err(AppendError::NotWritten(error)) => {
                tracing::warn!(%error, "a batch was not written");
                return Err(StoreError::Unavailable);
            }
            Err(AppendError::Broken(failure)) => {
                self.shared.fail(failure);
                return Err(StoreError::Indeterminate);
            }
        }
        self.tail = tail;
        let shared = Arc::clone(&self.shared);
        let applied = batch::apply(&mut *shared.write()?, id, body, registers);
        applied.map_err(|error| {
            tracing::error!(%error, "the index did not take a frame");
            self.shared.fail(Failure::IndexNotWritten);
            StoreError::Indeterminate
        })
    }
}
