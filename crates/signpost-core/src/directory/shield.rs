//! Shielding a child whose whereabouts must not be found, and, by two names, lifting the shield.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;

use super::child::{Child, all_shields, load_all, load_family};
use super::replay::Written;
use super::write::{Begun, Change, Leave, WriteRequest};
use super::{Directory, Presented};
use crate::commit::Write;
use crate::id::{ActorId, LiftId, RequestId};
use crate::purge::Taken;
use crate::quota::Counted;
use crate::record::{Lift, Record, RecordKey, ReplayResult, Shield};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::subject::Subject;
use crate::terms::{Action, ShieldKind};

/// A shield is looked at again within this time.
const REVIEW_MONTHS_MAX: i64 = 6;

/// How long a lifting waits for its second name.
const LIFT_WAITS_HOURS: i64 = 7 * 24;

/// A shield to be laid on a child.
#[derive(Clone, Debug, Serialize)]
pub struct NewShield {
    /// The client's id of this write.
    pub request: RequestId,
    /// The child.
    pub subject: Subject,
    /// Why.
    pub kind: ShieldKind,
    /// The day by which it is to be looked at again, at most 6 months on.
    pub review_due: Date,
}

/// One of the two names that lift a shield.
#[derive(Clone, Debug, Serialize)]
pub struct ShieldLift {
    /// The client's id of this write.
    pub request: RequestId,
    /// The child.
    pub subject: Subject,
    /// None to begin; for the second name, what the first was given.
    pub lift: Option<LiftId>,
}

/// How far a lifting is. It says nothing of whether there was a shield.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiftProgress {
    /// It waits for a second name, who needs this id.
    AwaitingSecondName(LiftId),
    /// Both names are given.
    Complete(LiftId),
}

impl Directory {
    /// Shields a child, known or not, under every pseudonym that flags tie to those given.
    pub async fn set_shield(
        &self,
        presented: &Presented,
        shield: &Result<NewShield, Invalid>,
    ) -> Result<Written<()>, Refusal> {
        retry_contended!(self.set_shield_once(presented, shield))
    }

    async fn set_shield_once(
        &self,
        presented: &Presented,
        shield: &Result<NewShield, Invalid>,
    ) -> Result<Written<()>, Refusal> {
        let (leave, new) = match self.begin_write(presented, shield).await? {
            Begun::New(leave, new) => (leave, new),
            Begun::Repeat(first) => return Ok(Written { result: (), receipt: first.receipt }),
        };
        let counted = match self.count_use(&leave.identity, &new.subject) {
            Ok(counted) => counted,
            Err(spent) => return Err(self.give_up(leave, Reason::Budget(spent)).await),
        };
        let today = self.today();
        let latest = today.saturating_add(REVIEW_MONTHS_MAX.months());
        if new.review_due <= today || new.review_due > latest {
            let problem = "must be later than today and at most 6 months on";
            let invalid = Invalid::field("review_due", problem);
            return Err(self.give_up(leave, Reason::Invalid(invalid)).await);
        }
        let Some(mut family) = self.family(&new.subject, &leave.identity.frozen).await? else {
            // It tells that the child is tied, and so it costs.
            let (named, reason) = (&new.subject, Reason::LimitReached);
            return Err(self.give_up_telling(leave, named, reason, counted).await);
        };
        lay_anew(&mut family, new, leave.identity.person.actor);
        let change = Change {
            named: &new.subject,
            subject: &new.subject,
            result: ReplayResult::ShieldSet,
            touched: &family,
            writes: Vec::new(),
        };
        let receipt = self.finish_counted(leave, change, counted).await?;
        Ok(Written { result: (), receipt })
    }

    /// Gives one of the two names that lift a shield.
    pub async fn lift_shield(
        &self,
        presented: &Presented,
        lift: &Result<ShieldLift, Invalid>,
    ) -> Result<Written<LiftProgress>, Refusal> {
        retry_contended!(self.lift_shield_once(presented, lift))
    }

    async fn lift_shield_once(
        &self,
        presented: &Presented,
        lift: &Result<ShieldLift, Invalid>,
    ) -> Result<Written<LiftProgress>, Refusal> {
        match self.begin_write(presented, lift).await? {
            Begun::Repeat(first) => {
                let result = match first.result {
                    ReplayResult::LiftBegun(id) => LiftProgress::AwaitingSecondName(id),
                    ReplayResult::Lifted(id) => LiftProgress::Complete(id),
                    ReplayResult::Flag(_)
                    | ReplayResult::ShieldSet
                    | ReplayResult::ClockConfirmationBegun
                    | ReplayResult::ClockConfirmed
                    | ReplayResult::Register(_)
                    | ReplayResult::Purge(_)
                    | ReplayResult::Hold(_)
                    | ReplayResult::StandingOrder(_)
                    | ReplayResult::Decommissioning(_) => return Err(StoreError::Damaged.into()),
                };
                Ok(Written { result, receipt: first.receipt })
            }
            Begun::New(leave, request) => {
                match (self.count_use(&leave.identity, &request.subject), request.lift) {
                    (Err(spent), _) => Err(self.give_up(leave, Reason::Budget(spent)).await),
                    (Ok(counted), None) => self.begin_lift(leave, request, counted).await,
                    (Ok(counted), Some(id)) => {
                        self.complete_lift(leave, request, id, counted).await
                    }
                }
            }
        }
    }

