//! Access groups: proposed by one administrator, approved by a different one.

use async_trait::async_trait;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::Write;
use crate::directory::write::Leave;
use crate::id::{GroupId, OrganisationId, PersonId, ProposalId, Receipt, RequestId};
use crate::permit::{PRACTITIONERS, Permit};
use crate::record::{Record, RecordKey, Registered};
use crate::refusal::{Invalid, Reason};
use crate::register::{
    AuthorityExtension, Group, GroupWidening, MEMBERS_MAX, Members, Organisation, Person,
    PersonStanding, Proposal, ProposalState, ProposedChange,
};
use crate::store::StoreError;
use crate::terms::{Action, Purpose, Role};
use crate::text::StaffReference;

/// How long a proposal waits for its second name.
const PROPOSAL_WAITS_HOURS: i64 = 14 * 24;

/// How many members a group may be given.
const MEMBERS_RANGE: &str = "must be 1 to 500";

/// Through how many others somebody may have been let in and still count as a second name.
const LET_IN_THROUGH_MAX: usize = 64;

/// Proposes to let somebody in. The id of a new group is not the proposer's to choose: whatever it
/// says, a new one is made.
#[derive(Clone, Debug, Serialize)]
pub struct Propose {
    /// The client's id of this write.
    pub request: RequestId,
    /// What is proposed.
    pub change: ProposedChange,
}

/// Approves what a different administrator proposed, and does it.
#[derive(Clone, Debug, Serialize)]
pub struct Approve {
    /// The client's id of this write.
    pub request: RequestId,
    /// The proposal.
    pub proposal: ProposalId,
}

/// Takes a proposal back.
#[derive(Clone, Debug, Serialize)]
pub struct Withdraw {
    /// The client's id of this write.
    pub request: RequestId,
    /// The proposal.
    pub proposal: ProposalId,
}

/// Takes access away from a group: at once, by one name.
#[derive(Clone, Debug, Serialize)]
pub struct NarrowGroup {
    /// The client's id of this write.
    pub request: RequestId,
    /// The group.
    pub group: GroupId,
    /// The most members it may have: no more than before, and no fewer than there are.
    pub members_max: u32,
    /// Its last day: no later than before. One that is over ends the group at once.
    pub valid_until: Date,
    /// The purposes its members may ask for: none that it did not have.
    pub purposes: Vec<Purpose>,
}

register_requests! {
    Propose => ProposeAccess;
    Approve => ApproveAccess;
    Withdraw => WithdrawProposal;
    NarrowGroup => NarrowGroup;
}

#[async_trait]
impl Decide for Propose {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let mut change = self.change.clone();
        if let ProposedChange::OpenGroup(group) = &mut change {
            group.id = GroupId::new(directory.random());
        }
        let prepared = directory.prepare_change(&mut leave.permit, &change).await?;
        let until = directory.now().saturating_add(PROPOSAL_WAITS_HOURS.hours());
        let proposal = Proposal {
            id: ProposalId::new(directory.random()),
            change,
            proposer: leave.identity.person(),
            until: until.expect("hours are a fixed span"),
            state: ProposalState::Open,
        };
        let detail = detail(proposal.id.as_bytes(), Some(&prepared.about));
        let result = Registered::Proposal(proposal.id);
        Ok(Change::new(result, detail, vec![Write::Put(Record::Proposal(proposal))]))
    }
}

#[async_trait]
impl Decide for Approve {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let found = directory.proposal(&mut leave.permit, self.proposal).await?;
        let Some(mut proposal) = found else { return Err(Reason::Unknown("proposal").into()) };
        let approver = leave.identity.person();
        if proposal.proposer == approver {
            return Err(Reason::SameName.into());
        }
        let names = (proposal.proposer, approver);
        if !directory.are_independent(&mut leave.permit, names).await? {
            return Err(Reason::NotIndependent.into());
        }
        if !proposal.is_open_at(directory.now()) {
            return Err(Reason::WrongState("the proposal no longer waits").into());
        }
        let action = Action::ProposeAccess;
        if !directory.name_still_counts(proposal.proposer, action, leave).await? {
            let problem = "whoever proposed it is no administrator any more";
            return Err(Reason::WrongState(problem).into());
        }
        let prepared = directory.prepare_change(&mut leave.permit, &proposal.change).await?;
        proposal.state = ProposalState::Approved { by: approver };
        let detail = detail(proposal.id.as_bytes(), Some(&prepared.about));
        let mut writes = prepared.writes;
        writes.push(Write::Put(Record::Proposal(proposal)));
        Ok(Change::of(detail, writes))
    }
}

#[async_trait]
impl Decide for Withdraw {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let found = directory.proposal(&mut leave.permit, self.proposal).await?;
        let Some(proposal) = found else { return Err(Reason::Unknown("proposal").into()) };
        if proposal.state != ProposalState::Open {
            return Err(Reason::WrongState("the proposal no longer waits").into());
        }
        let detail = detail(proposal.id.as_bytes(), None);
        let proposal = Proposal { state: ProposalState::Withdrawn, ..proposal };
        Ok(Change::of(detail, vec![Write::Put(Record::Proposal(proposal))]))
    }
}

