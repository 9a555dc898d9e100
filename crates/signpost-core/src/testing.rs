//! A clock that tests move by hand, randomness that repeats, and a register that nobody approved.

mod register;

use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Span, Timestamp};

use crate::commit::{Commit, Effect, Write};
use crate::id::{PolicyDigest, Receipt};
use crate::permit::Permit;
use crate::record::Record;
use crate::store::{Clock, CommitError, Entropy, Store};
use crate::terms::{Action, Outcome};

pub use register::Register;

/// A clock that stands still until it is moved, forwards or backwards.
#[derive(Debug)]
pub struct ManualClock {
    machine: Mutex<Timestamp>,
    steady: Mutex<SignedDuration>,
}

/// Bytes that look random and are the same at every run.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    filled: Mutex<u64>,
}

/// Puts records as the service itself, past every permit: a register that changes under a test.
pub async fn put_records(
    store: &dyn Store,
    records: impl IntoIterator<Item = Record>,
) -> Result<Receipt, CommitError> {
    let policy = PolicyDigest::new([0; 32]);
    let permit = Permit::of_service(Action::FirstLight, None, policy, Vec::new());
    let writes = records.into_iter().map(Write::Put).collect();
    let effect = Effect { writes, ..Effect::new(Outcome::Done) };
    store.commit(Commit::permitted(permit, effect)).await
}

impl ManualClock {
    /// A clock that stands at this time.
    #[must_use]
    pub fn at(time: Timestamp) -> Self {
        Self { machine: Mutex::new(time), steady: Mutex::default() }
    }

    /// Sets the clock to this time.
    pub fn set(&self, time: Timestamp) {
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner) = time;
    }

    /// Lets time pass.
    pub fn advance(&self, time: SignedDuration) {
        *self.steady.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.step_by(time);
    }

    /// Sets the clock ahead by this much, or back, while no time passes.
    pub fn step_by(&self, by: SignedDuration) {
        self.set(self.now().checked_add(by).expect("tests stay within the calendar"));
    }

    /// Sets the clock by this span of at most hours; a negative span sets it back.
    pub fn step(&self, span: Span) {
        let time = self.now().checked_add(span).expect("tests stay within the calendar");
        self.set(time);
    }

    /// Sets the clock ahead by so many days of 24 hours.
    pub fn step_days(&self, days: i64) {
        self.step(Span::new().hours(24 * days));
    }
}

impl Default for ManualClock {
    /// A clock at noon of a Monday in 2026.
    fn default() -> Self {
        Self::at(Timestamp::constant(1_781_524_800, 0))
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.machine.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed(&self) -> SignedDuration {
        *self.steady.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SeededEntropy {
    /// Bytes of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, filled: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        let mut filled = self.filled.lock().unwrap_or_else(PoisonError::into_inner);
        *filled += 1;
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.seed.to_be_bytes()).update(&filled.to_be_bytes());
        hasher.finalize_xof().fill(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_moves_by_hand_alone() {
        let clock = ManualClock::default();
        assert_eq!(clock.now().to_string(), "2026-06-15T12:00:00Z");
        clock.step_days(-1);
        assert_eq!(clock.now().to_string(), "2026-06-14T12:00:00Z");
        assert_eq!(clock.elapsed(), SignedDuration::ZERO);
        clock.advance(SignedDuration::from_hours(1));
        assert_eq!(clock.now().to_string(), "2026-06-14T13:00:00Z");
        assert_eq!(clock.elapsed(), SignedDuration::from_hours(1));
    }

    #[test]
    fn no_two_fills_are_equal_and_every_run_repeats_them() {
        let fill = |entropy: &SeededEntropy| {
            let mut bytes = [0; 32];
            entropy.fill(&mut bytes);
            bytes
        };
        let (one, other) = (SeededEntropy::new(7), SeededEntropy::new(7));
        let first = fill(&one);
        assert_ne!(first, fill(&one));
        assert_eq!(first, fill(&other));
    }
}
