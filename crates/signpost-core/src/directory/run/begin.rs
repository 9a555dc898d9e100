//! Beginning a run: from here on what its purges take is left out of every answer.

use super::{Due, RunError};
use crate::commit::{Precondition, Write};
use crate::directory::Directory;
use crate::directory::purge::MayNotPurge;
use crate::id::{Receipt, RunId};
use crate::purge::{LegalHold, PurgePlan, PurgeRun};
use crate::record::{Record, RecordKey};
use crate::refusal::Refusal;
use crate::register::ServiceState;
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
        let suppressed = plans.iter().map(|(plan, _)| plan);
        let (unchanged, markers) = self.suppression_writes(suppressed).await?;
        rests_on.extend(unchanged);
        writes.extend(markers);
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
}
