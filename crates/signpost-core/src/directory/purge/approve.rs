//! Approving a purge: another and independent person, and that very plan.

use async_trait::async_trait;
use jiff::ToSpan;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::{DecidePurge, Decided, detail, purge_of};
use crate::commit::Write;
use crate::id::{PersonId, PurgeDigest, PurgeId, RequestId};
use crate::purge::{Approval, PurgePlan};
use crate::record::{Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, PurgeState, ScopeKind};

/// Approves a purge.
#[derive(Clone, Debug, Serialize)]
pub struct ApprovePurge {
    /// The client's id of this write.
    pub request: RequestId,
    /// The purge.
    pub purge: PurgeId,
    /// The digest of the plan that is approved, as the approver was shown it.
    pub digest: PurgeDigest,
}

register_requests! {
    ApprovePurge => ApprovePurge;
}

impl Directory {
    /// Gives one of the names that a purge needs; with the last one its cooling-off time begins.
    pub async fn approve_purge(
        &self,
        presented: &Presented,
        request: &Result<ApprovePurge, Invalid>,
    ) -> Result<Written<PurgeId>, Refusal> {
        purge_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for ApprovePurge {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let Some((version, mut plan)) = directory.plan(&mut leave.permit, self.purge).await? else {
            return Err(Reason::Unknown("purge").into());
        };
        let names: Vec<_> = names(&plan).collect();
        directory.check_name(leave, &names).await?;
        check_state(&plan, directory)?;
        directory.check_earlier_names(leave, &names).await?;
        if plan.digest != self.digest {
            return Err(Reason::OtherDigest.into());
        }
        if plan.compute_digest() != Some(plan.digest) {
            return Err(StoreError::Damaged.into());
        }
        if directory.purge_annex(&mut leave.permit, plan.id).await?.is_none() {
            let problem = "what the purge takes is being counted; look at it again in a while";
            return Err(Reason::WrongState(problem).into());
        }
        directory.clock_is_sure(&mut leave.permit).await?;
        let is_all = plan.scope.kind() == ScopeKind::All;
        if is_all && !directory.standing_holds().await?.is_empty() {
            return Err(Reason::Held.into());
        }
        let at = directory.now();
        plan.note_entries(version);
        plan.approvals.push(Approval { by: leave.identity.person(), at, entry: None });
        if plan.approvals.len() >= plan.scope.approvals_needed() {
            let cooling_off = i64::from(directory.purge_rules.cooling_off_hours).hours();
            let not_before = at.saturating_add(cooling_off).expect("hours are a fixed span");
            if not_before >= plan.expires {
                let problem = "the plan expires before its cooling-off time is over; plan anew";
                return Err(Reason::WrongState(problem).into());
            }
            plan.not_before = Some(not_before);
            plan.state = PurgeState::Approved;
        }
        let count = u32::try_from(plan.approvals.len()).unwrap_or(u32::MAX);
        Ok(Decided {
            result: ReplayResult::Purge(plan.id),
            detail: detail(plan.id.as_bytes(), Some(plan.digest.as_bytes())),
            count,
            writes: vec![Write::Put(Record::Purge(Box::new(plan)))],
            named: None,
        })
    }
}

impl Directory {
    /// Whether this name may stand beside those that are there: of another person, and one whom nobody
    /// let in who let in one of them.
    pub(in crate::directory) async fn check_name(
        &self,
        leave: &mut Leave,
        earlier: &[(PersonId, Action)],
    ) -> Result<(), Declined> {
        let me = leave.identity.person();
        if earlier.iter().any(|(name, _)| *name == me) {
            return Err(Reason::SameName.into());
        }
        for (name, _) in earlier {
            if !self.are_independent(&mut leave.permit, (*name, me)).await? {
                return Err(Reason::NotIndependent.into());
            }
        }
        Ok(())
    }

    /// Whether those who gave their names before could give them today.
    pub(in crate::directory) async fn check_earlier_names(
        &self,
        leave: &mut Leave,
        earlier: &[(PersonId, Action)],
    ) -> Result<(), Declined> {
        for &(person, action) in earlier {
            if !self.name_still_counts(person, action, leave).await? {
                let problem = "whoever planned or approved it before may not do so any more";
                return Err(Reason::WrongState(problem).into());
            }
        }
        Ok(())
    }
}

/// The names behind a plan, and as what each was given.
fn names(plan: &PurgePlan) -> impl Iterator<Item = (PersonId, Action)> {
    let approvals = plan.approvals.iter().map(|one| (one.by, Action::ApprovePurge));
    std::iter::once((plan.planner, Action::PlanPurge)).chain(approvals)
}

fn check_state(plan: &PurgePlan, directory: &Directory) -> Result<(), Reason> {
    match plan.state_at(directory.now()) {
        PurgeState::Planned => Ok(()),
        PurgeState::Expired => Err(Reason::WrongState("the plan has expired; plan anew")),
        PurgeState::Cancelled => Err(Reason::WrongState("the purge was called off")),
        PurgeState::Approved
        | PurgeState::Frozen
        | PurgeState::Copied
        | PurgeState::Switched
        | PurgeState::KeysDestroyed
        | PurgeState::FilesRemoved
        | PurgeState::Scanned
        | PurgeState::Certified => Err(Reason::WrongState("the purge has all its approvals")),
    }
}
