//! Whether a person may act: recertified by a sponsor, suspended, resumed, removed.

use async_trait::async_trait;
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::Write;
use crate::directory::write::Leave;
use crate::id::{PersonId, RequestId};
use crate::permit::Permit;
use crate::record::{Record, RecordKey};
use crate::refusal::Reason;
use crate::register::Claimed;
use crate::register::{Enrolment, EnrolmentState, Person, PersonStanding, Standing, TokenRecord};

/// Says, as the sponsor of a person's group, that the person still needs access.
#[derive(Clone, Debug, Serialize)]
pub struct Recertify {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
}

/// Suspends a person: the next question is refused.
#[derive(Clone, Debug, Serialize)]
pub struct SuspendPerson {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
}

/// Lets a suspended person act again.
#[derive(Clone, Debug, Serialize)]
pub struct ResumePerson {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
}

/// Removes a person for good: the place and the staff reference are free, the tokens revoked. Where
/// these are is recorded apart.
#[derive(Clone, Debug, Serialize)]
pub struct RemovePerson {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
}

register_requests! {
    Recertify => Recertify;
    SuspendPerson => SuspendPerson;
    ResumePerson => ResumePerson;
    RemovePerson => RemovePerson;
}

#[async_trait]
impl Decide for Recertify {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        // Whom the register does not know, and who is of another's group, is told apart by nobody
        // but the sponsor.
        let Some(person) = directory.person(&mut leave.permit, self.person).await? else {
            return Err(Reason::NotSponsor.into());
        };
        let group = present(directory.group(&mut leave.permit, person.group).await?)?;
        if group.sponsor != Some(leave.identity.person()) {
            return Err(Reason::NotSponsor.into());
        }
        // Whoever has moved since may be one who could not be named as its sponsor today.
        let sponsor = leave.identity.person.clone();
        if !directory.may_sponsor(&mut leave.permit, &sponsor, &group).await? {
            return Err(Reason::NotSponsor.into());
        }
        if person.standing == PersonStanding::Removed {
            return Err(Reason::WrongState("the person was removed").into());
        }
        let detail = detail(person.actor.as_bytes(), Some(group.id.as_bytes()));
        let person = Person { recertified_on: directory.today(), ..person };
        Ok(Change::of(detail, vec![Write::Put(Record::Person(person))]))
    }
}

#[async_trait]
impl Decide for SuspendPerson {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        if person.standing == PersonStanding::Suspended {
            return Err(Reason::WrongState("the person is suspended already").into());
        }
        Ok(with_standing(person, PersonStanding::Suspended))
    }
}

#[async_trait]
impl Decide for ResumePerson {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        if person.standing != PersonStanding::Suspended {
            return Err(Reason::WrongState("the person is not suspended").into());
        }
        // Who was suspended before redeeming a code goes on waiting for it.
        let is_enrolled = !person.tokens.is_empty();
        let standing = if is_enrolled { PersonStanding::Active } else { PersonStanding::Invited };
        Ok(with_standing(person, standing))
    }
}

fn with_standing(person: Person, standing: PersonStanding) -> Change {
    let detail = detail(person.actor.as_bytes(), Some(person.organisation.as_bytes()));
    let person = Person { standing, ..person };
    Change::of(detail, vec![Write::Put(Record::Person(person))])
}

#[async_trait]
impl Decide for RemovePerson {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        let permit = &mut leave.permit;
        let members = directory.leave_group(permit, &person).await?;
        let claimed = Claimed::Staff(person.organisation, person.staff.clone());
        present(directory.claim(permit, claimed.clone()).await?)?;
        let detail = detail(person.actor.as_bytes(), Some(person.organisation.as_bytes()));
        let mut writes = directory.end_person(permit, person).await?;
        writes.push(Write::Put(Record::Members(members)));
        writes.push(Write::Remove(RecordKey::Claim(claimed)));
        Ok(Change::of(detail, writes))
    }
}

impl Directory {
    /// What is written of whoever leaves for good, apart from their place and their staff reference.
    pub(super) async fn end_person(
        &self,
        permit: &mut Permit,
        person: Person,
    ) -> Result<Vec<Write>, Declined> {
        let mut writes = Vec::new();
        if let Some(token) = person.last_token() {
            let token = present(self.token(permit, token.hash).await?)?;
            let token = TokenRecord { standing: Standing::Revoked, ..token };
            writes.push(Write::Put(Record::Token(token)));
        }
        writes.extend(self.void_code(permit, &person).await?.map(Write::Put));
        let person = Person { standing: PersonStanding::Removed, ..person };
        writes.push(Write::Put(Record::Person(person)));
        Ok(writes)
    }

    /// The person's code as it is to stand, if it could still be redeemed.
    pub(super) async fn void_code(
        &self,
        permit: &mut Permit,
        person: &Person,
    ) -> Result<Option<Record>, Declined> {
        let Some(code) = person.code else { return Ok(None) };
        let enrolment = present(self.enrolment(permit, code).await?)?;
        let is_open = enrolment.state == EnrolmentState::Open;
        let void = Enrolment { state: EnrolmentState::Void, ..enrolment };
        Ok(is_open.then_some(Record::Enrolment(void)))
    }
}
