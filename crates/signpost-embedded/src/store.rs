//! The store itself: its opening, its reads, its one way in, its turns, and its closing.

mod openings;

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use signpost_core::anchor::Position;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{RecordKey, Scope, Stored};
use signpost_core::search::{SearchProgress, Searched, Sought};
use signpost_core::store::{CommitError, Lookup, Store, StoreError};
use signpost_core::turn::{
    Carry, Destroyed, EraseOpenings, Erased, Generations, Prepared, Unfinished,
};
use tokio::sync::{mpsc, oneshot, watch};

use crate::erase;
use crate::error::{CreateError, Failure, OpenError};
use crate::journal::frame::FrameId;
use crate::ledger::EntryReader;
use crate::ledger::check::EntryCheck;
use crate::options::Options;
use crate::reader::Readers;
use crate::recovery::{self, Recovered};
use crate::search::search;
use crate::state::Shared;
use crate::state::generation::{Generation, unreadable};
use crate::state::index::wait_until_released;
use crate::state::registers::{Registers, register_key, register_kind};
use crate::state::seal;
use crate::turn::destroy::{destroy_retired, unfinished};
use crate::turn::{Turn, wait_until_at_rest};
use crate::writer::drain::Drain;
use crate::writer::{Outcome, Request, Writer};

use openings::read_openings;

pub use crate::state::condition::Condition;

/// A store in a directory of this machine, for one process.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    index_cache_bytes: u64,
    /// None once the store is closed.
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    readers: Mutex<Option<Arc<Readers>>>,
    /// Ends the check of old entries when it goes.
    checking: Mutex<Option<std_mpsc::SyncSender<()>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// An open store, and what opening it took.
#[derive(Debug)]
pub struct Opened {
    /// The store.
    pub store: EmbeddedStore,
    /// The length of an incomplete last frame that was cut off the journal; to be put on record.
    pub cut_bytes: u64,
    /// Whether the index was lost and built anew from the journal.
    pub rebuilt_index: bool,
}

impl EmbeddedStore {
    /// Makes a data directory; one that holds anything is refused.
    pub fn create(options: &Options) -> Result<(), CreateError> {
        recovery::create(options)
    }

    /// Opens a data directory: verifies the journal from its first frame, builds the index anew at
    /// need, and starts the writer. This reads all of the journal; it blocks.
    pub fn open(options: &Options) -> Result<Opened, OpenError> {
        let recovered = recovery::open(options)?;
        let Recovered { shared, current, journal, ledger, mark, marked, tail, .. } = recovered;
        let (queue, waiting) = mpsc::channel(options.queue_commits_max);
        let (wake, woken) = std_mpsc::sync_channel(1);
        let drain = Drain {
            shared: Arc::clone(&shared),
            writer: ledger,
            mark,
            marked: Some(marked),
            woken,
        };
        let writer = Writer {
            shared: Arc::clone(&shared),
            journal,
            clock: Arc::clone(&options.clock),
            queue: waiting,
            drain: wake,
            batch_commits_max: options.batch_commits_max,
            segment_openings_max: options.segment_openings_max,
            tail,
            last_batch: 0,
        };
        let spawn_error = OpenError::io(&options.data_dir);
        let (readers, mut threads) = Readers::start().map_err(&spawn_error)?;
        threads.push(spawn("signpost-writer", || writer.run()).map_err(&spawn_error)?);
        threads.push(spawn("signpost-drain", || drain.run()).map_err(&spawn_error)?);
        let (checking, closed) = std_mpsc::sync_channel(0);
        let check = EntryCheck { shared: Arc::clone(&shared), current, closed };
        threads.push(spawn("signpost-check", || check.run()).map_err(&spawn_error)?);
        let store = Self {
            shared,
            checking: Mutex::new(Some(checking)),
            index_cache_bytes: options.index_cache_bytes,
            queue: Mutex::new(Some(queue)),
            readers: Mutex::new(Some(Arc::new(readers))),
            threads: Mutex::new(threads),
        };
        let Recovered { cut_bytes, rebuilt_index, .. } = recovered;
        Ok(Opened { store, cut_bytes, rebuilt_index })
    }

    /// Tells of the failure after which the store takes no more commits: then the process should
    /// end, so that a restart looks.
    #[must_use]
    pub fn failure(&self) -> watch::Receiver<Option<Failure>> {
        self.shared.failure.subscribe()
    }

    /// Whether it can write just now.
    #[must_use]
    pub fn condition(&self) -> Condition {
        self.shared.condition.get()
    }

    /// How many bytes the journal has grown by since the last turn, or since the store was made: what
    /// a turn may win.
    #[must_use]
    pub fn grown_bytes(&self) -> u64 {
        self.shared.grown_bytes()
    }

