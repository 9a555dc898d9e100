//! Whether a batch waits for more commits: a sync costs as much for one as for fifty.

use std::time::Duration;

/// For each commit of the last batch. In about this time the next one comes, where so many are in
/// progress that the processors are busy.
const EACH: Duration = Duration::from_micros(15);

/// The most commits that are waited for.
const COMMITS_MAX: u32 = 40;

/// So few cost little apart, and no sleep is as short as what they would be worth.
const WORTH_A_PAUSE: usize = 4;

/// Whoever comes after nobody did for so long comes alone: what was before tells nothing any more.
pub(super) const IDLE_AFTER: Duration = Duration::from_millis(1);

/// Under load lets a moment pass, so that a batch becomes as large as the last one was. Then fewer
/// syncs take less of the processors from those who would ask next.
pub(super) fn wait_for(last_batch: usize, waiting: usize) {
    let pause = pause(last_batch, waiting);
    if !pause.is_zero() {
        fail::fail_point!("waits-for-company");
        // Nobody unparks the writer: what is waited for may not come, and this ends by itself.
        std::thread::park_timeout(pause);
    }
}

/// Nobody waits who comes alone, nor where there is company already.
fn pause(last_batch: usize, waiting: usize) -> Duration {
    if last_batch < WORTH_A_PAUSE || waiting >= last_batch {
        return Duration::ZERO;
    }
    EACH * u32::try_from(last_batch).unwrap_or(u32::MAX).min(COMMITS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_alone_or_nearly_so_waits_for_nobody() {
        for last_batch in 0..4 {
            assert_eq!(pause(last_batch, 1), Duration::ZERO);
        }
    }

    #[test]
    fn a_batch_waits_until_it_is_as_large_as_the_last_and_never_long() {
        assert_eq!(pause(8, 8), Duration::ZERO);
        assert_eq!(pause(8, 2), EACH * 8);
        assert_eq!(pause(usize::MAX, 2), Duration::from_micros(600));
    }
}
