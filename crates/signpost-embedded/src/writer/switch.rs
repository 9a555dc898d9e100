//! The switch: the one moment of a turn at which no commit goes on.

use std::sync::Arc;
use std::time::Duration;

use signpost_core::store::StoreError;

use super::Writer;
use crate::current::Current;
use crate::error::Failure;
use crate::journal::AppendError;
use crate::state::Shared;
use crate::state::pending::Begun;
use crate::turn::{Filled, Filling, OverByPanic, Retired, Turn, destroy, set_turn, stop_noting};

/// A panic in the switch is the store's end: what it has done is unknown.
struct FailedByPanic<'s>(&'s Shared);

impl Drop for FailedByPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.fail(Failure::Panicked);
        }
    }
}

/// How long commits may wait for the drain.
const DRAINED_WITHIN: Duration = Duration::from_secs(5);

impl Writer {
    /// Puts the next generation into use once it holds all that the present one does, and all
    /// entries and openings are synced in their own files. Where that fails before `CURRENT` is
    /// written, the present one stays in use and the next is given up.
    pub(super) fn switch(&mut self, mut filling: Filling) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let _over_by_panic = OverByPanic(&shared);
        // Goes first: CURRENT may be written by then, and no other turn may begin over it.
        let _failed_by_panic = FailedByPanic(&shared);
        let gate = filling
            .catch_up(&self.shared)
            .and_then(|_| filling.sync())
            .and_then(|()| self.wait_until_drained());
        let filled = match gate {
            Ok(()) => filling.finish(),
            Err(error) => {
                filling.give_up(&self.shared);
                set_turn(&self.shared, Turn::None);
                return Err(error);
            }
        };
        let number = filled.generation.keys.generation;
        match self.write_current(&filled) {
            Ok(current) => self.take_over(filled, &current),
            Err(error) => {
                stop_noting(&self.shared);
                drop(filled);
                // Refused where the store has failed: then only the next start can tell.
                let _told = destroy::remove_unused(&self.shared, number);
                set_turn(&self.shared, Turn::None);
                Err(error)
            }
        }
    }

    /// A generation may be destroyed only when nothing needs its journal any more.
    fn wait_until_drained(&self) -> Result<(), StoreError> {
        let _woken_already = self.drain.try_send(());
        if self.shared.wait_until_drained(DRAINED_WITHIN)? {
            Ok(())
        } else {
            Err(StoreError::Unavailable)
        }
    }

    /// From here on a start finds the next generation. A write that failed has certainly not come to
    /// be where the present one is still read: for want of space, say. Else that is unknown, and no
    /// more is written.
    fn write_current(&self, filled: &Filled) -> Result<Current, StoreError> {
        let current = self.current(filled)?;
        let Shared { disk, layout, .. } = &*self.shared;
        let written = current.write(disk, layout).map_err(|error| {
            tracing::error!(%error, "CURRENT could not be written");
            let found = Current::read(&**disk, layout);
            if found.is_ok_and(|found| found.generation < current.generation) {
                return StoreError::Unavailable;
            }
            self.shared.fail(Failure::NotSwitched);
            StoreError::Indeterminate
        });
        written.map(|()| current)
    }

    /// What stands in `CURRENT` once this generation is in use. The segment that openings went to is
    /// closed: what is in it can then be rewritten under another key, for the next journal has none
    /// of it.
    fn current(&self, filled: &Filled) -> Result<Current, StoreError> {
        let mut short = Arc::clone(&self.shared.pending()?.segments.short);
        let (segment, slots) = (self.tail.segment, self.tail.slots_used);
        if segment > self.tail.closed && slots < self.segment_openings_max {
            Arc::make_mut(&mut short).insert(segment, slots);
        }
        Ok(Current {
            generation: filled.generation.keys.generation,
            fill: filled.journal.last(),
            first_entry: self.tail.next_entry,
            last_ms: self.tail.last_ms,
            segment: self.tail.segment,
            slots_used: self.tail.slots_used,
            chain: self.tail.chain,
            left: self.journal.last(),
            short,
        })
    }

    fn take_over(&mut self, filled: Filled, current: &Current) -> Result<(), StoreError> {
        let Filled { generation, journal, registers } = filled;
        let mut in_use = self.shared.write_generation()?;
        {
            let mut pending = self.shared.pending()?;
            pending.generation = generation.keys.generation;
            pending.last = journal.last();
            pending.begun = Begun::from(current);
            pending.segments.short = Arc::clone(&current.short);
        }
        *self.shared.registers_mut()? = Some(registers);
        self.shared.children.forget();
        let before = in_use.replace(generation);
        stop_noting(&self.shared);
        self.shared.set_grown_bytes(0);
        drop(in_use);
        self.journal = journal;
        self.tail.closed = current.segment;
        self.tail.segment_key = None;
        *self.shared.turn()? = before.map_or(Turn::None, |before| {
            let number = before.keys.generation;
            Turn::Switched(Retired { number, generation: Some(before) })
        });
        Ok(())
    }
}

impl From<AppendError> for StoreError {
    /// The journal of the next generation: nothing rests on it yet.
    fn from(error: AppendError) -> Self {
        tracing::error!(?error, "the next generation could not be written");
        Self::Unavailable
    }
}
