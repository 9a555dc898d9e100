//! Who an actor of the ledger is: for whoever looks into an alert, and nobody who asks or lets in.

use std::num::NonZeroUsize;

use super::change::{Declined, present};
use super::{Directory, detail};
use crate::commit::{Commit, Effect};
use crate::directory::Presented;
use crate::directory::replay::Written;
use crate::id::ActorId;
use crate::permit::Permit;
use crate::record::{Kind, Record, Scope};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::register::{Group, Organisation, Person};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};

/// How many people are read at once.
const SCAN_PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

/// A person as the register has them, who has left too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identified {
    /// The person.
    pub person: Person,
    /// The person's organisation.
    pub organisation: Organisation,
    /// The person's group.
    pub group: Group,
}

impl Directory {
    /// Tells who an actor of the ledger is. The look stands in the ledger, with the actor.
    pub async fn identify_actor(
        &self,
        presented: &Presented,
        request: &Result<ActorId, Invalid>,
    ) -> Result<Written<Identified>, Refusal> {
        retry_contended!(self.identify_actor_once(presented, request))
    }

    async fn identify_actor_once(
        &self,
        presented: &Presented,
        request: &Result<ActorId, Invalid>,
    ) -> Result<Written<Identified>, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = identity.authorise(Action::IdentifyActor, self.today());
        let mut permit = self.granted(permit).await?;
        let actor = match request {
            Ok(actor) => *actor,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let result = match self.identified(&mut permit, actor).await {
            Ok(identified) => identified,
            Err(Declined::Refused(reason)) => return Err(self.refuse(permit.deny(reason)).await),
            Err(Declined::Store(error)) => return Err(error.into()),
        };
        let detail = detail(actor.as_bytes(), None);
        let effect = Effect { detail, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result, receipt })
    }

    pub(in crate::directory) async fn identified(
        &self,
        permit: &mut Permit,
        actor: ActorId,
    ) -> Result<Identified, Declined> {
        let Some(person) = self.person_of(actor).await? else {
            return Err(Reason::Unknown("actor").into());
        };
        let organisation = present(self.organisation(permit, person.organisation).await?)?;
        let group = present(self.group(permit, person.group).await?)?;
        Ok(Identified { person, organisation, group })
    }

    /// The register finds people by their own ids. An actor is looked for once in a while, and so
    /// among all of them.
    async fn person_of(&self, actor: ActorId) -> Result<Option<Person>, StoreError> {
        let mut after = None;
        loop {
            let scope = Scope::Kind(Kind::Person);
            let page = self.store.scan(&scope, after.as_ref(), SCAN_PAGE).await?;
            let is_last = page.len() < SCAN_PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::Person(person) = stored.record else { return Err(StoreError::Damaged) };
                if person.actor == actor {
                    return Ok(Some(person));
                }
            }
            if is_last {
                return Ok(None);
            }
        }
    }
}
