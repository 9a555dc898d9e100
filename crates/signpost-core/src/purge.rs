//! A purge as it is planned, approved and held back: what it is of, who stands behind it, and how far
//! it is. What it takes of the records is [`Coverage`]'s to say, and nobody else's.

mod annex;
mod coverage;
mod digest;
mod hold;
mod run;
mod standing;
mod suppression;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub use annex::{Count, PurgeAnnex, PurgeQuota, Tally};
pub use coverage::{Coverage, Covered};
pub use hold::{Held, LegalHold};
pub(crate) use run::Purging;
pub use run::{LeftBehind, PurgeCertificate, PurgeRun, SearchSummary, Taken};
pub use standing::{StandingOrder, UnderOrder};
pub(crate) use suppression::Recording;
pub use suppression::{MarkerKey, MarkerSecret, Suppression, suppress};

use crate::id::{OrganisationId, PersonId, PurgeDigest, PurgeId, Receipt, SystemId};
use crate::secret::{secret_bytes, secret_in_records};
use crate::subject::Subject;
use crate::terms::{PurgeAuthority, PurgeReason, PurgeState, ScopeKind, SuppressionMode};
use crate::text::CaseReference;

secret_bytes! {
    /// What makes a plan's digest its own: without it, whoever knows a child's pseudonyms could hold
    /// them against the digest.
    PlanNonce, 32
}
secret_in_records!(PlanNonce);

/// What a purge is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurgeScope {
    /// One child.
    Child {
        /// Its pseudonyms; none once the plan is over, for a plan that is over must not be what keeps
        /// them.
        subject: Option<Subject>,
        /// What becomes of the child afterwards.
        mode: PurgeMode,
    },
    /// The flags of one organisation. Of the register nothing goes: the organisation, its teams, its
    /// systems and where its tokens are stay, to be reconciled.
    Organisation(OrganisationId),
    /// The flags that were recorded over one system, a feed or a case system.
    System(SystemId),
    /// What the register says of one person who was removed.
    Person(PersonId),
    /// All that was past its time on this day: flags past their last day, or ended so long ago that
    /// nobody is shown them, and what else has a time of its own.
    Expired {
        /// The day.
        by: Date,
    },
    /// All that is about children, and the people of the register.
    All,
}

/// What becomes of a child after a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PurgeMode {
    /// Nothing is kept; the next recording or feed may bring the child back.
    Forget,
    /// Writes about the child are discarded, up to and on this day.
    Suppress {
        /// The last day.
        until: Date,
    },
}

/// What a scope came to when it was planned, so that the run decides by the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// The systems of the organisation, or the one system, in order of id; else none.
    pub systems: Vec<SystemId>,
    /// After so many months an ended involvement is shown to nobody, by the policy of that day.
    pub visible_months: u32,
    /// Of what is expired: the openings of all entries before this one are past their time. None where
    /// there are none, or the scope is another.
    pub openings_below: Option<Receipt>,
}

/// One name behind a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Whose.
    pub by: PersonId,
    /// When it was given.
    pub at: Timestamp,
    /// Its entry; none as long as that is the plan's own version.
    pub entry: Option<Receipt>,
}

/// A purge: its plan, the names behind it, and how far it is.
///
/// For one child it says nothing of whether the child is known; what was counted stands apart, in its
/// [`PurgeAnnex`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgePlan {
    /// Its id.
    pub id: PurgeId,
    /// What it is of.
    pub scope: PurgeScope,
    /// What that came to.
    pub reach: Reach,
    /// The law it is made under.
    pub authority: PurgeAuthority,
    /// Why.
    pub reason: PurgeReason,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
    /// What makes its digest its own.
    pub nonce: PlanNonce,
    /// The last ledger entry before it: a record with a later version is not touched.
    pub cut_off: Receipt,
    /// What is approved.
    pub digest: PurgeDigest,
    /// Who planned it.
    pub planner: PersonId,
    /// Who approved it, in order.
    pub approvals: Vec<Approval>,
    /// The entry that put the plan on record; none as long as that is this record's own version.
    pub planned_in: Option<Receipt>,
    /// When it was planned.
    pub planned_at: Timestamp,
    /// From when on it may run: the cooling-off time after the last approval. None before that.
    pub not_before: Option<Timestamp>,
    /// Until when it may be approved, and begun.
    pub expires: Timestamp,
    /// Who called it off, and when.
    pub cancelled: Option<Approval>,
    /// How far it is, as it is stored: see [`PurgePlan::state_at`].
    pub state: PurgeState,
    /// The standing order that it was planned by: its names are the ones behind this plan.
    pub order: Option<UnderOrder>,
}

/// How purges are planned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PurgeRules {
    /// How many hours pass between the last approval and the run.
    pub cooling_off_hours: u32,
    /// How many days after it was planned a plan expires that has not begun to run.
    pub expires_days: u32,
    /// How many plans of one child an operator may make in a day (UTC).
    pub child_plans_a_day: u32,
    /// After how many years the opening of an entry is past its time.
    pub openings_years: u32,
}

