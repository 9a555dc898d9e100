//! How onboarding begins again, where no two administrators can let somebody in.

use std::num::NonZeroUsize;

use jiff::civil::Date;

use super::beginning::{NewSystem, check_beginning, group_of_administrators};
use super::change::{Declined, present};
use super::people::Invitation;
use super::tokens::passed;
use super::{Directory, detail};
use crate::commit::{Commit, Effect, Write};
use crate::id::{GroupId, OrganisationId, PersonId, Receipt, TeamId};
use crate::permit::Permit;
use crate::record::{Kind, Record, RecordKey, Scope};
use crate::refusal::Reason;
use crate::register::{
    Claim, Claimed, Group, Members, Organisation, Person, PersonStanding, Standing,
};
use crate::store::{CommitError, StoreError};
use crate::terms::{Action, CodeScheme, Custody, LegalAuthority, Outcome, Role};
use crate::text::{OrganisationCode, StaffReference};

/// How many records are read at once.
const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");

/// Two administrators who begin anew, by whoever has the machine and the keys.
#[derive(Clone, Debug)]
pub struct Recovery {
    /// Whose code their organisation is known by.
    pub scheme: CodeScheme,
    /// That code. People of this organisation have administered before.
    pub code: OrganisationCode,
    /// The law under which it takes part.
    pub authority: LegalAuthority,
    /// The last day of its legal authority: one that is on record is made longer, never shorter.
    pub authority_until: Date,
    /// Two; the same as before, if they cannot act any more.
    pub administrators: Vec<Invitation>,
    /// A new system for them, where they need one.
    pub system: Option<NewSystem>,
    /// Administrators of the organisation whose tokens are lost: they cannot act, whatever is on
    /// record.
    pub tokens_lost: Vec<StaffReference>,
}

/// Why no administrators are recovered. Nothing is written then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// There are two who can let others in.
    #[error(
        "{0} administrators can act, and two of them let another in: nothing is to be recovered"
    )]
    NotNeeded(usize),
    /// It cannot be done so.
    #[error("{0}")]
    Refused(Reason),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who administers, as a recovery finds it.
struct Administrators {
    /// Their groups, over or not, and who is in them.
    groups: Vec<(Group, Members)>,
    able: Vec<PersonId>,
    /// Whose access the recovery ends, and whether their token is lost.
    unable: Vec<(Person, bool)>,
}

impl Administrators {
    /// Whether somebody who cannot act any more was called so.
    fn frees(&self, organisation: OrganisationId, staff: &StaffReference) -> bool {
        let is_so = |person: &Person| person.organisation == organisation && person.staff == *staff;
        self.unable.iter().any(|(person, _)| is_so(person))
    }
}

impl From<Declined> for RecoveryError {
    fn from(declined: Declined) -> Self {
        match declined {
            Declined::Refused(reason) => Self::Refused(reason),
            Declined::Store(error) => Self::Store(error),
        }
    }
}

impl Directory {
    /// Invites two administrators in nobody's name, on record, where no two can act who are
    /// independent of each other: in a new group of the organisation whose people administered
    /// before. Whoever cannot act is removed by the same commit, so that one human is not registered
    /// twice, which would be two names.
    pub async fn recover_administrators(
        &self,
        recovery: &Recovery,
    ) -> Result<Receipt, RecoveryError> {
        let action = Action::RecoverAdministrators;
        let mut permit = Permit::of_service(action, None, self.policy.digest(), Vec::new());
        let effect = self.recovery(&mut permit, recovery).await?;
        self.store.commit(Commit::permitted(permit, effect)).await.map_err(|error| match error {
            // Nobody else writes meanwhile, or it is to be tried again.
            CommitError::PreconditionFailed => StoreError::Unavailable.into(),
            CommitError::Store(error) => error.into(),
        })
    }

