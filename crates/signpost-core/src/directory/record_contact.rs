//! "My team is working with this child": recording a contact flag, or changing one's own.

use serde::Serialize;

use super::child::{
    Child, all_shields, distinct_flags, lay_shields, load_all, load_family, load_rest, put_copies,
};
use super::replay::Written;
use super::write::{Begun, Change, WriteRequest};
use super::{Directory, Presented};
use crate::flag::{ContactFlag, Involvement, InvolvementDetails, Provenance};
use crate::id::{FlagId, RequestId};
use crate::permit::Identity;
use crate::record::ReplayResult;
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::Action;
use crate::text::SourceReference;

/// The most flags one organisation may hold of one child; its own affair, so it tells nothing.
const FLAGS_PER_ORGANISATION_MAX: usize = 50;

/// A contact to be recorded under each pseudonym of its subject.
#[derive(Clone, Debug, Serialize)]
pub struct NewContact {
    /// The client's id of this write.
    pub request: RequestId,
    /// The child.
    pub subject: Subject,
    /// The involvement. Its team is the recorder's own.
    pub details: InvolvementDetails,
    /// The source system's reference: the same again, for this child, changes the same flag.
    pub source_reference: SourceReference,
}

impl Directory {
    /// Records a flag. The reply is the same whether the child is known, unknown or shielded.
    pub async fn record_contact(
        &self,
        presented: &Presented,
        contact: &Result<NewContact, Invalid>,
    ) -> Result<Written<FlagId>, Refusal> {
        retry_contended!(self.record_contact_once(presented, contact))
    }

    async fn record_contact_once(
        &self,
        presented: &Presented,
        contact: &Result<NewContact, Invalid>,
    ) -> Result<Written<FlagId>, Refusal> {
        let (mut leave, contact) = match self.begin_write(presented, contact).await? {
            Begun::New(leave, contact) => (leave, contact),
            Begun::Repeat(first) => return flag_of(&first),
        };
        let counted = match self.count_use(&leave.identity, &contact.subject) {
            Ok(counted) => counted,
            Err(spent) => return Err(self.give_up(leave, Reason::Budget(spent)).await),
        };
        let involvement = match Involvement::new(contact.details.clone(), self.today()) {
            Ok(involvement) => involvement,
            Err(error) => {
                let field = format!("involvement.{}", error.field());
                let invalid = Invalid::field(field, error.to_string());
                return Err(self.give_up(leave, Reason::Invalid(invalid)).await);
            }
        };

        let frozen = &leave.identity.frozen.clone();
        let mut children = load_all(&*self.store, frozen, contact.subject.pseudonyms()).await?;
        let mut flag = match self.flag_to_write(&leave.identity, contact, involvement, &children) {
            Ok(flag) => flag,
            // It tells what else the organisation has recorded.
            Err(reason) => {
                return Err(self.give_up_telling(leave, &contact.subject, reason, counted).await);
            }
        };
        if let Some(discarded) = self.discarded_flag(&mut leave.permit, &flag).await? {
            flag.id = discarded;
        }
        load_rest(&*self.store, frozen, &mut children, &flag.subject).await?;
        // Whether there is a shield or not, the same is read and written: all that is tied.
        let Some(mut family) = load_family(&*self.store, frozen, children).await? else {
            // It tells that the child is tied, and so it costs.
            let (named, reason) = (&contact.subject, Reason::LimitReached);
            return Err(self.give_up_telling(leave, named, reason, counted).await);
        };
        let shields = all_shields(&family);
        lay_shields(&mut family, &shields);

        let change = Change {
            named: &contact.subject,
            subject: &flag.subject,
            result: ReplayResult::Flag(flag.id),
            touched: &family,
            writes: put_copies(&flag).collect(),
        };
        let receipt = self.finish_counted(leave, change, counted).await?;
        Ok(Written { result: flag.id, receipt })
    }

    /// The flag this contact becomes: a new one, or the one it changes. A changed flag keeps its
    /// id and gains the pseudonyms it did not have, up to four.
    fn flag_to_write(
        &self,
        identity: &Identity,
        contact: &NewContact,
        involvement: Involvement,
        children: &[Child],
    ) -> Result<ContactFlag, Reason> {
        let flags = distinct_flags(children);
        let mine: Vec<&ContactFlag> = flags
            .into_iter()
            .filter(|flag| flag.provenance.owner == identity.organisation.id)
            .collect();
        let earlier = mine.iter().find(|flag| {
            flag.provenance.source_system == identity.system
                && flag.provenance.source_reference == contact.source_reference
                && flag.team == identity.group.team
        });
        let (id, subject) = match earlier {
            Some(flag) => (flag.id, union(&flag.subject, &contact.subject)?),
            None if mine.len() >= FLAGS_PER_ORGANISATION_MAX => return Err(Reason::LimitReached),
            None => (FlagId::new(self.random()), contact.subject.clone()),
        };
        Ok(ContactFlag {
            id,
            subject,
            team: identity.group.team,
            involvement,
            provenance: Provenance {
                owner: identity.organisation.id,
                source_system: identity.system,
                feed: None,
                source_reference: contact.source_reference.clone(),
            },
        })
    }
}

impl WriteRequest for NewContact {
    const ACTION: Action = Action::RecordContact;

    fn request(&self) -> RequestId {
        self.request
    }
}

fn union(earlier: &Subject, now: &Subject) -> Result<Subject, Reason> {
    let mut named = earlier.pseudonyms().to_vec();
    let new = now.pseudonyms().iter().filter(|one| !earlier.contains(&one.pseudonym));
    named.extend(new.cloned());
    Subject::try_from(named).map_err(|error| {
        let problem = format!("with those recorded before: {error}");
        Reason::Invalid(Invalid::field("pseudonyms", problem))
    })
}

pub(super) fn flag_of(first: &Written<ReplayResult>) -> Result<Written<FlagId>, Refusal> {
    match first.result {
        ReplayResult::Flag(id) => Ok(Written { result: id, receipt: first.receipt }),
        ReplayResult::ShieldSet
        | ReplayResult::LiftBegun(_)
        | ReplayResult::Lifted(_)
        | ReplayResult::ClockConfirmationBegun
        | ReplayResult::ClockConfirmed
        | ReplayResult::Register(_)
        | ReplayResult::Purge(_)
        | ReplayResult::Hold(_)
        | ReplayResult::StandingOrder(_)
        | ReplayResult::Decommissioning(_) => Err(StoreError::Damaged.into()),
    }
}
