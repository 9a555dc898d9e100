//! The decommissioning from the wire, and as it is shown.

use jiff::Timestamp;
use signpost_core::decommissioning::{
    APPROVALS_NEEDED, ClosingPlan, Copies, Decommissioning, PlannedTask, Region,
};
use signpost_core::directory::decommission::{
    ApproveDecommissioning, CancelDecommissioning, PlanDecommissioning, ShownDecommissioning,
};
use signpost_core::id::{ClosingDigest, OrganisationId, Receipt, TeamId};
use signpost_core::refusal::Invalid;
use signpost_core::terms::{ClosingAuthority, ClosingTask, CopyKind, CopyMethod, NilReturn};
use signpost_proto::v1;

use super::super::parse::{Fields, read};
use super::super::render::{date, uuid_text};

pub(super) fn plan(wire: v1::PlanDecommissioningRequest) -> Result<PlanDecommissioning, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let plan = match wire.plan {
            Some(plan) => fields.closing_plan(plan),
            None => fields.missing("plan"),
        };
        Some(PlanDecommissioning { request: request?, plan: plan? })
    })
}

pub(super) fn approval(
    wire: &v1::ApproveDecommissioningRequest,
) -> Result<ApproveDecommissioning, Invalid> {
    read(|fields| {
        let request = fields.request(&wire.request_id);
        let digest = match <[u8; 32]>::try_from(wire.digest.as_slice()) {
            Ok(digest) => Some(ClosingDigest::new(digest)),
            Err(_) => fields.wrong("digest", "must be the 32 bytes that GetDecommissioning shows"),
        };
        Some(ApproveDecommissioning { request: request?, digest: digest? })
    })
}

pub(super) fn cancellation(
    wire: &v1::CancelDecommissioningRequest,
) -> Result<CancelDecommissioning, Invalid> {
    read(|fields| Some(CancelDecommissioning { request: fields.request(&wire.request_id)? }))
}

impl Fields {
    fn closing_plan(&mut self, wire: v1::ClosingPlan) -> Option<ClosingPlan> {
        let authority = self.term("authority", wire.authority, ClosingAuthority::from_code);
        let case = self.text("case_reference", wire.case_reference);
        let closes_at = match Timestamp::from_millisecond(wire.closes_ms) {
            Ok(at) => Some(at),
            Err(_) => self.wrong("closes_ms", "is no time of the calendar"),
        };
        let announced_on = self.date("announced_on", wire.announced_on.as_ref());
        let regions = self.each(&wire.regions, ClosingPlan::REGIONS_MAX, "regions", Self::region);
        let tasks = self.each(&wire.tasks, ClosingPlan::TASKS_MAX, "tasks", Self::planned_task);
        let returns = self.each(&wire.returns, NilReturn::ALL.len(), "returns", Self::declared);
        let copies = self.each(&wire.copies, ClosingPlan::COPIES_MAX, "copies", Self::copies);
        Some(ClosingPlan {
            authority: authority?,
            case: case?,
            closes_at: closes_at?,
            announced_on: announced_on?,
            regions: regions?,
            tasks: tasks?,
            returns: returns?,
            copies: copies?,
        })
    }

    /// Each of a list, of which there are so many at most; nothing behind the first wrong one.
    fn each<W, T>(
        &mut self,
        wire: &[W],
        most: usize,
        field: &str,
        parse: fn(&mut Self, &W) -> Option<T>,
    ) -> Option<Vec<T>> {
        if wire.len() > most {
            return self.wrong(field, format!("must be {most} at most"));
        }
        wire.iter().map(|one| parse(self, one)).collect()
    }

    fn region(&mut self, wire: &v1::ClosingRegion) -> Option<Region> {
        let organisation = self.uuid("regions.organisation_id", &wire.organisation_id)?;
        let team = self.uuid("regions.team_id", &wire.team_id)?;
        Some(Region { organisation: OrganisationId::new(organisation), team: TeamId::new(team) })
    }

    fn planned_task(&mut self, wire: &v1::PlannedTask) -> Option<PlannedTask> {
        let title = self.term("tasks.title", wire.title, ClosingTask::from_code)?;
        let owner = OrganisationId::new(self.uuid("tasks.owner_id", &wire.owner_id)?);
        Some(PlannedTask { title, owner, due_minutes: wire.due_minutes })
    }

