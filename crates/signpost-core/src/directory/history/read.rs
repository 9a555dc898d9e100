//! Reading a history: what the requester is told, and apart from it what is left out.

use jiff::Timestamp;

use super::access::{Access, LOOKED_AT_MAX, WithheldAccess, find};
use super::detail;
use crate::commit::{Commit, Effect};
use crate::directory::onboarding::change::Declined;
use crate::directory::replay::Written;
use crate::directory::{Directory, Presented};
use crate::history::{AccessDecision, AccessReview, History};
use crate::id::{HistoryId, PersonId, Receipt};
use crate::permit::Permit;
use crate::record::{Record, RecordKey};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, Outcome};
use crate::text::CaseReference;

/// A look at a history.
#[derive(Clone, Debug)]
pub struct ReadHistory {
    /// The history.
    pub history: HistoryId,
    /// The entry that a page before said to go on from; it grants nothing.
    pub from: Option<Receipt>,
    /// The most accesses that a page looks at: 1 to 500.
    pub limit: usize,
}

/// A page of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage<T> {
    /// The case it was asked for under.
    pub reference: CaseReference,
    /// The accesses, the oldest first. A page may have none and not be the last.
    pub accesses: Vec<T>,
    /// Where to go on, if there may be more.
    pub next: Option<Receipt>,
    /// The time of this look: what came later may not be in it.
    pub as_of: Timestamp,
}

/// An access and what it rests on, before it is decided for whom it is.
type Told = WithheldAccess;

impl Directory {
    /// What the requester is told: every access but those that are left out. Nothing of a page says
    /// whether there are such.
    pub async fn read_history(
        &self,
        presented: &Presented,
        request: &Result<ReadHistory, Invalid>,
    ) -> Result<Written<HistoryPage<Access>>, Refusal> {
        let told = |all: Vec<Told>| all.into_iter().filter(is_told).map(|one| one.access).collect();
        let read = Action::ReadHistory;
        retry_contended!(self.look_at_history(presented, request, read, &told))
    }

    /// What is left out unless it is released, for who reviews it, with what was decided of it.
    pub async fn list_withheld(
        &self,
        presented: &Presented,
        request: &Result<ReadHistory, Invalid>,
    ) -> Result<Written<HistoryPage<WithheldAccess>>, Refusal> {
        let reviewed = |all: Vec<Told>| all.into_iter().filter(needs_review).collect();
        let list = Action::ListWithheld;
        retry_contended!(self.look_at_history(presented, request, list, &reviewed))
    }

    /// One look. Its entry says which history and from where on, and not how many accesses were found:
    /// who reads entries, and knows when a family asked, is not to learn how often their child was
    /// asked about.
    async fn look_at_history<T: Send>(
        &self,
        presented: &Presented,
        request: &Result<ReadHistory, Invalid>,
        action: Action,
        pick: &(impl Fn(Vec<Told>) -> Vec<T> + Sync),
    ) -> Result<Written<HistoryPage<T>>, Refusal> {
        let identity = self.identify(presented).await?;
        let mut permit = self.granted(identity.authorise(action, self.today())).await?;
        let request = match request {
            Ok(request) => request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let opened = self.open_history(&mut permit, request.history, identity.person()).await;
        let history = match opened {
            Ok(history) => history,
            Err(Declined::Refused(reason)) => return Err(self.refuse(permit.deny(reason)).await),
            Err(Declined::Store(error)) => return Err(error.into()),
        };
        let as_of = self.now();
        let from = request.from.unwrap_or(Receipt(0));
        let (all, next) = self.accesses(&mut permit, &history, (from, request.limit)).await?;
        let mut detail = detail(history.id);
        detail[16..24].copy_from_slice(&from.0.to_be_bytes());
        let effect = Effect { detail, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        let page = HistoryPage { reference: history.reference, accesses: pick(all), next, as_of };
        Ok(Written { result: page, receipt })
    }

    /// A history that this person may read now; the commit will rest on it.
    pub(super) async fn open_history(
        &self,
        permit: &mut Permit,
        history: HistoryId,
        person: PersonId,
    ) -> Result<History, Declined> {
        let history = self.history(permit, history).await?;
        let open = history.filter(|history| history.is_open_to(person, self.now()));
        open.ok_or(Reason::Unknown("history that is open to you").into())
    }

    /// A page of all accesses, with why some are left out and what was decided of those.
    async fn accesses(
        &self,
        permit: &mut Permit,
        history: &History,
        (from, limit): (Receipt, usize),
    ) -> Result<(Vec<Told>, Option<Receipt>), StoreError> {
        let bounds = (limit, LOOKED_AT_MAX);
        let (found, next) = find(&*self.store, &history.subject, from, bounds).await?;
        let entries = found.iter().map(|(_, entry)| entry);
        let known = self.known(permit, &history.subject, entries).await?;
        let mut accesses = Vec::with_capacity(found.len());
        for (at, entry) in found {
            let because = known.withheld_because(&entry);
            let decision = if because.is_empty() {
                None
            } else {
                let review = self.review(permit, history.id, at).await?;
                review.map(|review| review.decision)
            };
            accesses.push(Told { access: known.access(at, &entry), because, decision });
        }
        Ok((accesses, next))
    }

    async fn review(
        &self,
        permit: &mut Permit,
        history: HistoryId,
        entry: Receipt,
    ) -> Result<Option<AccessReview>, StoreError> {
        match self.look_up(permit, RecordKey::AccessReview(history, entry)).await? {
            None => Ok(None),
            Some((_, Record::AccessReview(review))) => Ok(Some(review)),
            Some(_) => Err(StoreError::Damaged),
        }
    }
}

/// Deny by default: what needs a review is told only where one released it.
fn is_told(access: &Told) -> bool {
    !needs_review(access) || access.decision == Some(AccessDecision::Released)
}

fn needs_review(access: &Told) -> bool {
    !access.because.is_empty()
}
