//! Access groups, their members, and the proposals by which two people let somebody in.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::id::{GroupId, OrganisationId, PersonId, ProposalId, Receipt, TeamId};
use crate::terms::{LegalAuthority, Purpose, Role};

/// The most members that any group may have: access groups are limited groups.
pub const MEMBERS_MAX: u32 = 500;

/// A limited set of practitioners with one team, one role and an end date.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its team.
    pub team: TeamId,
    /// The one role of its members.
    pub role: Role,
    /// The purposes its members may ask for, where the policy allows them too.
    pub purposes: Vec<Purpose>,
    /// The most members it may have, at most [`MEMBERS_MAX`].
    pub members_max: u32,
    /// Its first day.
    pub valid_from: Date,
    /// Its last day.
    pub valid_until: Date,
    /// Who recertifies its members, and is none of them. Without one, they are suspended after 4
    /// months.
    pub sponsor: Option<PersonId>,
}

/// Who is in a group: everybody who was invited and not removed or moved since. Beside the group,
/// so that a question that rests on the group does not wait for who joins it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// The group.
    pub group: GroupId,
    /// Its members, in the order in which they came.
    pub people: Vec<PersonId>,
}

/// What one administrator proposed, and whether a different one has approved it. It stays on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// What is proposed.
    pub change: ProposedChange,
    /// The first name; the second must be another.
    pub proposer: PersonId,
    /// Until when it can be approved.
    pub until: Timestamp,
    /// What became of it.
    pub state: ProposalState,
}

/// A change that lets somebody in, or for longer, or for more. What takes access away needs no
/// second name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProposedChange {
    /// A new group.
    OpenGroup(Group),
    /// More of a group that there is.
    WidenGroup(GroupWidening),
    /// A longer legal authority.
    ExtendAuthority(AuthorityExtension),
}

/// What a group is to be: its new values, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupWidening {
    /// The group.
    pub group: GroupId,
    /// The version of the group that the proposer saw: if it has changed since, it is outdated.
    pub base: Receipt,
    /// The most members it may have.
    pub members_max: u32,
    /// Its last day.
    pub valid_until: Date,
    /// The purposes its members may ask for.
    pub purposes: Vec<Purpose>,
    /// Who recertifies its members.
    pub sponsor: Option<PersonId>,
}

/// A longer legal authority of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthorityExtension {
    /// The organisation.
    pub organisation: OrganisationId,
    /// The version of the organisation that the proposer saw.
    pub base: Receipt,
    /// The law under which it takes part.
    pub authority: LegalAuthority,
    /// Its last day.
    pub until: Date,
}

/// What became of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProposalState {
    /// It waits, until its time is over.
    Open,
    /// A different administrator approved it, and it was done.
    Approved {
        /// The second name.
        by: PersonId,
    },
    /// It was taken back.
    Withdrawn,
}

impl Proposal {
    /// Whether it can be approved at this time.
    #[must_use]
    pub fn is_open_at(&self, now: Timestamp) -> bool {
        self.state == ProposalState::Open && now < self.until
    }
}

impl Group {
    /// Whether its members may act on this day.
    #[must_use]
    pub fn is_valid_on(&self, day: Date) -> bool {
        (self.valid_from..=self.valid_until).contains(&day)
    }
}
