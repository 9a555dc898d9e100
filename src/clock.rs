//! The process's clock. No other file reads it.

use std::sync::LazyLock;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use signpost_core::store::Clock;

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Since the process first looked. A machine that sleeps does not count it: its waking is a step.
    fn elapsed(&self) -> SignedDuration {
        static START: LazyLock<std::time::Instant> = LazyLock::new(std::time::Instant::now);
        SignedDuration::try_from(START.elapsed()).unwrap_or(SignedDuration::MAX)
    }
}

/// Today in UTC, for defaults of the command line.
#[must_use]
pub fn today() -> Date {
    TimeZone::UTC.to_datetime(SystemClock.now()).date()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steady_clock_is_another_than_the_machines() {
        let (one, other) = (SystemClock.elapsed(), SystemClock.elapsed());
        assert!(
            one <= other && other < SignedDuration::from_hours(24),
            "it began with the process"
        );
    }
}