    /// Answers all commits that wait, drains, syncs, flushes the index, writes the high-water mark
    /// and releases the lock. Commits and reads after it are refused as unavailable.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.stop_taking_work();
        let threads = self.take_threads();
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            join_all(threads);
            *shared.registers_mut()? = None;
            let last = shared.pending()?.last;
            let generation = shared.write_generation()?.take();
            shared.children.forget();
            if !wait_until_at_rest(&shared)? {
                // The lock stays until the process ends: it still writes.
                tracing::error!("a turn that is cut short does not end");
                return Err(StoreError::Unavailable);
            }
            // It ends before its next segment, for the store is closed.
            let _no_erasure_goes_on = shared.erasing.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = std::mem::replace(&mut *shared.turn()?, Turn::None);
            if let Turn::Filled(filling) = turn {
                filling.give_up(&shared);
            }
            if let Some(generation) = generation.filter(|_| !shared.has_failed()) {
                close_index(&shared, generation, last);
            }
            *shared.lock.lock().unwrap_or_else(PoisonError::into_inner) = None;
            if shared.has_failed() { Err(StoreError::Indeterminate) } else { Ok(()) }
        })
        .await
    }

    fn stop_taking_work(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.readers.lock().unwrap_or_else(PoisonError::into_inner).take();
        self.checking.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Hands a commit to the writer, if there is room for it.
    fn send(&self, commit: Commit, answer: oneshot::Sender<Outcome>) -> Result<(), StoreError> {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = queue.as_ref().ok_or_else(|| not_taken(&self.shared))?;
        queue.try_send(Request::Commit(commit, answer)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => not_taken(&self.shared),
        })
    }

    fn in_registers<T>(&self, look: impl FnOnce(&Registers) -> T) -> Result<T, StoreError> {
        let registers = self.shared.registers()?;
        registers.as_ref().map(look).ok_or(StoreError::Unavailable)
    }

    fn readers(&self) -> Result<Arc<Readers>, StoreError> {
        let readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        readers.clone().ok_or(StoreError::Unavailable)
    }
}

/// Dropping without closing ends the threads too, once what waits is written and drained.
impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.stop_taking_work();
        join_all(self.take_threads());
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    fn read<'s>(&'s self, key: &'s RecordKey) -> Lookup<'s, Option<Stored>> {
        if let Some(key) = register_key(key) {
            return Lookup::at_hand(self.in_registers(|registers| registers.get(&key).cloned()));
        }
        let (shared, key) = (Arc::clone(&self.shared), key.clone());
        Lookup::to_come(
            async move { self.readers()?.run(move || read_record(&shared, &key)).await },
        )
    }

    fn scan<'s>(
        &'s self,
        scope: &'s Scope,
        after: Option<&'s RecordKey>,
        limit: NonZeroUsize,
    ) -> Lookup<'s, Vec<Stored>> {
        if let Some(kind) = register_kind(scope) {
            let after = after.and_then(register_key);
            let scan = |registers: &Registers| registers.scan(kind, after, limit.get());
            return Lookup::at_hand(self.in_registers(scan));
        }
        if after.is_none()
            && let Some(records) = self.shared.children.get(scope)
            && records.len() < limit.get()
        {
            return Lookup::at_hand(Ok(records.to_vec()));
        }
        let (shared, scope, after) = (Arc::clone(&self.shared), scope.clone(), after.cloned());
        let scan = move || scan_records(&shared, &scope, after.as_ref(), limit.get());
        Lookup::to_come(async move { self.readers()?.run(scan).await })
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let (answer, answered) = oneshot::channel();
        self.send(commit, answer)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Indeterminate.into()))
    }

    async fn entries(&self, from: Receipt, limit: NonZeroUsize) -> Result<Vec<Entry>, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || read_entries(&shared, from, limit.get())).await
    }

    async fn openings(
        &self,
        from: Receipt,
        limit: NonZeroUsize,
    ) -> Result<Vec<(Receipt, Opening)>, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || read_openings(&shared, from, limit.get())).await
    }

    async fn position(&self) -> Result<Position, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            shared.generation()?;
            Ok(shared.pending()?.position())
        })
        .await
    }

    fn generations(&self) -> &dyn Generations {
        self
    }
}

#[async_trait]
impl Generations for EmbeddedStore {
    async fn prepare(&self, carry: Arc<dyn Carry>) -> Result<Prepared, StoreError> {
        let (shared, cache_bytes) = (Arc::clone(&self.shared), self.index_cache_bytes);
        blocking(move || crate::turn::prepare(&shared, carry, cache_bytes)).await
    }

