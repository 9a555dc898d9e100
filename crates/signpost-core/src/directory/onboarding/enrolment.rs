//! Enrolment: a code that is good once, redeemed for a token.

use async_trait::async_trait;
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::{Commit, Effect, Write};
use crate::directory::Presented;
use crate::directory::replay::Written;
use crate::directory::write::Leave;
use crate::id::{PersonId, RequestId, TokenId};
use crate::permit::Permit;
use crate::record::{Record, RecordKey};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{
    Enrolment, EnrolmentState, Group, HeldToken, Person, PersonStanding, Standing, TokenRecord,
};
use crate::store::StoreError;
use crate::terms::{Action, Custody, Outcome, Role};
use crate::token::{CodeHash, EnrolmentCode, TokenHash};

/// A token's longest life.
const TOKEN_YEARS: i64 = 1;

/// Issues a new code to a person, in the place of an earlier one. A token that is still out must be
/// accounted for first.
#[derive(Clone, Debug, Serialize)]
pub struct IssueCode {
    /// The client's id of this write.
    pub request: RequestId,
    /// The person.
    pub person: PersonId,
    /// The hash of the code.
    pub code: CodeHash,
}

/// Redeems a code for a token that its holder has made: the service is given its hash.
///
/// The very same again gives the same result, so that an answer that was lost can be had again. The
/// code with another token is a second use of it.
#[derive(Clone, Debug)]
pub struct Redeem {
    /// The code.
    pub code: EnrolmentCode,
    /// The hash of the new token.
    pub token: TokenHash,
}

/// What a redeemed code gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redeemed {
    /// What the token is called in the ledger.
    pub token: TokenId,
    /// Its last day.
    pub valid_until: Date,
}

register_requests! {
    IssueCode => IssueCode;
}

#[async_trait]
impl Decide for IssueCode {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let person = directory.other_person(leave, self.person).await?;
        let permit = &mut leave.permit;
        // Else one administrator could take over another, and so be their own second name.
        let group = present(directory.group(permit, person.group).await?)?;
        if group.role == Role::AdminOnboarding {
            let problem = "an administrator is removed and invited anew";
            return Err(Reason::WrongState(problem).into());
        }
        if let Some(held) = person.last_token() {
            let token = present(directory.token(permit, held.hash).await?)?;
            if token.custody == Custody::Out {
                let problem = "the person's token is out; record where it is first";
                return Err(Reason::WrongState(problem).into());
            }
        }
        let enrolment = directory.new_enrolment(permit, &person, self.code).await?;
        let mut writes = vec![Write::Put(Record::Enrolment(enrolment))];
        writes.extend(directory.void_code(permit, &person).await?.map(Write::Put));
        let detail = detail(person.actor.as_bytes(), Some(person.organisation.as_bytes()));
        let person = Person { code: Some(self.code), ..person };
        // How many tokens the person had before, for the privacy officer who looks at the alert.
        let count = u32::try_from(person.tokens.len()).unwrap_or(u32::MAX);
        writes.push(Write::Put(Record::Person(person)));
        Ok(Change { count, ..Change::of(detail, writes) })
    }
}

impl Directory {
    /// Redeems a code, over a system of the person's organisation.
    pub async fn redeem(
        &self,
        presented: &Presented,
        request: &Result<Redeem, Invalid>,
    ) -> Result<Written<Redeemed>, Refusal> {
        retry_contended!(self.redeem_once(presented, request))
    }

