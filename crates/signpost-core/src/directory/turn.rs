//! A turn of the store: begun on record, and what it destroyed on record.

use std::sync::Arc;

use super::{Directory, MayNotDestroy};
use crate::commit::{Commit, Effect};
use crate::id::Receipt;
use crate::permit::Permit;
use crate::refusal::Refusal;
use crate::store::StoreError;
use crate::terms::{Action, Outcome};
use crate::turn::{Compaction, Destroyed};

/// Why a turn was not made, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum TurnError {
    /// Nothing may be destroyed now.
    #[error(transparent)]
    MayNot(#[from] MayNotDestroy),
    /// The store did not do it, or its entry was not written.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

impl From<StoreError> for TurnError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Directory {
    /// Turns to the next generation: what has had its time is left behind, all else is carried over
    /// under new keys, and the old keys and files are destroyed. Questions and writes go on.
    pub async fn compact(&self) -> Result<Destroyed, TurnError> {
        if self.is_purging().await? {
            return Err(StoreError::Busy.into());
        }
        self.finish_turn().await?;
        self.may_destroy().await?;
        self.record_of_turn(Action::BeginTurn, [0; 32], 0).await?;
        let carry = Arc::new(Compaction { now: self.now() });
        let generations = self.store.generations();
        let prepared = generations.prepare(carry).await?;
        // Filling takes its time, and the clock may have stepped since. What was filled in vain stays,
        // keys and files, until the next turn is begun or the store is closed.
        self.may_destroy().await?;
        generations.switch(prepared.generation).await?;
        let destroyed = generations.destroy(prepared.generation - 1).await?;
        self.record_destroyed(&destroyed).await?;
        Ok(destroyed)
    }

    /// Does what is left to do of earlier turns: destroys the generation before, and puts on record
    /// what was destroyed and is not yet. Nothing is begun for it. Gives what went on record.
    pub async fn finish_turn(&self) -> Result<Vec<Destroyed>, TurnError> {
        // The turn of a run is for the run to end, which needs what is destroyed for its certificate.
        if self.is_purging().await? {
            return Ok(Vec::new());
        }
        let generations = self.store.generations();
        if let Some(generation) = generations.unfinished().await?.retired {
            self.may_destroy().await?;
            generations.destroy(generation).await?;
        }
        let unrecorded = generations.unfinished().await?.unrecorded;
        for destroyed in &unrecorded {
            self.record_destroyed(destroyed).await?;
        }
        Ok(unrecorded)
    }

    /// Puts on record that a generation was destroyed; the files are the entry's count.
    pub(super) async fn record_destroyed(&self, destroyed: &Destroyed) -> Result<(), TurnError> {
        let files = u32::try_from(destroyed.files).unwrap_or(u32::MAX);
        self.record_of_turn(Action::DestroyGeneration, destroyed.detail(), files).await?;
        Ok(self.store.generations().recorded(destroyed.generation).await?)
    }

    async fn record_of_turn(
        &self,
        action: Action,
        detail: [u8; 32],
        count: u32,
    ) -> Result<Receipt, Refusal> {
        let permit = Permit::of_service(action, None, self.policy.digest(), Vec::new());
        let effect = Effect { detail, count, ..Effect::new(Outcome::Done) };
        self.commit(Commit::permitted(permit, effect)).await
    }
}
