//! Turning the store to a new generation when its journal has grown: what has had its time is left
//! behind, and a start has less to read.

use std::sync::Arc;
use std::time::Duration;

use signpost_core::directory::{Directory, TurnError};
use signpost_core::turn::{Destroyed, Generations, Unfinished};
use signpost_embedded::store::EmbeddedStore;
use tokio::sync::watch;

use crate::watch::wait_until_set;

const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// After a turn that failed, the next is tried this much later. What is left to do of one is tried
/// sooner, and ever less often up to that.
const TRIED_AGAIN_AFTER: Duration = Duration::from_mins(10);

/// Turns each time the journal has grown by so many bytes, until it stops. A turn that is under way
/// then is cut short, and the next start ends what it left.
pub(crate) async fn when_grown(
    directory: Directory,
    store: Arc<EmbeddedStore>,
    after_bytes: u64,
    stopped: watch::Receiver<bool>,
) {
    tokio::select! {
        () = wait_until_set(stopped) => {}
        () = turn_each_time(&directory, &store, after_bytes) => {}
    }
}

async fn turn_each_time(directory: &Directory, store: &EmbeddedStore, after_bytes: u64) {
    let mut look_after = LOOKED_AT_EVERY;
    loop {
        tokio::time::sleep(look_after).await;
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