    fn declared(&mut self, wire: &v1::DeclaredNil) -> Option<(NilReturn, OrganisationId)> {
        let what = self.term("returns.what", wire.what, NilReturn::from_code)?;
        let by = self.uuid("returns.declared_by_id", &wire.declared_by_id)?;
        Some((what, OrganisationId::new(by)))
    }

    fn copies(&mut self, wire: &v1::InventoriedCopies) -> Option<Copies> {
        let kind = self.term("copies.kind", wire.kind, CopyKind::from_code)?;
        let owner = OrganisationId::new(self.uuid("copies.owner_id", &wire.owner_id)?);
        let method = self.term("copies.method", wire.method, CopyMethod::from_code)?;
        Some(Copies { kind, owner, method })
    }
}

pub(super) fn shown(shown: ShownDecommissioning) -> v1::Decommissioning {
    let ShownDecommissioning { found, planned_in, closed_in, clock_in_doubt, now } = shown;
    let approvals = found.approvals.iter().map(|approval| v1::PurgeApproval {
        approver_id: uuid_text(*approval.by.as_bytes()),
        time_ms: approval.at.as_millisecond(),
    });
    let cancelled_by = found.cancelled.map(|one| uuid_text(*one.by.as_bytes()));
    v1::Decommissioning {
        decommissioning_id: uuid_text(*found.id.as_bytes()),
        digest: found.digest.as_bytes().to_vec(),
        state: found.state.code().into(),
        planner_id: uuid_text(*found.planner.as_bytes()),
        planned_ms: found.planned_at.as_millisecond(),
        planned_in: planned_in.0,
        approvals: approvals.collect(),
        approvals_needed: u32::try_from(APPROVALS_NEEDED).unwrap_or(u32::MAX),
        cancelled_by_id: cancelled_by.unwrap_or_default(),
        closing: closing_record(&found, closed_in),
        clock_in_doubt,
        now_ms: now.as_millisecond(),
        plan: Some(shown_plan(found.plan)),
    }
}

fn closing_record(found: &Decommissioning, entry: Option<Receipt>) -> Option<v1::ClosingRecord> {
    let (closed_at, entry) = found.closed_at.zip(entry)?;
    let figures = found.figures.as_ref();
    let records = figures.iter().flat_map(|figures| &figures.records);
    let records = records
        .map(|(kind, count)| v1::RecordCount { kind: kind.code().into(), count: *count })
        .collect();
    Some(v1::ClosingRecord {
        closed_ms: closed_at.as_millisecond(),
        receipt: entry.0,
        tokens_revoked: found.tokens_revoked,
        records,
        ledger_size: figures.map_or(0, |figures| figures.ledger_size),
        ledger_root: figures.map_or_else(Vec::new, |figures| figures.ledger_root.to_vec()),
    })
}

fn shown_plan(plan: ClosingPlan) -> v1::ClosingPlan {
    let organisation = |id: OrganisationId| uuid_text(*id.as_bytes());
    let regions = plan.regions.iter().map(|region| v1::ClosingRegion {
        organisation_id: organisation(region.organisation),
        team_id: uuid_text(*region.team.as_bytes()),
    });
    let tasks = plan.tasks.iter().map(|task| v1::PlannedTask {
        title: task.title.code().into(),
        owner_id: organisation(task.owner),
        due_minutes: task.due_minutes,
    });
    let returns = plan.returns.iter().map(|(what, by)| v1::DeclaredNil {
        what: what.code().into(),
        declared_by_id: organisation(*by),
    });
    let copies = plan.copies.iter().map(|copies| v1::InventoriedCopies {
        kind: copies.kind.code().into(),
        owner_id: organisation(copies.owner),
        method: copies.method.code().into(),
    });
    v1::ClosingPlan {
        authority: plan.authority.code().into(),
        closes_ms: plan.closes_at.as_millisecond(),
        announced_on: Some(date(plan.announced_on)),
        regions: regions.collect(),
        tasks: tasks.collect(),
        returns: returns.collect(),
        copies: copies.collect(),
        case_reference: plan.case.into(),
    }
}
