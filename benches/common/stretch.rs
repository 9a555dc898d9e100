//! One stretch of work that was measured: how much was done, and how long each piece took.

use std::time::Duration;

use crate::figures::{as_float, pick};

/// What one stretch of work came to.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    elapsed: Duration,
    /// How long each piece of work took, shortest first.
    sorted: Vec<Duration>,
}

impl Stretch {
    pub(crate) fn new(elapsed: Duration, mut samples: Vec<Duration>) -> Self {
        samples.sort_unstable();
        Self { elapsed, sorted: samples }
    }

    /// How many pieces of work were done.
    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }

    /// Pieces of work a second.
    pub(crate) fn rate(&self) -> f64 {
        as_float(self.count()) / self.elapsed.as_secs_f64()
    }

    /// The exact quantile of the samples, in microseconds.
    pub(crate) fn quantile_us(&self, quantile: f64) -> f64 {
        let samples: Vec<f64> = self.sorted.iter().map(|one| one.as_secs_f64() * 1e6).collect();
        pick(&samples, quantile)
    }
}
