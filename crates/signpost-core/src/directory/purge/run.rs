//! Leave to begin a purge: all that must be so, asked in one place. The run itself comes later.

use super::super::{Directory, MayNotDestroy};
use crate::id::{PurgeId, Receipt};
use crate::purge::{LegalHold, MayNotRun, PurgePlan};
use crate::record::{Record, RecordKey};
use crate::store::StoreError;
use crate::terms::ScopeKind;

/// A purge that may be begun now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunnablePurge {
    /// Its plan.
    pub plan: PurgePlan,
    /// The plan's version: the first step must rest on it, so that a purge begins once.
    pub version: Receipt,
    /// What is held back from it.
    pub holds: Vec<LegalHold>,
}

/// Why a purge may not be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNotPurge {
    /// There is no such purge.
    #[error("there is no such purge")]
    Unknown,
    /// The plan does not allow it.
    #[error(transparent)]
    Plan(#[from] MayNotRun),
    /// A purge of everything waits until every hold is lifted.
    #[error("a legal hold stands")]
    Held,
    /// Nothing may be destroyed now.
    #[error(transparent)]
    MayNotDestroy(#[from] MayNotDestroy),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Whether this purge may be begun now: approved, past its cooling-off time, not expired, not held,
    /// the clock not in doubt.
    pub async fn may_begin_purge(&self, id: PurgeId) -> Result<RunnablePurge, MayNotPurge> {
        let stored = self.store.read(&RecordKey::Purge(id)).await?.ok_or(MayNotPurge::Unknown)?;
        let Record::Purge(plan) = stored.record else { return Err(StoreError::Damaged.into()) };
        plan.may_run_at(self.now())?;
        self.may_destroy().await?;
        let holds = self.standing_holds().await?;
        if plan.scope.kind() == ScopeKind::All && !holds.is_empty() {
            return Err(MayNotPurge::Held);
        }
        if plan.compute_digest() != Some(plan.digest) {
            return Err(StoreError::Damaged.into());
        }
        Ok(RunnablePurge { plan: *plan, version: stored.version, holds })
    }
}
