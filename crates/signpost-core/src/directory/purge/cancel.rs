//! Calling a purge off, as long as it has not begun: one name is enough, for nothing is lost by it.

use async_trait::async_trait;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::{DecidePurge, Decided, detail, purge_of};
use crate::commit::Write;
use crate::id::{PurgeId, RequestId};
use crate::purge::{Approval, PurgePlan};
use crate::record::{Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::terms::PurgeState;

/// Calls a purge off.
#[derive(Clone, Debug, Serialize)]
pub struct CancelPurge {
    /// The client's id of this write.
    pub request: RequestId,
    /// The purge.
    pub purge: PurgeId,
}

register_requests! {
    CancelPurge => CancelPurge;
}

impl Directory {
    /// Calls a purge off. The plan stays on record, without the child it was of.
    pub async fn cancel_purge(
        &self,
        presented: &Presented,
        request: &Result<CancelPurge, Invalid>,
    ) -> Result<Written<PurgeId>, Refusal> {
        purge_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for CancelPurge {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let Some((version, plan)) = directory.plan(&mut leave.permit, self.purge).await? else {
            return Err(Reason::Unknown("purge").into());
        };
        match plan.state_at(directory.now()) {
            PurgeState::Planned | PurgeState::Approved => {}
            PurgeState::Frozen
            | PurgeState::Copied
            | PurgeState::Switched
            | PurgeState::KeysDestroyed
            | PurgeState::FilesRemoved
            | PurgeState::Scanned
            | PurgeState::Certified
            | PurgeState::Cancelled
            | PurgeState::Expired => {
                let problem = "the purge has begun, has expired or was called off already";
                return Err(Reason::WrongState(problem).into());
            }
        }
        let cancelled = Approval { by: leave.identity.person(), at: directory.now(), entry: None };
        let plan = PurgePlan {
            planned_in: Some(plan.planned_in(version)),
            cancelled: Some(cancelled),
            state: PurgeState::Cancelled,
            ..plan.without_child()
        };
        Ok(Decided {
            result: ReplayResult::Purge(plan.id),
            detail: detail(plan.id.as_bytes(), Some(plan.digest.as_bytes())),
            count: 0,
            writes: vec![Write::Put(Record::Purge(Box::new(plan)))],
            named: None,
        })
    }
}
