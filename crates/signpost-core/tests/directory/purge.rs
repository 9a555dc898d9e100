//! Purges: planned, approved, called off and held back, and what each covers.

mod approvals;
mod counts;
mod coverage;
mod holds;
mod plans;
mod runs;
mod standing;
mod suppressed;

use signpost_core::directory::purge::{
    ApprovePurge, CancelPurge, HoldName, LiftHold, NewHold, PlanPurge, SetHold, ShownPurge,
};
use signpost_core::directory::{Directory, Written};
use signpost_core::id::{HoldId, PersonId, PurgeDigest, PurgeId};
use signpost_core::purge::{Held, LegalHold, PurgeMode, PurgeScope};
use signpost_core::record::Record;
use signpost_core::refusal::Refusal;
use signpost_core::subject::Subject;
use signpost_core::terms::{HoldGround, PurgeAuthority, PurgeReason, Role};
use signpost_core::testing::put_records;

use crate::fixture::*;

/// Who else has a part in purges: a second of each.
pub(crate) const OSCAR: Who = Who { id: 30, organisation: 1, team: 11, role: Role::PurgeOperator };
pub(crate) const ARTHUR: Who = Who { id: 31, organisation: 1, team: 11, role: Role::PurgeApprover };
pub(crate) const PENNY: Who = Who { id: 32, organisation: 1, team: 11, role: Role::PrivacyOfficer };

pub(crate) fn forget(numbers: &[u8]) -> PurgeScope {
    PurgeScope::Child { subject: Some(child(numbers)), mode: PurgeMode::Forget }
}

/// The plan of a scope, with a request id of its own.
pub(crate) fn planned(scene: &Scene, scope: PurgeScope) -> PlanPurge {
    PlanPurge {
        request: scene.request(),
        scope,
        authority: PurgeAuthority::UkGdprArticle17,
        reason: PurgeReason::ErasureRequest,
        case: text("DPO-2026-00042"),
    }
}

impl Scene {
    /// A scene in which there is a second of everybody who has a part in purges.
    pub(crate) async fn of_purges() -> Self {
        let scene = Self::new().await;
        for who in [OSCAR, ARTHUR, PENNY] {
            scene.let_in(who).await;
        }
        scene
    }

    async fn let_in(&self, who: Who) {
        let records =
            [Record::Group(who.group()), Record::Person(who.person()), Record::Token(who.token())];
        put_records(&*self.store, records).await.unwrap();
    }

    /// The same scene by other rules.
    pub(crate) fn ruled(self, rule: impl FnOnce(Directory) -> Directory) -> Self {
        Self { directory: rule(self.directory), ..self }
    }

    pub(crate) async fn try_plan(
        &self,
        who: Who,
        scope: PurgeScope,
    ) -> Result<Written<PurgeId>, Refusal> {
        let plan = planned(self, scope);
        self.directory.plan_purge(&who.presented(), &Ok(plan)).await
    }

    /// A plan of Olga's, counted.
    pub(crate) async fn plan(&self, scope: PurgeScope) -> ShownPurge {
        let id = self.try_plan(OLGA, scope).await.unwrap().result;
        assert_eq!(self.directory.count_purges().await, Ok(1));
        self.shown(id).await
    }

    pub(crate) async fn shown(&self, id: PurgeId) -> ShownPurge {
        self.directory.show_purge(&APRIL.presented(), &Ok(id)).await.unwrap().result
    }

    pub(crate) async fn approve(
        &self,
        who: Who,
        shown: &ShownPurge,
    ) -> Result<Written<PurgeId>, Refusal> {
        self.approve_digest(who, shown.plan.id, shown.plan.digest).await
    }

    pub(crate) async fn approve_digest(
        &self,
        who: Who,
        purge: PurgeId,
        digest: PurgeDigest,
    ) -> Result<Written<PurgeId>, Refusal> {
        let approve = ApprovePurge { request: self.request(), purge, digest };
        self.directory.approve_purge(&who.presented(), &Ok(approve)).await
    }

    pub(crate) async fn cancel(
        &self,
        who: Who,
        purge: PurgeId,
    ) -> Result<Written<PurgeId>, Refusal> {
        let cancel = CancelPurge { request: self.request(), purge };
        self.directory.cancel_purge(&who.presented(), &Ok(cancel)).await
    }

    pub(crate) async fn begin_hold(
        &self,
        who: Who,
        held: Held,
    ) -> Result<Written<LegalHold>, Refusal> {
        let new = NewHold { held, ground: HoldGround::CourtOrder, case: text("LEG-2026-7") };
        let set = SetHold { request: self.request(), name: HoldName::First(new) };
        self.directory.set_hold(&who.presented(), &Ok(set)).await
    }

    pub(crate) async fn second_hold(
        &self,
        who: Who,
        hold: HoldId,
    ) -> Result<Written<LegalHold>, Refusal> {
        let name = HoldName::Second { hold, case: text("LEG-2026-7") };
        let set = SetHold { request: self.request(), name };
        self.directory.set_hold(&who.presented(), &Ok(set)).await
    }

    pub(crate) async fn lift_hold(
        &self,
        who: Who,
        hold: HoldId,
    ) -> Result<Written<LegalHold>, Refusal> {
        let lift = LiftHold { request: self.request(), hold };
        self.directory.lift_hold(&who.presented(), &Ok(lift)).await
    }

    /// A hold by Priya and April.
    pub(crate) async fn hold(&self, held: Held) -> HoldId {
        let id = self.begin_hold(PRIYA, held).await.unwrap().result.id;
        self.second_hold(APRIL, id).await.unwrap();
        id
    }

    /// Lets the person be the one whom the other let in.
    pub(crate) async fn let_in_by(&self, who: Who, by: Who) {
        let mut person = who.person();
        person.let_in_by = Some(PersonId::new([by.id; 16]));
        put_records(&*self.store, [Record::Person(person)]).await.unwrap();
    }
}

pub(crate) fn of_child(numbers: &[u8]) -> Held {
    let named: Subject = child(numbers);
    Held::Child(Some(named))
}