    async fn begin_lift(
        &self,
        leave: Leave,
        request: &ShieldLift,
        counted: Counted,
    ) -> Result<Written<LiftProgress>, Refusal> {
        let id = LiftId::new(self.random());
        let until = self.now().saturating_add(LIFT_WAITS_HOURS.hours());
        let lift = Lift {
            id,
            subject: request.subject.clone(),
            proposer: leave.identity.person(),
            until: until.expect("hours are a fixed span"),
        };
        let change = Change {
            named: &request.subject,
            subject: &request.subject,
            result: ReplayResult::LiftBegun(id),
            touched: &[],
            writes: vec![Write::Put(Record::Lift(lift))],
        };
        let receipt = self.finish_counted(leave, change, counted).await?;
        Ok(Written { result: LiftProgress::AwaitingSecondName(id), receipt })
    }

    async fn complete_lift(
        &self,
        mut leave: Leave,
        request: &ShieldLift,
        id: LiftId,
        counted: Counted,
    ) -> Result<Written<LiftProgress>, Refusal> {
        let key = RecordKey::Lift(id);
        let Some(lift) = self.waiting_lift(&key, &mut leave).await? else {
            return Err(self.give_up(leave, Reason::NotFound).await);
        };
        if lift.until <= self.now() || !lift.subject.is_same_as(&request.subject) {
            return Err(self.give_up(leave, Reason::NotFound).await);
        }
        if lift.proposer == leave.identity.person() {
            return Err(self.give_up(leave, Reason::SameName).await);
        }
        if !self.name_still_counts(lift.proposer, Action::LiftShield, &mut leave).await? {
            return Err(self.give_up(leave, Reason::NotFound).await);
        }
        let Some(mut family) = self.family(&request.subject, &leave.identity.frozen).await? else {
            let (named, reason) = (&request.subject, Reason::LimitReached);
            return Err(self.give_up_telling(leave, named, reason, counted).await);
        };
        // What was set on another child, and spread here by a flag, stays: lifting it here would
        // uncover that child unseen.
        for child in &mut family {
            child.shields.retain(|shield| !was_set_on(shield, &request.subject));
        }
        let change = Change {
            named: &request.subject,
            subject: &request.subject,
            result: ReplayResult::Lifted(id),
            touched: &family,
            writes: vec![Write::Remove(key)],
        };
        let receipt = self.finish_counted(leave, change, counted).await?;
        Ok(Written { result: LiftProgress::Complete(id), receipt })
    }

    /// The lifting of this id; the commit will rest on it, so that it completes once.
    async fn waiting_lift(
        &self,
        key: &RecordKey,
        leave: &mut Leave,
    ) -> Result<Option<Lift>, StoreError> {
        let Some(stored) = self.store.read(key).await? else { return Ok(None) };
        leave.rest_on(key.clone(), stored.version);
        if let Record::Lift(lift) = stored.record {
            Ok(Some(lift))
        } else {
            Err(StoreError::Damaged)
        }
    }

    /// All that flags tie to this subject, and to what else its own shields were set on together
    /// with it; none if they are too many.
    async fn family(
        &self,
        subject: &Subject,
        frozen: &Taken,
    ) -> Result<Option<Vec<Child>>, StoreError> {
        let mut children = load_all(&*self.store, frozen, subject.pseudonyms()).await?;
        loop {
            let Some(family) = load_family(&*self.store, frozen, children).await? else {
                return Ok(None);
            };
            let missing = all_shields(&family)
                .into_iter()
                .filter(|shield| was_set_on(shield, subject))
                .flat_map(|shield| shield.set_on)
                .find(|named| family.iter().all(|child| child.pseudonym != *named));
            let Some(missing) = missing else { return Ok(Some(family)) };
            children = family;
            children.push(Child::load(&*self.store, frozen, &missing).await?);
        }
    }
}

/// Lays the new shield on each of them, in the place of those set on the same child before. A
/// protected identity stays one until it is lifted by two names.
fn lay_anew(family: &mut [Child], new: &NewShield, set_by: ActorId) {
    let mut kind = new.kind;
    let mut set_on: Vec<_> =
        new.subject.pseudonyms().iter().map(|named| named.pseudonym.clone()).collect();
    for earlier in all_shields(family).into_iter().filter(|s| was_set_on(s, &new.subject)) {
        kind = kind.max(earlier.kind);
        for pseudonym in earlier.set_on {
            if !set_on.contains(&pseudonym) {
                set_on.push(pseudonym);
            }
        }
    }
    let shield = Shield { kind, review_due: new.review_due, set_by, set_on };
    for child in family {
        child.shields.retain(|earlier| !was_set_on(earlier, &new.subject));
        child.shields.push(shield.clone());
    }
}

fn was_set_on(shield: &Shield, subject: &Subject) -> bool {
    shield.set_on.iter().any(|pseudonym| subject.contains(pseudonym))
}

impl WriteRequest for NewShield {
    const ACTION: Action = Action::SetShield;

    fn request(&self) -> RequestId {
        self.request
    }
}

impl WriteRequest for ShieldLift {
    const ACTION: Action = Action::LiftShield;

    fn request(&self) -> RequestId {
        self.request
    }
}
