//! Approving the decommissioning: two other and independent people, and that very plan. With the second
//! the closing stands in the service's own state, on which every decision rests.

use async_trait::async_trait;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::purge::{DecidePurge, Decided, detail};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::decommissioning_of;
use crate::closing::Closing;
use crate::commit::Write;
use crate::decommissioning::{APPROVALS_NEEDED, Decommissioning};
use crate::id::{ClosingDigest, DecommissioningId, PersonId, RequestId};
use crate::purge::Approval;
use crate::record::{Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::ServiceState;
use crate::store::StoreError;
use crate::terms::{Action, DecommissioningState};

/// Approves the decommissioning.
#[derive(Clone, Debug, Serialize)]
pub struct ApproveDecommissioning {
    /// The client's id of this write.
    pub request: RequestId,
    /// The digest of the plan that is approved, as the approver was shown it.
    pub digest: ClosingDigest,
}

register_requests! {
    ApproveDecommissioning => ApproveDecommissioning;
}

impl Directory {
    /// Gives one of the two names that the closing needs; with the second it comes.
    pub async fn approve_decommissioning(
        &self,
        presented: &Presented,
        request: &Result<ApproveDecommissioning, Invalid>,
    ) -> Result<Written<DecommissioningId>, Refusal> {
        decommissioning_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for ApproveDecommissioning {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let Some((version, mut found)) = directory.decommissioning(&mut leave.permit).await? else {
            return Err(Reason::Unknown("decommissioning").into());
        };
        waits_for_approval(found.state)?;
        directory.check_approver(leave, &found).await?;
        let names: Vec<_> = names(&found).collect();
        directory.check_earlier_names(leave, &names).await?;
        if found.digest != self.digest {
            return Err(Reason::OtherDigest.into());
        }
        if found.compute_digest() != found.digest {
            return Err(StoreError::Damaged.into());
        }
        directory.clock_is_sure(&mut leave.permit).await?;
        let at = directory.now();
        if found.plan.closes_at <= at {
            return Err(Reason::WrongState("the closing instant is past; plan anew").into());
        }
        // Whoever sets a hold writes the service's state anew, on which this permit rests.
        if !directory.standing_holds().await?.is_empty() {
            return Err(Reason::Held.into());
        }
        found.note_entries(version);
        found.approvals.push(Approval { by: leave.identity.person(), at, entry: None });
        let mut writes = Vec::new();
        if found.approvals.len() >= APPROVALS_NEEDED {
            found.state = DecommissioningState::Approved;
            let (service, _) = directory.service_state().await?;
            let (closes_at, announced_on) = (found.plan.closes_at, found.plan.announced_on);
            let closing = Some(Closing { at: closes_at, announced_on, is_latched: false });
            writes.push(Write::Put(Record::Service(ServiceState { closing, ..service })));
        }
        let (id, digest) = (found.id, found.digest);
        let count = u32::try_from(found.approvals.len()).unwrap_or(u32::MAX);
        writes.push(Write::Put(Record::Decommissioning(Box::new(found))));
        Ok(Decided {
            result: ReplayResult::Decommissioning(id),
            detail: detail(id.as_bytes(), Some(digest.as_bytes())),
            count,
            writes,
            named: None,
        })
    }
}

impl Directory {
    /// Whether this name may stand beside those that are there. The approvers are independent of each
    /// other, so that no one person brought the closing about; of the planner they need not be, for a
    /// register that two administrators began has no third who is independent of both.
    async fn check_approver(
        &self,
        leave: &mut Leave,
        found: &Decommissioning,
    ) -> Result<(), Declined> {
        let me = leave.identity.person();
        if me == found.planner {
            return Err(Reason::SameName.into());
        }
        if self.let_each_other_in(&mut leave.permit, (found.planner, me)).await? {
            return Err(Reason::NotIndependent.into());
        }
        let earlier: Vec<_> = names(found).skip(1).collect();
        self.check_name(leave, &earlier).await
    }
}

/// The names behind a plan, and as what each was given.
fn names(found: &Decommissioning) -> impl Iterator<Item = (PersonId, Action)> {
    let approvals = found.approvals.iter().map(|one| (one.by, Action::ApproveDecommissioning));
    std::iter::once((found.planner, Action::PlanDecommissioning)).chain(approvals)
}

fn waits_for_approval(state: DecommissioningState) -> Result<(), Reason> {
    match state {
        DecommissioningState::Planned => Ok(()),
        DecommissioningState::Approved => Err(Reason::WrongState("the plan has its approvals")),
        DecommissioningState::Cancelled => Err(Reason::WrongState("the plan was called off")),
        DecommissioningState::Closed => Err(Reason::WrongState("the service is closed")),
    }
}
