//! A closed loop: so many pieces of work are in flight, and the next begins when one ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use crate::figures::Stretch;

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

    /// The number of the next piece of work, from 0 on.
    pub(crate) fn next(&self) -> Option<usize> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        (number < self.work_max && Instant::now() < self.until).then_some(number)
    }
}

/// Keeps `in_flight` pieces of work going. `work` is given its worker's number and its own.
pub(crate) async fn drive<W, F>(
    in_flight: usize,
    length: Length,
    work: W,
) -> anyhow::Result<Stretch>
where
    W: Fn(usize, usize) -> F + Clone + Send + 'static,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let begun = Instant::now();
    let turns = Arc::new(Turns::begin(length));
    let mut workers = JoinSet::new();
    for worker in 0..in_flight {
        let (turns, work) = (Arc::clone(&turns), work.clone());
        workers.spawn(async move {
            let mut samples = Vec::new();
            while let Some(number) = turns.next() {
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