    async fn redeem_once(
        &self,
        presented: &Presented,
        request: &Result<Redeem, Invalid>,
    ) -> Result<Written<Redeemed>, Refusal> {
        let identity = self.identify_system(presented).await?;
        let today = self.today();
        let mut permit = self.granted(identity.authorise(Action::RedeemCode, today)).await?;
        let redeem = match request {
            Ok(redeem) => redeem,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let code = redeem.code.hash();
        let enrolment = self.enrolment(&mut permit, code).await?;
        let Some(enrolment) = enrolment else {
            return Err(self.refuse(permit.deny(Reason::CodeUnknown)).await);
        };
        if enrolment.organisation != identity.organisation.id {
            let reason = Reason::CodeOfOtherOrganisation;
            return Err(self.refuse_code(permit, &enrolment, reason).await);
        }
        match enrolment.state {
            EnrolmentState::Redeemed(token) if token == redeem.token => {
                return self.redeemed_before(code, token).await;
            }
            EnrolmentState::Redeemed(_) => {
                return Err(self.refuse_code(permit, &enrolment, Reason::CodeUsed).await);
            }
            EnrolmentState::Void => {
                return Err(self.refuse(permit.deny(Reason::CodeExpired)).await);
            }
            EnrolmentState::Open if enrolment.until <= self.now() => {
                return Err(self.refuse(permit.deny(Reason::CodeExpired)).await);
            }
            EnrolmentState::Open => {}
        }
        match self.first_redemption(&mut permit, enrolment, redeem.token).await {
            Ok((effect, result)) => {
                let receipt = self.commit(Commit::permitted(permit, effect)).await?;
                Ok(Written { result, receipt })
            }
            Err(Declined::Refused(reason)) => Err(self.refuse(permit.deny(reason)).await),
            Err(Declined::Store(error)) => Err(error.into()),
        }
    }

    /// Refuses a code that may be in wrong hands: the entry names whose it is, for an alert.
    async fn refuse_code(&self, mut permit: Permit, code: &Enrolment, reason: Reason) -> Refusal {
        match self.person(&mut permit, code.person).await.and_then(present) {
            Ok(person) => self.refuse(permit.deny(reason).about(person.actor)).await,
            Err(error) => error.into(),
        }
    }

    async fn first_redemption(
        &self,
        permit: &mut Permit,
        enrolment: Enrolment,
        token: TokenHash,
    ) -> Result<(Effect, Redeemed), Declined> {
        let mut person = present(self.person(permit, enrolment.person).await?)?;
        let group = present(self.group(permit, person.group).await?)?;
        match person.standing {
            PersonStanding::Invited | PersonStanding::Active => {}
            PersonStanding::Suspended | PersonStanding::Removed => {
                return Err(Reason::Suspended.into());
            }
        }
        if group.valid_until < self.today() {
            return Err(Reason::Expired.into());
        }
        let mut writes = Vec::new();
        let result = self.issue_token(permit, &mut person, &group, token, &mut writes).await?;
        person.standing = PersonStanding::Active;
        let detail = detail(person.actor.as_bytes(), Some(result.token.as_bytes()));
        let enrolment = Enrolment { state: EnrolmentState::Redeemed(token), ..enrolment };
        writes.push(Write::Put(Record::Enrolment(enrolment)));
        writes.push(Write::Put(Record::Person(person)));
        Ok((Effect { detail, writes, ..Effect::new(Outcome::Done) }, result))
    }

    /// Adds what is written for a new token of this person; the person's own record is the
    /// caller's to write.
    pub(super) async fn issue_token(
        &self,
        permit: &mut Permit,
        person: &mut Person,
        group: &Group,
        hash: TokenHash,
        writes: &mut Vec<Write>,
    ) -> Result<Redeemed, Declined> {
        if self.token(permit, hash).await?.is_some() {
            return Err(Reason::AlreadyRegistered("token").into());
        }
        let today = self.today();
        let valid_until = today.saturating_add(TOKEN_YEARS.years()).min(group.valid_until);
        let token = TokenRecord {
            hash,
            id: TokenId::new(self.random()),
            person: person.id,
            organisation: person.organisation,
            used_on: today,
            valid_until,
            standing: Standing::Active,
            custody: Custody::Out,
        };
        let custodies = present(self.custodies_of(permit, person.organisation).await?)?;
        person.tokens.push(HeldToken { id: token.id, hash, issued_on: today });
        let result = Redeemed { token: token.id, valid_until };
        writes.push(Write::Put(Record::Token(token)));
        writes.push(Write::Put(Record::Custodies(custodies.issue())));
        Ok(result)
    }

    /// What the same redemption gave the first time: it was the last change of the enrolment.
    async fn redeemed_before(
        &self,
        code: CodeHash,
        token: TokenHash,
    ) -> Result<Written<Redeemed>, Refusal> {
        let enrolment = present(self.store.read(&RecordKey::Enrolment(code)).await?)?;
        let token = present(self.store.read(&RecordKey::Token(token)).await?)?;
        let Record::Token(token) = token.record else { return Err(StoreError::Damaged.into()) };
        let result = Redeemed { token: token.id, valid_until: token.valid_until };
        Ok(Written { result, receipt: enrolment.version })
    }
}
