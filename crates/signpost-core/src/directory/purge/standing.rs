//! The standing order: proposed by an operator, approved by another and independent person, revoked by
//! either's office, and shown.

use async_trait::async_trait;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::{DecidePurge, Decided, detail};
use crate::commit::{Commit, Effect, Write};
use crate::id::{OrderId, PersonId, PurgeDigest, Receipt, RequestId};
use crate::permit::Permit;
use crate::purge::{Approval, PurgePlan, StandingOrder};
use crate::record::{Record, RecordKey, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome, PurgeState};
use crate::text::CaseReference;

/// Proposes the standing order.
#[derive(Clone, Debug, Serialize)]
pub struct SetStandingOrder {
    /// The client's id of this write.
    pub request: RequestId,
    /// The last day on which a purge is to be planned by it.
    pub until: Date,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
}

/// Approves the standing order.
#[derive(Clone, Debug, Serialize)]
pub struct ApproveStandingOrder {
    /// The client's id of this write.
    pub request: RequestId,
    /// The order.
    pub order: OrderId,
    /// The digest of its terms, as the approver was shown it.
    pub digest: PurgeDigest,
}

/// Revokes the standing order, or its proposal.
#[derive(Clone, Debug, Serialize)]
pub struct RevokeStandingOrder {
    /// The client's id of this write.
    pub request: RequestId,
    /// The order.
    pub order: OrderId,
}

register_requests! {
    SetStandingOrder => SetStandingOrder;
    ApproveStandingOrder => ApproveStandingOrder;
    RevokeStandingOrder => RevokeStandingOrder;
}

impl Directory {
    /// Proposes the standing order, which waits 7 days for its approval.
    pub async fn set_standing_order(
        &self,
        presented: &Presented,
        request: &Result<SetStandingOrder, Invalid>,
    ) -> Result<Written<OrderId>, Refusal> {
        order_of(&retry_contended!(self.change_purge(presented, request))?)
    }

    /// Approves the standing order: from now on a purge is planned by it each day.
    pub async fn approve_standing_order(
        &self,
        presented: &Presented,
        request: &Result<ApproveStandingOrder, Invalid>,
    ) -> Result<Written<OrderId>, Refusal> {
        order_of(&retry_contended!(self.change_purge(presented, request))?)
    }

    /// Revokes the standing order, and calls off what was planned by it and has not begun.
    pub async fn revoke_standing_order(
        &self,
        presented: &Presented,
        request: &Result<RevokeStandingOrder, Invalid>,
    ) -> Result<Written<OrderId>, Refusal> {
        order_of(&retry_contended!(self.change_purge(presented, request))?)
    }

    /// Shows the last standing order that was proposed, if there ever was one. The look is on record.
    pub async fn show_standing_order(
        &self,
        presented: &Presented,
    ) -> Result<Written<Option<StandingOrder>>, Refusal> {
        retry_contended!(self.show_standing_order_once(presented))
    }

    async fn show_standing_order_once(
        &self,
        presented: &Presented,
    ) -> Result<Written<Option<StandingOrder>>, Refusal> {
        let (mut permit, ()) = self.may_look(presented, Action::ShowStandingOrder, &Ok(())).await?;
        let order = self.standing_order(&mut permit).await?.map(|(_, order)| order);
        let id = order.as_ref().map_or([0; 16], |order| *order.id.as_bytes());
        let effect = Effect { detail: detail(&id, None), ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: order, receipt })
    }

    /// The order and its version; the commit will rest on it, or on there being none.
    async fn standing_order(
        &self,
        permit: &mut Permit,
    ) -> Result<Option<(Receipt, StandingOrder)>, StoreError> {
        match self.look_up(permit, RecordKey::StandingOrder).await? {
            None => Ok(None),
            Some((version, Record::StandingOrder(order))) => Ok(Some((version, *order))),
            Some(_) => Err(StoreError::Damaged),
        }
    }

    /// The order of this id.
    async fn order(
        &self,
        permit: &mut Permit,
        id: OrderId,
    ) -> Result<(Receipt, StandingOrder), Declined> {
        let found = self.standing_order(permit).await?.filter(|(_, order)| order.id == id);
        found.ok_or_else(|| Reason::Unknown("standing order").into())
    }

    /// Whether the name may stand beside the proposer's: of another person, whom the proposer did not
    /// let in nor was let in by, while the proposer could still propose.
    async fn may_stand_beside(
        &self,
        leave: &mut Leave,
        proposer: PersonId,
    ) -> Result<(), Declined> {
        let me = leave.identity.person();
        if proposer == me {
            return Err(Reason::SameName.into());
        }
        if !self.are_independent(&mut leave.permit, (proposer, me)).await? {
            return Err(Reason::NotIndependent.into());
        }
        if !self.name_still_counts(proposer, Action::SetStandingOrder, leave).await? {
            let problem = "whoever proposed the standing order may not do so any more";
            return Err(Reason::WrongState(problem).into());
        }
        Ok(())
    }

    /// What was planned by an order and has not begun, called off.
    async fn called_off(
        &self,
        leave: &mut Leave,
        order: &StandingOrder,
        by: Approval,
    ) -> Result<Option<Write>, StoreError> {
        let Some((_, last)) = order.last else { return Ok(None) };
        let Some((version, plan)) = self.plan(&mut leave.permit, last).await? else {
            return Err(StoreError::Damaged);
        };
        if plan.state != PurgeState::Approved {
            return Ok(None);
        }
        let planned_in = Some(plan.planned_in(version));
        let state = PurgeState::Cancelled;
        let plan = PurgePlan { planned_in, cancelled: Some(by), state, ..plan };
        Ok(Some(Write::Put(Record::Purge(Box::new(plan)))))
    }
}

