//! The process's clock. No other file reads it.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use signpost_core::store::Clock;

/// The clock of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// Today in UTC, for defaults of the command line.
#[must_use]
pub fn today() -> Date {
    TimeZone::UTC.to_datetime(SystemClock.now()).date()
}
