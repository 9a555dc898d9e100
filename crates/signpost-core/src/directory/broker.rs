//! Brokered access: a broker asks on behalf of a named person, and both are on record.

use jiff::civil::Date;

use super::ask::{Answer, Question};
use super::{Directory, Presented};
use crate::id::{OrganisationId, PersonId, TeamId};
use crate::permit::{PRACTITIONERS, Permit};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{PersonStanding, Standing};
use crate::store::StoreError;
use crate::terms::{Action, Purpose, Role};

/// A question that a broker asks for somebody else.
#[derive(Clone, Debug)]
pub struct BrokeredQuestion {
    /// The question.
    pub question: Question,
    /// The practitioner on whose behalf it is asked.
    pub on_behalf_of: PersonId,
}

/// A practitioner who may ask today.
struct Named {
    role: Role,
    organisation: OrganisationId,
    team: TeamId,
}

impl Directory {
    /// Answers a question of a broker, as the policy lets a broker see for that person.
    pub async fn ask_as_broker(
        &self,
        presented: &Presented,
        question: &Result<BrokeredQuestion, Invalid>,
    ) -> Result<Answer, Refusal> {
        retry_contended!(self.ask_as_broker_once(presented, question))
    }

    async fn ask_as_broker_once(
        &self,
        presented: &Presented,
        brokered: &Result<BrokeredQuestion, Invalid>,
    ) -> Result<Answer, Refusal> {
        let today = self.today();
        let identity = self.identify(presented).await?;
        let mut permit = self.granted(identity.authorise(Action::AskAsBroker, today)).await?;
        let BrokeredQuestion { question, on_behalf_of } = match brokered {
            Ok(brokered) => brokered,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let (purpose, relationship) = (Some(question.purpose), Some(question.relationship));
        let named = self.named(&mut permit, *on_behalf_of, question.purpose, today).await?;
        let Some(named) = named else {
            let reason = Reason::Unknown("person who may ask for this purpose");
            return Err(self.refuse(permit.deny_question(purpose, relationship, reason)).await);
        };
        let Some(cell) = self.policy.brokered_cell(named.role, question.purpose) else {
            let denial = permit.deny_question(purpose, relationship, Reason::Purpose);
            return Err(self.refuse(denial).await);
        };
        let counted = match self.count_use(&identity, &question.subject) {
            Ok(counted) => counted,
            Err(spent) => {
                let reason = Reason::Budget(spent);
                let denial = permit.deny_question(purpose, relationship, reason);
                return Err(self.refuse(denial).await);
            }
        };
        let own = (named.organisation, named.team);
        self.answer(permit, question, &cell, (own, &identity.frozen), counted).await
    }

    /// The named person, if they may themselves ask for this purpose today. The commit rests on all
    /// that says so; whoever is known is named in the entry, of a refusal too.
    async fn named(
        &self,
        permit: &mut Permit,
        person: PersonId,
        purpose: Purpose,
        today: Date,
    ) -> Result<Option<Named>, StoreError> {
        let Some(person) = self.person(permit, person).await? else { return Ok(None) };
        permit.on_behalf_of(person.actor);
        let group = self.group(permit, person.group).await?.ok_or(StoreError::Damaged)?;
        let organisation = self.organisation(permit, person.organisation).await?;
        let organisation = organisation.ok_or(StoreError::Damaged)?;
        let Some(held) = person.last_token() else { return Ok(None) };
        let token = self.token(permit, held.hash).await?.ok_or(StoreError::Damaged)?;
        let may = token.standing == Standing::Active
            && !token.has_expired_on(today)
            && person.standing == PersonStanding::Active
            && person.lapse(today).is_none()
            && group.is_valid_on(today)
            && today <= organisation.authority_until
            && PRACTITIONERS.contains(&group.role)
            && group.purposes.contains(&purpose);
        Ok(may.then_some(Named {
            role: group.role,
            organisation: organisation.id,
            team: group.team,
        }))
    }
}
