//! The clock in doubt: a step ahead is put on record and holds back whatever destroys or closes,
//! until two people have confirmed it whom no one person let in.

use std::num::NonZeroUsize;

use jiff::{Timestamp, ToSpan};
use serde::Serialize;

use super::replay::Written;
use super::write::{Begun, Leave, OwnChange, WriteRequest};
use super::{Directory, Presented};
use crate::commit::{Commit, Effect, Write};
use crate::entry::Entry;
use crate::id::{Receipt, RequestId};
use crate::permit::Permit;
use crate::record::{ClockDoubt, FirstName, Record, RecordKey, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::{Store, StoreError};
use crate::terms::{Action, Outcome};

/// How long the first name waits for the second.
const NAME_WAITS_HOURS: i64 = 24;

/// One of the two names that confirm the clock.
#[derive(Clone, Debug, Serialize)]
pub struct ClockConfirmation {
    /// The client's id of this write.
    pub request: RequestId,
}

/// How far a confirmation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockProgress {
    /// It waits for a second name, of another person.
    AwaitingSecondName,
    /// Both names are given: the clock is no longer in doubt.
    Complete,
}

/// Why nothing may be destroyed and nothing closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MayNotDestroy {
    /// The clock is in doubt.
    #[error("the clock stepped ahead, and two people have yet to confirm it")]
    ClockInDoubt,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Directory {
    /// Whether anything may be destroyed or closed now. To be asked before each such step: a plan's,
    /// a turn's, a closing's. Asking, answering and recording need no such leave.
    pub async fn may_destroy(&self) -> Result<(), MayNotDestroy> {
        // A step that was seen counts before it is on record.
        if self.clock.step().is_some() {
            return Err(MayNotDestroy::ClockInDoubt);
        }
        match self.store.read(&RecordKey::ClockDoubt).await? {
            None => Ok(()),
            Some(_) => Err(MayNotDestroy::ClockInDoubt),
        }
    }

    /// Puts a step of the clock on record, if one was seen: from there on the clock is in doubt,
    /// and a first name given before is void. The entry counts the seconds of the step. Called at
    /// the start, and once a second.
    pub async fn record_clock_step(&self) -> Result<Option<Receipt>, Refusal> {
        let Some(step) = self.clock.step() else { return Ok(None) };
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::NoteClockStep, None, policy, Vec::new());
        let effect = Effect {
            count: u32::try_from(step.ahead.as_secs()).unwrap_or(u32::MAX),
            writes: vec![Write::Put(Record::ClockDoubt(ClockDoubt { first: None }))],
            ..Effect::new(Outcome::Done)
        };
        let receipt = self.commit(Commit::permitted(permit, effect)).await?;
        self.clock.settle(step);
        Ok(Some(receipt))
    }

    /// Gives one of the two names that confirm the clock; the entry counts them.
    pub async fn confirm_clock(
        &self,
        presented: &Presented,
        confirmation: &Result<ClockConfirmation, Invalid>,
    ) -> Result<Written<ClockProgress>, Refusal> {
        retry_contended!(self.confirm_clock_once(presented, confirmation))
    }

    async fn confirm_clock_once(
        &self,
        presented: &Presented,
        confirmation: &Result<ClockConfirmation, Invalid>,
    ) -> Result<Written<ClockProgress>, Refusal> {
        let mut leave = match self.begin_write(presented, confirmation).await? {
            Begun::New(leave, _) => leave,
            Begun::Repeat(first) => return progress_of(&first),
        };
        let Some(doubt) = self.clock_doubt(&mut leave).await? else {
            return Err(self.give_up(leave, Reason::NothingToConfirm).await);
        };
        let me = leave.identity.person();
        let (result, count, write) = match self.waiting_name(&doubt, &mut leave).await? {
            Some(first) if first.person == me => {
                return Err(self.give_up(leave, Reason::SameName).await);
            }
            Some(first) if !self.are_independent(&mut leave.permit, (first.person, me)).await? => {
                return Err(self.give_up(leave, Reason::NotIndependent).await);
            }
            Some(_) => (ReplayResult::ClockConfirmed, 2, Write::Remove(RecordKey::ClockDoubt)),
            None => {
                let until = self.now().saturating_add(NAME_WAITS_HOURS.hours());
                let until = until.expect("hours are a fixed span");
                let doubt = ClockDoubt { first: Some(FirstName { person: me, until }) };
                let write = Write::Put(Record::ClockDoubt(doubt));
                (ReplayResult::ClockConfirmationBegun, 1, write)
            }
        };
        let answered = result.clone();
        let change = OwnChange {
            result: answered,
            detail: [0; 32],
            count,
            writes: vec![write],
            named: None,
        };
        let receipt = self.finish_own(leave, change).await?;
        progress_of(&Written { result, receipt })
    }

    /// The doubt there is; the commit will rest on it, so that a further step makes it fail.
    async fn clock_doubt(&self, leave: &mut Leave) -> Result<Option<ClockDoubt>, StoreError> {
        let key = RecordKey::ClockDoubt;
        let Some(stored) = self.store.read(&key).await? else { return Ok(None) };
        leave.rest_on(key, stored.version);
        if let Record::ClockDoubt(doubt) = stored.record {
            Ok(Some(doubt))
        } else {
            Err(StoreError::Damaged)
        }
    }

    /// The first name, if it still waits and its person may still give it.
    async fn waiting_name(
        &self,
        doubt: &ClockDoubt,
        leave: &mut Leave,
    ) -> Result<Option<FirstName>, StoreError> {
        let Some(first) = doubt.first.filter(|first| first.until > self.now()) else {
            return Ok(None);
        };
        let counts = self.name_still_counts(first.person, Action::ConfirmClock, leave).await?;
        Ok(Some(first).filter(|_| counts))
    }
}