/// Why a purge may not be begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNotRun {
    /// It is not approved, or has run, or was cancelled.
    #[error("the purge is not approved, or was begun or called off already")]
    State,
    /// Its time to begin is over.
    #[error("the purge has expired")]
    Expired,
    /// It may be called off still.
    #[error("the cooling-off time of the purge is not over")]
    CoolingOff,
}

impl Default for PurgeRules {
    fn default() -> Self {
        Self { cooling_off_hours: 24, expires_days: 14, child_plans_a_day: 5, openings_years: 6 }
    }
}

impl PurgeScope {
    /// What it is of.
    #[must_use]
    pub fn kind(&self) -> ScopeKind {
        match self {
            Self::Child { .. } => ScopeKind::Child,
            Self::Organisation(_) => ScopeKind::Organisation,
            Self::System(_) => ScopeKind::System,
            Self::Person(_) => ScopeKind::Person,
            Self::Expired { .. } => ScopeKind::Expired,
            Self::All => ScopeKind::All,
        }
    }

    /// How many approvers it needs, all different and none of them the planner.
    #[must_use]
    pub fn approvals_needed(&self) -> usize {
        match self {
            Self::Child { .. }
            | Self::Organisation(_)
            | Self::System(_)
            | Self::Person(_)
            | Self::Expired { .. } => 1,
            Self::All => 2,
        }
    }

    /// The child, if it is of one and the plan is not over.
    #[must_use]
    pub fn child(&self) -> Option<&Subject> {
        match self {
            Self::Child { subject, .. } => subject.as_ref(),
            Self::Organisation(_)
            | Self::System(_)
            | Self::Person(_)
            | Self::Expired { .. }
            | Self::All => None,
        }
    }
}

impl PurgeMode {
    /// The mode's name and code.
    #[must_use]
    pub fn term(self) -> SuppressionMode {
        match self {
            Self::Forget => SuppressionMode::Forget,
            Self::Suppress { .. } => SuppressionMode::Suppress,
        }
    }
}

impl PurgePlan {
    /// How far it is at this time: what was not begun in time has expired.
    #[must_use]
    pub fn state_at(&self, now: Timestamp) -> PurgeState {
        match self.state {
            PurgeState::Planned | PurgeState::Approved if now >= self.expires => {
                PurgeState::Expired
            }
            state @ (PurgeState::Planned
            | PurgeState::Approved
            | PurgeState::Frozen
            | PurgeState::Copied
            | PurgeState::Switched
            | PurgeState::KeysDestroyed
            | PurgeState::FilesRemoved
            | PurgeState::Scanned
            | PurgeState::Certified
            | PurgeState::Cancelled
            | PurgeState::Expired) => state,
        }
    }

    /// Whether nothing more will come of it at this time.
    #[must_use]
    pub fn is_over_at(&self, now: Timestamp) -> bool {
        match self.state_at(now) {
            PurgeState::Certified | PurgeState::Cancelled | PurgeState::Expired => true,
            PurgeState::Planned
            | PurgeState::Approved
            | PurgeState::Frozen
            | PurgeState::Copied
            | PurgeState::Switched
            | PurgeState::KeysDestroyed
            | PurgeState::FilesRemoved
            | PurgeState::Scanned => false,
        }
    }

    /// Whether it may be begun at this time. Whether anything may be destroyed at all, and what is held
    /// back, is asked beside it.
    pub fn may_run_at(&self, now: Timestamp) -> Result<(), MayNotRun> {
        match (self.state_at(now), self.not_before) {
            (PurgeState::Expired, _) => Err(MayNotRun::Expired),
            (PurgeState::Approved, Some(from)) if now >= from => Ok(()),
            (PurgeState::Approved, _) => Err(MayNotRun::CoolingOff),
            (
                PurgeState::Planned
                | PurgeState::Frozen
                | PurgeState::Copied
                | PurgeState::Switched
                | PurgeState::KeysDestroyed
                | PurgeState::FilesRemoved
                | PurgeState::Scanned
                | PurgeState::Certified
                | PurgeState::Cancelled,
                _,
            ) => Err(MayNotRun::State),
        }
    }

    /// The entry that put the plan on record, given this record's version.
    #[must_use]
    pub fn planned_in(&self, version: Receipt) -> Receipt {
        self.planned_in.unwrap_or(version)
    }

    /// Notes the entry of what was written last, before the plan is written anew.
    pub fn note_entries(&mut self, version: Receipt) {
        self.planned_in = Some(self.planned_in(version));
        if let Some(last) = self.approvals.last_mut() {
            last.entry.get_or_insert(version);
        }
    }

    /// The same plan without the child's pseudonyms: as it stays once it is over.
    #[must_use]
    pub fn without_child(mut self) -> Self {
        if let PurgeScope::Child { subject, .. } = &mut self.scope {
            *subject = None;
        }
        self
    }
}
