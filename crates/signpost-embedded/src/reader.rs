//! The readers: threads on which reads wait for the disk, so that no thread of the runtime does.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use signpost_core::store::StoreError;
use tokio::sync::oneshot;

/// A few threads, each with a queue of its own.
#[derive(Debug)]
pub(crate) struct Readers(Vec<Desk>);

#[derive(Debug)]
struct Desk {
    queue: SyncSender<Work>,
    waiting: Arc<AtomicUsize>,
}

type Work = Box<dyn FnOnce() + Send>;

/// Reads that hit the cache take a few microseconds: one thread keeps up, and waking another would
/// cost more. The further ones are for reads that wait.
const READERS: usize = 4;

/// With so many waiting at one desk the next is asked.
const CROWDED: usize = 8;

/// The most reads that wait at one desk.
const QUEUE_MAX: usize = 1024;

impl Readers {
    /// Starts the threads. They end when the readers are dropped.
    pub(crate) fn start() -> std::io::Result<(Self, Vec<JoinHandle<()>>)> {
        let mut desks = Vec::new();
        let mut threads = Vec::new();
        for number in 0..READERS {
            let (queue, work) = sync_channel(QUEUE_MAX);
            let waiting = Arc::new(AtomicUsize::new(0));
            let name = format!("signpost-reader-{number}");
            let counted = Arc::clone(&waiting);
            let reader = std::thread::Builder::new().name(name);
            threads.push(reader.spawn(move || read_until_closed(&work, &counted))?);
            desks.push(Desk { queue, waiting });
        }
        Ok((Self(desks), threads))
    }

    /// Has a read done. A panic in it is the engine's: what it holds is damaged.
    pub(crate) async fn run<T, F>(&self, read: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce() -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let work = move || {
            let done = catch_unwind(AssertUnwindSafe(read));
            let _caller_gone = answer.send(done.unwrap_or(Err(StoreError::Damaged)));
        };
        self.desk().send(Box::new(work))?;
        answered.await.unwrap_or(Err(StoreError::Unavailable))
    }

    /// The first desk that is not crowded; else the one with the fewest waiting.
    fn desk(&self) -> &Desk {
        let uncrowded = self.0.iter().find(|desk| desk.waiting() < CROWDED);
        let fewest = || self.0.iter().min_by_key(|desk| desk.waiting());
        uncrowded.or_else(fewest).expect("there is more than one desk")
    }
}

impl Desk {
    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    fn send(&self, work: Work) -> Result<(), StoreError> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(work).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => StoreError::Unavailable,
            }
        })
    }
}

fn read_until_closed(work: &Receiver<Work>, waiting: &AtomicUsize) {
    while let Ok(read) = work.recv() {
        read();
        waiting.fetch_sub(1, Ordering::Relaxed);
    }
}
