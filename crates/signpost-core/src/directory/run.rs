//! Running approved purges: step by step, each on record, each begun anew where a stop cut it short.
//!
//! FROZEN: what the purges take is left out of every answer. COPIED: the next generation is filled with
//! what stays, and the search has found all that is to go. SWITCHED: it is in use. `KEYS_DESTROYED`: the
//! keys of the one before are destroyed, and those of the openings that went. `FILES_REMOVED`: its files
//! are removed. SCANNED: the search finds nothing any more. CERTIFIED: there is a certificate.

mod begin;
mod certify;
mod daily;
mod step;

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::Directory;
use super::clock::MayNotDestroy;
use super::turn::TurnError;
use crate::commit::{Commit, Effect, Precondition, Write};
use crate::id::{PurgeId, Receipt};
use crate::permit::Permit;
use crate::purge::{PurgePlan, PurgeRun, Taken};
use crate::record::{Kind, Record, RecordKey, Scope};
use crate::refusal::Refusal;
use crate::register::ServiceState;
use crate::search::SearchProgress;
use crate::store::StoreError;
use crate::terms::{Action, Outcome, PurgeState};

pub use certify::{PurgeFacts, StepTaken};

/// Which purges a run may begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// All that are due.
    All,
    /// Not those of one child, which wait for each other.
    NoChildren,
}

/// Why a run did not come a step on. Nothing is half done: it goes on from where it is.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing may be destroyed now.
    #[error(transparent)]
    MayNot(#[from] MayNotDestroy),
    /// The store did not do it, or its entry was not written.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The search does not find what is there: what it would not find afterwards would say nothing.
    #[error(
        "of {sought} that are there, the search finds {found}: nothing is destroyed on its word; \
         compare the data directory with the store (signpost store verify)"
    )]
    Blind {
        /// How many are searched for.
        sought: u64,
        /// How many of them were found.
        found: u64,
    },
    /// What is destroyed is still found.
    #[error(
        "{found} of what is destroyed are found still, the first in {file} at offset {offset}: find \
         out what wrote that file, and remove it"
    )]
    StillThere {
        /// How many.
        found: u64,
        /// The first file: `data/` or `keyring/`, and its path there.
        file: String,
        /// Where in it.
        offset: u64,
    },
}

impl From<StoreError> for RunError {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<TurnError> for RunError {
    fn from(error: TurnError) -> Self {
        match error {
            TurnError::MayNot(why) => Self::MayNot(why),
            TurnError::Refused(refusal) => Self::Refused(refusal),
        }
    }
}

/// A run as it is stored, with what its steps are made of.
#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) run: PurgeRun,
    pub(super) version: Receipt,
    pub(super) plans: Vec<(PurgePlan, Receipt)>,
    pub(super) taken: Taken,
}

const PAGE: NonZeroUsize = NonZeroUsize::new(256).expect("not zero");

impl Directory {
    /// Takes the next step of the run that is under way; if there is none, begins one with the purges
    /// that are due. Gives the state that this brought it to; none if there is nothing to do, or what is
    /// left is to be certified ([`Directory::purges_to_certify`]).
    pub async fn step_purges(
        &self,
        due: Due,
        progress: Arc<dyn SearchProgress>,
    ) -> Result<Option<PurgeState>, RunError> {
        let Some(running) = self.running().await? else { return self.begin_run(due).await };
        match running.run.state {
            PurgeState::Frozen => self.copy(running, progress).await.map(Some),
            PurgeState::Copied => self.switch(running).await.map(Some),
            PurgeState::Switched => self.destroy_keys(running).await.map(Some),
            PurgeState::KeysDestroyed => self.remove_files(running).await.map(Some),
            PurgeState::FilesRemoved => self.search_again(running, progress).await.map(Some),
            PurgeState::Scanned => Ok(None),
            PurgeState::Planned
            | PurgeState::Approved
            | PurgeState::Certified
            | PurgeState::Cancelled
            | PurgeState::Expired => Err(StoreError::Damaged.into()),
        }
    }

    /// Whether purges are being run: then nothing else turns the store.
    pub async fn is_purging(&self) -> Result<bool, StoreError> {
        Ok(self.store.read(&RecordKey::PurgeRun).await?.is_some())
    }

    /// The run that is under way, and what it takes.
    pub(super) async fn running(&self) -> Result<Option<Running>, StoreError> {
        let Some(stored) = self.store.read(&RecordKey::PurgeRun).await? else { return Ok(None) };
        let Record::PurgeRun(run) = stored.record else { return Err(StoreError::Damaged) };
        let mut plans = Vec::with_capacity(run.plans.len());
        for id in &run.plans {
            plans.push(self.plan_of(*id).await?);
        }
        let mut holds = self.holds().await?;
        holds.retain(|hold| run.holds.contains(&hold.id));
        let taken = Taken::new(plans.iter().map(|(plan, _)| plan), &holds);
        Ok(Some(Running { run: *run, version: stored.version, plans, taken }))
    }

    /// What the purges take that are frozen: left out of what is read of a child.
    pub(super) async fn frozen(&self, service: &ServiceState) -> Result<Taken, StoreError> {
        if service.frozen.is_empty() {
            return Ok(Taken::default());
        }
        // Between two reads the run may have ended: the commit rests on the service's state, and fails.
        Ok(self.running().await?.map_or_else(Taken::default, |running| running.taken))
    }

    async fn plan_of(&self, id: PurgeId) -> Result<(PurgePlan, Receipt), StoreError> {
        let stored = self.store.read(&RecordKey::Purge(id)).await?.ok_or(StoreError::Damaged)?;
        let Record::Purge(plan) = stored.record else { return Err(StoreError::Damaged) };
        Ok((*plan, stored.version))
    }

    /// Every plan.
    async fn plans(&self) -> Result<Vec<PurgePlan>, StoreError> {
        let (mut plans, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.scan(&Scope::Kind(Kind::Purge), after.as_ref(), PAGE).await?;
            let is_last = page.len() < PAGE.get();
            after = page.last().map(|stored| stored.record.key());
            for stored in page {
                let Record::Purge(plan) = stored.record else { return Err(StoreError::Damaged) };
                plans.push(*plan);
            }
            if is_last {
                return Ok(plans);
            }
        }
    }

    pub(super) async fn service_state(&self) -> Result<(ServiceState, Receipt), StoreError> {
        let stored = self.store.read(&RecordKey::Service).await?.ok_or(StoreError::Damaged)?;
        let Record::Service(state) = stored.record else { return Err(StoreError::Damaged) };
        let policy_since = Some(state.in_force_since(stored.version));
        Ok((ServiceState { policy_since, ..state }, stored.version))
    }

    /// Puts a step of a run on record, with what it writes; the entry counts the purges.
    async fn record_step(
        &self,
        run: &PurgeRun,
        rests_on: Vec<Precondition>,
        mut writes: Vec<Write>,
    ) -> Result<Receipt, Refusal> {
        let policy = self.policy.digest();
        let permit = Permit::of_service(Action::AdvancePurge, None, policy, rests_on);
        writes.push(Write::Put(Record::PurgeRun(Box::new(run.clone()))));
        let effect = Effect {
            detail: PurgeRun::detail(run.id, run.state),
            count: u32::try_from(run.plans.len()).unwrap_or(u32::MAX),
            writes,
            ..Effect::new(Outcome::Done)
        };
        self.commit(Commit::permitted(permit, effect)).await
    }
}