/// The time of the last entry.
pub(super) async fn last_entry_time(store: &dyn Store) -> Result<Option<Timestamp>, StoreError> {
    let Some((_, last)) = last_entry(store).await? else { return Ok(None) };
    let time_ms = i64::try_from(last.time_ms()).unwrap_or(i64::MAX);
    Timestamp::from_millisecond(time_ms).map(Some).map_err(|_| StoreError::Damaged)
}

/// The last entry and its index. A store tells entries by their index alone, so it is found by
/// strides: longer ones as long as there is an entry, then shorter ones.
pub(super) async fn last_entry(store: &dyn Store) -> Result<Option<(Receipt, Entry)>, StoreError> {
    let (mut last, mut count, mut stride) = (None, 0, 1);
    while stride > 0 {
        let found = store.entries(Receipt(count + stride - 1), NonZeroUsize::MIN).await?;
        if let Some(entry) = found.first() {
            last = Some((Receipt(count + stride - 1), *entry));
            count += stride;
            stride *= 2;
        } else {
            stride /= 2;
        }
    }
    Ok(last)
}

fn progress_of(first: &Written<ReplayResult>) -> Result<Written<ClockProgress>, Refusal> {
    let result = match first.result {
        ReplayResult::ClockConfirmationBegun => ClockProgress::AwaitingSecondName,
        ReplayResult::ClockConfirmed => ClockProgress::Complete,
        ReplayResult::Flag(_)
        | ReplayResult::ShieldSet
        | ReplayResult::LiftBegun(_)
        | ReplayResult::Lifted(_)
        | ReplayResult::Register(_)
        | ReplayResult::Purge(_)
        | ReplayResult::Hold(_)
        | ReplayResult::StandingOrder(_)
        | ReplayResult::Decommissioning(_) => return Err(StoreError::Damaged.into()),
    };
    Ok(Written { result, receipt: first.receipt })
}

impl WriteRequest for ClockConfirmation {
    const ACTION: Action = Action::ConfirmClock;

    fn request(&self) -> RequestId {
        self.request
    }
}
