//! Two administrators, and the calls of onboarding by their names, in this process.

use signpost_core::directory::onboarding::{
    Approve, ListRegister, Listing, Propose, RegisterRequest,
};
use signpost_core::directory::{Directory, Presented};
use signpost_core::id::{OrganisationId, Receipt, RequestId};
use signpost_core::record::{Record, Registered, Stored};
use signpost_core::refusal::{Reason, Refusal};
use signpost_core::register::{Group, ProposedChange};

use crate::entropy::SystemEntropy;
use crate::exit::{Exit, Failure};

/// The most records of a page of the register.
const PAGE: usize = 500;

/// Who proposes and does what takes one name, and who approves.
#[derive(Debug)]
pub struct Administrators<'d> {
    /// The rules over the store.
    pub directory: &'d Directory,
    /// Who proposes.
    pub first: Presented,
    /// Who approves.
    pub second: Presented,
}

impl Administrators<'_> {
    /// Does what one administrator can do.
    pub async fn onboard<R: RegisterRequest>(&self, request: R) -> Result<Registered, Failure> {
        self.onboard_as(&self.first, request).await
    }

    /// Does what one administrator can do, by the name of this one.
    pub async fn onboard_as<R: RegisterRequest>(
        &self,
        by: &Presented,
        request: R,
    ) -> Result<Registered, Failure> {
        let done = self.directory.onboard(by, &Ok(request)).await;
        Ok(done.map_err(|refusal| refused(&refusal))?.result)
    }

    /// Opens a group by both names. The receipt is the new group's version.
    pub async fn open(&self, group: Group) -> Result<Receipt, Failure> {
        let change = ProposedChange::OpenGroup(group);
        let proposed = self.onboard(Propose { request: request_id(), change }).await?;
        let Registered::Proposal(proposal) = proposed else { return Err(other_than_asked()) };
        let approval = Approve { request: request_id(), proposal };
        let approved = self.directory.onboard(&self.second, &Ok(approval)).await;
        Ok(approved.map_err(|refusal| refused(&refusal))?.receipt)
    }

    /// An organisation's groups, each with its version.
    pub async fn groups(&self, of: OrganisationId) -> Result<Vec<(Receipt, Group)>, Failure> {
        let listed = self.list(Listing::Groups(of)).await?;
        let groups = listed.into_iter().filter_map(|stored| match stored.record {
            Record::Group(group) => Some((stored.version, group)),
            _ => None,
        });
        Ok(groups.collect())
    }

    /// A part of the register.
    pub async fn list(&self, listing: Listing) -> Result<Vec<Stored>, Failure> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let page = Ok(ListRegister { listing, after, limit: PAGE });
            let listed = self.directory.list_register(&self.first, &page).await;
            let listed = listed.map_err(|refusal| refused(&refusal))?.result;
            records.extend(listed.records);
            after = listed.next;
            if after.is_none() {
                return Ok(records);
            }
        }
    }
}

/// A new id of a request.
#[must_use]
pub fn request_id() -> RequestId {
    RequestId::new(SystemEntropy.bytes())
}

/// A call of onboarding that did not come about. What is wrong with fields is spelt out.
pub(super) fn refused(refusal: &Refusal) -> Failure {
    match refusal {
        Refusal::Refused { reason: Reason::Invalid(invalid), .. } => {
            Failure::config(format!("refused: {}", crate::init::spelt_out(invalid)))
        }
        Refusal::Refused { .. } | Refusal::Unidentified(_) => Failure::config(refusal.to_string()),
        Refusal::Contended | Refusal::Store(_) => {
            Failure::new(Exit::StoreFailed, refusal.to_string())
        }
    }
}

pub(super) fn other_than_asked() -> Failure {
    Failure::new(Exit::Bug, "a call of onboarding gave another result than it gives")
}
