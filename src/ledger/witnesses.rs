//! The witnesses: each is asked to cosign every checkpoint, and none holds an answer up.
//!
//! A witness that cannot be reached shows in health. One that has seen another history ends the
//! service: a start at its word, a running service once it shows what it has seen, signed by both.

mod ask;

use std::time::Duration;

use signpost_ledger::note::checkpoint::Checkpoint;
use signpost_ledger::note::key::VerifierKey;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tonic_health::ServingStatus;

use super::feed::Feed;
use super::keeper::{Cosigned, Published, Shelf};
use crate::config;
use crate::exit::{Exit, Failure};
use crate::watch::{Health, wait_until_set};
use ask::{NotCosigned, Witness};

const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// A witness that does not answer is asked ever less often, up to this.
const TRIED_AGAIN_AFTER_MAX: Duration = Duration::from_mins(1);

/// The witnesses that the configuration names.
#[derive(Debug)]
pub(crate) struct Witnesses(Vec<Witness>);

impl Witnesses {
    /// Reads who they are.
    pub(crate) fn new(config: &[config::Witness], ledger: &VerifierKey) -> Result<Self, Failure> {
        let witness = |config| Witness::new(config, ledger.clone());
        config.iter().map(witness).collect::<Result<_, _>>().map(Self)
    }

    /// Asks each whether what it has cosigned is a part of our ledger. One that cannot be reached is
    /// asked again while the service runs.
    ///
    /// The tree may be an older copy, or made anew. It is then filled from the store as far as a witness
    /// has seen it, and nothing of that is signed before it is seen to be the same.
    pub(crate) async fn compare(&mut self, feed: &Feed) -> Result<(), Failure> {
        let ledger = feed.published();
        let mut ahead = Vec::new();
        for witness in &mut self.0 {
            match witness.ask(&ledger).await {
                Ok(_cosigned) => {}
                Err(error @ NotCosigned::Missing { .. }) => {
                    tracing::warn!(%error, "the start goes on without it");
                }
                Err(NotCosigned::Contradicts { witness, seen, .. }) if seen.size > feed.size() => {
                    ahead.push((witness, seen));
                }
                // Before anything is served, a word is enough: whoever starts it can look.
                Err(
                    error @ (NotCosigned::Refuses { .. }
                    | NotCosigned::Claims { .. }
                    | NotCosigned::Contradicts { .. }),
                ) => return Err(sealed(&error)),
            }
        }
        ahead.sort_by_key(|(_, seen)| seen.size);
        for (witness, seen) in ahead {
            fill(feed, witness, seen).await?;
        }
        Ok(())
    }

    /// Has every further checkpoint cosigned, until it stops. Ends before that with a witness that
    /// contradicts us.
    pub(crate) async fn follow(
        self,
        checkpoints: Shelf,
        health: Health,
        stopped: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        if self.0.is_empty() {
            wait_until_set(stopped).await;
            return Ok(());
        }
        health.set_witnessed(ServingStatus::NotServing).await;
        let (missing, seen) = watch::channel(vec![true; self.0.len()]);
        let mut asking = JoinSet::new();
        for (place, witness) in self.0.into_iter().enumerate() {
            asking.spawn(follow_one(witness, checkpoints.clone(), missing.clone(), place));
        }
        tokio::select! {
            () = wait_until_set(stopped) => Ok(()),
            () = tell(seen, &health) => Ok(()),
            Some(ended) = asking.join_next() => Err(match ended {
                Ok(contradicts) => sealed(&contradicts),
                Err(error) => Failure::new(Exit::Bug, format!("asking a witness: {error}")),
            }),
        }
    }
}

/// Fills the tree from the store as far as a witness has seen it, and holds that it is the same.
async fn fill(feed: &Feed, witness: String, seen: Box<Checkpoint>) -> Result<(), Failure> {
    tracing::warn!(
        witness,
        entries = seen.size,
        "a witness has seen more than the tree has: the tree is filled from the store"
    );
    let is_filled = feed.up_to(seen.size).await.map_err(|error| {
        let exit = if error.is_final() { Exit::StoreFailed } else { Exit::Unavailable };
        Failure::new(exit, error.to_string())
    })?;
    if is_filled && feed.root() == seen.root {
        return Ok(());
    }
    let problem = if is_filled {
        format!("of the first {} entries", seen.size)
    } else {
        format!("it shows {} entries, the store has {}", seen.size, feed.size())
    };
    Err(sealed(&NotCosigned::Contradicts { witness, problem, seen }))
}

/// Asks one witness for every checkpoint that is signed; ends where it contradicts us.
async fn follow_one(
    mut witness: Witness,
    mut shelf: Shelf,
    missing: watch::Sender<Vec<bool>>,
    place: usize,
) -> NotCosigned {
    let mut pause = TRIED_AGAIN_AFTER;
    loop {
        let asked = ask(&mut witness, &shelf, shelf.last()).await;
        let was_missing = missing.borrow()[place];
        match asked {
            Ok(cosigned) => {
                shelf.cosigned(cosigned).await;
                if was_missing {
                    missing.send_modify(|missing| missing[place] = false);
                }
                pause = TRIED_AGAIN_AFTER;
                shelf.next().await;
            }
            Err(contradicts @ NotCosigned::Contradicts { .. }) => return contradicts,
            // The word of whoever answers there is no reason to leave everybody without answers.
            Err(
                error @ (NotCosigned::Missing { .. }
                | NotCosigned::Refuses { .. }
                | NotCosigned::Claims { .. }),
            ) => {
                if !was_missing {
                    missing.send_modify(|missing| missing[place] = true);
                }
                tracing::error!(%error, "a checkpoint is not cosigned: the witness is asked again");
                tokio::time::sleep(pause).await;
                pause = (2 * pause).min(TRIED_AGAIN_AFTER_MAX);
            }
        }
    }
}

/// Asks for this checkpoint. Where the witness shows a later one than that, somebody may have given it
/// what we have signed since: it contradicts us only if it does so of all that we have.
async fn ask(
    witness: &mut Witness,
    shelf: &Shelf,
    mut ledger: Published,
) -> Result<Cosigned, NotCosigned> {
    loop {
        let asked = witness.ask(&ledger).await;
        let Err(NotCosigned::Contradicts { seen, .. }) = &asked else { return asked };
        if seen.size <= ledger.reader.checkpoint().size {
            return asked;
        }
        ledger = shelf.last();
        if seen.size > ledger.reader.checkpoint().size {
            let Some(all) = shelf.all_signed().await else {
                return Err(witness.missing("our own ledger cannot be signed now"));
            };
            if seen.size > all.reader.checkpoint().size {
                return asked;
            }
            ledger = all;
        }
    }
}

/// Says in health whether any is missing.
async fn tell(mut missing: watch::Receiver<Vec<bool>>, health: &Health) {
    loop {
        let any = missing.borrow_and_update().iter().any(|is_missing| *is_missing);
        let status = if any { ServingStatus::NotServing } else { ServingStatus::Serving };
        health.set_witnessed(status).await;
        if missing.changed().await.is_err() {
            return;
        }
    }
}

fn sealed(error: &NotCosigned) -> Failure {
    Failure::new(Exit::Sealed, error.to_string())
}

#[cfg(test)]
mod tests;
