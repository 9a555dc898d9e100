//! Beginning a run: from here on what its purges take is left out of every answer.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Due, RunError};
use crate::commit::{Precondition, Write};
use crate::directory::Directory;
use crate::directory::purge::MayNotPurge;
use crate::id::{Receipt, RunId};
use crate::purge::{LegalHold, PurgeMode, PurgePlan, PurgeRun, PurgeScope, suppress};
use crate::record::{Record, RecordKey};
use crate::refusal::Refusal;
use crate::register::ServiceState;
use crate::store::StoreError;
use crate::terms::{PurgeState, ScopeKind};

impl Directory {
    /// Begins a run with the purges that are due, if there are any.
    pub(super) async fn begin_run(&self, due: Due) -> Result<Option<PurgeState>, RunError> {
        let (plans, holds) = self.due_plans(due).await?;
        if plans.is_empty() {
            return Ok(None);
        }
        // What an earlier turn left is its own, and the store takes one at a time.
        self.finish_turn().await?;
        let run = PurgeRun {
            id: RunId::new(self.random()),
            plans: plans.iter().map(|(plan, _)| plan.id).collect(),
            holds: holds.iter().map(|hold| hold.id).collect(),
            begun: self.now(),
            state: PurgeState::Frozen,
            steps: Vec::new(),
            left: None,
            destroyed: None,
            erased: None,
            searched: None,
        };
        // Whoever sets a hold writes the service's state anew, and so does this.
        let (service, version) = self.service_state().await?;
        let mut rests_on = vec![
            Precondition::Absent(RecordKey::PurgeRun),
            Precondition::Absent(RecordKey::ClockDoubt),
            Precondition::At(RecordKey::Service, version),
        ];
        if self.standing_holds().await? != holds {
            return Err(Refusal::Contended.into());
        }
        let service = ServiceState { frozen: run.plans.clone(), ..service };
        let mut writes = vec![Write::Put(Record::Service(service))];
        for (plan, version) in &plans {
            rests_on.push(Precondition::At(RecordKey::Purge(plan.id), *version));
            let mut frozen = PurgePlan { state: PurgeState::Frozen, ..plan.clone() };
            frozen.note_entries(*version);
            writes.push(Write::Put(Record::Purge(Box::new(frozen))));
        }
        self.mark_suppressed(&plans, &mut rests_on, &mut writes).await?;
        self.record_step(&run, rests_on, writes).await?;
        Ok(Some(PurgeState::Frozen))
    }

    /// The plans that may be begun now, the one that waits longest first, and the holds that stand.
    async fn due_plans(
        &self,
        due: Due,
    ) -> Result<(Vec<(PurgePlan, Receipt)>, Vec<LegalHold>), RunError> {
        let now = self.now();
        let mut waiting = Vec::new();
        for plan in self.plans().await? {
            let is_child = plan.scope.kind() == ScopeKind::Child;
            let waits_for_others = is_child && due == Due::NoChildren;
            if plan.may_run_at(now).is_ok() && !waits_for_others {
                waiting.push((plan.not_before, plan.id));
            }
        }
        waiting.sort_unstable();
        let (mut plans, mut holds) = (Vec::new(), Vec::new());
        for (_, id) in waiting.into_iter().take(PurgeRun::PLANS_MAX) {
            match self.may_begin_purge(id).await {
                Ok(runnable) => {
                    plans.push((runnable.plan, runnable.version));
                    holds = runnable.holds;
                }
                // That of all waits for the holds to be lifted.
                Err(MayNotPurge::Held | MayNotPurge::Plan(_) | MayNotPurge::Unknown) => {}
                Err(MayNotPurge::MayNotDestroy(why)) => return Err(why.into()),
                Err(MayNotPurge::Store(error)) => return Err(error.into()),
            }
        }
        Ok((plans, holds))
    }

    /// Marks the children that are to be suppressed: from this commit on writes about them are discarded.
    async fn mark_suppressed(
        &self,
        plans: &[(PurgePlan, Receipt)],
        rests_on: &mut Vec<Precondition>,
        writes: &mut Vec<Write>,
    ) -> Result<(), StoreError> {
        let stored = self.store.read(&RecordKey::MarkerKey).await?;
        let version = stored.as_ref().map(|stored| stored.version);
        let mut key = match stored.map(|stored| stored.record) {
            None => None,
            Some(Record::MarkerKey(key)) => Some(key),
            Some(_) => return Err(StoreError::Damaged),
        };
        for (plan, _) in plans {
            let PurgeScope::Child { subject: Some(subject), mode: PurgeMode::Suppress { until } } =
                &plan.scope
            else {
                continue;
            };
            let until = end_of(*until);
            for record in suppress(subject, plan.id, until, key.take(), self.random()) {
                if let Record::MarkerKey(made) = &record {
                    key = Some(made.clone());
                } else {
                    writes.push(Write::Put(record));
                }
            }
        }
        if let Some(key) = key.filter(|_| writes.iter().any(puts_suppression)) {
            rests_on.push(Precondition::unchanged(RecordKey::MarkerKey, version));
            writes.push(Write::Put(Record::MarkerKey(key)));
        }
        Ok(())
    }
}

fn puts_suppression(write: &Write) -> bool {
    matches!(write, Write::Put(Record::Suppression(_)))
}

/// The moment at which this day is over, in UTC.
fn end_of(day: jiff::civil::Date) -> Timestamp {
    let next = day.tomorrow().unwrap_or(day);
    next.to_zoned(TimeZone::UTC).map_or(Timestamp::MAX, |zoned| zoned.timestamp())
}
