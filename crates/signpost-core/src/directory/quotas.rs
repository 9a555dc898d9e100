//! Quotas: counted before a child is looked at, and anew from the ledger after a start.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::Directory;
use crate::commit::Commit;
use crate::entry::{Entry, Opening};
use crate::id::Receipt;
use crate::permit::Identity;
use crate::quota::{Counted, DAY_MS, Meter, Quotas, Spent, Use};
use crate::refusal::Refusal;
use crate::store::{Store, StoreError};
use crate::subject::Subject;
use crate::terms::Action;

const PAGE: NonZeroUsize = NonZeroUsize::new(4096).expect("not zero");

impl Directory {
    /// The same directory under these quotas, with what the ledger says was used today.
    pub async fn limited_to(mut self, quotas: Quotas) -> Result<Self, StoreError> {
        let meter = Arc::new(Meter::new(quotas, Arc::clone(&self.entropy)));
        recount(&*self.store, &meter, self.now_ms()).await?;
        self.meter = meter;
        Ok(self)
    }

    /// Counts a question, a recording or a shield, if person and organisation still may.
    pub(super) fn count_use(
        &self,
        identity: &Identity,
        subject: &Subject,
    ) -> Result<Counted, Spent> {
        self.meter.count(Use {
            actor: identity.person.actor,
            organisation: identity.organisation.id,
            subject,
            now_ms: self.now_ms(),
        })
    }

    /// Commits what was counted; where it certainly was not done, the count is given back.
    pub(super) async fn commit_counted(
        &self,
        commit: Commit,
        counted: &mut Counted,
    ) -> Result<Receipt, Refusal> {
        // Whoever gives the request up from here on may find it done.
        counted.keep();
        let committed = self.commit(commit).await;
        settle(counted, &committed);
        committed
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.now().as_millisecond()).unwrap_or(0)
    }
}

/// Gives the count back where nothing was done.
pub(super) fn settle(counted: &mut Counted, committed: &Result<Receipt, Refusal>) {
    match committed {
        Err(
            Refusal::Contended
            | Refusal::Refused { .. }
            | Refusal::Unidentified(_)
            | Refusal::Store(StoreError::Unavailable | StoreError::Busy),
        ) => counted.release(),
        Ok(_) | Err(Refusal::Store(StoreError::Indeterminate | StoreError::Damaged)) => {}
    }
}

/// Counts what the ledger's entries of the day of this time say, each with its opening.
async fn recount(store: &dyn Store, meter: &Meter, now_ms: u64) -> Result<(), StoreError> {
    let midnight_ms = now_ms - now_ms % DAY_MS;
    let mut next = first_since(store, midnight_ms).await?;
    loop {
        let entries = store.entries(next, PAGE).await?;
        if entries.is_empty() {
            return Ok(());
        }
        let end = Receipt(next.0 + entries.len() as u64);
        for (receipt, opening) in openings_between(store, next, end).await? {
            let index = usize::try_from(receipt.0 - next.0).expect("within the page");
            count_entry(meter, &entries[index], &opening);
        }
        next = end;
    }
}

fn count_entry(meter: &Meter, entry: &Entry, opening: &Opening) {
    let counts = matches!(
        entry.action(),
        Action::Ask
            | Action::AskMany
            | Action::AskAsBroker
            | Action::RecordContact
            | Action::SetShield
            | Action::LiftShield
    );
    if let (true, Some(actor), Some(organisation)) = (counts, entry.actor(), entry.organisation()) {
        let (subject, now_ms) = (opening.subject(), entry.time_ms());
        meter.recount(Use { actor, organisation, subject, now_ms });
    }
}

/// The openings of the entries from one index up to, not including, another.
pub(super) async fn openings_between(
    store: &dyn Store,
    from: Receipt,
    end: Receipt,
) -> Result<Vec<(Receipt, Opening)>, StoreError> {
    let mut found = Vec::new();
    let mut next = from;
    loop {
        let page = store.openings(next, PAGE).await?;
        let is_last = page.len() < PAGE.get();
        for (receipt, opening) in page {
            if receipt >= end {
                return Ok(found);
            }
            next = Receipt(receipt.0 + 1);
            found.push((receipt, opening));
        }
        if is_last {
            return Ok(found);
        }
    }
}

/// The first entry at or after this time: times never go back, so it is found by halving.
pub(super) async fn first_since(store: &dyn Store, time_ms: u64) -> Result<Receipt, StoreError> {
    let (mut low, mut stride) = (0, 1);
    while is_before(store, low + stride - 1, time_ms).await? {
        low += stride;
        stride *= 2;
    }
    while stride > 1 {
        stride /= 2;
        if is_before(store, low + stride - 1, time_ms).await? {
            low += stride;
        }
    }
    Ok(Receipt(low))
}

async fn is_before(store: &dyn Store, index: u64, time_ms: u64) -> Result<bool, StoreError> {
    let found = store.entries(Receipt(index), NonZeroUsize::MIN).await?;
    Ok(found.first().is_some_and(|entry| entry.time_ms() < time_ms))
}