#[async_trait]
impl Decide for NarrowGroup {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let Some(group) = directory.group(&mut leave.permit, self.group).await? else {
            return Err(Reason::Unknown("group").into());
        };
        // One slip with the administrators' own group, and nobody could let anybody in again.
        if group.id == leave.identity.group.id {
            let problem = "you are a member of this group; let somebody of another one narrow it";
            return Err(Reason::WrongState(problem).into());
        }
        if self.members_max == 0 {
            return Err(Reason::Invalid(Invalid::field("members_max", MEMBERS_RANGE)).into());
        }
        if names_twice(&self.purposes) {
            return Err(Reason::Invalid(Invalid::field("purposes", "names a purpose twice")).into());
        }
        let is_narrower = self.members_max <= group.members_max
            && self.valid_until <= group.valid_until
            && self.purposes.iter().all(|purpose| group.purposes.contains(purpose));
        if !is_narrower {
            let problem = "more members, days or purposes need a proposal and a second name";
            return Err(Reason::WrongState(problem).into());
        }
        let members = present(directory.members_of(&mut leave.permit, group.id).await?)?;
        if members.people.len() > self.members_max as usize {
            let problem = "must be no fewer than its members; remove or move some first";
            return Err(Reason::Invalid(Invalid::field("members_max", problem)).into());
        }
        let detail = detail(group.id.as_bytes(), Some(group.organisation.as_bytes()));
        let group = Group {
            members_max: self.members_max,
            valid_until: self.valid_until,
            purposes: self.purposes.clone(),
            ..group
        };
        Ok(Change::of(detail, vec![Write::Put(Record::Group(group))]))
    }
}

fn names_twice(purposes: &[Purpose]) -> bool {
    purposes.iter().enumerate().any(|(index, purpose)| purposes[..index].contains(purpose))
}

/// A proposed change that can be done as things stand.
struct PreparedChange {
    /// What it is about, for the entry.
    about: [u8; 16],
    writes: Vec<Write>,
}

/// The wrong fields of a change, as the API names them within a proposal.
fn within(change: &str, declined: Declined) -> Declined {
    let Declined::Refused(Reason::Invalid(mut invalid)) = declined else { return declined };
    for violation in &mut invalid.violations {
        violation.field = format!("{change}.{}", violation.field);
    }
    Declined::Refused(Reason::Invalid(invalid))
}

impl Directory {
    /// Holds a change against the register: when it is proposed, and again when it is approved.
    async fn prepare_change(
        &self,
        permit: &mut Permit,
        change: &ProposedChange,
    ) -> Result<PreparedChange, Declined> {
        let (field, prepared) = match change {
            ProposedChange::OpenGroup(group) => {
                ("open_group", self.open_group(permit, group).await)
            }
            ProposedChange::WidenGroup(widening) => {
                ("widen_group", self.widen_group(permit, widening).await)
            }
            ProposedChange::ExtendAuthority(extension) => {
                ("extend_authority", self.extend_authority(permit, extension).await)
            }
        };
        prepared.map_err(|declined| within(field, declined))
    }

    async fn open_group(
        &self,
        permit: &mut Permit,
        group: &Group,
    ) -> Result<PreparedChange, Declined> {
        if self.organisation(permit, group.organisation).await?.is_none() {
            return Err(Reason::Unknown("organisation").into());
        }
        let team = self.team(permit, group.team).await?;
        if team.is_none_or(|team| team.organisation != group.organisation) {
            return Err(Reason::Unknown("team of this organisation").into());
        }
        if group.valid_from > group.valid_until {
            let problem = "must not be before valid_from";
            return Err(Reason::Invalid(Invalid::field("valid_until", problem)).into());
        }
        self.check_group(permit, group).await?;
        let members = Members { group: group.id, people: Vec::new() };
        let writes =
            vec![Write::Put(Record::Group(group.clone())), Write::Put(Record::Members(members))];
        Ok(PreparedChange { about: *group.id.as_bytes(), writes })
    }

    async fn widen_group(
        &self,
        permit: &mut Permit,
        widening: &GroupWidening,
    ) -> Result<PreparedChange, Declined> {
        let key = RecordKey::Group(widening.group);
        let Record::Group(group) = self.look_up_at(permit, key, widening.base).await? else {
            return Err(StoreError::Damaged.into());
        };
        let GroupWidening { members_max, valid_until, ref purposes, sponsor, .. } = *widening;
        let group =
            Group { members_max, valid_until, purposes: purposes.clone(), sponsor, ..group };
        self.check_group(permit, &group).await?;
        let members = present(self.members_of(permit, group.id).await?)?;
        if members.people.len() > members_max as usize {
            let problem = "must be no fewer than its members";
            return Err(Reason::Invalid(Invalid::field("members_max", problem)).into());
        }
        Ok(PreparedChange {
            about: *group.id.as_bytes(),
            writes: vec![Write::Put(Record::Group(group))],
        })
    }

