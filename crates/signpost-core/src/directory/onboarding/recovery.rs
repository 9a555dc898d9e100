//! How onboarding begins again, where fewer than two administrators can act.

use std::num::NonZeroUsize;

use jiff::civil::Date;

use super::beginning::{NewSystem, check_beginning, group_of_administrators};
use super::change::{Declined, present};
use super::people::Invitation;
use super::{Directory, detail};
use crate::commit::{Commit, Effect, Write};
use crate::id::{GroupId, Receipt, TeamId};
use crate::permit::Permit;
use crate::record::{Kind, Record, Scope};
use crate::refusal::Reason;
use crate::register::{
    Claim, Claimed, Group, Members, Organisation, Person, PersonStanding, Standing,
};
use crate::store::{CommitError, StoreError};
use crate::terms::{Action, CodeScheme, LegalAuthority, Outcome, Role};
use crate::text::OrganisationCode;

/// How many administrators it takes to let somebody in.
const ENOUGH: usize = 2;

/// How many groups are read at once.
const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(100).expect("100 is not 0");

/// Two new administrators, by whoever has the machine and the keys.
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
    /// Two, with staff references that were not used before.
    pub administrators: Vec<Invitation>,
    /// A new system for them, where they need one.
    pub system: Option<NewSystem>,
}

/// Why no administrators are recovered. Nothing is written then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecoveryError {
    /// There are two or more who can let others in.
    #[error("{0} administrators can act: two of them let another in, nothing is to be recovered")]
    NotNeeded(usize),
    /// It cannot be done so.
    #[error("{0}")]
    Refused(Reason),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Invites two administrators in nobody's name, on record, where fewer than two can act: in a
    /// new group of the organisation whose people administered before.
    pub async fn recover_administrators(
        &self,
        recovery: &Recovery,
    ) -> Result<Receipt, RecoveryError> {
        let action = Action::RecoverAdministrators;
        let mut permit = Permit::of_service(action, None, self.policy.digest(), Vec::new());
        let groups = self.groups_of_administrators().await?;
        let mut able = 0;
        for group in &groups {
            able += self.able_members(&mut permit, group.id).await?;
        }
        if able >= ENOUGH {
            return Err(RecoveryError::NotNeeded(able));
        }
        let effect = self.recovery(&mut permit, recovery, &groups).await?;
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
        groups: &[Group],
    ) -> Result<Effect, Declined> {
        let today = self.today();
        check_beginning(recovery.authority_until, &recovery.administrators, today)?;
        let (organisation, team) = self.organisation_of(permit, recovery, groups).await?;
        let mut writes = Vec::new();
        let organisation = if recovery.authority_until > organisation.authority_until {
            let Recovery { authority, authority_until, .. } = *recovery;
            let longer = Organisation { authority, authority_until, ..organisation };
            writes.push(Write::Put(Record::Organisation(longer.clone())));
            longer
        } else {
            organisation
        };
        if let Some(system) = recovery.system {
            if self.certificate(permit, system.fingerprint).await?.is_some() {
                return Err(Reason::AlreadyRegistered("certificate").into());
            }
            let (system, certificate) = system.records(organisation.id);
            writes.push(Write::Put(Record::System(system)));
            writes.push(Write::Put(Record::Certificate(certificate)));
        }
        let id = GroupId::new(self.random());
        let group = group_of_administrators(id, &organisation, team, today);
        let mut people = Vec::new();
        for (row, invitation) in recovery.administrators.iter().enumerate() {
            people.push(self.invite(permit, &group, row, invitation, None, &mut writes).await?);
        }
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
        groups: &[Group],
    ) -> Result<(Organisation, TeamId), Declined> {
        let claimed = Claimed::Code(recovery.scheme, recovery.code.clone());
        let Some(Claim::Code(_, _, id)) = self.claim(permit, claimed).await? else {
            return Err(Reason::Unknown("organisation").into());
        };
        let Some(group) = groups.iter().find(|group| group.organisation == id) else {
            return Err(Reason::Unknown("organisation whose people administered before").into());
        };
        Ok((present(self.organisation(permit, id).await?)?, group.team))
    }

    /// Every group whose role is to administer, over or not.
    async fn groups_of_administrators(&self) -> Result<Vec<Group>, StoreError> {
        let mut groups = Vec::new();
        let mut after = None;
        loop {
            let page =
                self.store.scan(&Scope::Kind(Kind::Group), after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                if let Record::Group(group) = stored.record
                    && group.role == Role::AdminOnboarding
                {
                    groups.push(group);
                }
            }
            if is_last {
                return Ok(groups);
            }
        }
    }

    /// How many of a group can act today.
    async fn able_members(&self, permit: &mut Permit, group: GroupId) -> Result<usize, StoreError> {
        let group = present(self.group(permit, group).await?)?;
        let organisation = present(self.organisation(permit, group.organisation).await?)?;
        let members = present(self.members_of(permit, group.id).await?)?;
        let today = self.today();
        let mut able = 0;
        if group.is_valid_on(today) && today <= organisation.authority_until {
            for member in members.people {
                let person = present(self.person(permit, member).await?)?;
                able += usize::from(self.is_able(permit, &person).await?);
            }
        }
        Ok(able)
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
}
