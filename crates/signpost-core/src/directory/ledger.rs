//! The ledger, for auditors and privacy officers: leave to read its tree, and its entries.

use std::num::NonZeroUsize;

use super::quotas::first_since;
use super::replay::Written;
use super::{Directory, Presented};
use crate::commit::{Commit, Effect};
use crate::entry::Entry;
use crate::id::{ActorId, OrganisationId, Receipt};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

/// A call looks at so many entries at most, and says where the next is to go on.
pub(super) const LOOKED_AT_MAX: u64 = 65_536;

/// A look at the entries.
#[derive(Clone, Debug)]
pub struct ListEntries {
    /// Which entries.
    pub filter: EntryFilter,
    /// The index that a page before said to go on from; it grants nothing.
    pub from: Option<Receipt>,
    /// The most entries of a page: 1 to 500.
    pub limit: usize,
}

/// Which entries are listed: those that fit all that is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryFilter {
    /// Not before this, in milliseconds since 1970.
    pub since_ms: u64,
    /// Before this.
    pub until_ms: Option<u64>,
    /// By this person.
    pub actor: Option<ActorId>,
    /// By somebody, or a system, of this organisation.
    pub organisation: Option<OrganisationId>,
    /// Of this action.
    pub action: Option<Action>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
}

/// A page of entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedEntries {
    /// Each with its index, in their order.
    pub entries: Vec<(Receipt, Entry)>,
    /// Where to go on, if there may be more.
    pub next: Option<Receipt>,
}

impl Directory {
    /// Leave to read the ledger's tree, for what is asked: it says nothing of anybody, and reading it is
    /// not on record. Who may not, or asks for what cannot be, is.
    pub async fn may_read_ledger<T: Send>(
        &self,
        presented: &Presented,
        request: Result<T, Invalid>,
    ) -> Result<T, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(Action::ReadLedger, self.today())).await?;
        match request {
            Ok(asked) => Ok(asked),
            Err(invalid) => Err(self.refuse(permit.deny(Reason::Invalid(invalid))).await),
        }
    }

    /// Lists entries. The look is an entry itself, which says from where on and at how many was
    /// looked, and counts what was found.
    pub async fn list_entries(
        &self,
        presented: &Presented,
        request: &Result<ListEntries, Invalid>,
    ) -> Result<Written<ListedEntries>, Refusal> {
        retry_contended!(self.list_entries_once(presented, request))
    }

    async fn list_entries_once(
        &self,
        presented: &Presented,
        request: &Result<ListEntries, Invalid>,
    ) -> Result<Written<ListedEntries>, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(Action::ListEntries, self.today())).await?;
        let request = match request {
            Ok(request) => request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let (first, looked_at, listed) = self.look_through(request).await?;
        let mut detail = [0; 32];
        detail[..8].copy_from_slice(&first.0.to_be_bytes());
        detail[8..16].copy_from_slice(&looked_at.to_be_bytes());
        let count = u32::try_from(listed.entries.len()).unwrap_or(u32::MAX);
        let effect = Effect { detail, count, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: listed, receipt })
    }

    /// The first entry that was looked at, how many were, and which of them are listed.
    async fn look_through(
        &self,
        request: &ListEntries,
    ) -> Result<(Receipt, u64, ListedEntries), StoreError> {
        let first = match request.from {
            Some(from) => from,
            None if request.filter.since_ms == 0 => Receipt(0),
            None => first_since(&*self.store, request.filter.since_ms).await?,
        };
        let (mut looked_at, mut entries) = (0, Vec::new());
        loop {
            let page = self.store.entries(Receipt(first.0.saturating_add(looked_at)), PAGE).await?;
            if page.is_empty() {
                return Ok((first, looked_at, ListedEntries { entries, next: None }));
            }
            for entry in page {
                let index = Receipt(first.0 + looked_at);
                if request.filter.until_ms.is_some_and(|until_ms| entry.time_ms() >= until_ms) {
                    return Ok((first, looked_at, ListedEntries { entries, next: None }));
                }
                if entries.len() == request.limit || looked_at == LOOKED_AT_MAX {
                    let next = Some(index);
                    return Ok((first, looked_at, ListedEntries { entries, next }));
                }
                looked_at += 1;
                if request.filter.fits(&entry) {
                    entries.push((index, entry));
                }
            }
        }
    }
}

impl EntryFilter {
    fn fits(&self, entry: &Entry) -> bool {
        entry.time_ms() >= self.since_ms
            && self.actor.is_none_or(|actor| entry.actor() == Some(actor))
            && self.organisation.is_none_or(|one| entry.organisation() == Some(one))
            && self.action.is_none_or(|action| entry.action() == action)
            && self.outcome.is_none_or(|outcome| entry.outcome() == outcome)
    }
}
