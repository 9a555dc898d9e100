//! The purge of each day, of what is expired: planned by the service under the standing order.

use jiff::ToSpan;

use super::RunError;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::directory::Directory;
use crate::directory::clock::last_entry;
use crate::directory::purge::detail;
use crate::id::{PurgeDigest, PurgeId, Receipt};
use crate::permit::Permit;
use crate::purge::{PlanNonce, PurgePlan, PurgeScope, StandingOrder, UnderOrder};
use crate::record::{Record, RecordKey};
use crate::store::StoreError;
use crate::terms::{Action, Outcome, PurgeAuthority, PurgeReason, PurgeState};

impl Directory {
    /// Plans the purge of today, if a standing order stands and none was planned by it today: approved by
    /// the order's names, and due at once. Gives which, if there is one. One that was planned before must
    /// be over first.
    pub async fn plan_by_standing_order(&self) -> Result<Option<PurgeId>, RunError> {
        let Some(stored) = self.store.read(&RecordKey::StandingOrder).await? else {
            return Ok(None);
        };
        let Record::StandingOrder(order) = stored.record else {
            return Err(StoreError::Damaged.into());
        };
        let today = self.today();
        let was_planned = order.last.is_some_and(|(day, _)| day >= today);
        if was_planned || !order.stands_on(today) {
            return Ok(None);
        }
        if let Some((_, before)) = order.last
            && !self.plan_of(before).await?.0.is_over_at(self.now())
        {
            return Ok(None);
        }
        self.may_destroy().await?;
        let rests_on = vec![
            Precondition::At(RecordKey::StandingOrder, stored.version),
            Precondition::Absent(RecordKey::ClockDoubt),
        ];
        let order = order.noted(stored.version);
        let plan = self.plan_of_today(&order).await?;
        let (id, about) = (plan.id, detail(plan.id.as_bytes(), Some(plan.digest.as_bytes())));
        let count = plan.scope.kind().code().into();
        let order = StandingOrder { last: Some((today, id)), ..order };
        let writes = vec![
            Write::Put(Record::Purge(Box::new(plan))),
            Write::Put(Record::StandingOrder(Box::new(order))),
        ];
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::PlanByStandingOrder, None, policy, rests_on);
        let effect = Effect { detail: about, count, writes, ..Effect::new(Outcome::Done) };
        self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Some(id))
    }

    async fn plan_of_today(&self, order: &StandingOrder) -> Result<PurgePlan, StoreError> {
        if order.compute_digest() != order.digest {
            return Err(StoreError::Damaged);
        }
        let scope = PurgeScope::Expired { by: self.today() };
        let reach = self.reach_of(&scope, order.openings_years).await?;
        let last = last_entry(&*self.store).await?;
        let now = self.now();
        let lasts = i64::from(self.purge_rules.expires_days) * 24;
        let mut plan = PurgePlan {
            id: PurgeId::new(self.random()),
            scope,
            reach,
            authority: PurgeAuthority::UkGdprArticle5StorageLimitation,
            reason: PurgeReason::RetentionOver,
            case: order.case.clone(),
            nonce: PlanNonce::new(self.random()),
            cut_off: last.map_or(Receipt(0), |(index, _)| index),
            digest: PurgeDigest::new([0; 32]),
            planner: order.proposed.by,
            approvals: Vec::from_iter(order.approved),
            planned_in: order.proposed.entry,
            planned_at: now,
            not_before: Some(now),
            expires: now.saturating_add(lasts.hours()).expect("hours are a fixed span"),
            cancelled: None,
            state: PurgeState::Approved,
            order: Some(UnderOrder { id: order.id, digest: order.digest }),
        };
        plan.digest = plan.compute_digest().ok_or(StoreError::Damaged)?;
        Ok(plan)
    }
}
