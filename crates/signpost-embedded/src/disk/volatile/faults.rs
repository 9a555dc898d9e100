//! The faults of a volatile disk, and what was done on it so far.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::names::Names;
use super::torn::Random;

/// The faults of one disk. Each can be set and lifted while the disk is in use.
#[derive(Clone, Debug)]
pub struct Faults(pub(super) Arc<Core>);

/// One thing that was done to the disk. What only reads is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// What it was.
    pub kind: OperationKind,
    /// What it was done to; of a rename, the new name; of a file, what it was opened as.
    pub path: PathBuf,
}

/// What can be done to a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the methods of Disk and DiskFile")]
pub enum OperationKind {
    Create,
    CreateDirectory,
    Rename,
    Remove,
    RemoveDirectory,
    SyncDirectory,
    Write,
    SetLen,
    Allocate,
    SyncData,
    SyncAll,
}

/// On which side of an operation the power is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// It is not done.
    Before,
    /// It is done and succeeds, and none after it is.
    After,
}

/// What a disk and its files share.
#[derive(Debug, Default)]
pub(super) struct Core {
    names: Mutex<Names>,
    settings: Mutex<Settings>,
    /// Whether the power is cut. Every operation holds it for reading while it works, so that
    /// nothing reaches the real files once it is true.
    is_off: RwLock<bool>,
    slowness: Mutex<Duration>,
    slowness_changed: Condvar,
}

#[derive(Debug, Default)]
struct Settings {
    count: u64,
    recorded: Option<Vec<Operation>>,
    death: Option<(u64, When)>,
    random: Option<Random>,
    failing_syncs: Vec<FailingSync>,
    space: Option<u64>,
    told_free: Option<u64>,
}

struct FailingSync {
    which: Box<dyn Fn(&Path) -> bool + Send>,
    /// How many it lets pass before the one that fails.
    pass: u64,
}

impl Faults {
    /// How many operations there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.settings().count
    }

    /// From now on, operations are listed.
    pub fn record(&self) {
        self.0.settings().recorded.get_or_insert_default();
    }

    /// The operations since they were first listed.
    #[must_use]
    pub fn operations(&self) -> Vec<Operation> {
        self.0.settings().recorded.clone().unwrap_or_default()
    }

    /// Cuts the power before or after the operation of this number; the disk's first is 0.
    pub fn die(&self, at: u64, when: When) {
        self.0.settings().death = Some((at, when));
    }

    /// Cuts the power now: everything fails from now on, and nothing reaches the real files.
    pub fn cut_power(&self) {
        self.0.cut_power();
    }

    /// Whether the power is cut.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self.0.is_off.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on, pieces of what is not synced reach the real files early, as they may: the first
    /// bytes of a write or some of its sectors, a file's length, the first of the changes of a
    /// directory's names. Once the power is cut, pieces of all that is not synced do. The seed
    /// decides which, as far as the order of operations is the same.
    pub fn write_back(&self, seed: u64) {
        self.0.settings().random = Some(Random::new(seed));
    }

    /// Fails one sync with EIO: the nth from now, from 1, of a file or directory whose path is
    /// meant. What of a file was not synced until then counts as synced: it is read, and only
    /// writing it again will have it written. Names stay unsynced.
    pub fn fail_sync(&self, which: impl Fn(&Path) -> bool + Send + 'static, nth: u64) {
        let failing = FailingSync { which: Box::new(which), pass: nth.saturating_sub(1) };
        self.0.settings().failing_syncs.push(failing);
    }

    /// From now on, files can grow by so many bytes, and by as many as are cut and removed; the
    /// write that needs more is done in part and fails with ENOSPC.
    pub fn no_space(&self, left: u64) {
        self.0.settings().space = Some(left);
    }

    /// Files can grow as they like again.
    pub fn space_again(&self) {
        self.0.settings().space = None;
    }

    /// From now on, the disk says that so many bytes are free; with none given, that all are. Writes
    /// do not mind.
    pub fn tell_free(&self, bytes: Option<u64>) {
        self.0.settings().told_free = bytes;
    }

    /// From now on, each sync takes at least so long. Those that wait see the change.
    pub fn slow_sync(&self, duration: Duration) {
        *self.0.slowness.lock().unwrap_or_else(PoisonError::into_inner) = duration;
        self.0.slowness_changed.notify_all();
    }
}

