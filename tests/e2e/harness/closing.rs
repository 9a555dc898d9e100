//! The closing of the service, as those do it who run it.

use jiff::{Timestamp, ToSpan};
use signpost_core::store::Clock;
use signpost_core::terms::{CopyKind, NilReturn};
use signpost_proto::v1;

use super::{Service, date, eventually, request_id};

/// In so many seconds the service is to be closed.
const IN_SECONDS: i64 = 60;

/// A plan that nothing is wrong with, whose one region is this team's organisation, for a closing in a
/// minute.
pub(crate) fn closing_plan(service: &Service, team: &v1::Team) -> v1::ClosingPlan {
    // Service time may run ahead of the machine's clock.
    let now = service.now();
    let closes = now.as_second() + IN_SECONDS;
    let owner = || team.organisation_id.clone();
    let task = |title: v1::ClosingTask, hours: i32| v1::PlannedTask {
        title: title.into(),
        owner_id: owner(),
        due_minutes: hours * 60,
    };
    let closes_at = Timestamp::from_second(closes).unwrap();
    let day = jiff::tz::TimeZone::UTC.to_datetime(closes_at).date();
    v1::ClosingPlan {
        authority: v1::ClosingAuthority::Exercise.into(),
        case_reference: "SRO-2026-00001".to_owned(),
        closes_ms: closes_at.as_millisecond(),
        announced_on: Some(date(day)),
        regions: vec![v1::ClosingRegion {
            organisation_id: owner(),
            team_id: team.team_id.clone(),
        }],
        tasks: vec![
            task(v1::ClosingTask::PublicStatement, -24),
            task(v1::ClosingTask::TokensRecalled, 7 * 24),
        ],
        returns: NilReturn::ALL
            .iter()
            .map(|what| v1::DeclaredNil { what: what.code().into(), declared_by_id: owner() })
            .collect(),
        copies: CopyKind::ALL
            .iter()
            .map(|kind| v1::InventoriedCopies {
                kind: kind.code().into(),
                owner_id: owner(),
                method: v1::CopyMethod::SecureErasure.into(),
            })
            .collect(),
    }
}

impl Service {
    /// The time by the machine's clock, which service time follows where it is put ahead.
    fn now(&self) -> Timestamp {
        self.world.clock().now()
    }

    /// Plans the closing by the operator's name, and gives the digest of the plan.
    pub(crate) async fn plan_closing(&self, plan: v1::ClosingPlan) -> Vec<u8> {
        let operator = self.person("PURGE_OPERATOR");
        let (request_id, plan) = (request_id(), Some(plan));
        let plan = v1::PlanDecommissioningRequest { request_id, plan };
        operator.purges().plan_decommissioning(operator.request(plan)).await.unwrap();
        self.closing().await.digest
    }

    /// Plans the closing and gives both names to it.
    pub(crate) async fn approve_closing(&self, plan: v1::ClosingPlan) {
        let digest = self.plan_closing(plan).await;
        for who in ["PURGE_APPROVER", "other-approver"] {
            let approver = self.person(who);
            let (request_id, digest) = (request_id(), digest.clone());
            let approve = v1::ApproveDecommissioningRequest { request_id, digest };
            approver.purges().approve_decommissioning(approver.request(approve)).await.unwrap();
        }
    }

    /// The decommissioning as it stands.
    pub(crate) async fn closing(&self) -> v1::Decommissioning {
        let auditor = self.person("AUDITOR");
        let get = auditor.request(v1::GetDecommissioningRequest {});
        let found = auditor.purges().get_decommissioning(get).await.unwrap();
        found.into_inner().decommissioning.unwrap()
    }

    /// Lets the closing instant come, and waits until the closing is on record.
    pub(crate) async fn close(&self) {
        self.world.clock().step(IN_SECONDS.seconds());
        eventually("the closing", || async { self.closing().await.closing.map(drop) }).await;
    }

    /// Both names that confirm the clock.
    pub(crate) async fn confirm_clock(&self) {
        for who in ["PURGE_OPERATOR", "PURGE_APPROVER"] {
            let request_id = request_id();
            self.person(who).confirm_clock(v1::ConfirmClockRequest { request_id }).await.unwrap();
        }
    }
}