#[async_trait]
impl DecidePurge for SetStandingOrder {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let (now, today) = (directory.now(), directory.today());
        let before = directory.standing_order(&mut leave.permit).await?;
        if before.is_some_and(|(_, order)| order.waits_at(now) || order.stands_on(today)) {
            let problem = "a standing order stands, or waits for its approval; revoke it first";
            return Err(Reason::WrongState(problem).into());
        }
        if self.until < today || self.until > today.saturating_add(StandingOrder::DAYS_MAX.days()) {
            let problem = "must not be in the past, and at most 400 days on";
            return Err(Reason::Invalid(Invalid::field("until", problem)).into());
        }
        let mut order = StandingOrder {
            id: OrderId::new(directory.random()),
            until: self.until,
            openings_years: directory.purge_rules.openings_years,
            case: self.case.clone(),
            digest: PurgeDigest::new([0; 32]),
            proposed: Approval { by: leave.identity.person(), at: now, entry: None },
            approved: None,
            revoked: None,
            last: None,
        };
        order.digest = order.compute_digest();
        Ok(decided(order, 1, None))
    }
}

#[async_trait]
impl DecidePurge for ApproveStandingOrder {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let (version, order) = directory.order(&mut leave.permit, self.order).await?;
        let now = directory.now();
        if !order.waits_at(now) || order.until < directory.today() {
            let problem = "the standing order does not wait for an approval";
            return Err(Reason::WrongState(problem).into());
        }
        directory.may_stand_beside(leave, order.proposed.by).await?;
        if order.digest != self.digest {
            return Err(Reason::OtherDigest.into());
        }
        if order.compute_digest() != order.digest {
            return Err(StoreError::Damaged.into());
        }
        directory.clock_is_sure(&mut leave.permit).await?;
        let approved = Some(Approval { by: leave.identity.person(), at: now, entry: None });
        Ok(decided(StandingOrder { approved, ..order.noted(version) }, 2, None))
    }
}

#[async_trait]
impl DecidePurge for RevokeStandingOrder {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let (version, order) = directory.order(&mut leave.permit, self.order).await?;
        if !order.waits_at(directory.now()) && !order.stands_on(directory.today()) {
            return Err(Reason::WrongState("the standing order is over").into());
        }
        let by = Approval { by: leave.identity.person(), at: directory.now(), entry: None };
        let called_off = directory.called_off(leave, &order, by).await?;
        let order = StandingOrder { revoked: Some(by), ..order.noted(version) };
        Ok(decided(order, 0, called_off))
    }
}

/// An order as it is to stand, after so many names.
fn decided(order: StandingOrder, names: u32, more: Option<Write>) -> Decided {
    let mut writes = Vec::from_iter(more);
    let (id, about) = (order.id, detail(order.id.as_bytes(), Some(order.digest.as_bytes())));
    writes.push(Write::Put(Record::StandingOrder(Box::new(order))));
    Decided {
        result: ReplayResult::StandingOrder(id),
        detail: about,
        count: names,
        writes,
        named: None,
    }
}

/// What a repeat of a write on the order was first answered with.
fn order_of(first: &Written<ReplayResult>) -> Result<Written<OrderId>, Refusal> {
    let ReplayResult::StandingOrder(result) = first.result else {
        return Err(StoreError::Damaged.into());
    };
    Ok(Written { result, receipt: first.receipt })
}