    async fn switch(&self, generation: u64) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (answer, answered) = oneshot::channel();
        // Taken and handed over on one thread that may wait: where it is lost on the way, it is given
        // up there, which removes files.
        let hand_over = move || {
            let in_hand = crate::turn::take_filled(&shared, generation)?;
            let queue = queue.ok_or_else(|| not_taken(&shared))?;
            let sent = queue.blocking_send(Request::Switch(Box::new(in_hand), answer));
            sent.map_err(|_given_up| not_taken(&shared))
        };
        blocking(hand_over).await?;
        answered.await.unwrap_or(Err(StoreError::Indeterminate))
    }

    async fn destroy(&self, generation: u64) -> Result<Destroyed, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || destroy_retired(&shared, generation)).await
    }

    async fn unfinished(&self) -> Result<Unfinished, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || unfinished(&shared)).await
    }

    async fn recorded(&self, generation: u64) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let let_go = move || {
            shared.unrecorded().let_go(&*shared.disk, &shared.layout, generation);
            Ok(())
        };
        blocking(let_go).await
    }

    async fn erase(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Erased, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || erase::erase(&shared, &*which, below)).await
    }

    async fn erasure_recorded(&self) -> Result<(), StoreError> {
        let shared = Arc::clone(&self.shared);
        let let_go = move || {
            erase::recorded(&shared);
            Ok(())
        };
        blocking(let_go).await
    }

    async fn sought_openings(
        &self,
        which: Arc<dyn EraseOpenings>,
        below: Receipt,
    ) -> Result<Vec<Sought>, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || erase::sought(&shared, &*which, below)).await
    }

    async fn search(
        &self,
        sought: Arc<[Sought]>,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Searched, StoreError> {
        let shared = Arc::clone(&self.shared);
        blocking(move || search(&shared, &sought, &*progress)).await
    }
}

/// What a request that nobody takes comes to.
fn not_taken(shared: &Shared) -> StoreError {
    if shared.has_failed() { StoreError::Indeterminate } else { StoreError::Unavailable }
}

/// Flushes, lets go of sled's files and seals them. The next start is slower where that fails, and
/// no worse.
fn close_index(shared: &Shared, generation: Arc<Generation>, last: FrameId) {
    if let Err(error) = generation.index.close(last) {
        tracing::warn!(%error, "the index was not flushed; the next start replays");
        return;
    }
    let Some(Generation { keys, index }) = Arc::into_inner(generation) else { return };
    drop(index);
    let released = wait_until_released(&shared.layout.index(keys.generation));
    let sealed = released.and_then(|()| seal::write(&*shared.disk, &shared.layout, &keys));
    if let Err(error) = sealed {
        tracing::warn!(%error, "the index was not sealed; the next start reads all of it");
    }
}

fn read_record(shared: &Shared, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
    fail::fail_point!("index-reads");
    let in_use = shared.read_generation()?;
    let generation = in_use.as_ref().ok_or(StoreError::Unavailable)?;
    let location = generation.keys.locate(key);
    generation.get(&location)
}

fn scan_records(
    shared: &Shared,
    scope: &Scope,
    after: Option<&RecordKey>,
    limit: usize,
) -> Result<Vec<Stored>, StoreError> {
    fail::fail_point!("index-reads");
    let in_use = shared.read_generation()?;
    let generation = in_use.as_ref().ok_or(StoreError::Unavailable)?;
    let after = after.map(|key| generation.keys.locate(key));
    let found = match scope {
        Scope::Child(_) | Scope::Kind(_) => {
            let prefix = generation.keys.locate_scope(scope);
            generation.index.scan(&prefix, after.as_ref(), limit)
        }
        Scope::Everything => generation.index.scan_all(after.as_ref(), limit),
    };
    let found = found.map_err(|error| unreadable(&error))?;
    let unseal =
        |(location, sealed): &([u8; 48], sled::IVec)| generation.keys.unseal(location, sealed);
    let found = found.iter().map(unseal).collect::<Result<Vec<_>, _>>()?;
    // A page that is full does not tell whether more lies behind it.
    if let (Scope::Child(_), None) = (scope, after)
        && found.len() < limit
    {
        shared.children.keep(scope, Arc::from(found.as_slice()));
    }
    Ok(found)
}

fn read_entries(shared: &Shared, from: Receipt, limit: usize) -> Result<Vec<Entry>, StoreError> {
    let (drained, pending) = {
        shared.generation()?;
        let pending = shared.pending()?;
        (pending.drained, pending.entries_from(from, limit))
    };
    let mut reader = EntryReader::new(shared.layout.clone(), Arc::clone(&shared.disk));
    let mut entries = Vec::new();
    for index in (from.0..drained).take(limit) {
        let bytes = reader.read(index).map_err(|error| ledger_error(&error))?;
        entries.push(Entry::try_from(&bytes[..]).map_err(|_| StoreError::Damaged)?);
    }
    let room = limit - entries.len();
    entries.extend(pending.into_iter().take(room));
    Ok(entries)
}

/// Does what waits for a disk on a thread where that stops nobody. Panics there are the engine's:
/// what it holds is damaged.
async fn blocking<T, F>(work: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T, StoreError> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => Err(StoreError::Damaged),
        Err(_runtime_ends) => Err(StoreError::Unavailable),
    }
}

fn ledger_error(error: &std::io::Error) -> StoreError {
    tracing::error!(%error, "the ledger's files cannot be read");
    StoreError::Damaged
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work)
}

fn join_all(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        let _panic_was_told = thread.join();
    }
}

#[cfg(test)]
mod tests;
