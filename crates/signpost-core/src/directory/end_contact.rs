//! "My team's work with this child is over": ending one's own contact flag.

use jiff::civil::Date;
use serde::Serialize;

use super::child::{find_flag, load_all, load_rest, put_copies};
use super::record_contact::flag_of;
use super::replay::Written;
use super::write::{Begun, Change, Leave, WriteRequest};
use super::{Directory, Presented};
use crate::flag::{ContactFlag, InvolvementError};
use crate::id::{FlagId, RequestId};
use crate::record::ReplayResult;
use crate::refusal::{Invalid, Reason, Refusal};
use crate::subject::Subject;
use crate::terms::Action;

/// A flag of one's own team to be ended, under every pseudonym it was recorded under.
#[derive(Clone, Debug, Serialize)]
pub struct ContactEnd {
    /// The client's id of this write.
    pub request: RequestId,
    /// The child, by at least one of the pseudonyms the flag was recorded under.
    pub subject: Subject,
    /// The flag.
    pub flag: FlagId,
    /// The last day of the involvement.
    pub ended: Date,
}

impl Directory {
    /// Ends a flag. Another team's flag is as unknown as one that does not exist.
    pub async fn end_contact(
        &self,
        presented: &Presented,
        end: &Result<ContactEnd, Invalid>,
    ) -> Result<Written<FlagId>, Refusal> {
        retry_contended!(self.end_contact_once(presented, end))
    }

    async fn end_contact_once(
        &self,
        presented: &Presented,
        end: &Result<ContactEnd, Invalid>,
    ) -> Result<Written<FlagId>, Refusal> {
        let (mut leave, end) = match self.begin_write(presented, end).await? {
            Begun::New(leave, end) => (leave, end),
            Begun::Repeat(first) => return flag_of(&first),
        };
        let frozen = &leave.identity.frozen.clone();
        let mut children = load_all(&*self.store, frozen, end.subject.pseudonyms()).await?;
        let identity = &leave.identity;
        let own = |flag: &&ContactFlag| identity.owns(flag.provenance.owner, flag.team);
        let Some(flag) = find_flag(&children, end.flag).filter(own).cloned() else {
            if self.was_discarded(&mut leave, &end.subject, end.flag).await? {
                return self.end_discarded(leave, end).await;
            }
            return Err(self.give_up(leave, Reason::NotFound).await);
        };
        let flag = match flag.involvement.clone().end(end.ended, self.today()) {
            Ok(involvement) => ContactFlag { involvement, ..flag },
            Err(error) => {
                let invalid = Invalid::field(error.field(), error.to_string());
                return Err(self.give_up(leave, Reason::Invalid(invalid)).await);
            }
        };
        load_rest(&*self.store, frozen, &mut children, &flag.subject).await?;

        let change = Change {
            named: &end.subject,
            subject: &flag.subject,
            result: ReplayResult::Flag(flag.id),
            touched: &children,
            writes: put_copies(&flag).collect(),
        };
        let receipt = self.finish_write(leave, change).await?;
        Ok(Written { result: flag.id, receipt })
    }

    /// Answers the end of a recording that was discarded as that of any other.
    async fn end_discarded(
        &self,
        leave: Leave,
        end: &ContactEnd,
    ) -> Result<Written<FlagId>, Refusal> {
        if end.ended > self.today() {
            let error = InvolvementError::EndsInFuture;
            let invalid = Invalid::field(error.field(), error.to_string());
            return Err(self.give_up(leave, Reason::Invalid(invalid)).await);
        }
        let change = Change {
            named: &end.subject,
            subject: &end.subject,
            result: ReplayResult::Flag(end.flag),
            touched: &[],
            writes: Vec::new(),
        };
        let receipt = self.finish_write(leave, change).await?;
        Ok(Written { result: end.flag, receipt })
    }
}

impl WriteRequest for ContactEnd {
    const ACTION: Action = Action::EndContact;

    fn request(&self) -> RequestId {
        self.request
    }
}
