//! Purges, up to the leave to run one: planned by an operator, counted by the service, approved by
//! others, called off by either; and legal holds.

mod approve;
mod cancel;
mod count;
mod hold;
mod list;
mod plan;
mod run;
mod show;
mod standing;
mod suppressed;

use std::num::NonZeroUsize;

use super::onboarding::change::Declined;
use super::replay::Written;
use super::write::{Begun, Leave, OwnChange, WriteRequest};
use super::{Directory, Presented};
use crate::commit::{Precondition, Write};
use crate::id::{PurgeId, Receipt};
use crate::permit::Permit;
use crate::purge::{LegalHold, PurgePlan};
use crate::record::{Kind, Record, RecordKey, ReplayResult, Scope, Stored};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::subject::Subject;

pub use approve::ApprovePurge;
pub use cancel::CancelPurge;
pub use hold::{HoldName, LiftHold, NewHold, SetHold};
pub use list::{ListHolds, ListPurges};
pub use plan::PlanPurge;
pub use run::{MayNotPurge, RunnablePurge};
pub use show::ShownPurge;
pub use standing::{ApproveStandingOrder, RevokeStandingOrder, SetStandingOrder};

/// How many records are read at once.
const PAGE: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// What a change of a plan or a hold comes to.
pub(super) struct Decided {
    pub(super) result: ReplayResult,
    pub(super) detail: [u8; 32],
    pub(super) count: u32,
    pub(super) writes: Vec<Write>,
    /// The child that was named, for the entry's opening.
    pub(super) named: Option<Subject>,
}

/// A change of a plan or a hold that a person asks for.
#[async_trait::async_trait]
pub(super) trait DecidePurge: WriteRequest + Sync {
    /// Reads what it rests on, and says what is written. Called again where that changed meanwhile.
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined>;
}

impl Directory {
    /// Decides a change and puts it on record; a repeat gives the first result.
    pub(super) async fn change_purge<R: DecidePurge>(
        &self,
        presented: &Presented,
        request: &Result<R, Invalid>,
    ) -> Result<Written<ReplayResult>, Refusal> {
        let (mut leave, request) = match self.begin_write(presented, request).await? {
            Begun::New(leave, request) => (leave, request),
            Begun::Repeat(first) => return Ok(first),
        };
        let decided = match request.decide(self, &mut leave).await {
            Ok(decided) => decided,
            Err(Declined::Refused(reason)) => return Err(self.give_up(leave, reason).await),
            Err(Declined::Store(error)) => return Err(error.into()),
        };
        let Decided { result, detail, count, writes, named } = decided;
        let change = OwnChange { result: result.clone(), detail, count, writes, named };
        let receipt = self.finish_about(leave, change).await?;
        Ok(Written { result, receipt })
    }

    /// The plan of this id and its version; the commit will rest on it.
    async fn plan(
        &self,
        permit: &mut Permit,
        id: PurgeId,
    ) -> Result<Option<(Receipt, PurgePlan)>, StoreError> {
        match self.look_up(permit, RecordKey::Purge(id)).await? {
            None => Ok(None),
            Some((version, Record::Purge(plan))) => Ok(Some((version, *plan))),
            Some(_) => Err(StoreError::Damaged),
        }
    }

    /// Every hold that there is or was.
    pub(super) async fn holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let mut holds = Vec::new();
        let mut after = None;
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Hold), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for Stored { record, .. } in page {
                let Record::Hold(hold) = record else { return Err(StoreError::Damaged) };
                holds.push(*hold);
            }
            if is_last {
                return Ok(holds);
            }
        }
    }

    /// The holds that stand.
    pub(super) async fn standing_holds(&self) -> Result<Vec<LegalHold>, StoreError> {
        let mut holds = self.holds().await?;
        holds.retain(LegalHold::stands);
        holds.sort_by_key(|hold| hold.id);
        Ok(holds)
    }

    /// Whether the clock is to be trusted for what destroys; the commit will rest on its not being in
    /// doubt.
    pub(super) async fn clock_is_sure(&self, permit: &mut Permit) -> Result<(), Declined> {
        permit.rest_on(Precondition::Absent(RecordKey::ClockDoubt));
        match self.may_destroy().await {
            Ok(()) => Ok(()),
            Err(super::MayNotDestroy::ClockInDoubt) => Err(Reason::ClockInDoubt.into()),
            Err(super::MayNotDestroy::Store(error)) => Err(error.into()),
        }
    }
}

/// What a repeat of a write on a plan was first answered with.
fn purge_of(first: &Written<ReplayResult>) -> Result<Written<PurgeId>, Refusal> {
    let ReplayResult::Purge(result) = first.result else { return Err(StoreError::Damaged.into()) };
    Ok(Written { result, receipt: first.receipt })
}

/// The entry's detail: the purge or hold, and the first half of a plan's digest.
pub(super) fn detail(about: &[u8; 16], digest: Option<&[u8; 32]>) -> [u8; 32] {
    let mut detail = [0; 32];
    detail[..16].copy_from_slice(about);
    if let Some(digest) = digest {
        detail[16..].copy_from_slice(&digest[..16]);
    }
    detail
}
