//! The decommissioning: how the service is planned to be closed, who stands behind that, and how far
//! it is. There is one.

mod check;
mod digest;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{ClosingDigest, DecommissioningId, OrganisationId, PersonId, Receipt, TeamId};
use crate::purge::Approval;
use crate::record::RecordKind;
use crate::terms::{
    ClosingAuthority, ClosingTask, CopyKind, CopyMethod, DecommissioningState, NilReturn,
};
use crate::text::CaseReference;

/// How many different approvers the closing of the service needs, none of them the planner.
pub const APPROVALS_NEEDED: usize = 2;

/// How the service is to be closed: what the approvers approve.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingPlan {
    /// By whose authority.
    pub authority: ClosingAuthority,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
    /// From this instant on nobody is answered; whole seconds.
    pub closes_at: Timestamp,
    /// From this day on nobody new is let in: the closing day at the latest.
    pub announced_on: Date,
    /// The regions, each an organisation, with the team that does its tasks; in order of organisation.
    pub regions: Vec<Region>,
    /// What is to be done, by whom and by when; a task's id is its place here, counted from 1.
    pub tasks: Vec<PlannedTask>,
    /// Who declares that each of these is not there; all of them, in order.
    pub returns: Vec<(NilReturn, OrganisationId)>,
    /// Where copies are; every kind at least once.
    pub copies: Vec<Copies>,
}

/// A region and who acts in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Region {
    /// The region's organisation.
    pub organisation: OrganisationId,
    /// Its local team.
    pub team: TeamId,
}

/// One thing to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTask {
    /// What.
    pub title: ClosingTask,
    /// The organisation that does it.
    pub owner: OrganisationId,
    /// By when: so many minutes after the closing instant, or before it where it is negative.
    pub due_minutes: i32,
}

/// Copies of one kind with one owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copies {
    /// Of what kind.
    pub kind: CopyKind,
    /// The organisation that answers for them.
    pub owner: OrganisationId,
    /// How they come to an end.
    pub method: CopyMethod,
}

/// The decommissioning: its plan, the names behind it, and how far it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decommissioning {
    /// The id of this plan: a new one each time it is planned anew.
    pub id: DecommissioningId,
    /// How the service is to be closed.
    pub plan: ClosingPlan,
    /// What is approved.
    pub digest: ClosingDigest,
    /// Who planned it.
    pub planner: PersonId,
    /// When.
    pub planned_at: Timestamp,
    /// The entry that put the plan on record; none as long as that is this record's own version.
    pub planned_in: Option<Receipt>,
    /// Who approved it, in order.
    pub approvals: Vec<Approval>,
    /// Who called it off, and when.
    pub cancelled: Option<Approval>,
    /// How far it is.
    pub state: DecommissioningState,
    /// When the closing was put on record: at the instant, or as soon after as the clock was not in
    /// doubt.
    pub closed_at: Option<Timestamp>,
    /// The entry of the closing; none as long as that is this record's own version.
    pub closed_in: Option<Receipt>,
    /// Whether the tokens of all users are revoked.
    pub tokens_revoked: bool,
    /// What there was at the closing.
    pub figures: Option<ClosingFigures>,
}

/// What there was when the service was closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingFigures {
    /// How many records of each kind, in order of kind; kinds without any are left out.
    pub records: Vec<(RecordKind, u64)>,
    /// How many entries the ledger had that was signed first after the closing.
    pub ledger_size: u64,
    /// The root of its tree.
    pub ledger_root: [u8; 32],
}

impl Decommissioning {
    /// The entry that put the plan on record, given this record's version.
    #[must_use]
    pub fn planned_in(&self, version: Receipt) -> Receipt {
        self.planned_in.unwrap_or(version)
    }

    /// The entry of the closing, given this record's version; none before.
    #[must_use]
    pub fn closed_in(&self, version: Receipt) -> Option<Receipt> {
        self.closed_at.map(|_| self.closed_in.unwrap_or(version))
    }

    /// Notes the entry of what was written last, before the record is written anew.
    pub fn note_entries(&mut self, version: Receipt) {
        self.planned_in = Some(self.planned_in(version));
        self.closed_in = self.closed_in(version);
        if let Some(last) = self.approvals.last_mut() {
            last.entry.get_or_insert(version);
        }
    }
}
