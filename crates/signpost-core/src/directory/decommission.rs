//! The decommissioning: planned by an operator, approved by two others, called off by either as long as
//! the service is not closed; and the closing itself, which the service does at the set instant.

mod approve;
mod cancel;
mod close;
mod plan;
mod show;
mod tokens;

use super::Directory;
use super::replay::Written;
use crate::decommissioning::Decommissioning;
use crate::id::{DecommissioningId, Receipt};
use crate::permit::Permit;
use crate::record::{Record, RecordKey, ReplayResult};
use crate::refusal::Refusal;
use crate::store::StoreError;

pub use approve::ApproveDecommissioning;
pub use cancel::CancelDecommissioning;
pub use plan::PlanDecommissioning;
pub use show::ShownDecommissioning;

impl Directory {
    /// The decommissioning and its version, if there is one; the commit will rest on its being as it is.
    async fn decommissioning(
        &self,
        permit: &mut Permit,
    ) -> Result<Option<(Receipt, Decommissioning)>, StoreError> {
        match self.look_up(permit, RecordKey::Decommissioning).await? {
            None => Ok(None),
            Some((version, Record::Decommissioning(found))) => Ok(Some((version, *found))),
            Some(_) => Err(StoreError::Damaged),
        }
    }

    /// The same, for what the service does by itself.
    async fn decommissioning_now(&self) -> Result<Option<(Receipt, Decommissioning)>, StoreError> {
        let Some(stored) = self.store.read(&RecordKey::Decommissioning).await? else {
            return Ok(None);
        };
        let Record::Decommissioning(found) = stored.record else {
            return Err(StoreError::Damaged);
        };
        Ok(Some((stored.version, *found)))
    }
}

/// What a repeat of a write on the decommissioning was first answered with.
fn decommissioning_of(
    first: &Written<ReplayResult>,
) -> Result<Written<DecommissioningId>, Refusal> {
    let ReplayResult::Decommissioning(result) = first.result else {
        return Err(StoreError::Damaged.into());
    };
    Ok(Written { result, receipt: first.receipt })
}
