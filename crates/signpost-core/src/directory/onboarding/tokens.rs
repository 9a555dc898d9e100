//! Tokens: renewed by their holders, suspended by administrators, and always somewhere.

use async_trait::async_trait;
use serde::Serialize;

use super::change::{Change, Decide, Declined, present, register_requests};
use super::{Directory, detail};
use crate::commit::Write;
use crate::directory::write::{Leave, WriteRequest};
use crate::id::{PersonId, RequestId, TokenId};
use crate::record::Record;
use crate::refusal::{Invalid, Reason};
use crate::register::{Custodies, HeldToken, Person, Standing, TokenRecord};
use crate::terms::{Action, Custody};
use crate::token::TokenHash;

/// Renews the token that the request comes with: a new one is out, the old one is destroyed.
#[derive(Clone, Debug, Serialize)]
pub struct RenewToken {
    /// The client's id of this write.
    pub request: RequestId,
    /// The hash of the new token, which its holder has made.
    pub token: TokenHash,
}

/// Records where a token is. One that is no longer out can no longer be used.
#[derive(Clone, Debug, Serialize)]
pub struct RecordCustody {
    /// The client's id of this write.
    pub request: RequestId,
    /// Whose token it is.
    pub person: PersonId,
    /// The token.
    pub token: TokenId,
    /// Where it is: anything but out.
    pub custody: Custody,
}

/// Suspends a token.
#[derive(Clone, Debug, Serialize)]
pub struct SuspendToken {
    /// The client's id of this write.
    pub request: RequestId,
    /// Whose token it is.
    pub person: PersonId,
    /// The token.
    pub token: TokenId,
}

/// Lets a suspended token be used again.
#[derive(Clone, Debug, Serialize)]
pub struct ResumeToken {
    /// The client's id of this write.
    pub request: RequestId,
    /// Whose token it is.
    pub person: PersonId,
    /// The token.
    pub token: TokenId,
}

register_requests! {
    RecordCustody => RecordCustody;
    SuspendToken => SuspendToken;
    ResumeToken => ResumeToken;
}

impl WriteRequest for RenewToken {
    const ACTION: Action = Action::RenewToken;

    fn request(&self) -> RequestId {
        self.request
    }

    fn has_replaced(&self, presented: TokenHash, held: &[HeldToken]) -> bool {
        held.windows(2).any(|pair| pair[0].hash == presented && pair[1].hash == self.token)
    }
}

#[async_trait]
impl Decide for RenewToken {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let identity = &leave.identity;
        let (old, mut person) = (identity.token.clone(), identity.person.clone());
        let group = identity.group.clone();
        if !person.may_renew_on(directory.today()) {
            let problem = "the person was issued 4 tokens within 30 days; a token is renewed again \
                           once the first of them is older";
            return Err(Reason::WrongState(problem).into());
        }
        let permit = &mut leave.permit;
        let mut writes = Vec::new();
        let new =
            directory.issue_token(permit, &mut person, &group, self.token, &mut writes).await?;
        // The new one is counted above; the old one leaves in the same commit.
        let custodies = writes.iter_mut().find_map(|write| {
            if let Write::Put(Record::Custodies(custodies)) = write {
                Some(custodies)
            } else {
                None
            }
        });
        let custodies = custodies.expect("a token is issued with its count");
        *custodies = passed(*custodies, old.custody, Custody::Destroyed)?;
        let standing = Standing::Revoked;
        let destroyed = TokenRecord { standing, custody: Custody::Destroyed, ..old };
        let detail = detail(new.token.as_bytes(), Some(destroyed.id.as_bytes()));
        writes.push(Write::Put(Record::Token(destroyed)));
        writes.push(Write::Put(Record::Person(person)));
        Ok(Change::of(detail, writes))
    }
}

#[async_trait]
impl Decide for RecordCustody {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let (person, token) = directory.token_of(leave, self.person, self.token).await?;
        if self.custody == Custody::Out {
            let problem = "must be RETURNED, DESTROYED or LOST_REVOKED: a token goes out once";
            return Err(Reason::Invalid(Invalid::field("custody", problem)).into());
        }
        if token.custody == self.custody || token.custody == Custody::Destroyed {
            return Err(Reason::WrongState("the token is there already, or destroyed").into());
        }
        let permit = &mut leave.permit;
        let custodies = present(directory.custodies_of(permit, person.organisation).await?)?;
        let custodies = passed(custodies, token.custody, self.custody)?;
        let detail = detail(token.id.as_bytes(), Some(person.actor.as_bytes()));
        let token = TokenRecord { standing: Standing::Revoked, custody: self.custody, ..token };
        let writes =
            vec![Write::Put(Record::Token(token)), Write::Put(Record::Custodies(custodies))];
        Ok(Change { count: self.custody.code().into(), ..Change::of(detail, writes) })
    }
}

#[async_trait]
impl Decide for SuspendToken {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let (person, token) = directory.token_of(leave, self.person, self.token).await?;
        with_standing(&person, token, Standing::Active, Standing::Suspended)
    }
}

#[async_trait]
impl Decide for ResumeToken {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Change, Declined> {
        let (person, token) = directory.token_of(leave, self.person, self.token).await?;
        with_standing(&person, token, Standing::Suspended, Standing::Active)
    }
}

fn with_standing(
    person: &Person,
    mut token: TokenRecord,
    from: Standing,
    to: Standing,
) -> Result<Change, Declined> {
    if token.standing != from {
        return Err(Reason::WrongState("the token does not stand so").into());
    }
    let detail = detail(token.id.as_bytes(), Some(person.actor.as_bytes()));
    token.standing = to;
    Ok(Change::of(detail, vec![Write::Put(Record::Token(token))]))
}

/// A token that is not counted where its record says is damage.
pub(super) fn passed(
    custodies: Custodies,
    from: Custody,
    to: Custody,
) -> Result<Custodies, Declined> {
    Ok(present(custodies.pass(from, to))?)
}

impl Directory {
    /// A person's token; also of one who has left: tokens are collected then.
    async fn token_of(
        &self,
        leave: &mut Leave,
        person: PersonId,
        token: TokenId,
    ) -> Result<(Person, TokenRecord), Declined> {
        let person = self.person(&mut leave.permit, person).await?;
        let Some(person) = person else { return Err(Reason::Unknown("person").into()) };
        if person.id == leave.identity.person() {
            return Err(Reason::OwnRecord.into());
        }
        let Some(held) = person.tokens.iter().find(|held| held.id == token) else {
            return Err(Reason::Unknown("token of this person").into());
        };
        let token = present(self.token(&mut leave.permit, held.hash).await?)?;
        Ok((person, token))
    }
}
