//! The writer: the one thread through which commits go, a batch at a time.

mod batch;
mod company;
pub(crate) mod drain;
mod switch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Instant;

use signpost_core::commit::Commit;
use signpost_core::id::Receipt;
use signpost_core::store::{Clock, CommitError, StoreError};
use tokio::sync::{mpsc, oneshot};

use crate::error::Failure;
use crate::journal::frame::{Body, FrameId};
use crate::journal::{AppendError, Journal};
use crate::keyring::sealing::SealingKey;
use crate::ledger::EntryChain;
use crate::state::Shared;
use crate::state::generation::Generation;
use crate::turn::InHand;
use batch::{Batch, Visible};
use drain::{DRAIN_AT_ENTRIES, PENDING_ENTRIES_MAX};

/// What the writer is asked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "nearly all are commits; a box would cost more")]
pub(crate) enum Request {
    /// To write a commit, and where its caller waits for the receipt.
    Commit(Commit, oneshot::Sender<Outcome>),
    /// To put the next generation, which is all but filled, into use.
    Switch(Box<InHand>, oneshot::Sender<Result<(), StoreError>>),
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
    /// How many commits the last batch had; 0 where none came for a while.
    pub(crate) last_batch: usize,
}

/// Where the next entry and opening go.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) next_entry: u64,
    pub(crate) last_ms: u64,
    /// The chain over all entries so far.
    pub(crate) chain: EntryChain,
    /// The segment that openings go to; number 0 before the first.
    pub(crate) segment: u64,
    pub(crate) slots_used: u32,
    /// The last segment that takes no more openings, full or not.
    pub(crate) closed: u64,
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
        // Who got a place just before is let go of too: a queue that is merely dropped may keep what
        // comes while it is, for as long as the store is there, and with it the other end.
        self.queue.close();
        while self.queue.blocking_recv().is_some() {}
    }

    fn write_until_closed(&mut self) {
        while let Some(request) = self.next_request() {
            if let Request::Commit(..) = request {
                company::wait_for(self.last_batch, self.queue.len() + 1);
            }
            let mut next = Some(request);
            while let Some(request) = next.take() {
                // The drain may have failed since.
                if self.shared.has_failed() {
                    return;
                }
                self.shared.condition.begin_batch();
                match request {
                    Request::Commit(commit, answer) => next = self.write_waiting(&commit, answer),
                    Request::Switch(filling, answer) => {
                        let switched = filling.take().map(|filling| self.switch(filling));
                        let _caller_gone =
                            answer.send(switched.unwrap_or(Err(StoreError::Unavailable)));
                    }
                }
                self.shared.condition.end_batch();
            }
            if self.shared.has_failed() {
                return;
            }
        }
    }

    /// What has come, or comes next; none once the queue is closed and empty.
    fn next_request(&mut self) -> Option<Request> {
        if let Ok(request) = self.queue.try_recv() {
            return Some(request);
        }
        let idle = Instant::now();
        let request = self.queue.blocking_recv();
        if idle.elapsed() > company::IDLE_AFTER {
            self.last_batch = 0;
        }
        request
    }

    /// Writes what is waiting as one batch, and answers all of it together, the failed ones too:
    /// when an answer comes tells nothing of what it is. Gives back what else was waiting.
    fn write_waiting(
        &mut self,
        first: &Commit,
        answer: oneshot::Sender<Outcome>,
    ) -> Option<Request> {
        let mut waiting = vec![answer];
        let (outcomes, next) = match self.shared.generation() {
            Ok(generation) => self.write_batch(&generation, first, &mut waiting),
            Err(error) => (vec![Err(error.into())], None),
        };
        self.last_batch = waiting.len();
        for (answer, outcome) in waiting.into_iter().zip(outcomes) {
            let _caller_gone = answer.send(outcome);
        }
        next
    }

    fn write_batch(
        &mut self,
        generation: &Generation,
        first: &Commit,
        waiting: &mut Vec<oneshot::Sender<Outcome>>,
    ) -> (Vec<Outcome>, Option<Request>) {
        let shared = Arc::clone(&self.shared);
        let mut batch = Batch::new(
            (&shared, generation),
            &*self.clock,
            self.tail.clone(),
            self.segment_openings_max,
        );
        let mut outcomes = vec![batch.add(first)];
        let mut next = None;
        while waiting.len() < self.batch_commits_max && batch.bytes() < BATCH_BYTES_MAX {
            match self.queue.try_recv() {
                Ok(Request::Commit(commit, answer)) => {
                    waiting.push(answer);
                    outcomes.push(batch.add(&commit));
                }
                Ok(other) => {
                    next = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let Batch { body, tail, visible, .. } = batch;
        let written =
            if body.entries.is_empty() { Ok(()) } else { self.write_frame(body, tail, visible) };
        if let Err(error) = written {
            for outcome in &mut outcomes {
                if outcome.is_ok() {
                    *outcome = Err(error.into());
                }
            }
        }
        (outcomes, next)
    }

    /// Makes one frame durable and then visible.
    fn write_frame(&mut self, body: Body, tail: Tail, visible: Visible) -> Result<(), StoreError> {
        let pending = self.shared.pending()?.entries.len();
        if pending >= DRAIN_AT_ENTRIES {
            let _woken_already = self.drain.try_send(());
        }
        if pending >= PENDING_ENTRIES_MAX {
            return Err(StoreError::Unavailable);
        }
        let last = self.journal.last();
        let frame = body.encode(last.number + 1, self.tail.next_entry, &last.hash);
        let (frame, id) = frame.ok_or(StoreError::Unavailable)?;
        self.make_durable(&frame, id)?;
        self.tail = tail;
        fail::fail_point!("before-apply");
        let applied = self.make_visible(id, body, visible);
        fail::fail_point!("after-apply");
        applied
    }

    /// Whoever is answered before this has happened may be answered in vain.
    fn make_durable(&mut self, frame: &[u8], id: FrameId) -> Result<(), StoreError> {
        match self.journal.append(frame, id) {
            Ok(()) => {
                self.shared.add_grown_bytes(frame.len() as u64);
                Ok(())
            }
            Err(AppendError::NotWritten(error)) => {
                tracing::warn!(%error, "a batch was not written");
                self.shared.condition.set_full();
                Err(StoreError::Unavailable)
            }
            Err(AppendError::Broken(failure)) => {
                self.shared.fail(failure);
                Err(StoreError::Indeterminate)
            }
        }
    }

    fn make_visible(&self, id: FrameId, body: Body, visible: Visible) -> Result<(), StoreError> {
        batch::apply(&self.shared, id, body, visible).map_err(|error| {
            if self.shared.has_failed() {
                return error;
            }
            self.shared.fail(Failure::IndexNotWritten);
            StoreError::Indeterminate
        })
    }
}
