//! Figures that can be published, for auditors and privacy officers.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use super::ledger::LOOKED_AT_MAX;
use super::quotas::first_since;
use super::replay::Written;
use super::{Directory, Presented};
use crate::commit::{Commit, Effect};
use crate::entry::Entry;
use crate::figures::{Figures, Month, MonthTally};
use crate::id::{OrganisationId, Receipt, SystemId};
use crate::record::{Record, RecordKey};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::{Store, StoreError};
use crate::terms::{Action, OrganisationKind, Outcome};

const PAGE: u64 = 4096;

/// What figures are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GetFigures {
    /// The first month.
    pub from: Month,
    /// The last month, which must be over.
    pub until: Month,
}

/// Figures of some months, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedMonths {
    /// Each month with its figures.
    pub months: Vec<(Month, Figures)>,
    /// The month to go on with, and the index of the entry up to which it is counted already. None if
    /// there are no more.
    pub next: Option<(Month, Receipt)>,
}

/// How far the entries of each month are counted. It is all that is kept between two calls, and never
/// given out: what is counted of a month is given once all of it is, and then never changes.
#[derive(Debug, Default)]
pub(super) struct Counting(Mutex<BTreeMap<Month, Counted>>);

#[derive(Clone, Debug)]
struct Counted {
    next: Receipt,
    tally: MonthTally,
    is_whole: bool,
}

impl Counting {
    fn of(&self, month: Month) -> Option<Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&month).cloned()
    }

    /// Keeps it, unless somebody else has counted further.
    fn keep(&self, month: Month, counted: Counted) {
        let mut months = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if months.get(&month).is_none_or(|other| !other.is_whole && other.next < counted.next) {
            months.insert(month, counted);
        }
    }
}

/// The kinds of the organisations that were met in a call.
struct Kinds<'s> {
    store: &'s dyn Store,
    organisations: BTreeMap<OrganisationId, Option<OrganisationKind>>,
    systems: BTreeMap<SystemId, Option<OrganisationKind>>,
}

impl Directory {
    /// Gives the figures of months that are over. A call counts so many entries at most, and gives
    /// the months that it comes to the end of; the next goes on where it ended. Each is on record,
    /// counting the months that it gave; its detail is when the first month that was asked for began
    /// and when the last did.
    pub async fn figures(
        &self,
        presented: &Presented,
        request: &Result<GetFigures, Invalid>,
    ) -> Result<Written<PublishedMonths>, Refusal> {
        retry_contended!(self.figures_once(presented, request))
    }

    async fn figures_once(
        &self,
        presented: &Presented,
        request: &Result<GetFigures, Invalid>,
    ) -> Result<Written<PublishedMonths>, Refusal> {
        let identity = self.identify(presented).await?;
        let permit = self.granted(identity.authorise(Action::GetFigures, self.today())).await?;
        let request = match request {
            Ok(request) if request.until >= Month::of(self.today()) => {
                let invalid = Invalid::field("until", "must be a month that is over");
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid))).await);
            }
            Ok(request) => *request,
            Err(invalid) => {
                return Err(self.refuse(permit.deny(Reason::Invalid(invalid.clone()))).await);
            }
        };
        let published = self.published(request).await?;
        let mut detail = [0; 32];
        detail[..8].copy_from_slice(&request.from.begins_ms().to_be_bytes());
        detail[8..16].copy_from_slice(&request.until.begins_ms().to_be_bytes());
        let count = u32::try_from(published.months.len()).unwrap_or(u32::MAX);
        let effect = Effect { detail, count, ..Effect::new(Outcome::Done) };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        Ok(Written { result: published, receipt })
    }

    /// The months that are counted to their end with what a call may look at.
    async fn published(&self, request: GetFigures) -> Result<PublishedMonths, StoreError> {
        let (mut months, mut left, mut month) = (Vec::new(), LOOKED_AT_MAX, request.from);
        let store = &*self.store;
        let mut kinds = Kinds { store, organisations: BTreeMap::new(), systems: BTreeMap::new() };
        while month <= request.until {
            let counted = match self.counting.of(month) {
                Some(counted) => counted,
                None => Counted {
                    next: first_since(store, month.begins_ms()).await?,
                    tally: MonthTally::default(),
                    is_whole: false,
                },
            };
            let counted = kinds.count(month, counted, &mut left).await?;
            self.counting.keep(month, counted.clone());
            if !counted.is_whole {
                return Ok(PublishedMonths { months, next: Some((month, counted.next)) });
            }
            months.push((month, counted.tally.figures()));
            month = month.next();
        }
        Ok(PublishedMonths { months, next: None })
    }
}

impl Kinds<'_> {
    /// Counts on, over as many entries as are left to be looked at.
    async fn count(
        &mut self,
        month: Month,
        mut counted: Counted,
        left: &mut u64,
    ) -> Result<Counted, StoreError> {
        let ends_ms = month.next().begins_ms();
        while !counted.is_whole {
            let limit = usize::try_from(PAGE.min(*left)).ok().and_then(NonZeroUsize::new);
            let Some(limit) = limit else { return Ok(counted) };
            let page = self.store.entries(counted.next, limit).await?;
            // The month is over: what comes behind the last entry is of a later one.
            counted.is_whole = page.is_empty();
            for entry in page {
                if entry.time_ms() >= ends_ms {
                    counted.is_whole = true;
                    break;
                }
                if let Some(kind) = self.kind(&entry).await? {
                    counted.tally.count(&entry, kind);
                }
                counted.next.0 += 1;
                *left -= 1;
            }
        }
        Ok(counted)
    }

    /// The kind of the organisation whose an entry is, by its system where nobody was identified.
    async fn kind(&mut self, entry: &Entry) -> Result<Option<OrganisationKind>, StoreError> {
        match (entry.organisation(), entry.system()) {
            (Some(organisation), _) => self.kind_of(organisation).await,
            (None, Some(system)) => {
                if let Some(known) = self.systems.get(&system) {
                    return Ok(*known);
                }
                let stored = self.store.read(&RecordKey::System(system)).await?;
                let kind = match stored.map(|stored| stored.record) {
                    Some(Record::System(system)) => self.kind_of(system.organisation).await?,
                    _ => None,
                };
                self.systems.insert(system, kind);
                Ok(kind)
            }
            (None, None) => Ok(None),
        }
    }

    async fn kind_of(
        &mut self,
        organisation: OrganisationId,
    ) -> Result<Option<OrganisationKind>, StoreError> {
        if let Some(known) = self.organisations.get(&organisation) {
            return Ok(*known);
        }
        let stored = self.store.read(&RecordKey::Organisation(organisation)).await?;
        let kind = match stored.map(|stored| stored.record) {
            Some(Record::Organisation(organisation)) => Some(organisation.kind),
            _ => None,
        };
        self.organisations.insert(organisation, kind);
        Ok(kind)
    }
}
