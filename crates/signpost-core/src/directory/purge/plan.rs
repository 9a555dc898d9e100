//! Planning a purge. What is planned is not looked at here: known and unknown children are planned by
//! the same reads and writes, and counted afterwards.

use std::num::NonZeroUsize;

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::super::clock::last_entry;
use super::super::onboarding::change::{Declined, register_requests};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::{DecidePurge, Decided, PAGE, detail, purge_of};
use crate::commit::Write;
use crate::id::{OrganisationId, PersonId, PurgeDigest, PurgeId, Receipt, RequestId, SystemId};
use crate::permit::Permit;
use crate::purge::{PlanNonce, PurgeMode, PurgePlan, PurgeQuota, PurgeScope, Reach};
use crate::quota::{DAY_MS, Spent, What, Whose};
use crate::record::{Kind, Record, ReplayResult, Scope};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{Claim, Claimed, PersonStanding};
use crate::store::StoreError;
use crate::terms::{PurgeAuthority, PurgeReason, PurgeState};
use crate::text::CaseReference;

/// The longest a child is suppressed: until the last of those born today is of age.
const SUPPRESS_YEARS_MAX: i64 = 18;

/// Plans a purge.
#[derive(Clone, Debug, Serialize)]
pub struct PlanPurge {
    /// The client's id of this write.
    pub request: RequestId,
    /// What is to be purged.
    pub scope: PurgeScope,
    /// The law under which.
    pub authority: PurgeAuthority,
    /// Why.
    pub reason: PurgeReason,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
}

register_requests! {
    PlanPurge => PlanPurge;
}

impl Directory {
    /// Plans a purge, which waits for its approval. The reply is the same whoever is in its scope.
    pub async fn plan_purge(
        &self,
        presented: &Presented,
        request: &Result<PlanPurge, Invalid>,
    ) -> Result<Written<PurgeId>, Refusal> {
        purge_of(&retry_contended!(self.change_purge(presented, request))?)
    }
}

#[async_trait]
impl DecidePurge for PlanPurge {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let planner = leave.identity.person();
        let permit = &mut leave.permit;
        let quota = directory.check_scope(permit, &self.scope, planner).await?;
        let years = directory.purge_rules.openings_years;
        let reach = directory.reach_of(&self.scope, years).await?;
        let last = last_entry(&*directory.store).await?;
        let now = directory.now();
        let lasts = i64::from(directory.purge_rules.expires_days) * 24;
        let expires = now.saturating_add(lasts.hours()).expect("hours are a fixed span");
        let mut plan = PurgePlan {
            id: PurgeId::new(directory.random()),
            scope: self.scope.clone(),
            reach,
            authority: self.authority,
            reason: self.reason,
            case: self.case.clone(),
            nonce: PlanNonce::new(directory.random()),
            cut_off: last.map_or(Receipt(0), |(index, _)| index),
            digest: PurgeDigest::new([0; 32]),
            planner,
            approvals: Vec::new(),
            planned_in: None,
            planned_at: now,
            not_before: None,
            expires,
            cancelled: None,
            state: PurgeState::Planned,
            order: None,
        };
        plan.digest = plan.compute_digest().ok_or(StoreError::Damaged)?;
        let named = self.scope.child().cloned();
        let detail = detail(plan.id.as_bytes(), Some(plan.digest.as_bytes()));
        let (result, count) = (ReplayResult::Purge(plan.id), self.scope.kind().code().into());
        let mut writes = vec![Write::Put(Record::Purge(Box::new(plan)))];
        writes.extend(quota.map(|quota| Write::Put(Record::PurgeQuota(quota))));
        Ok(Decided { result, detail, count, writes, named })
    }
}

impl Directory {
    /// What a scope comes to today; openings are past their time after so many years.
    pub(in crate::directory) async fn reach_of(
        &self,
        scope: &PurgeScope,
        openings_years: u32,
    ) -> Result<Reach, StoreError> {
        let openings_below = match scope {
            PurgeScope::Expired { by } => {
                self.first_entry_on(by.saturating_sub(i64::from(openings_years).years())).await?
            }
            PurgeScope::Child { .. }
            | PurgeScope::Organisation(_)
            | PurgeScope::System(_)
            | PurgeScope::Person(_)
            | PurgeScope::All => None,
        };
        let systems = self.systems_of(scope).await?;
        Ok(Reach { systems, visible_months: self.policy.visible_months(), openings_below })
    }

