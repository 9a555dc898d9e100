//! The store itself: its opening, its reads, its one way in, and its closing.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError, mpsc as std_mpsc};
use std::thread::JoinHandle;

use async_trait::async_trait;
use signpost_core::commit::Commit;
use signpost_core::entry::{Entry, Opening};
use signpost_core::id::Receipt;
use signpost_core::record::{RecordKey, Scope, Stored};
use signpost_core::store::{CommitError, Store, StoreError};
use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{CreateError, Failure, OpenError};
use crate::keyring::sealing::open_opening;
use crate::ledger::{EntryReader, read_segment};
use crate::options::Options;
use crate::recovery::{self, Recovered};
use crate::state::{Shared, is_register};
use crate::writer::drain::Drain;
use crate::writer::{Request, Writer};

/// A store in a directory of this machine, for one process.
#[derive(Debug)]
pub struct EmbeddedStore {
    shared: Arc<Shared>,
    /// None once the store is closed.
    queue: Mutex<Option<mpsc::Sender<Request>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Whether a store can write just now. It comes back to [`Condition::Writable`] by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It takes commits.
    Writable,
    /// There is no space: commits are refused as unavailable until there is.
    Full,
    /// The batch that is being written takes longer than it should.
    Slow,
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
        let Recovered { shared, journal, ledger, mark, tail, cut_bytes, rebuilt_index } =
            recovery::open(options)?;
        let (queue, waiting) = mpsc::channel(options.queue_commits_max);
        let (wake, woken) = std_mpsc::sync_channel(1);
        let drain = Drain { shared: Arc::clone(&shared), writer: ledger, mark, woken };
        let writer = Writer {
            shared: Arc::clone(&shared),
            journal,
            clock: Arc::clone(&options.clock),
            queue: waiting,
            drain: wake,
            batch_commits_max: options.batch_commits_max,
            segment_openings_max: options.segment_openings_max,
            tail,
        };
        let spawn_error = OpenError::io(&options.data_dir);
        let threads = vec![
            spawn("signpost-writer", || writer.run()).map_err(&spawn_error)?,
            spawn("signpost-drain", || drain.run()).map_err(&spawn_error)?,
        ];
        let store = Self { shared, queue: Mutex::new(Some(queue)), threads: Mutex::new(threads) };
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
        Condition::Writable
    }

    /// Answers all commits that wait, drains, syncs, flushes the index, writes the high-water mark
    /// and releases the lock. Commits and reads after it are refused as unavailable.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.stop_taking_commits();
        let threads = self.take_threads();
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            join_all(threads);
            let mut state = shared.write()?;
            let index = state.index.take();
            let flushed = index.map(|index| index.flusher().flush());
            if let Some(Err(error)) = flushed {
                tracing::warn!(%error, "the index was not flushed; the next start replays");
            }
            state.lock = None;
            if shared.has_failed() { Err(StoreError::Indeterminate) } else { Ok(()) }
        })
        .await
    }

    fn stop_taking_commits(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What a commit that nobody takes or answers comes to.
    fn not_taken(&self) -> CommitError {
        if self.shared.has_failed() {
            StoreError::Indeterminate.into()
        } else {
            StoreError::Unavailable.into()
        }
    }
}

/// Dropping without closing ends the threads too, once what waits is written and drained.
impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.stop_taking_commits();
        join_all(self.take_threads());
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn read(&self, key: &RecordKey) -> Result<Option<Stored>, StoreError> {
        let location = self.shared.locate(key);
        if is_register(&key.scope()) {
            let state = self.shared.read()?;
            state.index()?;
            return Ok(state.registers.get(&location).cloned());
        }
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let sealed =
                shared.read()?.index()?.get(&location).map_err(|error| index_error(&error))?;
            sealed.map(|sealed| shared.unseal(&location, &sealed)).transpose()
        })
        .await
    }

    async fn scan(
        &self,
        scope: &Scope,
        after: Option<&RecordKey>,
        limit: NonZeroUsize,
    ) -> Result<Vec<Stored>, StoreError> {
        let prefix = self.shared.locate_scope(scope);
        let after = after.map(|key| self.shared.locate(key));
        if is_register(scope) {
            let state = self.shared.read()?;
            state.index()?;
            return Ok(state.scan_registers(&prefix, after, limit.get()));
        }
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            let found = shared.read()?.index()?.scan(&prefix, after.as_ref(), limit.get());
            let found = found.map_err(|error| index_error(&error))?;
            found.iter().map(|(location, sealed)| shared.unseal(location, sealed)).collect()
        })
        .await
    }

    async fn commit(&self, commit: Commit) -> Result<Receipt, CommitError> {
        let (answer, answered) = oneshot::channel();
        let sent = {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let queue = queue.as_ref().ok_or_else(|| self.not_taken())?;
            queue.try_send(Request { commit, answer })
        };
        match sent {
            Ok(()) => answered.await.unwrap_or_else(|_| Err(StoreError::Indeterminate.into())),
            Err(mpsc::error::TrySendError::Full(_)) => Err(StoreError::Busy.into()),
            Err(mpsc::error::TrySendError::Closed(_)) => Err(self.not_taken()),
        }
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
}

fn read_entries(shared: &Shared, from: Receipt, limit: usize) -> Result<Vec<Entry>, StoreError> {
    let (drained, pending) = {
        let state = shared.read()?;
        state.index()?;
        (state.drained, state.pending_entries(from, limit))
    };
    let mut reader = EntryReader::new(shared.layout.clone());
    let mut entries = Vec::new();
    for index in (from.0..drained).take(limit) {
        let bytes = reader.read(index).map_err(|error| ledger_error(&error))?;
        entries.push(Entry::try_from(&bytes[..]).map_err(|_| StoreError::Damaged)?);
    }
    let room = limit - entries.len();
    entries.extend(pending.into_iter().take(room));
    Ok(entries)
}

fn read_openings(
    shared: &Shared,
    from: Receipt,
    limit: usize,
) -> Result<Vec<(Receipt, Opening)>, StoreError> {
    let (drained, pending) = {
        let state = shared.read()?;
        state.index()?;
        (Receipt(state.drained), state.pending_openings(from, limit))
    };
    let mut sealed = Vec::new();
    for segment in 1.. {
        let room = limit - sealed.len();
        let found = read_segment(&shared.layout, segment, from, drained, room);
        let Some(found) = found.map_err(|error| ledger_error(&error))? else { break };
        sealed.extend(found);
        if sealed.len() == limit {
            break;
        }
    }
    let room = limit - sealed.len();
    sealed.extend(pending.into_iter().take(room));

    let mut openings = Vec::with_capacity(sealed.len());
    let mut key = None;
    for one in sealed {
        let key = match &mut key {
            Some((segment, key)) if *segment == one.segment => key,
            other => &mut other.insert((one.segment, shared.segment_key(one.segment)?)).1,
        };
        let opening = open_opening(key, one.segment, one.entry, &one.sealed);
        openings.push((one.entry, opening.map_err(|_| StoreError::Damaged)?));
    }
    Ok(openings)
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

fn index_error(error: &sled::Error) -> StoreError {
    tracing::error!(%error, "the index cannot be read");
    StoreError::Damaged
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
