//! The decommissioning, as far as it can be.

use jiff::Timestamp;
use jiff::civil::date;

use super::text;
use crate::decommissioning::{
    ClosingFigures, ClosingPlan, Copies, Decommissioning, PlannedTask, Region,
};
use crate::id::{ClosingDigest, DecommissioningId, OrganisationId, PersonId, Receipt, TeamId};
use crate::purge::Approval;
use crate::record::{Kind, Record, RecordKind};
use crate::terms::{
    ClosingAuthority, ClosingTask, CopyKind, CopyMethod, DecommissioningState, NilReturn,
};

const AT: Timestamp = Timestamp::constant(1_781_524_800, 0);

pub(super) fn decommissioning() -> Record {
    let owner = OrganisationId::new([1; 16]);
    let plan = ClosingPlan {
        authority: ClosingAuthority::MinisterialDirection,
        case: text("SRO-2026-00001"),
        closes_at: AT,
        announced_on: date(2026, 6, 1),
        regions: vec![Region { organisation: owner, team: TeamId::new([2; 16]) }],
        tasks: vec![PlannedTask {
            title: ClosingTask::TokensRecalled,
            owner,
            due_minutes: -10_080,
        }],
        returns: vec![(NilReturn::Holds, owner)],
        copies: vec![Copies { kind: CopyKind::Backup, owner, method: CopyMethod::KeyDestruction }],
    };
    let approval = |id, entry| Approval { by: PersonId::new([id; 16]), at: AT, entry };
    Record::Decommissioning(Box::new(Decommissioning {
        id: DecommissioningId::new([33; 16]),
        plan,
        digest: ClosingDigest::new([34; 32]),
        planner: PersonId::new([4; 16]),
        planned_at: AT,
        planned_in: Some(Receipt(8)),
        approvals: vec![approval(18, Some(Receipt(9))), approval(19, None)],
        cancelled: Some(approval(4, None)),
        state: DecommissioningState::Closed,
        closed_at: Some(AT),
        closed_in: Some(Receipt(40)),
        tokens_revoked: true,
        figures: Some(ClosingFigures {
            records: vec![(RecordKind::Head, 3), (RecordKind::Of(Kind::Token), 2)],
            ledger_size: 41,
            ledger_root: [35; 32],
        }),
    }))
}