    async fn extend_authority(
        &self,
        permit: &mut Permit,
        extension: &AuthorityExtension,
    ) -> Result<PreparedChange, Declined> {
        self.not_past("authority_until", extension.until)?;
        let key = RecordKey::Organisation(extension.organisation);
        let found = self.look_up_at(permit, key, extension.base).await?;
        let Record::Organisation(organisation) = found else {
            return Err(StoreError::Damaged.into());
        };
        let organisation = Organisation {
            authority: extension.authority,
            authority_until: extension.until,
            ..organisation
        };
        Ok(PreparedChange {
            about: *organisation.id.as_bytes(),
            writes: vec![Write::Put(Record::Organisation(organisation))],
        })
    }

    /// Whether nobody stands in the chains of both: else one person could make their own second
    /// name, or both.
    pub(in crate::directory) async fn are_independent(
        &self,
        permit: &mut Permit,
        (first, second): (PersonId, PersonId),
    ) -> Result<bool, StoreError> {
        let Some(chain) = self.let_in_through(permit, first).await? else { return Ok(false) };
        let Some(other) = self.let_in_through(permit, second).await? else { return Ok(false) };
        Ok(chain.iter().all(|human| !other.contains(human)))
    }

    /// Whether one of the two let the other in, through others perhaps. That one person let both in is
    /// another matter.
    pub(in crate::directory) async fn let_each_other_in(
        &self,
        permit: &mut Permit,
        (first, second): (PersonId, PersonId),
    ) -> Result<bool, StoreError> {
        let Some(chain) = self.let_in_through(permit, first).await? else { return Ok(true) };
        let Some(other) = self.let_in_through(permit, second).await? else { return Ok(true) };
        let stands_in = |one: &[_], chain: &[_]| one.first().is_some_and(|one| chain.contains(one));
        Ok(stands_in(&chain, &other) || stands_in(&other, &chain))
    }

    /// This person, who let them in, and so on; none if there is no end to it. Each is known by what
    /// the organisation calls them: whoever was removed and is invited anew is still the same.
    async fn let_in_through(
        &self,
        permit: &mut Permit,
        person: PersonId,
    ) -> Result<Option<Vec<(OrganisationId, StaffReference)>>, StoreError> {
        let (mut chain, mut next) = (Vec::new(), Some(person));
        while let Some(person) = next {
            if chain.len() > LET_IN_THROUGH_MAX {
                return Ok(None);
            }
            let person = present(self.person(permit, person).await?)?;
            chain.push((person.organisation, person.staff));
            next = person.let_in_by;
        }
        Ok(Some(chain))
    }

    /// What the proposer saw; outdated if it has changed since.
    async fn look_up_at(
        &self,
        permit: &mut Permit,
        key: RecordKey,
        base: Receipt,
    ) -> Result<Record, Declined> {
        match self.look_up(permit, key).await? {
            None => Err(Reason::Unknown("group or organisation").into()),
            Some((version, _)) if version != base => Err(Reason::Outdated.into()),
            Some((_, record)) => Ok(record),
        }
    }

    /// What holds for every group, new or widened.
    async fn check_group(&self, permit: &mut Permit, group: &Group) -> Result<(), Declined> {
        self.not_past("valid_until", group.valid_until)?;
        if !(1..=MEMBERS_MAX).contains(&group.members_max) {
            return Err(Reason::Invalid(Invalid::field("members_max", MEMBERS_RANGE)).into());
        }
        if let Some(problem) = self.wrong_purposes(group.role, &group.purposes) {
            return Err(Reason::Invalid(Invalid::field("purposes", problem)).into());
        }
        let Some(sponsor) = group.sponsor else { return Ok(()) };
        match self.person(permit, sponsor).await? {
            Some(person) if self.may_sponsor(permit, &person, group).await? => Ok(()),
            _ => {
                let problem = "must be an active person of the group's organisation or an \
                               administrator, and no member of the group";
                Err(Reason::Invalid(Invalid::field("sponsor_id", problem)).into())
            }
        }
    }

    fn wrong_purposes(&self, role: Role, purposes: &[Purpose]) -> Option<&'static str> {
        let asks = PRACTITIONERS.contains(&role);
        let listed = |purpose: &Purpose| self.policy.cell(role, *purpose).is_some();
        if asks && purposes.is_empty() {
            Some("must name at least one purpose, for this role asks")
        } else if !asks && !purposes.is_empty() {
            Some("must be empty, for this role does not ask")
        } else if !purposes.iter().all(listed) {
            Some("names a purpose that the policy does not give to this role")
        } else if names_twice(purposes) {
            Some("names a purpose twice")
        } else {
            None
        }
    }

    /// Whether this person may be the sponsor of this group as things stand.
    pub(super) async fn may_sponsor(
        &self,
        permit: &mut Permit,
        person: &Person,
        group: &Group,
    ) -> Result<bool, StoreError> {
        let own = self.group(permit, person.group).await?;
        let administers = own.is_some_and(|own| own.role == Role::AdminOnboarding);
        Ok(person.standing == PersonStanding::Active
            && person.group != group.id
            && (person.organisation == group.organisation || administers))
    }
}
