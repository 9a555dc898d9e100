//! The decommissioning: planned, approved, called off, and the closing at its instant.

mod closing;
mod plans;

use jiff::{SignedDuration, Timestamp};
use signpost_core::decommissioning::{ClosingPlan, Copies, PlannedTask, Region};
use signpost_core::directory::Written;
use signpost_core::directory::decommission::{
    ApproveDecommissioning, CancelDecommissioning, PlanDecommissioning, ShownDecommissioning,
};
use signpost_core::id::{ClosingDigest, DecommissioningId, OrganisationId, TeamId};
use signpost_core::refusal::Refusal;
use signpost_core::terms::{ClosingAuthority, ClosingTask, CopyKind, CopyMethod, NilReturn};

use crate::fixture::*;
use crate::purge::ARTHUR;

const SECOND: SignedDuration = SignedDuration::from_secs(1);
const DAY: SignedDuration = SignedDuration::from_hours(24);

/// Northfield, which does everything here.
const OWNER: OrganisationId = OrganisationId::new([1; 16]);

/// A plan that nothing is wrong with, for a closing at noon in three weeks.
fn closing_plan(scene: &Scene) -> ClosingPlan {
    let task = |title, days: i32| PlannedTask { title, owner: OWNER, due_minutes: days * 24 * 60 };
    let copies =
        |kind: &CopyKind| Copies { kind: *kind, owner: OWNER, method: CopyMethod::SecureErasure };
    ClosingPlan {
        authority: ClosingAuthority::MinisterialDirection,
        case: text("SRO-2026-00001"),
        closes_at: noon(scene),
        announced_on: scene.today().saturating_add(jiff::Span::new().days(7)),
        regions: vec![Region { organisation: OWNER, team: TeamId::new([11; 16]) }],
        tasks: vec![task(ClosingTask::PublicStatement, -15), task(ClosingTask::TokensRecalled, 7)],
        returns: NilReturn::ALL.iter().map(|what| (*what, OWNER)).collect(),
        copies: CopyKind::ALL.iter().map(copies).collect(),
    }
}

/// Noon (UTC), three weeks after the scene's clock begins.
fn noon(scene: &Scene) -> Timestamp {
    let day = scene.today().saturating_add(jiff::Span::new().days(21));
    day.at(12, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp()
}

impl Scene {
    async fn plan_closing(
        &self,
        who: Who,
        plan: ClosingPlan,
    ) -> Result<Written<DecommissioningId>, Refusal> {
        let plan = PlanDecommissioning { request: self.request(), plan };
        self.directory.plan_decommissioning(&who.presented(), &Ok(plan)).await
    }

    async fn approve_closing(
        &self,
        who: Who,
        digest: ClosingDigest,
    ) -> Result<Written<DecommissioningId>, Refusal> {
        let approve = ApproveDecommissioning { request: self.request(), digest };
        self.directory.approve_decommissioning(&who.presented(), &Ok(approve)).await
    }

    async fn cancel_closing(&self, who: Who) -> Result<Written<DecommissioningId>, Refusal> {
        let cancel = CancelDecommissioning { request: self.request() };
        self.directory.cancel_decommissioning(&who.presented(), &Ok(cancel)).await
    }

    async fn shown_closing(&self) -> ShownDecommissioning {
        self.directory.show_decommissioning(&ANDY.presented()).await.unwrap().result
    }

    /// A scene in which the closing is approved, and its instant.
    async fn to_be_closed() -> (Self, Timestamp) {
        let scene = Self::of_purges().await;
        let plan = closing_plan(&scene);
        let at = plan.closes_at;
        scene.plan_closing(OLGA, plan).await.unwrap();
        let digest = scene.shown_closing().await.found.digest;
        for who in [APRIL, ARTHUR] {
            scene.approve_closing(who, digest).await.unwrap();
        }
        (scene, at)
    }

    /// Lets time pass up to this moment.
    fn advance_to(&self, time: Timestamp) {
        self.clock.advance(time.duration_since(self.directory.now()));
    }
}
