//! Planning the decommissioning, and planning it anew as long as it is not approved.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::purge::{DecidePurge, Decided, detail};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::decommissioning_of;
use crate::commit::Write;
use crate::decommissioning::{ClosingPlan, Decommissioning};
use crate::id::{DecommissioningId, RequestId};
use crate::permit::Permit;
use crate::record::{Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::terms::DecommissioningState;

/// Plans the decommissioning; a plan that is not approved gives way to it.
#[derive(Clone, Debug, Serialize)]
pub struct PlanDecommissioning {
    /// The client's id of this write.
    pub request: RequestId,
    /// How the service is to be closed.
    pub plan: ClosingPlan,
}

register_requests! {
    PlanDecommissioning => PlanDecommissioning;
}

impl Directory {
    /// Plans the decommissioning, which waits for its two approvals.
    pub async fn plan_decommissioning(
        &self,
        presented: &Presented,
        request: &Result<PlanDecommissioning, Invalid>,
    ) -> Result<Written<DecommissioningId>, Refusal> {
        decommissioning_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for PlanDecommissioning {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let permit = &mut leave.permit;
        if let Some((_, earlier)) = directory.decommissioning(permit).await? {
            may_be_planned_anew(earlier.state)?;
        }
        let now = directory.now();
        self.plan.check(now).map_err(Reason::Invalid)?;
        directory.check_named(permit, &self.plan).await?;
        let id = DecommissioningId::new(directory.random());
        let digest = self.plan.digest(id);
        let planned = Decommissioning {
            id,
            plan: self.plan.clone(),
            digest,
            planner: leave.identity.person(),
            planned_at: now,
            planned_in: None,
            approvals: Vec::new(),
            cancelled: None,
            state: DecommissioningState::Planned,
            closed_at: None,
            closed_in: None,
            tokens_revoked: false,
            figures: None,
        };
        Ok(Decided {
            result: ReplayResult::Decommissioning(id),
            detail: detail(id.as_bytes(), Some(digest.as_bytes())),
            count: u32::try_from(self.plan.tasks.len()).unwrap_or(u32::MAX),
            writes: vec![Write::Put(Record::Decommissioning(Box::new(planned)))],
            named: None,
        })
    }
}

fn may_be_planned_anew(state: DecommissioningState) -> Result<(), Reason> {
    match state {
        DecommissioningState::Planned | DecommissioningState::Cancelled => Ok(()),
        DecommissioningState::Approved => {
            Err(Reason::WrongState("the plan is approved; call it off before you plan another"))
        }
        DecommissioningState::Closed => Err(Reason::WrongState("the service is closed")),
    }
}

impl Directory {
    /// Whether everybody whom the plan names is in the register, and each local team is its region's.
    async fn check_named(&self, permit: &mut Permit, plan: &ClosingPlan) -> Result<(), Declined> {
        let owners = plan.tasks.iter().map(|task| task.owner);
        let owners = owners.chain(plan.returns.iter().map(|(_, by)| *by));
        let owners = owners.chain(plan.copies.iter().map(|copies| copies.owner));
        let regions = plan.regions.iter().map(|region| region.organisation);
        let named: BTreeSet<_> = owners.chain(regions).collect();
        for organisation in named {
            if self.organisation(permit, organisation).await?.is_none() {
                return Err(Reason::Unknown("organisation").into());
            }
        }
        for region in &plan.regions {
            let team = self.team(permit, region.team).await?;
            if team.is_none_or(|team| team.organisation != region.organisation) {
                return Err(Reason::Unknown("team of that region").into());
            }
        }
        Ok(())
    }
}
