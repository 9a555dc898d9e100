//! Turning the store to a new generation: when a purge is due, and when its journal has grown, so that a
//! start has less to read.

use std::sync::Arc;
use std::time::Duration;

use signpost_core::directory::{Directory, TurnError};
use signpost_core::refusal::Refusal;
use signpost_core::store::StoreError;
use signpost_core::turn::{Destroyed, Generations, Unfinished};
use signpost_embedded::store::EmbeddedStore;
use tokio::sync::watch;

use crate::exit::{Exit, Failure};
use crate::purge::Purger;
use crate::watch::wait_until_set;

const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// After a turn that failed, the next is tried this much later. What is left to do of one is tried
/// sooner, and ever less often up to that.
const TRIED_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Turns each time a purge is due or the journal has grown by so many bytes, until it stops. A turn that
/// is under way then is cut short, and the next start goes on with it.
pub(crate) async fn each_time(
    directory: Directory,
    store: Arc<EmbeddedStore>,
    after_bytes: u64,
    purger: Purger,
    stopped: watch::Receiver<bool>,
) {
    tokio::select! {
        () = wait_until_set(stopped) => {}
        () = turn_each_time(&directory, &store, after_bytes, &purger) => {}
    }
}

/// Ends what earlier turns left, before anything is served. Where it cannot be ended, for want of space
/// for its entry say, or the clock is in doubt, that is left to the running service, which tries again:
/// it hinders no answer.
pub(crate) async fn finish_at_start(directory: &Directory) -> Result<(), Failure> {
    match directory.finish_turn().await {
        Ok(destroyed) => destroyed.iter().for_each(tell_destroyed),
        Err(TurnError::Refused(Refusal::Store(StoreError::Unavailable | StoreError::Busy))) => {
            tracing::warn!("an earlier turn cannot be ended now: it is tried again");
        }
        Err(TurnError::MayNot(why)) => {
            tracing::warn!(%why, "an earlier turn is not ended now: it is tried again");
        }
        Err(error @ TurnError::Refused(_)) => {
            return Err(Failure::new(Exit::StoreFailed, error.to_string()));
        }
    }
    Ok(())
}

async fn turn_each_time(
    directory: &Directory,
    store: &EmbeddedStore,
    after_bytes: u64,
    purger: &Purger,
) {
    let mut look_after = LOOKED_AT_EVERY;
    loop {
        tokio::time::sleep(look_after).await;
        match purger.step().await {
            // The next step is due at once.
            Ok(true) => {
                look_after = Duration::ZERO;
                continue;
            }
            Ok(false) => look_after = look_after.max(LOOKED_AT_EVERY),
            Err(error) => {
                tracing::error!(%error, "a purge did not come a step on: it is tried again");
                look_after = (2 * look_after).clamp(LOOKED_AT_EVERY, TRIED_AGAIN_AFTER);
                continue;
            }
        }
        match directory.finish_turn().await {
            Ok(destroyed) => {
                destroyed.iter().for_each(tell_destroyed);
                look_after = LOOKED_AT_EVERY;
            }
            Err(error) => {
                tell(&error);
                look_after = (2 * look_after).min(TRIED_AGAIN_AFTER);
                continue;
            }
        }
        if store.grown_bytes() < after_bytes {
            continue;
        }
        tracing::info!(grown_bytes = store.grown_bytes(), "the store turns to a new generation");
        match directory.compact().await {
            Ok(destroyed) => tell_destroyed(&destroyed),
            Err(error) => {
                tell(&error);
                // One that came as far as its switch is not over, and no other is to be begun.
                if store.unfinished().await == Ok(Unfinished::default()) {
                    look_after = TRIED_AGAIN_AFTER;
                }
            }
        }
    }
}

fn tell_destroyed(destroyed: &Destroyed) {
    tracing::info!(
        generation = destroyed.generation,
        files = destroyed.files,
        bytes = destroyed.bytes,
        "the generation before is destroyed"
    );
}

fn tell(error: &TurnError) {
    match error {
        TurnError::MayNot(why) => tracing::warn!(%why, "the store does not turn"),
        TurnError::Refused(error) => tracing::error!(%error, "the store did not turn"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use signpost_core::faulty::{Call, Fault};
    use signpost_core::testing::ManualClock;
    use signpost_core::turn::Generations as _;

    use super::*;
    use crate::testing::{first_light, first_light_by};

    /// What the next start cannot write for want of space, the running service does.
    #[tokio::test]
    async fn a_start_that_cannot_end_a_turn_for_want_of_space_goes_on() {
        let (store, directory) = first_light().await;
        store.fail(Call::Commit, 1, Fault::Refuses);
        directory.compact().await.unwrap_err();

        store.fail(Call::Commit, 0, Fault::Refuses);
        finish_at_start(&directory).await.unwrap();
        assert_eq!(store.unfinished().await.unwrap().unrecorded.len(), 1, "it is left to do");
        store.fail(Call::Unfinished, 0, Fault::DoesItAndFails);
        let failed = finish_at_start(&directory).await.unwrap_err();
        assert_eq!(failed.exit, Exit::StoreFailed);
        finish_at_start(&directory).await.unwrap();
        assert_eq!(store.unfinished().await, Ok(Unfinished::default()));
    }

    /// What may not be destroyed now hinders no answer.
    #[tokio::test]
    async fn a_start_while_the_clock_is_in_doubt_leaves_the_turn_before_and_goes_on() {
        let clock = Arc::new(ManualClock::default());
        let (store, directory) = first_light_by(clock.clone()).await;
        store.fail(Call::Destroy, 0, Fault::Refuses);
        directory.compact().await.unwrap_err();
        clock.step_by(SignedDuration::from_hours(1));
        directory.record_clock_step().await.unwrap().unwrap();
        finish_at_start(&directory).await.unwrap();
        assert_eq!(store.unfinished().await.unwrap().retired, Some(1), "it is left to do");
    }
}
