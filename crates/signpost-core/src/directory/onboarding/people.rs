//! People: invited into one group with one role, their conditions, and their moves.

use async_trait::async_trait;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::Write;
use crate::directory::write::Leave;
use crate::id::{ActorId, GroupId, PersonId, RequestId};
use crate::permit::Permit;
use crate::record::{Record, Registered};
use crate::refusal::{Invalid, Reason};
use crate::register::{
    Claim, Claimed, Conditions, Enrolment, EnrolmentState, Group, MEMBERS_MAX, Members, Person,
    PersonStanding,
};
use crate::terms::Role;
use crate::text::StaffReference;
use crate::token::CodeHash;

/// How long an enrolment code can be redeemed.
const CODE_DAYS: i64 = 14;

/// Invites people into a group, all or none: each takes a place at once.
#[derive(Clone, Debug, Serialize)]
pub struct InvitePeople {
    /// The client's id of this write.
    pub request: RequestId,
    /// The group.
    pub group: GroupId,
    /// At least one, and at most as many as a group can have.
    pub people: Vec<Invitation>,
    /// Looks only, and writes nothing but its entry.
    pub dry_run: bool,
}

/// One person to be invited.
#[derive(Clone, Debug, Serialize)]
pub struct Invitation {
    /// What the organisation calls the person.
    pub staff: StaffReference,
    /// What was checked of the person.
    pub conditions: Conditions,
    /// The hash of the enrolment code that the person was, or will be, given.
    pub code: CodeHash,
}

/// Records what was checked of a person anew.
#[derive(Clone, Debug, Serialize)]
pub struct RecordConditions {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
    /// What was checked.
    pub conditions: Conditions,
}

/// Moves a person to another group of the same organisation, and so maybe to another role.
#[derive(Clone, Debug, Serialize)]
pub struct MovePerson {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
    /// The group.
    pub group: GroupId,
}

register_requests! {
    InvitePeople => InvitePeople;
    RecordConditions => RecordConditions;
    MovePerson => MovePerson;
}

#[async_trait]
impl Decide for InvitePeople {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let count = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        if !(1..=MEMBERS_MAX).contains(&count) {
            return Err(Reason::Invalid(Invalid::field("people", "must be 1 to 500")).into());
        }
        let by = Some(leave.identity.person());
        let permit = &mut leave.permit;
        let (group, mut members) = directory.open_for_members(permit, self.group).await?;
        if members.people.len() + self.people.len() > group.members_max as usize {
            return Err(Reason::GroupFull.into());
        }
        let mut writes = Vec::new();
        for (row, invitation) in self.people.iter().enumerate() {
            let earlier = &self.people[..row];
            if earlier
                .iter()
                .any(|one| one.staff == invitation.staff || one.code == invitation.code)
            {
                let field = format!("people[{row}]");
                let problem = "has a staff reference or code of a row before it";
                return Err(Reason::Invalid(Invalid::field(field, problem)).into());
            }
            let person = directory.invite(permit, &group, row, invitation, by, &mut writes).await?;
            members.people.push(person);
        }
        writes.push(Write::Put(Record::Members(members)));
        if self.dry_run {
            writes.clear();
        }
        let detail = detail(group.id.as_bytes(), Some(group.organisation.as_bytes()));
        Ok(Change { count, ..Change::new(Registered::People(count), detail, writes) })
    }
}

#[async_trait]
impl Decide for RecordConditions {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        check_conditions("conditions", &self.conditions, directory.today())?;
        let detail = detail(person.actor.as_bytes(), Some(person.organisation.as_bytes()));
        let person = Person { conditions: self.conditions, ..person };
        Ok(Change::of(detail, vec![Write::Put(Record::Person(person))]))
    }
}

#[async_trait]
impl Decide for MovePerson {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        if person.group == self.group {
            return Err(Reason::WrongState("the person is in this group already").into());
        }
        let permit = &mut leave.permit;
        let (group, mut joined) = directory.open_for_members(permit, self.group).await?;
        if group.organisation != person.organisation {
            return Err(Reason::Unknown("group of the person's organisation").into());
        }
        if group.role == Role::AdminOnboarding {
            let problem = "nobody is moved into administration; remove and invite the person";
            return Err(Reason::WrongState(problem).into());
        }
        if group.sponsor == Some(person.id) {
            return Err(Reason::WrongState("the person sponsors this group").into());
        }
        if joined.people.len() >= group.members_max as usize {
            return Err(Reason::GroupFull.into());
        }
        let left = directory.leave_group(permit, &person).await?;
        joined.people.push(person.id);
        let detail = detail(person.actor.as_bytes(), Some(group.id.as_bytes()));
        // That somebody moves is no sponsor's word: what has lapsed stays so.
        let person = Person { group: group.id, ..person };
        let writes = vec![
            Write::Put(Record::Members(left)),
            Write::Put(Record::Members(joined)),
            Write::Put(Record::Person(person)),
        ];
        Ok(Change::of(detail, writes))
    }
}

