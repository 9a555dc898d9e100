//! A closed loop: so many pieces of work are in flight, and the next begins when one ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::stretch::Stretch;

/// When a stretch ends: at its time, or when there is no more work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Length {
    /// How long new work is begun.
    pub(crate) time: Duration,
    /// How much work there is.
    pub(crate) work_max: usize,
}

impl Length {
    /// As much work as this time holds.
    pub(crate) fn of(time: Duration) -> Self {
        Self { time, work_max: usize::MAX }
    }
}

/// Hands out the numbers of pieces of work until the stretch ends.
#[derive(Debug)]
pub(crate) struct Turns {
    next: AtomicUsize,
    work_max: usize,
    until: Instant,
}

impl Turns {
    pub(crate) fn begin(length: Length) -> Self {
        let until = Instant::now() + length.time;
        Self { next: AtomicUsize::new(0), work_max: length.work_max, until }
    }

    /// What hands out the numbers of a stretch that begins now.
    pub(crate) fn over(length: Length) -> impl Fn() -> Option<usize> {
        let turns = Self::begin(length);
        move || turns.next()
    }

    /// The number of the next piece of work, from 0 on.
    pub(crate) fn next(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.work_max && Instant::now() < self.until).then_some(number)
    }
}

/// Keeps `in_flight` pieces of work going until `next` gives no more numbers. `work` is given its
/// worker's number and its own.
pub(crate) async fn drive<N, W, F>(in_flight: usize, next: N, work: W) -> anyhow::Result<Stretch>
where
    N: Fn() -> Option<usize> + Send + Sync + 'static,
    W: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let begun = Instant::now();
    let next = Arc::new(next);
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        let (next, work) = (Arc::clone(&next), work.clone());
        workers.spawn(async move {
            let mut samples = Vec::new();
            while let Some(number) = next() {
                let from = Instant::now();
                work(worker, number).await?;
                samples.push(from.elapsed());
            }
            anyhow::Ok(samples)
        });
    }
    let mut samples = Vec::new();
    while let Some(worked) = workers.join_next().await {
        samples.extend(worked??);
    }
    Ok(Stretch::new(begun.elapsed(), samples))
}
