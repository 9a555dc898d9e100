//! The drain: copies entries and openings of durable frames into their own files, off the answer
//! path, and then writes the high-water mark.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use crate::error::Failure;
use crate::journal::mark::{Mark, MarkFile};
use crate::ledger::{LedgerError, LedgerWriter};
use crate::state::Shared;

/// How often the drain looks, and so how often the mark is written at most.
pub(crate) const DRAIN_EVERY: Duration = Duration::from_secs(1);

/// How many entries may wait before the drain is woken early.
pub(crate) const DRAIN_AT_ENTRIES: usize = 1 << 15;

/// How many entries may wait before the store takes no more commits until the drain has caught up.
pub(crate) const PENDING_ENTRIES_MAX: usize = 1 << 18;

/// How many turns of the drain lie between two flushes of the index, so that a start after a crash
/// has little to apply again.
const FLUSH_INDEX_EVERY: u32 = 60;

/// What the drain thread owns.
#[derive(Debug)]
pub(crate) struct Drain {
    pub(crate) shared: Arc<Shared>,
    pub(crate) writer: LedgerWriter,
    pub(crate) mark: MarkFile,
    /// The mark as it was last written.
    pub(crate) marked: Option<Mark>,
    pub(crate) woken: Receiver<()>,
}

impl Drain {
    /// Drains until the writer is gone and nothing is left, or the store has failed.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        if catch_unwind(AssertUnwindSafe(|| self.drain_until_closed())).is_err() {
            shared.fail(Failure::Panicked);
        }
        shared.tell_drained();
    }

    fn drain_until_closed(&mut self) {
        let mut turns = 0;
        loop {
            let closed = match self.woken.recv_timeout(DRAIN_EVERY) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => false,
                Err(RecvTimeoutError::Disconnected) => true,
            };
            if self.shared.has_failed() {
                return;
            }
            self.shared.condition.look_for_space();
            self.shared.make_wanting_key();
            match self.drain_waiting() {
                Ok(()) => {}
                Err(LedgerError::NotWritten(error)) => {
                    tracing::warn!(%error, "entries or openings wait: their files cannot be written");
                    self.shared.condition.set_full();
                }
                Err(LedgerError::NotSynced(error)) => {
                    tracing::error!(%error, "entries or openings could not be synced");
                    self.shared.fail(Failure::LedgerNotSynced);
                    return;
                }
            }
            turns += 1;
            if turns % FLUSH_INDEX_EVERY == 0 {
                self.flush_index();
            }
            if closed {
                return;
            }
        }
    }

    /// Copies what waits, syncs it, and only then lets go of it and writes the mark.
    fn drain_waiting(&mut self) -> Result<(), LedgerError> {
        let Ok(pending) = self.shared.pending() else { return Ok(()) };
        let first = pending.drained;
        let entries = pending.entries.iter().copied().collect::<Vec<_>>();
        let openings = pending.openings.iter().cloned().collect::<Vec<_>>();
        let (generation, frame) = (pending.generation, pending.last);
        drop(pending);
        if !entries.is_empty() {
            self.writer.put_entries(first, &entries)?;
            self.writer.put_openings(&openings)?;
            self.writer.sync()?;
            let Ok(mut pending) = self.shared.pending() else { return Ok(()) };
            pending.let_go(entries.len(), openings.len());
            drop(pending);
            self.shared.tell_drained();
        }
        self.write_mark(Mark { generation, frame, drained: first + entries.len() as u64 });
        Ok(())
    }

    /// What the mark names is durable: its frame since before it was applied, its entries just now.
    fn write_mark(&mut self, mark: Mark) {
        if self.marked == Some(mark) || self.shared.has_failed() {
            return;
        }
        match self.mark.write(&mark) {
            Ok(()) => self.marked = Some(mark),
            Err(error) => tracing::warn!(%error, "the high-water mark was not written"),
        }
    }

    fn flush_index(&self) {
        if let Ok(generation) = self.shared.generation()
            && let Err(error) = generation.index.flush()
        {
            tracing::warn!(%error, "the index was not flushed");
        }
    }
}