    async fn recovery(
        &self,
        permit: &mut Permit,
        recovery: &Recovery,
    ) -> Result<Effect, RecoveryError> {
        let groups = self.groups_of_administrators(permit).await?;
        let (organisation, team) = self.organisation_of(permit, recovery, &groups).await?;
        let there = self.administrators(permit, groups, recovery, organisation.id).await?;
        if self.two_let_another_in(permit, &there.able).await? {
            return Err(RecoveryError::NotNeeded(there.able.len()));
        }
        let today = self.today();
        check_beginning(recovery.authority_until, &recovery.administrators, today)
            .map_err(RecoveryError::Refused)?;
        let mut writes = self.end_unable(permit, &there, organisation.id).await?;
        let organisation = lengthened(organisation, recovery, &mut writes);
        self.let_connect(permit, recovery, organisation.id, &mut writes).await?;
        let id = GroupId::new(self.random());
        let group = group_of_administrators(id, &organisation, team, today);
        let people = self.invite_again(permit, recovery, &there, &group, &mut writes).await?;
        let count = u32::try_from(people.len()).unwrap_or(u32::MAX);
        let detail = detail(id.as_bytes(), Some(organisation.id.as_bytes()));
        writes.push(Write::Put(Record::Members(Members { group: id, people })));
        writes.push(Write::Put(Record::Group(group)));
        Ok(Effect { detail, count, writes, ..Effect::new(Outcome::Done) })
    }

    /// The organisation of this code, and the team of those who administered there.
    async fn organisation_of(
        &self,
        permit: &mut Permit,
        recovery: &Recovery,
        groups: &[(Group, Members)],
    ) -> Result<(Organisation, TeamId), Declined> {
        let claimed = Claimed::Code(recovery.scheme, recovery.code.clone());
        let Some(Claim::Code(_, _, id)) = self.claim(permit, claimed).await? else {
            return Err(Reason::Unknown("organisation").into());
        };
        let Some((group, _)) = groups.iter().find(|(group, _)| group.organisation == id) else {
            return Err(Reason::Unknown("organisation whose people administered before").into());
        };
        Ok((present(self.organisation(permit, id).await?)?, group.team))
    }

    /// Every group whose role is to administer, over or not.
    async fn groups_of_administrators(
        &self,
        permit: &mut Permit,
    ) -> Result<Vec<(Group, Members)>, StoreError> {
        let mut groups = Vec::new();
        for record in self.every(Kind::Group).await? {
            if let Record::Group(group) = record
                && group.role == Role::AdminOnboarding
            {
                let members = present(self.members_of(permit, group.id).await?)?;
                groups.push((group, members));
            }
        }
        Ok(groups)
    }

    async fn every(&self, kind: Kind) -> Result<Vec<Record>, StoreError> {
        let mut records = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.scan(&Scope::Kind(kind), after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            records.extend(page.into_iter().map(|stored| stored.record));
            if is_last {
                return Ok(records);
            }
        }
    }

    /// Who of these groups can act today, and who cannot.
    async fn administrators(
        &self,
        permit: &mut Permit,
        groups: Vec<(Group, Members)>,
        recovery: &Recovery,
        organisation: OrganisationId,
    ) -> Result<Administrators, Declined> {
        let (mut able, mut unable) = (Vec::new(), Vec::new());
        let mut lost = recovery.tokens_lost.clone();
        for (group, members) in &groups {
            let counts = self.group_counts(permit, group).await?;
            for &member in &members.people {
                let person = present(self.person(permit, member).await?)?;
                let named = lost.len();
                if person.organisation == organisation && !person.tokens.is_empty() {
                    lost.retain(|staff| *staff != person.staff);
                }
                let is_lost = lost.len() < named;
                if counts && !is_lost && self.is_able(permit, &person).await? {
                    able.push(person.id);
                } else {
                    unable.push((person, is_lost));
                }
            }
        }
        if !lost.is_empty() {
            return Err(Reason::Unknown("administrator whose token is lost").into());
        }
        Ok(Administrators { groups, able, unable })
    }

    /// Whether a member of this group can act today, if the person can.
    async fn group_counts(&self, permit: &mut Permit, group: &Group) -> Result<bool, StoreError> {
        let today = self.today();
        let organisation = present(self.organisation(permit, group.organisation).await?)?;
        Ok(group.is_valid_on(today)
            && today <= organisation.authority_until
            && self.can_connect(permit, organisation.id).await?)
    }

