//! Legal holds: set by two names and lifted by two names, of purge approvers and privacy officers.

use async_trait::async_trait;
use jiff::ToSpan;
use serde::Serialize;

use super::super::onboarding::change::{Declined, register_requests};
use super::super::replay::Written;
use super::super::write::Leave;
use super::super::{Directory, Presented};
use super::{DecidePurge, Decided, detail};
use crate::commit::Write;
use crate::id::{HoldId, PersonId, RequestId};
use crate::purge::{Held, LegalHold};
use crate::record::{FirstName, Record, ReplayResult};
use crate::refusal::{Invalid, Reason, Refusal};
use crate::store::StoreError;
use crate::terms::{Action, HoldGround};
use crate::text::CaseReference;

/// How long a first name waits for the second.
const NAME_WAITS_HOURS: i64 = 7 * 24;

/// One of the two names that set a hold.
#[derive(Clone, Debug, Serialize)]
pub struct SetHold {
    /// The client's id of this write.
    pub request: RequestId,
    /// Which of the two.
    pub name: HoldName,
}

/// Which of the two names of a hold.
#[derive(Clone, Debug, Serialize)]
pub enum HoldName {
    /// The first, with what is to be held back.
    First(NewHold),
    /// The second, of a hold that waits for it. Whoever gives it is not told which child it is of, and
    /// vouches for its case.
    Second {
        /// The hold.
        hold: HoldId,
        /// Its case reference, given once more.
        case: CaseReference,
    },
}

/// What is to be held back.
#[derive(Clone, Debug, Serialize)]
pub struct NewHold {
    /// What.
    pub held: Held,
    /// On which ground.
    pub ground: HoldGround,
    /// The case file by which somebody answers for it.
    pub case: CaseReference,
}

/// One of the two names that lift a hold.
#[derive(Clone, Debug, Serialize)]
pub struct LiftHold {
    /// The client's id of this write.
    pub request: RequestId,
    /// The hold.
    pub hold: HoldId,
}

register_requests! {
    SetHold => SetHold;
    LiftHold => LiftHold;
}

impl Directory {
    /// Gives one of the two names that set a hold. It holds nothing back before the second.
    pub async fn set_hold(
        &self,
        presented: &Presented,
        request: &Result<SetHold, Invalid>,
    ) -> Result<Written<LegalHold>, Refusal> {
        let written = retry_contended!(self.change_purge(presented, request))?;
        self.hold_of(&written).await
    }

    /// Gives one of the two names that lift a hold.
    pub async fn lift_hold(
        &self,
        presented: &Presented,
        request: &Result<LiftHold, Invalid>,
    ) -> Result<Written<LegalHold>, Refusal> {
        let written = retry_contended!(self.change_purge(presented, request))?;
        self.hold_of(&written).await
    }

    /// The hold as it stands now, without the child it is of.
    async fn hold_of(
        &self,
        written: &Written<ReplayResult>,
    ) -> Result<Written<LegalHold>, Refusal> {
        let ReplayResult::Hold(id) = written.result else { return Err(StoreError::Damaged.into()) };
        let stored = self.store.read(&crate::record::RecordKey::Hold(id)).await?;
        let Some(Record::Hold(hold)) = stored.map(|stored| stored.record) else {
            return Err(StoreError::Damaged.into());
        };
        Ok(Written { result: hold.without_child(), receipt: written.receipt })
    }

    /// A change of what is held back: not while a run has begun that has not left its generation yet, for
    /// it holds back what stood when it began. It writes the service's state anew, on which the beginning
    /// of a run rests.
    async fn change_of_holds(&self, mut decided: Decided) -> Result<Decided, Declined> {
        let (service, _) = self.service_state().await?;
        if !service.frozen.is_empty() {
            let problem = "a purge is being run; what is held back can be changed in a while";
            return Err(Reason::WrongState(problem).into());
        }
        decided.writes.push(Write::Put(Record::Service(service)));
        Ok(decided)
    }

    fn first_name(&self, person: PersonId) -> FirstName {
        let until = self.now().saturating_add(NAME_WAITS_HOURS.hours());
        FirstName { person, until: until.expect("hours are a fixed span") }
    }

    /// Whether this first name still waits and may still be given. A second name of the same person or
    /// of one who is not independent of it is refused.
    async fn first_name_waits(
        &self,
        leave: &mut Leave,
        first: FirstName,
        action: Action,
    ) -> Result<bool, Declined> {
        if first.until <= self.now() || !self.name_still_counts(first.person, action, leave).await?
        {
            return Ok(false);
        }
        let me = leave.identity.person();
        if first.person == me {
            return Err(Reason::SameName.into());
        }
        if !self.are_independent(&mut leave.permit, (first.person, me)).await? {
            return Err(Reason::NotIndependent.into());
        }
        Ok(true)
    }
}

#[async_trait]
impl DecidePurge for SetHold {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        match &self.name {
            HoldName::First(new) => begin(directory, leave, new).await,
            HoldName::Second { hold, case } => {
                let Some(found) = directory.hold(&mut leave.permit, *hold).await? else {
                    return Err(Reason::Unknown("hold").into());
                };
                let waits = found.second.is_none()
                    && directory.first_name_waits(leave, found.first, Action::SetHold).await?;
                if !waits {
                    let problem = "the hold does not wait for a second name";
                    return Err(Reason::WrongState(problem).into());
                }
                if found.case != *case {
                    let problem = "is not the case reference of the hold";
                    return Err(Reason::Invalid(Invalid::field("case_reference", problem)).into());
                }
                let second = Some(leave.identity.person());
                directory.change_of_holds(decided(LegalHold { second, ..*found }, 2)).await
            }
        }
    }
}

async fn begin(
    directory: &Directory,
    leave: &mut Leave,
    new: &NewHold,
) -> Result<Decided, Declined> {
    let named = match &new.held {
        Held::Child(subject) => subject.clone(),
        Held::Organisation(id) => {
            if directory.organisation(&mut leave.permit, *id).await?.is_none() {
                return Err(Reason::Unknown("organisation").into());
            }
            None
        }
    };
    let hold = LegalHold {
        id: HoldId::new(directory.random()),
        held: new.held.clone(),
        ground: new.ground,
        case: new.case.clone(),
        first: directory.first_name(leave.identity.person()),
        second: None,
        lifting: None,
        lifted_by: None,
    };
    Ok(Decided { named, ..decided(hold, 1) })
}

#[async_trait]
impl DecidePurge for LiftHold {
    async fn decide(&self, directory: &Directory, leave: &mut Leave) -> Result<Decided, Declined> {
        let Some(found) = directory.hold(&mut leave.permit, self.hold).await? else {
            return Err(Reason::Unknown("hold").into());
        };
        if !found.stands() {
            return Err(Reason::WrongState("the hold does not stand").into());
        }
        let me = leave.identity.person();
        if let Some(first) = found.lifting
            && directory.first_name_waits(leave, first, Action::LiftHold).await?
        {
            let lifted = decided(found.lifted((first.person, me)), 2);
            return directory.change_of_holds(lifted).await;
        }
        let lifting = Some(directory.first_name(me));
        Ok(decided(LegalHold { lifting, ..*found }, 1))
    }
}

/// A hold as it is to stand, after so many names.
fn decided(hold: LegalHold, names: u32) -> Decided {
    Decided {
        result: ReplayResult::Hold(hold.id),
        detail: detail(hold.id.as_bytes(), None),
        count: names,
        writes: vec![Write::Put(Record::Hold(Box::new(hold)))],
        named: None,
    }
}
