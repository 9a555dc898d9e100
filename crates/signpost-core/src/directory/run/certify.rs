//! The end of a run: what a certificate is made of, and that it is on record.

use std::num::NonZeroUsize;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::{RunError, Running};
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::directory::Directory;
use crate::id::{ActorId, PurgeId, Receipt};
use crate::permit::Permit;
use crate::purge::{LegalHold, PurgeCertificate, PurgePlan, PurgeRun};
use crate::record::{Record, RecordKey};
use crate::register::ServiceState;
use crate::store::StoreError;
use crate::terms::{Action, Outcome, PurgeState};

/// What is known of a purge that is run, for its certificate.
#[derive(Clone, Debug)]
pub struct PurgeFacts {
    /// The plan.
    pub plan: PurgePlan,
    /// Its run.
    pub run: PurgeRun,
    /// Every step, the planning first, the search last.
    pub steps: Vec<StepTaken>,
    /// The holds that stood.
    pub holds: Vec<LegalHold>,
    /// SHA-256 of the certificate before.
    pub previous: Option<[u8; 32]>,
}

/// One step of a purge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepTaken {
    /// What it came to.
    pub state: PurgeState,
    /// Its entry.
    pub entry: Receipt,
    /// The time of that.
    pub at: Timestamp,
    /// Who took it; none if it was the service.
    pub by: Option<ActorId>,
}

impl Directory {
    /// The purges of the run that is under way that were searched for and have no certificate yet.
    pub async fn purges_to_certify(&self) -> Result<Vec<PurgeId>, StoreError> {
        let Some(running) = self.running().await? else { return Ok(Vec::new()) };
        if running.run.state != PurgeState::Scanned {
            return Ok(Vec::new());
        }
        let waits = |(plan, _): &&(PurgePlan, _)| plan.state == PurgeState::Scanned;
        Ok(running.plans.iter().filter(waits).map(|(plan, _)| plan.id).collect())
    }

    /// What the certificate of this purge is made of; none if it is not to be certified.
    pub async fn purge_facts(&self, purge: PurgeId) -> Result<Option<PurgeFacts>, StoreError> {
        let Some(Running { run, version, plans, .. }) = self.running().await? else {
            return Ok(None);
        };
        let found = plans.into_iter().find(|(plan, _)| plan.id == purge);
        let Some((plan, plan_version)) = found.filter(|_| run.state == PurgeState::Scanned) else {
            return Ok(None);
        };
        let mut entries = vec![(PurgeState::Planned, plan.planned_in(plan_version))];
        let approved = plan.approvals.iter().filter_map(|approval| approval.entry);
        entries.extend(approved.map(|entry| (PurgeState::Approved, entry)));
        entries.extend(run.steps.iter().copied());
        entries.push((run.state, version));
        let mut steps = Vec::with_capacity(entries.len());
        for (state, entry) in entries {
            steps.push(self.step_taken(state, entry).await?);
        }
        let mut holds = self.holds().await?;
        holds.retain(|hold| run.holds.contains(&hold.id));
        let (service, _) = self.service_state().await?;
        Ok(Some(PurgeFacts { plan, run, steps, holds, previous: service.last_certificate }))
    }

    async fn step_taken(&self, state: PurgeState, at: Receipt) -> Result<StepTaken, StoreError> {
        let entries = self.store.entries(at, NonZeroUsize::MIN).await?;
        let entry = entries.first().ok_or(StoreError::Damaged)?;
        let time_ms = i64::try_from(entry.time_ms()).map_err(|_| StoreError::Damaged)?;
        let time = Timestamp::from_millisecond(time_ms).map_err(|_| StoreError::Damaged)?;
        Ok(StepTaken { state, entry: at, at: time, by: entry.actor() })
    }

    /// Puts the certificate of this text on record: the detail of its entry is the text's SHA-256. With
    /// the last one of a run that is over; the child whom the plan was of is no longer named by it.
    pub async fn certify_purge(&self, purge: PurgeId, text: String) -> Result<Receipt, RunError> {
        let running = self.running().await?.ok_or(StoreError::Damaged)?;
        let waiting = self.purges_to_certify().await?;
        if !waiting.contains(&purge) {
            return Err(StoreError::Unavailable.into());
        }
        let found = running.plans.into_iter().find(|(plan, _)| plan.id == purge);
        let (plan, version) = found.ok_or(StoreError::Damaged)?;
        let (service, service_version) = self.service_state().await?;
        let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
        let rests_on = vec![
            Precondition::At(RecordKey::PurgeRun, running.version),
            Precondition::At(RecordKey::Purge(purge), version),
            Precondition::At(RecordKey::Service, service_version),
        ];
        let service = ServiceState { last_certificate: Some(digest), ..service };
        let certified = PurgePlan { state: PurgeState::Certified, ..plan.without_child() };
        let mut writes = vec![
            Write::Put(Record::Purge(Box::new(certified))),
            Write::Put(Record::PurgeCertificate(PurgeCertificate { purge, text })),
            Write::Put(Record::Service(service)),
        ];
        if waiting.len() == 1 {
            writes.push(Write::Remove(RecordKey::PurgeRun));
        }
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::CertifyPurge, None, policy, rests_on);
        let effect = Effect { detail: digest, count: 1, writes, ..Effect::new(Outcome::Done) };
        Ok(self.commit(Commit::permitted(permit, effect)).await?)
    }
}
