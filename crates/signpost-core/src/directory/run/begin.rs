//! Beginning a run: from here on what its purges take is left out of every answer.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Due, RunError};
use crate::commit::{Precondition, Write};
use crate::directory::Directory;
use crate::id::{Receipt, RunId};
use crate::purge::{LegalHold, PurgeMode, PurgePlan, PurgeRun, PurgeScope, suppress};
use crate::record::{Kind, Record, RecordKey};
use crate::register::ServiceState;
use crate::store::StoreError;
use crate::terms::{PurgeState, ScopeKind};

impl Directory {
    /// Begins a run with the purges that are due, if there are any.
    pub(super) async fn begin_run(&self, due: Due) -> Result<Option<PurgeState>, RunError> {
        let holds = self.standing_holds().await?;
        let plans = self.due_plans(due, &holds).await?;
        if plans.is_empty() {
            return Ok(None);
        }
        // What an earlier turn left is its own, and the store takes one at a time.
        self.finish_turn().await?;
        self.may_destroy().await?;
        let run = PurgeRun {
            id: RunId::new(self.random()),
            plans: plans.iter().map(|(plan, _)| plan.id).collect(),
            holds: holds.iter().map(|(hold, _)| hold.id).collect(),
            begun: self.now(),
            state: PurgeState::Frozen,
            steps: Vec::new(),
            left: None,
            destroyed: None,
            erased: None,
            searched: None,
        };
        let (service, service_version) = self.service_state().await?;
        let mut rests_on = vec![
            Precondition::Absent(RecordKey::PurgeRun),
            Precondition::Absent(RecordKey::ClockDoubt),
            Precondition::At(RecordKey::Service, service_version),
        ];
        rests_on.extend(
            holds
                .iter()
                .map(|(hold, version)| Precondition::At(RecordKey::Hold(hold.id), *version)),
        );
        let service = ServiceState { frozen: run.plans.clone(), ..service };
        let mut writes = vec![Write::Put(Record::Service(service))];
        for (plan, version) in &plans {
            rests_on.push(Precondition::At(RecordKey::Purge(plan.id), *version));
            let frozen = PurgePlan { state: PurgeState::Frozen, ..plan.clone() };
            writes.push(Write::Put(Record::Purge(Box::new(frozen))));
        }
        self.mark_suppressed(&plans, &mut rests_on, &mut writes).await?;
        self.record_step(&run, rests_on, writes).await?;
        Ok(Some(PurgeState::Frozen))
    }

    /// The plans that may be run now, the one that waits longest first. That of all waits for holds to be
    /// lifted.
    async fn due_plans(
        &self,
        due: Due,
        holds: &[(LegalHold, Receipt)],
    ) -> Result<Vec<(PurgePlan, Receipt)>, StoreError> {
        let now = self.now();
        let mut plans = Vec::new();
        self.each_of(Kind::Purge, |version, record| {
            let Record::Purge(plan) = record else { return Err(StoreError::Damaged) };
            let waits = match plan.scope.kind() {
                ScopeKind::Child => due == Due::NoChildren,
                ScopeKind::All => !holds.is_empty(),
                ScopeKind::Organisation
                | ScopeKind::System
                | ScopeKind::Person
                | ScopeKind::Expired => false,
            };
            if plan.may_run_at(now).is_ok() && !waits {
                plans.push((*plan, version));
            }
            Ok(())
        })
        .await?;
        plans.sort_by_key(|(plan, _)| (plan.not_before, plan.id));
        plans.truncate(PurgeRun::PLANS_MAX);
        Ok(plans)
    }

    async fn standing_holds(&self) -> Result<Vec<(LegalHold, Receipt)>, StoreError> {
        let mut holds = Vec::new();
        self.each_of(Kind::Hold, |version, record| {
            let Record::Hold(hold) = record else { return Err(StoreError::Damaged) };
            if hold.stands() {
                holds.push((*hold, version));
            }
            Ok(())
        })
        .await?;
        Ok(holds)
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