impl Core {
    /// Does an operation, unless the power is cut before it.
    pub(super) fn perform<T>(
        &self,
        kind: OperationKind,
        path: &Path,
        work: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        if kind.is_sync() {
            self.wait_as_a_slow_disk();
        }
        let death = self.count(kind, path);
        if death == Some(When::Before) {
            self.cut_power();
        }
        let done = self.while_on(work);
        if death == Some(When::After) {
            self.cut_power();
        }
        done
    }

    /// Does something that fails once the power is cut.
    pub(super) fn while_on<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let is_off = self.is_off.read().unwrap_or_else(PoisonError::into_inner);
        if *is_off { Err(io::Error::other("the power is cut")) } else { work() }
    }

    pub(super) fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this sync is one that is to fail.
    pub(super) fn sync_fails(&self, path: &Path) -> bool {
        let failing_syncs = &mut self.settings().failing_syncs;
        let mut fails = false;
        failing_syncs.retain_mut(|failing| {
            if !(failing.which)(path) {
                return true;
            }
            let is_due = failing.pass == 0;
            fails |= is_due;
            failing.pass = failing.pass.saturating_sub(1);
            !is_due
        });
        fails
    }

    /// Takes space, as far as there is; returns how much.
    pub(super) fn take_space(&self, wanted: u64) -> u64 {
        let Some(left) = &mut self.settings().space else { return wanted };
        let taken = wanted.min(*left);
        *left -= taken;
        taken
    }

    pub(super) fn free_bytes(&self) -> u64 {
        self.settings().told_free.unwrap_or(u64::MAX)
    }

    pub(super) fn give_space_back(&self, freed: u64) {
        if let Some(left) = &mut self.settings().space {
            *left += freed;
        }
    }

    /// Does something by chance, where pieces are written early. What it does may take any lock.
    pub(super) fn by_chance(
        &self,
        work: impl FnOnce(&mut Random) -> io::Result<()>,
    ) -> io::Result<()> {
        let random = self.settings().random.as_mut().map(Random::fork);
        match random {
            Some(mut random) => {
                if random.coin() {
                    work(&mut random)
                } else {
                    Ok(())
                }
            }
            None => Ok(()),
        }
    }

    fn settings(&self) -> MutexGuard<'_, Settings> {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation; returns on which side of it the power is cut, if it is.
    fn count(&self, kind: OperationKind, path: &Path) -> Option<When> {
        let mut settings = self.settings();
        let number = settings.count;
        settings.count += 1;
        if let Some(recorded) = &mut settings.recorded {
            recorded.push(Operation { kind, path: path.to_owned() });
        }
        settings.death.and_then(|(at, when)| (at == number).then_some(when))
    }

    /// Waits for all operations that are under way, and then lets none follow.
    fn cut_power(&self) {
        let mut is_off = self.is_off.write().unwrap_or_else(PoisonError::into_inner);
        if *is_off {
            return;
        }
        *is_off = true;
        let random = self.settings().random.clone();
        if let Some(mut random) = random
            && let Err(error) = self.names().write_back_all(&mut random)
        {
            tracing::error!(%error, "what a power cut leaves was not written");
        }
    }

    fn wait_as_a_slow_disk(&self) {
        let started = Instant::now();
        let mut slowness = self.slowness.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(rest) = slowness.checked_sub(started.elapsed())
            && !rest.is_zero()
        {
            let woken = self.slowness_changed.wait_timeout(slowness, rest);
            (slowness, _) = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl OperationKind {
    fn is_sync(self) -> bool {
        matches!(self, Self::SyncDirectory | Self::SyncData | Self::SyncAll)
    }
}

impl fmt::Debug for FailingSync {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FailingSync").field("pass", &self.pass).finish_non_exhaustive()
    }
}

pub(super) fn sync_error() -> io::Error {
    Errno::IO.into()
}

pub(super) fn space_error() -> io::Error {
    Errno::NOSPC.into()
}
