//! Whether the store can write just now, and the reserve of space that lets a stop be recorded.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::disk::{Disk, DiskFile};
use crate::durable;

/// Whether a store can write just now. It comes back to [`Condition::Writable`] by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It takes commits.
    Writable,
    /// The disk takes no writes, for want of space most likely, or has hardly any space left. Commits are refused as unavailable
    /// until it does, but for those of the service itself, for which space is kept in reserve.
    Full,
    /// The next opening needs a key that the keyring does not take: questions are refused as
    /// unavailable until it does.
    Keyless,
    /// The batch that is being written takes longer than it should.
    Slow,
}

/// What the condition is told by.
#[derive(Debug)]
pub(crate) struct ConditionState {
    is_full: AtomicBool,
    /// The segment of openings whose key could not be made; 0 where none is wanting.
    keyless_segment: AtomicU64,
    /// Milliseconds from `since` to the begin of the batch that is being written, and one; 0 where
    /// none is.
    batch_begun: AtomicU64,
    since: Instant,
    slow_after: Duration,
    disk: Arc<dyn Disk>,
    reserve_path: PathBuf,
    reserve: Mutex<Arc<dyn DiskFile>>,
}

/// Enough for tens of thousands of entries.
const RESERVE_LEN: u64 = 8 << 20;

/// With less than this free, the disk counts as full: sled, which writes by threads of its own and
/// cannot take a write back, must never be the one that finds no space.
pub(crate) const FREE_BYTES_MIN: u64 = 32 << 20;

/// Whether so much is free. A disk that does not tell is found to be full by the write that fails.
pub(crate) fn has_room(disk: &dyn Disk, path: &Path, bytes: u64) -> bool {
    disk.free_bytes(path).map_or(true, |free| free >= bytes)
}

impl ConditionState {
    /// Opens the reserve, or makes it. There may be no space for it: then the store begins full.
    pub(crate) fn open(
        disk: &Arc<dyn Disk>,
        path: &Path,
        slow_after: Duration,
    ) -> std::io::Result<Self> {
        let reserve = durable::open_or_create(&**disk, path)?;
        let state = Self {
            is_full: AtomicBool::new(true),
            keyless_segment: AtomicU64::new(0),
            batch_begun: AtomicU64::new(0),
            since: Instant::now(),
            slow_after,
            disk: Arc::clone(disk),
            reserve_path: path.to_owned(),
            reserve: Mutex::new(reserve),
        };
        state.look_for_space();
        Ok(state)
    }

    pub(crate) fn get(&self) -> Condition {
        if self.is_full.load(Ordering::Acquire) {
            return Condition::Full;
        }
        if self.keyless_segment().is_some() {
            return Condition::Keyless;
        }
        let begun = self.batch_begun.load(Ordering::Acquire);
        let slow_after = u64::try_from(self.slow_after.as_millis()).unwrap_or(u64::MAX);
        if begun > 0 && self.now().saturating_sub(begun) > slow_after {
            Condition::Slow
        } else {
            Condition::Writable
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full.load(Ordering::Acquire)
    }

    /// The segment of openings whose key could not be made.
    pub(crate) fn keyless_segment(&self) -> Option<u64> {
        Some(self.keyless_segment.load(Ordering::Acquire)).filter(|segment| *segment > 0)
    }

    pub(crate) fn set_keyless_segment(&self, segment: Option<u64>) {
        self.keyless_segment.store(segment.unwrap_or(0), Ordering::Release);
    }

    pub(crate) fn begin_batch(&self) {
        self.look_at_space();
        self.batch_begun.store(self.now(), Ordering::Release);
    }

    pub(crate) fn end_batch(&self) {
        self.batch_begun.store(0, Ordering::Release);
    }

    /// A write failed, or soon would: gives the reserve up, for what the service itself has to put on record.
    pub(crate) fn set_full(&self) {
        let reserve = self.reserve.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is_full.swap(true, Ordering::AcqRel) {
            return;
        }
        match reserve.set_len(0) {
            Ok(()) => tracing::error!("there is no space for writes; the reserve is given up"),
            Err(error) => {
                tracing::error!(%error, "there is no space for writes, and the reserve cannot be given up");
            }
        }
    }

    /// Counts the disk as full before it is.
    pub(crate) fn look_at_space(&self) {
        if !self.is_full() && !self.has_room(FREE_BYTES_MIN) {
            self.set_full();
        }
    }

    fn has_room(&self, bytes: u64) -> bool {
        has_room(&*self.disk, &self.reserve_path, bytes)
    }

    /// Takes commits again once there is room for twice the reserve above what must be free; the
    /// reserve keeps its half.
    pub(crate) fn look_for_space(&self) {
        if !self.is_full() {
            return self.look_at_space();
        }
        if !self.has_room(FREE_BYTES_MIN + 2 * RESERVE_LEN) {
            return;
        }
        let reserve = self.reserve.lock().unwrap_or_else(PoisonError::into_inner);
        let found = reserve.allocate(2 * RESERVE_LEN);
        // What is allocated beyond the reserve, and all that a failure left, is given back.
        let kept = reserve.set_len(if found.is_ok() { RESERVE_LEN } else { 0 });
        if found.is_ok() && kept.is_ok() {
            self.is_full.store(false, Ordering::Release);
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }
}
