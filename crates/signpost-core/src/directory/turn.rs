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
        self.may_destroy().await?;
        self.record_of_turn(Action::BeginTurn, [0; 32], 0).await?;
        let carry = Arc::new(Compaction { now: self.now() });
        let prepared = self.store.prepare(carry).await?;
        // Filling takes its time, and the clock may have stepped since. What was filled in vain is
        // given up by the next turn, or by the store where too much changes until then.
        self.may_destroy().await?;
        self.store.switch(prepared.generation).await?;
        let destroyed = self.store.destroy(prepared.generation - 1).await?;
        self.record_destroyed(&destroyed).await?;
        Ok(destroyed)
    }

    /// Puts on record that a generation was destroyed: its number (8 bytes) and the id of the key
    /// that sealed it (16 bytes) are the entry's detail, the files are its count.
    pub async fn record_destroyed(&self, destroyed: &Destroyed) -> Result<Receipt, Refusal> {
        let mut detail = [0; 32];
        detail[..8].copy_from_slice(&destroyed.generation.to_be_bytes());
        if let Some(destroyed) = destroyed.keys.first() {
            detail[8..24].copy_from_slice(&destroyed.key);
        }
        let files = u32::try_from(destroyed.files).unwrap_or(u32::MAX);
        self.record_of_turn(Action::DestroyGeneration, detail, files).await
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