impl Directory {
    /// A group that is not over, and who is in it.
    async fn open_for_members(
        &self,
        permit: &mut Permit,
        group: GroupId,
    ) -> Result<(Group, Members), Declined> {
        let Some(group) = self.group(permit, group).await? else {
            return Err(Reason::Unknown("group").into());
        };
        if group.valid_until < self.today() {
            return Err(Reason::WrongState("the group is over").into());
        }
        let members = present(self.members_of(permit, group.id).await?)?;
        Ok((group, members))
    }

    /// Adds what is written for one invited person, whom nobody is registered as; gives the person's
    /// id.
    async fn invite(
        &self,
        permit: &mut Permit,
        group: &Group,
        row: usize,
        invitation: &Invitation,
        let_in_by: Option<PersonId>,
        writes: &mut Vec<Write>,
    ) -> Result<PersonId, Declined> {
        let Invitation { staff, conditions, .. } = invitation;
        check_conditions(&format!("people[{row}].conditions"), conditions, self.today())?;
        let claimed = Claimed::Staff(group.organisation, staff.clone());
        if self.claim(permit, claimed).await?.is_some() {
            return Err(Reason::AlreadyRegistered("staff reference").into());
        }
        self.invite_free(permit, group, invitation, let_in_by, writes).await
    }

    /// Does so where the staff reference is known to be free.
    pub(super) async fn invite_free(
        &self,
        permit: &mut Permit,
        group: &Group,
        invitation: &Invitation,
        let_in_by: Option<PersonId>,
        writes: &mut Vec<Write>,
    ) -> Result<PersonId, Declined> {
        let Invitation { staff, code, .. } = invitation;
        let id = PersonId::new(self.random());
        let claim = Claim::Staff(group.organisation, staff.clone(), id);
        let actor = ActorId::new(self.random());
        let person = invitation.person(id, actor, group, let_in_by, self.today());
        let enrolment = self.new_enrolment(permit, &person, *code).await?;
        writes.push(Write::Put(Record::Claim(claim)));
        writes.push(Write::Put(Record::Person(person)));
        writes.push(Write::Put(Record::Enrolment(enrolment)));
        Ok(id)
    }

    /// A code that was never issued before.
    pub(super) async fn new_enrolment(
        &self,
        permit: &mut Permit,
        person: &Person,
        code: CodeHash,
    ) -> Result<Enrolment, Declined> {
        if self.enrolment(permit, code).await?.is_some() {
            return Err(Reason::AlreadyRegistered("enrolment code").into());
        }
        Ok(open_enrolment(person, code, self.now()))
    }

    /// A person who has not left, and is not the one who asks for it.
    pub(super) async fn other_person(
        &self,
        leave: &mut Leave,
        person: PersonId,
    ) -> Result<Person, Declined> {
        let Some(person) = self.person(&mut leave.permit, person).await? else {
            return Err(Reason::Unknown("person").into());
        };
        if person.id == leave.identity.person() {
            return Err(Reason::OwnRecord.into());
        }
        if person.standing == PersonStanding::Removed {
            return Err(Reason::WrongState("the person was removed").into());
        }
        Ok(person)
    }

    /// The group a person leaves, without the person.
    pub(super) async fn leave_group(
        &self,
        permit: &mut Permit,
        person: &Person,
    ) -> Result<Members, Declined> {
        let mut members = present(self.members_of(permit, person.group).await?)?;
        members.people.retain(|member| *member != person.id);
        Ok(members)
    }
}

impl Invitation {
    /// Whoever is invited, as the person first stands.
    pub(super) fn person(
        &self,
        id: PersonId,
        actor: ActorId,
        group: &Group,
        let_in_by: Option<PersonId>,
        today: Date,
    ) -> Person {
        Person {
            id,
            actor,
            organisation: group.organisation,
            staff: self.staff.clone(),
            group: group.id,
            standing: PersonStanding::Invited,
            conditions: self.conditions,
            recertified_on: today,
            let_in_by,
            code: Some(self.code),
            tokens: Vec::new(),
        }
    }
}

/// A code that waits to be redeemed by this person.
pub(super) fn open_enrolment(person: &Person, code: CodeHash, now: Timestamp) -> Enrolment {
    let until = now.saturating_add((CODE_DAYS * 24).hours());
    Enrolment {
        code,
        person: person.id,
        organisation: person.organisation,
        until: until.expect("hours are a fixed span"),
        state: EnrolmentState::Open,
    }
}

/// Conditions are of the past, and hold.
pub(super) fn check_conditions(
    field: &str,
    conditions: &Conditions,
    today: Date,
) -> Result<(), Reason> {
    for (name, day) in conditions.days() {
        if day > today {
            let field = format!("{field}.{name}");
            return Err(Reason::Invalid(Invalid::field(field, "must not be in the future")));
        }
    }
    if !conditions.vetting_counts_on(today) {
        let field = format!("{field}.vetting_on");
        return Err(Reason::Invalid(Invalid::field(field, "must be at most 3 years ago")));
    }
    Ok(())
}
