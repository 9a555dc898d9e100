//! Calling the closing off before it comes: one name is enough, for nothing is lost by it.

use async_trait::async_trait;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::purge::{DecidePurge, Decided, detail};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, MayNotDestroy, Presented};
use super::decommissioning_of;
use crate::commit::Write;
use crate::decommissioning::Decommissioning;
use crate::id::{DecommissioningId, RequestId};
use crate::purge::Approval;
use crate::record::{Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::ServiceState;
use crate::terms::DecommissioningState;

/// Calls the decommissioning off.
#[derive(Clone, Debug, Serialize)]
pub struct CancelDecommissioning {
    /// The client's id of this write.
    pub request: RequestId,
}

register_requests! {
    CancelDecommissioning => CancelDecommissioning;
}

impl Directory {
    /// Calls the closing off. Never once it is on record, nor once its instant has come, unless it is in
    /// doubt whether that has come.
    pub async fn cancel_decommissioning(
        &self,
        presented: &Presented,
        request: &Result<CancelDecommissioning, Invalid>,
    ) -> Result<Written<DecommissioningId>, Refusal> {
        decommissioning_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for CancelDecommissioning {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let Some((version, mut found)) = directory.decommissioning(&mut leave.permit).await? else {
            return Err(Reason::Unknown("decommissioning").into());
        };
        directory.may_be_called_off(&found).await?;
        let was_approved = found.state == DecommissioningState::Approved;
        found.note_entries(version);
        let (by, at) = (leave.identity.person(), directory.now());
        found.cancelled = Some(Approval { by, at, entry: None });
        found.state = DecommissioningState::Cancelled;
        let mut writes = Vec::new();
        if was_approved {
            let (service, _) = directory.service_state().await?;
            let service = ServiceState { closing: None, ..service };
            writes.push(Write::Put(Record::Service(service)));
        }
        let (id, digest) = (found.id, found.digest);
        writes.push(Write::Put(Record::Decommissioning(Box::new(found))));
        Ok(Decided {
            result: ReplayResult::Decommissioning(id),
            detail: detail(id.as_bytes(), Some(digest.as_bytes())),
            count: 0,
            writes,
            named: None,
        })
    }
}

impl Directory {
    async fn may_be_called_off(&self, found: &Decommissioning) -> Result<(), Declined> {
        match found.state {
            DecommissioningState::Planned => Ok(()),
            DecommissioningState::Approved if self.now() < found.plan.closes_at => Ok(()),
            DecommissioningState::Approved => match self.may_destroy().await {
                // Nobody knows whether the instant has come: who put the clock ahead closes nothing.
                Err(MayNotDestroy::ClockInDoubt) => Ok(()),
                Err(MayNotDestroy::Store(error)) => Err(error.into()),
                Ok(()) => Err(Reason::WrongState("the closing instant has come").into()),
            },
            DecommissioningState::Cancelled => {
                Err(Reason::WrongState("the plan was called off already").into())
            }
            DecommissioningState::Closed => Err(Reason::WrongState("the service is closed").into()),
        }
    }
}