    /// The first entry on or after this day (UTC), if there are entries before it: the times of entries
    /// never fall.
    async fn first_entry_on(&self, day: Date) -> Result<Option<Receipt>, StoreError> {
        let begins = day.to_zoned(TimeZone::UTC).map_or(Timestamp::MIN, |zoned| zoned.timestamp());
        let begins_ms = u64::try_from(begins.as_millisecond()).unwrap_or(0);
        let Some((last, _)) = last_entry(&*self.store).await? else { return Ok(None) };
        let (mut low, mut high) = (0, last.0 + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let found = self.store.entries(Receipt(middle), NonZeroUsize::MIN).await?;
            if found.first().ok_or(StoreError::Damaged)?.time_ms() < begins_ms {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok((low > 0).then_some(Receipt(low)))
    }

    /// Whether this can be planned as things stand. Of a child, nothing but the operator's quota is
    /// looked at: what is left of it.
    async fn check_scope(
        &self,
        permit: &mut Permit,
        scope: &PurgeScope,
        planner: PersonId,
    ) -> Result<Option<PurgeQuota>, Declined> {
        match scope {
            PurgeScope::Child { subject: None, .. } => Err(StoreError::Damaged.into()),
            PurgeScope::Child { subject: Some(_), mode } => {
                self.check_mode(*mode)?;
                self.spend_plan(permit, planner).await.map(Some)
            }
            PurgeScope::Organisation(id) => {
                known(self.organisation(permit, *id).await?.is_some(), "organisation")
            }
            PurgeScope::System(id) => known(self.system(permit, *id).await?.is_some(), "system"),
            PurgeScope::Person(id) => self.check_person(permit, *id).await.map(|()| None),
            PurgeScope::Expired { by } if *by > self.today() => {
                Err(Reason::Invalid(Invalid::field("expired_by", "must not be in the future"))
                    .into())
            }
            PurgeScope::All if !self.standing_holds().await?.is_empty() => Err(Reason::Held.into()),
            PurgeScope::Expired { .. } | PurgeScope::All => Ok(None),
        }
    }

    fn check_mode(&self, mode: PurgeMode) -> Result<(), Reason> {
        let PurgeMode::Suppress { until } = mode else { return Ok(()) };
        let today = self.today();
        let latest = today.saturating_add(SUPPRESS_YEARS_MAX.years());
        if until > today && until <= latest {
            return Ok(());
        }
        let problem = "must be later than today and at most 18 years on";
        Err(Reason::Invalid(Invalid::field("child.suppress_until", problem)))
    }

    /// One plan more of a child by this operator today.
    async fn spend_plan(
        &self,
        permit: &mut Permit,
        person: PersonId,
    ) -> Result<PurgeQuota, Declined> {
        let day = self.today();
        let found = self.purge_quota(permit, person).await?;
        let plans = found.filter(|quota| quota.day == day).map_or(0, |quota| quota.plans);
        if plans >= self.purge_rules.child_plans_a_day {
            let now_ms = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
            let left_secs = (DAY_MS - now_ms % DAY_MS).div_ceil(1000);
            let again_in_secs = u32::try_from(left_secs).unwrap_or(u32::MAX);
            let spent = Spent { whose: Whose::Person, what: What::Day, again_in_secs };
            return Err(Reason::Budget(spent).into());
        }
        Ok(PurgeQuota { person, day, plans: plans + 1 })
    }

    /// A person must have left, and must not have come back under the same reference: else the purge
    /// would make two people of one.
    async fn check_person(&self, permit: &mut Permit, id: PersonId) -> Result<(), Declined> {
        let Some(person) = self.person(permit, id).await? else {
            return Err(Reason::Unknown("person").into());
        };
        if person.standing != PersonStanding::Removed {
            let problem = "the person is still in the register; remove the person first";
            return Err(Reason::WrongState(problem).into());
        }
        let claimed = Claimed::Staff(person.organisation, person.staff);
        match self.claim(permit, claimed).await? {
            Some(Claim::Staff(_, _, holder)) if holder != id => {
                let problem = "the person came back under the same reference, and is still there";
                Err(Reason::WrongState(problem).into())
            }
            Some(Claim::Staff(..) | Claim::Code(..)) | None => Ok(()),
        }
    }

    /// The systems over which what is in scope was recorded, in order.
    async fn systems_of(&self, scope: &PurgeScope) -> Result<Vec<SystemId>, StoreError> {
        let organisation: OrganisationId = match scope {
            PurgeScope::Organisation(id) => *id,
            PurgeScope::System(id) => return Ok(vec![*id]),
            PurgeScope::Child { .. }
            | PurgeScope::Person(_)
            | PurgeScope::Expired { .. }
            | PurgeScope::All => return Ok(Vec::new()),
        };
        let (mut systems, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::System), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::System(system) = stored.record else { return Err(StoreError::Damaged) };
                if system.organisation == organisation {
                    systems.push(system.id);
                }
            }
            if is_last {
                systems.sort_unstable();
                return Ok(systems);
            }
        }
    }
}

fn known(is_there: bool, what: &'static str) -> Result<Option<PurgeQuota>, Declined> {
    if is_there { Ok(None) } else { Err(Reason::Unknown(what).into()) }
}

/// The first day on which a suppression no longer counts.
pub(super) fn first_day_after(until: Date) -> Date {
    until.tomorrow().unwrap_or(Date::MAX)
}