    /// Whether a system of the organisation has a certificate that counts: nobody acts otherwise.
    async fn can_connect(
        &self,
        permit: &mut Permit,
        organisation: OrganisationId,
    ) -> Result<bool, StoreError> {
        for record in self.every(Kind::System).await? {
            let Record::System(system) = record else { return Err(StoreError::Damaged) };
            if system.organisation != organisation || system.standing != Standing::Active {
                continue;
            }
            for fingerprint in system.certificates {
                let certificate = present(self.certificate(permit, fingerprint).await?)?;
                if certificate.standing == Standing::Active && certificate.until > self.now() {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn is_able(&self, permit: &mut Permit, person: &Person) -> Result<bool, StoreError> {
        let today = self.today();
        if person.standing != PersonStanding::Active || person.lapse(today).is_some() {
            return Ok(false);
        }
        for held in &person.tokens {
            let token = present(self.token(permit, held.hash).await?)?;
            if token.standing == Standing::Active && !token.has_expired_on(today) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether two of these could be the two names of a proposal.
    async fn two_let_another_in(
        &self,
        permit: &mut Permit,
        able: &[PersonId],
    ) -> Result<bool, StoreError> {
        for (index, &first) in able.iter().enumerate() {
            for &second in &able[..index] {
                if self.are_independent(permit, (first, second)).await? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// What is written of those who cannot act, apart from their staff references.
    async fn end_unable(
        &self,
        permit: &mut Permit,
        there: &Administrators,
        organisation: OrganisationId,
    ) -> Result<Vec<Write>, Declined> {
        let mut writes = Vec::new();
        let mut custodies = present(self.custodies_of(permit, organisation).await?)?;
        for (person, is_lost) in &there.unable {
            let mut ended = self.end_person(permit, person.clone()).await?;
            for write in &mut ended {
                if let Write::Put(Record::Token(token)) = write
                    && *is_lost
                    && token.custody == Custody::Out
                {
                    custodies = passed(custodies, token.custody, Custody::LostRevoked)?;
                    token.custody = Custody::LostRevoked;
                }
            }
            writes.extend(ended);
        }
        writes.push(Write::Put(Record::Custodies(custodies)));
        for (_, members) in &there.groups {
            let mut members = members.clone();
            members.people.retain(|member| there.able.contains(member));
            writes.push(Write::Put(Record::Members(members)));
        }
        Ok(writes)
    }

    /// A new system with its certificate, where one is given; there must be one in the end.
    async fn let_connect(
        &self,
        permit: &mut Permit,
        recovery: &Recovery,
        organisation: OrganisationId,
        writes: &mut Vec<Write>,
    ) -> Result<(), Declined> {
        let Some(system) = recovery.system else {
            if self.can_connect(permit, organisation).await? {
                return Ok(());
            }
            let problem = "no certificate of the organisation counts any more; name a new one";
            return Err(Reason::WrongState(problem).into());
        };
        if self.certificate(permit, system.fingerprint).await?.is_some() {
            return Err(Reason::AlreadyRegistered("certificate").into());
        }
        let (system, certificate) = system.records(organisation);
        writes.push(Write::Put(Record::System(system)));
        writes.push(Write::Put(Record::Certificate(certificate)));
        Ok(())
    }

    /// Invites the two, and frees the staff references of those who cannot act and are not among
    /// them.
    async fn invite_again(
        &self,
        permit: &mut Permit,
        recovery: &Recovery,
        there: &Administrators,
        group: &Group,
        writes: &mut Vec<Write>,
    ) -> Result<Vec<PersonId>, Declined> {
        let mut people = Vec::new();
        for (person, _) in &there.unable {
            let claimed = Claimed::Staff(person.organisation, person.staff.clone());
            present(self.claim(permit, claimed.clone()).await?)?;
            let is_named = |invitation: &Invitation| {
                person.organisation == group.organisation && invitation.staff == person.staff
            };
            if !recovery.administrators.iter().any(is_named) {
                writes.push(Write::Remove(RecordKey::Claim(claimed)));
            }
        }
        for invitation in &recovery.administrators {
            let claimed = Claimed::Staff(group.organisation, invitation.staff.clone());
            let is_free = there.frees(group.organisation, &invitation.staff)
                || self.claim(permit, claimed).await?.is_none();
            if !is_free {
                return Err(Reason::AlreadyRegistered("staff reference").into());
            }
            people.push(self.invite_free(permit, group, invitation, None, writes).await?);
        }
        Ok(people)
    }
}

/// The organisation with the legal authority that is longer, of the two.
fn lengthened(
    organisation: Organisation,
    recovery: &Recovery,
    writes: &mut Vec<Write>,
) -> Organisation {
    if recovery.authority_until <= organisation.authority_until {
        return organisation;
    }
    let Recovery { authority, authority_until, .. } = *recovery;
    let longer = Organisation { authority, authority_until, ..organisation };
    writes.push(Write::Put(Record::Organisation(longer.clone())));
    longer
}
